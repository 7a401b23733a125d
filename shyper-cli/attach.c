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
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "service.h"

#define ESCAPE_KEY	0x1d	/* ^] */
#define CONNECT_TRIES	30	/* a backend that is started again: 0.1 s each */
#define CHUNK		4096

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };

#define NR_SIGNALS	(sizeof(signals) / sizeof(signals[0]))

struct attachment {
	const struct invocation *invocation;
	const char *sysname;
	int socket;
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

static struct sockaddr_un console_address(const char *sysname, const char *ending)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path),
		 SERVICE_RUN_FOLDER "/%s%s", sysname, ending);
	return address;
}

static int connect_console(const char *sysname)
{
	const struct sockaddr_un address = console_address(sysname, ".sock");
	const struct timespec pause = { 0, 100 * 1000000L };
	int fd, err = -ENOENT;

	for (int i = 0; i < CONNECT_TRIES; i++) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return -errno;
		if (!connect(fd, (const struct sockaddr *)&address,
			     sizeof(address)))
			return fd;
		err = -errno;
		close(fd);
		if (err != -ENOENT && err != -ECONNREFUSED)
			break;
		nanosleep(&pause, NULL);
	}
	return err;
}

/* The guest's terminal is to have the size of ours. Not each console has one. */
static void tell_size(const struct attachment *a)
{
	const struct sockaddr_un address = console_address(a->sysname, "@size.sock");
	struct winsize size;
	int fd;

	has_resized = false;
	if (!a->is_terminal || ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, &size, sizeof(size), MSG_DONTWAIT, (const struct sockaddr *)&address,
	       sizeof(address));
	close(fd);
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

/* A guest that takes no input fills the socket: signals still end the wait. */
static bool send_all(const struct attachment *a, const char *data, size_t length)
{
	struct pollfd room = { .fd = a->socket, .events = POLLOUT };

	while (length && !ended_by) {
		ssize_t done = send(a->socket, data, length,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done < 0 && errno == EAGAIN) {
			ppoll(&room, 1, NULL, &a->mask);
			continue;
		}
		if (done < 0)
			return false;
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
		shutdown(a->socket, SHUT_WR);
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
	ssize_t length = recv(a->socket, data, sizeof(data), 0);

	if (length < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	*closed = length <= 0;
	a->output_failed = length > 0 && !print(a, data, (size_t)length);
	return length > 0 && !a->output_failed;
}

/* True if the other side ended it. */
static bool copy_both_ways(struct attachment *a)
{
	bool closed = false;

	while (!ended_by) {
		struct pollfd fds[] = {
			{ .fd = a->socket, .events = POLLIN },
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
			       const char *sysname)
{
	struct attachment a = { .invocation = invocation, .sysname = sysname,
				.is_terminal = isatty(STDIN_FILENO) };
	bool closed;

	fflush(stdout);
	a.socket = connect_console(sysname);
	if (a.socket < 0) {
		cli_error(invocation->session, sysname,
			  "is its backend running? see 'shyper device list'",
			  "console: %s", strerror(-a.socket));
		return a.socket == -EACCES ? CLI_PERMISSION : CLI_FAILED;
	}
	if (a.is_terminal)
		fprintf(stderr, "connected to %s; ^] leaves\n", sysname);
	catch_signals(&a);
	if (a.is_terminal && !terminal_make_raw(&a)) {
		release_signals(&a);
		close(a.socket);
		cli_error(invocation->session, sysname, NULL,
			  "terminal: %s", strerror(errno));
		return CLI_FAILED;
	}
	closed = copy_both_ways(&a);
	if (a.is_terminal) {
		tcsetattr(STDIN_FILENO, TCSADRAIN, &a.saved);
		fprintf(stderr, "\n%s: %s\n", sysname,
			closed ? "closed by its backend" : "left");
	}
	release_signals(&a);
	close(a.socket);
	if (a.output_failed && !invocation->json)
		cli_error(invocation->session, "standard output", NULL,
			  "not all could be written");
	if (a.output_failed)
		return CLI_FAILED;
	return ended_by && ended_by != SIGINT ? CLI_FAILED : CLI_DONE;
}
