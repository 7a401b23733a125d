// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Synchronisation of a vcpu with its list registers; how it comes and goes. What
 * is in a list register and what waits is told in vgic.c.
 */
#include "vgic-irq.h"

static void lr_free(struct vgic_cpu *cpu, u32 n)
{
	cpu->lr[n] = 0;
	if (cpu->lr_irq[n])
		cpu->lr_irq[n]->lr = VGIC_NONE;
	cpu->lr_irq[n] = NULL;
}

/* Takes what is only pending out of a list register, back into the state. */
static void lr_pull(struct vgic *vgic, struct vgic_cpu *cpu, u32 n)
{
	struct vgic_irq *irq = cpu->lr_irq[n];
	u64 lr = cpu->lr[n];

	lr_free(cpu, n);
	if (!irq) {
		vgic_set_lpi_pending(vgic, cpu, (u32)lr, (u8)(lr >> VGIC_LR_PRIORITY_SHIFT));
		return;
	}
	irq->pending = true;
	irq->lr_pending = false;
	vgic_irq_give_back(vgic, irq);
}

/* Carries out irq->ops on the value of its list register. */
static u64 lr_apply_ops(struct vgic *vgic, struct vgic_irq *irq, u64 lr)
{
	u64 before = lr & VGIC_LR_STATE;

	if (!irq->ops)
		return lr;
	if (irq->ops & VGIC_OP_CLEAR_PENDING)
		lr &= ~VGIC_LR_PENDING;
	if (irq->ops & VGIC_OP_CLEAR_ACTIVE)
		lr &= ~VGIC_LR_ACTIVE;
	if (irq->ops & VGIC_OP_SET_ACTIVE)
		lr |= VGIC_LR_ACTIVE;
	if (irq->hw && !before && (lr & VGIC_LR_ACTIVE))
		vgic_hw_set_active(irq_cpu(vgic, irq), irq->intid, true);
	/* HW = 1 and active and pending is UNPREDICTABLE (IHI 0069, 12.4.9). */
	if (irq->hw && (lr & VGIC_LR_STATE) == VGIC_LR_STATE)
		lr &= ~VGIC_LR_PENDING;
	if (before && !(lr & VGIC_LR_STATE))
		vgic_irq_deactivate(vgic, irq);
	irq->ops = 0;
	vgic->ops--;
	return lr;
}

/*
 * Something is to be done when the guest ends it: a level that is high comes
 * again, and an event that came since the route has changed goes to its target.
 */
static bool end_is_awaited(const struct vgic_irq *irq, const struct vgic_cpu *cpu, u64 lr)
{
	return irq_level_high(irq) ||
	       ((lr & VGIC_LR_ACTIVE) && irq->pending && irq->target != cpu->id);
}

static void lr_fold(struct vgic *vgic, struct vgic_cpu *cpu, u32 n)
{
	struct vgic_irq *irq = cpu->lr_irq[n];
	u64 lr;

	if (!irq) {
		if (!(cpu->lr[n] & VGIC_LR_STATE))
			lr_free(cpu, n);
		return;
	}
	lr = lr_apply_ops(vgic, irq, cpu->lr[n]);
	if (!irq->hw)
		lr = end_is_awaited(irq, cpu, lr) ? lr | VGIC_LR_EOI : lr & ~VGIC_LR_EOI;
	cpu->lr[n] = lr;
	irq->active = lr & VGIC_LR_ACTIVE;
	irq->lr_pending = lr & VGIC_LR_PENDING;
	if (!(lr & VGIC_LR_STATE)) {
		lr_free(cpu, n);
		irq_ended(irq);
	} else if (!(lr & VGIC_LR_ACTIVE) && (irq->target != cpu->id || !irq_allowed(vgic, irq))) {
		lr_pull(vgic, cpu, n);
	}
}

/*
 * EOIs of interrupts that were active but in no list register: each ends the
 * active one of the highest priority, as the guest's running priority does.
 */
