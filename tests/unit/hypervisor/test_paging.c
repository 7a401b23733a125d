// SPDX-License-Identifier: GPL-2.0-or-later
/* Translation tables: hypervisor/paging.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <asm/pgtable.h>

#include "paging.h"
#include "table_pages.h"

#define GIB	(1UL << 30)
#define MIB	(1UL << 20)
#define ATTRS	(PTE_AF | PTE_SH_INNER)

static u64 flushed_from, flushed_size;

static void note_flush(const struct paging *pg, u64 virt, u64 size)
{
	(void)pg;
	flushed_from = virt;
	flushed_size = size;
}

static const struct paging_ops ops = {
	.alloc = page_alloc,
	.free = page_free,
	.flush = note_flush,
};

static struct paging make(unsigned int bits, unsigned int start)
{
	struct paging pg = { .start = (u8)start, .bits = (u8)bits, .ops = &ops };

	pages_left = 1000;
	pg.root = page_alloc();
	return pg;
}

static u64 leaf_addr(u64 entry)
{
	return entry & PTE_ADDR_MASK;
}

static void a_page_is_found_where_it_was_mapped(void **state)
{
	struct paging pg = make(39, 1);
	u64 walk[PAGING_LEVELS];

	(void)state;
	assert_int_equal(paging_map(&pg, 0x1000, 0xabc000, PAGE_SIZE, ATTRS, 0), 0);
	assert_int_equal(leaf_addr(paging_walk(&pg, 0x1fff, walk)), 0xabc000);
	assert_int_equal(walk[0], 0);
	assert_int_equal(walk[3], 0xabc000 | ATTRS | PTE_VALID | PTE_TABLE);
	assert_int_equal(paging_walk(&pg, 0x2000, NULL), 0);
	assert_int_equal(paging_walk(&pg, 0x0fff, NULL), 0);
	paging_destroy(&pg);
	assert_int_equal(pages_out, 0);
}

static void blocks_are_as_large_as_alignment_allows(void **state)
{
	struct paging pg = make(39, 1);
	u64 walk[PAGING_LEVELS];

	(void)state;
	assert_int_equal(paging_map(&pg, GIB - 2 * MIB - PAGE_SIZE, GIB - 2 * MIB - PAGE_SIZE,
				    GIB + 4 * MIB + 2 * PAGE_SIZE, ATTRS, 0), 0);
	paging_walk(&pg, GIB - 2 * MIB - 1, walk);
	assert_true(walk[3] & PTE_VALID);
	paging_walk(&pg, GIB - 2 * MIB, walk);
	assert_int_equal(walk[2], (GIB - 2 * MIB) | ATTRS | PTE_VALID);
	assert_int_equal(walk[3], 0);
	paging_walk(&pg, GIB, walk);
	assert_int_equal(walk[1], GIB | ATTRS | PTE_VALID);
	paging_walk(&pg, 2 * GIB + 2 * MIB, walk);
	assert_true(walk[3] & PTE_VALID);
	paging_destroy(&pg);
	assert_int_equal(pages_out, 0);
}

static void an_unaligned_target_takes_pages(void **state)
{
	struct paging pg = make(39, 1);
	u64 walk[PAGING_LEVELS];

	(void)state;
	assert_int_equal(paging_map(&pg, 0, PAGE_SIZE, 2 * MIB, ATTRS, 0), 0);
	assert_int_equal(leaf_addr(paging_walk(&pg, 2 * MIB - 1, walk)), 2 * MIB);
	assert_true(walk[3] & PTE_VALID);
	paging_destroy(&pg);
}

static void concatenated_root_tables_reach_the_upper_half(void **state)
{
	struct paging pg = { .start = 1, .bits = 40, .ops = &ops };
	u32 n;

	(void)state;
	assert_int_equal(paging_root_pages(40, 1), 2);
	assert_int_equal(paging_root_pages(39, 1), 1);
	assert_int_equal(paging_root_pages(32, 1), 1);
	assert_int_equal(paging_root_pages(48, 0), 1);
	pages_left = 1000;
	pg.root = aligned_alloc(2 * PAGE_SIZE, 2 * PAGE_SIZE);
	memset(pg.root, 0, 2 * PAGE_SIZE);
	assert_int_equal(paging_map(&pg, 1UL << 39, 5 * GIB, GIB, ATTRS, 0), 0);
	assert_int_equal(pg.root[512], 5 * GIB | ATTRS | PTE_VALID);
	assert_int_equal(leaf_addr(paging_walk(&pg, (1UL << 39) + 7, NULL)), 5 * GIB);
	assert_int_equal(paging_walk(&pg, 0, NULL), 0);
	assert_int_equal(paging_walk(&pg, 1UL << 40, NULL), 0);
	for (n = 0; n < 1024; n++)
		assert_true(n == 512 || !pg.root[n]);
	free(pg.root);
}

static void a_second_mapping_is_refused_and_changes_nothing(void **state)
{
	struct paging pg = make(39, 1);

	(void)state;
	assert_int_equal(paging_map(&pg, 8 * MIB, 8 * MIB, 2 * MIB, ATTRS, 0), 0);
	assert_int_equal(paging_map(&pg, 4 * MIB, 0, 8 * MIB, ATTRS, 0), -EEXIST);
	assert_int_equal(paging_walk(&pg, 4 * MIB, NULL), 0);
	assert_int_equal(paging_walk(&pg, 6 * MIB, NULL), 0);
	assert_int_equal(leaf_addr(paging_walk(&pg, 8 * MIB, NULL)), 8 * MIB);
	/* A page under the block, and a block over a page's table. */
	assert_int_equal(paging_map(&pg, 8 * MIB, 0, PAGE_SIZE, ATTRS, 0), -EEXIST);
	assert_int_equal(paging_map(&pg, 0, 0, PAGE_SIZE, ATTRS, 0), 0);
	assert_int_equal(paging_map(&pg, 0, 0, 2 * MIB, ATTRS, 0), -EEXIST);
	paging_destroy(&pg);
	assert_int_equal(pages_out, 0);
}

