// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-vhost-user with shadow rings: what arrives on both sides, the deaths of
 * each, resets, and what it makes of each kind of device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../shyper-cli/backend/vhost-user.h"

#include "el2.h"
#include "fake_back_end.h"
#include "vhost_user_bridge.h"

static void test_forward(void **state)
{
	const struct virtio_blk_config *config = (void *)el2.page->config;

	(void)state;
	queues = 2;
	el2.page->driver_features |= 1ULL << VIRTIO_BLK_F_FLUSH;
	el2_backend_start(serve);
	assert_int_equal(el2.page->device_id, VIRTIO_ID_BLOCK);
	/* Those of rings are the bridge's own, those of the protocol nobody's. */
	assert_int_equal(el2.page->features, 1ULL << 32 | 1ULL << 29 | 1ULL << 28 |
			 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_MQ);
	assert_int_equal(config->capacity, 0x123456789aULL);
	assert_int_equal(config->seg_max, EL2_QUEUE_SIZE - 2);
	assert_int_equal(config->num_queues, 2);
	offer(0, 4);
	offer(0, 0);
	offer(1, 8);
	el2_notify(3);
	assert_answered(0, 4);
	assert_answered(0, 0);
	assert_answered(1, 8);
	assert_true(el2_interrupted(1000));
	assert_int_equal(fake->driver_features, 1ULL << 32 | 1ULL << 30 | 1ULL << 28 |
			 1ULL << VIRTIO_BLK_F_FLUSH);
	assert_int_equal(el2.state->counters.others, 3);
	assert_int_equal(WEXITSTATUS(el2_backend_stop(SIGTERM)), 0);
}

/* Sixty-four requests, one after the other through each of few ring entries. */
static void test_wrap(void **state)
{
	unsigned int n;

	(void)state;
	el2.page->queues[0].size = drivers[0].size = 4;
	el2_backend_start(serve);
	for (n = 0; n < 64; n++) {
		offer(0, n % 2 * 2);
		el2_notify(1);
		assert_answered(0, n % 2 * 2);
	}
}

/* What was in flight goes to the next back end, in its old order. */
static void test_back_end_dies(void **state)
{
	(void)state;
	hold_three();
	fake_kill();
	assert_int_equal(end_status(), SHYPER_EXIT_RESTART);
	fake->mode = FAKE_SERVES;
	fake_start();
	el2_backend_start(serve);
	assert_three_answered();
}

static void test_bridge_dies(void **state)
{
	(void)state;
	hold_three();
	el2_backend_stop(SIGKILL);
	fake->mode = FAKE_SERVES;
	el2_backend_start(serve);
	assert_three_answered();
	assert_int_equal(fake->sessions, 2);
}

/* The bridge comes first, and waits. */
static void test_both_die(void **state)
{
	pid_t starter;

	(void)state;
	hold_three();
	fake_kill();
	el2_backend_stop(SIGKILL);
	fake->mode = FAKE_SERVES;
	starter = fork();
	if (!starter) {
		sleep_ms(500);
		fake_start();
		pause();
	}
	el2_backend_start(serve);
	assert_three_answered();
	kill(starter, SIGKILL);
	waitpid(starter, NULL, 0);
}

static void test_reset_waits(void **state)
{
	uint32_t epoch;

	(void)state;
	hold_three();
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_false(el2_answered(0, NULL, 300));
	fake->mode = FAKE_SERVES;
	assert_true(el2_answered(0, NULL, 10000));
	assert_int_equal(fake->stops, 0);
	/* Another driver, with other features and a smaller queue. */
	epoch = el2.page->queues[0].epoch + 1;
	driver_init(&drivers[0], el2.ram, 0, 16);
	el2.page->queues[0] = driver_ring(&drivers[0], epoch);
	el2.page->driver_features |= 1ULL << VIRTIO_BLK_F_FLUSH;
	offer(0, 2);
	el2_notify(1);
	assert_answered(0, 2);
	assert_int_equal(fake->stops, 1);
	assert_true(fake->driver_features & 1ULL << VIRTIO_BLK_F_FLUSH);
}

