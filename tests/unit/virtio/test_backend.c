// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The backend's loop: a foreign region, requests that do not go well together,
 * devices in odd states when a backend comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/virtio_config.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shyper/echo.h>
#include <shyper/error.h>
#include <shyper/virtio/backend.h>

#include "el2.h"

static struct driver drivers[2];

static uint64_t region_load(struct shyper_backend *backend, unsigned int cpu,
			    uint32_t offset, uint32_t length)
{
	uint32_t *count = shyper_backend_get_data(backend);

	return shyper_echo_value(cpu, offset, (*count)++, length);
}

static const struct shyper_backend_ops region_ops = { .load = region_load };

static bool null_queue(struct shyper_backend *backend, struct shyper_queue *queue)
{
	struct iovec iov[EL2_QUEUE_SIZE];
	struct shyper_chain chain = { .iov = iov, .max_segments = EL2_QUEUE_SIZE };

	/* One at a time, and always hungry: the loop must serve requests, too. */
	if (shyper_queue_pop(queue, &chain) <= 0)
		return false;
	shyper_backend_count(backend, SHYPER_COUNT_OTHERS, 1);
	shyper_queue_push(queue, chain.head, 0);
	return true;
}

/* Stores that hit the space are taken over, others are counted. */
static void null_config(struct shyper_backend *backend, uint32_t offset,
			uint32_t length, uint64_t value)
{
	if (shyper_backend_change_config(backend, offset, &value, length))
		shyper_backend_count(backend, SHYPER_COUNT_WRITES, offset + length + value);
}

static const struct shyper_backend_ops null_ops = {
	.device_id = 60,
	.nr_queues = 2,
	.queue_max = 64,
	.queue = null_queue,
	.config_store = null_config,
};

static int serve(const struct shyper_backend_ops *ops)
{
	struct shyper_backend *backend;
	uint32_t count = 0;
	int err;

	backend = el2_backend_open("cell1.null0", ops, &count);
	if (!backend)
		return 100;
	if (shyper_backend_attach(backend))
		return 101;
	err = shyper_backend_run(backend);
	shyper_backend_close(backend);
	return err == -ENODEV ? 50 : -err;
}

/* As one that has a configuration space; adds 1 to each byte of a predecessor's. */
static int serve_config(void)
{
	struct shyper_backend *backend = el2_backend_open("cell1.null0", &null_ops, NULL);
	uint8_t config[12] = { 1, 2, 3 }, bytes[300];
	size_t n, length;

	if (!backend)
		return 100;
	length = shyper_backend_read_config(backend, bytes, sizeof(bytes));
	for (n = 0; n < length; n++)
		config[n] = bytes[n] + 1;
	if (shyper_backend_set_config(backend, config, sizeof(config)) ||
	    shyper_backend_change_config(backend, 11, "\x0b", 1) ||
	    shyper_backend_change_config(backend, 11, "\x0c\x0d", 2) != -EINVAL ||
	    shyper_backend_change_config(backend, SIZE_MAX, "", 1) != -EINVAL ||
	    shyper_backend_change_config(backend, 13, "", 0) != -EINVAL ||
	    shyper_backend_attach(backend))
		return 101;
	return -shyper_backend_run(backend);
}

static int serve_region(void)
{
	return serve(&region_ops);
}

static int serve_null(void)
{
	return serve(&null_ops);
}

static int set_up_region(void **state)
{
	(void)state;
	el2_init(HVISOR_DEVICE_MMIO, NULL, 0);
	return 0;
}

static int set_up_null(void **state)
{
	(void)state;
	el2_init(HVISOR_DEVICE_VIRTIO, drivers, 2);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	el2_exit();
	return 0;
}

static void test_region(void **state)
{
	uint64_t value;
	unsigned int n;

	(void)state;
	el2_backend_start(serve_region);
	for (n = 0; n < 100; n++) {
		el2_post(HVISOR_OP_LOAD, n % 2, 8 * n, 8, 0);
		assert_true(el2_answered(n % 2, &value, 5000));
		assert_int_equal(value, (uint64_t)(n % 2) << 48 |
				 (uint64_t)(8 * n) << 32 | n);
	}
	el2_post(HVISOR_OP_LOAD, 1, 4, 1, 0);
	assert_true(el2_answered(1, &value, 5000));
	assert_int_equal(value, 100);
	/* The program does not care for stores; the CPU waits all the same. */
	el2_post(HVISOR_OP_STORE, 0, 0, 4, 1);
	assert_true(el2_answered(0, &value, 5000));
}

