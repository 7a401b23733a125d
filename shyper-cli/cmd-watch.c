// SPDX-License-Identifier: GPL-2.0-or-later
/* shyper stat, top, events: what goes on. */
#include <stdio.h>
#include <string.h>

#include "context.h"
#include "describe.h"
#include "rates.h"
#include "top.h"

#define DEFAULT_INTERVAL_MS	1000

/* What is looked at, as the user named it, and for how long. */
struct watch {
	struct shyper_ctx *ctx;
	struct rates_target target;
	int64_t interval_ms;
	uint64_t count;		/* 0: until somebody interrupts */
	struct shyper_cell *cell;
	struct shyper_device *device;
};

static enum cli_status open_watch(const struct invocation *invocation,
				  struct watch *w)
{
	enum cli_status status = context_probe(invocation, &w->ctx);

	if (!status && invocation->argc)
		status = context_open_target(invocation, &w->cell, &w->device);
	if (status)
		return status;
	if (w->cell)
		w->target.cell = shyper_cell_get_sysname(w->cell);
	if (w->device)
		w->target.device = shyper_device_get_sysname(w->device);
	w->interval_ms = (int64_t)option_number(invocation, "interval",
						DEFAULT_INTERVAL_MS);
	if (w->interval_ms)
		return CLI_DONE;
	cli_error(invocation->session, invocation->command->words, NULL,
		  "--interval 0: a rate needs some time");
	return CLI_USAGE;
}

static void close_watch(struct watch *w)
{
	shyper_cell_close(w->cell);
	shyper_device_close(w->device);
}

/* True: the object that was asked for has gone. */
static bool has_gone(const struct watch *w, const json_t *rates)
{
	return (w->cell && !json_array_size(json_object_get(rates, "cells"))) ||
	       (w->device && !json_array_size(json_object_get(rates, "devices")));
}

static void print_rates(const struct watch *w, json_t *rates)
{
	json_t *cells = json_object_get(rates, "cells");
	json_t *devices = json_object_get(rates, "devices");

	printf("per second, over %.1f s until %s\n",
	       json_real_value(json_object_get(rates, "seconds")),
	       json_string_value(json_object_get(rates, "time")));
	if (w->device) {
		output_render(stdout, json_array_get(devices, 0),
			      rates_device_fields);
		return;
	}
	output_render(stdout, cells, rates_cell_columns);
	if (json_array_size(devices))
		output_render(stdout, devices, rates_device_columns);
}

static enum cli_status report_rates(const struct invocation *invocation,
				    const struct watch *w, json_t *rates)
{
	if (has_gone(w, rates)) {
		json_decref(rates);
		cli_error(invocation->session, invocation->argv[0], NULL,
			  "has gone");
		return CLI_NOT_FOUND;
	}
	if (invocation->json)
		return output_line(invocation, rates);
	print_rates(w, rates);
	json_decref(rates);
	return output_finish() ? CLI_DONE : CLI_FAILED;
}

static enum cli_status watch_rates(const struct invocation *invocation,
				   const struct watch *w)
{
	json_t *before = rates_sample(w->ctx, &w->target), *after;
	int64_t next = context_now_ms();
	enum cli_status status = CLI_DONE;

	for (uint64_t n = 0; before && !status && (!w->count || n < w->count);
	     n++) {
		int64_t left;

		next += w->interval_ms;
		left = next - context_now_ms();
		context_wait(-1, left > 0 ? left : 0);
		if (context_is_interrupted())
			break;
		after = rates_sample(w->ctx, &w->target);
		if (after)
			status = report_rates(invocation, w,
					      rates_between(before, after));
		json_decref(before);
		before = after;
	}
	if (!before)
		return context_fail(invocation, invocation->command->words,
				    shyper_ctx_get_error(w->ctx)->code);
	json_decref(before);
	return status;
}

static enum cli_status cmd_stat(const struct invocation *invocation)
{
	struct watch w = { .count = option_number(invocation, "count", 1) };
	enum cli_status status = open_watch(invocation, &w);

	if (!status) {
		context_catch_interrupt();
		status = watch_rates(invocation, &w);
		context_release_interrupt();
	}
	close_watch(&w);
	return status;
}

static enum cli_status cmd_top(const struct invocation *invocation)
{
	struct watch w = { .count = option_number(invocation, "count", 0) };
	enum cli_status status = open_watch(invocation, &w);

	if (!status)
		status = top_run(invocation, w.ctx, w.interval_ms, w.count);
	close_watch(&w);
	return status;
}

