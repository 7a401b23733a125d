// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Verbs on a cell that exists: stop, destroy and the log go to the module;
 * start and restart to the cell's monitor, who has the images to load.
 */
#include "cell-internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "uapi.h"
#include "wire.h"

/* How often who waits for a monitor looks whether its cell is still there. */
#define MONITOR_LOOK_MS	500

static unsigned int timeout_or_default(unsigned int timeout_ms)
{
	return timeout_ms ? timeout_ms : DEFAULT_TIMEOUT_MS;
}

static int explain_gone(struct shyper_cell *cell, int err, const char *verb)
{
	char subject[64];

	cell_subject(cell->name, subject, sizeof(subject));
	switch (err) {
	case -ENODEV:
	case -ENOENT:
		return error_set(cell->ctx, -ENOENT, subject, NULL, "does not exist");
	case -EBUSY:
		return error_set(cell->ctx, err, subject, NULL,
				 "cannot be %s in its state, which is \"%s\"", verb,
				 shyper_cell_state_name(cell->state));
	case -ETIMEDOUT:
		return error_set(cell->ctx, err, subject, NULL,
				 "was not %s in time: a CPU has not answered", verb);
	default:
		return error_set(cell->ctx, err, subject, NULL, "cannot be %s: %s",
				 verb, strerror(-err));
	}
}

static int call_op(struct shyper_cell *cell, unsigned int timeout_ms,
		   int (*call)(int fd, struct hvisor_cell_op *op),
		   const char *verb)
{
	struct hvisor_cell_op op = { .id = cell->id, .timeout_ms = timeout_ms };
	int fd, err;

	ctx_begin(cell->ctx);
	fd = uapi_open(cell->ctx, HVISOR_ROLE_CONTROL, 0, 0);
	if (fd < 0)
		return fd;
	err = call(fd, &op);
	close(fd);
	return err ? explain_gone(cell, err, verb) : 0;
}

int shyper_cell_stop(struct shyper_cell *cell, unsigned int timeout_ms)
{
	return call_op(cell, timeout_ms, uapi_cell_stop, "stopped");
}

int shyper_cell_pause(struct shyper_cell *cell, unsigned int timeout_ms)
{
	return call_op(cell, timeout_ms, uapi_cell_pause, "paused");
}

int shyper_cell_resume(struct shyper_cell *cell, unsigned int timeout_ms)
{
	return call_op(cell, timeout_ms, uapi_cell_resume, "resumed");
}

static int call_destroy(struct shyper_cell *cell, unsigned int timeout_ms)
{
	struct hvisor_cell_op op = {
		.id = cell->id, .timeout_ms = timeout_or_default(timeout_ms),
	};
	int fd, err;

	fd = uapi_open(cell->ctx, HVISOR_ROLE_CONTROL, 0, 0);
	if (fd < 0)
		return fd;
	err = uapi_cell_destroy(fd, &op);
	close(fd);
	return err ? explain_gone(cell, err, "destroyed") : 0;
}

int shyper_cell_destroy_no_wait(struct shyper_cell *cell, unsigned int timeout_ms)
{
	ctx_begin(cell->ctx);
	return call_destroy(cell, timeout_ms);
}

int shyper_cell_destroy(struct shyper_cell *cell, unsigned int timeout_ms)
{
	uint64_t blocks = cell->memory / HVISOR_BLOCK_SIZE, before;
	char subject[64];
	int lock, err;

	ctx_begin(cell->ctx);
	cell_subject(cell->name, subject, sizeof(subject));
	lock = memory_lock(cell->ctx);
	if (lock < 0)
		return lock;
	/* Who had the lock may have given its number to another cell. */
	err = cell_refresh(cell);
	if (!err)
		err = memory_count_free(cell->ctx, &before);
	if (!err)
		err = call_destroy(cell, timeout_ms);
	if (!err)
		err = memory_wait_free(cell->ctx, cell->name, before + blocks,
				       timeout_or_default(timeout_ms));
	close(lock);
	return err;
}

