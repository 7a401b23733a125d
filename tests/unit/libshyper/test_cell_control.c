// SPDX-License-Identifier: LGPL-2.1-or-later
/* Verbs that a cell's monitor carries out: the conversation with it, which a thread plays. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine.h"
#include "wire.h"

#define CLASS "/sys/class/hvisor/"

static int set_up(void **state)
{
	static const char *const tree[][2] = {
		{ CLASS "control/dev", "10:122\n" },
		{ CLASS "cell2/name", "small\n" },
		{ CLASS "cell2/state", "created\n" },
	};
	size_t i;

	machine_setup(state);
	for (i = 0; i < ARRAY_SIZE(tree); i++)
		machine_write_text(*state, tree[i][0], tree[i][1]);
	return 0;
}

/* A monitor that takes one request and gives one answer, and its successor. */
struct fake_monitor {
	int socket;
	const char *answer;
	const char *successor[2];	/* its answers */
	const char *starts;		/* written by it, before it answers */
	char request[256];
	/* Renamed before it answers, as by a destroy. */
	const char *cell;
};

static void fake_monitor_answer(struct fake_monitor *fake, const char *answer)
{
	int fd = accept(fake->socket, NULL, NULL);
	ssize_t got = read(fd, fake->request, sizeof(fake->request) - 1);
	char gone[300];

	if (fake->cell) {
		snprintf(gone, sizeof(gone), "%s-gone", fake->cell);
		rename(fake->cell, gone);
	}
	if (got > 0 && write(fd, answer, strlen(answer)) < 0)
		fake->request[0] = '\0';
	close(fd);
}

static void *fake_monitor_run(void *argument)
{
	struct fake_monitor *fake = argument;

	fake_monitor_answer(fake, fake->answer);
	if (fake->starts) {
		FILE *file = fopen(fake->starts, "w");

		fputs("1000\n", file);
		fclose(file);
	}
	for (int i = 0; i < 2 && fake->successor[i]; i++)
		fake_monitor_answer(fake, fake->successor[i]);
	close(fake->socket);
	return NULL;
}

static int start_with_answer(struct machine *machine, struct fake_monitor *fake)
{
	struct sockaddr_un address;
	struct shyper_cell *cell;
	pthread_t thread;
	int err;

	machine_write_text(machine, "/run/shyper/lock", "");
	assert_int_equal(wire_address(machine->ctx, "cell2", &address), 0);
	unlink(address.sun_path);
	fake->socket = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fake->socket, (struct sockaddr *)&address,
			      sizeof(address)), 0);
	assert_int_equal(listen(fake->socket, 1), 0);
	pthread_create(&thread, NULL, fake_monitor_run, fake);
	assert_int_equal(shyper_cell_open(machine->ctx, "small", &cell), 0);
	err = shyper_cell_start(cell, 2000);
	pthread_join(thread, NULL);
	shyper_cell_close(cell);
	return err;
}

static void test_start_asks_the_monitor(void **state)
{
	struct fake_monitor fake = { .answer = "{\"ok\":true}\n" };
	int left, end = 0;

	/* What is left of the time when the monitor has been reached. */
	assert_int_equal(start_with_answer(*state, &fake), 0);
	sscanf(fake.request, "{\"op\":\"start\",\"cell\":\"small\",\"timeout_ms\":%d}\n%n",
	       &left, &end);
	assert_int_equal(end, strlen(fake.request));
	assert_in_range(left, 1, 2000);
}

static void test_refusal_of_the_monitor_is_told(void **state)
{
	struct fake_monitor fake = {
		.answer = "{\"ok\":false,\"code\":-110,\"text\":\"device blk0: no\"}\n",
	};
	struct machine *machine = *state;
	char text[256];

	assert_int_equal(start_with_answer(machine, &fake), -ETIMEDOUT);
	shyper_error_format(shyper_ctx_get_error(machine->ctx), text, sizeof(text));
	assert_string_equal(text, "cell small: device blk0: no");
}

static void test_nonsense_of_the_monitor_is_an_error(void **state)
{
	struct fake_monitor fake = { .answer = "[1]\n" };

	assert_int_equal(start_with_answer(*state, &fake), -EPROTO);
}

static void test_monitor_that_dies_is_an_error(void **state)
{
	struct fake_monitor fake = { .answer = "{\"ok\"" };
	struct machine *machine = *state;
	char text[256];

	assert_int_equal(start_with_answer(machine, &fake), -ETIMEDOUT);
	shyper_error_format(shyper_ctx_get_error(machine->ctx), text, sizeof(text));
	assert_non_null(strstr(text, "its monitor does not answer"));
}

static void test_successor_of_a_monitor_is_asked_again(void **state)
{
	struct fake_monitor fake = {
		.answer = "{\"ok\"",
		.successor = { "{\"ok\":true}\n", "{\"ok\":false,\"code\":-16,\"text\":\"no\"}\n" },
	};

	assert_int_equal(start_with_answer(*state, &fake), -EBUSY);
	assert_non_null(strstr(fake.request, "\"op\":\"start\""));
}

