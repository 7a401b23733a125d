// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cells as sysfs shows them. */
#include "cell-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell-config.h"
#include "sysfs.h"

static const char *const state_names[] = {
	[SHYPER_CELL_UNKNOWN] = "unknown",
	[SHYPER_CELL_CREATED] = "created",
	[SHYPER_CELL_LOADED] = "loaded",
	[SHYPER_CELL_RUNNING] = "running",
	[SHYPER_CELL_PAUSED] = "paused",
	[SHYPER_CELL_STOPPED] = "stopped",
	[SHYPER_CELL_FAILED] = "failed",
	[SHYPER_CELL_DYING] = "dying",
};

static const char *const reason_names[] = {
	[HVISOR_REASON_NONE] = "none",
	[HVISOR_REASON_STOP] = "stop",
	[HVISOR_REASON_OFF] = "off",
	[HVISOR_REASON_RESET] = "reset",
	[HVISOR_REASON_UNMAPPED] = "unmapped",
	[HVISOR_REASON_EXCEPTION] = "exception",
	[HVISOR_REASON_DEVICE] = "device",
	[HVISOR_REASON_SERROR] = "serror",
};

const char *shyper_cell_state_name(enum shyper_cell_state state)
{
	if ((unsigned int)state >= ARRAY_SIZE(state_names))
		state = SHYPER_CELL_UNKNOWN;
	return state_names[state];
}

enum shyper_cell_state shyper_cell_state_parse(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(state_names); i++) {
		if (!strcmp(name, state_names[i]))
			return (enum shyper_cell_state)i;
	}
	return SHYPER_CELL_UNKNOWN;
}

enum shyper_cell_state cell_state_from_uapi(uint32_t state)
{
	static const enum shyper_cell_state states[] = {
		[HVISOR_CELL_NONE] = SHYPER_CELL_UNKNOWN,
		[HVISOR_CELL_CREATED] = SHYPER_CELL_CREATED,
		[HVISOR_CELL_LOADED] = SHYPER_CELL_LOADED,
		[HVISOR_CELL_RUNNING] = SHYPER_CELL_RUNNING,
		[HVISOR_CELL_PAUSED] = SHYPER_CELL_PAUSED,
		[HVISOR_CELL_STOPPED] = SHYPER_CELL_STOPPED,
		[HVISOR_CELL_FAILED] = SHYPER_CELL_FAILED,
		[HVISOR_CELL_DYING] = SHYPER_CELL_DYING,
	};

	return state < ARRAY_SIZE(states) ? states[state] : SHYPER_CELL_UNKNOWN;
}

const char *cell_reason_from_uapi(uint32_t reason)
{
	return reason < ARRAY_SIZE(reason_names) ? reason_names[reason] : "unknown";
}

const char *cell_reason_parse(const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reason_names); i++) {
		if (!strcmp(word, reason_names[i]))
			return reason_names[i];
	}
	return "unknown";
}

const char *cell_subject(const char *name, char *buffer, size_t size)
{
	snprintf(buffer, size, "cell %s", name);
	return buffer;
}

int cell_class_missing(struct shyper_ctx *ctx)
{
	error_set(ctx, -ENODEV, "/sys/class/hvisor", NULL,
		  "the module hvisor is not loaded, or the hypervisor does not run below this kernel");
	error_hint(ctx, "see `modprobe hvisor` and `dmesg`");
	return -ENODEV;
}

int shyper_ctx_probe(struct shyper_ctx *ctx)
{
	struct sysfs_name *names;
	int count;

	ctx_begin(ctx);
	count = sysfs_list(ctx, &names);
	if (count < 0)
		return count == -ENODEV ? cell_class_missing(ctx) :
		       error_set(ctx, count, SYSFS_CLASS, NULL, "%s",
				 strerror(-count));
	free(names);
	return count ? 0 : cell_class_missing(ctx);
}

/* A file that a cell may lack keeps its zero; want of memory is no lack. */
static bool is_failure(int err)
{
	return err == -ENOMEM;
}

static int cell_read_optional(struct shyper_cell *cell)
{
	struct shyper_ctx *ctx = cell->ctx;
	const char *name = cell->sysname;
	uint64_t orphaned = 0;
	int err;

	err = sysfs_read(ctx, name, "reason", cell->reason, sizeof(cell->reason));
	if (err < 0)
		text_copy(cell->reason, sizeof(cell->reason), "none");
	if (!is_failure(err))
		err = sysfs_read(ctx, name, "cpus", cell->cpus, sizeof(cell->cpus));
	if (!is_failure(err))
		err = sysfs_read_number(ctx, name, "memory", &cell->memory);
	if (!is_failure(err))
		err = sysfs_read_number(ctx, name, "starts", &cell->starts);
	if (!is_failure(err))
		err = sysfs_read_number(ctx, name, "uptime_ms", &cell->uptime_ms);
	if (!is_failure(err))
		err = sysfs_read_number(ctx, name, "orphaned", &orphaned);
	cell->orphaned = orphaned;
	return is_failure(err) ? err : 0;
}

