// SPDX-License-Identifier: GPL-2.0-or-later
/* shyper-vhost-user between back ends and guests that break the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>

#include "el2.h"
#include "fake_back_end.h"
#include "vhost_user_bridge.h"

static void test_refused(void **state)
{
	const uint64_t features = fake->features;

	(void)state;
	fake->features = features & ~(1ULL << 32);
	assert_int_equal(refusal(), SHYPER_EXIT_CONFIG);
	fake->features = features & ~(1ULL << 28);
	assert_int_equal(refusal(), SHYPER_EXIT_CONFIG);
	fake->features = features & ~(1ULL << 30);
	assert_int_equal(refusal(), SHYPER_EXIT_CONFIG);
	fake->features = features;
	queues = 3;
	assert_int_equal(refusal(), SHYPER_EXIT_CONFIG);
}

/* A back end that lies in the answer to any message is not used. */
static void test_bad_replies(void **state)
{
	static const uint32_t asked[] = { 1, 5, 15, 17, 24 };
	unsigned int n, mode;

	(void)state;
	for (n = 0; n < sizeof(asked) / sizeof(asked[0]); n++) {
		fake->at = asked[n];
		for (mode = FAKE_WRONG_REQUEST; mode <= FAKE_WRONG_VERSION; mode++) {
			fake->mode = mode;
			assert_int_equal(refusal(), SHYPER_EXIT_RESTART);
		}
	}
	fake->at = 5;
	fake->mode = FAKE_REFUSES;
	assert_int_equal(refusal(), SHYPER_EXIT_RESTART);
}

/* The status of a bridge that is to end in that time, or -1. */
static int ends_within(unsigned int ms)
{
	int status;

	for (; ms; ms--) {
		if (waitpid(el2.backend, &status, WNOHANG) == el2.backend) {
			el2.backend = 0;
			return status;
		}
		sleep_ms(1);
	}
	return -1;
}

/* An answer has one time limit, not one for each of its bytes. */
static void test_dripping_replies(void **state)
{
	int status;

	(void)state;
	/* Before it starts: it may set the features at once. */
	fake->at = 2;
	fake->mode = FAKE_DRIPS;
	el2_backend_start(serve);
	offer(0, 2);
	el2_notify(1);
	/* All of it takes 18 s. */
	status = ends_within(12000);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), SHYPER_EXIT_RESTART);
}

/* It has the descriptor of the kicks, and with it its flags. */
static void test_blocking_kick(void **state)
{
	int status;

	(void)state;
	fake->mode = FAKE_BLOCKS;
	el2_backend_start(serve);
	offer(0, 2);
	el2_notify(1);
	status = ends_within(12000);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGALRM);
}

static void test_calls_are_not_read(void **state)
{
	(void)state;
	be_device(json_string("net"));
	el2_backend_start(serve);
	offer(0, 2);
	el2_notify(1);
	assert_answered(0, 2);
	offer(0, 4);
	el2_notify(1);
	assert_answered(0, 4);
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 10000));
	assert_int_equal(fake->calls_unread, 2);
}

static void test_sent_descriptors_do_not_arrive(void **state)
{
	unsigned int before;

	(void)state;
	el2_backend_start(serve);
	before = count_files();
	el2_backend_stop(SIGKILL);
	fake->at = 1;
	fake->mode = FAKE_DESCRIPTORS;
	el2_backend_start(serve);
	assert_int_equal(count_files(), before);
}

/* The guest gets nothing of it, and all from an honest successor. */
static void test_bad_used_rings(void **state)
{
	unsigned int mode;
	uint16_t head;

	(void)state;
	for (mode = FAKE_USED_ID; mode <= FAKE_USED_INDEX; mode++) {
		fake->mode = mode;
		el2_backend_start(serve);
		offer(0, 2);
		el2_notify(1);
		assert_int_equal(end_status(), SHYPER_EXIT_RESTART);
		fake->mode = FAKE_SERVES;
		/* What was right before the lie was told may have come. */
		el2_backend_start(serve);
		assert_true(answered(0, &head));
		assert_int_equal(head, 2);
		assert_int_equal(WEXITSTATUS(el2_backend_stop(SIGTERM)), 0);
	}
}

static void test_chatter(void **state)
{
	(void)state;
	el2_backend_start(serve);
	fake->mode = FAKE_CHATTERS;
	offer(0, 0);
	el2_notify(1);
	assert_int_equal(end_status(), SHYPER_EXIT_RESTART);
}

/* Chains that no device has, and that no back end is to see. */
static void test_bad_chains(void **state)
{
	(void)state;
	el2_backend_start(serve);
	driver_desc(&drivers[0].desc[0], DRIVER_RAM + OUT, 0, 0, 0);
	driver_offer(&drivers[0], 0);
	el2_notify(1);
	assert_true(el2_failed(1000));
	assert_int_equal(fake->taken, 0);
	assert_int_equal(el2.state->counters.bad_chains, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused),
		TEST(test_bad_replies),
		TEST(test_dripping_replies),
		TEST(test_blocking_kick),
		TEST(test_calls_are_not_read),
		TEST(test_sent_descriptors_do_not_arrive),
		TEST(test_bad_used_rings),
		TEST(test_chatter),
		TEST(test_bad_chains),
	};

	return cmocka_run_group_tests_name("virtio/vhost_user_rules", tests, NULL, NULL);
}
