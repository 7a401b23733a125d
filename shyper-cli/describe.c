// SPDX-License-Identifier: GPL-2.0-or-later
/* Cells and devices as JSON values, and how text shows their members. */
#include "describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "settings.h"

const struct output_field cell_columns[] = {
	{ "id", "ID", OUTPUT_PLAIN, NULL },
	{ "name", "NAME", OUTPUT_PLAIN, NULL },
	{ "state", "STATE", OUTPUT_PLAIN, NULL },
	{ "reason", "REASON", OUTPUT_PLAIN, NULL },
	{ "cpus", "CPUS", OUTPUT_PLAIN, NULL },
	{ "memory", "MEMORY", OUTPUT_SIZE, NULL },
	{ "uptime_ms", "UPTIME", OUTPUT_DURATION, NULL },
	{ 0 }
};

const struct output_field device_columns[] = {
	{ "sysname", "DEVICE", OUTPUT_PLAIN, NULL },
	{ "type", "TYPE", OUTPUT_PLAIN, NULL },
	{ "attached", "SERVED", OUTPUT_PLAIN, NULL },
	{ "backend_pid", "PID", OUTPUT_PID, NULL },
	{ 0 }
};

static const struct output_field cell_device_columns[] = {
	{ "name", "NAME", OUTPUT_PLAIN, NULL },
	{ "type", "TYPE", OUTPUT_PLAIN, NULL },
	{ "attached", "SERVED", OUTPUT_PLAIN, NULL },
	{ 0 }
};

const struct output_field waiting_columns[] = {
	{ "cpu", "CPU", OUTPUT_PLAIN, NULL },
	{ "device", "DEVICE", OUTPUT_PLAIN, NULL },
	{ "op", "FOR", OUTPUT_PLAIN, NULL },
	{ "address", "ADDRESS", OUTPUT_PLAIN, NULL },
	{ "bytes", NULL, OUTPUT_PLAIN, NULL },
	{ "age_ms", "SO LONG", OUTPUT_DURATION, NULL },
	{ "since", "SINCE", OUTPUT_PLAIN, NULL },
	{ 0 }
};

const struct output_field holder_columns[] = {
	{ "cell", "CELL", OUTPUT_PLAIN, NULL },
	{ "process", "PROCESS", OUTPUT_PLAIN, NULL },
	{ "pid", "PID", OUTPUT_PLAIN, NULL },
	{ 0 }
};

const struct output_field cell_fields[] = {
	{ "id", "id", OUTPUT_PLAIN, NULL },
	{ "name", "name", OUTPUT_PLAIN, NULL },
	{ "state", "state", OUTPUT_PLAIN, NULL },
	{ "reason", "reason", OUTPUT_PLAIN, NULL },
	{ "why", "why", OUTPUT_HIDDEN_IF_EMPTY, NULL },
	{ "orphaned", "orphaned", OUTPUT_HIDDEN_IF_EMPTY, NULL },
	{ "starts", "starts", OUTPUT_PLAIN, NULL },
	{ "cpus", "cpus", OUTPUT_PLAIN, NULL },
	{ "memory", "memory", OUTPUT_SIZE, NULL },
	{ "uptime_ms", "uptime", OUTPUT_DURATION, NULL },
	{ "devices", "devices", OUTPUT_PLAIN, cell_device_columns },
	{ "waiting", "waiting for a backend", OUTPUT_PLAIN, waiting_columns },
	{ "holders", "memory held by", OUTPUT_PLAIN, holder_columns },
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
	{ "waiting", "waiting for it", OUTPUT_PLAIN, waiting_columns },
	{ "config", "config", OUTPUT_HIDDEN_IF_EMPTY, NULL },
	{ "statistics", "statistics", OUTPUT_HIDDEN_IF_EMPTY, NULL },
	{ 0 }
};

json_t *describe_cell(const struct shyper_cell *cell)
{
	return json_pack("{s:i s:s s:s s:s s:s s:b s:I s:s s:I s:I}",
			 "id", (int)shyper_cell_get_id(cell),
			 "sysname", shyper_cell_get_sysname(cell),
			 "name", shyper_cell_get_name(cell),
			 "state", shyper_cell_state_name(
					  shyper_cell_get_state(cell)),
			 "reason", shyper_cell_get_reason(cell),
			 "orphaned", shyper_cell_is_orphaned(cell),
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

void describe_time(char *buffer, size_t size, uint64_t ago_ms)
{
	struct timespec now;
	struct tm utc;
	time_t seconds;

	clock_gettime(CLOCK_REALTIME, &now);
	seconds = (time_t)(((int64_t)now.tv_sec * 1000 +
			    now.tv_nsec / 1000000 - (int64_t)ago_ms) / 1000);
	gmtime_r(&seconds, &utc);
	strftime(buffer, size, "%FT%TZ", &utc);
}

static json_t *describe_waiter(const struct shyper_waiter *waiter)
{
	bool has_cpu = waiter->cpu >= 0;
	char since[DESCRIBE_TIME_SIZE];

	describe_time(since, sizeof(since), waiter->age_ms);
	return json_pack("{s:o s:s s:s s:o s:o s:I s:s}",
			 "cpu", has_cpu ? json_integer(waiter->cpu) :
					  json_null(),
			 "device", waiter->device, "op", waiter->op,
			 "address", has_cpu ? json_sprintf("0x%" PRIx64,
							   waiter->address) :
					      json_null(),
			 "bytes", has_cpu ? json_integer(waiter->length) :
					    json_null(),
			 "age_ms", (json_int_t)waiter->age_ms, "since", since);
}

json_t *describe_waiters(struct shyper_cell *cell, const char *device)
{
	struct shyper_waiter *waiters;
	json_t *list = json_array();
	int count = shyper_cell_read_waiters(cell, &waiters);

	for (int i = 0; i < count; i++) {
		if (!device || !strcmp(waiters[i].device, device))
			json_array_append_new(list,
					      describe_waiter(&waiters[i]));
	}
	if (count >= 0)
		free(waiters);
	return list;
}

json_t *describe_holders(struct shyper_ctx *ctx, const char *cell)
{
	struct shyper_holder *holders;
	json_t *list = json_array();
	int count = shyper_memory_list_holders(ctx, cell, &holders);

	for (int i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:s s:s s:i}", "cell",
						      holders[i].cell,
						      "process",
						      holders[i].process, "pid",
						      holders[i].pid));
	if (count >= 0)
		free(holders);
	return list;
}

