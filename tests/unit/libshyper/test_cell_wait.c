// SPDX-License-Identifier: LGPL-2.1-or-later
/* Waiting for a state, of a cell of a recorded tree that a thread changes. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "internal.h"
#include "machine.h"

#define CELL	"/sys/class/hvisor/cell1/"
#define BIT(state)	(1U << SHYPER_CELL_##state)

static struct shyper_cell *cell;

static int set_up(void **state)
{
	struct machine *machine;

	machine_setup(state);
	machine = *state;
	machine_write_text(machine, CELL "name", "small\n");
	machine_write_text(machine, CELL "state", "loaded\n");
	assert_int_equal(shyper_cell_open(machine->ctx, "small", &cell), 0);
	return 0;
}

static int tear_down(void **state)
{
	shyper_cell_close(cell);
	return machine_teardown(state);
}

/* Has no context: what it does is the kernel's part. */
static void *change(void *argument)
{
	const struct machine *machine = argument;

	nap_ms(200);
	machine_write_text(machine, CELL "state", "running\n");
	return NULL;
}

static void test_state_that_is_there_needs_no_wait(void **state)
{
	uint64_t start = now_ms();

	(void)state;
	assert_int_equal(shyper_cell_wait(cell, BIT(RUNNING) | BIT(LOADED), 10000), 0);
	assert_in_range(now_ms() - start, 0, 5000);
	assert_int_equal(shyper_cell_get_state(cell), SHYPER_CELL_LOADED);
}

static void test_state_that_comes_ends_the_wait(void **state)
{
	uint64_t start = now_ms();
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, change, *state), 0);
	assert_int_equal(shyper_cell_wait(cell, BIT(RUNNING), SHYPER_FOREVER), 0);
	assert_in_range(now_ms() - start, 200, 20000);
	assert_int_equal(shyper_cell_get_state(cell), SHYPER_CELL_RUNNING);
	pthread_join(thread, NULL);
}

static void test_state_that_does_not_come_times_out(void **state)
{
	struct machine *machine = *state;
	uint64_t start = now_ms();
	char text[256];

	assert_int_equal(shyper_cell_wait(cell, BIT(STOPPED), 300), -ETIMEDOUT);
	assert_in_range(now_ms() - start, 300, 20000);
	shyper_error_format(shyper_ctx_get_error(machine->ctx), text, sizeof(text));
	assert_string_equal(text, "cell small: is still \"loaded\" after 300 ms");
}

static void test_cell_that_goes_ends_the_wait(void **state)
{
	struct machine *machine = *state;
	char path[256];

	machine_write_text(machine, CELL "name", "another\n");
	assert_int_equal(shyper_cell_wait(cell, BIT(RUNNING), 10000), -ENOENT);
	snprintf(path, sizeof(path), "%s" CELL "state", machine->root);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(shyper_cell_wait(cell, BIT(RUNNING), 10000), -ENOENT);
	assert_string_equal(shyper_ctx_get_error(machine->ctx)->subject, "cell small");
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void test_signal_interrupts_the_wait(void **state)
{
	const struct sigaction action = { .sa_handler = on_alarm };

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	alarm(1);
	assert_int_equal(shyper_cell_wait(cell, BIT(STOPPED), 60000), -EINTR);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_state_that_is_there_needs_no_wait),
		TEST(test_state_that_comes_ends_the_wait),
		TEST(test_state_that_does_not_come_times_out),
		TEST(test_cell_that_goes_ends_the_wait),
		TEST(test_signal_interrupts_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