static int cell_read(struct shyper_cell *cell)
{
	struct shyper_ctx *ctx = cell->ctx;
	char word[32];
	int err;

	err = sysfs_read(ctx, cell->sysname, "name", cell->name,
			 sizeof(cell->name));
	if (err < 0)
		return err;
	err = sysfs_read(ctx, cell->sysname, "state", word, sizeof(word));
	if (err < 0)
		return err;
	cell->state = shyper_cell_state_parse(word);
	return cell_read_optional(cell);
}

static int explain_read(struct shyper_ctx *ctx, int err, const char *name)
{
	char subject[64];

	cell_subject(name, subject, sizeof(subject));
	if (err == -ENOMEM)
		return error_no_memory(ctx);
	/* A file of a device that goes away gives ENODEV. */
	if (err == -ENOENT || err == -ENODEV)
		return error_set(ctx, -ENOENT, subject, NULL, "does not exist");
	return error_set(ctx, err, subject, NULL, "cannot be read from sysfs: %s",
			 strerror(-err));
}

int cell_open_id(struct shyper_ctx *ctx, unsigned int id,
		 struct shyper_cell **ret_cell)
{
	struct shyper_cell *cell = calloc(1, sizeof(*cell));
	int err;

	if (!cell)
		return error_no_memory(ctx);
	cell->ctx = ctx;
	cell->id = id;
	snprintf(cell->sysname, sizeof(cell->sysname), "cell%u", id);
	err = cell_read(cell);
	if (err) {
		err = explain_read(ctx, err, cell->sysname);
		free(cell);
		return err;
	}
	*ret_cell = cell;
	return 0;
}

int shyper_cell_open_id(struct shyper_ctx *ctx, unsigned int id,
			struct shyper_cell **ret_cell)
{
	ctx_begin(ctx);
	return cell_open_id(ctx, id, ret_cell);
}

void shyper_cell_close(struct shyper_cell *cell)
{
	free_keep_errno(cell);
}

int cell_list(struct shyper_ctx *ctx, struct shyper_cell ***ret_cells)
{
	struct shyper_cell **cells;
	struct sysfs_name *names;
	int i, count, used = 0, err = 0;

	count = sysfs_list(ctx, &names);
	if (count == -ENODEV)
		return cell_class_missing(ctx);
	if (count < 0)
		return error_set(ctx, count, SYSFS_CLASS, NULL, "%s",
				 strerror(-count));
	cells = calloc((size_t)count + 1, sizeof(struct shyper_cell *));
	if (!cells)
		err = error_no_memory(ctx);
	for (i = 0; i < count && !err && !names[i].is_device; i++) {
		err = cell_open_id(ctx, names[i].cell, &cells[used]);
		if (!err)
			used++;
		else if (err == -ENOENT)
			err = 0;
	}
	free(names);
	if (err) {
		shyper_cell_list_free(cells);
		return err;
	}
	ctx_begin(ctx);
	*ret_cells = cells;
	return used;
}

int shyper_cell_list(struct shyper_ctx *ctx, struct shyper_cell ***ret_cells)
{
	ctx_begin(ctx);
	return cell_list(ctx, ret_cells);
}

void shyper_cell_list_free(struct shyper_cell **cells)
{
	size_t i;

	for (i = 0; cells && cells[i]; i++)
		shyper_cell_close(cells[i]);
	free_keep_errno(cells);
}

int cell_open_named(struct shyper_ctx *ctx, const char *name,
		    struct shyper_cell **ret_cell)
{
	struct shyper_cell **cells, *found = NULL;
	int i, last, count = cell_list(ctx, &cells);
	char subject[64];

	if (count < 0)
		return count;
	last = count - 1;
	for (i = 0; i <= last; i++) {
		if (strcmp(cells[i]->name, name))
			continue;
		found = cells[i];
		cells[i] = cells[last];
		cells[last] = NULL;
		break;
	}
	shyper_cell_list_free(cells);
	if (!found)
		return error_set(ctx, -ENOENT,
				 cell_subject(name, subject, sizeof(subject)),
				 NULL, "does not exist");
	*ret_cell = found;
	return 0;
}

int shyper_cell_open(struct shyper_ctx *ctx, const char *name,
		     struct shyper_cell **ret_cell)
{
	unsigned int id;
	const char *rest;

