// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cells: look-up, states, the root cell and its memory.
 */
#include "cell.h"

#include <asm/mmu.h>

#include "boot.h"
#include "control.h"
#include "device.h"
#include "errno.h"
#include "irqchip.h"
#include "mem.h"
#include "panic.h"
#include "percpu.h"
#include "printk.h"
#include "stats.h"
#include "string.h"
#include "timer.h"

_Static_assert(sizeof(struct hvisor_cell_page) <= PAGE_SIZE, "one page");
_Static_assert(sizeof(struct vcpu) <= PAGE_SIZE, "one page");

struct cell root_cell;

static struct cell cells[HVISOR_MAX_CELLS - 1];

struct cell *cell_slot(u32 id)
{
	return &cells[id - 1];
}

struct cell *cell_get(u32 id)
{
	struct cell *cell;

	if (id >= HVISOR_MAX_CELLS)
		return NULL;
	cell = id == HVISOR_ROOT_CELL ? &root_cell : cell_slot(id);
	return READ_ONCE(cell->state) == HVISOR_CELL_NONE ? NULL : cell;
}

struct vcpu *cell_vcpu_by_mpidr(struct cell *cell, u64 mpidr)
{
	u32 n;

	for (n = 0; n < cell->nr_vcpus; n++)
		if ((cell->vcpus[n]->vmpidr & ~BIT(31)) == mpidr)
			return cell->vcpus[n];
	return NULL;
}

