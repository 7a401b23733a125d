// SPDX-License-Identifier: GPL-2.0-or-later
/* shyper device ...: the virtual devices of cells. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context.h"
#include "describe.h"
#include "settings.h"

#define DEFAULT_TIMEOUT_MS	30000

/* Of the cell that is named, or of all. */
static enum cli_status cmd_device_list(const struct invocation *invocation)
{
	struct shyper_device **devices;
	struct shyper_cell *cell = NULL;
	enum cli_status status;
	struct shyper_ctx *ctx;
	json_t *list;
	int count;

	status = invocation->argc ? context_open_cell(invocation, &cell) :
				    context_probe(invocation, &ctx);
	if (status)
		return status;
	count = shyper_device_list(invocation->session->ctx, cell, &devices);
	if (count < 0)
		status = context_fail(invocation, "devices", count);
	shyper_cell_close(cell);
	if (count < 0)
		return status;
	list = json_array();
	for (int i = 0; i < count; i++)
		json_array_append_new(list, describe_device(devices[i]));
	shyper_device_list_free(devices);
	return output_value(invocation, list, device_columns);
}

static enum cli_status cmd_device_show(const struct invocation *invocation)
{
	struct shyper_device *device;
	enum cli_status status;
	json_t *object;

	status = context_open_device(invocation, &device);
	if (status)
		return status;
	object = describe_device_fully(invocation->session->ctx, device);
	shyper_device_close(device);
	return output_value(invocation, object, device_fields);
}

/**
 * struct upgrade - a backend that makes way for its successor
 * @old_pid: of the one that serves at first
 * @new_pid: of the one that serves in the end
 * @is_gone: the device, with its cell or the module
 */
struct upgrade {
	const struct invocation *invocation;
	struct shyper_device *device;
	struct shyper_events *events;
	int old_pid;
	int new_pid;
	bool is_gone;
	int64_t began_ms;
	int64_t deadline_ms;
};

static int read_pid(struct shyper_device *device)
{
	char attached[8] = "", pid[16] = "";

	/* Read before the pid: a backend binds first and attaches later. */
	shyper_device_read_attribute(device, "attached", attached,
				     sizeof(attached));
	shyper_device_read_attribute(device, "backend_pid", pid, sizeof(pid));
	return strcmp(attached, "1") ? 0 : atoi(pid);
}

/*
 * SIGHUP makes a backend finish what it has in flight and end so that whoever
 * watches it starts it again, from what is installed now.
 */
static enum cli_status ask_to_go(struct upgrade *u)
{
	const struct session *session = u->invocation->session;
	const char *name = u->invocation->argv[0];

	u->old_pid = read_pid(u->device);
	if (!u->old_pid) {
		cli_error(session, name, "see 'shyper device show'",
			  "no backend serves it");
		return CLI_FAILED;
	}
	if (!kill(u->old_pid, SIGHUP) || errno == ESRCH)
		return CLI_DONE;
	cli_error(session, name, NULL, "its backend, process %d: %s",
		  u->old_pid, strerror(errno));
	return errno == EPERM ? CLI_PERMISSION : CLI_FAILED;
}

static bool has_successor(struct upgrade *u)
{
	u->new_pid = read_pid(u->device);
	return u->new_pid && u->new_pid != u->old_pid;
}

/* Its name may be another cell's device's by now, so that events count, too. */
static bool has_gone(struct upgrade *u)
{
	const char *sysname = shyper_device_get_sysname(u->device);
	struct shyper_event event;
	char index[16];

	while (shyper_events_read(u->events, &event) > 0)
		u->is_gone |= event.type == SHYPER_EVENT_DEVICE_REMOVED &&
			      !strcmp(event.sysname, sysname);
	u->is_gone |= shyper_device_read_attribute(u->device, "index", index,
						   sizeof(index)) < 0;
	return u->is_gone;
}

/* Who should have started the next one: where there is systemd, that. */
static void find_hint(const struct shyper_device *device, char *hint, size_t size)
{
	const char *sysname = shyper_device_get_sysname(device);

	if (!access("/run/systemd/system", F_OK))
		snprintf(hint, size, "see `systemctl status shyper-%s@%s`",
			 shyper_device_get_type(device), sysname);
	else
		snprintf(hint, size, "see what `shyper system daemon` logged of %s",
			 sysname);
}

static enum cli_status wait_for_successor(struct upgrade *u)
{
	const char *name = u->invocation->argv[0];
	char hint[128];

	for (;;) {
		int64_t left = u->deadline_ms - context_now_ms();

		if (has_gone(u)) {
			cli_error(u->invocation->session, name, NULL,
				  "has gone before another backend could serve it");
			return CLI_NOT_FOUND;
		}
		if (has_successor(u))
			return CLI_DONE;
		if (left <= 0 || context_is_interrupted())
			break;
		context_wait(shyper_events_get_fd(u->events), left);
	}
	find_hint(u->device, hint, sizeof(hint));
	if (u->new_pid == u->old_pid)
		cli_error(u->invocation->session, name, hint,
			  "process %d has not ended in time", u->old_pid);
	else
		cli_error(u->invocation->session, name, hint,
			  "process %d has ended, but no other serves the device",
			  u->old_pid);
	return context_is_interrupted() ? CLI_FAILED : CLI_TIMEOUT;
}