static void running_out_of_tables_undoes_the_mapping(void **state)
{
	struct paging pg;
	int n;

	(void)state;
	for (n = 0; n < 4; n++) {
		pg = make(39, 1);
		pages_left = n;
		assert_int_equal(paging_map(&pg, GIB - 2 * MIB, 0, 6 * MIB, ATTRS, PAGING_PAGES),
				 -ENOMEM);
		assert_int_equal(paging_walk(&pg, GIB - 2 * MIB, NULL), 0);
		assert_int_equal(paging_walk(&pg, GIB, NULL), 0);
		paging_destroy(&pg);
		assert_int_equal(pages_out, 0);
	}
}

static void bad_ranges_are_refused(void **state)
{
	struct paging pg = make(39, 1);

	(void)state;
	assert_int_equal(paging_map(&pg, 0, 0, 0, ATTRS, 0), -EINVAL);
	assert_int_equal(paging_map(&pg, 1, 0, PAGE_SIZE, ATTRS, 0), -EINVAL);
	assert_int_equal(paging_map(&pg, 0, 1, PAGE_SIZE, ATTRS, 0), -EINVAL);
	assert_int_equal(paging_map(&pg, 0, 0, PAGE_SIZE + 1, ATTRS, 0), -EINVAL);
	assert_int_equal(paging_map(&pg, 1UL << 39, 0, PAGE_SIZE, ATTRS, 0), -EINVAL);
	assert_int_equal(paging_map(&pg, (1UL << 39) - PAGE_SIZE, 0, 2 * PAGE_SIZE, ATTRS, 0),
			 -EINVAL);
	assert_int_equal(paging_map(&pg, ~0UL << 12, 0, PAGE_SIZE, ATTRS, 0), -EINVAL);
	assert_int_equal(paging_map(&pg, 0, 1UL << 48, PAGE_SIZE, ATTRS, 0), -EINVAL);
	assert_int_equal(paging_map(&pg, 0, ~0UL << 12, PAGE_SIZE, ATTRS, 0), -EINVAL);
	assert_int_equal(paging_unmap(&pg, 0, 0), -EINVAL);
	assert_int_equal(paging_unmap(&pg, 0, 1UL << 40), -EINVAL);
	paging_destroy(&pg);
}

