// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Register pages: written by EL2, read by a guest, Device-nGnRE in both views.
 *
 * A location that is mapped with different attributes loses its coherency, and
 * a speculative fetch through a cacheable alias could hide what EL2 writes from
 * the guest (Arm ARM DDI 0487, B2.8). So the pool page leaves EL2's
 * cacheable mapping while it serves as register page.
 */
#include "device.h"

#include <asm/mmu.h>
#include <asm/sysreg.h>

#include "cell.h"
#include "errno.h"
#include "mem.h"
#include "panic.h"

#define ICH_HCR_EL2	S3_4_C12_C11_0
#define ICH_HCR_EN	BIT(0)

#define S2_REGS		(PTE_AF | S2_ATTR(0x1) | S2_READ | S2_XN)
#define S2_ATTR_MASK	S2_ATTR(0xf)

/*
 * The one mapping of the page goes (paging_unmap(): TLBI, DSB), then the other
 * comes: break before make (D8.14.1). The tables exist, so it cannot fail.
 */
static void remap(volatile u32 *regs, u64 attrs)
{
	u64 addr = (u64)regs;

	if (paging_unmap(&hv_paging, addr, PAGE_SIZE) ||
	    paging_map(&hv_paging, addr, addr, PAGE_SIZE, attrs, PAGING_PAGES))
		panic("register page %p", (void *)addr);
	/* The walker sees the entry (D8.2.6); this CPU's next access uses it. */
	dsb(ishst);
	isb();
	/*
	 * Lines of the cacheable life, dirty or speculatively filled, reach
	 * memory or are dropped; by address this works on all caches whatever
	 * the attributes are (D7.5.9).
	 */
	dcache_clean_invalidate((void *)addr, PAGE_SIZE);
}

volatile u32 *arch_regs_alloc(void)
{
	volatile u32 *regs = mem_alloc(1, 1);

	if (regs)
		remap(regs, S1_DEVICE);
	return regs;
}

void arch_regs_free(volatile u32 *regs)
{
	if (!regs)
		return;
	dsb(sy);
	remap(regs, S1_DATA);
	mem_free((void *)(u64)regs, 1);
}

int arch_regs_map(struct cell *cell, u64 ipa, volatile u32 *regs)
{
	return paging_map(&cell->s2, ipa, (u64)regs, PAGE_SIZE, S2_REGS, PAGING_PAGES);
}

void arch_regs_unmap(struct cell *cell, u64 ipa)
{
	if (paging_unmap(&cell->s2, ipa, PAGE_SIZE))
		panic("cell %u: register page at %llx", cell->id, (unsigned long long)ipa);
}

void arch_regs_sync(void)
{
	/* Stores to Device memory complete before the guest is told (B2.3.12). */
	dsb(st);
}

int arch_ipa_check(const struct cell *cell, u64 ipa, u64 size)
{
	u64 at;

	if (ipa + size > 1UL << s2_bits())
		return -EINVAL;
	for (at = ipa; at < ipa + size; at += PAGE_SIZE)
		if (paging_walk(&cell->s2, at, NULL))
			return -EEXIST;
	return 0;
}

static bool page_reachable(const struct cell *cell, u64 ipa, bool write)
{
	u64 want = PTE_VALID | S2_ATTR_MASK | S2_READ | (write ? S2_WRITE : 0);

	return (paging_walk(&cell->s2, ipa, NULL) & want) == want;
}

bool arch_memory_reachable(const struct cell *cell, u64 ipa, u64 size, bool write)
{
	u64 at, end = ipa + size;

	if (end < ipa || end > 1UL << s2_bits())
		return false;
	for (at = ALIGN_DOWN(ipa, PAGE_SIZE); at < end; at += PAGE_SIZE)
		if (!page_reachable(cell, at, write))
			return false;
	return true;
}

void arch_vcpu_wait(void)
{
	u64 hcr = read_sysreg(ICH_HCR_EL2);

	/*
	 * A virtual interrupt that waits for the guest may end WFI here as a
	 * physical one does, and it would for ever: the interface is off while
	 * the CPU sleeps. A physical interrupt, though masked, ends it (D1.6.2).
	 */
	write_sysreg(hcr & ~ICH_HCR_EN, ICH_HCR_EL2);
	isb();
	dsb(sy);
	asm volatile("wfi" : : : "memory");
	write_sysreg(hcr, ICH_HCR_EL2);
	isb();
}
