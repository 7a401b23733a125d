// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What cells and devices do each second.
 *
 * A sample is {"ms":, "cells": {SYSNAME: {...}}, "devices": {SYSNAME: {...}}}:
 * each has what describes it and, below "counters", its counters, which only
 * grow while it exists.
 */
#include "rates.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "describe.h"

/* Exits first: it is what tables are sorted by. */
const struct output_field rates_cell_columns[] = {
	{ "sysname", "CELL", OUTPUT_PLAIN, NULL },
	{ "name", "NAME", OUTPUT_PLAIN, NULL },
	{ "state", "STATE", OUTPUT_PLAIN, NULL },
	{ "vmexits_total", "EXITS", OUTPUT_PLAIN, NULL },
	{ "vmexits_mmio", "MMIO", OUTPUT_PLAIN, NULL },
	{ "vmexits_virt_irq", "IRQ", OUTPUT_PLAIN, NULL },
	{ "vmexits_virt_sgi", "SGI", OUTPUT_PLAIN, NULL },
	{ "vmexits_management", "MGMT", OUTPUT_PLAIN, NULL },
	{ "vmexits_psci", "PSCI", OUTPUT_PLAIN, NULL },
	{ "vmexits_sysreg", "SYSREG", OUTPUT_PLAIN, NULL },
	{ 0 }
};

const struct output_field rates_device_columns[] = {
	{ "sysname", "DEVICE", OUTPUT_PLAIN, NULL },
	{ "exits", "EXITS", OUTPUT_PLAIN, NULL },
	{ "notifications", "NOTIFY", OUTPUT_PLAIN, NULL },
	{ "coalesced", "MERGED", OUTPUT_PLAIN, NULL },
	{ "interrupts", "IRQ", OUTPUT_PLAIN, NULL },
	{ "blocking", "BLOCKING", OUTPUT_PLAIN, NULL },
	{ "requests", "REQUESTS", OUTPUT_PLAIN, NULL },
	{ "read_bytes", "READ", OUTPUT_ABOUT, NULL },
	{ "write_bytes", "WRITTEN", OUTPUT_ABOUT, NULL },
	{ 0 }
};

const struct output_field rates_device_fields[] = {
	{ "sysname", "device", OUTPUT_PLAIN, NULL },
	{ "exits", "exits caused", OUTPUT_PLAIN, NULL },
	{ "notifications", "notifications", OUTPUT_PLAIN, NULL },
	{ "coalesced", "  of them merged", OUTPUT_PLAIN, NULL },
	{ "acks", "interrupt acks", OUTPUT_PLAIN, NULL },
	{ "blocking", "blocking requests", OUTPUT_PLAIN, NULL },
	{ "interrupts", "interrupts", OUTPUT_PLAIN, NULL },
	{ "requests", "requests", OUTPUT_PLAIN, NULL },
	{ "reads", "  reads", OUTPUT_PLAIN, NULL },
	{ "read_bytes", "  bytes read", OUTPUT_ABOUT, NULL },
	{ "writes", "  writes", OUTPUT_PLAIN, NULL },
	{ "write_bytes", "  bytes written", OUTPUT_ABOUT, NULL },
	{ "flushes", "  flushes", OUTPUT_PLAIN, NULL },
	{ "others", "  others", OUTPUT_PLAIN, NULL },
	{ "errors", "errors", OUTPUT_PLAIN, NULL },
	{ 0 }
};

/* Of a device's values those that count; the others are settings and gauges. */
static const char *const device_counters[] = {
	"requests", "bytes", "reads", "read_bytes", "writes", "write_bytes",
	"flushes", "others", "errors", "bad_chains", "reissued", "exits",
	"notifications", "coalesced", "rate_limited", "interrupts", "acks",
	"blocking", "timeouts", "resets", "refused", "polls_found", "sleeps",
	"kicks_avoided",
};

static bool is_device_counter(const char *name)
{
	for (size_t i = 0; i < sizeof(device_counters) /
			       sizeof(device_counters[0]); i++) {
		if (!strcmp(name, device_counters[i]))
			return true;
	}
	return false;
}

/* Those of each CPU of a cell are in a folder, and left to sysfs. */
static bool is_cell_counter(const char *name)
{
	return !strchr(name, '/');
}

static json_t *take_counters(const struct shyper_value *values, int count,
			     bool (*is_counter)(const char *name))
{
	json_t *counters = json_object();

	for (int i = 0; i < count; i++) {
		if (is_counter(values[i].name))
			json_object_set_new(
				counters, values[i].name,
				json_integer((json_int_t)strtoull(
					values[i].value, NULL, 0)));
	}
	return counters;
}

