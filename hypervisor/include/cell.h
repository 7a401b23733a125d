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
	u64 vmpidr;
	struct hvisor_cpu_stats *stats;
	struct vgic_cpu vgic;
};

/**
 * struct cell - a partition
 * @lock: @page's states, vcpu states
 * @page: what root sees of it
 * @s2: stage 2
 * @vttbr: VTTBR_EL2
 * @mmio: emulated regions
 * @vcpus: one page each
 */
struct cell {
	u32 id;
	spinlock_t lock;
	struct hvisor_cell_page *page;
	struct paging s2;
	u64 vttbr;
	u32 nr_vcpus;
	struct vcpu *vcpus[HVISOR_MAX_CPUS];
	struct mmio_table mmio;
	struct vgic vgic;
};

extern struct cell root_cell;

static inline bool cell_is_root(const struct cell *cell)
{
	return cell->id == HVISOR_ROOT_CELL;
}

/* By id; NULL: none. */
struct cell *cell_get(u32 id);
struct vcpu *cell_vcpu_by_mpidr(struct cell *cell, u64 mpidr);

/* Makes the root cell: page, vcpus, stage 2, vGIC, interrupts. Panics. */
void cell_root_init(void);

/* Changes the vcpu's state and publishes it. Context: cell->lock held. */
void vcpu_set_state(struct vcpu *vcpu, enum vcpu_state state);

struct trap_frame;

/*
 * The cell of this CPU did what cannot be answered: keeps the registers,
 * stops all its CPUs. Does not return to the guest.
 */
void __noreturn cell_fail(u32 reason, const struct trap_frame *frame, u64 esr, u64 far, u64 ipa);

/* PSCI SYSTEM_OFF and SYSTEM_RESET of a guest: of root, the machine's. */
void __noreturn cell_system_off(struct cell *cell);
void __noreturn cell_system_reset(struct cell *cell);

/*
 * Maps one pool page into root at its own address, or takes it away. Never
 * touches a live block: the tables are there since boot.
 */
int mem_share_with_root(u64 pa, bool writable);
int mem_unshare_with_root(u64 pa);

#endif /* HV_CELL_H */