static void fold_eoi_count(struct vgic *vgic, struct vgic_cpu *cpu)
{
	struct vgic_irq *irq, *best;

	for (; cpu->eoi_count; cpu->eoi_count--) {
		best = NULL;
		for (irq = cpu->queue; irq; irq = irq->next)
			if (irq->active && irq->lr == VGIC_NONE &&
			    (!best || irq->priority < best->priority))
				best = irq;
		if (!best)
			break;
		best->active = false;
		vgic_irq_deactivate(vgic, best);
		irq_ended(best);
	}
	cpu->eoi_count = 0;
}

/* Drops from the queue what needs no list register of this vcpu. */
static void prune_queue(struct vgic *vgic, struct vgic_cpu *cpu)
{
	struct vgic_irq *irq, *next;

	for (irq = cpu->queue; irq; irq = next) {
		next = irq->next;
		if (irq->lr != VGIC_NONE || irq->active)
			continue;
		if (irq_deliverable(vgic, irq) && irq->target == cpu->id)
			continue;
		vgic_irq_unqueue(vgic, irq);
		vgic_irq_queue(vgic, irq);
	}
}

/* Lower is more urgent: active ones first, then by priority, then by INTID. */
static u32 irq_rank(const struct vgic_irq *irq)
{
	return (irq->active ? 0 : BIT(31)) | ((u32)irq->priority << 16) | irq->intid;
}

static struct vgic_irq *pick_irq(struct vgic *vgic, struct vgic_cpu *cpu)
{
	struct vgic_irq *irq, *best = NULL;

	for (irq = cpu->queue; irq; irq = irq->next) {
		if (irq->lr != VGIC_NONE || !irq_wanted(vgic, irq))
			continue;
		if (!best || irq_rank(irq) < irq_rank(best))
			best = irq;
	}
	return best;
}

/* Most urgent waiting LPI; only when there is one. */
static u32 pick_lpi(const struct vgic *vgic, const struct vgic_cpu *cpu)
{
	u32 n, w, best = ~0U, left = cpu->lpi_count;
	u64 bits;

	for (w = 0; left; w++) {
		for (bits = cpu->lpi_map[w]; bits; bits &= bits - 1, left--) {
			n = w * 64 + (u32)__builtin_ctzl(bits);
			if (best == ~0U || vgic->lpi_priority[n] < vgic->lpi_priority[best])
				best = n;
		}
	}
	return best;
}

static void load_irq(struct vgic *vgic, struct vgic_cpu *cpu, u32 n, struct vgic_irq *irq)
{
	u64 lr = irq->intid | (u64)irq->priority << VGIC_LR_PRIORITY_SHIFT;

	if (irq->group1)
		lr |= VGIC_LR_GROUP1;
	if (irq->hw)
		lr |= VGIC_LR_HW | (u64)irq->intid << VGIC_LR_PINTID_SHIFT;
	else if (irq_level_high(irq))
		lr |= VGIC_LR_EOI;
	if (irq->active)
		lr |= VGIC_LR_ACTIVE;
	if (irq_deliverable(vgic, irq) && !(irq->active && irq->hw)) {
		lr |= VGIC_LR_PENDING;
		irq->pending = false;
		irq->lr_pending = true;
	}
	cpu->lr[n] = lr;
	cpu->lr_irq[n] = irq;
	irq->lr = (u8)n;
}

static void load_lpi(struct vgic *vgic, struct vgic_cpu *cpu, u32 n, u32 lpi)
{
	cpu->lpi_map[lpi / 64] &= ~BIT(lpi % 64);
	cpu->lpi_count--;
	cpu->lr_irq[n] = NULL;
	cpu->lr[n] = (lpi + VGIC_LPI_BASE) | VGIC_LR_PENDING | VGIC_LR_GROUP1 |
		     (u64)vgic->lpi_priority[lpi] << VGIC_LR_PRIORITY_SHIFT;
}

