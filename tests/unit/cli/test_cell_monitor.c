// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests of shyper-cli/cell-monitor.c: its policy, with a cell and a clock of
 * this file's own. Time passes only in ppoll().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#define main	cell_monitor_main
#include "cell-monitor.c"
#undef main

#include <cmocka.h>

#define MAX_STARTS	16

/* The cell: what it does when it is started, and what was done to it. */
static struct {
	int64_t now;
	enum shyper_restart policy;
	/* How each run ends, after how long. */
	enum shyper_cell_state end_state;
	const char *end_reason;
	int64_t run_ms;
	/* Before it has gone. */
	int most_starts;
	int64_t most_ms;

	enum shyper_cell_state state;
	const char *reason;
	bool changed;
	int64_t end_at;		/* of this run; 0: none */
	bool gone;

	int64_t started_at[MAX_STARTS];
	int starts;
	int open_error;
	bool another;		/* has its number when it has gone */
	int read_errors;	/* as many looks at the state fail */
	int start_errors;	/* as many starts fail */
	int requests;		/* as many are waiting at the socket */
	enum shyper_monitor_op op;	/* of each */
	int loads;
	bool kill;		/* the monitor ends before its cell */
	int answered;		/* code of the last answer */
	unsigned int start_timeout;	/* of the last start */
	int64_t stop_at;	/* somebody stops it while it stands still; 0: nobody */
} cell;

int __wrap_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_ppoll(struct pollfd *fds, nfds_t count,
		 const struct timespec *timeout, const sigset_t *mask);

int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
	now->tv_sec = cell.now / 1000;
	now->tv_nsec = cell.now % 1000 * 1000000;
	return 0;
}

static int cell_goes(struct pollfd *fds)
{
	cell.gone = true;
	fds[0].revents = POLLIN;
	return 1;
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count,
		 const struct timespec *timeout, const sigset_t *mask)
{
	int64_t until = timeout ? cell.now + timeout->tv_sec * 1000 +
				  timeout->tv_nsec / 1000000 : INT64_MAX;

	assert_int_equal(count, 2);
	fds[0].revents = 0;
	fds[1].revents = cell.requests ? POLLIN : 0;
	if (cell.requests)
		return 1;
	if (cell.kill) {
		on_terminate(SIGTERM);
		return -1;
	}
	if (cell.starts >= cell.most_starts || cell.now > cell.most_ms)
		return cell_goes(fds);
	if (cell.end_at && cell.end_at <= until) {
		cell.now = cell.end_at;
		cell.end_at = 0;
		cell.state = cell.end_state;
		cell.reason = cell.end_reason;
		cell.changed = true;
		fds[0].revents = POLLIN;
		return 1;
	}
	if (cell.stop_at && cell.stop_at <= until) {
		cell.now = cell.stop_at;
		cell.stop_at = 0;
		cell.state = SHYPER_CELL_STOPPED;
		cell.reason = "stop";
		cell.changed = true;
		fds[0].revents = POLLIN;
		return 1;
	}
	if (!timeout)
		return cell_goes(fds);
	cell.now = until;
	return 0;
}

int shyper_ctx_create(struct shyper_ctx **ret_ctx)
{
	return 0;
}

void shyper_ctx_destroy(struct shyper_ctx *ctx)
{
}

const struct shyper_error *shyper_ctx_get_error(const struct shyper_ctx *ctx)
{
	static const struct shyper_error none;

	return &none;
}

void shyper_error_format(const struct shyper_error *error, char *buffer,
			 unsigned long size)
{
	buffer[0] = '\0';
}

const char *shyper_cell_state_name(enum shyper_cell_state state)
{
	return state == SHYPER_CELL_FAILED ? "failed" : "stopped";
}

enum shyper_restart
shyper_config_get_restart(const struct shyper_config *config)
{
	return cell.policy;
}

int shyper_monitor_open(struct shyper_ctx *ctx, const char *sysname,
			struct shyper_monitor **ret_monitor)
{
	assert_string_equal(sysname, "cell9");
	return cell.open_error;
}

void shyper_monitor_close(struct shyper_monitor *monitor)
{
}

const struct shyper_config *
shyper_monitor_get_config(const struct shyper_monitor *monitor)
{
	return NULL;
}

int shyper_monitor_get_event_fd(const struct shyper_monitor *monitor)
{
	return 100;
}

int shyper_monitor_get_socket_fd(const struct shyper_monitor *monitor)
{
	return 101;
}

