// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that root lends to a cell: whole blocks, each checked before the first
 * of a batch is added.
 */
#include "cell.h"

#include <asm/mmu.h>

#include "cell-check.h"
#include "errno.h"
#include "mem.h"

static int block_check(const struct cell *cell, const struct hvisor_memory_block *block)
{
	u8 owner = mem_owner(block->pa);

	if (owner != HVISOR_ROOT_CELL)
		return owner < HVISOR_MAX_CELLS ? -EBUSY : -EPERM;
	if (mmio_region_overlaps(&cell->mmio, block->ipa, BLOCK_SIZE) ||
	    paging_mapped(&cell->s2, block->ipa, BLOCK_SIZE))
		return -EEXIST;
	return 0;
}

static int add_block(struct cell *cell, const struct hvisor_memory_block *block, u64 attrs)
{
	int err = mem_lend(cell->id, block->pa);

	if (err)
		return err;
	err = paging_map(&cell->s2, block->ipa, block->pa, BLOCK_SIZE, attrs, 0);
	if (err)
		mem_return(cell->id, block->pa);
	return err;
}

static void drop_block(struct cell *cell, const struct hvisor_memory_block *block)
{
	paging_unmap(&cell->s2, block->ipa, BLOCK_SIZE);
	mem_return(cell->id, block->pa);
}

int cell_add_memory(struct cell *cell, const struct hvisor_memory_batch *batch)
{
	u64 attrs = batch->flags & HVISOR_MEMORY_READ_ONLY ? S2_NORMAL : S2_RAM;
	int err = cell_batch_check(batch, 1UL << s2_bits());
	u32 n;

	for (n = 0; !err && n < batch->count; n++)
		err = block_check(cell, &batch->blocks[n]);
	if (err)
		return err;
	/* Another cell may get a block first: its lock is not ours. */
	for (n = 0; n < batch->count; n++) {
		err = add_block(cell, &batch->blocks[n], attrs);
		if (err)
			break;
	}
	if (err) {
		while (n--)
			drop_block(cell, &batch->blocks[n]);
		return err;
	}
	WRITE_ONCE(cell->page->memory_blocks, cell->page->memory_blocks + batch->count);
	return (int)batch->count;
}