static bool load_next(struct vgic *vgic, struct vgic_cpu *cpu, u32 n)
{
	struct vgic_irq *irq = pick_irq(vgic, cpu);
	u32 lpi;

	if (cpu->lpi_count && (vgic->ctlr & VGIC_CTLR_GRP1)) {
		lpi = pick_lpi(vgic, cpu);
		if (!irq || (!irq->active && vgic->lpi_priority[lpi] < irq->priority)) {
			load_lpi(vgic, cpu, n, lpi);
			return true;
		}
	}
	if (irq)
		load_irq(vgic, cpu, n, irq);
	return irq != NULL;
}

/* New events of what is in a list register already: stay in that one. */
static void merge_pending(struct vgic *vgic, struct vgic_cpu *cpu)
{
	struct vgic_irq *irq;
	u32 n, lpi;

	for (n = 0; n < cpu->nr_lr; n++) {
		if (!cpu->lr[n])
			continue;
		irq = cpu->lr_irq[n];
		if (irq && !irq->hw && irq_deliverable(vgic, irq) && irq->target == cpu->id) {
			cpu->lr[n] |= VGIC_LR_PENDING;
			irq->pending = false;
			irq->lr_pending = true;
		}
		lpi = (u32)cpu->lr[n] - VGIC_LPI_BASE;
		if (!irq && (cpu->lpi_map[lpi / 64] & BIT(lpi % 64))) {
			cpu->lr[n] |= VGIC_LR_PENDING;
			cpu->lpi_map[lpi / 64] &= ~BIT(lpi % 64);
			cpu->lpi_count--;
		}
	}
}

/* Waiting for a list register: how many? */
static u32 count_waiting(struct vgic *vgic, const struct vgic_cpu *cpu)
{
	u32 count = vgic->ctlr & VGIC_CTLR_GRP1 ? cpu->lpi_count : 0;
	struct vgic_irq *irq;

	for (irq = cpu->queue; irq; irq = irq->next)
		count += irq->lr == VGIC_NONE && irq_wanted(vgic, irq);
	return count;
}

static void refill(struct vgic *vgic, struct vgic_cpu *cpu)
{
	u32 n, free = 0, waiting, pending = 0;

	merge_pending(vgic, cpu);
	waiting = count_waiting(vgic, cpu);
	for (n = 0; n < cpu->nr_lr; n++)
		free += !cpu->lr[n];
	/* Not room for all: choose anew among all that are not active. */
	for (n = 0; waiting > free && n < cpu->nr_lr; n++)
		if ((cpu->lr[n] & VGIC_LR_STATE) == VGIC_LR_PENDING)
			lr_pull(vgic, cpu, n);
	for (n = 0; waiting && n < cpu->nr_lr; n++)
		if (!cpu->lr[n] && !load_next(vgic, cpu, n))
			break;
	cpu->hcr = 0;
	if (waiting <= free)
		return;
	for (n = 0; n < cpu->nr_lr; n++)
		pending += !!(cpu->lr[n] & VGIC_LR_PENDING);
	/* NPIE without a pending one would fire for ever. */
	cpu->hcr = VGIC_HCR_LRENPIE | (pending ? VGIC_HCR_NPIE : VGIC_HCR_UIE);
}

/* Reads of state on other vcpus wait for this fold. */
static void complete_folds(struct vgic *vgic, const struct vgic_cpu *cpu)
{
	struct vgic_cpu *other;
	u32 n;

	for (n = 0; n < vgic->nr_cpus; n++) {
		other = vgic->cpus[n];
		if (!(other->fold_asked & BIT(cpu->id)))
			continue;
		other->fold_asked &= ~BIT(cpu->id);
		vgic->kick |= BIT(n);
	}
}

static void fold_all(struct vgic *vgic, struct vgic_cpu *cpu)
{
	u32 n;

	for (n = 0; n < cpu->nr_lr; n++)
		if (cpu->lr_irq[n] || cpu->lr[n])
			lr_fold(vgic, cpu, n);
	fold_eoi_count(vgic, cpu);
}

void vgic_cpu_sync(struct vgic *vgic, struct vgic_cpu *cpu)
{
	cpu->dirty = false;
	fold_all(vgic, cpu);
	prune_queue(vgic, cpu);
	refill(vgic, cpu);
	cpu->dirty = false;
	vgic->kick &= ~BIT(cpu->id);
	complete_folds(vgic, cpu);
}

