// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-vhost-user in the direct mode: a back end that keeps an account has the
 * guest's rings, and whoever dies, or is reset, what the account holds is done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../shyper-cli/backend/vhost-user.h"

#include "el2.h"
#include "fake_back_end.h"
#include "vhost_user_bridge.h"

static int set_up_direct(void **state)
{
	set_up(state);
	el2.has_eventfds = true;
	fake->protocol |= 1 << VU_PROTOCOL_INFLIGHT_SHMFD;
	return 0;
}

static int tear_down_direct(void **state)
{
	json_decref(direct);
	direct = NULL;
	return tear_down(state);
}

/* What the module takes for something in flight (kmod/sysfs-queue.c). */
static bool is_quiet(unsigned int queue)
{
	const struct hvisor_queue_state *state = (void *)((uint8_t *)el2.state +
		HVISOR_QUEUE_STATE_OFFSET(queue, EL2_QUEUE_SIZE));
	unsigned int n;

	for (n = 0; n < EL2_QUEUE_SIZE; n++)
		if (state->heads[n].in_flight &&
		    state->heads[n].epoch == el2.page->queues[queue].epoch)
			return false;
	return true;
}

/* Its rings are with the back end. */
static void start_direct(unsigned int nr)
{
	unsigned int accounts = fake->accounts;

	el2_backend_start(serve);
	assert_int_equal(fake->accounts, accounts + 1);
	wait_for(&fake->running, nr);
}

/* A driver's queue after a reset. */
static void renew(unsigned int queue, unsigned int size)
{
	uint32_t epoch = el2.page->queues[queue].epoch + 1;

	driver_init(&drivers[queue], el2.ram, queue * DRIVER_RINGS_SIZE, size);
	el2.page->queues[queue] = driver_ring(&drivers[queue], epoch);
}

static void test_direct(void **state)
{
	(void)state;
	queues = 2;
	start_direct(2);
	assert_int_equal(fake->regions, 1);
	/* Nothing of all that goes through the bridge. */
	assert_true(el2_called(10000));
	kill(el2.backend, SIGSTOP);
	offer(0, 4);
	offer(0, 0);
	offer(1, 8);
	el2_kick(0);
	el2_kick(1);
	assert_answered(0, 4);
	assert_answered(0, 0);
	assert_answered(1, 8);
	assert_true(el2_called(10000));
	kill(el2.backend, SIGCONT);
	assert_int_equal(fake->driver_features, 1ULL << 32 | 1ULL << 30 | 1ULL << 29 |
			 1ULL << 28);
	assert_int_equal(el2.state->counters.others, 0);
	assert_int_equal(WEXITSTATUS(el2_backend_stop(SIGTERM)), SHYPER_EXIT_DONE);
	assert_int_equal(fake->stops, 2);
	assert_true(is_quiet(0) && is_quiet(1));
	start_direct(2);
	offer(1, 2);
	el2_kick(1);
	assert_answered(1, 2);
	assert_int_equal(fake->wrong_bases, 0);
}

/* Three are taken, the last one is done: the two before it are in flight. */
static void hold_two(void)
{
	fake->mode = FAKE_LAST;
	start_direct(1);
	offer(0, 6);
	offer(0, 2);
	offer(0, 4);
	el2_kick(0);
	assert_answered(0, 4);
	wait_for(&fake->taken, 2);
}

/* What the account says, in its order, and nothing else; then what is new. */
static void assert_two_answered(void)
{
	offer(0, 8);
	assert_answered(0, 6);
	assert_answered(0, 2);
	el2_kick(0);
	assert_answered(0, 8);
	assert_int_equal(fake->taken, 3);
	assert_int_equal(fake->heads_taken[0], 6);
	assert_int_equal(fake->heads_taken[1], 2);
	assert_int_equal(fake->wrong_bases, 0);
}

static void test_direct_back_end_dies(void **state)
{
	(void)state;
	hold_two();
	fake_kill();
	assert_int_equal(end_status(), SHYPER_EXIT_RESTART);
	assert_false(is_quiet(0));
	fake->mode = FAKE_SERVES;
	fake_start();
	start_direct(1);
	assert_true(el2_called(10000));
	assert_two_answered();
}

