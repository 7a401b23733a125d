/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual devices of cells: their life, their pages, who waits for them. */
#ifndef HV_DEVICE_H
#define HV_DEVICE_H

#include <hvisor/hypercall.h>

#include "hypercall.h"
#include "mmio.h"
#include "slot.h"
#include "spinlock.h"
#include "virtio-mmio.h"

struct cell;
struct vcpu;

/**
 * struct device - a virtual device. Static: a look-up never meets freed memory
 * @lock: all of it but @waits[].result; below cell->lock, above vgic.lock. From
 *	@policy on a notification reads without it: that changes while no CPU of the
 *	cell runs, and @vm.live by single stores. So it is in lines of its own.
 * @used: it exists
 * @quiet: no backend is bound and the last one left nothing in flight
 * @touched: of a foreign region: the guest has made use of it since it was reset
 * @line: likewise: its interrupt is asserted
 * @page: as EL2 knows the device; root reads it
 * @deadline: of a blocking request, in ticks; 0: never
 * @state: the backend's area; EL2 zeroes it once and never reads it
 * @waits: EL2's side of @page->slots
 */
struct device {
	spinlock_t lock;
	bool used;
	bool quiet;
	bool touched;
	bool line;
	u32 policy __aligned(CACHE_LINE);
	u64 deadline;
	struct cell *cell;
	struct hvisor_device_page *page;
	struct virtio_mmio vm;
	void *state;
	struct slot_wait waits[HVISOR_MAX_CELL_CPUS] __aligned(CACHE_LINE);
};

/**
 * struct cell_devices - what a cell has of them
 * @bell: both EL2 and root write it
 * @log: what the guest wrote to its early console
 * @lock: @log
 */
struct cell_devices {
	u32 count;
	struct hvisor_bell_page *bell;
	struct hvisor_log *log;
	spinlock_t lock __aligned(CACHE_LINE);
	struct device devices[HVISOR_MAX_DEVICES];
};

struct cell_devices *devices_of(const struct cell *cell);

/* -- device.c: life -- */

/* Doorbells and log of a new cell. -ENOMEM. */
int devices_cell_init(struct cell *cell);
/* All devices go, then doorbells and log. No CPU of the cell runs. */
void devices_cell_exit(struct cell *cell);
/*
 * The last CPU of the cell has parked: cancels what CPUs waited for and asks
 * the backends to let go. Context: cell->lock held.
 */
void devices_quiesce(struct cell *cell);
/*
 * Devices as after power-on. -ENODEV: @which was never declared; -EAGAIN: it has
 * not answered yet; nothing is changed then. Context: cell->lock held.
 */
int devices_load(struct cell *cell, u32 *which);
/*
 * -EINVAL, -EEXIST (name, address, interrupt), -ENOSPC, -ENOMEM or the index.
 * Context: cell->lock held, cell CREATED.
 */
int device_create(struct cell *cell, const struct hvisor_device_desc *desc);

/* -- device-request.c: a guest's accesses, and who waits -- */

enum mmio_result device_virtio_access(void *arg, struct mmio_access *access);
enum mmio_result device_foreign_access(void *arg, struct mmio_access *access);
/*
 * A load of the guest faulted at @ipa. True: a register page, which is there
 * (again) for its next try; such a load is never decoded.
 */
bool device_read_retry(struct cell *cell, u64 ipa);

/* For all: device->lock is held. */
void device_interrupt(struct device *device);
/* The interrupt of a foreign region; it has one. */
void device_set_line(struct device *device, bool high);
void device_set_failed(struct device *device);
void device_reset(struct device *device);
int device_answer(struct device *device, u32 cpu, u64 seq, u64 value);
void device_cancel_all(struct device *device);

/* Root has something to look at. Any context. */
void devices_tell(struct cell *cell);
/* The state of the cell changed. Any context. */
void devices_cell_event(struct cell *cell);

/* -- earlycon.c -- */

void earlycon_render(volatile u32 *regs);
enum mmio_result earlycon_access(void *arg, struct mmio_access *access);

/* -- device-hypercall.c -- */

s64 hc_cell_add_device(struct hypercall *hc);
s64 hc_device_declare(struct hypercall *hc);
s64 hc_device_answer(struct hypercall *hc);
s64 hc_device_interrupt(struct hypercall *hc);
s64 hc_device_release(struct hypercall *hc);
s64 hc_device_config(struct hypercall *hc);
s64 hc_device_fail(struct hypercall *hc);

/* -- supplied by the architecture -- */

/* A zeroed page, mapped as device memory at EL2 and cached nowhere; or NULL. */
volatile u32 *arch_regs_alloc(void);
void arch_regs_free(volatile u32 *regs);
/* Readable to the guest at @ipa. -EEXIST, -EINVAL, -ENOMEM. */
int arch_regs_map(struct cell *cell, u64 ipa, volatile u32 *regs);
/* No load of the guest is served any more when it returns. */
void arch_regs_unmap(struct cell *cell, u64 ipa);
/* Guests see what was written to register pages. */
void arch_regs_sync(void);
/* 0; -EEXIST: something is mapped there; -EINVAL: beyond what a guest can reach. */
int arch_ipa_check(const struct cell *cell, u64 ipa, u64 size);
/* May the guest read (write) all of it, and is it memory? */
bool arch_memory_reachable(const struct cell *cell, u64 ipa, u64 size, bool write);
/* Until an interrupt is pending; the guest's virtual ones do not count. */
void arch_vcpu_wait(void);

#endif /* HV_DEVICE_H */
