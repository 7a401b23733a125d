// SPDX-License-Identifier: GPL-2.0-or-later
/* shyper cell ...: the life of cells. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "cell-log.h"
#include "cell-map.h"
#include "cell-plan.h"
#include "cmd-cell.h"
#include "context.h"
#include "describe.h"

#define CONSOLE_TIMEOUT_MS	3000	/* a backend that is started again */

/* NAME stands for /etc/shyper/cells/NAME.json; what has a slash is a file. */
static void config_path(const char *argument, char *path, size_t size)
{
	size_t length = strlen(argument);

	if (strchr(argument, '/') ||
	    (length > 5 && !strcmp(argument + length - 5, ".json")))
		snprintf(path, size, "%s", argument);
	else
		snprintf(path, size, CONTEXT_CELLS_FOLDER "/%s.json", argument);
}

static json_t *describe_findings(const struct shyper_config *config)
{
	const struct shyper_finding *f;
	json_t *list = json_array();

	for (size_t i = 0; (f = shyper_config_get_finding(config, i)); i++)
		json_array_append_new(
			list, json_pack("{s:s s:s s:s}", "severity",
					f->severity == SHYPER_SEVERITY_ERROR ?
						"error" : "warning",
					"path", f->path, "text", f->text));
	return list;
}

static enum cli_status load_config(const struct invocation *invocation,
				   const char *argument,
				   struct shyper_config **ret_config)
{
	struct shyper_ctx *ctx = context_get(invocation);
	char path[4096];
	int err;

	if (!ctx)
		return CLI_FAILED;
	config_path(argument, path, sizeof(path));
	err = shyper_config_load(ctx, path, ret_config);
	return err ? context_fail(invocation, path, err) : CLI_DONE;
}

static const struct output_field check_columns[] = {
	{ "file", "FILE", OUTPUT_PLAIN, NULL },
	{ "name", "NAME", OUTPUT_PLAIN, NULL },
	{ "cpus", "CPUS", OUTPUT_PLAIN, NULL },
	{ "memory", "MEMORY", OUTPUT_SIZE, NULL },
	{ "valid", "VALID", OUTPUT_PLAIN, NULL },
	{ 0 }
};

static json_t *describe_config(const struct shyper_config *config)
{
	return json_pack("{s:s s:s s:i s:I s:b s:o}",
			 "file", shyper_config_get_path(config),
			 "name", shyper_config_get_name(config),
			 "cpus", (int)shyper_config_get_nr_cpus(config),
			 "memory", (json_int_t)shyper_config_get_memory(config),
			 "valid", shyper_config_is_valid(config),
			 "findings", describe_findings(config));
}

/* The files that can be read, in @configs; returns their number. */
static size_t load_configs(const struct invocation *invocation,
			   struct shyper_config **configs,
			   enum cli_status *worst)
{
	enum cli_status status;
	size_t count = 0;

	for (int i = 0; i < invocation->argc; i++) {
		status = load_config(invocation, invocation->argv[i],
				     &configs[count]);
		if (status)
			*worst = status;
		else
			count++;
	}
	return count;
}

static enum cli_status cmd_cell_check(const struct invocation *invocation)
{
	struct shyper_config **configs =
		calloc((size_t)invocation->argc,
		       sizeof(struct shyper_config *));
	enum cli_status worst = CLI_DONE;
	json_t *list = json_array();
	size_t count;
	int err = 0;

	if (!configs) {
		cli_error(invocation->session, "cell check", NULL,
			  "out of memory");
		json_decref(list);
		return CLI_FAILED;
	}
	count = load_configs(invocation, configs, &worst);
	if (count > 1)
		err = shyper_config_check_together(invocation->session->ctx,
						   configs, count, false);
	if (err)
		worst = context_fail(invocation, "cell check", err);
	for (size_t i = 0; i < count; i++) {
		if (context_report_findings(invocation, configs[i]))
			worst = CLI_FAILED;
		json_array_append_new(list, describe_config(configs[i]));
		shyper_config_free(configs[i]);
	}
	free(configs);
	if (json_array_size(list) || invocation->json)
		output_value(invocation, list, check_columns);
	else
		json_decref(list);
	return worst;
}

