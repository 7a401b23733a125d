// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Translation tables (hypervisor/paging.c) against a flat model, which has for each
 * page what it is mapped to and how large its leaf is.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <asm/pgtable.h>

#include "paging.h"
#include "random.h"
#include "table_pages.h"

#define GIB	(1UL << 30)
#define BITS_IN	39
#define SPAN	(3 * GIB)
#define LIVES	60
#define CALLS	40
#define ATTRS	(PTE_AF | PTE_SH_INNER)

/* A page: where it is, and in the lower bits the size of its leaf; 0: not mapped. */
static u64 model[SPAN / PAGE_SIZE];
/* Tables stay when they become empty, and no block goes where one is. */
static bool has_pages[SPAN / BLOCK_SIZE], has_blocks[SPAN / GIB];

static const struct paging_ops ops = { .alloc = page_alloc, .free = page_free };
static struct paging pg = { .start = 1, .bits = BITS_IN, .ops = &ops };

/* -- the model -- */

static u64 *page_of(u64 virt)
{
	return &model[virt / PAGE_SIZE];
}

static u32 shift_at(u64 virt)
{
	return *page_of(virt) & (PAGE_SIZE - 1);
}

static u32 best_shift(u64 virt, u64 phys, u64 left, unsigned int flags)
{
	u32 shift;

	for (shift = 30; shift > PAGE_SHIFT; shift -= 9)
		if (!(flags & PAGING_PAGES) && left >= BIT(shift) &&
		    IS_ALIGNED(virt | phys, BIT(shift)))
			break;
	return shift;
}

static bool model_mapped(u64 virt, u64 size)
{
	u64 at;

	for (at = virt; at < virt + size; at += PAGE_SIZE)
		if (*page_of(at))
			return true;
	return false;
}

/* A leaf reaches across @virt. */
static bool model_splits(u64 virt)
{
	return virt < SPAN && *page_of(virt) && !IS_ALIGNED(virt, BIT(shift_at(virt)));
}

/*
 * What the range needs: leafs, or only the tables to them. True: a table is, or may
 * be, where a leaf would go.
 */
static bool model_map(u64 virt, u64 phys, u64 size, unsigned int flags, bool with_leafs)
{
	bool blocked = false;
	u64 done, n;
	u32 shift;

	for (done = 0; done < size; done += BIT(shift)) {
		shift = best_shift(virt + done, phys + done, size - done, flags);
		if (shift == 30)
			blocked = blocked || has_blocks[(virt + done) / GIB];
		else
			has_blocks[(virt + done) / GIB] = true;
		if (shift == 21)
			blocked = blocked || has_pages[(virt + done) / BLOCK_SIZE];
		else if (shift == PAGE_SHIFT)
			has_pages[(virt + done) / BLOCK_SIZE] = true;
		for (n = done; with_leafs && n < done + BIT(shift); n += PAGE_SIZE)
			*page_of(virt + n) = (phys + n) | shift;
	}
	return blocked;
}

static void check_page(u64 virt)
{
	u64 entry = paging_walk(&pg, virt, NULL), size;

	if (!*page_of(virt)) {
		assert_int_equal(entry, 0);
		return;
	}
	size = BIT(shift_at(virt));
	assert_int_equal(entry & PTE_ADDR_MASK,
			 ALIGN_DOWN(*page_of(virt), PAGE_SIZE) -
			 (ALIGN_DOWN(virt, PAGE_SIZE) & (size - 1)));
	assert_int_equal(entry & ATTRS, ATTRS);
}

/* Around the range, at its ends, in it and anywhere. */
static void check_some(u64 virt, u64 size)
{
	u32 n;

	check_page(virt);
	check_page(virt + size - 1);
	if (virt)
		check_page(virt - 1);
	if (virt + size < SPAN)
		check_page(virt + size);
	for (n = 0; n < 8; n++) {
		check_page(virt + random_below(size));
		check_page(random_below(SPAN));
	}
}

/* All leafs in order, and nothing between them. */
static void check_all(void)
{
	u64 virt = 0, next = 0, size, entry;
	u32 steps = ~0U;

	while ((entry = paging_next(&pg, &virt, &size, &steps))) {
		for (; next < virt; next += PAGE_SIZE)
			assert_int_equal(*page_of(next), 0);
		for (; next < virt + size; next += PAGE_SIZE)
			assert_int_equal(*page_of(next),
					 ((entry & PTE_ADDR_MASK) + next - virt) |
					 (u64)__builtin_ctzl(size));
		virt += size;
	}
	assert_int_equal(virt, BIT(BITS_IN));
	for (; next < SPAN; next += PAGE_SIZE)
		assert_int_equal(*page_of(next), 0);
}