static const char *event_word(const struct shyper_event *event)
{
	switch (event->type) {
	case SHYPER_EVENT_CELL_ADDED:
	case SHYPER_EVENT_DEVICE_ADDED:
		return event->is_initial ? "present" : "added";
	case SHYPER_EVENT_CELL_REMOVED:
	case SHYPER_EVENT_DEVICE_REMOVED:
		return "removed";
	case SHYPER_EVENT_DEVICE_CHANGED:
		return event->change[0] ? event->change : "changed";
	default:
		return "changed";
	}
}

static bool is_of_device(const struct shyper_event *event)
{
	return strchr(event->sysname, '.');
}

static json_t *describe_event(const struct shyper_event *event)
{
	json_t *object;
	char now[DESCRIBE_TIME_SIZE];

	describe_time(now, sizeof(now), 0);
	object = json_pack("{s:s s:s s:s s:s s:s}", "time", now, "event",
			   event_word(event), "kind",
			   is_of_device(event) ? "device" : "cell", "sysname",
			   event->sysname, "name", event->name);
	if (is_of_device(event)) {
		json_object_set_new(object, "type",
				    json_string(event->device_type));
		return object;
	}
	if (event->type == SHYPER_EVENT_CELL_REMOVED)
		return object;
	json_object_set_new(object, "state",
			    json_string(shyper_cell_state_name(event->state)));
	json_object_set_new(object, "reason", json_string(event->reason));
	return object;
}

static enum cli_status print_event(const struct invocation *invocation,
				   const struct shyper_event *event)
{
	char now[DESCRIBE_TIME_SIZE];

	if (invocation->json)
		return output_line(invocation, describe_event(event));
	describe_time(now, sizeof(now), 0);
	printf("%s %s", now, event->sysname);
	if (!is_of_device(event) && event->name[0])
		printf(" %s", event->name);
	if (event->type == SHYPER_EVENT_CELL_CHANGED)
		printf(": %s", shyper_cell_state_name(event->state));
	else
		printf(": %s", event_word(event));
	if (event->type == SHYPER_EVENT_CELL_ADDED)
		printf(", %s", shyper_cell_state_name(event->state));
	if (event->reason[0] && strcmp(event->reason, "none"))
		printf(" (%s)", event->reason);
	putchar('\n');
	return output_finish() ? CLI_DONE : CLI_FAILED;
}

static enum cli_status follow_events(const struct invocation *invocation,
				     struct shyper_events *events)
{
	uint64_t left = option_number(invocation, "count", 0);
	bool is_limited = left, skips = option_given(invocation, "new");
	enum cli_status status = CLI_DONE;
	struct shyper_event event;
	int ret;

	while (!status && !context_is_interrupted()) {
		ret = shyper_events_read(events, &event);
		if (ret < 0)
			return context_fail(invocation, "events", ret);
		if (!ret) {
			context_wait(shyper_events_get_fd(events), -1);
			continue;
		}
		if (skips && event.is_initial)
			continue;
		status = print_event(invocation, &event);
		if (is_limited && !--left)
			break;
	}
	return status;
}

static enum cli_status cmd_events(const struct invocation *invocation)
{
	struct shyper_events *events;
	enum cli_status status;
	struct shyper_ctx *ctx;
	int err;

	status = context_probe(invocation, &ctx);
	if (status)
		return status;
	err = shyper_events_open(ctx, &events);
	if (err)
		return context_fail(invocation, "events", err);
	context_catch_interrupt();
	status = follow_events(invocation, events);
	context_release_interrupt();
	shyper_events_close(events);
	return status;
}

#define INTERVAL	{ "interval", 'i', OPTION_SECONDS, "SECONDS", \
			  "over which to count (default: 1)" }

const struct command watch_commands[] = {
	{ .words = "stat",
	  .help = "Show exits, notifications, interrupts and I/O per second",
	  .arguments = { { "CELL|DEVICE", ARGUMENT_TARGET, true, false } },
	  .options = { INTERVAL,
		       { "count", 'n', OPTION_NUMBER, "N",
			 "how often to print (default: 1; 0: until ^C)" } },
	  .run = cmd_stat },
	{ .words = "top",
	  .help = "Show live which cells and devices work most, and who waits",
	  .options = { INTERVAL,
		       { "count", 'n', OPTION_NUMBER, "N",
			 "end after as many updates (default: until q or ^C)" } },
	  .run = cmd_top },
	{ .words = "events",
	  .help = "Print cells, devices and backends as they come, change and go",
	  .options = { { "new", 'N', OPTION_FLAG, NULL,
			 "leave out what is there already" },
		       { "count", 'n', OPTION_NUMBER, "N",
			 "end after as many events (default: until ^C)" } },
	  .run = cmd_events },
	{ 0 }
};
