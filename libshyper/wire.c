// SPDX-License-Identifier: LGPL-2.1-or-later
/* The lines of JSON between a cell's monitor and who asks it. */
#include "wire.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LINE	4096

int wire_address(const struct shyper_ctx *ctx, const char *sysname,
		 struct sockaddr_un *address)
{
	char *path = ctx_path(ctx, "/run/shyper/%s.sock", sysname);
	bool fits;

	if (!path)
		return -ENOMEM;
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	fits = text_copy(address->sun_path, sizeof(address->sun_path), path);
	free(path);
	return fits ? 0 : -ENAMETOOLONG;
}

/* One attempt; -ENOENT or -ECONNREFUSED: nobody listens (yet). */
static int connect_once(const struct sockaddr_un *address)
{
	int err, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int wire_connect(const struct shyper_ctx *ctx, const char *sysname,
		 uint64_t deadline)
{
	struct sockaddr_un address;
	int fd = wire_address(ctx, sysname, &address);

	if (fd)
		return fd;
	for (;;) {
		fd = connect_once(&address);
		if ((fd != -ENOENT && fd != -ECONNREFUSED && fd != -EAGAIN) ||
		    now_ms() >= deadline)
			return fd;
		nap_ms(50);
	}
}

static int read_line(int fd, char *line, size_t size, uint64_t deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	size_t used = 0;
	uint64_t now;
	ssize_t got;

	while (used < size - 1) {
		now = now_ms();
		if (now >= deadline)
			return -ETIMEDOUT;
		if (poll(&poll_fd, 1, (int)(deadline - now)) < 1)
			continue;
		got = read(fd, line + used, size - 1 - used);
		if (got <= 0)
			return got ? -errno : -ECONNRESET;
		used += (size_t)got;
		line[used] = '\0';
		if (line[used - 1] == '\n')
			return 0;
	}
	return -EMSGSIZE;
}

int wire_read(int fd, uint64_t deadline, json_t **ret_message)
{
	char line[MAX_LINE];
	json_t *message;
	int err;

	err = read_line(fd, line, sizeof(line), deadline);
	if (err)
		return err;
	message = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(message)) {
		json_decref(message);
		return -EPROTO;
	}
	*ret_message = message;
	return 0;
}

int wire_write(int fd, json_t *message)
{
	char line[MAX_LINE];
	size_t length;

	if (!message)
		return -ENOMEM;
	length = json_dumpb(message, line, sizeof(line) - 1, JSON_COMPACT);
	json_decref(message);
	if (!length || length > sizeof(line) - 1)
		return -EMSGSIZE;
	line[length++] = '\n';
	return send(fd, line, length, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
