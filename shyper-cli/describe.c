// SPDX-License-Identifier: GPL-2.0-or-later
/* Cells and devices as JSON values, and how text shows their members. */
#include "describe.h"

#include <stdlib.h>
#include <string.h>

const struct output_field cell_columns[] = {
	{ "id", "ID", OUTPUT_PLAIN, NULL },
	{ "name", "NAME", OUTPUT_PLAIN, NULL },
	{ "state", "STATE", OUTPUT_PLAIN, NULL },
	{ "cpus", "CPUS", OUTPUT_PLAIN, NULL },
	{ "memory", "MEMORY", OUTPUT_SIZE, NULL },
	{ "uptime_ms", "UPTIME", OUTPUT_DURATION, NULL },
	{ 0 }
};

const struct output_field device_columns[] = {
	{ "sysname", "DEVICE", OUTPUT_PLAIN, NULL },
	{ "type", "TYPE", OUTPUT_PLAIN, NULL },
	{ "attached", "SERVED", OUTPUT_PLAIN, NULL },
	{ "backend_pid", "PID", OUTPUT_PLAIN, NULL },
	{ 0 }
};

static const struct output_field cell_device_columns[] = {
	{ "name", "NAME", OUTPUT_PLAIN, NULL },
	{ "type", "TYPE", OUTPUT_PLAIN, NULL },
	{ "attached", "SERVED", OUTPUT_PLAIN, NULL },
	{ 0 }
};

const struct output_field cell_fields[] = {
	{ "id", "id", OUTPUT_PLAIN, NULL },
	{ "name", "name", OUTPUT_PLAIN, NULL },
	{ "state", "state", OUTPUT_PLAIN, NULL },
	{ "reason", "reason", OUTPUT_PLAIN, NULL },
	{ "starts", "starts", OUTPUT_PLAIN, NULL },
	{ "cpus", "cpus", OUTPUT_PLAIN, NULL },
	{ "memory", "memory", OUTPUT_SIZE, NULL },
	{ "uptime_ms", "uptime", OUTPUT_DURATION, NULL },
	{ "devices", "devices", OUTPUT_PLAIN, cell_device_columns },
	{ "failure", "failure", OUTPUT_HIDDEN_IF_EMPTY, NULL },
	{ "statistics", "statistics", OUTPUT_HIDDEN_IF_EMPTY, NULL },
	{ 0 }
};

const struct output_field device_fields[] = {
	{ "sysname", "device", OUTPUT_PLAIN, NULL },
	{ "type", "type", OUTPUT_PLAIN, NULL },
	{ "name", "name", OUTPUT_PLAIN, NULL },
	{ "cell", "cell", OUTPUT_PLAIN, NULL },
	{ "index", "index", OUTPUT_PLAIN, NULL },
	{ "attached", "served", OUTPUT_PLAIN, NULL },
	{ "backend_pid", "backend's pid", OUTPUT_PLAIN, NULL },
	{ "config", "config", OUTPUT_HIDDEN_IF_EMPTY, NULL },
	{ "statistics", "statistics", OUTPUT_HIDDEN_IF_EMPTY, NULL },
	{ 0 }
};

json_t *describe_cell(const struct shyper_cell *cell)
{
	return json_pack("{s:i s:s s:s s:s s:s s:I s:s s:I s:I}",
			 "id", (int)shyper_cell_get_id(cell),
			 "sysname", shyper_cell_get_sysname(cell),
			 "name", shyper_cell_get_name(cell),
			 "state", shyper_cell_state_name(
					  shyper_cell_get_state(cell)),
			 "reason", shyper_cell_get_reason(cell),
			 "starts", (json_int_t)shyper_cell_get_starts(cell),
			 "cpus", shyper_cell_get_cpus(cell),
			 "memory", (json_int_t)shyper_cell_get_memory(cell),
			 "uptime_ms",
			 (json_int_t)shyper_cell_get_uptime_ms(cell));
}

json_t *describe_device(struct shyper_device *device)
{
	char attached[8] = "", pid[16] = "";

	shyper_device_read_attribute(device, "attached", attached,
				     sizeof(attached));
	shyper_device_read_attribute(device, "backend_pid", pid, sizeof(pid));
	return json_pack("{s:s s:i s:i s:s s:s s:b s:i}",
			 "sysname", shyper_device_get_sysname(device),
			 "cell", (int)shyper_device_get_cell(device),
			 "index", (int)shyper_device_get_index(device),
			 "name", shyper_device_get_name(device),
			 "type", shyper_device_get_type(device),
			 "attached", !strcmp(attached, "1"),
			 "backend_pid", atoi(pid));
}

static json_t *describe_value(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	/* 18 digits fit in a signed 64-bit number, whatever they are. */
	if (digits && digits <= 18 && !text[digits])
		return json_integer(strtoll(text, NULL, 10));
	return json_string(text);
}

json_t *describe_values(const struct shyper_value *values, int count)
{
	json_t *object = json_object();

	for (int i = 0; object && i < count; i++) {
		if (json_object_set_new(object, values[i].name,
					describe_value(values[i].value))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}