	ctx_begin(ctx);
	if (sysfs_parse_name(name, &id, &rest) && !*rest)
		return cell_open_id(ctx, id, ret_cell);
	return cell_open_named(ctx, name, ret_cell);
}

int cell_explain(struct shyper_cell *cell, int err)
{
	return explain_read(cell->ctx, err, cell->name);
}

int cell_refresh(struct shyper_cell *cell)
{
	struct shyper_cell fresh = *cell;
	int err;

	err = cell_read(&fresh);
	/* While "control" is there every cell is. */
	if ((err == -ENOENT || err == -ENODEV) && !sysfs_exists(cell->ctx, "control"))
		return cell_class_missing(cell->ctx);
	if (!err && strcmp(fresh.name, cell->name))
		err = -ENOENT;
	if (err)
		return cell_explain(cell, err);
	*cell = fresh;
	return 0;
}

int shyper_cell_refresh(struct shyper_cell *cell)
{
	ctx_begin(cell->ctx);
	return cell_refresh(cell);
}

unsigned int shyper_cell_get_id(const struct shyper_cell *cell)
{
	return cell->id;
}

const char *shyper_cell_get_name(const struct shyper_cell *cell)
{
	return cell->name;
}

const char *shyper_cell_get_sysname(const struct shyper_cell *cell)
{
	return cell->sysname;
}

enum shyper_cell_state shyper_cell_get_state(const struct shyper_cell *cell)
{
	return cell->state;
}

const char *shyper_cell_get_reason(const struct shyper_cell *cell)
{
	return cell->reason;
}

const char *shyper_cell_get_cpus(const struct shyper_cell *cell)
{
	return cell->cpus;
}

uint64_t shyper_cell_get_memory(const struct shyper_cell *cell)
{
	return cell->memory;
}

uint64_t shyper_cell_get_starts(const struct shyper_cell *cell)
{
	return cell->starts;
}

bool shyper_cell_is_orphaned(const struct shyper_cell *cell)
{
	return cell->orphaned;
}

uint64_t shyper_cell_get_uptime_ms(const struct shyper_cell *cell)
{
	return cell->uptime_ms;
}

int shyper_cell_read_statistics(struct shyper_cell *cell,
				struct shyper_value **ret_values)
{
	int count;

	ctx_begin(cell->ctx);
	count = sysfs_read_values(cell->ctx, cell->sysname, "statistics", ret_values);
	return count < 0 ? error_no_memory(cell->ctx) : count;
}

/* The lines of one of the cell's files. */
static int read_lines(struct shyper_cell *cell, const char *attribute,
		      struct shyper_value **ret_values)
{
	char *text;
	int count;

	ctx_begin(cell->ctx);
	count = sysfs_read_all(cell->ctx, cell->sysname, attribute, &text);
	if (count < 0)
		return explain_read(cell->ctx, count, cell->name);
	count = values_parse(text, ret_values);
	free(text);
	return count < 0 ? error_no_memory(cell->ctx) : count;
}

int shyper_cell_read_failure(struct shyper_cell *cell,
			     struct shyper_value **ret_values)
{
	return read_lines(cell, "failure", ret_values);
}

int shyper_cell_read_memory(struct shyper_cell *cell,
			    struct shyper_value **ret_values)
{
	return read_lines(cell, "memory_regions", ret_values);
}

int shyper_cell_read_interrupts(struct shyper_cell *cell,
				struct shyper_value **ret_values)
{
	return read_lines(cell, "interrupts", ret_values);
}

int cell_read_config(struct shyper_ctx *ctx, const char *sysname,
		     struct shyper_config **ret_config)
{
	const struct shyper_finding *finding;
	struct shyper_config *config;
	char *text;
	int err;

	err = sysfs_read_all(ctx, sysname, "config", &text);
	if (err < 0)
		return explain_read(ctx, err, sysname);
	err = config_parse(ctx, sysname, text, (size_t)err, false, &config);
	free(text);
	if (err)
		return err;
	if (shyper_config_is_valid(config)) {
		*ret_config = config;
		return 0;
	}
	/* Somebody else than this library made the cell. */
	finding = shyper_config_get_finding(config, 0);
	err = error_set(ctx, -EINVAL, sysname, finding->path, "%s", finding->text);
	shyper_config_free(config);
	return err;
}

int shyper_cell_read_config_text(struct shyper_cell *cell, char **ret_text)
{
	int length;

	ctx_begin(cell->ctx);
	length = sysfs_read_all(cell->ctx, cell->sysname, "config", ret_text);
	return length < 0 ? cell_explain(cell, length) : length;
}

int shyper_cell_read_config(struct shyper_cell *cell,
			    struct shyper_config **ret_config)
{
	ctx_begin(cell->ctx);
	return cell_read_config(cell->ctx, cell->sysname, ret_config);
}