/* Between used.idx and its account, and before it calls. */
static void test_direct_back_end_dies_in_between(void **state)
{
	(void)state;
	start_direct(1);
	assert_true(el2_called(10000));
	fake->mode = FAKE_DIES;
	offer(0, 2);
	el2_kick(0);
	assert_int_equal(end_status(), SHYPER_EXIT_RESTART);
	assert_answered(0, 2);
	fake->mode = FAKE_SERVES;
	fake_kill();
	fake_start();
	start_direct(1);
	assert_true(el2_called(10000));
	offer(0, 4);
	el2_kick(0);
	assert_answered(0, 4);
	assert_int_equal(fake->heads_taken[0], 4);
	assert_int_equal(fake->taken, 1);
}

static void test_direct_bridge_dies(void **state)
{
	(void)state;
	hold_two();
	el2_backend_stop(SIGKILL);
	assert_false(is_quiet(0));
	fake->mode = FAKE_SERVES;
	start_direct(1);
	assert_two_answered();
	assert_int_equal(fake->sessions, 2);
}

static void test_direct_both_die(void **state)
{
	(void)state;
	hold_two();
	el2_backend_stop(SIGKILL);
	fake_kill();
	fake->mode = FAKE_SERVES;
	fake_start();
	start_direct(1);
	assert_two_answered();
}

/* Of what a driver that is no more had in flight nothing is done again. */
static void test_direct_reset_while_nobody_is_there(void **state)
{
	(void)state;
	hold_two();
	el2_backend_stop(SIGKILL);
	fake_kill();
	fake->mode = FAKE_SERVES;
	el2.page->slots[0].op = HVISOR_OP_RESET;
	el2.page->slots[0].state = HVISOR_SLOT_PENDING;
	fake_start();
	el2_backend_start(serve);
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 10000));
	assert_true(is_quiet(0));
	el2.page->slots[0].state = HVISOR_SLOT_IDLE;
	renew(0, 16);
	offer(0, 10);
	el2_notify(1 | HVISOR_BELL_DRIVER_OK);
	assert_answered(0, 10);
	assert_int_equal(fake->taken, 1);
	assert_int_equal(fake->heads_taken[0], 10);
}

/* What ends is no reason to wait for a back end that knows what is in flight. */
static void test_direct_reset_by_another_kind(void **state)
{
	const uint64_t protocol = fake->protocol;

	(void)state;
	hold_two();
	el2_backend_stop(SIGKILL);
	fake_kill();
	fake->mode = FAKE_SERVES;
	fake->protocol = protocol & ~(1ULL << VU_PROTOCOL_INFLIGHT_SHMFD);
	fake_start();
	assert_int_equal(refusal(), SHYPER_EXIT_RESTART);
	el2.page->control.state = HVISOR_SLOT_PENDING;
	el2_backend_start(serve);
	el2.page->control.state = HVISOR_SLOT_IDLE;
	renew(0, 16);
	offer(0, 10);
	el2_notify(1 | HVISOR_BELL_DRIVER_OK);
	assert_answered(0, 10);
	fake->protocol = protocol;
}

/* With a driver that has made use of its queue by shadow rings already. */
static void test_direct_begins_later(void **state)
{
	const uint64_t protocol = fake->protocol;

	(void)state;
	fake->protocol = protocol & ~(1ULL << VU_PROTOCOL_INFLIGHT_SHMFD);
	el2_backend_start(serve);
	offer(0, 2);
	el2_notify(1);
	assert_answered(0, 2);
	el2_backend_stop(SIGTERM);
	fake->protocol = protocol;
	fake->mode = FAKE_LEAVES;
	start_direct(1);
	offer(0, 0);
	offer(0, 2);
	el2_kick(0);
	wait_for(&fake->taken, 2);
	fake_kill();
	assert_int_equal(end_status(), SHYPER_EXIT_RESTART);
	fake->mode = FAKE_SERVES;
	fake_start();
	start_direct(1);
	assert_answered(0, 0);
	assert_answered(0, 2);
	assert_int_equal(fake->taken, 2);
	assert_int_equal(fake->heads_taken[0], 0);
	assert_int_equal(fake->heads_taken[1], 2);
}

/* The account is lost, and with it what somebody had in flight. */
static void test_direct_lost_account(void **state)
{
	(void)state;
	hold_two();
	el2_backend_stop(SIGKILL);
	close(el2.kept);
	el2.kept = -1;
	assert_int_equal(refusal(), SHYPER_EXIT_RESTART);
	/* Unless it ends. */
	el2.page->control.state = HVISOR_SLOT_PENDING;
	fake->mode = FAKE_SERVES;
	el2_backend_start(serve);
}