int shyper_cell_read_log(struct shyper_cell *cell, uint64_t *position,
			 char *buffer, size_t size)
{
	struct hvisor_log_read log = {
		.id = cell->id,
		.position = *position,
		.buffer = (uintptr_t)buffer,
		.length = size > 1 << 20 ? 1 << 20 : (uint32_t)size,
	};
	int fd, err;

	ctx_begin(cell->ctx);
	fd = uapi_open(cell->ctx, HVISOR_ROLE_CONTROL, 0, 0);
	if (fd < 0)
		return fd;
	err = uapi_log_read(fd, &log);
	close(fd);
	if (err)
		return explain_gone(cell, err, "read");
	*position = log.position + log.length;
	return (int)log.length;
}

static int explain_no_monitor(struct shyper_cell *cell, int err)
{
	char subject[64];

	cell_subject(cell->name, subject, sizeof(subject));
	error_set(cell->ctx, err == -EACCES || err == -EPERM ? -EPERM : -ETIMEDOUT,
		  subject, NULL, "its monitor does not answer on /run/shyper/%s.sock: %s",
		  cell->sysname, strerror(-err));
	error_hint_service(cell->ctx, "cell", cell->sysname);
	return cell->ctx->error.code;
}

/* udev may be about to start the monitor; of a cell that goes it starts none. */
static int connect_monitor(struct shyper_cell *cell, uint64_t deadline)
{
	struct shyper_cell now = *cell;
	uint64_t look;
	int fd;

	do {
		look = now_ms() + MONITOR_LOOK_MS;
		fd = wire_connect(cell->ctx, cell->sysname, look < deadline ? look : deadline);
	} while ((fd == -ENOENT || fd == -ECONNREFUSED) && now_ms() < deadline &&
		 !cell_refresh(&now) && now.state != SHYPER_CELL_DYING);
	return fd < 0 ? explain_no_monitor(cell, fd) : fd;
}

/* The monitor's explanation becomes ours. */
static int take_answer(struct shyper_cell *cell, const char *subject,
		       const json_t *answer)
{
	const char *text = json_string_value(json_object_get(answer, "text"));
	const char *hint = json_string_value(json_object_get(answer, "hint"));
	json_int_t code = json_integer_value(json_object_get(answer, "code"));
	int err;

	if (json_is_true(json_object_get(answer, "ok")))
		return 0;
	err = code < 0 && code > -4096 ? (int)code : -EPROTO;
	/* To a monitor, what is not there is its cell; to us, the hypervisor. */
	if (err == -ENODEV)
		err = -ENOENT;
	error_set(cell->ctx, err, subject, NULL, "%s",
		  text ? text : "the monitor's answer makes no sense");
	if (hint)
		error_hint(cell->ctx, "%s", hint);
	return err;
}

/* In ms; something, for who says why it was not enough. */
static unsigned int time_left(uint64_t deadline)
{
	uint64_t now = now_ms();

	return now < deadline ? (unsigned int)(deadline - now) : 1;
}

static int converse(struct shyper_cell *cell, const char *op, unsigned int timeout_ms,
		    bool waits_for_monitor)
{
	uint64_t start = now_ms(), deadline = start + timeout_ms;
	json_t *answer = NULL;
	char subject[64];
	int fd, err;

	cell_subject(cell->name, subject, sizeof(subject));
	fd = connect_monitor(cell, waits_for_monitor ? deadline : start);
	if (fd < 0)
		return fd;
	err = wire_write(fd, json_pack("{s:s, s:s, s:I}", "op", op, "cell", cell->name,
				       "timeout_ms", (json_int_t)time_left(deadline)));
	/* The monitor keeps the same deadline and knows more: let it speak. */
	if (!err)
		err = wire_read(fd, deadline + 10000, &answer);
	close(fd);
	if (err)
		return error_set(cell->ctx, err, subject, NULL,
				 "its monitor did not answer to \"%s\": %s", op,
				 strerror(-err));
	err = take_answer(cell, subject, answer);
	json_decref(answer);
	return err;
}

