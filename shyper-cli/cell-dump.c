// SPDX-License-Identifier: GPL-2.0-or-later
/* shyper cell dump: all that is known of a cell, for a report of a fault. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd-cell.h"
#include "cmd-system.h"
#include "context.h"
#include "describe.h"
#include "output.h"

/* Of each log the end, from the beginning of a line on. */
#define TAIL_SIZE	4096

/* What is in the log from @position on; *@ret_length bytes. NULL: cannot be read. */
static char *read_log(struct shyper_cell *cell, size_t *ret_length)
{
	size_t size = 2 * TAIL_SIZE, used = 0;
	char *text = malloc(size + 1);
	uint64_t position = 0;
	int length = 0;

	while (text && (length = shyper_cell_read_log(cell, &position,
						      text + used,
						      size - used)) > 0) {
		used += (size_t)length;
		if (used < size)
			continue;
		memmove(text, text + TAIL_SIZE, TAIL_SIZE);
		used = TAIL_SIZE;
	}
	if (text && length < 0) {
		free(text);
		return NULL;
	}
	*ret_length = used;
	return text;
}

static json_t *describe_log(struct shyper_cell *cell)
{
	size_t length, clean_length;
	const char *tail, *line;
	char *text = read_log(cell, &length), *clean;
	json_t *value;

	if (!text)
		return json_null();
	tail = text;
	if (length > TAIL_SIZE) {
		tail = text + length - TAIL_SIZE;
		line = memchr(tail, '\n', TAIL_SIZE);
		tail = line ? line + 1 : tail;
	}
	clean = output_sanitise(tail, (size_t)(text + length - tail),
				&clean_length);
	value = clean ? json_stringn(clean, clean_length) : json_null();
	free(clean);
	free(text);
	return value;
}

static json_t *describe_system_log(struct shyper_ctx *ctx)
{
	struct shyper_cell *root;
	json_t *log;

	if (shyper_cell_open_id(ctx, 0, &root))
		return json_null();
	log = describe_log(root);
	shyper_cell_close(root);
	return log;
}

static json_t *describe_devices_fully(struct shyper_ctx *ctx,
				      const struct shyper_cell *cell)
{
	struct shyper_device **devices;
	json_t *list = json_array();
	int count = shyper_device_list(ctx, cell, &devices);

	for (int i = 0; i < count; i++)
		json_array_append_new(list,
				      describe_device_fully(ctx, devices[i]));
	if (count >= 0)
		shyper_device_list_free(devices);
	return list;
}

/* null to those who may not read it. */
static json_t *describe_config(struct shyper_cell *cell)
{
	json_t *config;
	char *text;

	if (shyper_cell_read_config_text(cell, &text) < 0)
		return json_null();
	config = json_loads(text, 0, NULL);
	free(text);
	return config ? config : json_null();
}

static json_t *describe_all(struct shyper_ctx *ctx, struct shyper_cell *cell)
{
	char now[DESCRIBE_TIME_SIZE];

	describe_time(now, sizeof(now), 0);
	return json_pack("{s:s s:s s:o s:o s:o s:o s:o s:o}", "time", now,
			 "version", SHYPER_VERSION,
			 "cell", describe_cell_fully(ctx, cell),
			 "config", describe_config(cell),
			 "devices", describe_devices_fully(ctx, cell),
			 "log", describe_log(cell),
			 "system", describe_system(ctx),
			 "system_log", describe_system_log(ctx));
}

/* A configuration is nested too deeply for a list. */
static void print_config(json_t *config)
{
	if (json_is_null(config))
		return;
	puts("\nconfiguration");
	json_dumpf(config, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
}

static void print_all(json_t *all)
{
	static const struct output_field logs[] = {
		{ "log", "log of the cell", OUTPUT_TEXT, NULL },
		{ "system_log", "log of the hypervisor", OUTPUT_TEXT, NULL },
		{ 0 }
	};
	json_t *device;
	size_t i;

	printf("shyper %s, %s\n\n", SHYPER_VERSION,
	       json_string_value(json_object_get(all, "time")));
	output_render(stdout, json_object_get(all, "cell"), cell_fields);
	print_config(json_object_get(all, "config"));
	json_array_foreach(json_object_get(all, "devices"), i, device) {
		putchar('\n');
		output_render(stdout, device, device_fields);
	}
	putchar('\n');
	output_render(stdout, json_object_get(all, "system"), system_fields);
	putchar('\n');
	output_render(stdout, all, logs);
}

enum cli_status cmd_cell_dump(const struct invocation *invocation)
{
	struct shyper_cell *cell;
	enum cli_status status;
	json_t *all;

	status = context_open_cell(invocation, &cell);
	if (status)
		return status;
	all = describe_all(invocation->session->ctx, cell);
	shyper_cell_close(cell);
	if (invocation->json || !all)
		return output_value(invocation, all, NULL);
	print_all(all);
	json_decref(all);
	return CLI_DONE;
}
