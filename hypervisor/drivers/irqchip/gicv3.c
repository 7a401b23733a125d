// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The physical GICv3 (IHI 0069): EL2 takes every interrupt, drops its priority
 * at once (EOImode = 1) and gives it to the vGIC of the cell that owns it. The
 * guest's EOI then deactivates it by the list register's HW bit.
 *
 * All guests' interrupts have one physical priority: which comes first is
 * decided in the vGIC. EL2's own are SGI 0 (look at requests) and the
 * maintenance PPI; neither can be reached by a guest's register writes.
 */
#include "irqchip.h"

#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/sysreg.h>

#include "boot.h"
#include "cell.h"
#include "control.h"
#include "errno.h"
#include "irq.h"
#include "mem.h"
#include "panic.h"
#include "percpu.h"
#include "printk.h"
#include "timer.h"

#define GICD_CTLR		0x0000
#define GICD_TYPER		0x0004
#define GIC_IGROUPR		0x0080
#define GIC_ISENABLER		0x0100
#define GIC_ICENABLER		0x0180
#define GIC_ISPENDR		0x0200
#define GIC_ICPENDR		0x0280
#define GIC_ISACTIVER		0x0300
#define GIC_ICACTIVER		0x0380
#define GIC_IPRIORITYR		0x0400
#define GIC_ICFGR		0x0c00
#define GICD_IROUTER		0x6000
#define GICR_CTLR		0x0000
#define GICR_TYPER		0x0008
#define GICR_WAKER		0x0014
#define GICR_SGI_FRAME		0x10000
#define GIC_STATE_FIRST		GIC_ISPENDR
#define GIC_STATE_END		GIC_IPRIORITYR

#define CTLR_GRP1		BIT(1)
#define CTLR_ARE		BIT(4)
#define GICD_CTLR_RWP		BIT(31)
#define GICR_CTLR_ENABLE_LPIS	BIT(0)
#define GICR_CTLR_RWP		BIT(3)
#define WAKER_PROCESSOR_SLEEP	BIT(1)
#define WAKER_CHILDREN_ASLEEP	BIT(2)
#define TYPER_LPIS		BIT(17)
#define GICR_TYPER_PLPIS	BIT(0)
#define GICR_TYPER_VLPIS	BIT(1)
#define GICR_TYPER_LAST		BIT(4)

#define ICC_CTLR_EOIMODE	BIT(1)
#define ICH_HCR_EN		BIT(0)
#define ICH_HCR_EOICOUNT_SHIFT	27

#define EVENT_SGI		0
#define PRIORITY_EVENT		0x80
#define PRIORITY_GUEST		0xa0
#define AFFINITY_MASK		0xff00ffffffUL
#define MAX_WAIT		1000000

#define ICC_PMR			s3_0_c4_c6_0
#define ICC_IAR1		s3_0_c12_c12_0
#define ICC_EOIR1		s3_0_c12_c12_1
#define ICC_BPR1		s3_0_c12_c12_3
#define ICC_CTLR		s3_0_c12_c12_4
#define ICC_IGRPEN1		s3_0_c12_c12_7
#define ICC_DIR			s3_0_c12_c11_1
#define ICC_RPR			s3_0_c12_c11_3
#define ICC_SGI1R		s3_0_c12_c11_5
#define ICC_SRE_EL1		s3_0_c12_c12_5
#define ICC_SRE_EL2		s3_4_c12_c9_5
#define ICH_AP0R(n)		s3_4_c12_c8_##n
#define ICH_AP1R(n)		s3_4_c12_c9_##n
#define ICH_HCR			s3_4_c12_c11_0
#define ICH_VTR			s3_4_c12_c11_1
#define ICH_VMCR		s3_4_c12_c11_7

static u64 gicd;		/* set once, at boot, as are the next three */
static u32 nr_irqs;
static u32 root_spi_base;
static u32 nr_lrs;
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

/* -- physical distributor and redistributors -- */

static void wait_rwp(u64 addr, u64 bit)
{
	u32 n;

	for (n = 0; n < MAX_WAIT && (mmio_read32(addr) & bit); n++)
		;
}

