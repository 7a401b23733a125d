// SPDX-License-Identifier: LGPL-2.1-or-later
/* How long a backend polls: the window, and the budget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../../libshyper/virtio/poll.h"

#define SECOND	1000000000ULL

/* A sleep of so many ns, from @now on; returns when it ends. */
static uint64_t nap(struct poll *poll, uint64_t now, uint64_t length)
{
	poll_sleep(poll, now);
	poll_woken(poll, now + length);
	return now + length;
}

static void test_window_follows_what_sleeps_were_like(void **state)
{
	struct poll poll = { .on = true };
	uint64_t now = SECOND;

	(void)state;
	/* At first, and after long sleeps, not at all. */
	assert_int_equal(poll_begin(&poll, now), 0);
	now = nap(&poll, now, POLL_WINDOW_MAX);
	assert_int_equal(poll_begin(&poll, now), 0);
	/* After short ones longer and longer, up to its limit. */
	now = nap(&poll, now, POLL_WINDOW_MAX - 1);
	assert_int_equal(poll_begin(&poll, now), POLL_WINDOW_MIN);
	now = nap(&poll, now, 1000);
	assert_int_equal(poll_begin(&poll, now), 2 * POLL_WINDOW_MIN);
	now = nap(&poll, now, 1000);
	now = nap(&poll, now, 1000);
	assert_int_equal(poll_begin(&poll, now), POLL_WINDOW_MAX);
	now = nap(&poll, now, 1000);
	assert_int_equal(poll_begin(&poll, now), POLL_WINDOW_MAX);
	/* What found something leaves it. */
	poll_end(&poll, 1000, true);
	assert_int_equal(poll_begin(&poll, now), POLL_WINDOW_MAX);
	/* What was in vain halves it, down to nothing. */
	poll_end(&poll, 1000, false);
	assert_int_equal(poll_begin(&poll, now), POLL_WINDOW_MAX / 2);
	poll_end(&poll, 1000, false);
	poll_end(&poll, 1000, false);
	assert_int_equal(poll_begin(&poll, now), POLL_WINDOW_MIN);
	poll_end(&poll, 1000, false);
	assert_int_equal(poll_begin(&poll, now), 0);
	/* A long sleep does not change it. */
	now = nap(&poll, now, 1000);
	now = nap(&poll, now, SECOND);
	assert_int_equal(poll_begin(&poll, now), POLL_WINDOW_MIN);
}

/* Whatever a guest does: its share of the time, and what was saved at first. */
static void test_budget_is_kept(void **state)
{
	struct poll poll = { .on = true, .window = POLL_WINDOW_MAX };
	uint64_t begin = SECOND, now = begin, polled = 0, length, limit;
	unsigned int n;

	(void)state;
	for (n = 0; n < 10000; n++) {
		length = poll_begin(&poll, now);
		assert_in_range(length, 0, POLL_WINDOW_MAX);
		poll_end(&poll, length, true);
		polled += length;
		now += length;
		/* Between the polls it works, or sleeps for a moment. */
		now = nap(&poll, now, n % 7 * 10000);
	}
	limit = (now - begin) / POLL_SHARE + POLL_BUDGET_MAX;
	assert_in_range(polled, limit / 2, limit);
}

static void test_budget_survives_preemption_and_pauses(void **state)
{
	struct poll poll = { .on = true, .window = POLL_WINDOW_MAX };
	uint64_t now = SECOND;

	(void)state;
	assert_int_equal(poll_begin(&poll, now), POLL_WINDOW_MAX);
	/* It took a second: nothing is left, and nothing is owed. */
	poll_end(&poll, SECOND, true);
	assert_int_equal(poll_begin(&poll, now), 0);
	now += 4 * 10000;
	assert_int_equal(poll_begin(&poll, now), 10000);
	/* A pause fills it, but not beyond its limit. */
	now += 1000 * SECOND;
	poll_begin(&poll, now);
	assert_int_equal(poll.budget, POLL_BUDGET_MAX);
}

static void test_batch_follows_what_came_at_once(void **state)
{
	(void)state;
	/* Who has one request at a time is never made to wait. */
	assert_int_equal(poll_batch(1, 1, false), 1);
	assert_int_equal(poll_batch(1, 0, false), 1);
	/* It grows with what comes while it is served, and else stays. */
	assert_int_equal(poll_batch(1, 3, false), 3);
	assert_int_equal(poll_batch(3, 5, false), 5);
	assert_int_equal(poll_batch(5, 5, false), 5);
	assert_int_equal(poll_batch(5, 2, false), 5);
	/* In vain: as many as there were, but at least half; none: no waiting. */
	assert_int_equal(poll_batch(9, 7, true), 7);
	assert_int_equal(poll_batch(9, 1, true), 4);
	assert_int_equal(poll_batch(2, 1, true), 1);
	assert_int_equal(poll_batch(1, 1, true), 1);
	assert_int_equal(poll_batch(9, 0, true), 1);
	assert_int_equal(poll_batch(5, 6, true), 5);
}

static void test_hold_is_bounded(void **state)
{
	struct poll poll = { .on = true };
	uint64_t now = SECOND;

	(void)state;
	now = nap(&poll, now, 1000);
	assert_int_equal(poll.hold, POLL_HOLD_MAX);
	/* It falls by an eighth, down to its limit. */
	now = nap(&poll, now, 1000);
	assert_int_equal(poll.hold, POLL_HOLD_MAX / 8 * 7);
	while (poll.hold > POLL_HOLD_MIN)
		now = nap(&poll, now, 1000);
	assert_int_equal(poll.hold, POLL_HOLD_MIN);
	now = nap(&poll, now, 300000);
	assert_int_equal(poll.hold, 600000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_follows_what_sleeps_were_like),
		cmocka_unit_test(test_budget_is_kept),
		cmocka_unit_test(test_batch_follows_what_came_at_once),
		cmocka_unit_test(test_hold_is_bounded),
		cmocka_unit_test(test_budget_survives_preemption_and_pauses),
	};

	return cmocka_run_group_tests_name("virtio/poll", tests, NULL, NULL);
}
