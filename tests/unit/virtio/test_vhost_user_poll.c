// SPDX-License-Identifier: GPL-2.0-or-later
/* shyper-vhost-user: how long it looks at the guest's rings before it sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "../../../shyper-cli/backend/vhost-user.h"

#include "el2.h"
#include "fake_back_end.h"
#include "vhost_user_bridge.h"

#define BURST	64

/* False: the device does not want to be told. */
static bool ask(uint16_t head)
{
	struct driver *driver = &drivers[0];

	offer(0, head);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!vring_need_event(driver_avail_event(driver), driver->avail_idx,
			      driver->avail_idx - 1))
		return false;
	el2_notify(1);
	return true;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* Requests that follow each other closely; returns how many were not notified. */
static unsigned int send_burst(void)
{
	unsigned int n, quiet = 0;
	uint64_t start;
	uint16_t head;

	for (n = 0; n < BURST; n++) {
		for (start = now_ns(); now_ns() - start < 10000; )
			;
		quiet += !ask(2 * n);
	}
	for (n = 0; n < BURST; n++)
		assert_true(answered(0, &head));
	return quiet;
}

/* Nothing is lost between the last look and the sleep, however it falls. */
static void test_a_busy_guest_notifies_less(void **state)
{
	const struct hvisor_backend_counters *counters = &el2.state->counters;
	unsigned int round, quiet = 0;

	(void)state;
	el2_backend_start(serve);
	for (round = 0; round < 10000 && (round < 10 || !counters->kicks_avoided); round++)
		quiet += send_burst();
	print_message("%u requests: %u not notified, %llu polls found something, %llu sleeps\n",
		      BURST * round, quiet, (unsigned long long)counters->polls_found,
		      (unsigned long long)counters->sleeps);
	assert_true(quiet);
	assert_in_range(counters->kicks_avoided, 1, quiet);
	assert_in_range(counters->polls_found, 1, 100000);
	assert_int_equal(counters->others, BURST * round);
	assert_int_equal(WEXITSTATUS(el2_backend_stop(SIGTERM)), SHYPER_EXIT_DONE);
}

static void assert_nobody_looks(void)
{
	assert_int_equal(el2.state->counters.polls_found, 0);
	assert_int_equal(el2.state->counters.kicks_avoided, 0);
	assert_in_range(el2.state->counters.sleeps, 1, 100000);
}

static void test_switched_off(void **state)
{
	(void)state;
	poll_key = json_false();
	el2_backend_start(serve);
	send_burst();
	assert_nobody_looks();
	/* It is a truth value. */
	poll_key = json_null();
	assert_int_equal(refusal(), SHYPER_EXIT_CONFIG);
	poll_key = NULL;
}

/* What the back end has itself is not ours to look at. */
static void test_not_of_a_ring_that_is_given_away(void **state)
{
	(void)state;
	el2.has_eventfds = true;
	fake->protocol |= 1 << VU_PROTOCOL_INFLIGHT_SHMFD;
	el2_backend_start(serve);
	wait_for(&fake->running, 1);
	offer(0, 2);
	el2_kick(0);
	assert_answered(0, 2);
	assert_nobody_looks();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_busy_guest_notifies_less),
		TEST(test_switched_off),
		TEST(test_not_of_a_ring_that_is_given_away),
	};

	return cmocka_run_group_tests_name("virtio/vhost_user_poll", tests, NULL, NULL);
}