static void dist_init(void)
{
	u64 boot_cpu = this_cpu()->mpidr & AFFINITY_MASK;
	u32 n;

	mmio_write32(gicd + GICD_CTLR, 0);
	wait_rwp(gicd + GICD_CTLR, GICD_CTLR_RWP);
	for (n = 32; n < nr_irqs; n += 32) {
		mmio_write32(gicd + GIC_ICENABLER + n / 8, ~0U);
		mmio_write32(gicd + GIC_ICPENDR + n / 8, ~0U);
		mmio_write32(gicd + GIC_ICACTIVER + n / 8, ~0U);
		mmio_write32(gicd + GIC_IGROUPR + n / 8, ~0U);
	}
	for (n = 32; n < nr_irqs; n += 4)
		mmio_write32(gicd + GIC_IPRIORITYR + n, PRIORITY_GUEST * 0x01010101U);
	/* Level, as the vGIC has them after reset, whatever firmware has used. */
	for (n = 32; n < nr_irqs; n += 16)
		mmio_write32(gicd + GIC_ICFGR + n / 4, 0);
	wait_rwp(gicd + GICD_CTLR, GICD_CTLR_RWP);
	mmio_write32(gicd + GICD_CTLR, CTLR_ARE | CTLR_GRP1);
	wait_rwp(gicd + GICD_CTLR, GICD_CTLR_RWP);
	/* IROUTER is RES0 until affinity routing is on (12.9.22). */
	for (n = 32; n < nr_irqs && n < VGIC_MAX_INTID; n++)
		mmio_write64(gicd + GICD_IROUTER + n * 8UL, boot_cpu);
}

void irqchip_init(void)
{
	u32 n, typer;

	gicd = platform.gicd.base;
	mmu_map_device(gicd, platform.gicd.size);
	for (n = 0; n < platform.nr_gicr; n++)
		mmu_map_device(platform.gicr[n].base, platform.gicr[n].size);
	typer = mmio_read32(gicd + GICD_TYPER);
	nr_irqs = ((typer & 0x1f) + 1) * 32;
	if (nr_irqs > VGIC_MAX_INTID)
		nr_irqs = VGIC_MAX_INTID;
	root_spi_base = nr_irqs;
	if (root_spi_base + HVISOR_MAX_CELLS - 1 > VGIC_MAX_INTID)
		root_spi_base = VGIC_MAX_INTID - (HVISOR_MAX_CELLS - 1);
	dist_init();
}

u32 irqchip_nr_irqs(void)
{
	return nr_irqs;
}

u32 irqchip_root_spi(u32 id)
{
	return root_spi_base + id - 1;
}

/* The redistributor whose GICR_TYPER has the affinity of @cpu. */
static u64 find_redist(struct percpu *cpu)
{
	u32 aff = (u32)((cpu->mpidr & 0xffffff) | (cpu->mpidr >> 8 & 0xff000000));
	u64 base, end, typer;
	u32 n;

	for (n = 0; n < platform.nr_gicr; n++) {
		base = platform.gicr[n].base;
		end = base + platform.gicr[n].size;
		do {
			typer = mmio_read64(base + GICR_TYPER);
			if (typer >> 32 == aff) {
				cpu->gicr_typer = typer;
				return base;
			}
			if (platform.gicr_stride)
				base += platform.gicr_stride;
			else
				base += typer & GICR_TYPER_VLPIS ? 0x40000 : 0x20000;
		} while (!(typer & GICR_TYPER_LAST) && base < end);
	}
	panic("no redistributor for MPIDR 0x%lx", cpu->mpidr);
}

static void redist_init(struct percpu *cpu)
{
	u64 sgi, waker;
	u32 n;

	cpu->gicr = find_redist(cpu);
	sgi = cpu->gicr + GICR_SGI_FRAME;
	waker = cpu->gicr + GICR_WAKER;
	mmio_write32(waker, mmio_read32(waker) & ~(u32)WAKER_PROCESSOR_SLEEP);
	wait_rwp(waker, WAKER_CHILDREN_ASLEEP);
	mmio_write32(sgi + GIC_ICENABLER, ~0U);
	mmio_write32(sgi + GIC_ICPENDR, ~0U);
	mmio_write32(sgi + GIC_ICACTIVER, ~0U);
	mmio_write32(sgi + GIC_IGROUPR, ~0U);
	for (n = 0; n < 32; n += 4)
		mmio_write32(sgi + GIC_IPRIORITYR + n, PRIORITY_GUEST * 0x01010101U);
	mmio_write32(sgi + GIC_IPRIORITYR, (PRIORITY_GUEST * 0x01010100U) | PRIORITY_EVENT);
	wait_rwp(cpu->gicr + GICR_CTLR, GICR_CTLR_RWP);
	mmio_write32(sgi + GIC_ISENABLER, BIT(EVENT_SGI) | BIT(platform.maintenance) |
		     BIT(platform.hyp_timer));
}

