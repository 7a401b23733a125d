// SPDX-License-Identifier: LGPL-2.1-or-later
/* Consoles of cells: the sockets of their backends. */
#include <shyper/console.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cell-internal.h"
#include "sysfs.h"
#include "wire.h"

/* @socket: the device's name, with that of a port behind it where one is meant */
struct shyper_console {
	struct shyper_ctx *ctx;
	char sysname[SYSFS_NAME_LEN];
	char socket[SYSFS_NAME_LEN + HVISOR_DEVICE_NAME_LEN];
	char type[16];
	int fd;
};

static bool is_console(const char *type)
{
	return !strcmp(type, "console") || !strcmp(type, "pl011");
}

/* The sysname and the type of the cell's first console. */
static int find_console(const struct shyper_cell *cell,
			struct shyper_console *console)
{
	struct sysfs_name *names;
	int i, count = sysfs_list(cell->ctx, &names), err = -ENOENT;

	if (count < 0)
		return count;
	for (i = 0; i < count && err == -ENOENT; i++) {
		if (!names[i].is_device || names[i].cell != cell->id)
			continue;
		err = sysfs_read(cell->ctx, names[i].name, "type", console->type,
				 sizeof(console->type));
		if (err >= 0)
			err = is_console(console->type) ? 0 : -ENOENT;
		text_copy(console->sysname, SYSFS_NAME_LEN, names[i].name);
	}
	free(names);
	return err;
}

/* "con0", or "con0.agent", a port of it: then @ret_port is ".agent". */
static bool split_device(const char *device, char name[HVISOR_DEVICE_NAME_LEN],
			 const char **ret_port)
{
	size_t length = strcspn(device, ".");

	*ret_port = device + length;
	return text_format(name, HVISOR_DEVICE_NAME_LEN, "%.*s", (int)length, device) &&
	       name_is_valid(name, HVISOR_DEVICE_NAME_LEN) &&
	       (!**ret_port || name_is_valid(*ret_port + 1, HVISOR_DEVICE_NAME_LEN));
}

static int choose_console(struct shyper_cell *cell, const char *device,
			  struct shyper_console *console)
{
	struct shyper_ctx *ctx = cell->ctx;
	char subject[64], name[HVISOR_DEVICE_NAME_LEN];
	const char *port = "";
	int err = -ENOENT;

	cell_subject(cell->name, subject, sizeof(subject));
	if (!device)
		err = find_console(cell, console);
	else if (split_device(device, name, &port) &&
		 text_format(console->sysname, SYSFS_NAME_LEN, "%s.%s", cell->sysname,
			     name))
		err = sysfs_read(ctx, console->sysname, "type", console->type,
				 sizeof(console->type));
	if (err == -ENOMEM)
		return error_no_memory(ctx);
	if (err < 0)
		return error_set(ctx, -ENOENT, subject, device, device ?
				 "does not exist" : "has no console");
	if (!device || is_console(console->type)) {
		text_format(console->socket, sizeof(console->socket), "%s%s",
			    console->sysname, port);
		return 0;
	}
	return error_set(ctx, -EINVAL, subject, device,
			 "is no console, its type is \"%s\"", console->type);
}

static int explain_connect(const struct shyper_console *console, int err)
{
	const char *sysname = console->sysname;
	struct shyper_ctx *ctx = console->ctx;

	if (err == -EACCES || err == -EPERM) {
		error_set(ctx, -EPERM, sysname, NULL,
			  "no permission to connect to /run/shyper/%s.sock", console->socket);
		error_hint(ctx, "this needs root");
		return -EPERM;
	}
	if (err == -ENOENT || err == -ECONNREFUSED)
		err = -ETIMEDOUT;
	error_set(ctx, err, sysname, NULL, "its backend does not answer at /run/shyper/%s.sock",
		  console->socket);
	error_hint_service(ctx, console->type, sysname);
	return err;
}

int shyper_console_open(struct shyper_cell *cell, const char *device,
			unsigned int timeout_ms,
			struct shyper_console **ret_console)
{
	struct shyper_console *console;
	int err;

	ctx_begin(cell->ctx);
	console = calloc(1, sizeof(*console));
	if (!console)
		return error_no_memory(cell->ctx);
	console->ctx = cell->ctx;
	err = choose_console(cell, device, console);
	if (!err) {
		console->fd = wire_connect(cell->ctx, console->socket, now_ms() +
					   (timeout_ms ? timeout_ms : DEFAULT_TIMEOUT_MS));
		if (console->fd < 0)
			err = explain_connect(console, console->fd);
	}
	if (err) {
		free(console);
		return err;
	}
	*ret_console = console;
	return 0;
}

void shyper_console_close(struct shyper_console *console)
{
	if (!console)
		return;
	close_keep_errno(console->fd);
	free_keep_errno(console);
}

const char *shyper_console_get_name(const struct shyper_console *console)
{
	return console->socket;
}

int shyper_console_get_fd(const struct shyper_console *console)
{
	return console->fd;
}

/* What recv() and send() return, as the rules of the library have it. */
static int take_result(struct shyper_console *console, ssize_t done)
{
	if (done >= 0)
		return (int)done;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return error_set(console->ctx, -ENODEV, console->sysname, NULL,
			 "the console's backend has ended: %s", strerror(errno));
}

static size_t limit(size_t size)
{
	return size > INT_MAX ? INT_MAX : size;
}

int shyper_console_read(struct shyper_console *console, char *buffer, size_t size)
{
	ssize_t done;

	ctx_begin(console->ctx);
	done = recv(console->fd, buffer, limit(size), MSG_DONTWAIT);
	if (!done && size)
		return error_set(console->ctx, -ENODEV, console->sysname, NULL,
				 "the console's backend has ended");
	return take_result(console, done);
}

int shyper_console_write(struct shyper_console *console, const char *data,
			 size_t size)
{
	ctx_begin(console->ctx);
	return take_result(console, send(console->fd, data, limit(size),
					 MSG_DONTWAIT | MSG_NOSIGNAL));
}

int shyper_console_set_size(struct shyper_console *console, unsigned short rows,
			    unsigned short columns)
{
	const struct winsize size = { .ws_row = rows, .ws_col = columns };
	struct sockaddr_un address;
	char name[sizeof(console->socket) + sizeof("@size")];
	int fd, err;

	ctx_begin(console->ctx);
	text_format(name, sizeof(name), "%s@size", console->socket);
	err = wire_address(console->ctx, name, &address);
	if (err)
		return error_no_memory(console->ctx);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(console->ctx, -errno, console->socket, NULL,
				 "socket: %s", strerror(errno));
	if (sendto(fd, &size, sizeof(size), MSG_DONTWAIT,
		   (const struct sockaddr *)&address, sizeof(address)) < 0)
		err = errno == EAGAIN ? -EAGAIN : -EOPNOTSUPP;
	close(fd);
	return err ? error_set(console->ctx, err, console->socket, NULL,
			       "takes no size") : 0;
}