static int serve_old_region(void)
{
	uint32_t count = 0;
	struct shyper_backend *backend = el2_backend_open("cell1.echo0", &region_ops, &count);

	if (!backend)
		return 100;
	if (shyper_backend_get_options(backend) || shyper_backend_attach(backend))
		return 101;
	return -shyper_backend_run(backend);
}

/* EL2 was not restarted with the rest: it has no state area for a region. */
static void test_old_region(void **state)
{
	uint64_t value;

	(void)state;
	el2.is_old = true;
	el2_backend_start(serve_old_region);
	el2_post(HVISOR_OP_LOAD, 1, 4, 8, 0);
	assert_true(el2_answered(1, &value, 5000));
	assert_int_equal(value, 1ULL << 48 | 4ULL << 32);
	assert_int_equal(el2.state->counters.attaches, 0);
}

static void test_wrong_kind(void **state)
{
	int status;

	(void)state;
	el2.backend = fork();
	if (!el2.backend)
		_exit(serve_null());
	status = el2_backend_wait();
	assert_int_equal(WEXITSTATUS(status), 100);
}

static void refuse(struct shyper_ctx *ctx, const struct shyper_backend_ops *ops,
		   const char *text)
{
	struct shyper_backend *backend = NULL;

	assert_int_equal(shyper_backend_open(ctx, "cell1.null0", ops, NULL, &backend),
			 -EINVAL);
	assert_null(backend);
	assert_string_equal(shyper_ctx_get_error(ctx)->text, text);
}

static void test_wrong_operations(void **state)
{
	struct shyper_backend_ops ops = null_ops;
	struct shyper_ctx *ctx;

	(void)state;
	assert_int_equal(shyper_ctx_create(&ctx), 0);
	ops.nr_queues = 17;
	refuse(ctx, &ops, "the backend has 17 queues, expected at most 16");
	ops.nr_queues = 1;
	ops.queue_max = 48;
	refuse(ctx, &ops, "the backend has queues of 48, expected a power of two up to 1024");
	ops.queue_max = 0;
	refuse(ctx, &ops, "the backend has queues of 0, expected a power of two up to 1024");
	ops.queue_max = 64;
	ops.reserved[2] = (void (*)(void))tear_down;
	refuse(ctx, &ops, "the backend was made for a newer libshyper");
	shyper_ctx_destroy(ctx);
}

/* What is out of range is nothing, not somebody else's. */
static void test_wrong_numbers(void **state)
{
	struct shyper_backend *backend = el2_backend_open("cell1.null0", &null_ops, NULL);

	(void)state;
	assert_non_null(backend);
	assert_null(shyper_backend_get_queue(backend, 2));
	assert_null(shyper_backend_get_queue(backend, ~0U));
	shyper_backend_kick(backend, ~0U);
	shyper_backend_count(backend, (enum shyper_counter)7, 1);
	shyper_backend_notify(backend, NULL);
	assert_int_equal(shyper_backend_set_config(backend, el2.ram, 257), -E2BIG);
	shyper_backend_close(backend);
	shyper_backend_close(NULL);
}

static void test_config_store(void **state)
{
	(void)state;
	el2_backend_start(serve_null);
	el2_post(HVISOR_OP_CONFIG_STORE, 0, 100, 4, 20);
	assert_true(el2_answered(0, NULL, 5000));
	assert_int_equal(el2.state->counters.writes, 124);
	assert_false(el2_changed(0));
}

static void store_config(uint32_t offset, uint32_t length, uint64_t value)
{
	el2_post(HVISOR_OP_CONFIG_STORE, 0, offset, length, value);
	assert_true(el2_answered(0, NULL, 5000));
}

