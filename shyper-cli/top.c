// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper top: the cells and devices that work most, and the CPUs that wait.
 *
 * On a terminal the screen is written anew from its upper left corner at each
 * interval; that needs two sequences that every terminal of the last forty years
 * knows (ECMA-48: CUP, EL and ED), so no terminfo. Elsewhere, and with --json,
 * it is one snapshot after the other.
 */
#include "top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "context.h"
#include "describe.h"
#include "rates.h"

#define HOME		"\033[H"
#define CLEAR_SCREEN	"\033[2J"
#define CLEAR_LINE	"\033[K"
#define CLEAR_BELOW	"\033[J"

struct top {
	const struct invocation *invocation;
	struct shyper_ctx *ctx;
	int64_t interval_ms;
	bool is_live;		/* on a terminal */
	bool has_keys;		/* and its keys are read */
	bool is_ended;
	struct termios saved;
};

static const struct output_field waiting_of_all_columns[] = {
	{ "sysname", "WAITING", OUTPUT_PLAIN, NULL },
	{ "cpu", "CPU", OUTPUT_PLAIN, NULL },
	{ "device", "FOR DEVICE", OUTPUT_PLAIN, NULL },
	{ "op", "REQUEST", OUTPUT_PLAIN, NULL },
	{ "age_ms", "SO LONG", OUTPUT_DURATION, NULL },
	{ "since", "SINCE", OUTPUT_PLAIN, NULL },
	{ 0 }
};

/* Who waits in all cells, each with the cell's sysname. */
static json_t *describe_waiting(struct shyper_ctx *ctx)
{
	struct shyper_cell **cells;
	int count = shyper_cell_list(ctx, &cells);
	json_t *list = json_array(), *waiter;
	size_t n;

	for (int i = 0; i < count; i++) {
		json_t *waiters = describe_waiters(cells[i], NULL);

		json_array_foreach(waiters, n, waiter)
			json_object_set_new(
				waiter, "sysname",
				json_string(shyper_cell_get_sysname(cells[i])));
		json_array_extend(list, waiters);
		json_decref(waiters);
	}
	if (count >= 0)
		shyper_cell_list_free(cells);
	return list;
}

static double exits_of(const json_t *row)
{
	const json_t *exits = json_object_get(row, "vmexits_total");

	return json_number_value(exits ? exits : json_object_get(row, "exits"));
}

static int compare_exits(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;
	double difference = exits_of(*y) - exits_of(*x);

	if (difference)
		return difference > 0 ? 1 : -1;
	return strcmp(json_string_value(json_object_get(*x, "sysname")),
		      json_string_value(json_object_get(*y, "sysname")));
}

/* The busiest first. */
static void sort_rows(json_t *rows)
{
	size_t count = json_array_size(rows), i;
	json_t **order = calloc(count + 1, sizeof(json_t *));

	if (!order)
		return;
	for (i = 0; i < count; i++)
		order[i] = json_incref(json_array_get(rows, i));
	qsort(order, count, sizeof(json_t *), compare_exits);
	json_array_clear(rows);
	for (i = 0; i < count; i++)
		json_array_append_new(rows, order[i]);
	free(order);
}

/* A table of at most @rows rows, its head and a word about the rest included. */
static size_t render_table(FILE *out, json_t *array,
			   const struct output_field *columns, size_t rows)
{
	size_t count = json_array_size(array), shown = count;
	json_t *head;

	if (!count || rows < 2)
		return 0;
	if (count + 1 > rows)
		shown = rows - 2;
	head = json_copy(array);
	while (json_array_size(head) > shown)
		json_array_remove(head, json_array_size(head) - 1);
	output_render(out, head, columns);
	json_decref(head);
	if (shown < count)
		fprintf(out, "and %zu more\n", count - shown);
	return shown + 1 + (shown < count);
}

static void render_head(FILE *out, const json_t *snapshot)
{
	const json_t *cells = json_object_get(snapshot, "cells"), *cell;
	size_t i, failed = 0;

	json_array_foreach(cells, i, cell)
		failed += !strcmp(json_string_value(json_object_get(cell,
								    "state")),
				  "failed");
	fprintf(out, "%s  %zu cells, %zu failed, %zu waiting; per second, over %.1f s\n",
		json_string_value(json_object_get(snapshot, "time")),
		json_array_size(cells), failed,
		json_array_size(json_object_get(snapshot, "waiting")),
		json_real_value(json_object_get(snapshot, "seconds")));
}

