// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connects the terminal to the console of a cell.
 *
 * The terminal is raw meanwhile: each key goes to the guest, but for the
 * escape key. Signals that would end the program end the loop instead, so that
 * there is one way out and it restores the terminal.
 */
#include "attach.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "output.h"

#define ESCAPE_KEY	0x1d	/* ^] */
#define CHUNK		4096

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };

#define NR_SIGNALS	(sizeof(signals) / sizeof(signals[0]))

struct attachment {
	const struct invocation *invocation;
	struct shyper_console *console;
	bool is_terminal;
	bool input_ended;
	bool output_failed;
	struct termios saved;
	struct sigaction actions[NR_SIGNALS];
	sigset_t mask;
};

static volatile sig_atomic_t ended_by, has_resized;

static void on_signal(int signal)
{
	if (signal == SIGWINCH)
		has_resized = true;
	else
		ended_by = signal;
}

/* The guest's terminal is to have the size of ours. Not each console has one. */
static void tell_size(const struct attachment *a)
{
	struct winsize size;

	has_resized = false;
	if (a->is_terminal && !ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
		shyper_console_set_size(a->console, size.ws_row, size.ws_col);
}

static bool write_all(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t done = write(fd, data, length);

		if (done < 0 && errno == EINTR && !ended_by)
			continue;
		if (done < 0)
			return false;
		data += done;
		length -= (size_t)done;
	}
	return true;
}

/* A guest may take no input: signals still end the wait. */
static bool send_all(const struct attachment *a, const char *data, size_t length)
{
	struct pollfd room = { .fd = shyper_console_get_fd(a->console),
			       .events = POLLOUT };

	while (length && !ended_by) {
		int done = shyper_console_write(a->console, data, length);

		if (done < 0)
			return false;
		if (!done)
			ppoll(&room, 1, NULL, &a->mask);
		data += done;
		length -= (size_t)done;
	}
	return true;
}

/* Signals are let in only while the loop waits, see ppoll(). */
static void catch_signals(struct attachment *a)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t block;

	ended_by = 0;
	has_resized = true;
	sigemptyset(&action.sa_mask);
	sigemptyset(&block);
	for (size_t i = 0; i < NR_SIGNALS; i++) {
		sigaddset(&block, signals[i]);
		sigaction(signals[i], &action, &a->actions[i]);
	}
	sigprocmask(SIG_BLOCK, &block, &a->mask);
}

static void release_signals(const struct attachment *a)
{
	sigprocmask(SIG_SETMASK, &a->mask, NULL);
	for (size_t i = 0; i < NR_SIGNALS; i++)
		sigaction(signals[i], &a->actions[i], NULL);
}

static bool terminal_make_raw(struct attachment *a)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &a->saved))
		return false;
	raw = a->saved;
	cfmakeraw(&raw);
	return !tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

/* False: the connection is to end. */
static bool copy_input(struct attachment *a)
{
	char data[CHUNK];
	ssize_t length = read(STDIN_FILENO, data, sizeof(data));
	const char *escape;

	if (length < 0)
		return errno == EINTR || errno == EAGAIN;
	if (!length) {
		a->input_ended = true;
		shutdown(shyper_console_get_fd(a->console), SHUT_WR);
		return !a->is_terminal;
	}
	escape = a->is_terminal ? memchr(data, ESCAPE_KEY, (size_t)length) :
				  NULL;
	if (escape)
		length = escape - data;
	return send_all(a, data, (size_t)length) && !escape;
}

static bool print(const struct attachment *a, const char *data, size_t length)
{
	if (!a->invocation->json)
		return write_all(STDOUT_FILENO, data, length);
	return !output_text(a->invocation, "text", data, length) &&
	       output_finish();
}

static bool copy_output(struct attachment *a, bool *closed)
{
	char data[CHUNK];
	int length = shyper_console_read(a->console, data, sizeof(data));

	*closed = length < 0;
	a->output_failed = length > 0 && !print(a, data, (size_t)length);
	return length >= 0 && !a->output_failed;
}

/* True if the other side ended it. */
static bool copy_both_ways(struct attachment *a)
{
	bool closed = false;

	while (!ended_by) {
		struct pollfd fds[] = {
			{ .fd = shyper_console_get_fd(a->console), .events = POLLIN },
			{ .fd = a->input_ended ? -1 : STDIN_FILENO,
			  .events = POLLIN },
		};

		if (has_resized)
			tell_size(a);
		if (ppoll(fds, 2, NULL, &a->mask) < 0)
			continue;
		if (fds[0].revents && !copy_output(a, &closed))
			break;
		if (fds[1].revents && !copy_input(a))
			break;
	}
	return closed;
}

enum cli_status attach_console(const struct invocation *invocation,
			       struct shyper_console *console)
{
	struct attachment a = { .invocation = invocation, .console = console,
				.is_terminal = isatty(STDIN_FILENO) };
	const char *name = shyper_console_get_name(console);
	bool closed;

	fflush(stdout);
	if (a.is_terminal)
		fprintf(stderr, "connected to %s; ^] leaves\n", name);
	catch_signals(&a);
	if (a.is_terminal && !terminal_make_raw(&a)) {
		release_signals(&a);
		cli_error(invocation->session, name, NULL,
			  "terminal: %s", strerror(errno));
		return CLI_FAILED;
	}
	closed = copy_both_ways(&a);
	if (a.is_terminal) {
		tcsetattr(STDIN_FILENO, TCSADRAIN, &a.saved);
		fprintf(stderr, "\n%s: %s\n", name,
			closed ? "closed by its backend" : "left");
	}
	release_signals(&a);
	if (a.output_failed && !invocation->json)
		cli_error(invocation->session, "standard output", NULL,
			  "not all could be written");
	if (a.output_failed)
		return CLI_FAILED;
	return ended_by && ended_by != SIGINT ? CLI_FAILED : CLI_DONE;
}
