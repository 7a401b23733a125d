// SPDX-License-Identifier: GPL-2.0-or-later
/* What cell life needs of the architecture. */
#include "cell.h"

#include <asm/mmu.h>
#include <asm/sysreg.h>
#include <asm/traps.h>

#include "string.h"

void arch_failure_fill(struct hvisor_failure *failure, const struct trap_frame *frame)
{
	static const struct trap_frame unknown;

	if (!frame)
		frame = &unknown;
	memcpy(failure->x, frame->x, sizeof(failure->x));
	failure->sp_el0 = read_sysreg(sp_el0);
	failure->sp_el1 = read_sysreg(sp_el1);
	failure->pc = frame->elr;
	failure->pstate = frame->spsr;
}

void arch_block_clean(u64 pa)
{
	/* DC by VA reaches all caches of the domain, to PoC (D7.5.9.5). */
	dcache_clean_invalidate(mmu_window_map(pa), BLOCK_SIZE);
	mmu_window_unmap();
}

void arch_code_sync(void)
{
	/* All CPUs of the domain; the DSB completes it (D7.5.9.6, B2.3.11). */
	asm volatile("ic ialluis" : : : "memory");
	dsb(ish);
	isb();
}

void arch_s2_exit(struct cell *cell)
{
	if (!cell->s2.root)
		return;
	/* VMIDs and table pages are used again (D8.14.1). */
	s2_flush_all(&cell->s2);
	paging_destroy(&cell->s2);
}
