// SPDX-License-Identifier: GPL-2.0-or-later
/* Pool and owners of blocks (hypervisor/mem.c) against models of both. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hvisor/abi.h>

#include "mem.h"
#include "random.h"

#define POOL_PAGES	1024

static int make_pool(void **state)
{
	*state = aligned_alloc(BLOCK_SIZE, POOL_PAGES * PAGE_SIZE);
	memset(*state, 0xa5, POOL_PAGES * PAGE_SIZE);
	mem_init((u64)*state, POOL_PAGES * PAGE_SIZE);
	random_seed();
	return 0;
}

static int drop_pool(void **state)
{
	free(*state);
	return 0;
}

/* -- the pool -- */

static bool used[POOL_PAGES];

static bool is_free(u64 page, u64 count)
{
	while (count--)
		if (used[page + count])
			return false;
	return true;
}

static bool would_fit(const void *pool, u64 count, u64 align)
{
	u64 page;

	for (page = 0; page + count <= POOL_PAGES; page++)
		if (IS_ALIGNED((u64)pool + page * PAGE_SIZE, align * PAGE_SIZE) &&
		    is_free(page, count))
			return true;
	return false;
}

/* What was there before is no longer to be seen. */
static void *take(const void *pool, unsigned int count, unsigned int align)
{
	static const u8 zeroes[PAGE_SIZE];
	u8 *got = mem_alloc(count, align);
	u64 page = (u64)(got - (const u8 *)pool) / PAGE_SIZE;
	u32 n;

	if (!got) {
		assert_false(would_fit(pool, count, align));
		return NULL;
	}
	assert_true(page + count <= POOL_PAGES && is_free(page, count));
	assert_true(IS_ALIGNED(got, align * PAGE_SIZE));
	for (n = 0; n < count; n++) {
		assert_memory_equal(got + n * PAGE_SIZE, zeroes, PAGE_SIZE);
		used[page + n] = true;
	}
	memset(got, 0x5a, count * PAGE_SIZE);
	return got;
}

static void random_pages_of_the_pool_have_one_user(void **state)
{
	struct { void *pages; unsigned int count; } held[64] = { 0 }, *h;
	u64 left = mem_pages_free(), before = left;
	u64 first;
	u32 n;

	memset(used, 0, sizeof(used));
	memset(used, 1, POOL_PAGES - left);	/* the pool's own, at its beginning */
	for (n = 0; n < 6000; n++) {
		h = &held[random_below(ARRAY_SIZE(held))];
		if (h->pages) {
			first = (u64)((u8 *)h->pages - (u8 *)*state) / PAGE_SIZE;
			memset(&used[first], 0, h->count);
			mem_free(h->pages, h->count);
			left += h->count;
			h->pages = NULL;
		} else {
			h->count = 1 + (u32)random_below(one_in(4) ? 64 : 12);
			h->pages = take(*state, h->count, 1U << random_below(6));
			left -= h->pages ? h->count : 0;
		}
		assert_int_equal(mem_pages_free(), left);
	}
	for (n = 0; n < ARRAY_SIZE(held); n++)
		if (held[n].pages)
			mem_free(held[n].pages, held[n].count);
	assert_int_equal(mem_pages_free(), before);
}

/* -- owners -- */

#define RAM		0x40000000UL
#define NR_BLOCKS	512U
#define HOLE		200U		/* NR_HOLE blocks without RAM */
#define NR_HOLE		40U
#define RESERVED	300U		/* one block of EL2's */

static u8 owner[NR_BLOCKS];

static void add_banks(void)
{
	assert_int_equal(mem_add_bank(RAM, HOLE * BLOCK_SIZE), 0);
	assert_int_equal(mem_add_bank(RAM + (HOLE + NR_HOLE) * BLOCK_SIZE,
				      (NR_BLOCKS - HOLE - NR_HOLE) * BLOCK_SIZE), 0);
	mem_reserve(RAM + RESERVED * BLOCK_SIZE + 5, 7);
	memset(owner, 0, sizeof(owner));
	memset(&owner[HOLE], MEM_OWNER_NONE, NR_HOLE);
	owner[RESERVED] = MEM_OWNER_EL2;
}

/* Its owner in the model; somewhere in it, or where no RAM is. */
static u8 *random_block(u64 *pa)
{
	static u8 nobody;
	u64 n = one_in(8) ? random_below(NR_BLOCKS) :
			    random_below(24) + (one_in(3) ? HOLE - 12 : 0);

	nobody = MEM_OWNER_NONE;
	if (one_in(20)) {
		*pa = one_in(2) ? RAM - BLOCK_SIZE : ALIGN_DOWN(random_u64() | BIT(40), BLOCK_SIZE);
		return &nobody;
	}
	*pa = RAM + n * BLOCK_SIZE;
	return &owner[n];
}

static int lend_says(u8 from, u64 id, u64 pa)
{
	if (!id || id >= HVISOR_MAX_CELLS || pa % BLOCK_SIZE)
		return -EINVAL;
	if (from >= HVISOR_MAX_CELLS)
		return -EPERM;
	return from ? -EBUSY : 0;
}

static int return_says(u8 from, u64 id, u64 pa)
{
	if (!id || id >= HVISOR_MAX_CELLS || pa % BLOCK_SIZE)
		return -EINVAL;
	return from == id ? 0 : -EPERM;
}

static u64 next_of(u64 id, u64 pa)
{
	u64 n;

	for (n = 0; n < NR_BLOCKS; n++)
		if (RAM + n * BLOCK_SIZE >= pa && owner[n] == id)
			return RAM + n * BLOCK_SIZE;
	return ~0UL;
}

static void random_lending_keeps_one_owner(void **state)
{
	unsigned int id;
	u64 pa;
	u8 *of;
	int err;
	u32 n;

	(void)state;
	add_banks();
	for (n = 0; n < 30000; n++) {
		id = one_in(30) ? random_u32() : (u32)random_below(5);
		of = random_block(&pa);
		if (one_in(16))
			pa += random_below(BLOCK_SIZE);
		if (one_in(2)) {
			err = mem_lend(id, pa);
			assert_int_equal(err, lend_says(*of, id, pa));
			*of = err ? *of : (u8)id;
		} else {
			err = mem_return(id, pa);
			assert_int_equal(err, return_says(*of, id, pa));
			*of = err ? *of : 0;
		}
		assert_int_equal(mem_owner(pa), *of);
		if (one_in(16) && id && id < HVISOR_MAX_CELLS)
			assert_int_equal(mem_next(id, pa), next_of(id, pa));
	}
	for (n = 0; n < NR_BLOCKS; n++)
		assert_int_equal(mem_owner(RAM + n * BLOCK_SIZE), owner[n]);
}

#define TEST(test)	cmocka_unit_test_setup_teardown(test, make_pool, drop_pool)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(random_pages_of_the_pool_have_one_user),
		TEST(random_lending_keeps_one_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
