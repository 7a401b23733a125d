// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Translation tables of the 4 KiB granule, for EL2's stage 1 and all stage 2.
 *
 * A live translation never changes but from nothing to something and back to
 * nothing; a block is never split. So break-before-make (Arm ARM D8.14.1) is
 * only ever its first half, by paging_unmap(), which returns when no CPU can
 * use the old translation any more. Tables that become empty stay until
 * paging_destroy(): a walker may be in them.
 */
#include "paging.h"

#include <asm/pgtable.h>

#include "errno.h"

#define TABLE_ENTRIES	512

static const struct {
	u8 shift;
	bool leaf;
} levels[PAGING_LEVELS] = {
	{ 39, false },
	{ 30, true },
	{ 21, true },
	{ 12, true },
};

static u64 level_size(u32 level)
{
	return 1UL << levels[level].shift;
}

static u32 root_entries(const struct paging *pg)
{
	return 1U << (pg->bits - levels[pg->start].shift);
}

unsigned int paging_root_pages(unsigned int bits, unsigned int start)
{
	u64 entries = 1UL << (bits - levels[start].shift);

	return entries <= TABLE_ENTRIES ? 1 : (unsigned int)(entries / TABLE_ENTRIES);
}

static u64 *entry_of(const struct paging *pg, u64 *table, u32 level, u64 virt)
{
	u64 index = virt >> levels[level].shift;

	/* Concatenated root tables have more than one table's entries. */
	return &table[level == pg->start ? index % root_entries(pg) : index % TABLE_ENTRIES];
}

static bool is_table(u64 entry, u32 level)
{
	return level < PAGING_LEVELS - 1 &&
	       (entry & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE);
}

static u64 *table_of(u64 entry)
{
	return (u64 *)(entry & PTE_ADDR_MASK);
}

static void set_entry(const struct paging *pg, u64 *entry, u64 value)
{
	/* One 64-bit store: the walker sees the old or the new (D8.3). */
	WRITE_ONCE(*entry, value);
	if (pg->ops->sync)
		pg->ops->sync();
}

static bool range_ok(const struct paging *pg, u64 virt, u64 size)
{
	return size && IS_ALIGNED(virt | size, PAGE_SIZE) && virt + size > virt &&
	       virt + size <= 1UL << pg->bits;
}

/* Level at which [@virt, ...) can have its next leaf. */
static u32 leaf_level(u64 virt, u64 phys, u64 size, unsigned int flags)
{
	u32 level;

	if (flags & PAGING_PAGES)
		return PAGING_LEVELS - 1;
	for (level = 0; level < PAGING_LEVELS - 1; level++)
		if (levels[level].leaf && size >= level_size(level) &&
		    IS_ALIGNED(virt | phys, level_size(level)))
			break;
	return level;
}

/* Table that holds the entry for @virt at @level, made where missing. */
static int walk_create(struct paging *pg, u64 virt, u32 level, u64 **ret_entry)
{
	u64 *table = pg->root, *entry, *page;
	u32 n;

	for (n = pg->start; ; n++) {
		entry = entry_of(pg, table, n, virt);
		if (n == level)
			break;
		if (!(*entry & PTE_VALID)) {
			page = pg->ops->alloc();
			if (!page)
				return -ENOMEM;
			set_entry(pg, entry, (u64)page | PTE_VALID | PTE_TABLE);
		} else if (!is_table(*entry, n)) {
			return -EEXIST;
		}
		table = table_of(*entry);
	}
	*ret_entry = entry;
	return 0;
}

static int map_leaf(struct paging *pg, u64 virt, u64 phys, u64 attrs, u32 level)
{
	u64 *entry;
	int err;

	err = walk_create(pg, virt, level, &entry);
	if (err)
		return err;
	if (*entry & PTE_VALID)
		return -EEXIST;
	if (level == PAGING_LEVELS - 1)
		attrs |= PTE_TABLE;
	set_entry(pg, entry, phys | attrs | PTE_VALID);
	return 0;
}

int paging_map(struct paging *pg, u64 virt, u64 phys, u64 size, u64 attrs, unsigned int flags)
{
	u64 done = 0;
	u32 level;
	int err;

	if (!range_ok(pg, virt, size) || !IS_ALIGNED(phys, PAGE_SIZE) ||
	    phys + size - 1 > PTE_ADDR_MASK + PAGE_SIZE - 1 || phys + size < phys)
		return -EINVAL;
	while (done < size) {
		level = leaf_level(virt + done, phys + done, size - done, flags);
		if (level < pg->start)
			level = pg->start;
		err = map_leaf(pg, virt + done, phys + done, attrs, level);
		if (err)
			goto undo;
		done += level_size(level);
	}
	return 0;

undo:
	if (done)
		paging_unmap(pg, virt, done);
	return err;
}