/* Nor if EL2 has reset the device itself, since it was quiet. */
static void test_direct_reset_by_nobody(void **state)
{
	(void)state;
	start_direct(1);
	offer(0, 2);
	el2_kick(0);
	assert_answered(0, 2);
	assert_int_equal(WEXITSTATUS(el2_backend_stop(SIGTERM)), SHYPER_EXIT_DONE);
	renew(0, 16);
	start_direct(1);
	offer(0, 2);
	el2_kick(0);
	assert_answered(0, 2);
	assert_int_equal(fake->wrong_bases, 0);
}

/* Nor what a back end has never answered, since it waits for an event. */
static void test_direct_reset_leaves_nothing(void **state)
{
	(void)state;
	be_device(json_string("net"));
	fake->mode = FAKE_LEAVES;
	start_direct(2);
	offer(0, 6);
	offer(0, 2);
	el2_kick(0);
	wait_for(&fake->taken, 2);
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 10000));
	fake->mode = FAKE_SERVES;
	fake->taken = 0;
	renew(0, 16);
	el2.page->queues[1].ready = 0;
	offer(0, 8);
	el2_kick(0);
	assert_answered(0, 8);
	assert_int_equal(fake->taken, 1);
}

static void test_direct_reset_waits(void **state)
{
	(void)state;
	hold_two();
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_false(el2_answered(0, NULL, 300));
	fake->mode = FAKE_SERVES;
	assert_true(el2_answered(0, NULL, 10000));
	assert_answered(0, 6);
	assert_answered(0, 2);
	assert_int_equal(fake->stops, 1);
	assert_true(is_quiet(0));
	renew(0, 16);
	el2.page->driver_features |= 1ULL << VIRTIO_BLK_F_FLUSH;
	offer(0, 8);
	el2_kick(0);
	assert_answered(0, 8);
	assert_true(fake->driver_features & 1ULL << VIRTIO_BLK_F_FLUSH);
	assert_int_equal(fake->wrong_bases, 0);
}

/* One that does not let go of a ring loses its connection. */
static void test_direct_reset_of_a_lost_request(void **state)
{
	(void)state;
	hold_two();
	el2.page->slots[0].op = HVISOR_OP_RESET;
	el2.page->slots[0].state = HVISOR_SLOT_PENDING;
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_int_equal(end_status(), SHYPER_EXIT_RESTART);
	assert_false(is_quiet(0));
	fake->mode = FAKE_SERVES;
	el2_backend_start(serve);
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 10000));
	assert_int_equal(fake->taken, 0);
}

static void test_direct_queue_stop(void **state)
{
	(void)state;
	queues = 2;
	start_direct(2);
	offer(0, 0);
	el2_kick(0);
	assert_answered(0, 0);
	el2_post(HVISOR_OP_QUEUE_STOP, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 10000));
	assert_true(is_quiet(0));
	assert_false(is_quiet(1));
	renew(0, 8);
	offer(1, 8);
	offer(0, 2);
	el2_kick(0);
	el2_kick(1);
	assert_answered(1, 8);
	assert_answered(0, 2);
	assert_int_equal(fake->stops, 1);
}

/* Who cannot, may not, or has nobody who keeps its account gets shadow rings. */
static void test_direct_or_shadow(void **state)
{
	const uint64_t protocol = fake->protocol, features = fake->features;
	unsigned int n;

	(void)state;
	for (n = 0; n < 4; n++) {
		fake->protocol = n == 0 ? protocol & ~(1ULL << VU_PROTOCOL_INFLIGHT_SHMFD) :
				 protocol;
		fake->features = n == 1 ? features & ~(1ULL << VIRTIO_RING_F_EVENT_IDX) :
				 features;
		direct = n == 2 ? json_false() : NULL;
		el2.has_eventfds = n != 3;
		el2_backend_start(serve);
		offer(0, 2);
		el2_notify(1);
		assert_answered(0, 2);
		assert_int_equal(fake->regions, 2);
		assert_int_equal(fake->accounts, 0);
		assert_int_equal(el2.state->counters.others, n + 1);
		assert_int_equal(WEXITSTATUS(el2_backend_stop(SIGTERM)), SHYPER_EXIT_DONE);
	}
}