enum cli_status report_cell(const struct invocation *invocation,
				   const struct shyper_cell *cell)
{
	if (invocation->json)
		return output_value(invocation, describe_cell(cell),
				    cell_fields);
	if (!invocation->quiet)
		printf("%s %s: %s\n", shyper_cell_get_sysname(cell),
		       shyper_cell_get_name(cell),
		       shyper_cell_state_name(shyper_cell_get_state(cell)));
	return CLI_DONE;
}

enum cli_status report_gone(const struct invocation *invocation,
			    const struct shyper_cell *cell)
{
	if (invocation->json)
		return output_value(
			invocation,
			json_pack("{s:i s:s s:s s:s}", "id",
				  (int)shyper_cell_get_id(cell), "sysname",
				  shyper_cell_get_sysname(cell), "name",
				  shyper_cell_get_name(cell), "state",
				  CONTEXT_STATE_GONE),
			cell_fields);
	if (!invocation->quiet)
		printf("%s %s: " CONTEXT_STATE_GONE "\n",
		       shyper_cell_get_sysname(cell),
		       shyper_cell_get_name(cell));
	return CLI_DONE;
}

static enum cli_status create_cell(const struct invocation *invocation,
				   const struct shyper_config *config)
{
	struct shyper_cell *cell;
	enum cli_status status;
	int err;

	output_progress(invocation, "creating %s: %u CPU%s, %llu MiB",
			shyper_config_get_name(config),
			shyper_config_get_nr_cpus(config),
			shyper_config_get_nr_cpus(config) == 1 ? "" : "s",
			(unsigned long long)shyper_config_get_memory(config) >>
				20);
	err = shyper_cell_create(invocation->session->ctx, config, &cell);
	if (err)
		return context_fail(invocation, invocation->argv[0], err);
	status = report_cell(invocation, cell);
	shyper_cell_close(cell);
	return status;
}

/* Nothing is touched if something is wrong, or for --dry-run. */
static enum cli_status cmd_cell_create(const struct invocation *invocation)
{
	bool is_dry = option_given(invocation, "dry-run");
	struct shyper_config *config;
	enum cli_status status;
	struct shyper_ctx *ctx;
	int err;

	status = is_dry ? CLI_DONE : context_probe(invocation, &ctx);
	if (!status)
		status = load_config(invocation, invocation->argv[0], &config);
	if (status)
		return status;
	err = shyper_config_check_together(invocation->session->ctx, &config, 1,
					   true);
	status = err ? context_fail(invocation, invocation->argv[0], err) :
		       context_report_findings(invocation, config);
	if (!status)
		status = is_dry ? cell_print_plan(invocation, config) :
				  create_cell(invocation, config);
	shyper_config_free(config);
	return status;
}

static unsigned int timeout_ms(const struct invocation *invocation)
{
	uint64_t ms = option_number(invocation, "timeout", 0);

	return ms > 86400000 ? 86400000 : (unsigned int)ms;
}

/* Opens the cell for what cannot be done to root, which is us. */
static enum cli_status open_other_cell(const struct invocation *invocation,
				       struct shyper_cell **ret_cell)
{
	enum cli_status status = context_open_cell(invocation, ret_cell);

	if (status || shyper_cell_get_id(*ret_cell))
		return status;
	cli_error(invocation->session, invocation->argv[0], NULL,
		  "is the root cell, which runs this command");
	shyper_cell_close(*ret_cell);
	return CLI_FAILED;
}

/* Opens the cell, does one thing with it, and reports its new state. */
static enum cli_status
operate(const struct invocation *invocation, const char *doing,
	int (*operation)(struct shyper_cell *cell, unsigned int timeout_ms))
{
	struct shyper_cell *cell;
	enum cli_status status;
	int err;

	status = open_other_cell(invocation, &cell);
	if (status)
		return status;
	output_progress(invocation, "%s %s", doing, shyper_cell_get_name(cell));
	err = operation(cell, timeout_ms(invocation));
	if (err) {
		status = context_fail(invocation, invocation->argv[0], err);
	} else {
		shyper_cell_refresh(cell);
		status = report_cell(invocation, cell);
	}
	shyper_cell_close(cell);
	return status;
}