int shyper_monitor_read_state(struct shyper_monitor *monitor,
			      struct shyper_monitor_state *ret_state)
{
	if (cell.read_errors) {
		cell.read_errors--;
		return -EIO;
	}
	if (cell.gone)
		return cell.another ? -ESTALE : -ENODEV;
	if (!cell.changed)
		return 0;
	cell.changed = false;
	*ret_state = (struct shyper_monitor_state){
		cell.state, cell.reason, (uint64_t)cell.starts
	};
	return 1;
}

int shyper_monitor_accept(struct shyper_monitor *monitor,
			  struct shyper_monitor_request *ret_request)
{
	cell.requests--;
	ret_request->op = cell.op;
	ret_request->timeout_ms = 12345;
	return 1;
}

void shyper_monitor_answer(struct shyper_monitor *monitor,
			   const struct shyper_monitor_request *request,
			   int code)
{
	cell.answered = code;
}

int shyper_monitor_start(struct shyper_monitor *monitor,
			 unsigned int timeout_ms)
{
	assert_true(cell.starts < MAX_STARTS);
	if (cell.state == SHYPER_CELL_RUNNING)
		return -EBUSY;
	cell.started_at[cell.starts++] = cell.now;
	cell.start_timeout = timeout_ms;
	if (cell.start_errors) {
		cell.start_errors--;
		return -ETIMEDOUT;
	}
	cell.state = SHYPER_CELL_RUNNING;
	cell.reason = "none";
	cell.changed = true;
	cell.end_at = cell.now + cell.run_ms;
	return 0;
}

int shyper_monitor_load(struct shyper_monitor *monitor, unsigned int timeout_ms)
{
	if (cell.state == SHYPER_CELL_RUNNING)
		return -EBUSY;
	cell.loads++;
	cell.state = SHYPER_CELL_LOADED;
	cell.changed = true;
	return 0;
}

int shyper_monitor_restart(struct shyper_monitor *monitor,
			   unsigned int timeout_ms)
{
	return shyper_monitor_start(monitor, timeout_ms);
}

/* A cell that has been created, and whose runs end so. */
static void make_cell(enum shyper_restart policy, enum shyper_cell_state state,
		      const char *reason, int64_t run_ms)
{
	memset(&cell, 0, sizeof(cell));
	cell.now = 1000;
	cell.policy = policy;
	cell.end_state = state;
	cell.end_reason = reason;
	cell.run_ms = run_ms;
	cell.most_starts = 8;
	cell.most_ms = 1000000;
	cell.state = SHYPER_CELL_CREATED;
	cell.reason = "none";
	cell.changed = true;
	cell.answered = 1;
	cell.op = SHYPER_MONITOR_START;
	terminated = 0;
}

static int run_monitor(void)
{
	char *argv[] = { (char *)"shyper-cell", (char *)"cell9", NULL };

	return cell_monitor_main(2, argv);
}

/* Starts of a cell that is started once by the socket. */
static int starts_with(enum shyper_restart policy,
		       enum shyper_cell_state state, const char *reason)
{
	make_cell(policy, state, reason, 60000);
	cell.requests = 1;
	assert_int_equal(run_monitor(), SERVICE_ENDED);
	assert_int_equal(cell.answered, 0);
	return cell.starts;
}

static void test_the_policy_decides_about_each_end(void **state)
{
	static const struct {
		enum shyper_cell_state state;
		const char *reason;
		bool again[3];	/* never, on-failure, always */
	} cases[] = {
		{ SHYPER_CELL_STOPPED, "stop", { false, false, false } },
		{ SHYPER_CELL_STOPPED, "off", { false, false, true } },
		{ SHYPER_CELL_STOPPED, "reset", { true, true, true } },
		{ SHYPER_CELL_FAILED, "unmapped", { false, true, true } },
		{ SHYPER_CELL_FAILED, "exception", { false, true, true } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int policy = 0; policy < 3; policy++)
			assert_int_equal(starts_with((enum shyper_restart)policy,
						     cases[i].state,
						     cases[i].reason),
					 cases[i].again[policy] ? 8 : 1);
	}
}

static void assert_waits(const int64_t *expected, int count)
{
	for (int i = 0; i < count; i++)
		assert_int_equal(cell.started_at[i + 1] - cell.started_at[i] -
				 cell.run_ms, expected[i]);
}

static void test_quick_failures_wait_longer_each_time(void **state)
{
	static const int64_t waits[] = { 1000, 2000, 4000, 8000, 16000, 30000,
					 30000 };

	make_cell(SHYPER_RESTART_ON_FAILURE, SHYPER_CELL_FAILED, "unmapped", 5);
	cell.requests = 1;
	run_monitor();
	assert_waits(waits, 7);
}

