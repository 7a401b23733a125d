// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-rng as a process in its jail: what a driver gets, and how fast.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define RNG_TEST
#include "../../../shyper-cli/backend/rng.c"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "../../../shyper-cli/backend/jail.h"

#include "el2.h"

#define DATA	0x200000	/* within the memory */
#define SLOT	4096		/* of data for each head */
#define RATE	10240		/* 1024 in each period */

static struct driver driver;

static int serve(void)
{
	static struct rng rng;
	struct shyper_backend *backend = el2_backend_open("cell1.rng0", &rng_ops, &rng);
	json_t *config = json_pack("{s:i}", "rate", RATE);
	int status;

	if (!backend)
		return 100;
	status = rng_open(backend, config);
	json_decref(config);
	if (status)
		return status;
	if (jail_enter(NULL) || shyper_backend_attach(backend))
		return 101;
	return shyper_backend_run(backend) ? 102 : SHYPER_EXIT_DONE;
}

static int set_up(void **state)
{
	(void)state;
	el2_init(HVISOR_DEVICE_VIRTIO, &driver, 1);
	el2_backend_start(serve);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	el2_exit();
	return 0;
}

static void offer(uint16_t head, uint32_t length, uint16_t flags)
{
	driver_desc(&driver.desc[head], DRIVER_RAM + DATA + head * SLOT, length, flags, 0);
	driver_offer(&driver, head);
}

static uint32_t taken(uint16_t head)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct vring_used_elem element;

	while (!driver_take(&driver, &element))
		nanosleep(&pause, NULL);
	assert_int_equal(element.id, head);
	return element.len;
}

static void test_entropy(void **state)
{
	uint8_t *first = el2.ram + DATA, *second = first + SLOT;
	static const uint8_t zeroes[32];

	(void)state;
	offer(0, 32, VRING_DESC_F_WRITE);
	offer(1, 32, VRING_DESC_F_WRITE);
	el2_notify(1);
	assert_int_equal(taken(0), 32);
	assert_int_equal(taken(1), 32);
	assert_memory_not_equal(first, zeroes, 32);
	assert_memory_not_equal(first, second, 32);
	assert_memory_equal(first + 32, zeroes, 32);
	assert_true(el2_interrupted(1000));
	assert_int_equal(el2.state->counters.read_bytes, 64);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* A period's share at once, the next one's when it has begun, and no more. */
static void test_rate(void **state)
{
	double begin = seconds(), end;
	uint32_t bytes = 0;
	uint16_t head;

	(void)state;
	for (head = 0; head < 6; head++)
		offer(head, SLOT, VRING_DESC_F_WRITE);
	el2_notify(1);
	for (head = 0; head < 6; head++)
		bytes += taken(head);
	end = seconds();
	assert_int_equal(bytes, 6 * RATE / PERIODS);
	assert_true(end - begin >= 5.0 / PERIODS);
	assert_int_equal(el2_backend_stop(SIGTERM), 0);
}

/* A reset does not wait for buffers that wait for their turn. */
static void test_reset(void **state)
{
	uint16_t head;

	(void)state;
	for (head = 0; head < EL2_QUEUE_SIZE; head++)
		offer(head, SLOT, VRING_DESC_F_WRITE);
	el2_notify(1);
	taken(0);
	el2_post(HVISOR_OP_RESET, 0, 0, 0, 0);
	assert_true(el2_answered(0, NULL, 1000));
}

static void test_bad_buffer(void **state)
{
	(void)state;
	offer(0, 32, 0);
	el2_notify(1);
	assert_true(el2_failed(1000));
	assert_int_equal(el2.state->counters.read_bytes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_entropy),
		TEST(test_rate),
		TEST(test_reset),
		TEST(test_bad_buffer),
	};

	return cmocka_run_group_tests_name("virtio/rng", tests, NULL, NULL);
}
