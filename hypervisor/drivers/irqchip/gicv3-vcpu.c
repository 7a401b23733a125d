// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The virtual half of a GICv3 (IHI 0069): a CPU's list registers, which are
 * those of the vcpu that runs there, and the physical state that a cell's vGIC
 * asks for, of the interrupts that the cell owns.
 */
#include "gicv3.h"

#include <asm/io.h>
#include <asm/sysreg.h>

#include "boot.h"
#include "cell.h"
#include "control.h"
#include "irqchip.h"
#include "percpu.h"

static spinlock_t config_lock;	/* read-modify-write of GICD_ICFGR */

#define LR_CASE(n, m, o, op)	case n: op(s3_4_c12_c##m##_##o); break
#define LR_SWITCH(n, op) \
	switch (n) { \
	LR_CASE(0, 12, 0, op); LR_CASE(1, 12, 1, op); LR_CASE(2, 12, 2, op); \
	LR_CASE(3, 12, 3, op); LR_CASE(4, 12, 4, op); LR_CASE(5, 12, 5, op); \
	LR_CASE(6, 12, 6, op); LR_CASE(7, 12, 7, op); LR_CASE(8, 13, 0, op); \
	LR_CASE(9, 13, 1, op); LR_CASE(10, 13, 2, op); LR_CASE(11, 13, 3, op); \
	LR_CASE(12, 13, 4, op); LR_CASE(13, 13, 5, op); LR_CASE(14, 13, 6, op); \
	LR_CASE(15, 13, 7, op); \
	}

static u64 read_lr(u32 n)
{
	u64 value = 0;

#define OP(reg) value = read_sysreg(reg)
	LR_SWITCH(n, OP)
#undef OP
	return value;
}

static void write_lr(u32 n, u64 value)
{
#define OP(reg) write_sysreg(value, reg)
	LR_SWITCH(n, OP)
#undef OP
}

void gicv3_reset_virtual(u64 hcr)
{
	u32 n, bits = (u32)(read_sysreg(ICH_VTR) >> 26 & 7) + 1;	/* PREbits */

	write_sysreg(0, ICH_HCR);
	write_sysreg(0, ICH_VMCR);
	write_sysreg(0, ICH_AP0R(0));
	write_sysreg(0, ICH_AP1R(0));
	if (bits >= 6) {
		write_sysreg(0, ICH_AP0R(1));
		write_sysreg(0, ICH_AP1R(1));
	}
	if (bits >= 7) {
		write_sysreg(0, ICH_AP0R(2));
		write_sysreg(0, ICH_AP1R(2));
		write_sysreg(0, ICH_AP0R(3));
		write_sysreg(0, ICH_AP1R(3));
	}
	for (n = 0; n < gicv3_nr_lrs(); n++)
		write_lr(n, 0);
	write_sysreg(hcr, ICH_HCR);
	isb();
}

static void read_lrs(struct vgic_cpu *cpu)
{
	u32 n;

	for (n = 0; n < cpu->nr_lr; n++)
		if (cpu->lr[n])
			cpu->lr[n] = read_lr(n);
	cpu->eoi_count = (u32)(read_sysreg(ICH_HCR) >> ICH_HCR_EOICOUNT_SHIFT);
}

void gicv3_sync(struct vcpu *vcpu)
{
	struct vgic *vgic = &vcpu->cell->vgic;
	struct vgic_cpu *cpu = &vcpu->vgic;
	u64 old[VGIC_MAX_LRS];
	bool in_use[VGIC_MAX_LRS];
	u32 n;

	vgic_lock(vgic);
	for (n = 0; n < cpu->nr_lr; n++)
		in_use[n] = cpu->lr[n];
	read_lrs(cpu);
	for (n = 0; n < cpu->nr_lr; n++)
		old[n] = cpu->lr[n];
	vgic_cpu_sync(vgic, cpu);
	for (n = 0; n < cpu->nr_lr; n++)
		if (cpu->lr[n] != old[n] || (in_use[n] && !cpu->lr[n]))
			write_lr(n, cpu->lr[n]);
	/* Clears EOIcount too. ERET, or an ISB, makes all this take effect. */
	write_sysreg(ICH_HCR_EN | cpu->hcr, ICH_HCR);
	vgic_unlock(vgic);
}

void irqchip_sync(struct vcpu *vcpu)
{
	if (READ_ONCE(vcpu->vgic.dirty))
		gicv3_sync(vcpu);
}

void irqchip_vcpu_reset(struct vcpu *vcpu)
{
	struct vgic *vgic = &vcpu->cell->vgic;

	write_sysreg(0x7, ICC_SRE_EL1);
	gicv3_reset_virtual(ICH_HCR_EN);
	vgic_lock(vgic);
	vgic_cpu_online(vgic, &vcpu->vgic);
	vgic_unlock(vgic);
	gicv3_sync(vcpu);
}

/*
 * This CPU's private interrupts but EL2's. One that stays active would never
 * come again: whoever has the CPU next could not deactivate it.
 */
static void clear_ppis(const struct percpu *cpu)
{
	u64 sgi = cpu->gicr + GICR_SGI_FRAME;
	u32 mask = 0xffff0000U & ~platform.hyp_ppis;

	mmio_write32(sgi + GIC_ICENABLER, mask);
	gicv3_wait(cpu->gicr + GICR_CTLR, GICR_CTLR_RWP);
	mmio_write32(sgi + GIC_ICPENDR, mask);
	mmio_write32(sgi + GIC_ICACTIVER, mask);
}

