// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * EL2's page pool and the owner of each 2 MiB block of RAM.
 *
 * The pool is a bitmap with first fit from the lowest free page on: it serves
 * creation and destruction of cells, nothing that must be fast. Its own bitmap
 * is in its first pages. Every page counts: what a cell takes it gives back,
 * and tests compare the totals.
 */
#include "mem.h"

#include <hvisor/abi.h>

#include "errno.h"
#include "spinlock.h"
#include "string.h"

struct bank {
	u64 base;
	u64 blocks;
	u8 *owner;
};

static struct {
	spinlock_t lock;	/* all below */
	u64 base;
	u64 pages;
	u64 free;
	u64 first;		/* no free page below */
	u64 *used;		/* bit set: allocated */
	u64 *published;		/* copy of free that root reads; NULL: none yet */
} pool;

static spinlock_t owner_lock;	/* owner[] of all banks */
static struct bank banks[MEM_MAX_BANKS];	/* fixed after boot */
static u32 nr_banks;

static bool page_used(u64 page)
{
	return pool.used[page / 64] & BIT(page % 64);
}

static void mark_pages(u64 page, u64 count, bool used)
{
	for (; count; count--, page++) {
		if (used)
			pool.used[page / 64] |= BIT(page % 64);
		else
			pool.used[page / 64] &= ~BIT(page % 64);
	}
}

static void set_free(u64 pages)
{
	pool.free = pages;
	if (pool.published)
		WRITE_ONCE(*pool.published, pages);
}

void mem_init(u64 base, u64 size)
{
	u64 bitmap = ALIGN_UP(size / PAGE_SIZE / 8, PAGE_SIZE);

	nr_banks = 0;		/* their tables are in the pool */
	pool.base = base;
	pool.pages = size / PAGE_SIZE;
	pool.used = (u64 *)base;
	memset(pool.used, 0, bitmap);
	pool.first = bitmap / PAGE_SIZE;
	pool.published = NULL;
	set_free(pool.pages - pool.first);
	mark_pages(0, pool.first, true);
}

/* First of @pages free pages in a row, ~0: none. */
static u64 find_free(u64 pages, u64 align)
{
	u64 page, n;

	page = ALIGN_UP(pool.base / PAGE_SIZE + pool.first, align) - pool.base / PAGE_SIZE;
	while (page + pages <= pool.pages) {
		for (n = 0; n < pages && !page_used(page + n); n++)
			;
		if (n == pages)
			return page;
		page += ALIGN_UP(n + 1, align);
	}
	return ~0UL;
}

void *mem_alloc(unsigned int pages, unsigned int align)
{
	void *addr;
	u64 page;

	spin_lock(&pool.lock);
	page = pages && pages <= pool.free ? find_free(pages, align) : ~0UL;
	if (page != ~0UL) {
		mark_pages(page, pages, true);
		set_free(pool.free - pages);
		if (page == pool.first)
			pool.first += pages;
	}
	spin_unlock(&pool.lock);
	if (page == ~0UL)
		return NULL;
	addr = (void *)(pool.base + page * PAGE_SIZE);
	memset(addr, 0, pages * PAGE_SIZE);
	return addr;
}

void mem_free(void *addr, unsigned int pages)
{
	u64 page;

	if (!addr)
		return;
	page = ((u64)addr - pool.base) / PAGE_SIZE;
	spin_lock(&pool.lock);
	mark_pages(page, pages, false);
	set_free(pool.free + pages);
	if (page < pool.first)
		pool.first = page;
	spin_unlock(&pool.lock);
}

u64 mem_pool_base(void)
{
	return pool.base;
}

u64 mem_pool_size(void)
{
	return pool.pages * PAGE_SIZE;
}

u64 mem_pages_total(void)
{
	return pool.pages;
}

u64 mem_pages_free(void)
{
	return READ_ONCE(pool.free);
}

void mem_publish_free(u64 *word)
{
	spin_lock(&pool.lock);
	pool.published = word;
	set_free(pool.free);
	spin_unlock(&pool.lock);
}

int mem_add_bank(u64 base, u64 size)
{
	u64 start = ALIGN_UP(base, BLOCK_SIZE);
	u64 end = ALIGN_DOWN(base + size, BLOCK_SIZE);
	u64 blocks = end > start ? (end - start) / BLOCK_SIZE : 0;
	u8 *owner;

	if (!blocks)
		return 0;
	if (nr_banks == MEM_MAX_BANKS)
		return -ENOSPC;
	owner = mem_alloc((unsigned int)((blocks + PAGE_SIZE - 1) / PAGE_SIZE), 1);
	if (!owner)
		return -ENOMEM;
	banks[nr_banks++] = (struct bank){ .base = start, .blocks = blocks, .owner = owner };
	return 0;
}

static u8 *owner_of(u64 pa)
{
	u32 n;

	for (n = 0; n < nr_banks; n++)
		if (pa >= banks[n].base && (pa - banks[n].base) / BLOCK_SIZE < banks[n].blocks)
			return &banks[n].owner[(pa - banks[n].base) / BLOCK_SIZE];
	return NULL;
}

void mem_reserve(u64 base, u64 size)
{
	u64 pa;
	u8 *owner;

	for (pa = ALIGN_DOWN(base, BLOCK_SIZE); pa < base + size; pa += BLOCK_SIZE) {
		owner = owner_of(pa);
		if (owner)
			*owner = MEM_OWNER_EL2;
	}
}

u8 mem_owner(u64 pa)
{
	u8 *owner = owner_of(pa);

	return owner ? READ_ONCE(*owner) : MEM_OWNER_NONE;
}

/* One step of the owner table, if it is what the caller thinks. */
static int change_owner(u64 pa, u8 from, u8 to, int wrong)
{
	u8 *owner = owner_of(pa);
	int err = 0;

	if (!IS_ALIGNED(pa, BLOCK_SIZE))
		return -EINVAL;
	if (!owner)
		return -EPERM;
	spin_lock(&owner_lock);
	if (*owner == from)
		*owner = to;
	else
		err = *owner == MEM_OWNER_EL2 ? -EPERM : wrong;
	spin_unlock(&owner_lock);
	return err;
}

int mem_lend(unsigned int id, u64 pa)
{
	if (!id || id >= HVISOR_MAX_CELLS)
		return -EINVAL;
	return change_owner(pa, HVISOR_ROOT_CELL, (u8)id, -EBUSY);
}

int mem_return(unsigned int id, u64 pa)
{
	if (!id || id >= HVISOR_MAX_CELLS)
		return -EINVAL;
	return change_owner(pa, (u8)id, HVISOR_ROOT_CELL, -EPERM);
}

static u64 bank_next(const struct bank *bank, u8 id, u64 pa)
{
	u64 n = pa > bank->base ? ALIGN_UP(pa - bank->base, BLOCK_SIZE) / BLOCK_SIZE : 0;

	for (; n < bank->blocks; n++)
		if (READ_ONCE(bank->owner[n]) == id)
			return bank->base + n * BLOCK_SIZE;
	return ~0UL;
}

u64 mem_next(unsigned int id, u64 pa)
{
	u64 best = ~0UL;
	u32 n;

	for (n = 0; n < nr_banks; n++)
		best = min_u64(best, bank_next(&banks[n], (u8)id, pa));
	return best;
}