static enum cli_status cmd_cell_load(const struct invocation *invocation)
{
	return operate(invocation, "loading", shyper_cell_load);
}

static enum cli_status cmd_cell_start(const struct invocation *invocation)
{
	return operate(invocation, "starting", shyper_cell_start);
}

static enum cli_status cmd_cell_restart(const struct invocation *invocation)
{
	return operate(invocation, "restarting", shyper_cell_restart);
}

static enum cli_status cmd_cell_stop(const struct invocation *invocation)
{
	return operate(invocation, "stopping", shyper_cell_stop);
}

static enum cli_status cmd_cell_pause(const struct invocation *invocation)
{
	return operate(invocation, "pausing", shyper_cell_pause);
}

static enum cli_status cmd_cell_resume(const struct invocation *invocation)
{
	return operate(invocation, "resuming", shyper_cell_resume);
}

static enum cli_status cmd_cell_destroy(const struct invocation *invocation)
{
	unsigned int timeout = timeout_ms(invocation);
	struct shyper_cell *cell;
	enum cli_status status;
	int err;

	status = open_other_cell(invocation, &cell);
	if (status)
		return status;
	output_progress(invocation, "destroying %s",
			shyper_cell_get_name(cell));
	err = option_given(invocation, "no-wait") ?
		      shyper_cell_destroy_no_wait(cell, timeout) :
		      shyper_cell_destroy(cell, timeout);
	if (err)
		status = context_fail(invocation, invocation->argv[0], err);
	else
		status = report_gone(invocation, cell);
	shyper_cell_close(cell);
	return status;
}

static enum cli_status cmd_cell_list(const struct invocation *invocation)
{
	struct shyper_cell **cells;
	enum cli_status status;
	struct shyper_ctx *ctx;
	json_t *list;
	int count;

	status = context_probe(invocation, &ctx);
	if (status)
		return status;
	count = shyper_cell_list(ctx, &cells);
	if (count < 0)
		return context_fail(invocation, "cells", count);
	list = json_array();
	for (int i = 0; i < count; i++)
		json_array_append_new(list, describe_cell(cells[i]));
	shyper_cell_list_free(cells);
	return output_value(invocation, list, cell_columns);
}

static enum cli_status cmd_cell_show(const struct invocation *invocation)
{
	bool is_map = option_given(invocation, "map") ||
		      option_given(invocation, "svg");
	struct shyper_cell *cell;
	enum cli_status status;
	json_t *object;

	if (is_map != !invocation->argc) {
		cli_error(invocation->session, "cell show", "see --help",
			  is_map ? "the map is of all cells, none can be named" :
				   "a cell, --map or --svg is missing");
		return CLI_USAGE;
	}
	if (is_map)
		return cell_print_map(invocation,
				      option_given(invocation, "svg"));
	status = context_open_cell(invocation, &cell);
	if (status)
		return status;
	object = describe_cell_fully(invocation->session->ctx, cell);
	shyper_cell_close(cell);
	return output_value(invocation, object, cell_fields);
}

static enum cli_status cmd_cell_log(const struct invocation *invocation)
{
	struct shyper_cell *cell;
	enum cli_status status;

	status = context_open_cell(invocation, &cell);
	if (status)
		return status;
	status = cell_print_log(invocation, cell);
	shyper_cell_close(cell);
	return status;
}

static enum cli_status cmd_cell_console(const struct invocation *invocation)
{
	const char *device = invocation->argc > 1 ? invocation->argv[1] : NULL;
	struct shyper_console *console;
	struct shyper_cell *cell;
	enum cli_status status;
	int err;

	status = context_open_cell(invocation, &cell);
	if (status)
		return status;
	err = shyper_console_open(cell, device, CONSOLE_TIMEOUT_MS, &console);
	shyper_cell_close(cell);
	if (err)
		return context_fail(invocation, invocation->argv[0], err);
	status = attach_console(invocation, console);
	shyper_console_close(console);
	return status;
}

