/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the emulated GIC: what vgic.c and vgic-sync.c have in common. */
#ifndef HV_VGIC_IRQ_H
#define HV_VGIC_IRQ_H

#include "vgic.h"

static inline struct vgic_cpu *irq_cpu(struct vgic *vgic, const struct vgic_irq *irq)
{
	return irq->intid < VGIC_NR_PRIVATE ? vgic->cpus[irq->target] : NULL;
}

static inline bool irq_allowed(const struct vgic *vgic, const struct vgic_irq *irq)
{
	u32 group = irq->group1 ? VGIC_CTLR_GRP1 : VGIC_CTLR_GRP0;

	return irq->enabled && (vgic->ctlr & group);
}

static inline bool irq_deliverable(const struct vgic *vgic, const struct vgic_irq *irq)
{
	return irq->pending && irq_allowed(vgic, irq);
}

static inline bool irq_wanted(const struct vgic *vgic, const struct vgic_irq *irq)
{
	return irq->active || irq_deliverable(vgic, irq);
}

static inline bool irq_level_high(const struct vgic_irq *irq)
{
	return irq->line && !irq->edge;
}

/* It is not active any more. */
static inline void irq_ended(struct vgic_irq *irq)
{
	if (irq_level_high(irq))
		irq->pending = true;
}

static inline void vgic_mark(struct vgic *vgic, struct vgic_cpu *cpu)
{
	cpu->dirty = true;
	vgic->kick |= BIT(cpu->id);
}

/* Into the queue of the vcpu that takes it, if it is to be delivered or active. */
void vgic_irq_queue(struct vgic *vgic, struct vgic_irq *irq);
void vgic_irq_unqueue(struct vgic *vgic, struct vgic_irq *irq);
/* The physical interrupt behind @irq may come again. */
void vgic_irq_deactivate(struct vgic *vgic, struct vgic_irq *irq);
/*
 * A physical interrupt was taken but its guest has disabled it: leave it
 * pending in the physical GIC, as if it had never been taken. A level is
 * pending there by itself for as long as the device asserts it.
 */
void vgic_irq_give_back(struct vgic *vgic, struct vgic_irq *irq);
void vgic_irq_reset(struct vgic_irq *irq);
/* The vcpu with this affinity, or VGIC_NONE. */
u8 vgic_route_target(const struct vgic *vgic, u64 route);

#endif /* HV_VGIC_IRQ_H */