/* A request that never comes back cannot keep a guest from its reset. */
static void test_reset_of_a_lost_request(void **state)
{
	(void)state;
	hold_three();
	el2.page->slots[0].op = HVISOR_OP_RESET;
	el2.page->slots[0].state = HVISOR_SLOT_PENDING;
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_int_equal(end_status(), SHYPER_EXIT_RESTART);
	el2_backend_start(serve);
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 10000));
	assert_int_equal(fake->sessions, 2);
	assert_int_equal(fake->taken, 0);
	assert_int_equal(el2.state->counters.reissued, 0);
}

/* One queue ends and comes back while the other goes on. */
static void test_queue_stop(void **state)
{
	(void)state;
	queues = 2;
	el2_backend_start(serve);
	offer(0, 0);
	el2_notify(1);
	assert_answered(0, 0);
	el2_post(HVISOR_OP_QUEUE_STOP, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 10000));
	driver_init(&drivers[0], el2.ram, 0, 8);
	el2.page->queues[0] = driver_ring(&drivers[0], 2);
	offer(1, 8);
	offer(0, 2);
	el2_notify(3);
	assert_answered(1, 8);
	assert_answered(0, 2);
}

/* A receiver's buffers are given back: nobody knows when they would be filled. */
static void test_net_ends_at_once(void **state)
{
	struct vring_used_elem element;

	(void)state;
	json_decref(device);
	device = json_string("net");
	hold_three();
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 10000));
	assert_true(driver_take(&drivers[0], &element));
	assert_int_equal(element.len, 0);
	assert_int_equal(el2.state->counters.in_flight, 0);
}

/* What it has done counts, though it did not tell: when its rings are stopped. */
static void test_what_is_done_is_not_returned_empty(void **state)
{
	(void)state;
	be_device(json_string("net"));
	fake->mode = FAKE_SILENT;
	el2_backend_start(serve);
	offer(0, 2);
	el2_notify(1);
	wait_taken(1);
	assert_int_equal(WEXITSTATUS(el2_backend_stop(SIGTERM)), SHYPER_EXIT_DONE);
	assert_answered(0, 2);
	el2_backend_start(serve);
	offer(0, 4);
	el2_notify(1);
	wait_taken(1);
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 10000));
	assert_answered(0, 4);
}

/* Buffers of an eventq are the successor's; requests are waited for. */
static void test_eventq_is_left(void **state)
{
	static const int ids[] = { VIRTIO_ID_SCSI, VIRTIO_ID_GPIO };
	struct vring_used_elem element;
	unsigned int n;

	(void)state;
	queues = 2;
	for (n = 0; n < 2; n++) {
		be_device(json_integer(ids[n]));
		fake->mode = FAKE_HOLDS;
		el2_backend_start(serve);
		offer(1, 8);
		el2_notify(2);
		wait_taken(1);
		assert_int_equal(WEXITSTATUS(el2_backend_stop(n ? SIGTERM : SIGHUP)),
				 n ? SHYPER_EXIT_DONE : SHYPER_EXIT_RESTART);
		assert_false(driver_take(&drivers[1], &element));
		assert_int_equal(el2.state->counters.in_flight, 1);
		fake->mode = FAKE_SERVES;
		el2_backend_start(serve);
		assert_answered(1, 8);
		fake->mode = FAKE_HOLDS;
		fake->taken = 0;
		offer(0, 2);
		el2_notify(1);
		wait_taken(1);
		kill(el2.backend, SIGTERM);
		sleep_ms(200);
		assert_int_equal(kill(el2.backend, 0), 0);
		fake->mode = FAKE_SERVES;
		assert_int_equal(end_status(), SHYPER_EXIT_DONE);
		assert_answered(0, 2);
	}
}

