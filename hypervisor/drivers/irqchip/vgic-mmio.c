// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of the emulated distributor and redistributors (IHI 0069, 12.9,
 * 12.11). Both have the same layout for what they have per interrupt, so one
 * set of functions serves both: SPIs through the distributor, SGIs and PPIs
 * through the SGI frame of a redistributor. An access of any size reaches the
 * interrupts that its bytes stand for; what the cell does not own is RAZ/WI.
 *
 * Pending and active state that is in another vcpu's list registers is not
 * known here. A load asks those vcpus to fold first and is made again
 * (MMIO_RETRY) until they have.
 */
#include "gic-registers.h"
#include "vgic.h"

#define PIDR2_GICV3		0x3b
#define IIDR_VALUE		0x0000043b

/* A register seen as a row of fields, one for each interrupt from @first. */
struct field_access {
	struct vgic *vgic;
	struct vgic_cpu *cpu;	/* of private interrupts; NULL: distributor */
	u32 reg;
	u32 first;
	u32 bits;		/* of one field */
	u32 count;
};

static u64 size_mask(u32 size)
{
	return size >= 8 ? ~0UL : BIT(size * 8) - 1;
}

/* Takes the bytes that @access means out of @value, a register at offset 0. */
static void load_bytes(struct mmio_access *access, u64 value, u32 offset)
{
	access->value = (value >> (offset * 8)) & size_mask(access->size);
}

static u64 field_load(const struct field_access *field, struct vgic_irq *irq)
{
	switch (field->reg) {
	case GIC_IGROUPR:
		return irq->group1;
	case GIC_ISENABLER:
	case GIC_ICENABLER:
		return irq->enabled;
	case GIC_ISPENDR:
	case GIC_ICPENDR:
		return irq->pending || (irq->lr != VGIC_NONE && irq->lr_pending) ||
		       (irq->hw && vgic_hw_pending(field->cpu, irq->intid));
	case GIC_ISACTIVER:
	case GIC_ICACTIVER:
		return irq->active;
	case GIC_IPRIORITYR:
		return irq->priority;
	case GIC_ICFGR:
		return irq->edge ? 2 : 0;
	}
	return 0;
}

static void store_pending(struct vgic *vgic, struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	/* A physical one becomes so in the physical GIC, and then comes here. */
	if (irq->hw)
		vgic_hw_set_pending(cpu, irq->intid, true);
	else
		vgic_set_pending(vgic, irq);
}

static void store_config(struct vgic *vgic, struct vgic_cpu *cpu, struct vgic_irq *irq,
			 bool edge)
{
	if (irq->intid < VGIC_NR_SGIS || irq->edge == edge)
		return;
	irq->edge = edge;
	if (irq->hw)
		vgic_hw_config(cpu, irq->intid, edge);
	else if (irq->line && !edge)
		vgic_set_pending(vgic, irq);
}

static void field_store(const struct field_access *field, struct vgic_irq *irq, u64 value)
{
	struct vgic *vgic = field->vgic;

	switch (field->reg) {
	case GIC_IGROUPR:
		irq->group1 = value;
		vgic_irq_changed(vgic, irq);
		return;
	case GIC_IPRIORITYR:
		/* Five bits are implemented, as in the CPU interface. */
		irq->priority = (u8)(value & 0xf8);
		vgic_irq_changed(vgic, irq);
		return;
	case GIC_ICFGR:
		store_config(vgic, field->cpu, irq, value & 2);
		return;
	}
	if (!value)
		return;
	switch (field->reg) {
	case GIC_ISENABLER:
		vgic_set_enabled(vgic, irq, true);
		return;
	case GIC_ICENABLER:
		vgic_set_enabled(vgic, irq, false);
		return;
	case GIC_ISPENDR:
		store_pending(vgic, field->cpu, irq);
		return;
	case GIC_ICPENDR:
		vgic_clear_pending(vgic, irq);
		return;
	case GIC_ISACTIVER:
		vgic_set_active(vgic, irq, true);
		return;
	case GIC_ICACTIVER:
		vgic_set_active(vgic, irq, false);
		return;
	}
}

/* The vcpus whose list registers hold interrupts of @field, but @self. */
static u64 holders(const struct field_access *field, const struct vgic_cpu *self)
{
	struct vgic_irq *irq;
	u64 mask = 0;
	u32 n;

	for (n = 0; n < field->count; n++) {
		irq = vgic_irq_get(field->vgic, field->cpu, field->first + n);
		if (irq && irq->lr != VGIC_NONE && irq->queued != self->id)
			mask |= BIT(irq->queued);
	}
	return mask;
}

