// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The GIC that a cell sees: distributor and redistributors under emulation
 * (vgic.c), what it owns of the machine's interrupts, and the ones that its
 * emulated devices raise.
 */
#include "gicv3.h"

#include <asm/io.h>

#include "boot.h"
#include "cell.h"
#include "control.h"
#include "errno.h"
#include "irq.h"
#include "irqchip.h"
#include "mem.h"
#include "panic.h"
#include "percpu.h"

/*
 * Before pending or active state is loaded: what is in our own list registers.
 * Of root's also what was raised in it, and before a store, too: what comes later
 * is not taken back.
 */
static void sync_for(struct vcpu *vcpu, const struct mmio_access *access)
{
	u64 offset = access->addr % GICR_SGI_FRAME;

	if (offset < GIC_STATE_FIRST || offset >= GIC_STATE_END)
		return;
	if (cell_is_root(vcpu->cell))
		irqchip_fold_raised();
	if (!access->write)
		gicv3_sync(vcpu);
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
	u32 n, bits, typer = mmio_read32(platform.gicd.base + GICD_TYPER);
	struct vgic *vgic = &cell->vgic;

	bits = (typer >> 19 & 0x1f) + 1;
	if (!(typer & GICD_TYPER_LPIS) || bits < 14)
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
	for (n = VGIC_NR_PRIVATE; n < irqchip_root_spi(1); n++)
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
		vgic_add_cpu(&cell->vgic, &cell->vcpus[n]->vgic,
			     cell->vcpus[n]->vmpidr & AFFINITY_MASK,
			     cell->vcpus[n]->cpu->nr_lrs);
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