/* Nobody knows whether it will ever answer: its connection is kept. */
static void test_unknown_device_is_stopped_in_the_end(void **state)
{
	(void)state;
	be_device(json_integer(VIRTIO_ID_RNG));
	hold_three();
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 10000));
	assert_int_equal(fake->sessions, 1);
	assert_int_equal(el2.state->counters.in_flight, 0);
}

/* What takes a control queue, or a configuration space, which it has not. */
static void test_net_features(void **state)
{
	const uint64_t mine = 1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_MRG_RXBUF;

	(void)state;
	json_decref(device);
	device = json_string("net");
	fake->features &= ~VU_DEVICE_FEATURES;
	fake->features |= mine | 1ULL << VIRTIO_NET_F_CTRL_VQ | 1ULL << VIRTIO_NET_F_MQ |
			  1ULL << VIRTIO_NET_F_MTU | 1ULL << VIRTIO_NET_F_RSS;
	fake->protocol &= ~(1 << 9);
	el2_backend_start(serve);
	assert_int_equal(el2.page->features,
			 mine | 1ULL << 32 | 1ULL << 29 | 1ULL << 28);
	assert_int_equal(el2.page->config_len, 0);
}

static void test_stops_at_sigterm(void **state)
{
	(void)state;
	hold_three();
	kill(el2.backend, SIGTERM);
	sleep_ms(200);
	assert_int_equal(kill(el2.backend, 0), 0);
	fake->mode = FAKE_SERVES;
	assert_int_equal(end_status(), SHYPER_EXIT_DONE);
}

static void test_config(void **state)
{
	const struct virtio_blk_config *config = (void *)el2.page->config;
	const unsigned int wce = offsetof(struct virtio_blk_config, wce);

	(void)state;
	el2_backend_start(serve);
	el2_post(HVISOR_OP_CONFIG_STORE, 0, wce, 1, 0);
	assert_true(el2_answered(0, NULL, 10000));
	assert_int_equal(fake->config[wce], 0);
	assert_int_equal(config->wce, 0);
	/* What the back end refuses does not happen, and is no reason to go. */
	fake->at = 25;
	fake->mode = FAKE_REFUSES;
	el2_post(HVISOR_OP_CONFIG_STORE, 0, 0, 4, 7);
	assert_true(el2_answered(0, NULL, 10000));
	assert_int_equal(config->capacity, 0x123456789aULL);
	/* The next back end is told what the driver has chosen. */
	fake->mode = FAKE_SERVES;
	el2_backend_stop(SIGKILL);
	fake->config[wce] = 1;
	el2_backend_start(serve);
	assert_int_equal(fake->config[wce], 0);
	assert_int_equal(config->wce, 0);
}

static void test_fs(void **state)
{
	const struct virtio_fs_config *config = (void *)el2.page->config;

	(void)state;
	json_decref(device);
	device = json_string("fs");
	el2_backend_start(serve);
	assert_int_equal(el2.page->device_id, VIRTIO_ID_FS);
	assert_int_equal(el2.page->config_len, sizeof(*config));
	assert_string_equal((const char *)config->tag, "tree");
	assert_int_equal(config->num_request_queues, 1);
	offer(1, 2);
	el2_notify(2);
	assert_answered(1, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_forward),
		TEST(test_wrap),
		TEST(test_back_end_dies),
		TEST(test_bridge_dies),
		TEST(test_both_die),
		TEST(test_reset_waits),
		TEST(test_reset_of_a_lost_request),
		TEST(test_queue_stop),
		TEST(test_net_ends_at_once),
		TEST(test_what_is_done_is_not_returned_empty),
		TEST(test_eventq_is_left),
		TEST(test_unknown_device_is_stopped_in_the_end),
		TEST(test_net_features),
		TEST(test_stops_at_sigterm),
		TEST(test_config),
		TEST(test_fs),
	};

	return cmocka_run_group_tests_name("virtio/vhost_user", tests, NULL, NULL);
}