static void unmap_flushes_and_never_splits_a_block(void **state)
{
	struct paging pg = make(39, 1);

	(void)state;
	assert_int_equal(paging_map(&pg, 0, 0, 4 * MIB, ATTRS, 0), 0);
	flushed_size = 0;
	assert_int_equal(paging_unmap(&pg, 0, PAGE_SIZE), -EINVAL);
	assert_int_equal(paging_unmap(&pg, PAGE_SIZE, 4 * MIB - PAGE_SIZE), -EINVAL);
	assert_int_equal(paging_unmap(&pg, 0, 4 * MIB - PAGE_SIZE), -EINVAL);
	assert_int_equal(flushed_size, 0);
	assert_int_equal(leaf_addr(paging_walk(&pg, 2 * MIB, NULL)), 2 * MIB);
	assert_int_equal(paging_unmap(&pg, 2 * MIB, 6 * MIB), 0);
	assert_int_equal(flushed_from, 2 * MIB);
	assert_int_equal(flushed_size, 6 * MIB);
	assert_int_equal(paging_walk(&pg, 2 * MIB, NULL), 0);
	assert_int_not_equal(paging_walk(&pg, 0, NULL), 0);
	paging_destroy(&pg);
	assert_int_equal(pages_out, 0);
}

static void prepared_tables_take_pages_without_memory(void **state)
{
	struct paging pg = make(39, 1);
	u64 at;
	int n;

	(void)state;
	assert_int_equal(paging_prepare(&pg, GIB - 2 * MIB, 4 * MIB), 0);
	assert_int_equal(paging_prepare(&pg, PAGE_SIZE, 2 * MIB), -EINVAL);
	pages_left = 0;
	for (n = 0; n < 3; n++) {
		for (at = GIB - 2 * MIB; at < GIB + 2 * MIB; at += 64 * PAGE_SIZE)
			assert_int_equal(paging_map(&pg, at, at, PAGE_SIZE, ATTRS, 0), 0);
		for (at = GIB - 2 * MIB; at < GIB + 2 * MIB; at += 64 * PAGE_SIZE) {
			assert_int_equal(leaf_addr(paging_walk(&pg, at, NULL)), at);
			assert_int_equal(paging_unmap(&pg, at, PAGE_SIZE), 0);
			assert_int_equal(paging_walk(&pg, at, NULL), 0);
		}
	}
	paging_destroy(&pg);
	assert_int_equal(pages_out, 0);
}

static void four_levels_are_freed_completely(void **state)
{
	struct paging pg = make(48, 0);

	(void)state;
	assert_int_equal(paging_map(&pg, 1UL << 47, 0, PAGE_SIZE, ATTRS, 0), 0);
	assert_int_equal(paging_map(&pg, (1UL << 47) - PAGE_SIZE, 0, 2 * PAGE_SIZE, ATTRS,
				    PAGING_PAGES), -EEXIST);
	assert_int_equal(paging_map(&pg, 5 * MIB, 5 * MIB, 3 * GIB, ATTRS, 0), 0);
	assert_int_equal(leaf_addr(paging_walk(&pg, 2 * GIB + 5, NULL)), 2 * GIB);
	paging_destroy(&pg);
	assert_int_equal(pages_out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_found_where_it_was_mapped),
		cmocka_unit_test(blocks_are_as_large_as_alignment_allows),
		cmocka_unit_test(an_unaligned_target_takes_pages),
		cmocka_unit_test(concatenated_root_tables_reach_the_upper_half),
		cmocka_unit_test(a_second_mapping_is_refused_and_changes_nothing),
		cmocka_unit_test(running_out_of_tables_undoes_the_mapping),
		cmocka_unit_test(bad_ranges_are_refused),
		cmocka_unit_test(unmap_flushes_and_never_splits_a_block),
		cmocka_unit_test(prepared_tables_take_pages_without_memory),
		cmocka_unit_test(four_levels_are_freed_completely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
