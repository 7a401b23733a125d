// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-pl011 as a process of its own: a guest that accesses its registers on
 * one side, a client of its socket on the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define PL011_TEST
#include "../../../shyper-cli/backend/pl011.c"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "console_client.h"
#include "el2.h"

#define DR	0x00
#define FR	0x18
#define LCR_H	0x2c
#define IMSC	0x38
#define MIS	0x40

#define FEN	0x10
#define RXFE	0x10
#define INT_RT	0x40
#define INT_RX	0x10

static int serve(void)
{
	static struct port port;

	return console_serve("cell1.uart0", &pl011_ops, &port, pl011_open);
}

static int set_up(void **state)
{
	(void)state;
	console_set_up(HVISOR_DEVICE_MMIO, NULL, 0);
	el2_backend_start(serve);
	return 0;
}

static int client(void)
{
	return console_client("cell1.uart0.sock");
}

static uint64_t load(uint32_t offset)
{
	uint64_t value;

	el2_post(HVISOR_OP_LOAD, 0, offset, 4, 0);
	assert_true(el2_answered(0, &value, 5000));
	return value;
}

static void store(uint32_t offset, uint64_t value)
{
	el2_post(HVISOR_OP_STORE, 0, offset, 4, value);
	assert_true(el2_answered(0, NULL, 5000));
}

static void print(const char *text)
{
	while (*text)
		store(DR, (unsigned char)*text++);
}

static uint32_t level(void)
{
	return __atomic_load_n(&el2.page->interrupt_status, __ATOMIC_SEQ_CST);
}

static void wait_level(uint32_t wanted)
{
	int n;

	for (n = 0; n < 5000 && level() != wanted; n++)
		usleep(1000);
	assert_int_equal(level(), wanted);
}

static void test_output_reaches_clients_and_log(void **state)
{
	int fd;

	(void)state;
	print("before\n");
	fd = client();
	console_expect(fd, "before\n");
	print("hi\n");
	console_expect(fd, "hi\n");
	console_expect_log("before\nhi\n");
	assert_int_equal(el2.state->counters.write_bytes, 10);
	close(fd);
}

/* More than the FIFO holds: all of it comes, in order, and the interrupt stays. */
static void test_input_interrupts_until_it_is_read(void **state)
{
	char text[101], got[101] = "";
	unsigned int n;
	int fd = client();

	(void)state;
	store(LCR_H, FEN);
	store(IMSC, INT_RX | INT_RT);
	assert_int_equal(level(), 0);
	for (n = 0; n < 100; n++)
		text[n] = 'a' + n % 26;
	text[100] = 0;
	assert_int_equal(write(fd, text, 100), 100);
	wait_level(HVISOR_INTERRUPT_LEVEL);
	for (n = 0; n < 100; n++) {
		assert_int_equal(load(FR) & RXFE, 0);
		assert_int_equal(level(), HVISOR_INTERRUPT_LEVEL);
		got[n] = load(DR);
	}
	assert_string_equal(got, text);
	assert_int_equal(load(FR) & RXFE, RXFE);
	/* Before the last load was answered. */
	assert_int_equal(level(), 0);
	assert_int_equal(el2.state->counters.read_bytes, 100);
	close(fd);
}