/* false: others were asked to fold; try again when they have. */
static bool state_is_known(const struct field_access *field, struct vgic_cpu *self, u64 addr)
{
	u64 n;

	if (self->fold_addr != addr) {
		self->fold_addr = addr;
		self->fold_asked = holders(field, self);
		for (n = self->fold_asked; n; n &= n - 1) {
			field->vgic->cpus[__builtin_ctzl(n)]->dirty = true;
			field->vgic->kick |= n & -n;
		}
	}
	if (self->fold_asked)
		return false;
	self->fold_addr = ~0UL;
	return true;
}

static enum mmio_result fields_access(const struct field_access *field, struct vgic_cpu *self,
				      struct mmio_access *access, u64 addr)
{
	bool state = field->reg >= GIC_ISPENDR && field->reg < GIC_IPRIORITYR;
	u64 mask = BIT(field->bits) - 1;
	struct vgic_irq *irq;
	u64 value = 0;
	u32 n;

	if (!access->write && state && !state_is_known(field, self, addr))
		return MMIO_RETRY;
	for (n = 0; n < field->count; n++) {
		irq = vgic_irq_get(field->vgic, field->cpu, field->first + n);
		if (!irq)
			continue;
		if (access->write)
			field_store(field, irq, (access->value >> (n * field->bits)) & mask);
		else
			value |= field_load(field, irq) << (n * field->bits);
	}
	if (!access->write)
		access->value = value;
	return MMIO_HANDLED;
}

static const struct {
	u32 start;
	u32 end;
	u32 bits;
} field_regs[] = {
	{ GIC_IGROUPR, GIC_ISENABLER, 1 },
	{ GIC_ISENABLER, GIC_ICENABLER, 1 },
	{ GIC_ICENABLER, GIC_ISPENDR, 1 },
	{ GIC_ISPENDR, GIC_ICPENDR, 1 },
	{ GIC_ICPENDR, GIC_ISACTIVER, 1 },
	{ GIC_ISACTIVER, GIC_ICACTIVER, 1 },
	{ GIC_ICACTIVER, GIC_IPRIORITYR, 1 },
	{ GIC_IPRIORITYR, GIC_ITARGETSR, 8 },
	{ GIC_ICFGR, GIC_IGRPMODR, 2 },
};

/* false: @offset is in no register with fields. @cpu: as in field_access. */
static bool find_fields(struct vgic *vgic, struct vgic_cpu *cpu, u32 offset, u32 size,
			struct field_access *field)
{
	u32 n, end;

	for (n = 0; n < ARRAY_SIZE(field_regs); n++) {
		if (offset < field_regs[n].start || offset >= field_regs[n].end)
			continue;
		field->vgic = vgic;
		field->cpu = cpu;
		field->reg = field_regs[n].start;
		field->bits = field_regs[n].bits;
		field->first = (offset - field->reg) * 8 / field->bits;
		field->count = size * 8 / field->bits;
		end = cpu ? VGIC_NR_PRIVATE : vgic->nr_irqs;
		if (field->first >= end)
			field->count = 0;
		else if (field->count > end - field->first)
			field->count = end - field->first;
		return true;
	}
	return false;
}

static u32 dist_typer(const struct vgic *vgic)
{
	u32 lines = (vgic->nr_irqs + 31) / 32 - 1;

	return lines | vgic->id_bits << 19 | (u32)GICD_TYPER_NO1N | (vgic->nr_lpis ? GICD_TYPER_LPIS : 0);
}

static void route_access(struct vgic *vgic, struct mmio_access *access)
{
	struct vgic_irq *irq;
	u32 offset = access->addr & 7;
	u64 mask = size_mask(access->size) << (offset * 8);
	u64 route;

	irq = vgic_irq_get(vgic, NULL, (u32)(access->addr - GICD_IROUTER) / 8);
	if (!access->write)
		access->value = 0;
	if (!irq)
		return;
	if (!access->write) {
		load_bytes(access, irq->route, offset);
		return;
	}
	route = (irq->route & ~mask) | ((access->value << (offset * 8)) & mask);
	vgic_set_route(vgic, irq, route);
}

static void dist_load(struct vgic *vgic, struct mmio_access *access)
{
	u32 offset = (u32)access->addr;
	u64 value = 0;

	switch (offset & ~3U) {
	case GICD_CTLR:
		value = vgic->ctlr | GICD_CTLR_ARE | GICD_CTLR_DS | (vgic->ops ? GICD_CTLR_RWP : 0);
		break;
	case GICD_TYPER:
		value = dist_typer(vgic);
		break;
	case GICD_IIDR:
		value = IIDR_VALUE;
		break;
	case GIC_PIDR2:
		value = PIDR2_GICV3;
		break;
	}
	load_bytes(access, value, offset & 3);
}

enum mmio_result vgic_dist_access(struct vgic *vgic, struct vgic_cpu *cpu,
				  struct mmio_access *access)
{
	enum mmio_result result = MMIO_HANDLED;
	struct field_access field;

