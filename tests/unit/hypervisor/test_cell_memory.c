// SPDX-License-Identifier: GPL-2.0-or-later
/* What a cell was lent, added and told again: hypervisor/cell-memory.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <asm/pgtable.h>

#include "cell.h"
#include "mem.h"

#define BITS	40
#define RAM	0x40000000UL
#define MIB	(1UL << 20)
#define GIB	(1UL << 30)

static struct cell cell;
static struct hvisor_cell_page cell_page;

u32 s2_bits(void)
{
	return BITS;
}

static void *page_alloc(void)
{
	return mem_alloc(1, 1);
}

static void page_free(void *page)
{
	mem_free(page, 1);
}

static const struct paging_ops ops = { .alloc = page_alloc, .free = page_free };

static int make_cell(void **state)
{
	void *pool = aligned_alloc(BLOCK_SIZE, 4 * MIB);

	mem_init((u64)pool, 4 * MIB);
	assert_int_equal(mem_add_bank(RAM, 1 * GIB), 0);
	memset(&cell, 0, sizeof(cell));
	memset(&cell_page, 0, sizeof(cell_page));
	cell.id = 3;
	cell.page = &cell_page;
	cell.s2 = (struct paging){
		.root = mem_alloc(paging_root_pages(BITS, 1), 2),
		.start = 1, .bits = BITS, .ops = &ops,
	};
	*state = pool;
	return 0;
}

static int drop_cell(void **state)
{
	free(*state);
	return 0;
}

/* @count blocks from @ipa on, of physical blocks that go down from @pa. */
static void add(u64 ipa, u64 pa, u32 count, u32 flags)
{
	struct hvisor_memory_batch batch = { .size = sizeof(batch), .flags = flags };
	u32 n;

	for (n = 0; n < count; n++) {
		batch.blocks[batch.count++] = (struct hvisor_memory_block){
			.ipa = ipa + n * BLOCK_SIZE, .pa = pa - n * BLOCK_SIZE,
		};
		if (batch.count < HVISOR_MEMORY_BATCH && n + 1 < count)
			continue;
		assert_int_equal(cell_add_memory(&cell, &batch), batch.count);
		batch.count = 0;
	}
}

static void all_blocks_are_told_in_order(void **state)
{
	struct hvisor_memory_batch batch;
	u32 seen = 0, calls = 0;
	u64 ipa = 0;

	(void)state;
	add(RAM + GIB, RAM + 900 * MIB, 150, 0);
	assert_int_equal(cell_page.memory_blocks, 150);
	for (; ipa != ~0UL; calls++) {
		ipa = cell_list_memory(&cell, ipa, &batch);
		for (u32 n = 0; n < batch.count; n++, seen++) {
			assert_int_equal(batch.blocks[n].ipa, RAM + GIB + seen * BLOCK_SIZE);
			assert_int_equal(batch.blocks[n].pa, RAM + 900 * MIB - seen * BLOCK_SIZE);
		}
	}
	assert_int_equal(seen, 150);
	assert_in_range(calls, 3, 4);
}

static void kinds_are_told_apart(void **state)
{
	struct hvisor_memory_batch batch;
	u64 ipa;

	(void)state;
	add(RAM, RAM + 100 * MIB, 2, 0);
	add(RAM + 2 * BLOCK_SIZE, RAM + 200 * MIB, 3, HVISOR_MEMORY_READ_ONLY);
	ipa = cell_list_memory(&cell, 0, &batch);
	assert_int_equal(batch.count, 2);
	assert_int_equal(batch.flags, 0);
	ipa = cell_list_memory(&cell, ipa, &batch);
	assert_int_equal(batch.count, 3);
	assert_int_equal(batch.flags, HVISOR_MEMORY_READ_ONLY);
	assert_int_equal(batch.size, sizeof(batch));
	assert_int_equal(batch.blocks[3].pa, 0);
	assert_int_equal(ipa, ~0UL);
}

static void registers_are_no_memory(void **state)
{
	struct hvisor_memory_batch batch;

	(void)state;
	assert_int_equal(paging_map(&cell.s2, 0xa000000, 0x1000, PAGE_SIZE, S2_NORMAL, 0), 0);
	add(RAM, RAM + 100 * MIB, 1, 0);
	assert_int_equal(cell_list_memory(&cell, 0, &batch), ~0UL);
	assert_int_equal(batch.count, 1);
	assert_int_equal(batch.blocks[0].ipa, RAM);
}

/* A table each, nearly empty: one call does not look through all of them. */
static void a_call_is_bounded(void **state)
{
	struct hvisor_memory_batch batch;
	u32 n, seen = 0, calls = 0;
	u64 ipa = 0;

	(void)state;
	for (n = 0; n < 40; n++)
		add(n * GIB, RAM + n * BLOCK_SIZE, 1, 0);
	for (; ipa != ~0UL; calls++) {
		ipa = cell_list_memory(&cell, ipa, &batch);
		seen += batch.count;
	}
	assert_int_equal(seen, 40);
	assert_in_range(calls, 40 * 512 / 4096, 40 * 512 / 4096 + 2);
}

static void nothing_is_told_of_nothing(void **state)
{
	struct hvisor_memory_batch batch;

	(void)state;
	assert_int_equal(cell_list_memory(&cell, 0, &batch), ~0UL);
	assert_int_equal(batch.count, 0);
	add(RAM, RAM, 1, 0);
	assert_int_equal(cell_list_memory(&cell, RAM + BLOCK_SIZE, &batch), ~0UL);
	assert_int_equal(batch.count, 0);
	assert_int_equal(cell_list_memory(&cell, 1UL << BITS, &batch), ~0UL);
	assert_int_equal(cell_list_memory(&cell, ~0UL, &batch), ~0UL);
	assert_int_equal(batch.count, 0);
}

static void a_batch_is_added_or_not(void **state)
{
	struct hvisor_memory_batch batch = {
		.size = sizeof(batch), .count = 2,
		.blocks = { { .pa = RAM, .ipa = RAM },
			    { .pa = RAM + 2 * GIB, .ipa = RAM + BLOCK_SIZE } },
	};

	(void)state;
	assert_int_equal(cell_add_memory(&cell, &batch), -EPERM);
	batch.blocks[1].pa = RAM + BLOCK_SIZE;
	add(0, RAM + BLOCK_SIZE, 1, 0);
	assert_int_equal(cell_add_memory(&cell, &batch), -EBUSY);
	assert_int_equal(mem_owner(RAM), HVISOR_ROOT_CELL);
	batch.blocks[1].pa = RAM + 2 * BLOCK_SIZE;
	batch.blocks[1].ipa = 0;
	assert_int_equal(cell_add_memory(&cell, &batch), -EEXIST);
	assert_int_equal(mem_owner(RAM), HVISOR_ROOT_CELL);
	assert_int_equal(cell_page.memory_blocks, 1);
}

#define WITH_CELL(test)	cmocka_unit_test_setup_teardown(test, make_cell, drop_cell)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CELL(all_blocks_are_told_in_order),
		WITH_CELL(kinds_are_told_apart),
		WITH_CELL(registers_are_no_memory),
		WITH_CELL(a_call_is_bounded),
		WITH_CELL(nothing_is_told_of_nothing),
		WITH_CELL(a_batch_is_added_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