/* As it has begun it goes on, as long as there is something to be lost. */
static void test_direct_stays(void **state)
{
	const uint64_t protocol = fake->protocol;

	(void)state;
	fake->protocol = protocol & ~(1ULL << VU_PROTOCOL_INFLIGHT_SHMFD);
	hold_three();
	fake->protocol = protocol;
	el2_backend_stop(SIGKILL);
	fake->mode = FAKE_SERVES;
	el2_backend_start(serve);
	assert_three_answered();
	assert_int_equal(fake->accounts, 0);
	el2_backend_stop(SIGTERM);
	/* Nothing is in flight: this one may begin otherwise, and its successors may not. */
	hold_two();
	el2_backend_stop(SIGKILL);
	direct = json_false();
	/* A back end that does not know what is in flight is not taken. */
	fake->mode = FAKE_SERVES;
	fake->protocol &= ~(1ULL << VU_PROTOCOL_INFLIGHT_SHMFD);
	assert_int_equal(refusal(), SHYPER_EXIT_RESTART);
	fake->protocol = protocol;
	/* Nor is one that notes it elsewhere. */
	fake->more = 64;
	assert_int_equal(refusal(), SHYPER_EXIT_RESTART);
	fake->more = 0;
	start_direct(1);
	assert_two_answered();
}

static void test_direct_bad_accounts(void **state)
{
	unsigned int mode;

	(void)state;
	fake->more = -64;
	assert_int_equal(refusal(), SHYPER_EXIT_CONFIG);
	fake->more = 1 << 20;
	assert_int_equal(refusal(), SHYPER_EXIT_CONFIG);
	fake->more = 0;
	fake->at = 31;
	for (mode = FAKE_WRONG_REQUEST; mode <= FAKE_WRONG_VERSION; mode++) {
		fake->mode = mode;
		assert_int_equal(refusal(), SHYPER_EXIT_RESTART);
	}
	fake->at = 32;
	fake->mode = FAKE_REFUSES;
	assert_int_equal(refusal(), SHYPER_EXIT_RESTART);
}

/* The memory that it sends is not taken; ours it cannot cut off. */
static void test_direct_descriptors(void **state)
{
	unsigned int before;

	(void)state;
	direct = json_false();
	el2_backend_start(serve);
	before = count_files();
	el2_backend_stop(SIGKILL);
	direct = NULL;
	start_direct(1);
	assert_int_equal(count_files(), before);
	el2_kick(0);
	assert_true(el2.kept >= 0);
	assert_int_equal(fcntl(el2.kept, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

/* Nobody of ours writes to what it could make block. */
static void test_direct_does_not_block(void **state)
{
	(void)state;
	fake->mode = FAKE_BLOCKS;
	start_direct(1);
	el2_notify(1 | HVISOR_BELL_DRIVER_OK);
	fake->mode = FAKE_SERVES;
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 10000));
}

#define TEST_DIRECT(name) \
	cmocka_unit_test_setup_teardown(name, set_up_direct, tear_down_direct)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_DIRECT(test_direct),
		TEST_DIRECT(test_direct_back_end_dies),
		TEST_DIRECT(test_direct_back_end_dies_in_between),
		TEST_DIRECT(test_direct_bridge_dies),
		TEST_DIRECT(test_direct_both_die),
		TEST_DIRECT(test_direct_reset_while_nobody_is_there),
		TEST_DIRECT(test_direct_reset_by_another_kind),
		TEST_DIRECT(test_direct_begins_later),
		TEST_DIRECT(test_direct_lost_account),
		TEST_DIRECT(test_direct_reset_by_nobody),
		TEST_DIRECT(test_direct_reset_leaves_nothing),
		TEST_DIRECT(test_direct_reset_waits),
		TEST_DIRECT(test_direct_reset_of_a_lost_request),
		TEST_DIRECT(test_direct_queue_stop),
		TEST_DIRECT(test_direct_or_shadow),
		TEST_DIRECT(test_direct_stays),
		TEST_DIRECT(test_direct_bad_accounts),
		TEST_DIRECT(test_direct_descriptors),
		TEST_DIRECT(test_direct_does_not_block),
	};

	return cmocka_run_group_tests_name("virtio/vhost_user_direct", tests, NULL, NULL);
}