static void test_config_changes(void **state)
{
	static const uint8_t before[12] = { 1, 2, 3, [11] = 11 };
	static const uint8_t after[12] = { 1, 2, 3, 0, 4, 3, 2, 1, [11] = 11 };
	static const uint8_t successors[12] = { 2, 3, 4, 1, 5, 4, 3, 2, 1, 1, 1, 11 };

	(void)state;
	el2_backend_start(serve_config);
	assert_int_equal(el2.page->config_len, sizeof(before));
	assert_memory_equal(el2.page->config, before, sizeof(before));
	assert_false(el2_changed(0));
	store_config(4, 4, 0x01020304);
	assert_true(el2_changed(0));
	assert_int_equal(el2.page->config_generation, 1);
	assert_memory_equal(el2.page->config, after, sizeof(after));
	/* The same again, and what is beyond, is no change. */
	store_config(4, 4, 0x01020304);
	store_config(11, 2, 0xffff);
	store_config(12, 1, 0xff);
	assert_int_equal(el2.page->config_generation, 1);
	assert_int_equal(el2.state->counters.writes, 11 + 2 + 0xffff + 12 + 1 + 0xff);
	/* A successor finds what was there, and has its own. */
	el2_backend_stop(SIGKILL);
	el2_backend_start(serve_config);
	assert_memory_equal(el2.page->config, successors, sizeof(successors));
	store_config(0, 1, 7);
	assert_int_equal(el2.page->config[0], 7);
	assert_int_equal(el2.page->config[1], successors[1]);
}

static void test_withheld(void **state)
{
	const uint64_t event_idx = 1ULL << VIRTIO_RING_F_EVENT_IDX;
	const uint64_t indirect = 1ULL << VIRTIO_RING_F_INDIRECT_DESC;
	int status;

	(void)state;
	el2.config = "{\"features\":{\"event_idx\":false,\"indirect_desc\":true}}";
	el2_backend_start(serve_null);
	assert_int_equal(el2.page->features, 1ULL << VIRTIO_F_VERSION_1 | indirect);
	el2_backend_stop(SIGKILL);
	el2.config = "{\"options\":{}}";
	el2_backend_start(serve_null);
	assert_int_equal(el2.page->features, 1ULL << VIRTIO_F_VERSION_1 | indirect | event_idx);
	el2_backend_stop(SIGKILL);
	/* Of a disk, which it is not. */
	el2.config = "{\"features\":{\"flush\":false}}";
	el2.backend = fork();
	if (!el2.backend)
		_exit(serve_null());
	status = el2_backend_wait();
	assert_int_equal(WEXITSTATUS(status), 101);
}

/* A change that EL2 refuses has not happened; without the device it is the end. */
static void test_config_refused(void **state)
{
	int status;

	(void)state;
	el2_backend_start(serve_config);
	el2.page->attached = 0;
	store_config(0, 1, 7);
	assert_int_equal(el2.state->counters.writes, 8);
	el2.page->attached = 1;
	store_config(1, 1, 8);
	assert_int_equal(el2.page->config[0], 1);
	assert_int_equal(el2.page->config[1], 8);
	el2.page->declared = 0;
	store_config(2, 1, 9);
	status = el2_backend_wait();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ENODEV);
}

/* A notification before the driver is ready, or of a queue that is not. */
static void test_early_notify(void **state)
{
	(void)state;
	el2.page->status = 0;
	el2.page->queues[1].ready = 0;
	driver_desc(&drivers[0].desc[0], DRIVER_RAM + 0x100000, 1, 0, 0);
	driver_offer(&drivers[0], 0);
	el2_backend_start(serve_null);
	el2_notify(~0U & ~HVISOR_BELL_DRIVER_OK);
	el2_post(HVISOR_OP_CONFIG_STORE, 0, 1, 1, 0);
	assert_true(el2_answered(0, NULL, 5000));
	assert_int_equal(el2.state->counters.others, 0);
	el2.page->status = VIRTIO_CONFIG_S_DRIVER_OK;
	el2_notify(HVISOR_BELL_DRIVER_OK);
	assert_true(el2_interrupted(5000));
	assert_int_equal(el2.state->counters.others, 1);
	assert_false(el2_failed(0));
}

/* A queue stop does not touch the other queue. */
static void test_queue_stop(void **state)
{
	unsigned int n;

	(void)state;
	el2_backend_start(serve_null);
	for (n = 0; n < 2; n++) {
		driver_desc(&drivers[n].desc[0], DRIVER_RAM + 0x100000, 1, 0, 0);
		driver_offer(&drivers[n], 0);
	}
	el2_notify(3);
	assert_true(el2_interrupted(5000));
	assert_true(el2_interrupted(5000));
	el2_post(HVISOR_OP_QUEUE_STOP, 1, 0x44, 4, 1);
	assert_true(el2_answered(1, NULL, 5000));
	el2.page->queues[1].ready = 0;
	driver_offer(&drivers[0], 0);
	driver_offer(&drivers[1], 0);
	*driver_used_event(&drivers[0]) = 1;
	el2_notify(3);
	assert_true(el2_interrupted(5000));
	usleep(10000);
	assert_int_equal(drivers[0].used->idx, 2);
	assert_int_equal(drivers[1].used->idx, 1);
	/* A queue that does not exist has nothing to stop. */
	el2_post(HVISOR_OP_QUEUE_STOP, 1, 0x44, 4, 0xffffffff);
	assert_true(el2_answered(1, NULL, 5000));
}