static enum cli_status replace_backend(struct upgrade *u)
{
	enum cli_status status;
	uint64_t timeout_ms = option_number(u->invocation, "timeout",
					    DEFAULT_TIMEOUT_MS);
	int err = shyper_events_open(u->invocation->session->ctx, &u->events);

	if (err)
		return context_fail(u->invocation, "events", err);
	u->began_ms = context_now_ms();
	u->deadline_ms = u->began_ms + (int64_t)timeout_ms;
	context_catch_interrupt();
	status = ask_to_go(u);
	if (!status)
		status = wait_for_successor(u);
	if (status)
		has_gone(u);
	context_release_interrupt();
	shyper_events_close(u->events);
	return status;
}

static enum cli_status report_upgrade(const struct upgrade *u)
{
	const char *sysname = shyper_device_get_sysname(u->device);

	if (u->invocation->json)
		return output_value(
			u->invocation,
			json_pack("{s:s s:i s:i s:I}", "sysname", sysname,
				  "backend_pid", u->new_pid, "previous_pid",
				  u->old_pid, "took_ms",
				  (json_int_t)(context_now_ms() - u->began_ms)),
			NULL);
	if (!u->invocation->quiet)
		printf("%s: served by process %d, before by %d\n", sysname,
		       u->new_pid, u->old_pid);
	return CLI_DONE;
}

static enum cli_status cmd_device_upgrade(const struct invocation *invocation)
{
	struct upgrade u = { .invocation = invocation };
	enum cli_status status = context_open_device(invocation, &u.device);

	if (status)
		return status;
	status = replace_backend(&u);
	if (!status)
		status = report_upgrade(&u);
	shyper_device_close(u.device);
	return status;
}

static enum cli_status status_of_setting(int err)
{
	return err == -EINVAL ? CLI_USAGE :
	       err == -ENOENT ? CLI_NOT_FOUND :
	       err == -EACCES ? CLI_PERMISSION : CLI_FAILED;
}

static enum cli_status apply_settings(const struct invocation *invocation,
				      struct shyper_device *device,
				      json_t *config)
{
	char text[400];
	int err = 0;

	for (int i = 1; !err && i < invocation->argc; i++)
		err = settings_apply(device, config, invocation->argv[i],
				     text, sizeof(text));
	/* Only if all the rest is right. */
	if (!err)
		err = settings_grow(config, text, sizeof(text));
	if (!err)
		return CLI_DONE;
	cli_error(invocation->session, invocation->argv[0], NULL, "%s", text);
	return status_of_setting(err);
}

/* A successor that does not come up leaves the device as it was configured. */
static enum cli_status use_settings(struct upgrade *u, const json_t *before,
				    const json_t *config)
{
	enum cli_status status;
	int err = settings_write(u->invocation->session->ctx, u->device, config);

	if (err) {
		cli_error(u->invocation->session, u->invocation->argv[0], NULL,
			  "its settings cannot be written: %s", strerror(-err));
		return status_of_setting(err);
	}
	status = replace_backend(u);
	if (status && !u->is_gone)
		settings_write(u->invocation->session->ctx, u->device, before);
	return status;
}

static enum cli_status cmd_device_set(const struct invocation *invocation)
{
	struct upgrade u = { .invocation = invocation };
	enum cli_status status = context_open_device(invocation, &u.device);
	json_t *before, *config;

	if (status)
		return status;
	before = settings_read(invocation->session->ctx, u.device);
	if (!before) {
		status = context_fail(
			invocation, invocation->argv[0],
			shyper_ctx_get_error(invocation->session->ctx)->code);
		shyper_device_close(u.device);
		return status;
	}
	config = json_deep_copy(before);
	status = apply_settings(invocation, u.device, config);
	if (!status)
		status = use_settings(&u, before, config);
	if (!status)
		status = report_upgrade(&u);
	json_decref(config);
	json_decref(before);
	shyper_device_close(u.device);
	return status;
}

#define DEVICE		{ "DEVICE", ARGUMENT_DEVICE, false, false }
#define TIMEOUT		{ "timeout", 't', OPTION_SECONDS, "SECONDS", \
			  "how long to wait for the new backend (default: 30)" }

const struct command device_commands[] = {
	{ .words = "device list",
	  .help = "List the devices of a cell, or of all cells",
	  .arguments = { { "CELL", ARGUMENT_CELL, true, false } },
	  .run = cmd_device_list },
	{ .words = "device show",
	  .help = "Show a device, its configuration and statistics",
	  .arguments = { DEVICE },
	  .run = cmd_device_show },
	{ .words = "device set",
	  .help = "Change a device's configuration while its guest runs",
	  .arguments = { DEVICE,
			 { "KEY=VALUE", ARGUMENT_WORD, false, true } },
	  .options = { TIMEOUT },
	  .run = cmd_device_set },
	{ .words = "device upgrade",
	  .help = "Replace a device's backend by the one that is installed now",
	  .arguments = { DEVICE }, .options = { TIMEOUT },
	  .run = cmd_device_upgrade },
	{ 0 }
};
