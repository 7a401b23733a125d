// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What root hands in to make a cell, checked as far as it can be without
 * knowing other cells. Works on EL2's own copy.
 */
#include "cell-check.h"

#include "errno.h"

static bool name_char(u8 c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool name_valid(const u8 *name, u32 size)
{
	u32 len, i;

	for (len = 0; len < size && name_char(name[len]); len++)
		;
	if (!len || len == size)
		return false;
	for (i = len; i < size; i++)
		if (name[i])
			return false;
	return true;
}

static bool fits(u64 start, u64 size, u64 limit)
{
	return start < limit && size <= limit - start;
}

static bool gic_valid(const struct hvisor_cell_desc *desc, u64 nr, u64 limit)
{
	u64 size = nr * GICR_IPA_SIZE;

	return IS_ALIGNED(desc->gicd_ipa | desc->gicr_ipa, GICD_IPA_SIZE) &&
	       fits(desc->gicd_ipa, GICD_IPA_SIZE, limit) && fits(desc->gicr_ipa, size, limit) &&
	       !ranges_overlap(desc->gicd_ipa, GICD_IPA_SIZE, desc->gicr_ipa, size);
}

int cell_desc_check(const struct hvisor_cell_desc *desc, u64 cpus, u64 limit)
{
	u64 nr = (u64)__builtin_popcountl(desc->cpus);

	if (desc->size != sizeof(*desc) || desc->flags ||
	    !name_valid(desc->name, sizeof(desc->name)))
		return -EINVAL;
	if (!nr || nr > HVISOR_MAX_CELL_CPUS || (desc->cpus & ~cpus))
		return -EINVAL;
	return gic_valid(desc, nr, limit) ? 0 : -EINVAL;
}

static int find_twin(const struct hvisor_memory_batch *batch, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (batch->blocks[i].pa == batch->blocks[n].pa)
			return -EBUSY;
		if (batch->blocks[i].ipa == batch->blocks[n].ipa)
			return -EEXIST;
	}
	return 0;
}

int cell_batch_check(const struct hvisor_memory_batch *batch, u64 limit)
{
	const struct hvisor_memory_block *block;
	int err;
	u32 n;

	if (batch->size != sizeof(*batch) || !batch->count ||
	    batch->count > HVISOR_MEMORY_BATCH || batch->reserved ||
	    (batch->flags & ~(u32)HVISOR_MEMORY_READ_ONLY))
		return -EINVAL;
	for (n = 0; n < batch->count; n++) {
		block = &batch->blocks[n];
		if (!IS_ALIGNED(block->pa | block->ipa, BLOCK_SIZE) ||
		    !fits(block->ipa, BLOCK_SIZE, limit))
			return -EINVAL;
		err = find_twin(batch, n);
		if (err)
			return err;
	}
	return 0;
}

bool cell_call_allowed(u32 state, enum cell_call call)
{
	static const u32 allowed[] = {
		[CELL_CALL_ADD] = BIT(HVISOR_CELL_CREATED),
		[CELL_CALL_LOAD] = BIT(HVISOR_CELL_CREATED) | BIT(HVISOR_CELL_LOADED) |
				   BIT(HVISOR_CELL_STOPPED) | BIT(HVISOR_CELL_FAILED),
		[CELL_CALL_START] = BIT(HVISOR_CELL_LOADED),
		/* Before and behind a run, too: what is to follow is called off. */
		[CELL_CALL_STOP] = BIT(HVISOR_CELL_LOADED) | BIT(HVISOR_CELL_RUNNING) |
				   BIT(HVISOR_CELL_PAUSED) | BIT(HVISOR_CELL_STOPPED) |
				   BIT(HVISOR_CELL_FAILED),
		[CELL_CALL_PAUSE] = BIT(HVISOR_CELL_RUNNING) | BIT(HVISOR_CELL_PAUSED),
	};

	return state < 32 && allowed[call] & BIT(state);
}
