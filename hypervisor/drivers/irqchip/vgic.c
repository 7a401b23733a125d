// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * State of the emulated GIC: which interrupts are pending and active, and
 * which of them are in list registers.
 *
 * An interrupt that is pending (and may be delivered) or active is in the
 * queue of exactly one vcpu. When that vcpu synchronises, its list registers
 * are folded back into the state, and the most urgent members of the queue are
 * put into list registers. The rest stays here; a maintenance interrupt then
 * brings the CPU back when list registers become free.
 *
 * Another CPU never touches a list register: it leaves an order in irq->ops,
 * or just a new state, marks the vcpu dirty and kicks it. Until the order is
 * carried out GICD_CTLR.RWP reads 1.
 *
 * A level of an emulated device that is still high when the guest has ended its
 * interrupt makes that pending anew: while it is high the list register asks for
 * a maintenance interrupt at the end.
 *
 * LPIs have no active state and no configuration here (root's ITS is passed
 * through): those that find no list register wait in a bitmap per vcpu.
 */
#include "vgic-irq.h"

static void add_op(struct vgic *vgic, struct vgic_irq *irq, u8 op)
{
	if (!irq->ops)
		vgic->ops++;
	irq->ops |= op;
	vgic_mark(vgic, vgic->cpus[irq->queued]);
}

void vgic_irq_queue(struct vgic *vgic, struct vgic_irq *irq)
{
	struct vgic_cpu *cpu;

	if (irq->queued != VGIC_NONE) {
		vgic_mark(vgic, vgic->cpus[irq->queued]);
		return;
	}
	if (irq->target == VGIC_NONE || !irq_wanted(vgic, irq))
		return;
	cpu = vgic->cpus[irq->target];
	if (!cpu->online)
		return;
	irq->queued = (u8)cpu->id;
	irq->next = cpu->queue;
	cpu->queue = irq;
	vgic_mark(vgic, cpu);
}

void vgic_irq_unqueue(struct vgic *vgic, struct vgic_irq *irq)
{
	struct vgic_irq **link;

	if (irq->queued == VGIC_NONE)
		return;
	link = &vgic->cpus[irq->queued]->queue;
	while (*link != irq)
		link = &(*link)->next;
	*link = irq->next;
	irq->next = NULL;
	irq->queued = VGIC_NONE;
}

void vgic_irq_deactivate(struct vgic *vgic, struct vgic_irq *irq)
{
	if (irq->hw)
		vgic_hw_set_active(irq_cpu(vgic, irq), irq->intid, false);
}

void vgic_irq_give_back(struct vgic *vgic, struct vgic_irq *irq)
{
	if (!irq->hw || !irq->pending || irq->enabled || irq->active || irq->lr != VGIC_NONE)
		return;
	irq->pending = false;
	if (irq->edge)
		vgic_hw_set_pending(irq_cpu(vgic, irq), irq->intid, true);
	vgic_irq_deactivate(vgic, irq);
}

void vgic_irq_reset(struct vgic_irq *irq)
{
	irq->next = NULL;
	irq->priority = 0;
	irq->queued = VGIC_NONE;
	irq->lr = VGIC_NONE;
	irq->ops = 0;
	irq->enabled = false;
	irq->group1 = true;
	irq->edge = irq->intid < VGIC_NR_SGIS;
	irq->pending = irq_level_high(irq);
	irq->active = false;
	irq->lr_pending = false;
}

static void irq_init(struct vgic_irq *irq, u32 intid, u8 target)
{
	irq->intid = (u16)intid;
	irq->target = target;
	irq->route = 0;
	irq->owned = intid < VGIC_NR_SGIS;
	irq->hw = false;
	irq->line = false;
	vgic_irq_reset(irq);
}

void vgic_init(struct vgic *vgic, u32 nr_irqs, struct vgic_irq *spis)
{
	u32 n;

	vgic->nr_irqs = nr_irqs;
	vgic->id_bits = 9;
	vgic->spis = spis;
	for (n = VGIC_NR_PRIVATE; n < nr_irqs; n++)
		irq_init(&spis[n - VGIC_NR_PRIVATE], n, VGIC_NONE);
}

void vgic_add_cpu(struct vgic *vgic, struct vgic_cpu *cpu, u64 affinity, u8 nr_lr)
{
	u32 n;

	cpu->id = vgic->nr_cpus;
	cpu->number = cpu->id;
	cpu->affinity = affinity;
	cpu->nr_lr = nr_lr;
	cpu->sleep = true;
	cpu->fold_addr = ~0UL;
	for (n = 0; n < VGIC_NR_PRIVATE; n++)
		irq_init(&cpu->priv[n], n, (u8)cpu->id);
	vgic->cpus[vgic->nr_cpus++] = cpu;
	for (n = VGIC_NR_PRIVATE; n < vgic->nr_irqs; n++)
		if (vgic->spis[n - VGIC_NR_PRIVATE].route == affinity)
			vgic->spis[n - VGIC_NR_PRIVATE].target = (u8)cpu->id;
}

void vgic_own(struct vgic *vgic, u32 intid, bool hw)
{
	struct vgic_irq *irq;
	u32 n;

	if (intid >= VGIC_NR_PRIVATE) {
		irq = &vgic->spis[intid - VGIC_NR_PRIVATE];
		irq->owned = true;
		irq->hw = hw;
		return;
	}
	for (n = 0; n < vgic->nr_cpus; n++) {
		vgic->cpus[n]->priv[intid].owned = true;
		vgic->cpus[n]->priv[intid].hw = hw;
	}
}

void vgic_lock(struct vgic *vgic)
{
	spin_lock(&vgic->lock);
}

