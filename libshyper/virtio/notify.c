// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Tells the service manager that a service is ready: sd_notify(3)'s protocol,
 * datagrams to the socket that NOTIFY_SOCKET names. A backend is in its jail when
 * it has something to tell: what it needs for that is made when it is opened.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"

/* As long as users of sd_notify_barrier(3) wait. */
#define WAIT_SECONDS	5

static int connect_manager(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length;
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	length = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	/* '@' stands for the NUL that begins an abstract name. */
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, length)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Without it nobody waits. */
static void make_barrier(struct notify *notify)
{
	const struct timeval limit = { .tv_sec = WAIT_SECONDS };

	if (notify->fd < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, notify->barrier)) {
		notify->barrier[0] = notify->barrier[1] = -1;
		return;
	}
	setsockopt(notify->barrier[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

void notify_open(struct notify *notify)
{
	notify->fd = connect_manager();
	make_barrier(notify);
}

void notify_close(struct notify *notify)
{
	int saved = errno;

	if (notify->fd >= 0)
		close(notify->fd);
	if (notify->barrier[0] >= 0)
		close(notify->barrier[0]);
	if (notify->barrier[1] >= 0)
		close(notify->barrier[1]);
	notify->fd = notify->barrier[0] = notify->barrier[1] = -1;
	errno = saved;
}

/* Whether anybody listens is not the backend's concern. */
static void send_ready(const struct notify *notify)
{
	static const char message[] = "READY=1";

	if (notify->fd >= 0)
		(void)!write(notify->fd, message, sizeof(message) - 1);
}

void notify_ready(struct notify *notify)
{
	send_ready(notify);
	notify_close(notify);
}

/* The manager closes the end that it gets when it has seen all before that. */
static bool send_barrier(const struct notify *notify)
{
	char message[] = "BARRIER=1";
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = message, .iov_len = sizeof(message) - 1 };
	struct msghdr header = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &notify->barrier[1], sizeof(int));
	return sendmsg(notify->fd, &header, MSG_NOSIGNAL) > 0;
}

void notify_ready_and_wait(struct notify *notify)
{
	char byte;

	send_ready(notify);
	if (notify->barrier[1] >= 0 && send_barrier(notify)) {
		close(notify->barrier[1]);
		notify->barrier[1] = -1;
		(void)!recv(notify->barrier[0], &byte, sizeof(byte), 0);
	}
	notify_close(notify);
}