	vgic_lock(vgic);
	if (find_fields(vgic, NULL, (u32)access->addr, access->size, &field))
		result = fields_access(&field, cpu, access, access->addr);
	else if (access->addr >= GICD_IROUTER && access->addr < GICD_IROUTER_END)
		route_access(vgic, access);
	else if (!access->write)
		dist_load(vgic, access);
	else if (access->addr == GICD_CTLR)
		vgic_set_ctlr(vgic, access->value & (VGIC_CTLR_GRP0 | VGIC_CTLR_GRP1));
	vgic_unlock(vgic);
	return result;
}

/* GICR_TYPER: affinity, number, and whether it is the last in the region. */
static u64 redist_typer(const struct vgic *vgic, const struct vgic_cpu *cpu)
{
	u64 aff = (cpu->affinity & 0xffffff) | (cpu->affinity >> 32 & 0xff) << 24;
	u64 value = aff << 32 | (u64)cpu->number << 8;

	if (cpu->id == vgic->nr_cpus - 1)
		value |= GICR_TYPER_LAST;
	if (cpu->lpi_map)
		value |= GICR_TYPER_PLPIS;
	return value;
}

static void redist_load(struct vgic *vgic, struct vgic_cpu *cpu, struct mmio_access *access)
{
	u32 offset = (u32)access->addr;
	u64 value = 0;

	switch (offset & ~7U) {
	case GICR_CTLR:		/* and GICR_IIDR above it */
		value = (vgic->ops ? GICR_CTLR_RWP : 0) | (u64)IIDR_VALUE << 32;
		break;
	case GICR_TYPER:
		value = redist_typer(vgic, cpu);
		break;
	case GICR_WAKER & ~7:
		value = cpu->sleep ? GICR_WAKER_PROCESSOR_SLEEP | GICR_WAKER_CHILDREN_ASLEEP : 0;
		value <<= 32;
		break;
	case GIC_PIDR2:
		value = PIDR2_GICV3;
		break;
	}
	load_bytes(access, value, offset & 7);
}

/* The first frame of a redistributor: control and LPIs. */
static void redist_control(struct vgic *vgic, struct vgic_cpu *cpu, struct mmio_access *access)
{
	u32 offset = (u32)access->addr;
	u64 rwp;

	if (cpu->lpi_map && (offset == GICR_CTLR ||
			     (offset >= GICR_SETLPIR && offset < GICR_SYNCR_END))) {
		rwp = offset == GICR_CTLR && vgic->ops ? GICR_CTLR_RWP : 0;
		vgic_hw_redist(cpu, access);
		access->value |= rwp;
	} else if (!access->write) {
		redist_load(vgic, cpu, access);
	} else if (offset == GICR_WAKER) {
		cpu->sleep = access->value & GICR_WAKER_PROCESSOR_SLEEP;
	}
}

enum mmio_result vgic_redist_access(struct vgic *vgic, struct vgic_cpu *cpu,
				    struct mmio_access *access)
{
	u64 index = access->addr / GICR_FRAME_SIZE, addr = access->addr;
	enum mmio_result result = MMIO_HANDLED;
	struct field_access field;

	if (index >= vgic->nr_cpus) {
		access->value = 0;
		return MMIO_HANDLED;
	}
	access->addr %= GICR_SGI_FRAME;
	vgic_lock(vgic);
	if (!(addr & GICR_SGI_FRAME))
		redist_control(vgic, vgic->cpus[index], access);
	else if (find_fields(vgic, vgic->cpus[index], (u32)access->addr, access->size, &field))
		result = fields_access(&field, cpu, access, addr | BIT(63));
	else if (!access->write)
		access->value = 0;
	vgic_unlock(vgic);
	return result;
}

/* One target of an SGI. */
static void sgi_pend(struct vgic *vgic, struct vgic_cpu *target, u32 intid, bool group1)
{
	struct vgic_irq *irq = &target->priv[intid];

	if (irq->group1 == group1)
		vgic_set_pending(vgic, irq);
}

void vgic_send_sgi(struct vgic *vgic, struct vgic_cpu *cpu, u64 sgir, bool group1)
{
	u64 aff = (sgir >> 48 & 0xff) << 32 | (sgir >> 32 & 0xff) << 16 | (sgir >> 16 & 0xff) << 8;
	u32 intid = sgir >> 24 & 0xf, rs = sgir >> 44 & 0xf;
	bool all = sgir & BIT(40);
	struct vgic_cpu *target;
	u64 aff0;
	u32 n;

	vgic_lock(vgic);
	for (n = 0; n < vgic->nr_cpus; n++) {
		target = vgic->cpus[n];
		aff0 = target->affinity & 0xff;
		if (all ? target == cpu :
			  (target->affinity & ~0xffUL) != aff || aff0 / 16 != rs ||
			  !(sgir & BIT(aff0 % 16)))
			continue;
		sgi_pend(vgic, target, intid, group1);
	}
	vgic_unlock(vgic);
}
