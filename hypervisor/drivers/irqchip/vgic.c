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
#include "vgic.h"

static struct vgic_cpu *irq_cpu(struct vgic *vgic, const struct vgic_irq *irq)
{
	return irq->intid < VGIC_NR_PRIVATE ? vgic->cpus[irq->target] : NULL;
}

static bool irq_allowed(const struct vgic *vgic, const struct vgic_irq *irq)
{
	u32 group = irq->group1 ? VGIC_CTLR_GRP1 : VGIC_CTLR_GRP0;

	return irq->enabled && (vgic->ctlr & group);
}

static bool irq_deliverable(const struct vgic *vgic, const struct vgic_irq *irq)
{
	return irq->pending && irq_allowed(vgic, irq);
}

static bool irq_wanted(const struct vgic *vgic, const struct vgic_irq *irq)
{
	return irq->active || irq_deliverable(vgic, irq);
}

static void mark(struct vgic *vgic, struct vgic_cpu *cpu)
{
	cpu->dirty = true;
	vgic->kick |= BIT(cpu->id);
}

static void add_op(struct vgic *vgic, struct vgic_irq *irq, u8 op)
{
	if (!irq->ops)
		vgic->ops++;
	irq->ops |= op;
	mark(vgic, vgic->cpus[irq->queued]);
}

static void irq_queue(struct vgic *vgic, struct vgic_irq *irq)
{
	struct vgic_cpu *cpu;

	if (irq->queued != VGIC_NONE) {
		mark(vgic, vgic->cpus[irq->queued]);
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
	mark(vgic, cpu);
}

static void irq_unqueue(struct vgic *vgic, struct vgic_irq *irq)
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

/* The physical interrupt behind @irq may come again. */
static void irq_deactivate(struct vgic *vgic, struct vgic_irq *irq)
{
	if (irq->hw)
		vgic_hw_set_active(irq_cpu(vgic, irq), irq->intid, false);
}

/*
 * A physical interrupt was taken but its guest has disabled it: leave it
 * pending in the physical GIC, as if it had never been taken. A level is
 * pending there by itself for as long as the device asserts it.
 */
static void irq_give_back(struct vgic *vgic, struct vgic_irq *irq)
{
	if (!irq->hw || !irq->pending || irq->enabled || irq->active || irq->lr != VGIC_NONE)
		return;
	irq->pending = false;
	if (irq->edge)
		vgic_hw_set_pending(irq_cpu(vgic, irq), irq->intid, true);
	irq_deactivate(vgic, irq);
}

static bool irq_level_high(const struct vgic_irq *irq)
{
	return irq->line && !irq->edge;
}

/* It is not active any more. */
static void irq_ended(struct vgic_irq *irq)
{
	if (irq_level_high(irq))
		irq->pending = true;
}

static void irq_reset(struct vgic_irq *irq)
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
	irq_reset(irq);
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
	irq_give_back(vgic, irq);
	irq_queue(vgic, irq);
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
		irq_deactivate(vgic, irq);
	irq->pending = false;
	irq_queue(vgic, irq);
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
	irq_queue(vgic, irq);
}

void vgic_irq_changed(struct vgic *vgic, struct vgic_irq *irq)
{
	if (irq->lr != VGIC_NONE)
		add_op(vgic, irq, VGIC_OP_LOOK);
	else
		irq_queue(vgic, irq);
}

void vgic_set_enabled(struct vgic *vgic, struct vgic_irq *irq, bool enabled)
{
	if (irq->enabled == enabled)
		return;
	irq->enabled = enabled;
	if (irq->hw)
		vgic_hw_enable(irq_cpu(vgic, irq), irq->intid, enabled);
	irq_give_back(vgic, irq);
	vgic_irq_changed(vgic, irq);
}

static u8 route_target(const struct vgic *vgic, u64 route)
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
	irq->target = route_target(vgic, irq->route);
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
			mark(vgic, vgic->cpus[n]);
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
	mark(vgic, cpu);
}

/* -- synchronisation of one vcpu with its list registers -- */

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
	irq_give_back(vgic, irq);
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
		irq_deactivate(vgic, irq);
	irq->ops = 0;
	vgic->ops--;
	return lr;
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
		lr = irq_level_high(irq) ? lr | VGIC_LR_EOI : lr & ~VGIC_LR_EOI;
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
		irq_deactivate(vgic, best);
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
		irq_unqueue(vgic, irq);
		irq_queue(vgic, irq);
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
		irq_queue(vgic, &cpu->priv[n]);
	}
	for (n = VGIC_NR_PRIVATE; n < vgic->nr_irqs; n++)
		if (vgic->spis[n - VGIC_NR_PRIVATE].target == cpu->id)
			irq_queue(vgic, &vgic->spis[n - VGIC_NR_PRIVATE]);
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
		irq_unqueue(vgic, irq);
		irq_queue(vgic, irq);
	}
	for (n = 0; n < VGIC_NR_PRIVATE; n++) {
		if (cpu->priv[n].hw)
			vgic_hw_enable(cpu, n, false);
		if (cpu->priv[n].pending || cpu->priv[n].active)
			irq_deactivate(vgic, &cpu->priv[n]);
		irq_reset(&cpu->priv[n]);
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
			irq_deactivate(vgic, irq);
		irq_reset(irq);
		irq->route = 0;
		irq->target = route_target(vgic, 0);
	}
	vgic->ctlr = 0;
	vgic->kick = 0;
	vgic->ops = 0;
}
