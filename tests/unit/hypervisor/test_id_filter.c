// SPDX-License-Identifier: GPL-2.0-or-later
/* What guests read of the ID registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "types.h"

#include <asm/cpu.h>

#define NR_CRM	8
#define NR_OP2	8

static u64 field(u32 crm, u32 op2, u32 shift, u64 value)
{
	return cpu_filter_id(crm, op2, value << shift) >> shift & 0xf;
}

/* By HCRX_EL2 or a trap of reversed polarity, which EL2 leaves 0. */
static void what_el2_must_let_in_is_absent(void **state)
{
	(void)state;
	assert_int_equal(field(7, 3, 0, 1), 0);		/* TCR2 */
	assert_int_equal(field(7, 3, 4, 1), 0);		/* SCTLR2 */
	assert_int_equal(field(7, 3, 8, 1), 0);		/* S1PIE */
	assert_int_equal(field(7, 3, 16, 1), 0);	/* S1POE */
	assert_int_equal(field(7, 3, 24, 1), 0);	/* AIE */
	assert_int_equal(field(6, 1, 60, 3), 0);	/* LS64 */
	assert_int_equal(field(6, 2, 16, 1), 0);	/* MOPS */
	assert_int_equal(field(4, 2, 32, 1), 0);	/* FPMR */
	assert_int_equal(field(4, 1, 44, 1), 0);	/* GCS */
	assert_int_equal(field(4, 1, 24, 2), 0);	/* SME */
	assert_int_equal(field(5, 0, 52, 1), 0);	/* BRBE */
	assert_int_equal(field(7, 1, 40, 1), 0);	/* HCX itself */
}

static void what_is_not_kept_apart_is_absent(void **state)
{
	(void)state;
	assert_int_equal(field(4, 0, 28, 1), 0);	/* RAS */
	assert_int_equal(field(4, 0, 40, 1), 0);	/* MPAM */
	assert_int_equal(field(4, 0, 44, 1), 0);	/* AMU */
	assert_int_equal(field(4, 1, 8, 3), 0);		/* MTE */
	assert_int_equal(field(5, 0, 32, 1), 0);	/* SPE */
	assert_int_equal(field(5, 0, 44, 1), 0);	/* TRBE */
	assert_int_equal(field(7, 2, 24, 1), 0);	/* NV */
}

static void versions_are_limited_and_imp_def_stays(void **state)
{
	(void)state;
	assert_int_equal(field(5, 0, 8, 9), 8);		/* PMUv3p9 */
	assert_int_equal(field(5, 0, 8, 6), 6);
	assert_int_equal(field(5, 0, 8, 15), 15);
	assert_int_equal(field(5, 0, 0, 11), 10);	/* Debug 8.9 */
	assert_int_equal(field(5, 0, 0, 6), 6);
}

static void what_guests_have_stays(void **state)
{
	(void)state;
	assert_int_equal(field(4, 0, 16, 1), 1);	/* FP16 */
	assert_int_equal(field(4, 0, 32, 1), 1);	/* SVE */
	assert_int_equal(field(4, 1, 0, 1), 1);		/* BTI */
	assert_int_equal(field(4, 0, 56, 1), 1);	/* CSV2 */
	assert_int_equal(field(6, 0, 20, 2), 2);	/* LSE */
	assert_int_equal(field(6, 1, 4, 5), 5);		/* PAuth */
	assert_int_equal(field(6, 2, 52, 1), 1);	/* CSSC */
	assert_int_equal(field(7, 0, 0, 5), 5);		/* PARange */
	assert_int_equal(field(7, 1, 20, 3), 3);	/* PAN */
	assert_int_equal(field(7, 2, 60, 1), 1);	/* E0PD */
	assert_true(cpu_filter_id(1, 0, 0x131) == 0x131);
}

static void nothing_is_added(void **state)
{
	u32 crm, op2, n;
	u64 value;

	(void)state;
	for (crm = 0; crm < NR_CRM; crm++)
		for (op2 = 0; op2 < NR_OP2; op2++)
			for (n = 0; n < 64; n++) {
				value = cpu_filter_id(crm, op2, 1UL << n);
				assert_true(!value || value == 1UL << n);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_el2_must_let_in_is_absent),
		cmocka_unit_test(what_is_not_kept_apart_is_absent),
		cmocka_unit_test(versions_are_limited_and_imp_def_stays),
		cmocka_unit_test(what_guests_have_stays),
		cmocka_unit_test(nothing_is_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