/*
 * Entry that decides on @virt: the leaf, or an invalid one. *@ret_level is
 * its level.
 */
static u64 *find_entry(const struct paging *pg, u64 virt, u32 *ret_level)
{
	u64 *table = pg->root, *entry;
	u32 n;

	for (n = pg->start; ; n++) {
		entry = entry_of(pg, table, n, virt);
		if (!is_table(*entry, n))
			break;
		table = table_of(*entry);
	}
	*ret_level = n;
	return entry;
}

static bool would_split(const struct paging *pg, u64 virt, u64 size)
{
	u64 addr, next, *entry;
	u32 level;

	for (addr = virt; addr < virt + size; addr = next) {
		entry = find_entry(pg, addr, &level);
		next = ALIGN_DOWN(addr, level_size(level)) + level_size(level);
		if ((*entry & PTE_VALID) &&
		    (!IS_ALIGNED(addr, level_size(level)) || next > virt + size))
			return true;
	}
	return false;
}

int paging_unmap(struct paging *pg, u64 virt, u64 size)
{
	u64 addr, *entry;
	u32 level;

	if (!range_ok(pg, virt, size) || would_split(pg, virt, size))
		return -EINVAL;
	for (addr = virt; addr < virt + size;) {
		entry = find_entry(pg, addr, &level);
		if (*entry & PTE_VALID)
			set_entry(pg, entry, 0);
		addr = ALIGN_DOWN(addr, level_size(level)) + level_size(level);
	}
	if (pg->ops->flush)
		pg->ops->flush(pg, virt, size);
	return 0;
}

bool paging_mapped(const struct paging *pg, u64 virt, u64 size)
{
	u64 addr, *entry;
	u32 level;

	for (addr = virt; addr < virt + size;) {
		entry = find_entry(pg, addr, &level);
		if (*entry & PTE_VALID)
			return true;
		addr = ALIGN_DOWN(addr, level_size(level)) + level_size(level);
	}
	return false;
}

u64 paging_next(const struct paging *pg, u64 *virt, u64 *ret_size, u32 *steps)
{
	u64 *entry;
	u32 level;

	for (; *steps && !(*virt >> pg->bits); --*steps) {
		entry = find_entry(pg, *virt, &level);
		*ret_size = level_size(level);
		*virt = ALIGN_DOWN(*virt, *ret_size);
		if (*entry & PTE_VALID)
			return *entry;
		*virt += *ret_size;
	}
	return 0;
}

int paging_prepare(struct paging *pg, u64 virt, u64 size)
{
	u64 addr, *entry;
	int err;

	if (!range_ok(pg, virt, size) || !IS_ALIGNED(virt | size, BLOCK_SIZE))
		return -EINVAL;
	for (addr = virt; addr < virt + size; addr += BLOCK_SIZE) {
		err = walk_create(pg, addr, PAGING_LEVELS - 1, &entry);
		if (err)
			return err;
	}
	return 0;
}

u64 paging_walk(const struct paging *pg, u64 virt, u64 walk[PAGING_LEVELS])
{
	u64 *table = pg->root, entry;
	u32 n;

	for (n = 0; walk && n < PAGING_LEVELS; n++)
		walk[n] = 0;
	if (virt >> pg->bits)
		return 0;
	for (n = pg->start; ; n++) {
		entry = READ_ONCE(*entry_of(pg, table, n, virt));
		if (walk)
			walk[n] = entry;
		if (!is_table(entry, n))
			break;
		table = table_of(entry);
	}
	return entry & PTE_VALID ? entry : 0;
}

/* Frees the tables below @table, which is at @level 1 or higher. */
static void free_level2(struct paging *pg, u64 *table, u64 entries, u32 level)
{
	u64 n;

	for (n = 0; n < entries; n++)
		if (is_table(table[n], level))
			pg->ops->free(table_of(table[n]));
}

static void free_level1(struct paging *pg, u64 *table, u64 entries, u32 level)
{
	u64 n;

	if (level == PAGING_LEVELS - 1)
		return;
	for (n = 0; level < 2 && n < entries; n++)
		if (is_table(table[n], level))
			free_level2(pg, table_of(table[n]), TABLE_ENTRIES, level + 1);
	free_level2(pg, table, entries, level);
}

void paging_destroy(struct paging *pg)
{
	u64 n, entries = root_entries(pg);

	for (n = 0; pg->start == 0 && n < entries; n++)
		if (is_table(pg->root[n], 0))
			free_level1(pg, table_of(pg->root[n]), TABLE_ENTRIES, 1);
	if (pg->start == 0)
		free_level2(pg, pg->root, entries, 0);
	else
		free_level1(pg, pg->root, entries, pg->start);
	for (n = 0; n < paging_root_pages(pg->bits, pg->start); n++)
		pg->ops->free(pg->root + n * TABLE_ENTRIES);
	pg->root = NULL;
}