/* The monitor has ended before it answered; what it was asked for may be done. */
static bool has_hung_up(int err)
{
	return err == -ECONNRESET || err == -EPIPE;
}

/* A monitor ends when its cell goes, whoever destroys it: then that is the reason. */
static int explain_if_gone(const struct shyper_cell *cell, int err)
{
	struct shyper_error error = cell->ctx->error;
	struct shyper_cell now = *cell;
	char subject[64];
	int gone;

	ctx_begin(cell->ctx);
	gone = cell_refresh(&now);
	if (gone)
		return gone;
	/* The monitor knows that before sysfs has lost the cell. */
	if (now.state == SHYPER_CELL_DYING)
		return error_set(cell->ctx, -ENOENT,
				 cell_subject(cell->name, subject, sizeof(subject)),
				 NULL, "is being destroyed");
	cell->ctx->error = error;
	return err;
}

/* Looks at the cell by the way: @now, which stays as it was if the cell has gone. */
static int peek(const struct shyper_cell *cell, struct shyper_cell *now)
{
	struct shyper_error error = cell->ctx->error;
	int err;

	*now = *cell;
	err = cell_refresh(now);
	cell->ctx->error = error;
	return err;
}

/*
 * A monitor that ended before it answered has a successor, as long as its cell is
 * there. What the first one had loaded the second one starts before it answers
 * anybody: then all is done. Else it is asked for the same.
 */
static int ask_successor(struct shyper_cell *cell, const char *op, uint64_t starts,
			 uint64_t deadline)
{
	struct shyper_cell now;
	int err;

	ctx_begin(cell->ctx);
	err = converse(cell, "ping", time_left(deadline), true);
	if (!err && !peek(cell, &now) && now.starts > starts)
		return 0;
	if (!err)
		err = converse(cell, op, time_left(deadline), true);
	return err ? explain_if_gone(cell, err) : 0;
}

static int ask_monitor(struct shyper_cell *cell, const char *op,
		       unsigned int timeout_ms, bool waits_for_monitor)
{
	uint64_t deadline = now_ms() + timeout_ms;
	struct shyper_cell before;
	int err;

	peek(cell, &before);
	ctx_begin(cell->ctx);
	err = converse(cell, op, timeout_ms, waits_for_monitor);
	if (err)
		err = explain_if_gone(cell, err);
	while (waits_for_monitor && has_hung_up(err) && now_ms() < deadline)
		err = ask_successor(cell, op, before.starts, deadline);
	return err;
}

/* Nobody has its memory, to write images there. */
static int explain_orphan(struct shyper_cell *cell)
{
	char subject[64];

	ctx_begin(cell->ctx);
	cell_subject(cell->name, subject, sizeof(subject));
	error_set(cell->ctx, -EOWNERDEAD, subject, NULL,
		  "is orphaned: its monitor died while the module was away, and its memory's file with it");
	error_hint(cell->ctx, "stop or destroy it");
	return -EOWNERDEAD;
}

/*
 * For what has to do with its images. Just behind the module's load the monitor may
 * not have taken its cell back yet, and does so when it is asked; an orphan has none.
 */
static int ask_owner(struct shyper_cell *cell, const char *op, unsigned int timeout_ms)
{
	int err = ask_monitor(cell, op, timeout_or_default(timeout_ms), !cell->orphaned);
	struct shyper_cell now;

	if (err && cell->orphaned && !peek(cell, &now) && now.orphaned)
		return explain_orphan(cell);
	return err;
}

int shyper_cell_start(struct shyper_cell *cell, unsigned int timeout_ms)
{
	return ask_owner(cell, "start", timeout_ms);
}

int shyper_cell_load(struct shyper_cell *cell, unsigned int timeout_ms)
{
	return ask_owner(cell, "load", timeout_ms);
}

int shyper_cell_restart(struct shyper_cell *cell, unsigned int timeout_ms)
{
	return ask_owner(cell, "restart", timeout_ms);
}

int shyper_cell_ping(struct shyper_cell *cell)
{
	return ask_monitor(cell, "ping", 5000, false);
}
