// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The socket of a console. All clients read the same scroll-back, each at its
 * own position, so a slow one costs nothing and delays nobody: when the guest
 * has written more than the scroll-back holds it has lost the oldest part.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "console.h"

static unsigned int input_room(const struct console *console)
{
	return console->input_room ? console->input_room(console) :
				     INPUT_SIZE - console->input_length;
}

/* The guest takes no more for now: the rest waits in the socket. */
static bool held_up(const struct client *client)
{
	return client == client->console->writer && !input_room(client->console);
}

static void client_events(struct client *client, uint32_t more)
{
	struct shyper_backend *backend = client->console->backend;
	uint32_t events = more;

	if (!client->eof && !held_up(client))
		events |= EPOLLIN;
	if (!client->unwatched) {
		shyper_backend_rewatch(backend, &client->watch, events);
	} else if (events & EPOLLIN) {
		client->unwatched = false;
		shyper_backend_watch(backend, &client->watch, events);
	}
}

static void client_notice(struct client *client, const char *text)
{
	client->notice_length = snprintf(client->notice, sizeof(client->notice),
					 "\r\n[shyper: %s]\r\n", text);
}

static void client_flush(struct client *client);

/* Whose keys the guest gets, on their screen it is seen. */
static void writer_size(struct console *console)
{
	const struct client *writer = console->writer;

	if (console->resized && writer && writer->size.ws_row && writer->size.ws_col)
		console->resized(console, &writer->size);
}

void console_client_size(struct console *console, pid_t pid, const struct winsize *size)
{
	struct client *client;

	for (client = console->clients; client < console->clients + MAX_CLIENTS; client++)
		if (client->watch.fd >= 0 && client->pid == pid)
			client->size = *size;
	writer_size(console);
}

/* The oldest client, but for @but, that can still send. */
static struct client *next_writer(struct console *console, const struct client *but)
{
	struct client *client, *writer = NULL;

	for (client = console->clients; client < console->clients + MAX_CLIENTS; client++)
		if (client != but && client->watch.fd >= 0 && !client->eof &&
		    (!writer || client->number < writer->number))
			writer = client;
	return writer;
}

static void replace_writer(struct console *console)
{
	struct client *writer = next_writer(console, NULL);

	console->writer = writer;
	if (!writer)
		return;
	writer_size(console);
	client_notice(writer, "you can write now");
	client_flush(writer);
}

static void client_close(struct client *client)
{
	struct console *console = client->console;

	if (!client->unwatched)
		shyper_backend_unwatch(console->backend, &client->watch);
	close(client->watch.fd);
	client->watch.fd = -1;
	if (client == console->writer)
		replace_writer(console);
}

/* Bytes sent, 0: no room now, or nobody there any more. */
static ssize_t client_send(struct client *client, const char *text, size_t length)
{
	ssize_t sent = send(client->watch.fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent >= 0)
		return sent;
	client->deaf = errno != EAGAIN && errno != EINTR;
	return 0;
}

static ssize_t client_send_notice(struct client *client)
{
	ssize_t sent = client_send(client, client->notice, client->notice_length);

	if (sent > 0) {
		client->notice_length -= sent;
		memmove(client->notice, client->notice + sent, client->notice_length);
	}
	return sent;
}

static ssize_t client_send_output(struct client *client)
{
	const struct console *console = client->console;
	size_t offset = client->position % SCROLLBACK_SIZE;
	uint64_t length = console->written - client->position;
	ssize_t sent;

	if (length > SCROLLBACK_SIZE - offset)
		length = SCROLLBACK_SIZE - offset;
	sent = client_send(client, console->scrollback + offset, length);
	if (sent > 0)
		client->position += sent;
	return sent;
}

static void client_skip(struct client *client)
{
	uint64_t behind = client->console->written - client->position;
	char text[64];

	if (behind <= SCROLLBACK_SIZE)
		return;
	snprintf(text, sizeof(text), "%llu bytes lost, too slow",
		 (unsigned long long)(behind - SCROLLBACK_SIZE));
	client->position += behind - SCROLLBACK_SIZE;
	client_notice(client, text);
}

static void client_flush(struct client *client)
{
	const struct console *console = client->console;
	ssize_t sent;

	client_skip(client);
	while (!client->deaf &&
	       (client->notice_length || client->position < console->written)) {
		sent = client->notice_length ? client_send_notice(client) :
					       client_send_output(client);
		if (!sent && !client->deaf) {
			client_events(client, EPOLLOUT);
			return;
		}
	}
	if (client->eof)
		client_close(client);
	else
		client_events(client, 0);
}

void console_flush(struct console *console)
{
	struct client *client;

	for (client = console->clients; client < console->clients + MAX_CLIENTS; client++)
		if (client->watch.fd >= 0)
			client_flush(client);
}

