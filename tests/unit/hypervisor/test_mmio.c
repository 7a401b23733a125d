// SPDX-License-Identifier: GPL-2.0-or-later
/* Region table, decoding of accesses, address of a fault: hypervisor/mmio.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mmio.h"

#define ISV		(1UL << 24)
#define SAS(n)		((u64)(n) << 22)
#define SSE		(1UL << 21)
#define SRT(n)		((u64)(n) << 16)
#define SF		(1UL << 15)
#define WNR		(1UL << 6)
#define S1PTW		(1UL << 7)
#define PERMISSION	0x0fUL		/* level 3 */
#define TRANSLATION	0x07UL
#define GARBAGE		0xdeadbeefdeadbeefUL

static struct mmio_access seen;
static void *seen_arg;
static u32 calls;

static enum mmio_result handler(void *arg, struct mmio_access *access)
{
	calls++;
	seen = *access;
	seen_arg = arg;
	access->value = 0xf00d;
	return MMIO_HANDLED;
}

static void regions_are_found_by_address_alone(void **state)
{
	struct mmio_table table = { 0 };
	struct mmio_access access = { .size = 4 };
	int x, y;

	(void)state;
	assert_int_equal(mmio_region_register(&table, 0x3000, 0x1000, handler, &y), 0);
	assert_int_equal(mmio_region_register(&table, 0x1000, 0x1000, handler, &x), 0);
	assert_null(mmio_region_find(&table, 0xfff));
	assert_ptr_equal(mmio_region_find(&table, 0x1000)->arg, &x);
	assert_ptr_equal(mmio_region_find(&table, 0x1fff)->arg, &x);
	assert_null(mmio_region_find(&table, 0x2000));
	assert_ptr_equal(mmio_region_find(&table, 0x3000)->arg, &y);
	assert_null(mmio_region_find(&table, 0x4000));

	access.addr = 0x3010;
	assert_int_equal(mmio_handle_access(&table, &access), MMIO_HANDLED);
	assert_int_equal(seen.addr, 0x10);
	assert_ptr_equal(seen_arg, &y);
	assert_int_equal(access.addr, 0x3010);
	assert_int_equal(access.value, 0xf00d);
	access.addr = 0x2000;
	assert_int_equal(mmio_handle_access(&table, &access), MMIO_UNHANDLED);
}

static void overlaps_and_overflows_are_refused(void **state)
{
	struct mmio_table table = { 0 };
	u32 n;

	(void)state;
	assert_int_equal(mmio_region_register(&table, 0x2000, 0x1000, handler, NULL), 0);
	assert_int_equal(mmio_region_register(&table, 0x2000, 0x1000, handler, NULL), -EEXIST);
	assert_int_equal(mmio_region_register(&table, 0x1000, 0x1001, handler, NULL), -EEXIST);
	assert_int_equal(mmio_region_register(&table, 0x2fff, 1, handler, NULL), -EEXIST);
	assert_int_equal(mmio_region_register(&table, 0, ~0UL, handler, NULL), -EEXIST);
	assert_int_equal(mmio_region_register(&table, 0x9000, 0, handler, NULL), -EINVAL);
	assert_int_equal(mmio_region_register(&table, ~0xfffUL, 0x2000, handler, NULL), -EINVAL);
	assert_int_equal(table.count, 1);
	for (n = 1; n < MMIO_MAX_REGIONS; n++)
		assert_int_equal(mmio_region_register(&table, 0x100000UL - n * 0x1000, 0x1000,
						      handler, NULL), 0);
	assert_int_equal(mmio_region_register(&table, 0x200000, 0x1000, handler, NULL), -ENOSPC);
	for (n = 1; n < table.count; n++)
		assert_true(table.regions[n - 1].start < table.regions[n].start);
}

static void a_region_goes_without_the_others(void **state)
{
	struct mmio_table table = { 0 };
	u64 n;

	(void)state;
	for (n = 0; n < 5; n++)
		mmio_region_register(&table, n * 0x1000, 0x1000, handler, NULL);
	assert_int_equal(mmio_region_unregister(&table, 0x2000), 0);
	assert_int_equal(mmio_region_unregister(&table, 0x2000), -ENOENT);
	assert_int_equal(mmio_region_unregister(&table, 0x2800), -ENOENT);
	assert_null(mmio_region_find(&table, 0x2800));
	assert_non_null(mmio_region_find(&table, 0x1800));
	assert_non_null(mmio_region_find(&table, 0x3800));
	assert_int_equal(mmio_region_unregister(&table, 0), 0);
	assert_int_equal(mmio_region_unregister(&table, 0x4000), 0);
	assert_int_equal(table.count, 2);
}

static void the_syndrome_tells_size_sign_and_register(void **state)
{
	struct mmio_access access;
	u32 sas;

	(void)state;
	for (sas = 0; sas < 4; sas++) {
		assert_int_equal(mmio_decode(ISV | SAS(sas) | SRT(7), &access), 0);
		assert_int_equal(access.size, 1 << sas);
		assert_int_equal(access.reg, 7);
		assert_false(access.write);
	}
	assert_int_equal(mmio_decode(ISV | SAS(2) | SSE | SF | SRT(31) | WNR, &access), 0);
	assert_true(access.write);
	assert_true(access.sign);
	assert_true(access.sf);
	assert_int_equal(access.reg, 31);
}

static void without_isv_nothing_is_decoded(void **state)
{
	struct mmio_access access;

	(void)state;
	assert_int_equal(mmio_decode(SAS(2) | SRT(3) | WNR, &access), -EINVAL);
	assert_int_equal(mmio_decode(0, &access), -EINVAL);
}