/* Partner: readers of hvisor_cell_page.seq, see abi. */
void cell_page_begin(struct cell *cell)
{
	WRITE_ONCE(cell->page->seq, cell->page->seq + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void cell_page_end(struct cell *cell)
{
	__atomic_store_n(&cell->page->seq, cell->page->seq + 1, __ATOMIC_RELEASE);
}

void cell_set_state(struct cell *cell, u32 state, u32 reason)
{
	struct hvisor_cell_page *page = cell->page;
	bool starts = state == HVISOR_CELL_RUNNING && cell->state != HVISOR_CELL_PAUSED;

	WRITE_ONCE(cell->state, state);
	cell_page_begin(cell);
	WRITE_ONCE(page->state, state);
	WRITE_ONCE(page->reason, reason);
	WRITE_ONCE(page->state_since, timer_now());
	if (starts)
		WRITE_ONCE(page->starts, page->starts + 1);
	cell_page_end(cell);
	devices_cell_event(cell);
}

void vcpu_set_state(struct vcpu *vcpu, enum vcpu_state state)
{
	struct hvisor_cell_page *page = vcpu->cell->page;

	WRITE_ONCE(vcpu->state, state);
	cell_page_begin(vcpu->cell);
	if (state == VCPU_ON)
		page->cpu_on |= BIT(vcpu->id);
	else
		page->cpu_on &= ~BIT(vcpu->id);
	cell_page_end(vcpu->cell);
	stats_cpu_update(vcpu);
}

/* -- root -- */

static bool is_ram(u64 addr, u64 *ret_end)
{
	u64 next = 1UL << s2_bits();
	u32 n;

	for (n = 0; n < platform.nr_banks; n++) {
		const struct range *bank = &platform.ram[n];

		if (addr >= bank->base && addr < bank->base + bank->size) {
			*ret_end = bank->base + bank->size;
			return true;
		}
		if (bank->base > addr)
			next = min_u64(next, bank->base);
	}
	*ret_end = next;
	return false;
}

/* Shortens [@addr, *@end) at the next hole; true: @addr is in one. */
static bool in_hole(const struct range *holes, u32 nr, u64 addr, u64 *end)
{
	u32 n;

	for (n = 0; n < nr; n++) {
		if (addr >= holes[n].base && addr < holes[n].base + holes[n].size) {
			*end = min_u64(*end, holes[n].base + holes[n].size);
			return true;
		}
		if (holes[n].base > addr)
			*end = min_u64(*end, holes[n].base);
	}
	return false;
}

/*
 * Identity over the whole input range: RAM Normal, the rest Device, but for
 * EL2's own memory and the GIC pages that it emulates. GITS pages are Device:
 * root drives its ITS itself.
 */
static void map_root(struct cell *cell, const struct range *holes, u32 nr)
{
	u64 addr, end, attrs, limit = 1UL << s2_bits();

	for (addr = 0; addr < limit; addr = end) {
		attrs = is_ram(addr, &end) ? S2_RAM : S2_DEVICE;
		if (in_hole(holes, nr, addr, &end))
			continue;
		if (paging_map(&cell->s2, addr, addr, end - addr, attrs, 0))
			panic("cannot map [0x%lx-0x%lx] for root", addr, end - 1);
	}
}

static void root_init_memory(struct cell *cell)
{
	struct range holes[3 + BOOT_MAX_GICR];
	u32 n, nr = 0;

	holes[nr++] = boot_image_block();
	holes[nr++] = (struct range){ mem_pool_base(), mem_pool_size() };
	holes[nr++] = platform.gicd;
	for (n = 0; n < platform.nr_gicr; n++)
		holes[nr++] = platform.gicr[n];
	if (s2_init(&cell->s2, HVISOR_ROOT_CELL + 1))
		panic("no memory for root's stage 2");
	map_root(cell, holes, nr);
	/* Pages shared later change entries from invalid to valid, no blocks. */
	if (paging_prepare(&cell->s2, mem_pool_base(), mem_pool_size()))
		panic("no memory for root's stage 2");
	cell->vttbr = s2_vttbr(&cell->s2);
}

static void root_add_vcpu(struct cell *cell, struct percpu *cpu)
{
	static struct hvisor_cpu_stats spare;	/* beyond what the page has room for */
	struct vcpu *vcpu = mem_alloc(1, 1);
	u32 id = cell->nr_vcpus;

	if (!vcpu)
		panic("no memory for root's CPU %u", id);
	vcpu->cell = cell;
	vcpu->cpu = cpu;
	vcpu->id = id;
	vcpu->vmpidr = cpu->mpidr | BIT(31);
	vcpu->stats = id < HVISOR_MAX_CELL_CPUS ? &cell->page->stats[id] : &spare;
	if (id < HVISOR_MAX_CELL_CPUS)
		cell->page->cpus[id] = cpu->id;
	cell->vcpus[cell->nr_vcpus++] = vcpu;
	cpu->vcpu = vcpu;
}

void cell_root_init(void)
{
	struct cell *cell = &root_cell;
	u32 n;

	cell->id = HVISOR_ROOT_CELL;
	cell->page = mem_alloc(1, 1);
	if (!cell->page)
		panic("no memory for root");
	memcpy(cell->page->name, "root", 5);
	cell->state = HVISOR_CELL_RUNNING;
	cell->page->state = cell->state;
	cell->page->starts = 1;
	root_init_memory(cell);
	for (n = 0; n < nr_cpus; n++)
		root_add_vcpu(cell, percpus[n]);
	cell->page->nr_cpus = cell->nr_vcpus;
	if (irqchip_cell_init(cell, platform.gicd.base, platform.gicr[0].base))
		panic("no memory for root's interrupts");
	if (mem_share_with_root((u64)cell->page, 1, false))
		panic("cannot share root's page");
}

static bool in_pool(u64 pa, u64 size)
{
	return pa >= mem_pool_base() && size <= mem_pool_size() &&
	       pa - mem_pool_base() <= mem_pool_size() - size;
}

int mem_share_with_root(u64 pa, u32 pages, bool writable)
{
	u64 attrs = S2_NORMAL | S2_XN | (writable ? S2_WRITE : 0), size = pages * PAGE_SIZE;

	if (!in_pool(pa, size))
		return -EINVAL;
	return paging_map(&root_cell.s2, pa, pa, size, attrs, PAGING_PAGES);
}

int mem_unshare_with_root(u64 pa, u32 pages)
{
	u64 size = pages * PAGE_SIZE;

	return in_pool(pa, size) ? paging_unmap(&root_cell.s2, pa, size) : -EINVAL;
}