static void reset_virtual_interface(u64 hcr)
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
	for (n = 0; n < nr_lrs; n++)
		write_lr(n, 0);
	write_sysreg(hcr, ICH_HCR);
	isb();
}

void irqchip_cpu_init(struct percpu *cpu)
{
	/* System registers for EL2, and for EL1 without a trap (12.2.23). */
	write_sysreg(0xf, ICC_SRE_EL2);
	isb();
	if (!(read_sysreg(ICC_SRE_EL2) & 1))
		panic("firmware has disabled the GIC's system registers");
	write_sysreg(0x7, ICC_SRE_EL1);
	isb();
	nr_lrs = (u32)(read_sysreg(ICH_VTR) & 0x1f) + 1;
	redist_init(cpu);
	write_sysreg(0xff, ICC_PMR);
	write_sysreg(0, ICC_BPR1);
	write_sysreg(ICC_CTLR_EOIMODE, ICC_CTLR);
	write_sysreg(1, ICC_IGRPEN1);
	isb();
	reset_virtual_interface(0);
}

void irqchip_send_event(const struct percpu *cpu)
{
	u64 aff = cpu->mpidr;

	/* The flag that the SGI is about is visible before it (IHI 0069, 12.1.5). */
	dsb(ishst);
	write_sysreg((aff >> 32 & 0xff) << 48 | (aff >> 16 & 0xff) << 32 |
		     (aff >> 8 & 0xff) << 16 | (aff & 0xf0) << 40 |
		     EVENT_SGI << 24 | BIT(aff & 0xf), ICC_SGI1R);
	isb();
}

/* -- list registers -- */

static void read_lrs(struct vgic_cpu *cpu)
{
	u32 n;

	for (n = 0; n < cpu->nr_lr; n++)
		if (cpu->lr[n])
			cpu->lr[n] = read_lr(n);
	cpu->eoi_count = (u32)(read_sysreg(ICH_HCR) >> ICH_HCR_EOICOUNT_SHIFT);
}

static void sync(struct vcpu *vcpu)
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
		sync(vcpu);
}

void irqchip_vcpu_reset(struct vcpu *vcpu)
{
	struct vgic *vgic = &vcpu->cell->vgic;

	write_sysreg(0x7, ICC_SRE_EL1);
	reset_virtual_interface(ICH_HCR_EN);
	vgic_lock(vgic);
	vgic_cpu_online(vgic, &vcpu->vgic);
	vgic_unlock(vgic);
	sync(vcpu);
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
	wait_rwp(cpu->gicr + GICR_CTLR, GICR_CTLR_RWP);
	mmio_write32(sgi + GIC_ICPENDR, mask);
	mmio_write32(sgi + GIC_ICACTIVER, mask);
}

