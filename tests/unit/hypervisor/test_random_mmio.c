// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random regions, accesses, syndromes and fault registers: hypervisor/mmio.c. What
 * is expected is said bit by bit, as the Arm ARM's tables have it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mmio.h"
#include "random.h"

#define SPAN	1024U		/* addresses that have regions */

static int seed(void **state)
{
	(void)state;
	random_seed();
	return 0;
}

/* -- regions -- */

/* Whose each address is: number of a region; 0: nobody's. */
static u32 owner[SPAN];
static struct { u64 start, size; u32 calls; } regions[MMIO_MAX_REGIONS + 1];
static struct mmio_access seen;

static enum mmio_result handler(void *arg, struct mmio_access *access)
{
	u32 n = (u32)(u64)arg;

	regions[n].calls++;
	/* Never anything that is not all in the region. */
	assert_true(access->addr < regions[n].size);
	assert_true(access->size <= regions[n].size - access->addr);
	seen = *access;
	return MMIO_HANDLED;
}

static bool is_free(u64 start, u64 size)
{
	while (size--)
		if (owner[start + size])
			return false;
	return true;
}

static void set_owner(u64 start, u64 size, u32 n)
{
	while (size--)
		owner[start + size] = n;
}

static void add_region(struct mmio_table *table)
{
	u64 start = random_below(SPAN), size = 1 + random_below(48);
	int wanted, err;
	u32 n = 1;

	size = min_u64(size, SPAN - start);
	while (n < ARRAY_SIZE(regions) && regions[n].size)
		n++;
	wanted = n == ARRAY_SIZE(regions) ? -ENOSPC : is_free(start, size) ? 0 : -EEXIST;
	err = mmio_region_register(table, start, size, handler, (void *)(u64)n);
	assert_int_equal(err, wanted);
	assert_int_equal(mmio_region_overlaps(table, start, size), !is_free(start, size) || !err);
	if (err)
		return;
	set_owner(start, size, n);
	regions[n].start = start;
	regions[n].size = size;
}

static void drop_region(struct mmio_table *table)
{
	u32 n = 1 + (u32)random_below(MMIO_MAX_REGIONS);
	u64 start = random_below(SPAN);

	if (one_in(2) && regions[n].size)
		start = regions[n].start;
	n = owner[start];
	if (!n || regions[n].start != start) {
		assert_int_equal(mmio_region_unregister(table, start), -ENOENT);
		return;
	}
	assert_int_equal(mmio_region_unregister(table, start), 0);
	set_owner(start, regions[n].size, 0);
	regions[n].size = 0;
}

static void access_something(const struct mmio_table *table)
{
	struct mmio_access access = {
		.addr = one_in(16) ? random_u64() : random_below(SPAN),
		.value = random_u64(), .size = (u8)BIT(random_below(4)), .write = one_in(2),
	};
	struct mmio_access before = access;
	u32 n = access.addr < SPAN ? owner[access.addr] : 0, calls = regions[n].calls;
	bool fits = n && access.addr + access.size <= regions[n].start + regions[n].size &&
		    !(access.addr % access.size);
	enum mmio_result result = mmio_handle_access(table, &access);

	assert_int_equal(result, fits ? MMIO_HANDLED : n ? MMIO_ABORT : MMIO_UNHANDLED);
	assert_int_equal(regions[n].calls, calls + fits);
	assert_memory_equal(&access, &before, sizeof(access));
	if (!fits)
		return;
	assert_int_equal(seen.addr, access.addr - regions[n].start);
	assert_int_equal(seen.value, access.value);
}

static void random_accesses_stay_in_their_region(void **state)
{
	struct mmio_table table = { 0 };
	u32 n;

	(void)state;
	for (n = 0; n < 500000; n++) {
		switch (random_below(16)) {
		case 0:
			add_region(&table);
			break;
		case 1:
			if (table.count > random_below(2 * MMIO_MAX_REGIONS))
				drop_region(&table);
			break;
		default:
			access_something(&table);
		}
	}
}

/* -- syndromes -- */

static u64 extend(u64 value, u32 size, bool sign)
{
	switch (size) {
	case 1:
		return sign ? (u64)(int8_t)value : (uint8_t)value;
	case 2:
		return sign ? (u64)(int16_t)value : (uint16_t)value;
	case 4:
		return sign ? (u64)(int32_t)value : (uint32_t)value;
	default:
		return value;
	}
}

static void random_syndromes_are_decoded_or_refused(void **state)
{
	struct mmio_access access;
	u64 esr, value;
	u32 n;

	(void)state;
	for (n = 0; n < 500000; n++) {
		esr = random_u64();
		memset(&access, 0xa5, sizeof(access));
		if (!(esr & 1UL << 24)) {
			assert_int_equal(mmio_decode(esr, &access), -EINVAL);
			continue;
		}
		assert_int_equal(mmio_decode(esr, &access), 0);
		assert_int_equal(access.size, 1 << ((esr >> 23 & 1) * 2 + (esr >> 22 & 1)));
		assert_int_equal(access.sign, esr >> 21 & 1);
		assert_int_equal(access.reg, esr << 43 >> 59);
		assert_int_equal(access.sf, esr >> 15 & 1);
		assert_int_equal(access.write, esr >> 6 & 1);
		access.value = random_u64();
		value = extend(access.value, access.size, access.sign);
		assert_int_equal(mmio_load_value(&access), access.sf ? value : (u32)value);
	}
}

/* -- addresses -- */

static struct { u64 va, par; bool write, user; u32 calls; } walker;

static u64 translate(u64 va, bool write, bool user)
{
	assert_int_equal(va, walker.va);
	assert_int_equal(write, walker.write);
	assert_int_equal(user, walker.user);
	walker.calls++;
	return walker.par;
}

/*
 * DFSC 0b0001xx, a translation fault, or a fault on a walk: HPFAR_EL2 has the
 * address. All others: what it holds makes no difference (D19.2.55).
 */
static void random_faults_look_where_the_address_is(void **state)
{
	u64 esr, hpfar, ipa, other, page;
	bool from_hpfar;
	int err;
	u32 n;

	(void)state;
	for (n = 0; n < 500000; n++) {
		esr = random_u64();
		hpfar = random_u64();
		memset(&walker, 0, sizeof(walker));
		walker.va = random_u64();
		walker.par = random_u64();
		walker.write = esr >> 6 & 1;
		walker.user = one_in(2);
		page = walker.va & 0xfff;
		from_hpfar = (esr >> 7 & 1) || (esr & 0x3c) == 0x04;
		ipa = other = 0x77;
		err = mmio_fault_ipa(esr, walker.va, hpfar, walker.user, translate, &ipa);
		if (from_hpfar) {
			assert_int_equal(err, 0);
			assert_int_equal(walker.calls, 0);
			assert_int_equal(ipa, (hpfar >> 4 & 0xffffffffffUL) * 4096 + page);
			continue;
		}
		assert_int_equal(walker.calls, 1);
		assert_int_equal(err, walker.par & 1 ? -EAGAIN : 0);
		assert_int_equal(ipa, err ? 0x77 :
				 (walker.par >> 12 & 0xffffffffffUL) * 4096 + page);
		assert_int_equal(mmio_fault_ipa(esr, walker.va, ~hpfar, walker.user, translate,
						&other), err);
		assert_int_equal(other, ipa);
	}
}

#define TEST(test)	cmocka_unit_test_setup(test, seed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(random_accesses_stay_in_their_region),
		TEST(random_syndromes_are_decoded_or_refused),
		TEST(random_faults_look_where_the_address_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