/* Beyond what the FIFO keeps nothing is taken, so that a client hears of its loss. */
static void test_input_waits_outside_of_the_process(void **state)
{
	char text[100], byte;
	unsigned int n;
	int fd = client();

	(void)state;
	store(LCR_H, FEN);
	store(IMSC, INT_RX);
	memset(text, 'x', sizeof(text));
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	wait_level(HVISOR_INTERRUPT_LEVEL);
	assert_int_equal(load(DR), 'x');
	assert_int_equal(el2.state->counters.read_bytes, 17);
	el2_backend_stop(SIGKILL);
	assert_int_equal(read(fd, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
	el2_backend_start(serve);
	for (n = 0; n < 16; n++)
		assert_int_equal(load(DR), 'x');
	assert_int_equal(load(FR) & RXFE, RXFE);
}

/* What came before the guest has touched the device is not lost with the FIFO. */
static void test_input_waits_for_the_first_access(void **state)
{
	int n, fd;

	(void)state;
	load(FR);
	el2_post(HVISOR_OP_QUIESCE, -1, 0, 0, 0);
	assert_true(el2_answered(-1, NULL, 5000));
	el2.page->epoch++;
	fd = client();
	assert_int_equal(write(fd, "x", 1), 1);
	usleep(50000);
	assert_int_equal(el2.state->counters.read_bytes, 0);
	for (n = 0; n < 5000 && load(FR) & RXFE; n++)
		usleep(1000);
	assert_int_equal(load(DR), 'x');
	close(fd);
}

static void test_successor_goes_on(void **state)
{
	int fd = client();

	(void)state;
	store(LCR_H, FEN);
	store(IMSC, INT_RX | INT_RT);
	assert_int_equal(write(fd, "xyz", 3), 3);
	wait_level(HVISOR_INTERRUPT_LEVEL);
	assert_int_equal(load(DR), 'x');
	el2_backend_stop(SIGKILL);
	close(fd);
	/* As if it had died before it could tell. */
	el2.page->interrupt_status = 0;
	el2_backend_start(serve);
	wait_level(HVISOR_INTERRUPT_LEVEL);
	assert_int_equal(load(DR), 'y');
	assert_int_equal(load(DR), 'z');
	assert_int_equal(level(), 0);
	assert_int_equal(load(IMSC), INT_RX | INT_RT);
}

/* What it could not tell once it tells at the next occasion. */
static void test_lost_level_is_told_again(void **state)
{
	int fd = client();

	(void)state;
	store(LCR_H, FEN);
	store(IMSC, INT_RX | INT_RT);
	*el2.level_error = -EINTR;
	assert_int_equal(write(fd, "x", 1), 1);
	while (*(volatile int *)el2.level_error)
		usleep(1000);
	assert_int_equal(level(), 0);
	load(FR);
	assert_int_equal(level(), HVISOR_INTERRUPT_LEVEL);
	close(fd);
}

static int serve_without_state(void)
{
	el2.is_old = true;
	return serve();
}

static void test_old_hypervisor_is_refused(void **state)
{
	int status;

	(void)state;
	el2_backend_stop(SIGKILL);
	el2.backend = fork();
	if (!el2.backend)
		syscall(SYS_exit_group, serve_without_state());
	status = el2_backend_wait();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 101);
}

static void test_reset_is_power_on(void **state)
{
	int fd = client();

	(void)state;
	store(LCR_H, FEN);
	store(IMSC, INT_RX | INT_RT);
	assert_int_equal(write(fd, "x", 1), 1);
	wait_level(HVISOR_INTERRUPT_LEVEL);
	el2_post(HVISOR_OP_QUIESCE, -1, 0, 0, 0);
	assert_true(el2_answered(-1, NULL, 5000));
	el2.page->epoch++;
	assert_int_equal(level(), 0);
	assert_int_equal(load(IMSC), 0);
	assert_int_equal(load(LCR_H), 0);
	close(fd);
}

/* The cell was started anew while nobody served the device. */
static void test_state_of_another_epoch_is_void(void **state)
{
	(void)state;
	store(LCR_H, FEN);
	store(IMSC, INT_RX);
	el2_backend_stop(SIGKILL);
	el2.page->epoch++;
	el2_backend_start(serve);
	assert_int_equal(load(IMSC), 0);
	store(IMSC, INT_RX);
	el2_backend_stop(SIGKILL);
	el2_backend_start(serve);
	assert_int_equal(load(IMSC), INT_RX);
}

static void test_hostile_sizes_and_offsets(void **state)
{
	static const uint32_t offsets[] = { 0, 1, 2, 3, 0x17, 0x19, 0xffc, 0xfff, 0xfe1, 0xffffffff };
	unsigned int n, length;

	(void)state;
	for (n = 0; n < sizeof(offsets) / sizeof(offsets[0]); n++) {
		for (length = 1; length <= 8; length *= 2) {
			el2_post(HVISOR_OP_LOAD, 1, offsets[n], length, 0);
			assert_true(el2_answered(1, NULL, 5000));
			el2_post(HVISOR_OP_STORE, 1, offsets[n], length, ~0ULL);
			assert_true(el2_answered(1, NULL, 5000));
		}
	}
	assert_int_equal(load(0xfe0), 0x11);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, console_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_output_reaches_clients_and_log),
		TEST(test_input_interrupts_until_it_is_read),
		TEST(test_input_waits_outside_of_the_process),
		TEST(test_input_waits_for_the_first_access),
		TEST(test_successor_goes_on),
		TEST(test_lost_level_is_told_again),
		TEST(test_old_hypervisor_is_refused),
		TEST(test_reset_is_power_on),
		TEST(test_state_of_another_epoch_is_void),
		TEST(test_hostile_sizes_and_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