static void sample_cell(json_t *cells, struct shyper_cell *cell)
{
	struct shyper_value *values;
	int count = shyper_cell_read_statistics(cell, &values);

	if (count < 0)
		return;
	json_object_set_new(
		cells, shyper_cell_get_sysname(cell),
		json_pack("{s:s s:s s:s s:o}", "sysname",
			  shyper_cell_get_sysname(cell), "name",
			  shyper_cell_get_name(cell), "state",
			  shyper_cell_state_name(shyper_cell_get_state(cell)),
			  "counters",
			  take_counters(values, count, is_cell_counter)));
	free(values);
}

static void sample_device(json_t *devices, struct shyper_device *device)
{
	struct shyper_value *values;
	int count = shyper_device_read_statistics(device, &values);

	/* The device has gone. */
	if (count <= 0) {
		if (!count)
			free(values);
		return;
	}
	json_object_set_new(
		devices, shyper_device_get_sysname(device),
		json_pack("{s:s s:s s:s s:o}", "sysname",
			  shyper_device_get_sysname(device), "name",
			  shyper_device_get_name(device), "type",
			  shyper_device_get_type(device), "counters",
			  take_counters(values, count, is_device_counter)));
	free(values);
}

static int sample_cells(struct shyper_ctx *ctx, const char *cell, json_t *to)
{
	struct shyper_cell **cells;
	int count = shyper_cell_list(ctx, &cells);

	for (int i = 0; i < count; i++) {
		if (!cell || !strcmp(shyper_cell_get_sysname(cells[i]), cell))
			sample_cell(to, cells[i]);
	}
	if (count >= 0)
		shyper_cell_list_free(cells);
	return count;
}

static bool is_of(const struct shyper_device *device, const char *cell)
{
	const char *sysname = shyper_device_get_sysname(device);
	size_t length = strlen(cell);

	return !strncmp(sysname, cell, length) && sysname[length] == '.';
}

static int sample_devices(struct shyper_ctx *ctx,
			  const struct rates_target *target, json_t *to)
{
	struct shyper_device **devices;
	int count = shyper_device_list(ctx, NULL, &devices);

	for (int i = 0; i < count; i++) {
		if ((!target->device ||
		     !strcmp(shyper_device_get_sysname(devices[i]),
			     target->device)) &&
		    (!target->cell || is_of(devices[i], target->cell)))
			sample_device(to, devices[i]);
	}
	if (count >= 0)
		shyper_device_list_free(devices);
	return count;
}

json_t *rates_sample(struct shyper_ctx *ctx, const struct rates_target *target)
{
	json_t *cells = json_object(), *devices = json_object();
	struct timespec now;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!target->device)
		ret = sample_cells(ctx, target->cell, cells);
	if (ret >= 0)
		ret = sample_devices(ctx, target, devices);
	if (ret >= 0)
		return json_pack("{s:I s:o s:o}", "ms",
				 (json_int_t)now.tv_sec * 1000 +
					 now.tv_nsec / 1000000,
				 "cells", cells, "devices", devices);
	json_decref(cells);
	json_decref(devices);
	return NULL;
}

static double rate(const json_t *before, const json_t *after, double seconds)
{
	uint64_t grown = (uint64_t)json_integer_value(after) -
			 (uint64_t)json_integer_value(before);

	/* One that began anew: another cell got the name. */
	if (grown > (uint64_t)INT64_MAX)
		return 0;
	return (double)(uint64_t)((double)grown / seconds * 10 + 0.5) / 10;
}

static json_t *describe_rates(const json_t *before, json_t *after,
			      double seconds)
{
	json_t *object = json_copy(after), *counter;
	json_t *old = json_object_get(before, "counters");
	const char *key;

	json_object_del(object, "counters");
	json_object_foreach(json_object_get(after, "counters"), key, counter)
		json_object_set_new(object, key,
				    json_real(rate(json_object_get(old, key),
						   counter, seconds)));
	return object;
}

static json_t *compare(const json_t *before, json_t *after, double seconds)
{
	json_t *list = json_array(), *value;
	const char *key;

	json_object_foreach(after, key, value) {
		const json_t *old = json_object_get(before, key);

		if (old)
			json_array_append_new(list, describe_rates(old, value,
								   seconds));
	}
	return list;
}

json_t *rates_between(const json_t *before, const json_t *after)
{
	json_int_t ms = json_integer_value(json_object_get(after, "ms")) -
			json_integer_value(json_object_get(before, "ms"));
	double seconds = (double)(ms > 0 ? ms : 1) / 1000;
	char now[DESCRIBE_TIME_SIZE];

	describe_time(now, sizeof(now), 0);
	return json_pack("{s:s s:f s:o s:o}", "time", now, "seconds", seconds,
			 "cells", compare(json_object_get(before, "cells"),
					  json_object_get(after, "cells"),
					  seconds),
			 "devices", compare(json_object_get(before, "devices"),
					    json_object_get(after, "devices"),
					    seconds));
}
