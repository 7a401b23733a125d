// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-cell CELLN: the monitor of one cell.
 *
 * It loads the images and starts the cell when somebody asks by its socket,
 * loads and starts it again when the guest resets, and obeys the restart policy when
 * it powers off or fails:
 *
 *              stop      off       reset     failure
 *   never      -         -         again     -
 *   on-failure -         -         again     again
 *   always     -         again     again     again
 *
 * A cell that ends soon after its start is started again after a delay that
 * doubles, so that it costs root little. What the monitor knows of the past is
 * only that delay: it may be killed and started again at any time, and acts by
 * the state that the kernel tells at its first read. A cell that it finds loaded
 * was about to be started by its predecessor, unless a file says that somebody
 * wanted it loaded and no more.
 *
 * While the module is away the memory's file is nobody's but the monitor's: who
 * kills it then makes an orphan of the cell.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <shyper/shyper.h>

#include "service.h"

#define DELAY_FIRST_MS	1000
#define DELAY_MOST_MS	30000
/* A run that lasted this long was no quick failure. */
#define SOUND_RUN_MS	10000
#define LOOK_AGAIN_MS	1000

/**
 * struct watch - what the monitor remembers
 * @started_ms: when the cell was started, or first seen running
 * @restart_ms: when it is to be started again, 0: not
 * @delay_ms: waited before the last restart
 * @look_ms: when to look at its state again, 0: when it changes
 * @knows: has seen the state in which the cell was found
 */
struct watch {
	struct shyper_ctx *ctx;
	struct shyper_monitor *monitor;
	const char *name;
	int64_t started_ms;
	int64_t restart_ms;
	int64_t delay_ms;
	int64_t look_ms;
	bool knows;
};

static volatile sig_atomic_t terminated;

