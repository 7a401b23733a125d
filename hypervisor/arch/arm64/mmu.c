// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * EL2's own stage 1, the stage 2 regimes, caches and TLBs.
 *
 * All of EL2 runs with VA = PA; only per-CPU areas and cache windows have
 * addresses of their own (asm/percpu.h). All tables are Normal Write-Back
 * memory and walks are cacheable and inner shareable, so a store to a table
 * needs a DSB to be seen by a walker (Arm ARM D8.2.6), no cache maintenance.
 */
#include <asm/mmu.h>

#include <asm/cpu.h>
#include <asm/percpu.h>

#include "errno.h"
#include "mem.h"
#include "panic.h"
#include "percpu.h"

#define EARLY_PAGES	32
#define HV_VA_BITS	48

extern char _start[], _etext[], _erodata[], _stack_guard[], _boot_stack[], _end[];

/* What mmu_on in entry.S loads. Written before the second CPU reads it. */
struct {
	u64 mair;
	u64 tcr;
	u64 ttbr0;
	u64 sctlr;
} mmu_regs;

static u8 early_pages[EARLY_PAGES][PAGE_SIZE] __aligned(PAGE_SIZE);
static u32 early_used;		/* boot CPU only */
static bool pool_ready;		/* boot CPU only */

static void *table_alloc(void)
{
	if (pool_ready)
		return mem_alloc(1, 1);
	return early_used < EARLY_PAGES ? early_pages[early_used++] : NULL;
}

static void table_free(void *page)
{
	mem_free(page, 1);
}

/* New entries: complete before anything that relies on them (D8.14.1). */
static void table_sync(void)
{
	dsb(ishst);
	isb();
}

/* D8.14.5: DSB ISH after the TLBI waits until all CPUs are done with it. */
static void hv_flush(const struct paging *pg __maybe_unused, u64 virt, u64 size)
{
	u64 end = virt + size;

	dsb(ishst);
	if (size > 64 * PAGE_SIZE)
		asm volatile("tlbi alle2is" : : : "memory");
	else
		for (; virt < end; virt += PAGE_SIZE)
			asm volatile("tlbi vae2is, %0" : : "r" (virt >> PAGE_SHIFT) : "memory");
	dsb(ish);
	isb();
}

static const struct paging_ops hv_ops = {
	.alloc = table_alloc,
	.free = table_free,
	.sync = table_sync,
	.flush = hv_flush,
};

struct paging hv_paging = {
	.start = 0,
	.bits = HV_VA_BITS,
	.ops = &hv_ops,
};

static void map_identity(u64 start, u64 end, u64 attrs, unsigned int flags)
{
	if (end > start && paging_map(&hv_paging, start, start, end - start, attrs, flags))
		panic("cannot map [0x%lx-0x%lx]", start, end - 1);
}

/* Bits of physical address that the CPU has (ID_AA64MMFR0_EL1.PARange). */
static u32 pa_range(void)
{
	u32 range = read_sysreg(id_aa64mmfr0_el1) & 0xf;

	return range > 5 ? 5 : range;
}

static u64 fdt_size(u64 fdt)
{
	const u32 *header = (const u32 *)fdt;

	if (!fdt || !IS_ALIGNED(fdt, 8) || __builtin_bswap32(header[0]) != 0xd00dfeed)
		return 0;
	return min_u64(__builtin_bswap32(header[1]), BLOCK_SIZE);
}

/*
 * Runs with the MMU off: all memory is Device-nGnRnE then, and stores go past
 * the caches (D8.2.10); entry.S has cleaned them before and drops them after.
 */
void mmu_boot_init(u64 image, u64 fdt)
{
	u64 tree = fdt_size(fdt);

	hv_paging.root = table_alloc();
	map_identity(image, (u64)_etext, S1_TEXT, PAGING_PAGES);
	map_identity((u64)_etext, (u64)_erodata, S1_RODATA, PAGING_PAGES);
	map_identity((u64)_erodata, (u64)_stack_guard, S1_DATA, PAGING_PAGES);
	map_identity((u64)_boot_stack, (u64)_end, S1_DATA, PAGING_PAGES);
	if (tree)
		map_identity(ALIGN_DOWN(fdt, PAGE_SIZE), ALIGN_UP(fdt + tree, PAGE_SIZE),
			     S1_RODATA, PAGING_PAGES);
	mmu_regs.mair = MAIR_VALUE;
	/* T0SZ 16, walks Write-Back inner shareable, 4 KiB, PS; RES1 31, 23. */
	mmu_regs.tcr = (64 - HV_VA_BITS) | 1UL << 8 | 1UL << 10 | 3UL << 12 |
		       (u64)pa_range() << 16 | BIT(23) | BIT(31);
	mmu_regs.ttbr0 = (u64)hv_paging.root;
	/* RES1 bits, M, C, SA, I, WXN: what is writable is never executable. */
	mmu_regs.sctlr = 0x30c50830UL | BIT(0) | BIT(2) | BIT(3) | BIT(12) | BIT(19);
}

