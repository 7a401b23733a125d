// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that root lends to a cell: whole blocks, each checked before the first
 * of a batch is added, and told to root again when it asks.
 */
#include "cell.h"

#include <asm/mmu.h>

#include "cell-check.h"
#include "errno.h"
#include "mem.h"
#include "string.h"

#define STEPS_PER_CALL	4096

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

static u32 block_flags(u64 entry)
{
	return entry & S2_WRITE ? 0 : HVISOR_MEMORY_READ_ONLY;
}

u64 cell_list_memory(const struct cell *cell, u64 ipa, struct hvisor_memory_batch *ret_batch)
{
	u32 steps = STEPS_PER_CALL;
	u64 size, entry;

	memset(ret_batch, 0, sizeof(*ret_batch));
	ret_batch->size = sizeof(*ret_batch);
	while (ret_batch->count < HVISOR_MEMORY_BATCH) {
		entry = paging_next(&cell->s2, &ipa, &size, &steps);
		if (!entry)
			return ipa >> cell->s2.bits ? ~0UL : ipa;
		/* What is smaller is no memory but the registers of a device. */
		if (size == BLOCK_SIZE) {
			if (!ret_batch->count)
				ret_batch->flags = block_flags(entry);
			if (ret_batch->flags != block_flags(entry))
				break;
			ret_batch->blocks[ret_batch->count++] = (struct hvisor_memory_block){
				.pa = entry & PTE_ADDR_MASK, .ipa = ipa,
			};
		}
		ipa += size;
		steps--;
	}
	return ipa;
}