static void test_a_failure_after_a_sound_run_waits_a_second(void **state)
{
	static const int64_t waits[] = { 1000, 1000, 1000 };

	make_cell(SHYPER_RESTART_ALWAYS, SHYPER_CELL_FAILED, "unmapped", 60000);
	cell.requests = 1;
	run_monitor();
	assert_waits(waits, 3);
}

static void test_a_reset_after_a_sound_run_waits_for_nothing(void **state)
{
	static const int64_t waits[] = { 0, 0, 0 };

	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "reset", 60000);
	cell.requests = 1;
	run_monitor();
	assert_waits(waits, 3);
}

static void test_a_guest_that_resets_at_once_does_not_spin(void **state)
{
	static const int64_t waits[] = { 0, 1000, 2000, 4000 };

	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "reset", 1);
	cell.requests = 1;
	run_monitor();
	assert_waits(waits, 4);
}

static void test_a_start_that_fails_is_tried_again(void **state)
{
	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 60000);
	cell.state = SHYPER_CELL_STOPPED;
	cell.reason = "reset";
	cell.start_errors = 3;
	run_monitor();
	assert_int_equal(cell.starts, 4);
	assert_int_equal(cell.started_at[0], 1000);
	assert_int_equal(cell.started_at[1], 2000);
	assert_int_equal(cell.started_at[2], 4000);
	assert_int_equal(cell.started_at[3], 8000);
}

static void test_a_start_that_was_asked_for_may_fail(void **state)
{
	make_cell(SHYPER_RESTART_ALWAYS, SHYPER_CELL_STOPPED, "stop", 60000);
	cell.start_errors = 1;
	cell.requests = 1;
	run_monitor();
	assert_int_equal(cell.answered, -ETIMEDOUT);
	assert_int_equal(cell.starts, 1);
}

static void test_a_new_monitor_goes_by_the_state(void **state)
{
	/* Nothing happens to a cell that runs, or that nobody started. */
	make_cell(SHYPER_RESTART_ALWAYS, SHYPER_CELL_STOPPED, "stop", 0);
	cell.state = SHYPER_CELL_RUNNING;
	run_monitor();
	assert_int_equal(cell.starts, 0);
	make_cell(SHYPER_RESTART_ALWAYS, SHYPER_CELL_STOPPED, "stop", 0);
	run_monitor();
	assert_int_equal(cell.starts, 0);
	/* The predecessor died between the guest's reset and the start. */
	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 0);
	cell.state = SHYPER_CELL_STOPPED;
	cell.reason = "reset";
	run_monitor();
	assert_int_equal(cell.starts, 1);
	assert_int_equal(cell.started_at[0], 1000);
	/* It died a little later, in the middle of the start. */
	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 0);
	cell.state = SHYPER_CELL_LOADED;
	run_monitor();
	assert_int_equal(cell.starts, 1);
}

static void test_a_loaded_cell_stays_so(void **state)
{
	/* Asked for, while a restart is due. */
	make_cell(SHYPER_RESTART_ALWAYS, SHYPER_CELL_FAILED, "unmapped", 5);
	cell.state = SHYPER_CELL_FAILED;
	cell.reason = "unmapped";
	cell.requests = 1;
	cell.op = SHYPER_MONITOR_LOAD;
	cell.kill = true;
	assert_int_equal(run_monitor(), SERVICE_ENDED);
	assert_int_equal(cell.answered, 0);
	assert_int_equal(cell.loads, 1);
	assert_int_equal(cell.starts, 0);
	/* A successor knows, too, until somebody wants it started. */
	make_cell(SHYPER_RESTART_ALWAYS, SHYPER_CELL_STOPPED, "stop", 0);
	cell.state = SHYPER_CELL_LOADED;
	cell.kill = true;
	run_monitor();
	assert_int_equal(cell.starts, 0);
	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 0);
	cell.state = SHYPER_CELL_LOADED;
	cell.requests = 1;
	cell.start_errors = 1;
	cell.kill = true;
	run_monitor();
	assert_int_equal(cell.starts, 1);
	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 0);
	cell.state = SHYPER_CELL_LOADED;
	run_monitor();
	assert_int_equal(cell.starts, 1);
}

static void test_a_cell_that_was_loaded_once_is_started_again(void **state)
{
	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 0);
	cell.requests = 1;
	cell.op = SHYPER_MONITOR_LOAD;
	cell.kill = true;
	run_monitor();
	/* What the file says ended with that state of the cell. */
	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 0);
	cell.state = SHYPER_CELL_STOPPED;
	cell.reason = "stop";
	cell.kill = true;
	run_monitor();
	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 0);
	cell.state = SHYPER_CELL_LOADED;
	run_monitor();
	assert_int_equal(cell.starts, 1);
}

