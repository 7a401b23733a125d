// SPDX-License-Identifier: GPL-2.0-or-later
/* Latencies fall into the bucket of their log2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "histogram.h"

static void expect_bucket(u64 ns, u32 bucket)
{
	__u64 buckets[HVISOR_NR_BUCKETS] = {0}, wanted[HVISOR_NR_BUCKETS] = {0};

	wanted[bucket] = 1;
	histogram_add(buckets, ns);
	assert_memory_equal(buckets, wanted, sizeof(wanted));
}

static void test_each_latency_has_its_bucket(void **state)
{
	u32 n;

	(void)state;
	expect_bucket(0, 0);
	expect_bucket(1, 0);
	for (n = 1; n < HVISOR_NR_BUCKETS; n++) {
		expect_bucket(1UL << n, n);
		expect_bucket((1UL << n) - 1, n - 1);
	}
}

static void test_last_bucket_has_no_end(void **state)
{
	(void)state;
	expect_bucket(1UL << 32, HVISOR_NR_BUCKETS - 1);
	expect_bucket(~0UL, HVISOR_NR_BUCKETS - 1);
}

static void test_counts_add_up(void **state)
{
	__u64 buckets[HVISOR_NR_BUCKETS] = {0};
	u32 i;

	(void)state;
	buckets[10] = 0xffffffff;
	for (i = 0; i < 3; i++)
		histogram_add(buckets, 1500);
	assert_true(buckets[10] == 0x100000002);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_latency_has_its_bucket),
		cmocka_unit_test(test_last_bucket_has_no_end),
		cmocka_unit_test(test_counts_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
