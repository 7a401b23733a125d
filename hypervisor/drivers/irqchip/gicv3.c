// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The physical GICv3 (IHI 0069): EL2 takes every interrupt, drops its priority
 * at once (EOImode = 1) and gives it to the vGIC of the cell that owns it. The
 * guest's EOI then deactivates it by the list register's HW bit.
 *
 * All guests' interrupts have one physical priority: which comes first is
 * decided in the vGIC. EL2's own are SGI 0 (look at requests), SGI 1 (look at what
 * was raised in root) and the maintenance PPI; no guest's register writes reach
 * them.
 */
#include "irqchip.h"

#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/sysreg.h>

#include "boot.h"
#include "cell.h"
#include "gicv3.h"
#include "irq.h"
#include "panic.h"
#include "percpu.h"
#include "timer.h"

static u32 nr_irqs;		/* set once, at boot, as is the next */
static u32 root_spi_base;

/* -- physical distributor and redistributors -- */

void gicv3_wait(u64 addr, u64 bit)
{
	u32 n;

	for (n = 0; n < MAX_WAIT && (mmio_read32(addr) & bit); n++)
		;
}

static void dist_init(void)
{
	u64 boot_cpu = this_cpu()->mpidr & AFFINITY_MASK, gicd = platform.gicd.base;
	u32 n;

	mmio_write32(gicd + GICD_CTLR, 0);
	gicv3_wait(gicd + GICD_CTLR, GICD_CTLR_RWP);
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
	gicv3_wait(gicd + GICD_CTLR, GICD_CTLR_RWP);
	mmio_write32(gicd + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP1);
	gicv3_wait(gicd + GICD_CTLR, GICD_CTLR_RWP);
	/* IROUTER is RES0 until affinity routing is on (12.9.22). */
	for (n = 32; n < nr_irqs && n < VGIC_MAX_INTID; n++)
		mmio_write64(gicd + GICD_IROUTER + n * 8UL, boot_cpu);
}

void irqchip_init(void)
{
	u32 n, typer;

	mmu_map_device(platform.gicd.base, platform.gicd.size);
	for (n = 0; n < platform.nr_gicr; n++)
		mmu_map_device(platform.gicr[n].base, platform.gicr[n].size);
	typer = mmio_read32(platform.gicd.base + GICD_TYPER);
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
	mmio_write32(waker, mmio_read32(waker) & ~(u32)GICR_WAKER_PROCESSOR_SLEEP);
	gicv3_wait(waker, GICR_WAKER_CHILDREN_ASLEEP);
	mmio_write32(sgi + GIC_ICENABLER, ~0U);
	mmio_write32(sgi + GIC_ICPENDR, ~0U);
	mmio_write32(sgi + GIC_ICACTIVER, ~0U);
	mmio_write32(sgi + GIC_IGROUPR, ~0U);
	for (n = 0; n < 32; n += 4)
		mmio_write32(sgi + GIC_IPRIORITYR + n, PRIORITY_GUEST * 0x01010101U);
	mmio_write32(sgi + GIC_IPRIORITYR,
		     (PRIORITY_GUEST * 0x01010000U) | (PRIORITY_EVENT * 0x0101U));
	gicv3_wait(cpu->gicr + GICR_CTLR, GICR_CTLR_RWP);
	mmio_write32(sgi + GIC_ISENABLER, BIT(EVENT_SGI) | BIT(RAISE_SGI) |
		     BIT(platform.maintenance) | BIT(platform.hyp_timer));
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
	cpu->nr_lrs = gicv3_nr_lrs();
	redist_init(cpu);
	write_sysreg(0xff, ICC_PMR);
	write_sysreg(0, ICC_BPR1);
	write_sysreg(ICC_CTLR_EOIMODE, ICC_CTLR);
	write_sysreg(1, ICC_IGRPEN1);
	isb();
	gicv3_reset_virtual(0);
}

static void send_sgi(const struct percpu *cpu, u64 intid)
{
	u64 aff = cpu->mpidr;

	/* The flag that the SGI is about is visible before it (IHI 0069, 12.1.5). */
	dsb(ishst);
	write_sysreg((aff >> 32 & 0xff) << 48 | (aff >> 16 & 0xff) << 32 |
		     (aff >> 8 & 0xff) << 16 | (aff & 0xf0) << 40 |
		     intid << 24 | BIT(aff & 0xf), ICC_SGI1R);
	isb();
}

void irqchip_send_event(const struct percpu *cpu)
{
	send_sgi(cpu, EVENT_SGI);
}

void irqchip_send_raise(const struct percpu *cpu)
{
	send_sgi(cpu, RAISE_SGI);
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
	if (intid == RAISE_SGI) {
		deactivate(intid);
		irqchip_fold_raised();
		return IRQ_EVENT;
	}
	if (intid == platform.maintenance) {
		/* A level: it must be gone before it can come again. */
		gicv3_sync(vcpu);
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
