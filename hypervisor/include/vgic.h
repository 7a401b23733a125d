/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of an emulated GICv3 (IHI 0069), one for each cell. Pure: it touches
 * no hardware but by the vgic_hw_*() functions, which the physical driver
 * (drivers/irqchip/gicv3-vcpu.c) or a test supplies.
 */
#ifndef HV_VGIC_H
#define HV_VGIC_H

#include "mmio.h"
#include "spinlock.h"
#include "types.h"

#define VGIC_MAX_LRS		16
#define VGIC_MAX_CPUS		64
#define VGIC_NONE		0xff
#define VGIC_NR_SGIS		16
#define VGIC_NR_PRIVATE		32
#define VGIC_LPI_BASE		8192
#define VGIC_MAX_INTID		1020	/* SPIs end below it */

/* List register fields, ICH_LR<n>_EL2 (IHI 0069, 12.4.9). */
#define VGIC_LR_PENDING		BIT(62)
#define VGIC_LR_ACTIVE		BIT(63)
#define VGIC_LR_STATE		(VGIC_LR_PENDING | VGIC_LR_ACTIVE)
#define VGIC_LR_HW		BIT(61)
#define VGIC_LR_GROUP1		BIT(60)
#define VGIC_LR_PRIORITY_SHIFT	48
#define VGIC_LR_PINTID_SHIFT	32
#define VGIC_LR_EOI		BIT(41)	/* not with HW: maintenance interrupt at its end */

/* Maintenance interrupts wanted, ICH_HCR_EL2 (IHI 0069, 12.4.6). */
#define VGIC_HCR_UIE		BIT(1)
#define VGIC_HCR_LRENPIE	BIT(2)
#define VGIC_HCR_NPIE		BIT(3)

/* GICD_CTLR of a distributor with one security state. */
#define VGIC_CTLR_GRP0		BIT(0)
#define VGIC_CTLR_GRP1		BIT(1)

/* vgic_irq.ops: what the CPU that has it in a list register shall do. */
#define VGIC_OP_LOOK		BIT(0)	/* enable, route or priority changed */
#define VGIC_OP_CLEAR_PENDING	BIT(1)
#define VGIC_OP_CLEAR_ACTIVE	BIT(2)
#define VGIC_OP_SET_ACTIVE	BIT(3)

/**
 * struct vgic_irq - an SGI, PPI or SPI; all under vgic.lock
 * @next: queue of the vcpu @queued
 * @route: GICD_IROUTER, SPIs
 * @target: vcpu that takes it, VGIC_NONE: nobody; fixed for SGIs and PPIs
 * @queued: vcpu whose queue it is in, VGIC_NONE
 * @lr: list register of that vcpu, VGIC_NONE; never two at a time
 * @owned: the cell has it; else its register bits are RAZ/WI
 * @hw: stands for the physical interrupt of the same number. While pending or
 *	active here that is active in the physical GIC.
 * @line: what vgic_set_line() has said last; as a level it makes the interrupt
 *	pending whenever it is not
 * @pending: and not (yet) so in a list register
 * @active: as known when the list register was last read
 * @lr_pending: the list register's pending bit then
 * @ops: VGIC_OP_*, only while in a list register
 */
struct vgic_irq {
	struct vgic_irq *next;
	u64 route;
	u16 intid;
	u8 priority;
	u8 target;
	u8 queued;
	u8 lr;
	u8 ops;
	bool owned;
	bool hw;
	bool enabled;
	bool group1;
	bool edge;
	bool line;
	bool pending;
	bool active;
	bool lr_pending;
};

/**
 * struct vgic_cpu - redistributor and list registers of one vcpu
 * @number: GICR_TYPER.Processor_Number
 * @online: it runs (or is about to); interrupts queue only on such
 * @dirty: vgic_cpu_sync() has something to do
 * @sleep: GICR_WAKER.ProcessorSleep
 * @nr_lr: list registers of its CPU
 * @lr: their values: read from hardware before vgic_cpu_sync(), written after
 * @lr_irq: what is in each; NULL with @lr not 0: an LPI
 * @hcr: VGIC_HCR_* wanted
 * @eoi_count: in: EOIs that met no list register (ICH_HCR_EL2.EOIcount)
 * @queue: pending or active interrupts, in no order
 * @lpi_map: @lpi_count: LPIs that wait for a list register
 * @fold_addr: @fold_asked: a read of state that waits for other vcpus
 */
struct vgic_cpu {
	u32 id;
	u32 number;
	bool online;
	bool dirty;
	bool sleep;
	u8 nr_lr;
	u32 hcr;
	u32 eoi_count;
	u64 affinity;
	u64 lr[VGIC_MAX_LRS];
	struct vgic_irq *lr_irq[VGIC_MAX_LRS];
	struct vgic_irq *queue;
	u64 *lpi_map;
	u32 lpi_count;
	u64 fold_addr;
	u64 fold_asked;
	struct vgic_irq priv[VGIC_NR_PRIVATE];
};

