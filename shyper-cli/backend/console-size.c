// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sizes of the clients' terminals. A stream has no place for them beside what
 * is typed, so each comes as a datagram, a struct winsize, at a socket of its own,
 * and is that of the clients of the process it is from, which the kernel tells.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "console.h"

/* False: there is none. */
static bool take_size(struct console *console)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct winsize size;
	struct iovec iov = { &size, sizeof(size) };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t length = recvmsg(console->sizes.fd, &message, MSG_DONTWAIT);
	struct cmsghdr *header;
	struct ucred sender;

	if (length < 0)
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (length != sizeof(size) || !header || header->cmsg_level != SOL_SOCKET ||
	    header->cmsg_type != SCM_CREDENTIALS)
		return true;
	memcpy(&sender, CMSG_DATA(header), sizeof(sender));
	/* It has connected before it sent this, perhaps only just. */
	console_accept(console);
	console_client_size(console, sender.pid, &size);
	return true;
}

static void sizes_ready(struct shyper_backend *backend, struct shyper_watch *watch,
			uint32_t events)
{
	unsigned int n;

	(void)backend;
	(void)events;
	/* Some at a time: whoever sends without end is not the only one here. */
	for (n = 0; n < MAX_CLIENTS && take_size(watch->data); n++)
		;
}

int console_listen_sizes(struct console *console, const char *directory)
{
	struct shyper_watch *sizes = &console->sizes;
	int on = 1;

	sizes->fd = console_socket(console, directory, "@size.sock", SOCK_DGRAM);
	if (sizes->fd < 0)
		return sizes->fd;
	if (setsockopt(sizes->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)))
		return -errno;
	sizes->ready = sizes_ready;
	sizes->data = console;
	return shyper_backend_watch(console->backend, sizes, EPOLLIN);
}