static void loads_extend_as_the_instruction_says(void **state)
{
	static const struct {
		u8 size;
		bool sign, sf;
		u64 value, expected;
	} cases[] = {
		{ 1, false, false, 0xffffff80, 0x80 },
		{ 1, true, false, 0x80, 0xffffff80 },
		{ 1, true, true, 0x80, 0xffffffffffffff80 },
		{ 1, true, true, 0x7f, 0x7f },
		{ 2, true, true, 0x8000, 0xffffffffffff8000 },
		{ 2, false, true, 0x18000, 0x8000 },
		{ 4, true, true, 0x80000000, 0xffffffff80000000 },
		{ 4, false, false, 0x1ffffffffUL, 0xffffffff },
		{ 4, false, true, 0x180000000UL, 0x80000000 },
		{ 8, false, true, GARBAGE, GARBAGE },
		{ 8, true, true, GARBAGE, GARBAGE },
	};
	struct mmio_access access;
	u32 n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(cases); n++) {
		access = (struct mmio_access){ .size = cases[n].size, .sign = cases[n].sign,
					       .sf = cases[n].sf, .value = cases[n].value };
		assert_int_equal(mmio_load_value(&access), cases[n].expected);
	}
}

static void unaligned_and_straddling_accesses_never_reach_the_handler(void **state)
{
	struct mmio_table table = { 0 };
	struct mmio_access access = { 0 };
	u64 addr;
	u8 size;

	(void)state;
	mmio_region_register(&table, 0x1000, 0x10, handler, NULL);
	for (size = 1; size <= 8; size *= 2) {
		for (addr = 0x1000; addr < 0x1010; addr++) {
			bool good = !(addr & (size - 1U)) && addr + size <= 0x1010;

			access.addr = addr;
			access.size = size;
			calls = 0;
			assert_int_equal(mmio_handle_access(&table, &access),
					 good ? MMIO_HANDLED : MMIO_ABORT);
			assert_int_equal(calls, good);
		}
	}
}

static u64 at_result;
static u32 at_calls;
static bool at_user, at_write;

static u64 at(u64 va, bool write, bool user)
{
	(void)va;
	at_calls++;
	at_user = user;
	at_write = write;
	return at_result;
}

static void a_translation_fault_takes_hpfar(void **state)
{
	u64 ipa = 0;

	(void)state;
	at_calls = 0;
	assert_int_equal(mmio_fault_ipa(ISV | TRANSLATION, 0xffff000012345abc,
					0x4010000000UL >> 12 << 4, false, at, &ipa), 0);
	assert_int_equal(ipa, 0x4010000abc);
	assert_int_equal(mmio_fault_ipa(TRANSLATION, 0xabc, 0x0a000000UL >> 12 << 4, false, at,
					&ipa), 0);
	assert_int_equal(ipa, 0x0a000abc);
	/* A 52-bit address: all 40 bits of FIPA count. */
	assert_int_equal(mmio_fault_ipa(TRANSLATION, 0, 0x8000000000UL >> 12 << 4, false, at, &ipa),
			 0);
	assert_int_equal(ipa, 0x8000000000);
	assert_int_equal(at_calls, 0);
}

static void a_permission_fault_never_looks_at_hpfar(void **state)
{
	u64 ipa = 0;
	u32 level;

	(void)state;
	for (level = 0; level < 4; level++) {
		at_result = 0x0a000000 | 0xff00000000000000UL | 0xb80;
		at_calls = 0;
		assert_int_equal(mmio_fault_ipa(ISV | WNR | (PERMISSION & ~3UL) | level,
						0xffff800008123050, GARBAGE, level & 1, at, &ipa),
				 0);
		assert_int_equal(ipa, 0x0a000050);
		assert_int_equal(at_calls, 1);
		assert_int_equal(at_user, level & 1);
		assert_true(at_write);
	}
}

static void a_walk_fault_takes_hpfar_even_for_permission(void **state)
{
	u64 ipa = 0;

	(void)state;
	at_calls = 0;
	assert_int_equal(mmio_fault_ipa(S1PTW | PERMISSION, 0x123, 0x50000UL << 4, false, at, &ipa),
			 0);
	assert_int_equal(ipa, 0x50000123);
	assert_int_equal(at_calls, 0);
}

static void a_failed_translation_sends_the_guest_back(void **state)
{
	u64 ipa = 0x77;

	(void)state;
	at_result = 0x0a000000 | 1;	/* PAR_EL1.F */
	assert_int_equal(mmio_fault_ipa(ISV | WNR | PERMISSION, 0, GARBAGE, false, at, &ipa),
			 -EAGAIN);
	assert_int_equal(ipa, 0x77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regions_are_found_by_address_alone),
		cmocka_unit_test(overlaps_and_overflows_are_refused),
		cmocka_unit_test(a_region_goes_without_the_others),
		cmocka_unit_test(the_syndrome_tells_size_sign_and_register),
		cmocka_unit_test(without_isv_nothing_is_decoded),
		cmocka_unit_test(loads_extend_as_the_instruction_says),
		cmocka_unit_test(unaligned_and_straddling_accesses_never_reach_the_handler),
		cmocka_unit_test(a_translation_fault_takes_hpfar),
		cmocka_unit_test(a_permission_fault_never_looks_at_hpfar),
		cmocka_unit_test(a_walk_fault_takes_hpfar_even_for_permission),
		cmocka_unit_test(a_failed_translation_sends_the_guest_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