/**
 * struct vgic - the distributor
 * @nr_irqs: INTIDs below the first LPI, multiple of 32 or VGIC_MAX_INTID
 * @id_bits: GICD_TYPER.IDbits
 * @ctlr: VGIC_CTLR_*
 * @spis: INTID 32 and up
 * @kick: vcpus to be told when the lock is dropped
 * @ops: interrupts with ops outstanding: GICD_CTLR.RWP
 * @nr_lpis: LPIs passed through, 0: none
 * @lpi_priority: of each LPI that was ever pending
 */
struct vgic {
	spinlock_t lock;
	u32 nr_irqs;
	u32 id_bits;
	u32 ctlr;
	u32 nr_cpus;
	u32 ops;
	u64 kick;
	struct vgic_cpu *cpus[VGIC_MAX_CPUS];
	struct vgic_irq *spis;
	u32 nr_lpis;
	u8 *lpi_priority;
};

/* -- vgic.c: state; vgic-sync.c: list registers -- */

/* Interrupts as after reset; ownership stays. @spis has nr_irqs - 32 entries. */
void vgic_init(struct vgic *vgic, u32 nr_irqs, struct vgic_irq *spis);
void vgic_add_cpu(struct vgic *vgic, struct vgic_cpu *cpu, u64 affinity, u8 nr_lr);
/* The cell owns @intid from now on; private ones on each of its vcpus. */
void vgic_own(struct vgic *vgic, u32 intid, bool hw);
/* All as after reset; no vcpu is online. */
void vgic_reset(struct vgic *vgic);

void vgic_lock(struct vgic *vgic);
/* Tells the vcpus that have something to do. */
void vgic_unlock(struct vgic *vgic);

/* NULL: not owned. @cpu counts for private ones only. Lock held, as below. */
struct vgic_irq *vgic_irq_get(struct vgic *vgic, struct vgic_cpu *cpu, u32 intid);
void vgic_set_pending(struct vgic *vgic, struct vgic_irq *irq);
void vgic_clear_pending(struct vgic *vgic, struct vgic_irq *irq);
/* The input of an emulated device's interrupt. It outlives a reset, as the device does. */
void vgic_set_line(struct vgic *vgic, struct vgic_irq *irq, bool high);
void vgic_set_active(struct vgic *vgic, struct vgic_irq *irq, bool active);
void vgic_set_enabled(struct vgic *vgic, struct vgic_irq *irq, bool enabled);
void vgic_set_route(struct vgic *vgic, struct vgic_irq *irq, u64 route);
void vgic_set_ctlr(struct vgic *vgic, u32 ctlr);
/* Enable, priority or group of an interrupt in a list register changed. */
void vgic_irq_changed(struct vgic *vgic, struct vgic_irq *irq);
void vgic_set_lpi_pending(struct vgic *vgic, struct vgic_cpu *cpu, u32 intid, u8 priority);

/* List registers in, new list registers and hcr out. */
void vgic_cpu_sync(struct vgic *vgic, struct vgic_cpu *cpu);
/* The vcpu comes up; gets what waits for it. */
void vgic_cpu_online(struct vgic *vgic, struct vgic_cpu *cpu);
/* The vcpu goes; list registers are read before and zero after. */
void vgic_cpu_offline(struct vgic *vgic, struct vgic_cpu *cpu);

/* -- vgic-mmio.c: registers; they take the lock -- */

/* @cpu: who accesses. @access.addr: offset in the distributor. */
enum mmio_result vgic_dist_access(struct vgic *vgic, struct vgic_cpu *cpu,
				  struct mmio_access *access);
/* @access.addr: offset from the first redistributor. */
enum mmio_result vgic_redist_access(struct vgic *vgic, struct vgic_cpu *cpu,
				    struct mmio_access *access);
/* ICC_SGI1R_EL1 and its like, @group1: which group the SGI must be of. */
void vgic_send_sgi(struct vgic *vgic, struct vgic_cpu *cpu, u64 sgir, bool group1);

/*
 * -- supplied by the physical driver --
 * @cpu: whose PPI; NULL for SPIs. Lock held, but for vgic_kick().
 */
void vgic_hw_enable(struct vgic_cpu *cpu, u32 intid, bool enable);
void vgic_hw_set_pending(struct vgic_cpu *cpu, u32 intid, bool pending);
bool vgic_hw_pending(struct vgic_cpu *cpu, u32 intid);
void vgic_hw_set_active(struct vgic_cpu *cpu, u32 intid, bool active);
void vgic_hw_config(struct vgic_cpu *cpu, u32 intid, bool edge);
void vgic_hw_route(u32 intid, struct vgic_cpu *target);
/* LPI registers of the vcpu's redistributor, where they are passed through. */
void vgic_hw_redist(struct vgic_cpu *cpu, struct mmio_access *access);
/* The vcpu's CPU shall call vgic_cpu_sync() before it enters the guest next. */
void vgic_kick(struct vgic_cpu *cpu);

#endif /* HV_VGIC_H */
