// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of shyper-cli/attach.c, on a pseudo-terminal and through pipes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>
#include <unistd.h>

#include <cmocka.h>

#include "attach.h"
#include "service.h"

#define WAIT_MS	5000

void cli_error(const struct session *session, const char *subject,
	       const char *hint, const char *reason, ...)
{
}

static int bind_as_backend(const char *name, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	mkdir(SERVICE_RUN_FOLDER, 0700);
	snprintf(address.sun_path, sizeof(address.sun_path), SERVICE_RUN_FOLDER "/%s", name);
	unlink(address.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* The backend's listening socket. */
static int listen_as_backend(void)
{
	int fd = bind_as_backend("cell1.con0.sock", SOCK_STREAM);

	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Reads until @wanted has come. */
static void expect(int fd, const char *wanted)
{
	char text[4096] = "";
	size_t used = 0;

	while (!strstr(text, wanted)) {
		struct pollfd input = { .fd = fd, .events = POLLIN };
		ssize_t length;

		if (poll(&input, 1, WAIT_MS) <= 0)
			fail_msg("'%s' has not come, but '%s'", wanted, text);
		length = read(fd, text + used, sizeof(text) - 1 - used);
		if (length <= 0)
			fail_msg("end instead of '%s', after '%s'", wanted,
				 text);
		used += (size_t)length;
		text[used] = '\0';
	}
}

static int status_of(pid_t pid)
{
	int status;

	for (int i = 0; i < WAIT_MS / 10; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			assert_true(WIFEXITED(status));
			return WEXITSTATUS(status);
		}
		usleep(10000);
	}
	kill(pid, SIGKILL);
	fail_msg("it does not end");
	return -1;
}

static void run_attached(void)
{
	const struct invocation invocation = { 0 };

	_exit(attach_console(&invocation, "cell1.con0"));
}

struct terminal {
	int listening, backend, master, slave;
	pid_t pid;
	struct termios before;
};

static void open_terminal(struct terminal *t)
{
	t->listening = listen_as_backend();
	assert_int_equal(openpty(&t->master, &t->slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(t->slave, &t->before), 0);
	t->pid = fork();
	if (!t->pid) {
		login_tty(t->slave);
		run_attached();
	}
	t->backend = accept(t->listening, NULL, NULL);
	expect(t->master, "^] leaves");
}

static void assert_terminal_is_restored(struct terminal *t)
{
	struct termios after;

	assert_int_equal(tcgetattr(t->slave, &after), 0);
	assert_int_equal(after.c_lflag, t->before.c_lflag);
	assert_int_equal(after.c_iflag, t->before.c_iflag);
	assert_int_equal(after.c_oflag, t->before.c_oflag);
	close(t->backend);
	close(t->listening);
	close(t->master);
	close(t->slave);
}

static bool is_raw(const struct terminal *t)
{
	struct termios now;

	tcgetattr(t->slave, &now);
	return !(now.c_lflag & (ICANON | ISIG | ECHO));
}

static void make_raw_certain(const struct terminal *t)
{
	for (int i = 0; i < WAIT_MS / 10 && !is_raw(t); i++)
		usleep(10000);
	assert_true(is_raw(t));
}

static void test_keys_go_through_until_the_escape_key(void **state)
{
	struct terminal t;

	open_terminal(&t);
	make_raw_certain(&t);
	/* ^C, ^Z and ^D are the guest's. */
	assert_int_equal(write(t.master, "ab\x03\x1a\x04" "c", 6), 6);
	expect(t.backend, "ab\x03\x1a\x04" "c");
	assert_int_equal(write(t.backend, "login: ", 7), 7);
	expect(t.master, "login: ");
	assert_int_equal(write(t.master, "x\x1dy", 3), 3);
	expect(t.backend, "x");
	expect(t.master, "left");
	assert_int_equal(status_of(t.pid), CLI_DONE);
	assert_terminal_is_restored(&t);
}

static void expect_size(int fd, unsigned short columns, unsigned short rows)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	struct winsize size;

	assert_int_equal(poll(&input, 1, WAIT_MS), 1);
	assert_int_equal(read(fd, &size, sizeof(size)), sizeof(size));
	assert_int_equal(size.ws_col, columns);
	assert_int_equal(size.ws_row, rows);
}

static void test_the_backend_hears_of_sizes(void **state)
{
	const struct winsize larger = { .ws_col = 132, .ws_row = 50 };
	int fd = bind_as_backend("cell1.con0@size.sock", SOCK_DGRAM);
	struct terminal t;

	open_terminal(&t);
	make_raw_certain(&t);
	expect_size(fd, 0, 0);
	assert_int_equal(ioctl(t.master, TIOCSWINSZ, &larger), 0);
	expect_size(fd, 132, 50);
	/* It is none of the signals that end it. */
	assert_int_equal(write(t.master, "a", 1), 1);
	expect(t.backend, "a");
	assert_int_equal(write(t.master, "\x1d", 1), 1);
	assert_int_equal(status_of(t.pid), CLI_DONE);
	assert_terminal_is_restored(&t);
	close(fd);
	unlink(SERVICE_RUN_FOLDER "/cell1.con0@size.sock");
}

static void test_the_terminal_is_restored_when_the_backend_goes(void **state)
{
	struct terminal t;

	open_terminal(&t);
	make_raw_certain(&t);
	shutdown(t.backend, SHUT_RDWR);
	expect(t.master, "closed");
	assert_int_equal(status_of(t.pid), CLI_DONE);
	assert_terminal_is_restored(&t);
}

static void test_the_terminal_is_restored_after_signals(void **state)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGQUIT, SIGINT };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct terminal t;

		open_terminal(&t);
		make_raw_certain(&t);
		kill(t.pid, signals[i]);
		assert_int_equal(status_of(t.pid), signals[i] == SIGINT ?
						   CLI_DONE : CLI_FAILED);
		assert_terminal_is_restored(&t);
	}
}

