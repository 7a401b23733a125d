/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cells and their virtual CPUs. */
#ifndef HV_CELL_H
#define HV_CELL_H

#include <hvisor/cell.h>

#include "mmio.h"
#include "paging.h"
#include "spinlock.h"
#include "vgic.h"

enum vcpu_state {
	VCPU_OFF,		/* its CPU waits at EL2 */
	VCPU_ON_PENDING,	/* entry is set, its CPU has not looked yet */
	VCPU_ON,
};

/**
 * struct vcpu - a CPU as its cell sees it
 * @cpu: physical CPU, fixed for the life of the cell. It runs the vcpu only
 *	while cpu->vcpu points back here.
 * @state: by vcpu_set_state(), under cell->lock
 * @entry: @context: where to begin and with which x0; valid in ON_PENDING
 * @clean: in ON_PENDING: clean the cell's memory first
 * @paused: its CPU waits for the cell to be resumed; under cell->lock
 * @vmpidr: what MPIDR_EL1 reads
 * @stats: in the cell's page
 */
struct vcpu {
	struct cell *cell;
	struct percpu *cpu;
	u32 id;
	enum vcpu_state state;
	u64 entry;
	u64 context;
	bool clean;
	bool paused;
	u64 vmpidr;
	struct hvisor_cpu_stats *stats;
	struct vgic_cpu vgic;
};

/**
 * struct cell - a partition. Static: a look-up never meets freed memory
 * @lock: states of the cell and its vcpus, @page; below life_lock, above
 *	device->lock
 * @state: HVISOR_CELL_*; NONE: all the rest is of no account
 * @end_state: @end_reason: what the last CPU to park makes of the cell, if it
 *	was not a mere CPU_OFF; NONE: the cell is not asked to stop
 * @pausing: no vcpu may enter the guest, those that are there shall wait
 * @dead: steps of destroy that are done
 * @next_block: whence destroy looks for lent memory
 * @page: what root sees of it
 * @s2: stage 2
 * @vttbr: VTTBR_EL2
 * @mmio: emulated regions
 * @vcpus: one page each
 * @vgic: has a lock of its own, and a line apart from what exits look up
 */
struct cell {
	u32 id;
	spinlock_t lock;
	u32 state;
	u32 end_state;
	u32 end_reason;
	bool pausing;
	u32 dead;
	u64 next_block;
	struct hvisor_cell_page *page;
	struct paging s2;
	u64 vttbr;
	u32 nr_vcpus;
	struct vcpu *vcpus[HVISOR_MAX_CPUS];
	struct mmio_table mmio;
	struct vgic vgic __aligned(CACHE_LINE);
};

extern struct cell root_cell;

static inline bool cell_is_root(const struct cell *cell)
{
	return cell->id == HVISOR_ROOT_CELL;
}

/* By id; NULL: none. May be gone when its lock is taken: see cell->state. */
struct cell *cell_get(u32 id);
/* The object of a cell that is or may be, 1 to HVISOR_MAX_CELLS - 1. */
struct cell *cell_slot(u32 id);
struct vcpu *cell_vcpu_by_mpidr(struct cell *cell, u64 mpidr);

/* Makes the root cell: page, vcpus, stage 2, vGIC, interrupts. Panics. */
void cell_root_init(void);

/* Changes the vcpu's state and publishes it. Context: cell->lock held. */
void vcpu_set_state(struct vcpu *vcpu, enum vcpu_state state);

/*
 * Around changes of the cell's page that belong together. Context: cell->lock
 * held.
 */
void cell_page_begin(struct cell *cell);
void cell_page_end(struct cell *cell);
/* Changes the state, publishes it, tells root. Context: cell->lock held. */
void cell_set_state(struct cell *cell, u32 state, u32 reason);

/* -- cell-life.c; context: no lock -- */

/* New cell; its id or as HVISOR_HC_CELL_CREATE says. */
int cell_create(const struct hvisor_cell_desc *desc, u32 root_word);
/* One more step; -EAGAIN: not the last. -ENOENT. */
int cell_destroy(struct cell *cell);

/* -- cell-memory.c; context, for this and the rest: cell->lock held -- */

int cell_add_memory(struct cell *cell, const struct hvisor_memory_batch *batch);
/* As HVISOR_HC_CELL_LIST_MEMORY: from @ipa on; gives where to go on. */
u64 cell_list_memory(const struct cell *cell, u64 ipa, struct hvisor_memory_batch *ret_batch);

/* -- cell-run.c -- */

/* @which: the device, or ~0, that -EAGAIN and -ENODEV are about. */
int cell_load(struct cell *cell, u32 *which);
int cell_start(struct cell *cell, u64 entry, u64 context);
int cell_stop(struct cell *cell);
/* @again: goes on with a pause, but begins none. */
int cell_pause(struct cell *cell, bool again);
int cell_resume(struct cell *cell);
/* A CPU of the cell waits: the last one makes it PAUSED. */
void cell_cpu_paused(struct cell *cell);
/* All its CPUs shall park, then it is in @state. False: it is on its way out. */
bool cell_end(struct cell *cell, u32 state, u32 reason);
bool cell_parked(const struct cell *cell);
/* A CPU of the cell has parked: the last one makes an end. */
void cell_cpu_parked(struct cell *cell);
/* Caches of all of the cell's memory, on its first CPU. Context: no lock. */
void cell_clean_memory(struct cell *cell);

struct trap_frame;

/*
 * The cell of this CPU did what cannot be answered: keeps the registers,
 * stops all its CPUs. Does not return to the guest.
 */
void __noreturn cell_fail(u32 reason, const struct trap_frame *frame, u64 esr, u64 far, u64 ipa);

/* The vcpu has ended and left an SError behind. Its cell's lock is held. */
void cell_left_serror(struct vcpu *vcpu, u64 syndrome);

/* PSCI SYSTEM_OFF and SYSTEM_RESET of a guest: of root, the machine's. */
void __noreturn cell_system_off(struct cell *cell);
void __noreturn cell_system_reset(struct cell *cell);

/*
 * Maps pages of the pool into root at their own address, all or none, or takes
 * them away, for which root's TLBs are flushed once. Never touches a live block:
 * the tables are there since boot.
 */
int mem_share_with_root(u64 pa, u32 pages, bool writable);
int mem_unshare_with_root(u64 pa, u32 pages);

/* -- supplied by the architecture -- */

/* Guest registers into a failure report; @frame NULL: they are gone. */
void arch_failure_fill(struct hvisor_failure *failure, const struct trap_frame *frame);
/* One block to memory, past all caches. */
void arch_block_clean(u64 pa);
/* No CPU executes instructions older than the memory's. */
void arch_code_sync(void);
/* Stage 2 of a cell that nobody runs: TLB entries, then tables. */
void arch_s2_exit(struct cell *cell);

#endif /* HV_CELL_H */
