/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cell of two CPUs with the devices that a test adds, and all of EL2 around them:
 * what the devices ask of it stands in world.
 */
#ifndef TESTS_HYPERVISOR_DEVICE_WORLD_H
#define TESTS_HYPERVISOR_DEVICE_WORLD_H

#include "cell.h"
#include "device.h"
#include "vgic.h"

#define IPA	0x0a000000UL
#define RAM	0x40000000UL
#define IRQ	48

/* What the world did, for the tests to look at, and how it is to behave. */
struct world {
	int pages;		/* of the pool, in use */
	int shared;
	int alloc_left;		/* allocations before the pool is empty */
	int share_left;
	int mapped;		/* register pages that the guest sees */
	int max_mapped;
	int root_irqs;
	int guest_irqs;
	bool line;
	int withdrawn;
	int events[3];		/* SGIs, by CPU */
	u64 now;
	u64 armed;
	u8 args[4096];
	void (*while_waiting)(void);
	int waits;
	bool synced;		/* list registers, since the last wait */
};

extern struct world world;
extern struct cell cell;
extern struct hvisor_cell_page cell_page;
extern struct vgic_irq irqs[256];

/* A cell that is being assembled, without devices; its CPU 0 runs. */
int setup(void **state);
/* Fails if the cell leaves anything behind. */
int teardown(void **state);

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* For add() and declare(), to be changed. */
struct hvisor_device_desc virtio_desc(void);
struct hvisor_device_desc foreign_desc(void);
struct hvisor_device_decl virtio_decl(void);

/* A call of root's that is about a device of the cell. */
s64 call(s64 (*handler)(struct hypercall *), u64 device, u64 a3, u64 a4, u64 a5);
s64 declare(u64 device, const struct hvisor_device_decl *decl);
s64 add(const struct hvisor_device_desc *desc);

/* A virtio device with backend and driver, queue 0 ready. */
struct device *driven_device(u32 deadline, u32 policy);
/* A foreign region with a backend. */
struct device *foreign_device(u32 deadline, u32 policy);

/* The guest's accesses: to a register of the first virtio device, to anything. */
enum mmio_result store(u32 offset, u64 value);
enum mmio_result load(u64 ipa, u8 size, u64 *value);

struct hvisor_bell_page *bell(void);
/* For world.while_waiting: the backend answers a load of 8 bytes at offset 0x28. */
void answer_load(void);

#endif /* TESTS_HYPERVISOR_DEVICE_WORLD_H */