/* -- what is done -- */

/* Near a boundary, where the sizes of leafs meet. */
static void random_range(u64 *virt, u64 *size)
{
	u64 unit = one_in(3) ? PAGE_SIZE : BLOCK_SIZE;

	*virt = random_below(3) * GIB + random_below(12) * unit;
	if (*virt >= GIB && one_in(2))
		*virt -= random_below(1000) * PAGE_SIZE;
	if (one_in(2))
		*virt = ALIGN_DOWN(*virt, BLOCK_SIZE);
	*size = (1 + random_below(unit == PAGE_SIZE ? 700 : 6)) * unit;
	if (one_in(40)) {
		*virt = ALIGN_DOWN(*virt, GIB);
		*size += GIB;
	}
	*size = min_u64(*size, SPAN - *virt);
}

static void map_something(void)
{
	unsigned int flags = one_in(8) ? PAGING_PAGES : 0;
	u64 virt, size, phys;
	bool mapped, blocked;
	int err;

	random_range(&virt, &size);
	phys = virt + random_below(1000) * GIB;
	if (one_in(4))
		phys += random_below(512) * (one_in(2) ? PAGE_SIZE : BLOCK_SIZE);
	pages_left = one_in(8) ? (int)random_below(3) : 5000;
	mapped = model_mapped(virt, size);
	err = paging_map(&pg, virt, phys, size, ATTRS, flags);
	blocked = model_map(virt, phys, size, flags, !err);
	if (err == -ENOMEM)
		assert_int_equal(pages_left, 0);
	else if (err || mapped)
		assert_true(err == -EEXIST && (mapped || blocked));
	check_some(virt, size);
}

static void unmap_something(void)
{
	u64 virt, size;
	bool splits;

	random_range(&virt, &size);
	if (one_in(16)) {
		virt = ALIGN_DOWN(virt, GIB);
		size = GIB;
	}
	splits = model_splits(virt) || model_splits(virt + size);
	assert_int_equal(paging_unmap(&pg, virt, size), splits ? -EINVAL : 0);
	if (!splits)
		memset(page_of(virt), 0, size / PAGE_SIZE * sizeof(model[0]));
	check_some(virt, size);
}

static void ask_something(void)
{
	u64 virt, size;

	random_range(&virt, &size);
	assert_int_equal(paging_mapped(&pg, virt, size), model_mapped(virt, size));
}

static void do_what_is_refused(void)
{
	u64 virt, size, phys = 0;

	random_range(&virt, &size);
	switch (random_below(6)) {
	case 0:
		virt += 1 + random_below(PAGE_SIZE - 1);
		break;
	case 1:
		size += 1 + random_below(PAGE_SIZE - 1);
		break;
	case 2:
		size = 0;
		break;
	case 3:
		virt = BIT(BITS_IN) - random_below(size / PAGE_SIZE) * PAGE_SIZE;
		break;
	case 4:
		virt = -random_below(size / PAGE_SIZE + 1) * PAGE_SIZE;
		size += PAGE_SIZE;
		virt = virt ? virt : BIT(63);
		break;
	default:
		phys = BIT(48) - size + PAGE_SIZE;
	}
	pages_left = 5000;
	assert_int_equal(paging_map(&pg, virt, phys, size, ATTRS, 0), -EINVAL);
	if (!phys)
		assert_int_equal(paging_unmap(&pg, virt, size), -EINVAL);
}

static void one_life(void)
{
	u32 n;

	memset(model, 0, sizeof(model));
	memset(has_pages, 0, sizeof(has_pages));
	memset(has_blocks, 0, sizeof(has_blocks));
	pages_left = 1;
	pg.root = page_alloc();
	for (n = 0; n < CALLS; n++) {
		switch (random_below(8)) {
		case 0:
		case 1:
		case 2:
		case 3:
			map_something();
			break;
		case 4:
		case 5:
			unmap_something();
			break;
		case 6:
			ask_something();
			break;
		default:
			do_what_is_refused();
		}
	}
	check_all();
	paging_destroy(&pg);
	assert_int_equal(pages_out, 0);
}

/* Tables are never given back but all together: so many lives. */
static void random_calls_agree_with_a_flat_model(void **state)
{
	u32 n;

	(void)state;
	random_seed();
	for (n = 0; n < LIVES; n++)
		one_life();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_agree_with_a_flat_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
