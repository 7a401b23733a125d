// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Tells the service manager that a backend is ready: sd_notify(3)'s protocol,
 * a datagram to the socket that NOTIFY_SOCKET names.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "link.h"

int notify_open(void)
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

void notify_ready(int fd)
{
	static const char message[] = "READY=1";

	if (fd < 0)
		return;
	/* Whether anybody listens is not the backend's concern. */
	(void)!write(fd, message, sizeof(message) - 1);
	close(fd);
}