void mmu_pool_init(u64 base, u64 size)
{
	/* Its tables come out of its own first block. */
	map_identity(base, base + BLOCK_SIZE, S1_DATA, PAGING_PAGES);
	mem_init(base, size);
	pool_ready = true;
	map_identity(base + BLOCK_SIZE, base + size, S1_DATA, PAGING_PAGES);
	/* Secondary CPUs read it before their caches are on (D8.2.10). */
	dcache_clean(&mmu_regs, sizeof(mmu_regs));
}

void mmu_unmap_fdt(u64 fdt)
{
	u64 start = ALIGN_DOWN(fdt, PAGE_SIZE);

	mmu_unmap(start, ALIGN_UP(fdt + fdt_size(fdt), PAGE_SIZE) - start);
}

void mmu_map_device(u64 base, u64 size)
{
	map_identity(ALIGN_DOWN(base, PAGE_SIZE), ALIGN_UP(base + size, PAGE_SIZE),
		     S1_DEVICE, PAGING_PAGES);
}

void mmu_map_ram(u64 base, u64 size)
{
	map_identity(base, base + size, S1_DATA, 0);
}

void mmu_unmap(u64 base, u64 size)
{
	if (paging_unmap(&hv_paging, base, size))
		panic("cannot unmap [0x%lx-0x%lx]", base, base + size - 1);
}

void *mmu_map_percpu(u32 cpu)
{
	u64 va = PERCPU_VA_BASE + cpu * PERCPU_VA_STRIDE;
	void *stack = mem_alloc(PERCPU_STACK_PAGES, 1);
	void *rest = mem_alloc(2, 1);

	_Static_assert(sizeof(struct percpu) <= PAGE_SIZE, "one page");
	if (!stack || !rest ||
	    paging_map(&hv_paging, va + PAGE_SIZE, (u64)stack, PERCPU_STACK_PAGES * PAGE_SIZE,
		       S1_DATA, PAGING_PAGES) ||
	    paging_map(&hv_paging, va + PERCPU_VA_STRUCT - PAGE_SIZE, (u64)rest, 2 * PAGE_SIZE,
		       S1_DATA, PAGING_PAGES))
		panic("no memory for CPU %u", cpu);
	return (void *)(va + PERCPU_VA_STRUCT);
}

/* -- windows -- */

/* One entry of level 2: one TLBI by an address in it does (D8.14.5). */
static void window_flush(const struct paging *pg __maybe_unused, u64 virt,
			 u64 size __maybe_unused)
{
	dsb(ishst);
	asm volatile("tlbi vae2is, %0" : : "r" (virt >> PAGE_SHIFT) : "memory");
	dsb(ish);
	isb();
}

static const struct paging_ops window_ops = {
	.alloc = table_alloc,
	.free = table_free,
	.sync = table_sync,
	.flush = window_flush,
};

static struct paging window_paging;	/* hv_paging's tables; set once */

static u64 window_va(u32 cpu)
{
	return WINDOW_VA_BASE + cpu * BLOCK_SIZE;
}

/* The tables stay, so that mapping needs no memory, and no lock. */
void mmu_window_init(void)
{
	u32 n;

	window_paging = hv_paging;
	window_paging.ops = &window_ops;
	for (n = 0; n < nr_cpus; n++)
		if (paging_map(&window_paging, window_va(n), mem_pool_base(), BLOCK_SIZE,
			       S1_DATA, 0) ||
		    paging_unmap(&window_paging, window_va(n), BLOCK_SIZE))
			panic("no memory for windows");
}

void *mmu_window_map(u64 pa)
{
	u64 va = window_va(this_cpu()->id);

	if (paging_map(&window_paging, va, pa, BLOCK_SIZE, S1_DATA, 0))
		panic("cannot map 0x%lx", pa);
	return (void *)va;
}

