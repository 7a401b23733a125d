// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts that cells raise in root. Root's vGIC has one lock for all, so a
 * cell stays away from it: it sets a flag in a line that is its own and sends
 * EL2's raise SGI. Whoever takes that folds the flags into root's distributor.
 *
 *	cell:	raised = 1 (exchange); if it was 0: DSB, SGI
 *	taker:	acknowledge, DSB; lock; raised = 0 (exchange), pending; unlock
 *
 * Nothing is lost: whoever has found 0 sends an SGI behind its 1 (IHI 0069,
 * 12.1.5), and each 1 after that is met by the same exchange of the taker's, or is
 * the first one behind it and has an SGI of its own. The exchanges are LDAXR and
 * STLXR (Arm ARM DDI 0487, B2.3.11): who handles the interrupt sees what was
 * stored before it was raised.
 *
 * Which CPU is sent the SGI is a matter of speed alone. One that has left root
 * meanwhile, to wait at EL2 or for another cell, folds as any other does.
 */
#include <asm/atomic.h>

#include "cell.h"
#include "irqchip.h"
#include "percpu.h"
#include "vgic.h"

/**
 * struct raise - of one cell
 * @raised: root's interrupt for it is to become pending
 * @cpu: root's CPU that took the last one, by EL2's number, which is root's too;
 *	under the lock of root's vGIC
 */
struct raise {
	u32 raised;
	u32 cpu;
} __aligned(CACHE_LINE);

static struct raise raises[HVISOR_MAX_CELLS];

void irqchip_raise_root(u32 id)
{
	struct raise *raise = &raises[id];

	if (atomic_exchange(&raise->raised, 1))
		return;
	if (cell_is_root(this_cpu()->vcpu->cell))
		irqchip_fold_raised();
	else
		irqchip_send_raise(percpus[READ_ONCE(raise->cpu)]);
}

/* CPU 0 is root's, always. */
static u32 cpu_of(const struct vgic *vgic, const struct vgic_irq *irq)
{
	return irq->target != VGIC_NONE && vgic->cpus[irq->target]->online ? irq->target : 0;
}

static void fold(struct vgic *vgic, u32 id)
{
	/* Root has it since boot. */
	struct vgic_irq *irq = vgic_irq_get(vgic, NULL, irqchip_root_spi(id));

	atomic_exchange(&raises[id].raised, 0);
	vgic_set_pending(vgic, irq);
	WRITE_ONCE(raises[id].cpu, cpu_of(vgic, irq));
}

void irqchip_fold_raised(void)
{
	struct vgic *vgic = &root_cell.vgic;
	u32 id;

	vgic_lock(vgic);
	for (id = 1; id < HVISOR_MAX_CELLS; id++)
		if (READ_ONCE(raises[id].raised))
			fold(vgic, id);
	vgic_unlock(vgic);
}

void irqchip_raise_elsewhere(u32 cpu)
{
	u32 id;

	for (id = 1; id < HVISOR_MAX_CELLS; id++)
		if (raises[id].cpu == cpu)
			WRITE_ONCE(raises[id].cpu, 0);
}