static void test_a_pipe_is_copied_to_its_end(void **state)
{
	int listening = listen_as_backend(), in[2], out[2], backend;
	char rest;
	pid_t pid;

	assert_int_equal(pipe(in) | pipe(out), 0);
	pid = fork();
	if (!pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[1]);
		run_attached();
	}
	backend = accept(listening, NULL, NULL);
	/* The escape key is a byte like others. */
	assert_int_equal(write(in[1], "ls\x1d\n", 4), 4);
	close(in[1]);
	expect(backend, "ls\x1d\n");
	assert_int_equal(read(backend, &rest, 1), 0);
	assert_int_equal(write(backend, "answer\n", 7), 7);
	expect(out[0], "answer\n");
	close(backend);
	assert_int_equal(status_of(pid), CLI_DONE);
	close(listening);
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

static void test_json_has_a_line_for_each_piece_of_text(void **state)
{
	static const struct invocation invocation = { .json = true };
	int listening = listen_as_backend(), out[2], backend;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (!pid) {
		dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		_exit(attach_console(&invocation, "cell1.con0"));
	}
	backend = accept(listening, NULL, NULL);
	assert_int_equal(write(backend, "a\x1b\"b\n", 5), 5);
	expect(out[0], "{\"text\":\"a?\\\"b\\n\"}\n");
	close(backend);
	assert_int_equal(status_of(pid), CLI_DONE);
	close(listening);
	close(out[0]);
	close(out[1]);
}

static void test_without_backend_it_fails(void **state)
{
	pid_t pid;

	unlink(SERVICE_RUN_FOLDER "/cell1.con0.sock");
	pid = fork();
	if (!pid)
		run_attached();
	assert_int_equal(status_of(pid), CLI_FAILED);
}

/* The guest takes nothing: the socket is full, and the program waits for room. */
static void test_a_signal_ends_it_while_the_guest_takes_nothing(void **state)
{
	int listening = listen_as_backend(), backend;
	pid_t pid = fork();

	if (!pid) {
		int zeros = open("/dev/zero", O_RDONLY);

		dup2(zeros, STDIN_FILENO);
		run_attached();
	}
	backend = accept(listening, NULL, NULL);
	assert_true(backend >= 0);
	usleep(300000);
	kill(pid, SIGTERM);
	assert_int_equal(status_of(pid), CLI_FAILED);
	close(backend);
	close(listening);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_go_through_until_the_escape_key),
		cmocka_unit_test(test_the_backend_hears_of_sizes),
		cmocka_unit_test(test_the_terminal_is_restored_when_the_backend_goes),
		cmocka_unit_test(test_the_terminal_is_restored_after_signals),
		cmocka_unit_test(test_a_pipe_is_copied_to_its_end),
		cmocka_unit_test(test_a_signal_ends_it_while_the_guest_takes_nothing),
		cmocka_unit_test(test_json_has_a_line_for_each_piece_of_text),
		cmocka_unit_test(test_without_backend_it_fails),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
