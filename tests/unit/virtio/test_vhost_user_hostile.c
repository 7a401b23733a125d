// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-vhost-user and back ends that say nothing, or too much, while it waits for
 * them: it ends in time, its successor goes on, and nothing piles up in it.
 */
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

enum {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_MEM_TABLE = 5,
	GET_VRING_BASE = 11,
	SET_CONFIG = 25,
};

/* A card, whose rings are stopped when its driver resets it. */
static void start_card(void)
{
	be_device(json_string("net"));
	el2_backend_start(serve);
	offer(0, 2);
	el2_notify(1);
	assert_answered(0, 2);
}

static void reset(void)
{
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 10000));
}

/* It ends to be started again, and the next one answers what this one did not. */
static void assert_gives_way(void)
{
	const time_t start = time(NULL);

	assert_int_equal(end_status(), SHYPER_EXIT_RESTART);
	/* An answer may take three. */
	assert_in_range(time(NULL) - start, 0, 10);
	el2_backend_start(serve);
	reset();
}

/* What never answers at all is waited for, by one connection after the other. */
static void test_nobody_answers(void **state)
{
	unsigned int files;

	(void)state;
	el2_backend_start(serve);
	files = count_files();
	el2_backend_stop(SIGKILL);
	wait_for(&fake->sessions, 1);
	fake->at = GET_FEATURES;
	fake->mode = FAKE_MUTE;
	el2_backend_start(serve);
	assert_int_equal(fake->sessions, 3);
	assert_int_equal(count_files(), files);
	offer(0, 2);
	el2_notify(1);
	assert_answered(0, 2);
}

static void test_no_answer_before_it_serves(void **state)
{
	(void)state;
	fake->at = SET_MEM_TABLE;
	fake->mode = FAKE_MUTE;
	assert_int_equal(refusal(), SHYPER_EXIT_RESTART);
	el2_backend_start(serve);
}

static void test_no_answer_to_a_reset(void **state)
{
	(void)state;
	start_card();
	fake->at = GET_VRING_BASE;
	fake->mode = FAKE_MUTE;
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_gives_way();
}

static void test_two_answers_to_a_reset(void **state)
{
	(void)state;
	start_card();
	fake->at = GET_VRING_BASE;
	fake->mode = FAKE_TWICE;
	/* The second one comes where that of the next ring should. */
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_gives_way();
}

static void test_no_answer_to_a_store(void **state)
{
	(void)state;
	el2_backend_start(serve);
	fake->at = SET_CONFIG;
	fake->mode = FAKE_MUTE;
	el2_post(HVISOR_OP_CONFIG_STORE, 0, 32, 1, 0);
	assert_gives_way();
}

/* With each answer, for as long as it goes on. */
static void test_descriptors_do_not_pile_up(void **state)
{
	unsigned int n, files;

	(void)state;
	be_device(json_string("net"));
	el2_backend_start(serve);
	files = count_files();
	el2_backend_stop(SIGKILL);
	fake->mode = FAKE_DESCRIPTORS;
	el2_backend_start(serve);
	for (n = 0; n < 20; n++) {
		el2.page->queues[0] = driver_ring(&drivers[0], n + 1);
		offer(0, 2);
		el2_notify(1);
		assert_answered(0, 2);
		reset();
		driver_init(&drivers[0], el2.ram, 0, EL2_QUEUE_SIZE);
	}
	assert_int_equal(count_files(), files);
	assert_in_range(fake->stops, 20, 1000);
}

/* More queues than there can be are not asked for. */
static void test_number_of_queues(void **state)
{
	(void)state;
	fake->queues = UINT64_MAX;
	queues = 2;
	el2_backend_start(serve);
	offer(1, 2);
	el2_notify(2);
	assert_answered(1, 2);
	el2_backend_stop(SIGKILL);
	fake->queues = 0;
	assert_int_equal(refusal(), SHYPER_EXIT_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nobody_answers),
		TEST(test_no_answer_before_it_serves),
		TEST(test_no_answer_to_a_reset),
		TEST(test_two_answers_to_a_reset),
		TEST(test_no_answer_to_a_store),
		TEST(test_descriptors_do_not_pile_up),
		TEST(test_number_of_queues),
	};

	return cmocka_run_group_tests_name("virtio/vhost_user_hostile", tests, NULL, NULL);
}