/* It found the cell loaded. */
static void test_successor_has_started_what_was_loaded(void **state)
{
	const struct machine *machine = *state;
	struct fake_monitor fake = {
		.answer = "{\"ok\"", .successor = { "{\"ok\":true}\n" },
		.starts = ctx_path(machine->ctx, CLASS "cell2/starts"),
	};

	assert_int_equal(start_with_answer(*state, &fake), 0);
	assert_non_null(strstr(fake.request, "\"op\":\"ping\""));
	free((char *)fake.starts);
}

static void test_cell_destroyed_meanwhile_is_gone(void **state)
{
	/* The monitor ends; or it is told by the module before it knows. */
	static const char *const answers[] = {
		"", "{\"ok\":false,\"code\":-19,\"text\":\"no\"}\n",
	};
	struct machine *machine = *state;
	struct fake_monitor fake = { 0 };
	char text[256];

	fake.answer = answers[1];
	assert_int_equal(start_with_answer(machine, &fake), -ENOENT);
	fake.answer = answers[0];
	fake.cell = ctx_path(machine->ctx, CLASS "cell2");
	assert_int_equal(start_with_answer(machine, &fake), -ENOENT);
	shyper_error_format(shyper_ctx_get_error(machine->ctx), text, sizeof(text));
	assert_string_equal(text, "cell small: does not exist");
	free((char *)fake.cell);
}

/* The monitor has gone, and sysfs still shows the cell. */
static void test_cell_being_destroyed_is_told(void **state)
{
	struct machine *machine = *state;
	struct fake_monitor fake = { .answer = "" };
	struct shyper_cell *cell;
	char text[256];

	machine_write_text(machine, CLASS "cell2/state", "dying\n");
	assert_int_equal(start_with_answer(machine, &fake), -ENOENT);
	shyper_error_format(shyper_ctx_get_error(machine->ctx), text, sizeof(text));
	assert_string_equal(text, "cell small: is being destroyed");
	/* Nor is a monitor waited for, where nobody listens. */
	assert_int_equal(shyper_cell_open(machine->ctx, "small", &cell), 0);
	assert_int_equal(shyper_cell_start(cell, 3600000), -ENOENT);
	shyper_cell_close(cell);
}

static void test_missing_monitor_is_looked_for_where_it_is_started(void **state)
{
	struct machine *machine = *state;
	const struct shyper_error *error = shyper_ctx_get_error(machine->ctx);
	struct shyper_cell *cell;

	assert_int_equal(shyper_cell_open(machine->ctx, "small", &cell), 0);
	assert_int_equal(shyper_cell_start(cell, 100), -ETIMEDOUT);
	assert_string_equal(error->hint,
			    "see whether `shyper system daemon` runs, and what it logged of cell2");
	machine_write_text(machine, "/run/systemd/system/is", "a folder\n");
	assert_int_equal(shyper_cell_start(cell, 100), -ETIMEDOUT);
	assert_string_equal(error->hint, "see `systemctl status shyper-cell@cell2`");
	shyper_cell_close(cell);
}

/* Nobody has its memory: that is known at once, with no monitor to wait for. */
static void test_images_of_an_orphan_are_not_waited_for(void **state)
{
	static int (*const operations[])(struct shyper_cell *cell, unsigned int timeout_ms) = {
		shyper_cell_load, shyper_cell_start, shyper_cell_restart,
	};
	struct machine *machine = *state;
	struct shyper_cell *cell;
	char text[256];
	size_t i;

	machine_write_text(machine, CLASS "cell2/orphaned", "1\n");
	assert_int_equal(shyper_cell_open(machine->ctx, "small", &cell), 0);
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		assert_int_equal(operations[i](cell, 100), -EOWNERDEAD);
		shyper_error_format(shyper_ctx_get_error(machine->ctx), text, sizeof(text));
		assert_non_null(strstr(text, "cell small: is orphaned"));
	}
	shyper_cell_close(cell);
}

/* Just behind the module's load: its monitor is there, and takes it back first. */
static void test_cell_is_taken_back_when_it_is_started(void **state)
{
	struct fake_monitor fake = { .answer = "{\"ok\":true}\n" };

	machine_write_text(*state, CLASS "cell2/orphaned", "1\n");
	assert_int_equal(start_with_answer(*state, &fake), 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, machine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_start_asks_the_monitor),
		TEST(test_refusal_of_the_monitor_is_told),
		TEST(test_nonsense_of_the_monitor_is_an_error),
		TEST(test_monitor_that_dies_is_an_error),
		TEST(test_successor_of_a_monitor_is_asked_again),
		TEST(test_successor_has_started_what_was_loaded),
		TEST(test_cell_destroyed_meanwhile_is_gone),
		TEST(test_cell_being_destroyed_is_told),
		TEST(test_missing_monitor_is_looked_for_where_it_is_started),
		TEST(test_images_of_an_orphan_are_not_waited_for),
		TEST(test_cell_is_taken_back_when_it_is_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