static const char *value_of(const struct shyper_value *values, int count,
			    const char *name)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(values[i].name, name))
			return values[i].value;
	}
	return "?";
}

/* What the CPU did, by the exception class and WnR (Arm ARM DDI 0487, ESR_EL2). */
static const char *access_word(const char *esr)
{
	uint64_t syndrome = strtoull(esr, NULL, 16);
	unsigned int class = syndrome >> 26 & 0x3f;

	if (class == 0x20)
		return "fetched an instruction from";
	if (class != 0x24)
		return "made an access to";
	return syndrome >> 6 & 1 ? "wrote to" : "read from";
}

static json_t *explain_failure(const char *reason,
			       const struct shyper_value *values, int count)
{
	const char *cpu = value_of(values, count, "CPU");
	const char *pc = value_of(values, count, "PC");
	const char *esr = value_of(values, count, "ESR");

	if (!strcmp(reason, "unmapped"))
		return json_sprintf("CPU %s %s %s, where the cell has nothing; PC %s",
				    cpu, access_word(esr),
				    value_of(values, count, "IPA"), pc);
	if (!strcmp(reason, "exception"))
		return json_sprintf("CPU %s took an exception that has no answer: ESR %s, PC %s",
				    cpu, esr, pc);
	if (!strcmp(reason, "serror"))
		return json_sprintf("CPU %s caused an SError: ESR %s, PC %s",
				    cpu, esr, pc);
	if (!strcmp(reason, "device"))
		return json_string("a device did not answer within its deadline_ms");
	return json_null();
}

static json_t *describe_why(struct shyper_cell *cell)
{
	static const char *const ends[][2] = {
		{ "stop", "root stopped it" },
		{ "off", "the guest powered off" },
		{ "reset", "the guest rebooted" },
	};
	const char *reason = shyper_cell_get_reason(cell);
	struct shyper_value *values;
	json_t *why;
	int count;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!strcmp(reason, ends[i][0]))
			return json_string(ends[i][1]);
	}
	if (shyper_cell_get_state(cell) != SHYPER_CELL_FAILED)
		return json_null();
	count = shyper_cell_read_failure(cell, &values);
	if (count < 0)
		return json_null();
	why = explain_failure(reason, values, count);
	free(values);
	return why;
}

static json_t *describe_devices(struct shyper_ctx *ctx,
				const struct shyper_cell *cell)
{
	struct shyper_device **devices;
	json_t *list = json_array();
	int count = shyper_device_list(ctx, cell, &devices);

	for (int i = 0; i < count; i++)
		json_array_append_new(list, describe_device(devices[i]));
	if (count >= 0)
		shyper_device_list_free(devices);
	return list;
}

static void add_values(json_t *object, const char *key,
		       struct shyper_cell *cell,
		       int (*read)(struct shyper_cell *cell,
				   struct shyper_value **ret_values))
{
	struct shyper_value *values;
	int count = read(cell, &values);

	if (count < 0)
		return;
	if (count)
		json_object_set_new(object, key, describe_values(values, count));
	free(values);
}

json_t *describe_cell_fully(struct shyper_ctx *ctx, struct shyper_cell *cell)
{
	json_t *object = describe_cell(cell);

	json_object_set_new(object, "why", describe_why(cell));
	json_object_set_new(object, "devices", describe_devices(ctx, cell));
	json_object_set_new(object, "waiting", describe_waiters(cell, NULL));
	json_object_set_new(object, "holders",
			    describe_holders(ctx, shyper_cell_get_name(cell)));
	add_values(object, "failure", cell, shyper_cell_read_failure);
	add_values(object, "statistics", cell, shyper_cell_read_statistics);
	return object;
}

/* Root only: who may not read it sees the rest. */
static void add_config(json_t *object, struct shyper_ctx *ctx,
		       struct shyper_device *device)
{
	json_t *config = settings_read(ctx, device);

	if (config)
		json_object_set_new(object, "config", config);
}

static void add_waiting(json_t *object, struct shyper_ctx *ctx,
			const struct shyper_device *device)
{
	struct shyper_cell *cell;

	if (shyper_cell_open_id(ctx, shyper_device_get_cell(device), &cell))
		return;
	json_object_set_new(object, "waiting",
			    describe_waiters(cell,
					     shyper_device_get_name(device)));
	shyper_cell_close(cell);
}

json_t *describe_device_fully(struct shyper_ctx *ctx,
			      struct shyper_device *device)
{
	json_t *object = describe_device(device);
	struct shyper_value *values;
	int count;

	add_config(object, ctx, device);
	add_waiting(object, ctx, device);
	count = shyper_device_read_statistics(device, &values);
	if (count < 0)
		return object;
	json_object_set_new(object, "statistics",
			    describe_values(values, count));
	free(values);
	return object;
}