void vgic_unlock(struct vgic *vgic)
{
	u64 kick = vgic->kick;
	u32 n;

	vgic->kick = 0;
	spin_unlock(&vgic->lock);
	for (; kick; kick &= kick - 1) {
		n = (u32)__builtin_ctzl(kick);
		vgic_kick(vgic->cpus[n]);
	}
}

struct vgic_irq *vgic_irq_get(struct vgic *vgic, struct vgic_cpu *cpu, u32 intid)
{
	struct vgic_irq *irq;

	if (intid >= vgic->nr_irqs)
		return NULL;
	if (intid < VGIC_NR_PRIVATE)
		irq = cpu ? &cpu->priv[intid] : NULL;
	else
		irq = &vgic->spis[intid - VGIC_NR_PRIVATE];
	return irq && irq->owned ? irq : NULL;
}

void vgic_set_pending(struct vgic *vgic, struct vgic_irq *irq)
{
	irq->pending = true;
	vgic_irq_give_back(vgic, irq);
	vgic_irq_queue(vgic, irq);
}

void vgic_set_line(struct vgic *vgic, struct vgic_irq *irq, bool high)
{
	if (irq->line == high)
		return;
	irq->line = high;
	if (high)
		vgic_set_pending(vgic, irq);
	else if (!irq->edge)
		vgic_clear_pending(vgic, irq);
}

void vgic_clear_pending(struct vgic *vgic, struct vgic_irq *irq)
{
	/* What a level makes pending only the level takes back (IHI 0069, 4.1.1). */
	if (irq_level_high(irq))
		return;
	if (irq->hw)
		vgic_hw_set_pending(irq_cpu(vgic, irq), irq->intid, false);
	if (irq->lr != VGIC_NONE) {
		irq->pending = false;
		add_op(vgic, irq, VGIC_OP_CLEAR_PENDING);
		return;
	}
	if (irq->pending && !irq->active)
		vgic_irq_deactivate(vgic, irq);
	irq->pending = false;
	vgic_irq_queue(vgic, irq);
}

void vgic_set_active(struct vgic *vgic, struct vgic_irq *irq, bool active)
{
	if (irq->lr != VGIC_NONE) {
		/* The last order counts; it is never without any in between. */
		add_op(vgic, irq, active ? VGIC_OP_SET_ACTIVE : VGIC_OP_CLEAR_ACTIVE);
		irq->ops &= (u8)~(active ? VGIC_OP_CLEAR_ACTIVE : VGIC_OP_SET_ACTIVE);
		return;
	}
	if (irq->active != active && irq->hw && !irq->pending)
		vgic_hw_set_active(irq_cpu(vgic, irq), irq->intid, active);
	irq->active = active;
	if (!active)
		irq_ended(irq);
	vgic_irq_queue(vgic, irq);
}

void vgic_irq_changed(struct vgic *vgic, struct vgic_irq *irq)
{
	if (irq->lr != VGIC_NONE)
		add_op(vgic, irq, VGIC_OP_LOOK);
	else
		vgic_irq_queue(vgic, irq);
}

void vgic_set_enabled(struct vgic *vgic, struct vgic_irq *irq, bool enabled)
{
	if (irq->enabled == enabled)
		return;
	irq->enabled = enabled;
	if (irq->hw)
		vgic_hw_enable(irq_cpu(vgic, irq), irq->intid, enabled);
	vgic_irq_give_back(vgic, irq);
	vgic_irq_changed(vgic, irq);
}

u8 vgic_route_target(const struct vgic *vgic, u64 route)
{
	u32 n;

	for (n = 0; n < vgic->nr_cpus; n++)
		if (vgic->cpus[n]->affinity == route)
			return (u8)n;
	return VGIC_NONE;
}

void vgic_set_route(struct vgic *vgic, struct vgic_irq *irq, u64 route)
{
	/* Aff3, Aff2..0; GICD_TYPER.No1N says that bit 31 (any CPU) is RES0. */
	irq->route = route & 0xff00ffffffUL;
	irq->target = vgic_route_target(vgic, irq->route);
	if (irq->hw && irq->target != VGIC_NONE)
		vgic_hw_route(irq->intid, vgic->cpus[irq->target]);
	/* Waits elsewhere: the next sync there hands it on. */
	vgic_irq_changed(vgic, irq);
}

void vgic_set_ctlr(struct vgic *vgic, u32 ctlr)
{
	u32 changed = vgic->ctlr ^ ctlr;
	u32 n;

	vgic->ctlr = ctlr;
	if (!changed)
		return;
	for (n = VGIC_NR_PRIVATE; n < vgic->nr_irqs; n++)
		vgic_irq_changed(vgic, &vgic->spis[n - VGIC_NR_PRIVATE]);
	for (n = 0; n < vgic->nr_cpus * VGIC_NR_PRIVATE; n++)
		vgic_irq_changed(vgic, &vgic->cpus[n / VGIC_NR_PRIVATE]->priv[n % VGIC_NR_PRIVATE]);
	for (n = 0; n < vgic->nr_cpus; n++)
		if (vgic->cpus[n]->lpi_count)
			vgic_mark(vgic, vgic->cpus[n]);
}

void vgic_set_lpi_pending(struct vgic *vgic, struct vgic_cpu *cpu, u32 intid, u8 priority)
{
	u32 n = intid - VGIC_LPI_BASE;

	if (n >= vgic->nr_lpis || !cpu->lpi_map)
		return;
	vgic->lpi_priority[n] = priority;
	if (!(cpu->lpi_map[n / 64] & BIT(n % 64))) {
		cpu->lpi_map[n / 64] |= BIT(n % 64);
		cpu->lpi_count++;
	}
	vgic_mark(vgic, cpu);
}
