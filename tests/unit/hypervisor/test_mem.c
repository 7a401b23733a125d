// SPDX-License-Identifier: GPL-2.0-or-later
/* Page pool and owners of RAM: hypervisor/mem.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mem.h"

#define POOL_SIZE	(4UL << 20)
#define RAM		0x40000000UL
#define MIB		(1UL << 20)

static int make_pool(void **state)
{
	void *pool = aligned_alloc(BLOCK_SIZE, POOL_SIZE);

	memset(pool, 0xa5, POOL_SIZE);
	mem_init((u64)pool, POOL_SIZE);
	*state = pool;
	return 0;
}

static int drop_pool(void **state)
{
	free(*state);
	return 0;
}

static void every_page_is_counted(void **state)
{
	u64 total = mem_pages_total(), first = mem_pages_free();
	u64 published = 0;
	void *a, *b;

	(void)state;
	mem_publish_free(&published);
	assert_int_equal(published, first);
	assert_int_equal(total, POOL_SIZE / PAGE_SIZE);
	assert_int_equal(first, total - 1);	/* the bitmap */
	a = mem_alloc(3, 1);
	b = mem_alloc(1, 1);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(mem_pages_free(), first - 4);
	assert_int_equal(published, first - 4);
	mem_free(a, 3);
	assert_int_equal(mem_pages_free(), first - 1);
	mem_free(b, 1);
	mem_free(NULL, 7);
	assert_int_equal(mem_pages_free(), first);
	assert_int_equal(published, first);
}

static void pages_are_zeroed_each_time(void **state)
{
	u8 *page;
	u32 n, round;

	(void)state;
	for (round = 0; round < 2; round++) {
		page = mem_alloc(2, 1);
		for (n = 0; n < 2 * PAGE_SIZE; n++)
			assert_int_equal(page[n], 0);
		memset(page, 0xff, 2 * PAGE_SIZE);
		mem_free(page, 2);
	}
}

static void alignment_is_kept(void **state)
{
	void *one = mem_alloc(1, 1), *two;

	(void)state;
	two = mem_alloc(2, 16);
	assert_non_null(two);
	assert_true(IS_ALIGNED(two, 16 * PAGE_SIZE));
	mem_free(one, 1);
	mem_free(two, 2);
}

static void an_empty_pool_gives_nothing_and_recovers(void **state)
{
	u64 first = mem_pages_free(), n;
	void **pages = calloc(first, sizeof(*pages));

	(void)state;
	for (n = 0; n < first; n++) {
		pages[n] = mem_alloc(1, 1);
		assert_non_null(pages[n]);
	}
	assert_null(mem_alloc(1, 1));
	assert_int_equal(mem_pages_free(), 0);
	/* Holes of one page each: no two in a row. */
	for (n = 0; n < first; n += 2)
		mem_free(pages[n], 1);
	assert_null(mem_alloc(2, 1));
	assert_non_null(pages[0] = mem_alloc(1, 1));
	mem_free(pages[0], 1);
	for (n = 1; n < first; n += 2)
		mem_free(pages[n], 1);
	assert_int_equal(mem_pages_free(), first);
	assert_null(mem_alloc((unsigned int)first + 1, 1));
	assert_null(mem_alloc(0, 1));
	free(pages);
}

static void a_block_has_one_owner(void **state)
{
	(void)state;
	assert_int_equal(mem_add_bank(RAM, 16 * MIB), 0);
	mem_reserve(RAM + 2 * MIB, 1);
	assert_int_equal(mem_owner(RAM), 0);
	assert_int_equal(mem_owner(RAM + 3 * MIB), MEM_OWNER_EL2);
	assert_int_equal(mem_owner(RAM - 1), MEM_OWNER_NONE);
	assert_int_equal(mem_owner(RAM + 16 * MIB), MEM_OWNER_NONE);

	assert_int_equal(mem_lend(1, RAM), 0);
	assert_int_equal(mem_owner(RAM + MIB), 1);
	assert_int_equal(mem_lend(1, RAM), -EBUSY);
	assert_int_equal(mem_lend(2, RAM), -EBUSY);
	assert_int_equal(mem_return(2, RAM), -EPERM);
	assert_int_equal(mem_return(1, RAM), 0);
	assert_int_equal(mem_return(1, RAM), -EPERM);
	assert_int_equal(mem_owner(RAM), 0);
}

static void what_is_not_roots_is_never_lent(void **state)
{
	(void)state;
	assert_int_equal(mem_add_bank(RAM, 16 * MIB), 0);
	mem_reserve(RAM + 2 * MIB, 2 * MIB);
	assert_int_equal(mem_lend(1, RAM + 2 * MIB), -EPERM);
	assert_int_equal(mem_return(1, RAM + 2 * MIB), -EPERM);
	assert_int_equal(mem_lend(1, RAM + 16 * MIB), -EPERM);
	assert_int_equal(mem_lend(1, 0), -EPERM);
	assert_int_equal(mem_lend(1, ~0UL & ~(BLOCK_SIZE - 1)), -EPERM);
	assert_int_equal(mem_lend(1, RAM + PAGE_SIZE), -EINVAL);
	assert_int_equal(mem_lend(0, RAM), -EINVAL);
	assert_int_equal(mem_lend(17, RAM), -EINVAL);
	assert_int_equal(mem_return(0, RAM), -EINVAL);
	assert_int_equal(mem_return(255, RAM + 2 * MIB), -EINVAL);
}

static void banks_shrink_to_whole_blocks(void **state)
{
	u64 odd = 0x80000000UL;

	(void)state;
	assert_int_equal(mem_add_bank(odd + PAGE_SIZE, 6 * MIB), 0);
	assert_int_equal(mem_owner(odd), MEM_OWNER_NONE);
	assert_int_equal(mem_owner(odd + 2 * MIB), 0);
	assert_int_equal(mem_owner(odd + 4 * MIB), 0);
	assert_int_equal(mem_owner(odd + 6 * MIB), MEM_OWNER_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_page_is_counted, make_pool, drop_pool),
		cmocka_unit_test_setup_teardown(pages_are_zeroed_each_time, make_pool, drop_pool),
		cmocka_unit_test_setup_teardown(alignment_is_kept, make_pool, drop_pool),
		cmocka_unit_test_setup_teardown(an_empty_pool_gives_nothing_and_recovers,
						make_pool, drop_pool),
		cmocka_unit_test_setup_teardown(a_block_has_one_owner, make_pool, drop_pool),
		cmocka_unit_test_setup_teardown(what_is_not_roots_is_never_lent, make_pool,
						drop_pool),
		cmocka_unit_test_setup_teardown(banks_shrink_to_whole_blocks, make_pool, drop_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
