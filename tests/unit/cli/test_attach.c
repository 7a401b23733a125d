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
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>
#include <unistd.h>

#include <cmocka.h>

#include "attach.h"

#define WAIT_MS	5000

void cli_error(const struct session *session, const char *subject,
	       const char *hint, const char *reason, ...)
{
}

/* A console whose backend is this test: the other ends of both. */
struct shyper_console {
	int fd, sizes;
};

static struct shyper_console console;
static int backend, sizes;

const char *shyper_console_get_name(const struct shyper_console *c)
{
	return "cell1.con0";
}

int shyper_console_get_fd(const struct shyper_console *c)
{
	return c->fd;
}

int shyper_console_read(struct shyper_console *c, char *buffer, size_t size)
{
	ssize_t done = recv(c->fd, buffer, size, MSG_DONTWAIT);

	if (done < 0 && errno == EAGAIN)
		return 0;
	return done > 0 ? (int)done : -ENODEV;
}

int shyper_console_write(struct shyper_console *c, const char *data, size_t size)
{
	ssize_t done = send(c->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (done < 0 && errno == EAGAIN)
		return 0;
	return done >= 0 ? (int)done : -ENODEV;
}

int shyper_console_set_size(struct shyper_console *c, unsigned short rows,
			    unsigned short columns)
{
	const unsigned short size[2] = { rows, columns };

	return write(c->sizes, size, sizeof(size)) == sizeof(size) ? 0 : -EAGAIN;
}

static void open_console(void)
{
	int stream[2], datagrams[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, datagrams), 0);
	console = (struct shyper_console){ .fd = stream[0], .sizes = datagrams[0] };
	backend = stream[1];
	sizes = datagrams[1];
}

static void close_console(void)
{
	close(backend);
	close(sizes);
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

/* In the child: with the console's end alone. */
static void run_attached(const struct invocation *invocation)
{
	close_console();
	_exit(attach_console(invocation, &console));
}

/* In the parent: with the backend's alone. */
static void leave_to_child(void)
{
	close(console.fd);
	close(console.sizes);
}

static const struct invocation plain;

struct terminal {
	int master, slave;
	pid_t pid;
	struct termios before;
};

static void open_terminal(struct terminal *t)
{
	open_console();
	assert_int_equal(openpty(&t->master, &t->slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(t->slave, &t->before), 0);
	t->pid = fork();
	if (!t->pid) {
		login_tty(t->slave);
		run_attached(&plain);
	}
	leave_to_child();
	expect(t->master, "^] leaves");
}

static void assert_terminal_is_restored(struct terminal *t)
{
	struct termios after;

	assert_int_equal(tcgetattr(t->slave, &after), 0);
	assert_int_equal(after.c_lflag, t->before.c_lflag);
	assert_int_equal(after.c_iflag, t->before.c_iflag);
	assert_int_equal(after.c_oflag, t->before.c_oflag);
	close_console();
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
	expect(backend, "ab\x03\x1a\x04" "c");
	assert_int_equal(write(backend, "login: ", 7), 7);
	expect(t.master, "login: ");
	assert_int_equal(write(t.master, "x\x1dy", 3), 3);
	expect(backend, "x");
	expect(t.master, "left");
	assert_int_equal(status_of(t.pid), CLI_DONE);
	assert_terminal_is_restored(&t);
}

static void expect_size(unsigned short columns, unsigned short rows)
{
	struct pollfd input = { .fd = sizes, .events = POLLIN };
	unsigned short size[2];

	assert_int_equal(poll(&input, 1, WAIT_MS), 1);
	assert_int_equal(read(sizes, size, sizeof(size)), sizeof(size));
	assert_int_equal(size[0], rows);
	assert_int_equal(size[1], columns);
}

static void test_the_backend_hears_of_sizes(void **state)
{
	const struct winsize larger = { .ws_col = 132, .ws_row = 50 };
	struct terminal t;

	open_terminal(&t);
	make_raw_certain(&t);
	expect_size(0, 0);
	assert_int_equal(ioctl(t.master, TIOCSWINSZ, &larger), 0);
	expect_size(132, 50);
	/* It is none of the signals that end it. */
	assert_int_equal(write(t.master, "a", 1), 1);
	expect(backend, "a");
	assert_int_equal(write(t.master, "\x1d", 1), 1);
	assert_int_equal(status_of(t.pid), CLI_DONE);
	assert_terminal_is_restored(&t);
}

static void test_the_terminal_is_restored_when_the_backend_goes(void **state)
{
	struct terminal t;

	open_terminal(&t);
	make_raw_certain(&t);
	shutdown(backend, SHUT_RDWR);
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
	int in[2], out[2];
	char rest;
	pid_t pid;

	open_console();
	assert_int_equal(pipe(in) | pipe(out), 0);
	pid = fork();
	if (!pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[1]);
		run_attached(&plain);
	}
	leave_to_child();
	/* The escape key is a byte like others. */
	assert_int_equal(write(in[1], "ls\x1d\n", 4), 4);
	close(in[1]);
	expect(backend, "ls\x1d\n");
	assert_int_equal(read(backend, &rest, 1), 0);
	assert_int_equal(write(backend, "answer\n", 7), 7);
	expect(out[0], "answer\n");
	close(backend);
	assert_int_equal(status_of(pid), CLI_DONE);
	close(sizes);
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

static void test_json_has_a_line_for_each_piece_of_text(void **state)
{
	static const struct invocation invocation = { .json = true };
	int out[2];
	pid_t pid;

	open_console();
	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (!pid) {
		dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		run_attached(&invocation);
	}
	leave_to_child();
	assert_int_equal(write(backend, "a\x1b\"b\n", 5), 5);
	expect(out[0], "{\"text\":\"a?\\\"b\\n\"}\n");
	close(backend);
	assert_int_equal(status_of(pid), CLI_DONE);
	close(sizes);
	close(out[0]);
	close(out[1]);
}

/* The guest takes nothing: the socket is full, and the program waits for room. */
static void test_a_signal_ends_it_while_the_guest_takes_nothing(void **state)
{
	struct pollfd input = { .events = POLLIN };
	pid_t pid;

	open_console();
	input.fd = backend;
	pid = fork();
	if (!pid) {
		int zeros = open("/dev/zero", O_RDONLY);

		dup2(zeros, STDIN_FILENO);
		run_attached(&plain);
	}
	leave_to_child();
	assert_int_equal(poll(&input, 1, WAIT_MS), 1);
	usleep(300000);
	kill(pid, SIGTERM);
	assert_int_equal(status_of(pid), CLI_FAILED);
	close_console();
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
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
