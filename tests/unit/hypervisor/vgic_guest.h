/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cell of three CPUs for the emulated GIC. The hardware is played: physical
 * enable, pending and active bits, and a guest that acknowledges and ends what is
 * in its list registers.
 */
#ifndef TESTS_HYPERVISOR_VGIC_GUEST_H
#define TESTS_HYPERVISOR_VGIC_GUEST_H

#include "vgic.h"

#define NR_CPUS		3
#define NR_IRQS		128
#define NR_LRS		4
#define NR_LPIS		256
#define HW_SPI		40	/* to 63 */
#define SOFT_SPI	64	/* to 95; above: not owned */
#define TIMER		27

struct hw_irq {
	bool enabled, pending, active, edge;
	u32 route;
};

extern struct vgic vgic;
extern struct vgic_cpu cpus[NR_CPUS];
extern struct vgic_irq spis[NR_IRQS - 32];
extern u64 lpi_maps[NR_CPUS][NR_LPIS / 64];
extern struct hw_irq hw[NR_CPUS][NR_IRQS];	/* SPIs in [0] */
extern u64 kicked;

/* All CPUs are there, both groups are on, no interrupt is enabled. */
int setup(void **state);

#define TEST(name) cmocka_unit_test_setup(name, setup)

/* What must hold whatever happens. */
void check_all(void);

/* What a CPU does when it was kicked. Static: libc has one of that name. */
static inline void sync(u32 c)
{
	vgic_lock(&vgic);
	vgic_cpu_sync(&vgic, &cpus[c]);
	vgic_unlock(&vgic);
	check_all();
}

u32 lr_intid(u64 lr);
/* Acknowledges the most urgent pending interrupt; 1023: none. */
u32 ack(u32 c);
void eoi(u32 c, u32 intid);
/* The end of it in this CPU's list register brings EL2 in. */
bool eoi_is_maintenance(u32 c, u32 intid);

struct vgic_irq *irq_of(u32 c, u32 intid);
/* An event of the hardware, or of EL2. */
void pend(u32 c, u32 intid);
void set_line(u32 intid, bool high);

/* The guest's accesses; those below are of CPU 0, or to one's own, and handled. */
enum mmio_result dist(u32 c, u64 offset, u8 size, bool write, u64 *value);
enum mmio_result redist(u32 c, u64 offset, u8 size, bool write, u64 *value);
void dist_write(u64 offset, u8 size, u64 value);
u64 dist_read(u64 offset, u8 size);
void redist_write(u32 c, u64 offset, u8 size, u64 value);
u64 redist_read(u32 c, u64 offset, u8 size);
/* An SPI is routed to the CPU. */
void enable(u32 c, u32 intid, u8 priority);

#endif /* TESTS_HYPERVISOR_VGIC_GUEST_H */
