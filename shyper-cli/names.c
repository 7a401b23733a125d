// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of cells, devices, states and files for completion. */
#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "context.h"
#include "sink.h"

/* Two words for the same: the number's is offered where one begins to type it. */
static void offer_cell(const struct shyper_cell *cell, const struct sink *sink)
{
	offer(sink, shyper_cell_get_name(cell));
	if (!strncmp(sink->prefix, "cell", 4))
		offer(sink, shyper_cell_get_sysname(cell));
}

/* "cell1.blk0", and where the cell's name was begun "debian.blk0". */
static void offer_devices(struct shyper_ctx *ctx, const struct shyper_cell *cell,
			  const struct sink *sink, bool by_name)
{
	struct shyper_device **devices;
	int count = shyper_device_list(ctx, cell, &devices);
	char name[64];

	if (count < 0)
		return;
	for (int i = 0; i < count; i++) {
		offer(sink, shyper_device_get_sysname(devices[i]));
		snprintf(name, sizeof(name), "%s.%s", shyper_cell_get_name(cell),
			 shyper_device_get_name(devices[i]));
		if (by_name)
			offer(sink, name);
	}
	shyper_device_list_free(devices);
}

static bool is_console(const struct shyper_device *device)
{
	const char *type = shyper_device_get_type(device);

	return !strcmp(type, "console") || !strcmp(type, "pl011");
}

/* "con0", and of its ports, which only root may know, "con0.agent". */
static void offer_console(struct shyper_device *device, const struct sink *sink)
{
	const char *name = shyper_device_get_name(device);
	json_t *config = NULL, *port;
	char *text, word[64];
	size_t i;

	offer(sink, name);
	if (shyper_device_read_config(device, &text) >= 0) {
		config = json_loads(text, 0, NULL);
		free(text);
	}
	json_array_foreach(json_object_get(config, "ports"), i, port) {
		snprintf(word, sizeof(word), "%s.%s", name, json_string_value(port));
		offer(sink, word);
	}
	json_decref(config);
}

static void offer_consoles(struct shyper_ctx *ctx, const char *cell_name,
			   const struct sink *sink)
{
	struct shyper_device **devices;
	struct shyper_cell *cell;
	int count;

	if (shyper_cell_open(ctx, cell_name, &cell))
		return;
	count = shyper_device_list(ctx, cell, &devices);
	shyper_cell_close(cell);
	if (count < 0)
		return;
	for (int i = 0; i < count; i++) {
		if (is_console(devices[i]))
			offer_console(devices[i], sink);
	}
	shyper_device_list_free(devices);
}

static void offer_states(const struct sink *sink)
{
	for (int state = SHYPER_CELL_CREATED; state <= SHYPER_CELL_FAILED;
	     state++)
		offer(sink, shyper_cell_state_name(state));
	offer(sink, CONTEXT_STATE_GONE);
}

static void offer_configs(const struct sink *sink)
{
	DIR *folder = opendir(CONTEXT_CELLS_FOLDER);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		size_t length = strlen(entry->d_name);
		char name[sizeof(entry->d_name)];

		if (length <= 5 || strcmp(entry->d_name + length - 5, ".json"))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)length - 5,
			 entry->d_name);
		offer(sink, name);
	}
	if (folder)
		closedir(folder);
}

/* As ls(1): what begins with a dot only if that was typed. */
static void offer_files(const struct sink *sink)
{
	const char *slash = strrchr(sink->prefix, '/');
	int length = slash ? (int)(slash - sink->prefix) + 1 : 0;
	const char *base = sink->prefix + length;
	char path[PATH_MAX];
	const struct dirent *entry;
	struct stat status;
	DIR *folder;

	snprintf(path, sizeof(path), "%.*s", length, sink->prefix);
	folder = opendir(length ? path : ".");
	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.' && base[0] != '.')
			continue;
		if (snprintf(path, sizeof(path) - 1, "%.*s%s", length,
			     sink->prefix, entry->d_name) >=
		    (int)sizeof(path) - 1)
			continue;
		if (!stat(path, &status) && S_ISDIR(status.st_mode))
			strcat(path, "/");
		offer(sink, path);
	}
	if (folder)
		closedir(folder);
}

/* Names of cells have no dots: behind one a device is meant. */
static void offer_objects(struct shyper_ctx *ctx, enum argument_kind kind,
			  const struct sink *sink)
{
	bool by_name = strchr(sink->prefix, '.') ||
		       (kind == ARGUMENT_DEVICE && sink->prefix[0]);
	struct shyper_cell **cells;
	int count = shyper_cell_list(ctx, &cells);

	if (count < 0)
		return;
	for (int i = 0; kind != ARGUMENT_DEVICE && i < count; i++)
		offer_cell(cells[i], sink);
	for (int i = 0; kind != ARGUMENT_CELL && i < count; i++)
		offer_devices(ctx, cells[i], sink, by_name);
	shyper_cell_list_free(cells);
}

void names_complete(struct session *session, enum argument_kind kind,
		    const char *before, const struct sink *sink)
{
	bool needs_ctx = kind == ARGUMENT_CELL || kind == ARGUMENT_DEVICE ||
			 kind == ARGUMENT_TARGET || kind == ARGUMENT_CONSOLE;

	if (needs_ctx && !session->ctx && shyper_ctx_create(&session->ctx))
		return;
	switch (kind) {
	case ARGUMENT_CELL:
	case ARGUMENT_DEVICE:
	case ARGUMENT_TARGET:
		offer_objects(session->ctx, kind, sink);
		break;
	case ARGUMENT_CONSOLE:
		offer_consoles(session->ctx, before, sink);
		break;
	case ARGUMENT_STATE:
		offer_states(sink);
		break;
	case ARGUMENT_CONFIG:
		offer_configs(sink);
		offer_files(sink);
		break;
	case ARGUMENT_FILE:
		offer_files(sink);
		break;
	default:
		break;
	}
}