/* In the time in which it would have waited. */
static void test_a_stop_calls_off_a_restart(void **state)
{
	make_cell(SHYPER_RESTART_ALWAYS, SHYPER_CELL_FAILED, "unmapped", 60000);
	cell.requests = 1;
	cell.stop_at = 61500;
	run_monitor();
	assert_int_equal(cell.starts, 1);
}

static void test_the_time_limit_of_a_request_is_kept(void **state)
{
	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 60000);
	cell.requests = 1;
	run_monitor();
	assert_int_equal(cell.start_timeout, 12345);
}

static void test_a_running_cell_is_not_started(void **state)
{
	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 60000);
	cell.requests = 2;
	run_monitor();
	assert_int_equal(cell.starts, 1);
	assert_int_equal(cell.answered, -EBUSY);
}

static void test_the_exit_status_tells_what_to_do(void **state)
{
	static const struct {
		int error, status;
	} cases[] = {
		{ -ENODEV, SERVICE_ENDED }, { -ENOENT, SERVICE_ENDED },
		{ -EBUSY, SERVICE_SERVED }, { -EINVAL, SERVICE_MISCONFIGURED },
		{ -EIO, SERVICE_FAILED }, { -ENOMEM, SERVICE_FAILED },
		{ -EOWNERDEAD, SERVICE_MISCONFIGURED },
	};
	char *argv[] = { (char *)"shyper-cell", NULL };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 0);
		cell.open_error = cases[i].error;
		assert_int_equal(run_monitor(), cases[i].status);
	}
	assert_int_equal(cell_monitor_main(1, argv), SERVICE_MISCONFIGURED);
}

/* What one that was killed has left is not for the next cell of that number. */
static void test_settings_of_a_cell_that_has_gone_are_removed(void **state)
{
	const char *path = SERVICE_RUN_FOLDER "/cell9.blk0.json";

	assert_int_equal(service_make_folder(), 0);
	fclose(fopen(path, "w"));
	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 0);
	cell.open_error = -EBUSY;
	assert_int_equal(run_monitor(), SERVICE_SERVED);
	assert_int_equal(access(path, F_OK), 0);
	cell.open_error = -ENODEV;
	assert_int_equal(run_monitor(), SERVICE_ENDED);
	assert_int_equal(access(path, F_OK), -1);
}

/* It has the memory of a cell that runs: to end is no way out. */
static void test_errors_that_pass_do_not_end_it(void **state)
{
	make_cell(SHYPER_RESTART_ALWAYS, SHYPER_CELL_STOPPED, "off", 60000);
	cell.state = SHYPER_CELL_STOPPED;
	cell.reason = "reset";
	cell.most_starts = 2;
	cell.read_errors = 5;
	assert_int_equal(run_monitor(), SERVICE_ENDED);
	assert_int_equal(cell.starts, 2);
	/* It looked again and again, but not all the time. */
	assert_in_range(cell.started_at[0], 1000 + 2 * LOOK_AGAIN_MS,
			1000 + 5 * LOOK_AGAIN_MS);
}

static void test_another_cell_is_for_another_monitor(void **state)
{
	make_cell(SHYPER_RESTART_NEVER, SHYPER_CELL_STOPPED, "stop", 60000);
	cell.requests = 1;
	cell.another = true;
	assert_int_equal(run_monitor(), SERVICE_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_policy_decides_about_each_end),
		cmocka_unit_test(test_quick_failures_wait_longer_each_time),
		cmocka_unit_test(test_a_failure_after_a_sound_run_waits_a_second),
		cmocka_unit_test(test_a_reset_after_a_sound_run_waits_for_nothing),
		cmocka_unit_test(test_a_guest_that_resets_at_once_does_not_spin),
		cmocka_unit_test(test_a_start_that_fails_is_tried_again),
		cmocka_unit_test(test_a_start_that_was_asked_for_may_fail),
		cmocka_unit_test(test_a_new_monitor_goes_by_the_state),
		cmocka_unit_test(test_a_loaded_cell_stays_so),
		cmocka_unit_test(
			test_a_cell_that_was_loaded_once_is_started_again),
		cmocka_unit_test(test_a_stop_calls_off_a_restart),
		cmocka_unit_test(test_the_time_limit_of_a_request_is_kept),
		cmocka_unit_test(test_a_running_cell_is_not_started),
		cmocka_unit_test(test_the_exit_status_tells_what_to_do),
		cmocka_unit_test(test_settings_of_a_cell_that_has_gone_are_removed),
		cmocka_unit_test(test_errors_that_pass_do_not_end_it),
		cmocka_unit_test(test_another_cell_is_for_another_monitor),
	};

	unsetenv("NOTIFY_SOCKET");
	service_make_folder();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
