// SPDX-License-Identifier: GPL-2.0-or-later
/* Doorbells: bits, telling once, and no wake-up lost between two sides. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "doorbell.h"

static void test_set_bit_is_one_notification(void **state)
{
	struct hvisor_bell_page bell = {0};

	(void)state;
	assert_true(doorbell_set(&bell, 31, 1, 0));
	assert_int_equal(bell.bells, 1U << 31);
	assert_int_equal(bell.doorbells[31].bits, 1);
	assert_false(doorbell_set(&bell, 31, 1, 0));
	assert_true(doorbell_set(&bell, 31, 3, 0));
	assert_true(doorbell_set(&bell, 0, 1, 0));
	assert_int_equal(bell.bells, 1U << 31 | 1);
	doorbell_clear(&bell, 31, 2);
	assert_int_equal(bell.doorbells[31].bits, 1);
	doorbell_clear(&bell, 31, ~0U);
	assert_int_equal(bell.doorbells[31].bits, 0);
	assert_true(doorbell_set(&bell, 31, 1, 0));
}

/* The stamp is that of the first bit that waits, whoever comes later. */
static void test_first_bit_keeps_its_time(void **state)
{
	struct hvisor_bell_page bell = {0};

	(void)state;
	doorbell_set(&bell, 2, 1, 100);
	assert_int_equal(bell.doorbells[2].since, 100);
	doorbell_set(&bell, 2, 1, 200);
	doorbell_set(&bell, 2, 2, 300);
	assert_int_equal(bell.doorbells[2].since, 100);
	/* root takes */
	bell.doorbells[2].bits = 0;
	doorbell_set(&bell, 2, 2, 400);
	assert_int_equal(bell.doorbells[2].since, 400);
	assert_int_equal(bell.doorbells[1].since, 0);
}

static void test_root_is_told_once(void **state)
{
	struct hvisor_bell_page bell = {0};

	(void)state;
	doorbell_request(&bell, 3);
	doorbell_event(&bell, HVISOR_EVENT_STATE);
	assert_int_equal(bell.requests, 8);
	assert_int_equal(bell.events, HVISOR_EVENT_STATE);
	assert_true(doorbell_tell(&bell));
	assert_false(doorbell_tell(&bell));
	bell.told = 0;
	assert_true(doorbell_tell(&bell));
}

/*
 * Two CPUs ring, root takes. An interrupt is an edge: if one is lost, bits stay
 * and nobody comes.
 */
#define ROUNDS	100000
#define RINGERS	2

static struct hvisor_bell_page page;
static u32 raised, running = RINGERS;
static u64 rung[RINGERS], taken[RINGERS];

static void *ringer(void *arg)
{
	u32 device = (u32)(uintptr_t)arg, i;

	for (i = 0; i < ROUNDS; i++) {
		if (!doorbell_set(&page, device, 1, 0))
			continue;
		rung[device]++;
		if (doorbell_tell(&page))
			__atomic_fetch_add(&raised, 1, __ATOMIC_SEQ_CST);
	}
	__atomic_fetch_sub(&running, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void root_handler(void)
{
	u32 bells, device;

	__atomic_store_n(&page.told, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	bells = __atomic_exchange_n(&page.bells, 0, __ATOMIC_SEQ_CST);
	for (device = 0; device < RINGERS; device++)
		if (bells & 1U << device)
			taken[device] += __atomic_exchange_n(&page.doorbells[device].bits, 0,
							     __ATOMIC_SEQ_CST);
}

static void test_no_notification_is_lost(void **state)
{
	pthread_t threads[RINGERS];
	u32 seen = 0, i;

	(void)state;
	for (i = 0; i < RINGERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ringer,
						(void *)(uintptr_t)i), 0);
	/* As the interrupt would: once for each raise, never for nothing. */
	while (__atomic_load_n(&running, __ATOMIC_SEQ_CST) ||
	       seen != __atomic_load_n(&raised, __ATOMIC_SEQ_CST)) {
		if (seen == __atomic_load_n(&raised, __ATOMIC_SEQ_CST)) {
			sched_yield();
			continue;
		}
		seen++;
		root_handler();
	}
	for (i = 0; i < RINGERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(page.doorbells[i].bits, 0);
		assert_int_equal(rung[i], taken[i]);
		assert_true(rung[i] > 0);
	}
	assert_int_equal(page.bells, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_bit_is_one_notification),
		cmocka_unit_test(test_first_bit_keeps_its_time),
		cmocka_unit_test(test_root_is_told_once),
		cmocka_unit_test(test_no_notification_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
