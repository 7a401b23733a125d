// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The monitor's side of a cell: its socket, and what it does when it is asked.
 *
 * A cell has one monitor (holder.c), so a socket that is there already belongs to
 * one that has died.
 */
#include "cell-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shyper/monitor.h>

#include "boot.h"
#include "holder.h"
#include "sysfs.h"
#include "uapi.h"
#include "wire.h"

#define REQUEST_TIMEOUT_MS	5000

struct shyper_monitor {
	struct shyper_ctx *ctx;
	struct holder holder;
	int socket;
	struct sockaddr_un address;
	/* What was loaded and not started since. */
	bool is_loaded;
	struct hvisor_cell_start image;
};

static int listen_at(struct shyper_monitor *monitor)
{
	struct sockaddr_un *address = &monitor->address;
	char *folder = ctx_path(monitor->ctx, "/run/shyper");
	int err;

	if (!folder)
		return -ENOMEM;
	mkdir(folder, 0755);
	free(folder);
	err = wire_address(monitor->ctx, monitor->holder.sysname, address);
	if (err)
		return err;
	monitor->socket = socket(AF_UNIX,
				 SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (monitor->socket < 0)
		return -errno;
	unlink(address->sun_path);
	/* Nobody can connect before listen(), so the mode comes in time. */
	if (bind(monitor->socket, (struct sockaddr *)address, sizeof(*address)) ||
	    chmod(address->sun_path, 0600) || listen(monitor->socket, 8))
		return -errno;
	return 0;
}

static int monitor_listen(struct shyper_monitor *monitor)
{
	int err = listen_at(monitor);

	if (err)
		error_set(monitor->ctx, err, monitor->holder.sysname, NULL,
			  "cannot listen at %s: %s", monitor->address.sun_path,
			  strerror(-err));
	return err;
}

int shyper_monitor_open(struct shyper_ctx *ctx, const char *sysname,
			struct shyper_monitor **ret_monitor)
{
	struct shyper_monitor *monitor;
	const char *rest;
	unsigned int id;
	int err;

	ctx_begin(ctx);
	if (!sysfs_parse_name(sysname, &id, &rest) || *rest)
		return error_set(ctx, -EINVAL, sysname, NULL,
				 "is no cell, expected \"cell1\" or the like");
	monitor = calloc(1, sizeof(*monitor));
	if (!monitor)
		return error_no_memory(ctx);
	monitor->ctx = ctx;
	monitor->socket = -1;
	err = holder_open(&monitor->holder, ctx, id);
	if (!err)
		err = monitor_listen(monitor);
	if (err) {
		shyper_monitor_close(monitor);
		return err;
	}
	*ret_monitor = monitor;
	return 0;
}

void shyper_monitor_close(struct shyper_monitor *monitor)
{
	int saved = errno;

	if (!monitor)
		return;
	/* Before the memory: who destroyed the cell waits for that, not for us. */
	if (monitor->socket >= 0) {
		unlink(monitor->address.sun_path);
		close(monitor->socket);
	}
	holder_close(&monitor->holder);
	free(monitor);
	errno = saved;
}

const struct shyper_config *
shyper_monitor_get_config(const struct shyper_monitor *monitor)
{
	return monitor->holder.config;
}

int shyper_monitor_get_event_fd(const struct shyper_monitor *monitor)
{
	return holder_get_fd(&monitor->holder);
}

int shyper_monitor_get_socket_fd(const struct shyper_monitor *monitor)
{
	return monitor->socket;
}

int shyper_monitor_read_state(struct shyper_monitor *monitor,
			      struct shyper_monitor_state *ret_state)
{
	ctx_begin(monitor->ctx);
	return holder_read_state(&monitor->holder, ret_state);
}

/* Another cell may have got the number of the one that is meant. */
static bool means_us(const struct shyper_monitor *monitor, const json_t *message)
{
	const char *name = json_string_value(json_object_get(message, "cell"));

	return !name || !strcmp(name, monitor->holder.config->name);
}

static int parse_request(json_t *message, struct shyper_monitor_request *request)
{
	static const char *const ops[] = {
		[SHYPER_MONITOR_PING] = "ping",
		[SHYPER_MONITOR_START] = "start",
		[SHYPER_MONITOR_RESTART] = "restart",
		[SHYPER_MONITOR_LOAD] = "load",
	};
	const char *op = json_string_value(json_object_get(message, "op"));
	json_int_t ms = json_integer_value(json_object_get(message, "timeout_ms"));
	size_t i;

	request->timeout_ms = ms > 0 && ms <= 3600000 ? (unsigned int)ms : 0;
	for (i = 0; op && i < ARRAY_SIZE(ops); i++) {
		if (strcmp(op, ops[i]))
			continue;
		request->op = (enum shyper_monitor_op)i;
		return 0;
	}
	return -EPROTO;
}

int shyper_monitor_accept(struct shyper_monitor *monitor,
			  struct shyper_monitor_request *ret_request)
{
	struct shyper_monitor_request request;
	json_t *message = NULL;
	int err;

	ctx_begin(monitor->ctx);
	request.fd = accept4(monitor->socket, NULL, NULL, SOCK_CLOEXEC);
	if (request.fd < 0)
		return 0;
	err = wire_read(request.fd, now_ms() + REQUEST_TIMEOUT_MS, &message);
	if (!err)
		err = parse_request(message, &request);
	if (err)
		error_set(monitor->ctx, err, monitor->holder.sysname, NULL,
			  "the request makes no sense, expected {\"op\":\"start\"}");
	else if (!means_us(monitor, message))
		err = error_set(monitor->ctx, -ENOENT, monitor->holder.sysname, NULL,
				"does not exist");
	json_decref(message);
	if (!err) {
		*ret_request = request;
		return 1;
	}
	shyper_monitor_answer(monitor, &request, err);
	return 0;
}

/* The asker says which cell it is about; what is more special is kept. */
static void explain(const struct shyper_error *error, int code, char *text,
		    size_t size)
{
	if (!error->code)
		text_copy(text, size, strerror(-code));
	else if (strncmp(error->subject, "cell", 4))
		shyper_error_format(error, text, size);
	else
		text_format(text, size, "%s%s%s", error->location,
			    error->location[0] ? ": " : "", error->text);
}

void shyper_monitor_answer(struct shyper_monitor *monitor,
			   const struct shyper_monitor_request *request, int code)
{
	const struct shyper_error *error = &monitor->ctx->error;
	char text[768];

	if (code >= 0) {
		wire_write(request->fd, json_pack("{s:b}", "ok", 1));
	} else {
		explain(error, code, text, sizeof(text));
		wire_write(request->fd,
			   json_pack("{s:b, s:i, s:s, s:s}", "ok", 0, "code", code,
				     "text", text, "hint", error->hint));
	}
	close(request->fd);
}

static const char *device_name(const struct shyper_config *config, uint32_t index)
{
	return index < config->nr_devices ? config->devices[index].name :
					    EARLYCON_NAME;
}

/* It may be destroyed under its monitor at any time. */
static int explain_refusal(struct shyper_monitor *monitor, int err, const char *verb)
{
	if (err == -ENODEV)
		return error_set(monitor->ctx, err, monitor->holder.sysname, NULL,
				 "does not exist");
	return error_set(monitor->ctx, err, monitor->holder.sysname, NULL,
			 "cannot be %s: %s", verb, strerror(-err));
}

static void hint_at_backend(struct shyper_monitor *monitor, const struct device_config *device)
{
	char sysname[SYSFS_NAME_LEN];

	text_format(sysname, sizeof(sysname), "%s.%s", monitor->holder.sysname, device->name);
	if (device->type == DEVICE_USER)
		error_hint(monitor->ctx, "start its backend, which is none of shyper's: the device's type is \"user\"");
	else
		error_hint_service(monitor->ctx, device_type_name(device->type), sysname);
}

static int explain_load(struct shyper_monitor *monitor, int err, uint32_t device)
{
	struct shyper_ctx *ctx = monitor->ctx;
	const char *name = device_name(monitor->holder.config, device);
	char place[48];

	if (err == -EBUSY)
		return error_set(ctx, err, monitor->holder.sysname, NULL,
				 "it is running already");
	if (err == -ECANCELED)
		return error_set(ctx, -EBUSY, monitor->holder.sysname, NULL,
				 "was stopped by somebody else before it could be loaded");
	if (err == -ENODEV)
		return error_set(ctx, -ENOENT, monitor->holder.sysname, NULL,
				 "does not exist");
	if (err != -ETIMEDOUT || device > monitor->holder.config->nr_devices)
		return explain_refusal(monitor, err, "loaded");
	text_format(place, sizeof(place), "device %s", name);
	error_set(ctx, err, monitor->holder.sysname, place,
		  "its backend has not answered in time");
	if (device < monitor->holder.config->nr_devices)
		hint_at_backend(monitor, &monitor->holder.config->devices[device]);
	return err;
}

static int load_by(struct shyper_monitor *monitor, int fd, unsigned int timeout_ms)
{
	const struct holder *holder = &monitor->holder;
	struct hvisor_cell_op load = {
		.id = holder->id,
		.timeout_ms = timeout_ms ? timeout_ms : DEFAULT_TIMEOUT_MS,
	};
	uint64_t entry, argument;
	int err;

	monitor->is_loaded = false;
	err = uapi_cell_load(fd, &load);
	if (err)
		return explain_load(monitor, err, load.device);
	err = boot_load(monitor->ctx, holder->config, holder->memory, &entry,
			&argument);
	if (err)
		return err;
	monitor->image = (struct hvisor_cell_start){
		.id = holder->id, .entry = entry, .argument = argument,
	};
	monitor->is_loaded = true;
	return 0;
}

int shyper_monitor_load(struct shyper_monitor *monitor, unsigned int timeout_ms)
{
	int fd, err;

	ctx_begin(monitor->ctx);
	fd = holder_bind(&monitor->holder);
	if (fd < 0)
		return fd;
	err = load_by(monitor, fd, timeout_ms);
	close(fd);
	return err;
}

/* -EBUSY: it is not loaded (any more). */
static int start_loaded(struct shyper_monitor *monitor, int fd)
{
	struct hvisor_cell_start start = monitor->image;

	if (!monitor->is_loaded)
		return -EBUSY;
	monitor->is_loaded = false;
	return uapi_cell_start(fd, &start);
}

static int start_by(struct shyper_monitor *monitor, int fd, unsigned int timeout_ms)
{
	int err = start_loaded(monitor, fd);

	if (err == -EBUSY) {
		err = load_by(monitor, fd, timeout_ms);
		if (err)
			return err;
		err = start_loaded(monitor, fd);
	}
	if (err == -EBUSY)
		return error_set(monitor->ctx, err, monitor->holder.sysname, NULL,
				 "was stopped by somebody else before it could be started");
	return err ? explain_refusal(monitor, err, "started") : 0;
}

static int monitor_start(struct shyper_monitor *monitor, unsigned int timeout_ms)
{
	int fd = holder_bind(&monitor->holder);
	int err;

	if (fd < 0)
		return fd;
	err = start_by(monitor, fd, timeout_ms);
	close(fd);
	return err;
}

int shyper_monitor_start(struct shyper_monitor *monitor, unsigned int timeout_ms)
{
	ctx_begin(monitor->ctx);
	return monitor_start(monitor, timeout_ms);
}

/* A file that is bound to a cell may not stop it, which is a matter of control. */
static int stop_if_running(struct shyper_monitor *monitor)
{
	struct hvisor_cell_op op = { .id = monitor->holder.id };
	char state[32];
	int fd, err;

	err = sysfs_read(monitor->ctx, monitor->holder.sysname, "state", state,
			 sizeof(state));
	if (err >= 0 && strcmp(state, "running") && strcmp(state, "paused"))
		return 0;
	fd = uapi_open(monitor->ctx, HVISOR_ROLE_CONTROL, 0, 0);
	if (fd < 0)
		return fd;
	err = uapi_cell_stop(fd, &op);
	close(fd);
	/* It ended by itself meanwhile. */
	if (!err || err == -EBUSY)
		return 0;
	return explain_refusal(monitor, err, "stopped");
}

int shyper_monitor_restart(struct shyper_monitor *monitor, unsigned int timeout_ms)
{
	int err;

	ctx_begin(monitor->ctx);
	monitor->is_loaded = false;
	err = stop_if_running(monitor);
	return err ? err : monitor_start(monitor, timeout_ms);
}