void mmu_window_unmap(void)
{
	if (paging_unmap(&window_paging, window_va(this_cpu()->id), BLOCK_SIZE))
		panic("cannot unmap the window");
}

/* -- caches -- */

static u64 dcache_line(void)
{
	return 4UL << (read_sysreg(ctr_el0) >> 16 & 0xf);	/* DminLine */
}

/* To the point of coherency; the DSB completes them (D7.5.9). */
void dcache_clean(const void *start, u64 size)
{
	u64 line = dcache_line(), addr;

	for (addr = ALIGN_DOWN((u64)start, line); addr < (u64)start + size; addr += line)
		asm volatile("dc cvac, %0" : : "r" (addr) : "memory");
	dsb(sy);
}

void dcache_clean_invalidate(const void *start, u64 size)
{
	u64 line = dcache_line(), addr;

	for (addr = ALIGN_DOWN((u64)start, line); addr < (u64)start + size; addr += line)
		asm volatile("dc civac, %0" : : "r" (addr) : "memory");
	dsb(sy);
}

/* -- stage 2 -- */

/*
 * 40 bits where the CPU has as many: QEMU's and most boards' PCIe windows lie
 * below, and three levels of tables do (two concatenated first ones, D8.2.8).
 */
u32 s2_bits(void)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48 };

	return bits[pa_range()] < 40 ? bits[pa_range()] : 40;
}

/* D19.2.163: start at level 1, walks Write-Back inner shareable. */
u64 s2_vtcr(void)
{
	return (64 - s2_bits()) | 1UL << 6 | 1UL << 8 | 1UL << 10 | 3UL << 12 |
	       (u64)pa_range() << 16 | BIT(31);
}

/*
 * TLBI works on the current VMID (D8.14.5), and not by IPA here, since that
 * leaves combined entries of stage 1 and 2: all of the VMID's go. For another
 * cell's its VTTBR_EL2 is taken for the moment, with stage 1 walks off:
 * Cortex-A57 and A72 (errata 1319367, 1319537) may walk the caller's EL1 tables
 * speculatively and keep the result under the wrong VMID.
 */
static void s2_flush(const struct paging *pg, u64 virt __maybe_unused, u64 size __maybe_unused)
{
	u64 mine = read_sysreg(vttbr_el2), other = s2_vttbr(pg);
	u64 tcr = read_sysreg(tcr_el1);
	bool foreign = other != mine;

	dsb(ishst);
	if (foreign) {
		write_sysreg(tcr | TCR_EPD0 | TCR_EPD1, tcr_el1);
		isb();
		write_sysreg(other, vttbr_el2);
		isb();
	}
	asm volatile("tlbi vmalls12e1is" : : : "memory");
	dsb(ish);
	if (foreign) {
		write_sysreg(mine, vttbr_el2);
		isb();
		write_sysreg(tcr, tcr_el1);
	}
	isb();
}

void s2_flush_all(const struct paging *pg)
{
	s2_flush(pg, 0, 0);
}

static const struct paging_ops s2_ops = {
	.alloc = table_alloc,
	.free = table_free,
	.sync = table_sync,
	.flush = s2_flush,
};

int s2_init(struct paging *pg, u16 vmid)
{
	u32 pages = paging_root_pages(s2_bits(), 1);

	pg->start = 1;
	pg->bits = (u8)s2_bits();
	pg->vmid = vmid;
	pg->ops = &s2_ops;
	/* Concatenated tables are aligned to their size (D8.2.8). */
	pg->root = mem_alloc(pages, pages);
	return pg->root ? 0 : -ENOMEM;
}

u64 s2_vttbr(const struct paging *pg)
{
	return (u64)pg->vmid << 48 | (u64)pg->root;
}

/*
 * AT leaves its answer in PAR_EL1, which is the guest's (D19.2.110): saved
 * and restored. The ISB makes PAR_EL1 readable (C5.4, D8.2.12).
 */
u64 mmu_translate_guest(u64 va, bool write, bool user)
{
	u64 saved = read_sysreg(par_el1), par;

	if (user && write)
		asm volatile("at s1e0w, %0" : : "r" (va) : "memory");
	else if (user)
		asm volatile("at s1e0r, %0" : : "r" (va) : "memory");
	else if (write)
		asm volatile("at s1e1w, %0" : : "r" (va) : "memory");
	else
		asm volatile("at s1e1r, %0" : : "r" (va) : "memory");
	isb();
	par = read_sysreg(par_el1);
	write_sysreg(saved, par_el1);
	return par;
}