void console_output(struct console *console, const char *text, size_t length)
{
	while (length) {
		size_t offset = console->written % SCROLLBACK_SIZE;
		size_t part = SCROLLBACK_SIZE - offset;

		if (part > length)
			part = length;
		memcpy(console->scrollback + offset, text, part);
		console->written += part;
		text += part;
		length -= part;
	}
}

void console_input_taken(struct console *console, unsigned int length)
{
	bool was_full = console->input_length == INPUT_SIZE;

	console->input_length -= length;
	memmove(console->input, console->input + length, console->input_length);
	if (was_full && console->writer)
		client_flush(console->writer);
}

/* Takes what a client sends; only the writer's goes to the guest. 0: it ends. */
static ssize_t client_receive(struct client *client)
{
	struct console *console = client->console;
	char dropped[512];
	ssize_t length;

	/* It may have become the writer a moment ago. */
	if (held_up(client))
		return -1;
	if (client != console->writer)
		length = recv(client->watch.fd, dropped, sizeof(dropped), MSG_DONTWAIT);
	else
		length = recv(client->watch.fd, console->input + console->input_length,
			      input_room(console), MSG_DONTWAIT);
	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? -1 : 0;
	if (length && client == console->writer) {
		console->input_length += length;
		console->input_comes(console);
	}
	return length;
}

static void client_take(struct client *client)
{
	if (client_receive(client))
		return;
	client->eof = true;
	if (client == client->console->writer)
		replace_writer(client->console);
}

void console_input_refill(struct console *console)
{
	struct client *writer = console->writer;

	if (!writer)
		return;
	client_take(writer);
	client_flush(writer);
}

static void client_ready(struct shyper_backend *backend, struct shyper_watch *watch,
			 uint32_t events)
{
	struct client *client = watch->data;

	/* Closed by what came before it in the same round. */
	if (watch->fd < 0)
		return;
	if (events & EPOLLIN) {
		client_take(client);
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		/*
		 * Gone. What it has sent before is the guest's all the same, unless
		 * it would keep another one from writing.
		 */
		if (!held_up(client) || client->eof ||
		    next_writer(client->console, client)) {
			client_close(client);
			return;
		}
		shyper_backend_unwatch(backend, watch);
		client->unwatched = true;
		client->deaf = true;
	}
	client_flush(client);
}

static pid_t client_pid(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) ? -1 : peer.pid;
}

static void client_open(struct console *console, struct client *client, int fd)
{
	uint64_t written = console->written;

	client->console = console;
	client->watch.fd = fd;
	client->watch.ready = client_ready;
	client->watch.data = client;
	client->number = ++console->connections;
	client->position = written > SCROLLBACK_SIZE ? written - SCROLLBACK_SIZE : 0;
	client->notice_length = 0;
	client->eof = false;
	client->deaf = false;
	client->unwatched = false;
	client->pid = client_pid(fd);
	memset(&client->size, 0, sizeof(client->size));
	if (shyper_backend_watch(console->backend, &client->watch, EPOLLIN)) {
		close(fd);
		client->watch.fd = -1;
		return;
	}
	/* One that has left, and that the guest does not listen to. */
	if (console->writer && console->writer->unwatched)
		client_close(console->writer);
	if (!console->writer)
		console->writer = client;
	else if (console->writer != client)
		client_notice(client, "read-only, another client writes");
	client_flush(client);
}

void console_accept(struct console *console)
{
	struct client *client;
	unsigned int n;
	int fd;

	/* All that can wait, but no more: others may come as fast as they go. */
	for (n = 0; n < MAX_CLIENTS; n++) {
		fd = accept4(console->listener.fd, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		client = console->clients;
		while (client < console->clients + MAX_CLIENTS && client->watch.fd >= 0)
			client++;
		if (client < console->clients + MAX_CLIENTS)
			client_open(console, client, fd);
		else
			close(fd);
	}
}

static void listener_ready(struct shyper_backend *backend, struct shyper_watch *watch,
			   uint32_t events)
{
	(void)backend;
	(void)events;
	console_accept(watch->data);
}

int console_socket(const struct console *console, const char *directory,
		   const char *ending, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s%s%s%s", directory,
		     shyper_backend_get_name(console->backend), console->port ? "." : "",
		     console->port ? console->port : "", ending);
	if (n >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	if (mkdir(directory, 0755) && errno != EEXIST)
		return -errno;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* A predecessor's; we are bound to the device, so nobody listens there. */
	unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    chmod(address.sun_path, 0660))
		return -errno;
	return fd;
}

int console_listen(struct console *console, const char *directory)
{
	struct shyper_watch *listener = &console->listener;
	int n;

	for (n = 0; n < MAX_CLIENTS; n++)
		console->clients[n].watch.fd = -1;
	listener->fd = console_socket(console, directory, ".sock", SOCK_STREAM);
	if (listener->fd < 0)
		return listener->fd;
	if (listen(listener->fd, MAX_CLIENTS))
		return -errno;
	listener->ready = listener_ready;
	listener->data = console;
	return shyper_backend_watch(console->backend, listener, EPOLLIN);
}
