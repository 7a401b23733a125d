// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of cells, devices, states and files for completion. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "context.h"
#include "sink.h"

static void offer_cells(struct shyper_ctx *ctx, const struct sink *sink)
{
	struct shyper_cell **cells;
	int count = shyper_cell_list(ctx, &cells);

	if (count < 0)
		return;
	for (int i = 0; i < count; i++)
		offer(sink, shyper_cell_get_name(cells[i]));
	shyper_cell_list_free(cells);
}

static void offer_devices(struct shyper_ctx *ctx, const struct sink *sink)
{
	struct shyper_device **devices;
	int count = shyper_device_list(ctx, NULL, &devices);

	if (count < 0)
		return;
	for (int i = 0; i < count; i++)
		offer(sink, shyper_device_get_sysname(devices[i]));
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

static void offer_objects(struct session *session, enum argument_kind kind,
			  const struct sink *sink)
{
	if (!session->ctx && shyper_ctx_create(&session->ctx))
		return;
	if (kind != ARGUMENT_DEVICE)
		offer_cells(session->ctx, sink);
	if (kind != ARGUMENT_CELL)
		offer_devices(session->ctx, sink);
}

void names_complete(struct session *session, enum argument_kind kind,
		    const char *prefix, command_add add, void *data)
{
	const struct sink sink = { prefix, add, data };

	switch (kind) {
	case ARGUMENT_CELL:
	case ARGUMENT_DEVICE:
	case ARGUMENT_TARGET:
		offer_objects(session, kind, &sink);
		break;
	case ARGUMENT_STATE:
		offer_states(&sink);
		break;
	case ARGUMENT_CONFIG:
		offer_configs(&sink);
		offer_files(&sink);
		break;
	case ARGUMENT_FILE:
		offer_files(&sink);
		break;
	default:
		break;
	}
}