/* A guest that fills its queue as fast as it is emptied: a reset is not starved. */
static void test_endless_work(void **state)
{
	unsigned int n;
	pid_t guest;

	(void)state;
	el2_backend_start(serve_null);
	for (n = 0; n < EL2_QUEUE_SIZE; n++)
		driver_desc(&drivers[0].desc[n], DRIVER_RAM + 0x100000, 1, 0, 0);
	guest = fork();
	if (!guest)
		for (;;) {
			uint16_t used = __atomic_load_n(&drivers[0].used->idx, __ATOMIC_ACQUIRE);

			if ((uint16_t)(drivers[0].avail_idx - used) < EL2_QUEUE_SIZE / 2)
				driver_offer(&drivers[0], drivers[0].avail_idx % EL2_QUEUE_SIZE);
		}
	for (n = 0; n < 50; n++) {
		el2_notify(1);
		el2_post(HVISOR_OP_CONFIG_STORE, 0, 0, 1, 0);
		assert_true(el2_answered(0, NULL, 5000));
	}
	el2.page->queues[0].ready = 0;
	el2_post(HVISOR_OP_RESET, 0, 0x70, 4, 0);
	assert_true(el2_answered(0, NULL, 5000));
	kill(guest, SIGKILL);
	waitpid(guest, NULL, 0);
}

/* Until then EL2 may take the device for quiet, and give the memory to others. */
static void test_rings_are_untouched_until_declared(void **state)
{
	(void)state;
	drivers[0].used->flags = htole16(VRING_USED_F_NO_NOTIFY);
	el2.untouched = drivers[0].used;
	driver_desc(&drivers[0].desc[0], DRIVER_RAM + 0x100000, 1, 0, 0);
	driver_offer(&drivers[0], 0);
	el2_backend_start(serve_null);
	el2_notify(HVISOR_BELL_DRIVER_OK | 1);
	assert_true(el2_interrupted(5000));
	assert_int_equal(drivers[0].used->flags, 0);
	el2.untouched = NULL;
}

/* What a pending reset will discard is not done once more. */
static void test_attach_to_reset(void **state)
{
	struct hvisor_queue_state *account =
		(void *)((uint8_t *)el2.state + HVISOR_QUEUE_STATE_OFFSET(0, EL2_QUEUE_SIZE));

	(void)state;
	account->epoch = 1;
	account->heads[7].in_flight = 1;
	account->heads[7].epoch = 1;
	account->heads[7].counter = 1;
	el2.page->slots[1].op = HVISOR_OP_RESET;
	el2.page->slots[1].state = HVISOR_SLOT_PENDING;
	el2_post(HVISOR_OP_RESET, 1, 0x70, 4, 0);
	el2_notify(3);
	el2_backend_start(serve_null);
	assert_true(el2_answered(1, NULL, 5000));
	assert_int_equal(account->heads[7].in_flight, 0);
	assert_int_equal(el2.state->counters.reissued, 0);
	assert_int_equal(drivers[0].used->idx, 0);
}

/* Likewise of a queue; the other one is gone on with. */
static void test_attach_to_queue_stop(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < 2; n++) {
		driver_desc(&drivers[n].desc[0], DRIVER_RAM + 0x100000, 1, 0, 0);
		driver_offer(&drivers[n], 0);
	}
	el2.page->slots[1].op = HVISOR_OP_QUEUE_STOP;
	el2.page->slots[1].value = 0;
	el2.page->slots[1].state = HVISOR_SLOT_PENDING;
	el2_post(HVISOR_OP_QUEUE_STOP, 1, 0x44, 4, 0);
	el2_backend_start(serve_null);
	assert_true(el2_answered(1, NULL, 5000));
	assert_true(el2_interrupted(5000));
	assert_int_equal(drivers[0].used->idx, 0);
	assert_int_equal(drivers[1].used->idx, 1);
}