/*
 * The physical PPIs are disabled, with the trigger that the CPU's last owner
 * chose: both as this vcpu has them. The trigger first, it may not change while
 * the interrupt is enabled (12.9.9).
 */
static void restore_ppi(struct vgic_cpu *cpu, const struct vgic_irq *irq)
{
	if (!irq->hw)
		return;
	vgic_hw_config(cpu, irq->intid, irq->edge);
	if (irq->enabled)
		vgic_hw_enable(cpu, irq->intid, true);
}

void vgic_cpu_online(struct vgic *vgic, struct vgic_cpu *cpu)
{
	u32 n;

	cpu->online = true;
	for (n = 0; n < VGIC_NR_PRIVATE; n++) {
		restore_ppi(cpu, &cpu->priv[n]);
		vgic_irq_queue(vgic, &cpu->priv[n]);
	}
	for (n = VGIC_NR_PRIVATE; n < vgic->nr_irqs; n++)
		if (vgic->spis[n - VGIC_NR_PRIVATE].target == cpu->id)
			vgic_irq_queue(vgic, &vgic->spis[n - VGIC_NR_PRIVATE]);
	cpu->dirty = true;
}

/* LPIs cannot be put back into the ITS: another vcpu takes them. */
static void hand_on_lpis(struct vgic *vgic, struct vgic_cpu *cpu)
{
	struct vgic_cpu *heir = NULL;
	u32 n, lpi;

	for (n = 0; n < vgic->nr_cpus && !heir; n++)
		if (vgic->cpus[n]->online && vgic->cpus[n]->lpi_map)
			heir = vgic->cpus[n];
	while (heir && cpu->lpi_count) {
		lpi = pick_lpi(vgic, cpu);
		cpu->lpi_map[lpi / 64] &= ~BIT(lpi % 64);
		cpu->lpi_count--;
		vgic_set_lpi_pending(vgic, heir, lpi + VGIC_LPI_BASE, vgic->lpi_priority[lpi]);
	}
}

void vgic_cpu_offline(struct vgic *vgic, struct vgic_cpu *cpu)
{
	struct vgic_irq *irq;
	u32 n;

	fold_all(vgic, cpu);
	cpu->online = false;
	for (n = 0; n < cpu->nr_lr; n++) {
		if ((cpu->lr[n] & VGIC_LR_PENDING))
			lr_pull(vgic, cpu, n);
		else if (cpu->lr[n])
			lr_free(cpu, n);
	}
	while ((irq = cpu->queue)) {
		vgic_irq_unqueue(vgic, irq);
		vgic_irq_queue(vgic, irq);
	}
	for (n = 0; n < VGIC_NR_PRIVATE; n++) {
		if (cpu->priv[n].hw)
			vgic_hw_enable(cpu, n, false);
		if (cpu->priv[n].pending || cpu->priv[n].active)
			vgic_irq_deactivate(vgic, &cpu->priv[n]);
		vgic_irq_reset(&cpu->priv[n]);
	}
	if (cpu->lpi_count)
		hand_on_lpis(vgic, cpu);
	cpu->hcr = 0;
	cpu->dirty = false;
	complete_folds(vgic, cpu);
	cpu->fold_asked = 0;
}

void vgic_reset(struct vgic *vgic)
{
	struct vgic_irq *irq;
	u32 n;

	for (n = 0; n < vgic->nr_cpus; n++)
		vgic_cpu_offline(vgic, vgic->cpus[n]);
	for (n = VGIC_NR_PRIVATE; n < vgic->nr_irqs; n++) {
		irq = &vgic->spis[n - VGIC_NR_PRIVATE];
		if (irq->hw)
			vgic_hw_enable(NULL, n, false);
		if (irq->pending || irq->active)
			vgic_irq_deactivate(vgic, irq);
		vgic_irq_reset(irq);
		irq->route = 0;
		irq->target = vgic_route_target(vgic, 0);
	}
	vgic->ctlr = 0;
	vgic->kick = 0;
	vgic->ops = 0;
}
