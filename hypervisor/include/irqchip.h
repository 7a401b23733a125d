/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The physical interrupt controller, as generic code sees it, and the entry
 * points for interrupts that others raise in a cell.
 */
#ifndef HV_IRQCHIP_H
#define HV_IRQCHIP_H

#include "types.h"

struct cell;
struct percpu;
struct vcpu;

void irqchip_init(void);
void irqchip_cpu_init(struct percpu *cpu);
u32 irqchip_nr_irqs(void);

/* Interrupts the CPU at EL2: it shall look at its requests. */
void irqchip_send_event(const struct percpu *cpu);
/* The same: it shall call irqchip_fold_raised(). */
void irqchip_send_raise(const struct percpu *cpu);

/* What an exit was about. */
enum irq_kind {
	IRQ_NONE,		/* gone before it was acknowledged */
	IRQ_EVENT,		/* one of EL2's SGIs */
	IRQ_MAINTENANCE,	/* list registers are to be filled */
	IRQ_GUEST,
};

/* Takes all physical interrupts that are pending; gives the first one's kind. */
enum irq_kind irqchip_handle_irqs(struct percpu *cpu);

/* The vcpu's list registers against its vGIC state, if something changed. */
void irqchip_sync(struct vcpu *vcpu);
/* Virtual interface and private physical interrupts as after reset. */
void irqchip_vcpu_reset(struct vcpu *vcpu);
/* Leaves nothing of the vcpu in this CPU. */
void irqchip_vcpu_exit(struct vcpu *vcpu);
/* An interrupt waits in a list register (for a standby that must not sleep). */
bool irqchip_vcpu_pending(const struct vcpu *vcpu);

/*
 * Makes interrupt @intid (an SPI) of @cell pending. Any CPU, no lock of a
 * vGIC held. -EINVAL: not an SPI that the cell owns.
 */
int irqchip_inject_irq(struct cell *cell, u32 intid);
/* Its input is high, or low, from now on. As above. */
int irqchip_set_line(struct cell *cell, u32 intid, bool high);

/* Puts GIC pages of @cell under emulation; root's LPIs are passed through. */
int irqchip_cell_init(struct cell *cell, u64 gicd, u64 gicr);

/* What irqchip_cell_init() has made, if it did; the vcpus are there still. */
void irqchip_cell_exit(struct cell *cell);

/* Root's interrupt for cell @id. */
u32 irqchip_root_spi(u32 id);

/* -- raise.c -- */

/*
 * Makes root's interrupt for cell @id pending. Any CPU, no lock of root's vGIC
 * held; but for root's own CPUs none is taken.
 */
void irqchip_raise_root(u32 id);
/* What was raised becomes pending in root's vGIC. Context as above; takes its lock. */
void irqchip_fold_raised(void);
/* Root's CPU @cpu goes: it is sent no more of these. Context: that lock is held. */
void irqchip_raise_elsewhere(u32 cpu);

#endif /* HV_IRQCHIP_H */