void irqchip_vcpu_exit(struct vcpu *vcpu)
{
	struct vgic *vgic = &vcpu->cell->vgic;

	vgic_lock(vgic);
	read_lrs(&vcpu->vgic);
	vgic_cpu_offline(vgic, &vcpu->vgic);
	vgic_unlock(vgic);
	reset_virtual_interface(0);
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

/* -- physical interrupts -- */

static void deactivate(u32 intid)
{
	write_sysreg(intid, ICC_DIR);
	isb();
}

/* @cell may be NULL: nobody owns it. */
static void forward(struct cell *cell, struct vcpu *vcpu, u32 intid)
{
	struct vgic_irq *irq = NULL;

	if (cell) {
		vgic_lock(&cell->vgic);
		irq = vgic_irq_get(&cell->vgic, vcpu ? &vcpu->vgic : NULL, intid);
		if (irq)
			vgic_set_pending(&cell->vgic, irq);
		vgic_unlock(&cell->vgic);
	}
	if (!irq)
		deactivate(intid);
}

static void forward_lpi(struct cell *cell, struct vcpu *vcpu, u32 intid, u8 priority)
{
	vgic_lock(&cell->vgic);
	vgic_set_lpi_pending(&cell->vgic, &vcpu->vgic, intid, priority);
	vgic_unlock(&cell->vgic);
}

static enum irq_kind handle_one(struct percpu *cpu, u32 intid)
{
	/* The running priority is that of what was just acknowledged. */
	u8 priority = intid >= VGIC_LPI_BASE ? (u8)read_sysreg(ICC_RPR) : 0;
	struct vcpu *vcpu = cpu->vcpu;

	write_sysreg(intid, ICC_EOIR1);
	isb();
	if (intid == EVENT_SGI) {
		deactivate(intid);
		return IRQ_EVENT;
	}
	if (intid == platform.maintenance) {
		/* A level: it must be gone before it can come again. */
		sync(vcpu);
		isb();
		deactivate(intid);
		return IRQ_MAINTENANCE;
	}
	if (intid == platform.hyp_timer) {
		timer_handle_irq();
		deactivate(intid);
		return IRQ_EVENT;
	}
	if (intid >= VGIC_LPI_BASE)
		forward_lpi(vcpu->cell, vcpu, intid, priority);
	else if (intid < VGIC_NR_PRIVATE)
		forward(vcpu->cell, vcpu, intid);
	else
		forward(irq_owner(intid), NULL, intid);
	return IRQ_GUEST;
}

enum irq_kind irqchip_handle_irqs(struct percpu *cpu)
{
	enum irq_kind kind, first = IRQ_NONE;
	u32 intid;

	for (;;) {
		intid = (u32)read_sysreg(ICC_IAR1);
		/* The acknowledge is done before what follows (IHI 0069, 12.1.5). */
		dsb(sy);
		if (intid >= VGIC_MAX_INTID && intid < VGIC_LPI_BASE)
			return first;
		kind = handle_one(cpu, intid);
		if (first == IRQ_NONE)
			first = kind;
	}
}

/* An SPI of the cell that stands for no physical one; NULL: it is none. */
static struct vgic_irq *emulated_spi(struct cell *cell, u32 intid)
{
	struct vgic_irq *irq = vgic_irq_get(&cell->vgic, NULL, intid);

	return irq && !irq->hw ? irq : NULL;
}

int irqchip_inject_irq(struct cell *cell, u32 intid)
{
	struct vgic_irq *irq;

	vgic_lock(&cell->vgic);
	irq = emulated_spi(cell, intid);
	if (irq)
		vgic_set_pending(&cell->vgic, irq);
	vgic_unlock(&cell->vgic);
	return irq ? 0 : -EINVAL;
}

int irqchip_set_line(struct cell *cell, u32 intid, bool high)
{
	struct vgic_irq *irq;

	vgic_lock(&cell->vgic);
	irq = emulated_spi(cell, intid);
	if (irq)
		vgic_set_line(&cell->vgic, irq, high);
	vgic_unlock(&cell->vgic);
	return irq ? 0 : -EINVAL;
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
		return gicd;
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
		wait_rwp(gicd + GICD_CTLR, GICD_CTLR_RWP);
	else
		wait_rwp(vcpu_of(cpu)->cpu->gicr + GICR_CTLR, GICR_CTLR_RWP);
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
	mmio_write64(gicd + GICD_IROUTER + intid * 8UL,
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

/* -- GIC pages of a cell -- */

/* A load of pending or active state: what is in our own list registers first. */
static void sync_for(struct vcpu *vcpu, const struct mmio_access *access)
{
	u64 offset = access->addr % GICR_SGI_FRAME;

	if (!access->write && offset >= GIC_STATE_FIRST && offset < GIC_STATE_END)
		sync(vcpu);
}

/* The answer comes with an SGI, which ends the wait even if it was first. */
static enum mmio_result wait_if_retry(enum mmio_result result)
{
	if (result == MMIO_RETRY)
		arch_wait();
	return result;
}

static enum mmio_result dist_handler(void *arg, struct mmio_access *access)
{
	struct vcpu *vcpu = this_cpu()->vcpu;
	struct cell *cell = arg;

	sync_for(vcpu, access);
	return wait_if_retry(vgic_dist_access(&cell->vgic, &vcpu->vgic, access));
}

static enum mmio_result redist_handler(void *arg, struct mmio_access *access)
{
	struct vcpu *vcpu = this_cpu()->vcpu;
	struct cell *cell = arg;

	sync_for(vcpu, access);
	return wait_if_retry(vgic_redist_access(&cell->vgic, &vcpu->vgic, access));
}

static u32 pages_of(u64 bytes)
{
	return (u32)(ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE);
}

/* Root drives the ITS itself, so its LPIs are the physical ones. */
static int init_lpis(struct cell *cell)
{
	u32 n, bits, typer = mmio_read32(gicd + GICD_TYPER);
	struct vgic *vgic = &cell->vgic;

	bits = (typer >> 19 & 0x1f) + 1;
	if (!(typer & TYPER_LPIS) || bits < 14)
		return 0;
	if (bits > 16)
		bits = 16;
	vgic->id_bits = bits - 1;
	vgic->nr_lpis = (1U << bits) - VGIC_LPI_BASE;
	vgic->lpi_priority = mem_alloc(pages_of(vgic->nr_lpis), 1);
	if (!vgic->lpi_priority)
		return -ENOMEM;
	for (n = 0; n < cell->nr_vcpus; n++) {
		if (!(cell->vcpus[n]->cpu->gicr_typer & GICR_TYPER_PLPIS))
			continue;
		cell->vcpus[n]->vgic.lpi_map = mem_alloc(pages_of(vgic->nr_lpis / 8), 1);
		if (!cell->vcpus[n]->vgic.lpi_map)
			return -ENOMEM;
	}
	return 0;
}

/* Root's: all that exists, and one virtual SPI for each other cell. */
static int init_root_irqs(struct cell *cell)
{
	u32 n;

	for (n = 0; n < cell->nr_vcpus; n++)
		cell->vcpus[n]->vgic.number = cell->vcpus[n]->cpu->gicr_typer >> 8 & 0xffff;
	for (n = VGIC_NR_PRIVATE; n < root_spi_base; n++)
		irq_set_owner(n, cell);
	for (n = 1; n < HVISOR_MAX_CELLS; n++)
		vgic_own(&cell->vgic, irqchip_root_spi(n), false);
	return init_lpis(cell);
}

static u32 spi_pages(u32 nr_irqs_of_cell)
{
	return pages_of((nr_irqs_of_cell - VGIC_NR_PRIVATE) * sizeof(struct vgic_irq));
}

static int init_irqs(struct cell *cell, u32 count)
{
	struct vgic_irq *spis;
	u32 n;

	spis = mem_alloc(spi_pages(count), 1);
	if (!spis)
		return -ENOMEM;
	vgic_init(&cell->vgic, count, spis);
	for (n = 0; n < cell->nr_vcpus; n++)
		vgic_add_cpu(&cell->vgic, &cell->vcpus[n]->vgic, cell->vcpus[n]->vmpidr &
			     AFFINITY_MASK, (u8)nr_lrs);
	for (n = VGIC_NR_SGIS; n < VGIC_NR_PRIVATE; n++)
		if (!(platform.hyp_ppis & BIT(n)))
			vgic_own(&cell->vgic, n, true);
	return 0;
}

int irqchip_cell_init(struct cell *cell, u64 gicd_ipa, u64 gicr_ipa)
{
	u64 frames = cell->nr_vcpus * 0x20000UL;
	u32 count = 256;
	int err;

	if (cell_is_root(cell)) {
		count = (u32)ALIGN_UP(irqchip_root_spi(HVISOR_MAX_CELLS - 1) + 1, 32);
		if (frames > platform.gicr[0].size)
			panic("root's redistributors do not fit in 0x%lx",
			      platform.gicr[0].size);
		frames = platform.gicr[0].size;
	}
	if (count > VGIC_MAX_INTID)
		count = VGIC_MAX_INTID;
	err = init_irqs(cell, count);
	if (!err && cell_is_root(cell))
		err = init_root_irqs(cell);
	if (!err)
		err = mmio_region_register(&cell->mmio, gicd_ipa, 0x10000, dist_handler, cell);
	if (!err)
		err = mmio_region_register(&cell->mmio, gicr_ipa, frames, redist_handler, cell);
	return err;
}

void irqchip_cell_exit(struct cell *cell)
{
	if (!cell->vgic.spis)
		return;
	mem_free(cell->vgic.spis, spi_pages(cell->vgic.nr_irqs));
	cell->vgic.spis = NULL;
	cell->mmio.count = 0;
}
