// SPDX-License-Identifier: GPL-2.0-only
/*
 * cellN/memory_blocks: which of root's memory a cell was lent, a line for each
 * block. Lines have one length, so that any part of the file can be read: it
 * may be longer than a page.
 */
#include "hvisor.h"

#include <linux/math64.h>
#include <linux/mm.h>

#define LINE_LENGTH	38	/* "0x%016llx 0x%016llx\n" */

/* Line @index in @line; false: there are not so many. */
static bool line_print(const struct hvisor_cell *cell, u64 index, char *line)
{
	/* Pairs with the release when a cell is adopted; an orphan has none. */
	u32 i, count = smp_load_acquire(&cell->nr_memory);
	const struct hvisor_memory *memory = cell->memory;

	for (i = 0; i < count; i++, memory++) {
		if (index < memory->nr_blocks) {
			snprintf(line, LINE_LENGTH + 1, "0x%016llx 0x%016llx\n",
				 memory->region.ipa + index * HVISOR_BLOCK_SIZE,
				 (u64)page_to_phys(memory->blocks[index]));
			return true;
		}
		index -= memory->nr_blocks;
	}
	return false;
}

static ssize_t memory_blocks_read(struct file *file, struct kobject *kobj,
				  struct bin_attribute *attr, char *buf,
				  loff_t offset, size_t count)
{
	const struct hvisor_cell *cell = to_hvisor_cell(kobj_to_dev(kobj));
	char line[LINE_LENGTH + 1];
	size_t done = 0, part;
	u32 skip;
	u64 index;
	int idx;

	idx = srcu_read_lock(&hvisor_srcu);
	while (done < count && !READ_ONCE(cell->dead)) {
		index = div_u64_rem(offset + done, LINE_LENGTH, &skip);
		if (!line_print(cell, index, line))
			break;
		part = min_t(size_t, LINE_LENGTH - skip, count - done);
		memcpy(buf + done, line + skip, part);
		done += part;
	}
	srcu_read_unlock(&hvisor_srcu, idx);
	return done;
}

struct bin_attribute hvisor_memory_blocks_attr =
	__BIN_ATTR(memory_blocks, 0400, memory_blocks_read, NULL, 0);
