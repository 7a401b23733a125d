// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper cell wait: until a cell is in one of some states, or has gone.
 *
 * Each event makes it look at the cell, and what an event tells counts too:
 * a state that lasted for a moment only is not missed, nor is the end of a cell
 * whose name is another's at once. It looks without events now and then, too: who
 * should forward them may have stopped.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd-cell.h"
#include "context.h"

#define LOOK_MS	500

/**
 * struct wait - what is waited for
 * @states: bit n: enum shyper_cell_state n
 * @gone: the cell's end
 * @deadline_ms: -1: none
 */
struct wait {
	const struct invocation *invocation;
	struct shyper_cell *cell;
	struct shyper_events *events;
	unsigned int states;
	bool gone;
	int64_t deadline_ms;
};

static enum cli_status take_states(struct wait *w)
{
	const struct invocation *invocation = w->invocation;

	for (int i = 1; i < invocation->argc; i++) {
		enum shyper_cell_state state =
			shyper_cell_state_parse(invocation->argv[i]);

		if (!strcmp(invocation->argv[i], CONTEXT_STATE_GONE)) {
			w->gone = true;
		} else if (state != SHYPER_CELL_UNKNOWN) {
			w->states |= 1U << state;
		} else {
			cli_error(invocation->session, invocation->command->words,
				  NULL,
				  "no state '%s', expected created, loaded, running, paused, stopped, failed or gone",
				  invocation->argv[i]);
			return CLI_USAGE;
		}
	}
	return CLI_DONE;
}

static bool is_wanted(const struct wait *w, enum shyper_cell_state state)
{
	return w->states >> state & 1;
}

static enum cli_status end(const struct wait *w)
{
	if (w->gone)
		return report_gone(w->invocation, w->cell);
	cli_error(w->invocation->session, w->invocation->argv[0], NULL,
		  "was destroyed");
	return CLI_NOT_FOUND;
}

/* CLI_TIMEOUT: not yet. While the module is away nobody can tell. */
static enum cli_status look(struct wait *w)
{
	int err = shyper_cell_refresh(w->cell);

	if (err)
		return err == -ENODEV ? CLI_TIMEOUT : end(w);
	return is_wanted(w, shyper_cell_get_state(w->cell)) ?
		       report_cell(w->invocation, w->cell) : CLI_TIMEOUT;
}

/* An event of the past can tell of a state that the cell has left again. */
static enum cli_status take_events(struct wait *w)
{
	const char *sysname = shyper_cell_get_sysname(w->cell);
	struct shyper_event event;
	bool seen = false, gone = false;
	int ret = 0;

	while (!gone && (ret = shyper_events_read(w->events, &event)) > 0) {
		if (strcmp(event.sysname, sysname))
			continue;
		if (event.type == SHYPER_EVENT_CELL_CHANGED)
			seen |= is_wanted(w, event.state);
		gone = event.type == SHYPER_EVENT_CELL_REMOVED &&
		       strcmp(event.reason, "module");
	}
	if (gone)
		return end(w);
	if (ret < 0)
		return context_fail(w->invocation, "events", ret);
	return seen && !shyper_cell_refresh(w->cell) ?
		       report_cell(w->invocation, w->cell) : look(w);
}

static enum cli_status give_up(const struct wait *w)
{
	const char *state =
		shyper_cell_state_name(shyper_cell_get_state(w->cell));

	if (context_is_interrupted()) {
		cli_error(w->invocation->session, w->invocation->argv[0], NULL,
			  "interrupted; the cell is %s", state);
		return CLI_FAILED;
	}
	cli_error(w->invocation->session, w->invocation->argv[0],
		  "see 'shyper cell show'", "time is over; the cell is %s",
		  state);
	return CLI_TIMEOUT;
}

static enum cli_status wait_for_state(struct wait *w)
{
	enum cli_status status;

	for (;;) {
		int64_t left = LOOK_MS;

		status = take_events(w);
		if (status != CLI_TIMEOUT)
			return status;
		if (w->deadline_ms >= 0)
			left = w->deadline_ms - context_now_ms();
		if (context_is_interrupted() || left <= 0)
			return give_up(w);
		context_wait(shyper_events_get_fd(w->events),
			     left < LOOK_MS ? left : LOOK_MS);
	}
}

enum cli_status cmd_cell_wait(const struct invocation *invocation)
{
	struct wait w = { .invocation = invocation, .deadline_ms = -1 };
	enum cli_status status = take_states(&w);
	int err;

	if (!status)
		status = context_open_cell(invocation, &w.cell);
	if (status)
		return status;
	if (option_given(invocation, "timeout"))
		w.deadline_ms = context_now_ms() +
				(int64_t)option_number(invocation, "timeout", 0);
	err = shyper_events_open(invocation->session->ctx, &w.events);
	if (err) {
		status = context_fail(invocation, "events", err);
	} else {
		context_catch_interrupt();
		status = wait_for_state(&w);
		context_release_interrupt();
		shyper_events_close(w.events);
	}
	shyper_cell_close(w.cell);
	return status;
}
