// SPDX-License-Identifier: LGPL-2.1-or-later
/* Consoles: which device is meant, and the socket, whose other end is here. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "internal.h"
#include "machine.h"
#include "wire.h"

#define CLASS "/sys/class/hvisor/"

static struct shyper_cell *cell;
static int listener;

static int listen_at(const struct machine *machine, const char *name)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(wire_address(machine->ctx, name, &address), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static int set_up(void **state)
{
	struct machine *machine;

	machine_setup(state);
	machine = *state;
	machine_write_text(machine, CLASS "cell1/name", "small\n");
	machine_write_text(machine, CLASS "cell1/state", "running\n");
	machine_write_text(machine, CLASS "cell1.blk0/type", "blk\n");
	machine_write_text(machine, CLASS "cell1.blk0/index", "0\n");
	machine_write_text(machine, CLASS "cell1.con1/type", "console\n");
	machine_write_text(machine, CLASS "cell1.con1/index", "2\n");
	machine_write_text(machine, CLASS "cell1.con0/type", "console\n");
	machine_write_text(machine, CLASS "cell1.con0/index", "1\n");
	machine_write_text(machine, CLASS "cell2/name", "mute\n");
	machine_write_text(machine, CLASS "cell2/state", "running\n");
	machine_write_text(machine, "/run/shyper/lock", "");
	assert_int_equal(shyper_cell_open(machine->ctx, "small", &cell), 0);
	listener = listen_at(machine, "cell1.con0");
	return 0;
}

static int tear_down(void **state)
{
	close(listener);
	shyper_cell_close(cell);
	return machine_teardown(state);
}

static void test_first_console_is_meant_or_the_named_one(void **state)
{
	struct machine *machine = *state;
	struct shyper_console *console;
	struct shyper_cell *mute;

	assert_int_equal(shyper_console_open(cell, NULL, 1000, &console), 0);
	assert_string_equal(shyper_console_get_name(console), "cell1.con0");
	shyper_console_close(console);
	assert_int_equal(shyper_console_open(cell, "con0", 1000, &console), 0);
	shyper_console_close(console);
	assert_int_equal(shyper_console_open(cell, "con7", 1000, &console), -ENOENT);
	assert_int_equal(shyper_console_open(cell, "../con0", 1000, &console), -ENOENT);
	assert_int_equal(shyper_console_open(cell, "blk0", 1000, &console), -EINVAL);
	assert_string_equal(shyper_ctx_get_error(machine->ctx)->text,
			    "is no console, its type is \"blk\"");
	assert_int_equal(shyper_cell_open(machine->ctx, "mute", &mute), 0);
	assert_int_equal(shyper_console_open(mute, NULL, 1000, &console), -ENOENT);
	shyper_cell_close(mute);
}

static void test_a_port_is_named_behind_its_console(void **state)
{
	struct machine *machine = *state;
	struct shyper_console *console;
	int port = listen_at(machine, "cell1.con0.agent");

	assert_int_equal(shyper_console_open(cell, "con0.agent", 1000, &console), 0);
	assert_string_equal(shyper_console_get_name(console), "cell1.con0.agent");
	shyper_console_close(console);
	assert_int_equal(shyper_console_open(cell, "blk0.agent", 1000, &console), -EINVAL);
	assert_int_equal(shyper_console_open(cell, "con7.agent", 1000, &console), -ENOENT);
	assert_int_equal(shyper_console_open(cell, "con0.../x", 1000, &console), -ENOENT);
	assert_int_equal(shyper_console_open(cell, "con0.", 1000, &console), -ENOENT);
	assert_int_equal(shyper_console_open(cell, ".agent", 1000, &console), -ENOENT);
	assert_int_equal(shyper_console_open(cell, "con0.trace", 200, &console), -ETIMEDOUT);
	assert_non_null(strstr(shyper_ctx_get_error(machine->ctx)->hint, " of cell1.con0"));
	close(port);
}

static void test_missing_backend_is_waited_for_and_named(void **state)
{
	struct machine *machine = *state;
	struct shyper_console *console;
	uint64_t start = now_ms();

	assert_int_equal(shyper_console_open(cell, "con1", 200, &console), -ETIMEDOUT);
	assert_in_range(now_ms() - start, 200, 20000);
	assert_string_equal(shyper_ctx_get_error(machine->ctx)->hint,
			    "see whether `shyper system daemon` runs, and what it logged of cell1.con1");
	machine_write_text(machine, "/run/systemd/system/is", "a folder\n");
	assert_int_equal(shyper_console_open(cell, "con1", 200, &console), -ETIMEDOUT);
	assert_string_equal(shyper_ctx_get_error(machine->ctx)->hint,
			    "see `systemctl status shyper-console@cell1.con1`");
}

static void test_sizes_go_to_a_backend_that_takes_them(void **state)
{
	struct machine *machine = *state;
	struct shyper_console *console;
	struct sockaddr_un address;
	struct winsize size;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), err;

	assert_int_equal(shyper_console_open(cell, NULL, 1000, &console), 0);
	assert_int_equal(shyper_console_set_size(console, 24, 80), -EOPNOTSUPP);
	assert_int_equal(wire_address(machine->ctx, "cell1.con0@size", &address), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(shyper_console_set_size(console, 24, 80), 0);
	assert_int_equal(read(fd, &size, sizeof(size)), sizeof(size));
	assert_int_equal(size.ws_row, 24);
	assert_int_equal(size.ws_col, 80);
	do
		err = shyper_console_set_size(console, 50, 132);
	while (!err);
	assert_int_equal(err, -EAGAIN);
	close(fd);
	shyper_console_close(console);
}

static void test_text_goes_both_ways_and_nothing_blocks(void **state)
{
	struct machine *machine = *state;
	struct shyper_console *console;
	struct pollfd poll_fd = { .events = POLLIN };
	char text[64] = "", flood[4096] = "";
	int peer, done;

	assert_int_equal(shyper_console_open(cell, NULL, 1000, &console), 0);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(shyper_console_read(console, text, sizeof(text)), 0);
	assert_int_equal(write(peer, "login: ", 7), 7);
	poll_fd.fd = shyper_console_get_fd(console);
	assert_int_equal(poll(&poll_fd, 1, 5000), 1);
	assert_int_equal(shyper_console_read(console, text, 3), 3);
	assert_int_equal(shyper_console_read(console, text + 3, sizeof(text) - 3), 4);
	assert_string_equal(text, "login: ");
	assert_int_equal(shyper_console_write(console, "root\r", 5), 5);
	assert_int_equal(read(peer, text, sizeof(text)), 5);
	/* A guest that does not read. */
	do
		done = shyper_console_write(console, flood, sizeof(flood));
	while (done > 0);
	assert_int_equal(done, 0);
	close(peer);
	assert_int_equal(shyper_console_write(console, "x", 1), -ENODEV);
	/* What it did not read makes the end a reset. */
	assert_int_equal(shyper_console_read(console, text, sizeof(text)), -ENODEV);
	assert_int_equal(shyper_ctx_get_error(machine->ctx)->code, -ENODEV);
	shyper_console_close(console);
	shyper_console_close(NULL);
}

static void test_end_of_the_backend_is_told(void **state)
{
	struct shyper_console *console;
	char text[64];
	int peer;

	(void)state;
	assert_int_equal(shyper_console_open(cell, NULL, 1000, &console), 0);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(write(peer, "bye", 3), 3);
	close(peer);
	assert_int_equal(shyper_console_read(console, text, sizeof(text)), 3);
	assert_int_equal(shyper_console_read(console, text, sizeof(text)), -ENODEV);
	shyper_console_close(console);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_console_is_meant_or_the_named_one),
		TEST(test_a_port_is_named_behind_its_console),
		TEST(test_missing_backend_is_waited_for_and_named),
		TEST(test_sizes_go_to_a_backend_that_takes_them),
		TEST(test_text_goes_both_ways_and_nothing_blocks),
		TEST(test_end_of_the_backend_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