/*
 * Who waits comes first, since that is what somebody looks for; then no more
 * cells than leave half of the rest to the devices.
 */
static void render(FILE *out, const json_t *snapshot, size_t rows)
{
	json_t *cells = json_object_get(snapshot, "cells");
	json_t *devices = json_object_get(snapshot, "devices");
	size_t left = rows - 1, wanted = json_array_size(devices) + 1;

	render_head(out, snapshot);
	left -= render_table(out, json_object_get(snapshot, "waiting"),
			     waiting_of_all_columns, left / 3);
	if (wanted > left / 2)
		wanted = left / 2;
	left -= render_table(out, cells, rates_cell_columns, left - wanted);
	render_table(out, devices, rates_device_columns, left);
}

/* As the terminal is now; a serial one that says nothing has 24 lines of 80. */
static struct winsize terminal_size(void)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row < 4 ||
	    size.ws_col < 20)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	return size;
}

/* Lines are cut: one that wraps would move all below it. */
static void draw(const char *text, const struct winsize *size)
{
	fputs(HOME, stdout);
	for (int row = 0; *text && row < size->ws_row - 1; row++) {
		int length = (int)strcspn(text, "\n");

		printf("%.*s" CLEAR_LINE "\n",
		       length < size->ws_col ? length : size->ws_col - 1, text);
		text += length + (text[length] == '\n');
	}
	fputs(CLEAR_BELOW, stdout);
}

static enum cli_status show(const struct top *t, json_t *snapshot)
{
	struct winsize size = terminal_size();
	size_t length;
	char *text;
	FILE *out;

	if (t->invocation->json)
		return output_line(t->invocation, snapshot);
	out = open_memstream(&text, &length);
	if (!out) {
		json_decref(snapshot);
		cli_error(t->invocation->session, "top", NULL, "out of memory");
		return CLI_FAILED;
	}
	render(out, snapshot, t->is_live ? size.ws_row - 1U : SIZE_MAX / 4);
	fclose(out);
	json_decref(snapshot);
	if (t->is_live)
		draw(text, &size);
	else
		puts(text);
	free(text);
	return output_finish() ? CLI_DONE : CLI_FAILED;
}

static json_t *take_snapshot(const struct top *t, const json_t *before,
			     const json_t *after)
{
	json_t *snapshot = rates_between(before, after);

	sort_rows(json_object_get(snapshot, "cells"));
	sort_rows(json_object_get(snapshot, "devices"));
	json_object_set_new(snapshot, "waiting", describe_waiting(t->ctx));
	return snapshot;
}

/* Until the interval is over, or a key: q ends, any other updates at once. */
static void wait_key(struct top *t, int64_t ms)
{
	char key;

	if (!context_wait(t->has_keys ? STDIN_FILENO : -1, ms))
		return;
	if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q')
		t->is_ended = true;
}

static enum cli_status run(struct top *t, uint64_t count)
{
	const struct rates_target all = { NULL, NULL };
	json_t *before = rates_sample(t->ctx, &all), *after;
	enum cli_status status = CLI_DONE;

	for (uint64_t n = 0; before && !status && (!count || n < count); n++) {
		wait_key(t, t->interval_ms);
		if (t->is_ended || context_is_interrupted())
			break;
		after = rates_sample(t->ctx, &all);
		if (after)
			status = show(t, take_snapshot(t, before, after));
		json_decref(before);
		before = after;
	}
	if (!before)
		return context_fail(t->invocation, "top",
				    shyper_ctx_get_error(t->ctx)->code);
	json_decref(before);
	return status;
}

/* Keys come one by one and unseen; ^C still interrupts. */
static void take_terminal(struct top *t)
{
	struct termios raw;

	fputs(CLEAR_SCREEN HOME "counting; q ends\n", stdout);
	fflush(stdout);
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &t->saved))
		return;
	raw = t->saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	t->has_keys = !tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

enum cli_status top_run(const struct invocation *invocation,
			struct shyper_ctx *ctx, int64_t interval_ms,
			uint64_t count)
{
	struct top t = {
		.invocation = invocation,
		.ctx = ctx,
		.interval_ms = interval_ms,
		.is_live = !invocation->json && isatty(STDOUT_FILENO),
	};
	enum cli_status status;

	context_catch_interrupt();
	if (t.is_live)
		take_terminal(&t);
	status = run(&t, count);
	if (t.has_keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &t.saved);
	context_release_interrupt();
	return status;
}