/* A device that was failed stays so for the next backend, until it is reset. */
static void test_attach_to_failed(void **state)
{
	(void)state;
	el2.page->status = VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET;
	driver_desc(&drivers[0].desc[0], DRIVER_RAM + 0x100000, 1, 0, 0);
	driver_offer(&drivers[0], 0);
	el2_notify(1);
	el2_backend_start(serve_null);
	el2_post(HVISOR_OP_CONFIG_STORE, 0, 1, 1, 0);
	assert_true(el2_answered(0, NULL, 5000));
	assert_int_equal(el2.state->counters.others, 0);
	el2.page->status = VIRTIO_CONFIG_S_DRIVER_OK;
	el2_post(HVISOR_OP_RESET, 0, 0x70, 4, 0);
	assert_true(el2_answered(0, NULL, 5000));
	el2.page->queues[0].epoch++;
	el2_notify(HVISOR_BELL_DRIVER_OK | 1);
	assert_true(el2_interrupted(5000));
	assert_int_equal(el2.state->counters.others, 1);
}

/* The driver spoilt its ring while nobody served: it is told of it. */
static void test_attach_to_spoilt(void **state)
{
	struct hvisor_queue_state *account =
		(void *)((uint8_t *)el2.state + HVISOR_QUEUE_STATE_OFFSET(0, EL2_QUEUE_SIZE));

	(void)state;
	account->epoch = 1;
	drivers[0].used->idx = 7;
	el2_backend_start(serve_null);
	assert_true(el2_failed(5000));
	assert_int_equal(el2.state->counters.bad_chains, 1);
}

static void test_gone(void **state)
{
	int status;

	(void)state;
	el2_backend_start(serve_null);
	el2_notify(3);
	close(el2.link[0]);
	close(el2.link[1]);
	status = el2_backend_wait();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 50);
}

/* -- a device that goes before its backend is ready -- */

static int serve_going(void)
{
	el2.going = true;
	return serve(&null_ops);
}

static int serve_gone(void)
{
	struct shyper_backend *backend = el2_backend_open("cell1.null0", &null_ops, NULL);

	el2_take_away();
	return shyper_backend_attach(backend) ? 101 : 102;
}

/* A message to the service manager; the descriptor with it, or -1. */
static int manager_read(int manager, const char *message)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char text[64] = "";
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr header = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	int fd = -1;

	assert_true(recvmsg(manager, &header, 0) > 0);
	assert_string_equal(text, message);
	cmsg = CMSG_FIRSTHDR(&header);
	if (cmsg)
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

/*
 * The manager hears of the service's readiness, and that before it sees the end
 * of the process.
 */
static void assert_no_failure(int (*serve_it)(void))
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = 10 };
	int manager = socket(AF_UNIX, SOCK_DGRAM, 0), barrier, status;
	char name[64];

	snprintf(name, sizeof(name), "@shyper-test-%d", getpid());
	strcpy(address.sun_path + 1, name + 1);
	assert_int_equal(bind(manager, (struct sockaddr *)&address,
			      offsetof(struct sockaddr_un, sun_path) + strlen(name)), 0);
	setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setenv("NOTIFY_SOCKET", name, 1);
	el2.backend = fork();
	assert_true(el2.backend >= 0);
	if (!el2.backend)
		_exit(serve_it());
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(manager_read(manager, "READY=1"), -1);
	barrier = manager_read(manager, "BARRIER=1");
	assert_true(barrier >= 0);
	assert_int_equal(waitpid(el2.backend, &status, WNOHANG), 0);
	close(barrier);
	status = el2_backend_wait();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), SHYPER_EXIT_DONE);
	close(manager);
}

static void test_gone_while_opened(void **state)
{
	(void)state;
	assert_no_failure(serve_going);
}

static void test_gone_before_attached(void **state)
{
	(void)state;
	assert_no_failure(serve_gone);
}

#define TEST(name, kind) \
	cmocka_unit_test_setup_teardown(test_##name, set_up_##kind, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(region, region), TEST(old_region, region), TEST(wrong_kind, region),
		TEST(wrong_operations, null), TEST(wrong_numbers, null),
		TEST(config_store, null), TEST(config_changes, null), TEST(config_refused, null),
		TEST(withheld, null),
		TEST(early_notify, null), TEST(queue_stop, null),
		TEST(endless_work, null), TEST(rings_are_untouched_until_declared, null),
		TEST(attach_to_reset, null),
		TEST(attach_to_queue_stop, null),
		TEST(attach_to_failed, null), TEST(attach_to_spoilt, null),
		TEST(gone, null), TEST(gone_while_opened, null),
		TEST(gone_before_attached, null),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("virtio/backend", tests, NULL, NULL);
}