#define CELL		{ "CELL", ARGUMENT_CELL, false, false }
#define TIMEOUT		{ "timeout", 't', OPTION_SECONDS, "SECONDS", \
			  "how long to wait (default: 30)" }

const struct command cell_commands[] = {
	{ .words = "cell check",
	  .help = "Check configurations and report all that is wrong",
	  .arguments = { { "CONFIG", ARGUMENT_CONFIG, false, true } },
	  .run = cmd_cell_check },
	{ .words = "cell create",
	  .help = "Make a cell of a file, or of a name for "
		  CONTEXT_CELLS_FOLDER "/NAME.json",
	  .arguments = { { "CONFIG", ARGUMENT_CONFIG, false, false } },
	  .options = { { "dry-run", 'n', OPTION_FLAG, NULL,
			 "change nothing; print addresses and device tree" } },
	  .run = cmd_cell_create },
	{ .words = "cell load",
	  .help = "Load the images of a cell, for a start that comes later",
	  .arguments = { CELL }, .options = { TIMEOUT },
	  .run = cmd_cell_load },
	{ .words = "cell start",
	  .help = "Load the images of a cell and start it",
	  .arguments = { CELL }, .options = { TIMEOUT },
	  .run = cmd_cell_start },
	{ .words = "cell restart",
	  .help = "Stop a cell if it runs, load it again and start it",
	  .arguments = { CELL }, .options = { TIMEOUT },
	  .run = cmd_cell_restart },
	{ .words = "cell stop",
	  .help = "Stop the CPUs of a cell",
	  .arguments = { CELL }, .options = { TIMEOUT },
	  .run = cmd_cell_stop },
	{ .words = "cell pause",
	  .help = "Let the CPUs of a cell wait where they are",
	  .arguments = { CELL }, .options = { TIMEOUT },
	  .run = cmd_cell_pause },
	{ .words = "cell resume",
	  .help = "Let a paused cell go on",
	  .arguments = { CELL }, .options = { TIMEOUT },
	  .run = cmd_cell_resume },
	{ .words = "cell destroy",
	  .help = "Destroy a cell and give its CPUs and memory back",
	  .arguments = { CELL },
	  .options = { TIMEOUT,
		       { "no-wait", 0, OPTION_FLAG, NULL,
			 "do not wait until the memory is free" } },
	  .run = cmd_cell_destroy },
	{ .words = "cell list",
	  .help = "List all cells",
	  .run = cmd_cell_list },
	{ .words = "cell show",
	  .help = "Show a cell, why it failed, who waits for whom; or who has which memory",
	  .arguments = { { "CELL", ARGUMENT_CELL, true, false } },
	  .options = { { "map", 'm', OPTION_FLAG, NULL,
			 "draw the memory of the whole machine" },
		       { "svg", 0, OPTION_FLAG, NULL,
			 "the same as a picture in SVG" } },
	  .run = cmd_cell_show },
	{ .words = "cell wait",
	  .help = "Wait until a cell is in one of the states, or gone",
	  .arguments = { CELL, { "STATE", ARGUMENT_STATE, false, true } },
	  .options = { { "timeout", 't', OPTION_SECONDS, "SECONDS",
			 "how long to wait (default: for ever)" } },
	  .run = cmd_cell_wait },
	{ .words = "cell dump",
	  .help = "Print all that is known of a cell, for a report of a fault",
	  .arguments = { CELL },
	  .run = cmd_cell_dump },
	{ .words = "cell console",
	  .help = "Connect the terminal to a cell's console; ^] leaves",
	  .arguments = { CELL, { "DEVICE", ARGUMENT_CONSOLE, true, false } },
	  .run = cmd_cell_console },
	{ .words = "cell log",
	  .help = "Print what a cell wrote to its early console",
	  .arguments = { CELL },
	  .options = { { "follow", 'f', OPTION_FLAG, NULL,
			 "go on until ^C or the cell has gone" } },
	  .run = cmd_cell_log },
	{ 0 }
};