static void on_terminate(int signal)
{
	(void)signal;
	terminated = 1;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The file that says that a loaded cell is to stay so. */
static void hold_path(const struct watch *w, char *path, size_t size)
{
	snprintf(path, size, SERVICE_RUN_FOLDER "/%s.loaded", w->name);
}

static bool is_held(const struct watch *w)
{
	char path[128];

	hold_path(w, path, sizeof(path));
	return !access(path, F_OK);
}

static void hold(const struct watch *w)
{
	char path[128];
	int fd;

	hold_path(w, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

static void forget_hold(const struct watch *w)
{
	char path[128];

	hold_path(w, path, sizeof(path));
	unlink(path);
}

static void log_failure(const struct watch *w, const char *what, int err)
{
	const struct shyper_error *error = shyper_ctx_get_error(w->ctx);
	char text[800] = "";

	if (error->code)
		shyper_error_format(error, text, sizeof(text));
	service_log(LOG_ERR, w->name, "%s: %s", what,
		    text[0] ? text : strerror(-err));
}

/* Whether a cell in this state is to be started again without being asked. */
static bool wants_restart(enum shyper_restart policy,
			  const struct shyper_monitor_state *state)
{
	if (state->state == SHYPER_CELL_FAILED)
		return policy != SHYPER_RESTART_NEVER;
	if (state->state != SHYPER_CELL_STOPPED)
		return false;
	if (!strcmp(state->reason, "reset"))
		return true;
	return !strcmp(state->reason, "off") && policy == SHYPER_RESTART_ALWAYS;
}

/* A guest that resets after a sound run waits for nothing. */
static int64_t next_delay(const struct watch *w, bool failed)
{
	bool sound = w->started_ms && now_ms() - w->started_ms >= SOUND_RUN_MS;

	if (sound || !w->delay_ms)
		return failed ? DELAY_FIRST_MS : 0;
	return w->delay_ms * 2 > DELAY_MOST_MS ? DELAY_MOST_MS :
						 w->delay_ms * 2;
}

static int64_t schedule(struct watch *w, bool failed)
{
	int64_t delay = next_delay(w, failed);

	/* After a quick reset the next one waits. */
	w->delay_ms = delay ? delay : DELAY_FIRST_MS / 2;
	w->restart_ms = now_ms() + delay;
	return delay;
}

static void see_state(struct watch *w, const struct shyper_monitor_state *state)
{
	enum shyper_restart policy =
		shyper_config_get_restart(shyper_monitor_get_config(w->monitor));
	bool failed = state->state == SHYPER_CELL_FAILED;

	/* Whatever a file says of a cell that is not loaded is of the past. */
	if (state->state != SHYPER_CELL_LOADED && !w->knows)
		forget_hold(w);
	if (state->state == SHYPER_CELL_RUNNING) {
		w->restart_ms = 0;
		if (!w->started_ms)
			w->started_ms = now_ms();
		return;
	}
	/* A start under way passes this, and ended with our predecessor. */
	if (state->state == SHYPER_CELL_LOADED && !w->knows && !is_held(w))
		w->restart_ms = now_ms();
	if (state->state != SHYPER_CELL_STOPPED && !failed)
		return;
	if (wants_restart(policy, state)) {
		service_log(failed ? LOG_ERR : LOG_NOTICE, w->name,
			    "%s (%s); starts again in %lld ms",
			    shyper_cell_state_name(state->state), state->reason,
			    (long long)schedule(w, failed));
	} else {
		service_log(failed ? LOG_ERR : LOG_NOTICE, w->name, "%s (%s)",
			    shyper_cell_state_name(state->state),
			    state->reason);
		w->restart_ms = 0;
		w->delay_ms = 0;
	}
	w->started_ms = 0;
}

/* -ENODEV: the cell has gone; -ESTALE: and another one has its number. */
static int read_states(struct watch *w)
{
	struct shyper_monitor_state state;
	int ret;

	while ((ret = shyper_monitor_read_state(w->monitor, &state)) > 0) {
		see_state(w, &state);
		w->knows = true;
	}
	w->look_ms = 0;
	if (!ret || ret == -ENODEV || ret == -ESTALE)
		return ret;
	/* To end now would be to let go of the cell's memory. */
	log_failure(w, "state", ret);
	w->look_ms = now_ms() + LOOK_AGAIN_MS;
	return 0;
}

/* The next thing that waits for a time; 0: nothing. */
static int64_t next_ms(const struct watch *w)
{
	if (!w->look_ms || (w->restart_ms && w->restart_ms < w->look_ms))
		return w->restart_ms;
	return w->look_ms;
}

static void note_start(struct watch *w)
{
	w->restart_ms = 0;
	w->started_ms = now_ms();
	service_log(LOG_NOTICE, w->name, "started");
}

static void restart(struct watch *w)
{
	int err = shyper_monitor_start(w->monitor, 0);

	w->restart_ms = 0;
	if (!err) {
		note_start(w);
	} else if (err != -EBUSY && err != -ENODEV) {
		log_failure(w, "restart", err);
		schedule(w, true);
	}
}

static int carry_out(struct watch *w, const struct shyper_monitor_request *request)
{
	switch (request->op) {
	case SHYPER_MONITOR_START:
		forget_hold(w);
		return shyper_monitor_start(w->monitor, request->timeout_ms);
	case SHYPER_MONITOR_RESTART:
		forget_hold(w);
		return shyper_monitor_restart(w->monitor, request->timeout_ms);
	case SHYPER_MONITOR_LOAD:
		hold(w);
		return shyper_monitor_load(w->monitor, request->timeout_ms);
	default:
		return 0;
	}
}

static void note_done(struct watch *w, enum shyper_monitor_op op)
{
	if (op == SHYPER_MONITOR_PING)
		return;
	w->delay_ms = 0;
	if (op != SHYPER_MONITOR_LOAD) {
		note_start(w);
		return;
	}
	w->restart_ms = 0;
	service_log(LOG_NOTICE, w->name, "loaded");
}

static void serve_request(struct watch *w)
{
	struct shyper_monitor_request request;
	int err;

	if (shyper_monitor_accept(w->monitor, &request) <= 0)
		return;
	err = carry_out(w, &request);
	shyper_monitor_answer(w->monitor, &request, err);
	if (err)
		service_log(LOG_ERR, w->name, "%s was asked for: %s",
			    request.op == SHYPER_MONITOR_LOAD ? "load" : "start",
			    strerror(-err));
	else
		note_done(w, request.op);
}

static int watch_cell(struct watch *w, const sigset_t *mask)
{
	struct pollfd fds[] = {
		{ .fd = shyper_monitor_get_event_fd(w->monitor),
		  .events = POLLIN },
		{ .fd = shyper_monitor_get_socket_fd(w->monitor),
		  .events = POLLIN },
	};
	int err = read_states(w);

	while (!err && !terminated) {
		int64_t next = next_ms(w), wait = next - now_ms();
		struct timespec timeout = { .tv_sec = wait / 1000,
					    .tv_nsec = wait % 1000 * 1000000 };

		if (next && wait <= 0) {
			/* Somebody may have stopped it for good meanwhile. */
			err = read_states(w);
			if (!err && w->restart_ms && w->restart_ms <= now_ms())
				restart(w);
			if (!err)
				err = read_states(w);
			continue;
		}
		if (ppoll(fds, 2, next ? &timeout : NULL, mask) < 0)
			continue;
		/* First, since just behind its module's load the cell is taken back there. */
		if (fds[0].revents || fds[1].revents)
			err = read_states(w);
		if (err || !(fds[1].revents & POLLIN))
			continue;
		serve_request(w);
		err = read_states(w);
	}
	return err;
}

/* The mask to wait with; signals are taken only there. */
static void catch_signals(sigset_t *mask)
{
	struct sigaction action = { .sa_handler = on_terminate };
	sigset_t block;

	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, mask);
}

/* What is of no use when it has no monitor or no memory any more. */
static void remove_all_files(const struct watch *w)
{
	forget_hold(w);
	service_remove_files(w->name, ".*.json");
}

static enum service_status open_failed(const struct watch *w, int err)
{
	if (err == -EOWNERDEAD) {
		remove_all_files(w);
		/* Of the monitor that died. */
		service_remove_files(w->name, ".sock");
	}
	log_failure(w, "monitor", err);
	switch (err) {
	case -ENODEV:
	case -ENOENT:
		/* Of a monitor that was killed before its cell went. */
		service_remove_files(w->name, ".*.json");
		/* For systemd whoever ends before it is ready has failed. */
		service_ready_and_wait();
		return SERVICE_ENDED;
	case -EBUSY:
		return SERVICE_SERVED;
	case -EINVAL:
	case -EOWNERDEAD:
		return SERVICE_MISCONFIGURED;
	default:
		return SERVICE_FAILED;
	}
}

static enum service_status run(struct watch *w)
{
	sigset_t mask;
	int err;

	catch_signals(&mask);
	err = shyper_monitor_open(w->ctx, w->name, &w->monitor);
	if (err)
		return open_failed(w, err);
	service_ready();
	err = watch_cell(w, &mask);
	if (err && err != -ENODEV)
		log_failure(w, "events", err);
	/* While we hold its memory no other cell of its name has files there. */
	if (err == -ENODEV)
		remove_all_files(w);
	shyper_monitor_close(w->monitor);
	return err && err != -ENODEV ? SERVICE_FAILED : SERVICE_ENDED;
}

int main(int argc, char **argv)
{
	struct watch w = { .name = argc == 2 ? argv[1] : "shyper-cell" };
	enum service_status status;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: shyper-cell CELLN\n");
		return SERVICE_MISCONFIGURED;
	}
	if (shyper_ctx_create(&w.ctx)) {
		service_log(LOG_ERR, w.name, "out of memory");
		return SERVICE_FAILED;
	}
	status = run(&w);
	shyper_ctx_destroy(w.ctx);
	return status;
}