void irqchip_vcpu_exit(struct vcpu *vcpu)
{
	struct vgic *vgic = &vcpu->cell->vgic;

	vgic_lock(vgic);
	read_lrs(&vcpu->vgic);
	vgic_cpu_offline(vgic, &vcpu->vgic);
	if (cell_is_root(vcpu->cell))
		irqchip_raise_elsewhere(vcpu->id);
	vgic_unlock(vgic);
	gicv3_reset_virtual(0);
	clear_ppis(this_cpu());
}

bool irqchip_vcpu_pending(const struct vcpu *vcpu)
{
	u32 n;

	for (n = 0; n < vcpu->vgic.nr_lr; n++)
		if (vcpu->vgic.lr[n] && (read_lr(n) & VGIC_LR_PENDING))
			return true;
	return false;
}

/* -- what the vGIC asks of the hardware -- */

static struct vcpu *vcpu_of(const struct vgic_cpu *cpu)
{
	return container_of(cpu, struct vcpu, vgic);
}

/*
 * Frame with the registers of @intid; 0: the vcpu is off. Its CPU is parked
 * then with its PPIs clear, and so they shall stay for whoever has it next:
 * what others of the cell store meanwhile is kept until vgic_cpu_online().
 */
static u64 frame_of(struct vgic_cpu *cpu, u32 intid)
{
	if (intid >= VGIC_NR_PRIVATE)
		return platform.gicd.base;
	return cpu->online ? vcpu_of(cpu)->cpu->gicr + GICR_SGI_FRAME : 0;
}

static void set_bit(struct vgic_cpu *cpu, u32 intid, u64 reg)
{
	u64 frame = frame_of(cpu, intid);

	if (frame)
		mmio_write32(frame + reg + intid / 32 * 4, 1U << intid % 32);
}

void vgic_hw_enable(struct vgic_cpu *cpu, u32 intid, bool enable)
{
	set_bit(cpu, intid, enable ? GIC_ISENABLER : GIC_ICENABLER);
	if (enable)
		return;
	if (intid >= VGIC_NR_PRIVATE)
		gicv3_wait(platform.gicd.base + GICD_CTLR, GICD_CTLR_RWP);
	else
		gicv3_wait(vcpu_of(cpu)->cpu->gicr + GICR_CTLR, GICR_CTLR_RWP);
}

void vgic_hw_set_pending(struct vgic_cpu *cpu, u32 intid, bool pending)
{
	set_bit(cpu, intid, pending ? GIC_ISPENDR : GIC_ICPENDR);
}

bool vgic_hw_pending(struct vgic_cpu *cpu, u32 intid)
{
	u64 frame = frame_of(cpu, intid);

	return frame && (mmio_read32(frame + GIC_ISPENDR + intid / 32 * 4) & (1U << intid % 32));
}

void vgic_hw_set_active(struct vgic_cpu *cpu, u32 intid, bool active)
{
	set_bit(cpu, intid, active ? GIC_ISACTIVER : GIC_ICACTIVER);
}

void vgic_hw_config(struct vgic_cpu *cpu, u32 intid, bool edge)
{
	u64 frame = frame_of(cpu, intid), reg;
	u32 bit = 2U << intid % 16 * 2;

	if (!frame)
		return;
	reg = frame + GIC_ICFGR + intid / 16 * 4;
	spin_lock(&config_lock);
	mmio_write32(reg, (mmio_read32(reg) & ~bit) | (edge ? bit : 0));
	spin_unlock(&config_lock);
}

void vgic_hw_route(u32 intid, struct vgic_cpu *target)
{
	mmio_write64(platform.gicd.base + GICD_IROUTER + intid * 8UL,
		     vcpu_of(target)->cpu->mpidr & AFFINITY_MASK);
}

void vgic_hw_redist(struct vgic_cpu *cpu, struct mmio_access *access)
{
	struct percpu *phys = vcpu_of(cpu)->cpu;
	u64 reg = phys->gicr + access->addr;

	if (!access->write)
		access->value = 0;
	if (READ_ONCE(phys->vcpu) != vcpu_of(cpu) || access->size < 4)
		return;
	if (!access->write) {
		access->value = access->size == 8 ? mmio_read64(reg) : mmio_read32(reg);
		if (access->addr == GICR_CTLR)
			access->value &= GICR_CTLR_ENABLE_LPIS | GICR_CTLR_RWP;
	} else if (access->addr == GICR_CTLR) {
		mmio_write32(reg, (mmio_read32(reg) & ~(u32)GICR_CTLR_ENABLE_LPIS) |
			     (u32)(access->value & GICR_CTLR_ENABLE_LPIS));
	} else if (access->size == 8) {
		mmio_write64(reg, access->value);
	} else {
		mmio_write32(reg, (u32)access->value);
	}
}

void vgic_kick(struct vgic_cpu *cpu)
{
	struct vcpu *vcpu = vcpu_of(cpu);

	/* On this CPU the way out to the guest synchronises. */
	if (vcpu->cpu != this_cpu() && READ_ONCE(vcpu->cpu->vcpu) == vcpu)
		cpu_request(vcpu->cpu, CPU_REQ_VGIC);
}
