// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of cells, devices and configurations for completion. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "context.h"

struct sink {
	const char *prefix;
	command_add add;
	void *data;
};

static void offer(const struct sink *sink, const char *word)
{
	if (!strncmp(word, sink->prefix, strlen(sink->prefix)))
		sink->add(sink->data, word);
}

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

void names_complete(struct session *session, enum argument_kind kind,
		    const char *prefix, command_add add, void *data)
{
	const struct sink sink = { prefix, add, data };

	if (kind == ARGUMENT_CONFIG)
		offer_configs(&sink);
	if (kind != ARGUMENT_CELL && kind != ARGUMENT_DEVICE)
		return;
	if (!session->ctx && shyper_ctx_create(&session->ctx))
		return;
	if (kind == ARGUMENT_CELL)
		offer_cells(session->ctx, &sink);
	else
		offer_devices(session->ctx, &sink);
}
