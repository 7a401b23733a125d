// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-vhost-user as a process in its jail, between a driver and a back end of
 * its own: what arrives on both sides, the deaths of each, and back ends and
 * guests that break the rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <sys/syscall.h>
#include <unistd.h>

#define VHOST_USER_TEST
#define ANSWER_SECONDS	3
/* The sanitizers' does more than a jail allows. */
#define _exit(status) syscall(SYS_exit_group, status)
#include "../../../shyper-cli/backend/vhost-user.c"
#include "../../../shyper-cli/backend/vhost-user-link.c"

#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "../../../shyper-cli/backend/jail.h"

#include "el2.h"
#include "fake_back_end.h"

#define OUT	0x200000	/* within the memory: 64 bytes of each head */
#define IN	0x300000

static struct driver drivers[2];
static char path[64];
static json_t *device;
static int queues;
static json_t *direct;	/* the key; NULL: none */

static int serve(void)
{
	struct shyper_backend *backend = el2_backend_open("cell1.vu0", &bridge_ops, &bridge);
	json_t *config = json_pack("{s:s,s:O,s:s}", "socket", path, "device", device,
				   "tag", "tree");
	int status;

	say_name("cell1.vu0");
	if (!backend)
		return 100;
	if (queues)
		json_object_set_new(config, "queues", json_integer(queues));
	if (direct)
		json_object_set(config, "direct", direct);
	status = bridge_open(backend, config);
	json_decref(config);
	if (status)
		return status;
	if (jail_enter(NULL))
		return 103;
	if (shyper_backend_attach(backend))
		return 101;
	status = shyper_backend_run(backend);
	shyper_backend_close(backend);
	return status == 0 ? SHYPER_EXIT_DONE : status == 1 ? SHYPER_EXIT_RESTART : 102;
}

static void sleep_ms(unsigned int ms)
{
	const struct timespec pause = { .tv_nsec = ms * 1000000L };

	nanosleep(&pause, NULL);
}

static int set_up(void **state)
{
	struct virtio_blk_config *config;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_vhost_user.%d", getpid());
	fake_init(path);
	fake->features = 1ULL << 32 | 1ULL << 30 | 1ULL << 29 | 1ULL << 28 | 1ULL << 26 |
			 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_MQ;
	fake->protocol = 1 << 0 | 1 << 3 | 1 << 9;
	fake->queues = 2;
	config = (void *)fake->config;
	config->capacity = 0x123456789aULL;
	config->seg_max = 1022;
	config->num_queues = 8;
	config->wce = 1;
	/* Has fields in the configuration space that the bridge does not ask for. */
	fake->features |= 1ULL << 16;
	queues = 0;
	device = json_string("blk");
	el2_init(HVISOR_DEVICE_VIRTIO, drivers, 2);
	fake_start();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	el2_exit();
	fake_exit();
	json_decref(device);
	return 0;
}

/* A request of 16 bytes with an answer of 32. */
static void offer(unsigned int queue, uint16_t head)
{
	struct driver *driver = &drivers[queue];

	memset(el2.ram + OUT + head * 64, head + 1, 16);
	memset(el2.ram + IN + head * 64, 0, 32);
	driver_desc(&driver->desc[head], DRIVER_RAM + OUT + head * 64, 16,
		    VRING_DESC_F_NEXT, head + 1);
	driver_desc(&driver->desc[head + 1], DRIVER_RAM + IN + head * 64, 32,
		    VRING_DESC_F_WRITE, 0);
	driver_offer(driver, head);
}

/* Whether it is answered in two seconds, rightly. */
static bool answered(unsigned int queue, uint16_t *head)
{
	struct vring_used_elem element;
	unsigned int n, tries;

	for (tries = 0; !driver_take(&drivers[queue], &element); tries++) {
		if (tries == 20000)
			return false;
		sleep_ms(1);
	}
	*head = element.id;
	assert_int_equal(element.len, 32);
	for (n = 0; n < 32; n++)
		assert_int_equal(el2.ram[IN + *head * 64 + n], (uint8_t)~(*head + 1));
	return true;
}

static void assert_answered(unsigned int queue, uint16_t wanted)
{
	uint16_t head = 0;

	assert_true(answered(queue, &head));
	assert_int_equal(head, wanted);
}

static void wait_taken(unsigned int nr)
{
	while (fake->taken != nr)
		sleep_ms(1);
}

static void wait_for(volatile unsigned int *number, unsigned int wanted)
{
	unsigned int tries;

	for (tries = 0; *number != wanted && tries < 20000; tries++)
		sleep_ms(1);
	assert_int_equal(*number, wanted);
}

/* The exit status of a bridge that is to end by itself. */
static int end_status(void)
{
	int status = el2_backend_wait();

	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The exit status of one that does not get to declaring. */
static int refusal(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		syscall(SYS_exit_group, serve());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

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

static void hold_three(void)
{
	fake->mode = FAKE_HOLDS;
	el2_backend_start(serve);
	offer(0, 6);
	offer(0, 2);
	offer(0, 4);
	el2_notify(1);
	wait_taken(3);
}

static void assert_three_answered(void)
{
	assert_answered(0, 6);
	assert_answered(0, 2);
	assert_answered(0, 4);
	assert_int_equal(el2.state->counters.in_flight, 0);
	assert_int_equal(el2.state->counters.reissued, 3);
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

static void be_device(json_t *which)
{
	json_decref(device);
	device = which;
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

static unsigned int count_files(void)
{
	unsigned int n, nr = 0;
	char name[64], target[64];

	for (n = 0; n < 64; n++) {
		snprintf(name, sizeof(name), "/proc/%d/fd/%u", el2.backend, n);
		nr += readlink(name, target, sizeof(target)) > 0;
	}
	return nr;
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

/*
 * The direct mode.
 */
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_DIRECT(name) \
	cmocka_unit_test_setup_teardown(name, set_up_direct, tear_down_direct)

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
		TEST(test_refused),
		TEST(test_bad_replies),
		TEST(test_dripping_replies),
		TEST(test_blocking_kick),
		TEST(test_calls_are_not_read),
		TEST(test_sent_descriptors_do_not_arrive),
		TEST(test_bad_used_rings),
		TEST(test_chatter),
		TEST(test_bad_chains),
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

	return cmocka_run_group_tests_name("virtio/vhost_user", tests, NULL, NULL);
}
