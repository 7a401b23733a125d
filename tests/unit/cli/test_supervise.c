// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests of shyper-cli/supervise.c: scripts in the place of monitors and
 * backends, over a recorded /sys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "supervise.c"

#include <cmocka.h>
#include <shyper/shyper.h>

#define LOG	SERVICE_RUN_FOLDER "/log"
#define WAIT_MS	10000

static char root[64];
static pid_t daemon_pid;

static void put(const char *path, const char *text, mode_t mode)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s", path);
	for (char *slash = full + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	chmod(full, mode);
}

static void put_sys(const char *sysname, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/sys/class/hvisor/%s/%s", root,
		 sysname, file);
	put(path, text, 0644);
}

/* A program that notes its start and then does @then. */
static void put_program(const char *type, const char *then)
{
	char path[256], text[512];

	snprintf(path, sizeof(path), SERVICE_FOLDER "/shyper-%s", type);
	snprintf(text, sizeof(text),
		 "#!/bin/sh\necho \"%s $1 $$ ${SHYPER_DEVICE_CONFIG:-none} ${NOTIFY_SOCKET:-none}\" >>"
		 LOG "\n%s\n", type, then);
	put(path, text, 0755);
}

static int set_up(void **state)
{
	strcpy(root, "/tmp/shyper-daemon-XXXXXX");
	assert_non_null(mkdtemp(root));
	put(LOG, "", 0644);
	put_sys("cell0", "name", "root\n");
	put_sys("cell0", "state", "running\n");
	put_sys("cell1", "name", "debian\n");
	put_sys("cell1", "state", "created\n");
	put_sys("cell1.blk0", "type", "blk\n");
	put_sys("cell1.blk0", "index", "0\n");
	put_sys("cell1.blk0", "config", "{\"path\": \"/a\"}");
	put_sys("cell1.con0", "type", "console\n");
	put_sys("cell1.con0", "index", "1\n");
	put_sys("cell1.other", "type", "earlycon\n");
	put_sys("cell1.other", "index", "2\n");
	put_program("cell", "exec sleep 100");
	put_program("blk", "exec sleep 100");
	put_program("console", "exec sleep 100");
	return 0;
}

static int tear_down(void **state)
{
	char command[512];

	if (daemon_pid > 0)
		kill(daemon_pid, SIGKILL);
	daemon_pid = 0;
	snprintf(command, sizeof(command), "rm -rf '%s' '" SERVICE_FOLDER
		 "' " LOG " " SERVICE_RUN_FOLDER "/once", root);
	return system(command);
}

static void start_daemon(const char *mediated_text)
{
	struct mediated *mediated = NULL;
	struct shyper_ctx *ctx;
	int err;

	fflush(NULL);
	daemon_pid = fork();
	if (daemon_pid)
		return;
	setenv("NOTIFY_SOCKET", "/nonexistent", 1);
	if (mediated_text) {
		mediated = mediated_parse(mediated_text);
		if (!mediated)
			_exit(99);
	}
	if (shyper_ctx_create(&ctx) || shyper_ctx_set_root(ctx, root))
		_exit(98);
	err = supervise_run(ctx, mediated);
	mediated_free(mediated);
	shyper_ctx_destroy(ctx);
	_exit(err ? 97 : 0);
}

static const char *read_log(void)
{
	static char text[8192];
	FILE *file = fopen(LOG, "r");

	text[file ? fread(text, 1, sizeof(text) - 1, file) : 0] = '\0';
	if (file)
		fclose(file);
	return text;
}

/* How often @what was started; the pid of the last in *@pid. */
static int starts(const char *what, pid_t *pid)
{
	const char *line = read_log();
	int count = 0;

	while ((line = strstr(line, what))) {
		line += strlen(what);
		if (pid)
			*pid = (pid_t)atoi(line);
		count++;
	}
	return count;
}

static pid_t wait_for_starts(const char *what, int count)
{
	pid_t pid = 0;

	for (int i = 0; i < WAIT_MS / 10 && starts(what, &pid) < count; i++)
		usleep(10000);
	if (starts(what, &pid) < count)
		fail_msg("%s: not started %d times:\n%s", what, count,
			 read_log());
	return pid;
}

static void stop_daemon(void)
{
	int status = -1;

	kill(daemon_pid, SIGTERM);
	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	daemon_pid = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_what_is_there_is_served_until_sigterm(void **state)
{
	pid_t cell, blk, console;

	start_daemon(NULL);
	cell = wait_for_starts("cell cell1 ", 1);
	blk = wait_for_starts("blk cell1.blk0 ", 1);
	console = wait_for_starts("console cell1.con0 ", 1);
	assert_int_equal(starts("cell cell0 ", NULL), 0);
	assert_null(strstr(read_log(), "other"));
	/* Readiness is the daemon's own affair. */
	assert_null(strstr(read_log(), "/nonexistent"));
	stop_daemon();
	assert_int_equal(kill(cell, 0), -1);
	assert_int_equal(kill(blk, 0), -1);
	assert_int_equal(kill(console, 0), -1);
}

static void test_what_dies_is_started_again_each_time(void **state)
{
	start_daemon(NULL);
	for (int i = 1; i <= 10; i++)
		kill(wait_for_starts("blk cell1.blk0 ", i), SIGKILL);
	wait_for_starts("blk cell1.blk0 ", 11);
	assert_int_equal(starts("console cell1.con0 ", NULL), 1);
	stop_daemon();
}

static void test_what_should_not_start_again_is_left(void **state)
{
	put_program("blk", "exit 2");
	put_program("console", "exit 3");
	put_program("cell", "[ -f " SERVICE_RUN_FOLDER "/once ] && exec sleep 100; "
		    "touch " SERVICE_RUN_FOLDER "/once; exit 1");
	start_daemon(NULL);
	wait_for_starts("blk cell1.blk0 ", 1);
	wait_for_starts("console cell1.con0 ", 1);
	/* By then the others would have been started again as well. */
	kill(wait_for_starts("cell cell1 ", 2), SIGKILL);
	kill(wait_for_starts("cell cell1 ", 3), SIGKILL);
	wait_for_starts("cell cell1 ", 4);
	assert_int_equal(starts("blk cell1.blk0 ", NULL), 1);
	assert_int_equal(starts("console cell1.con0 ", NULL), 1);
	stop_daemon();
}

static void test_who_does_not_mind_sigterm_is_killed(void **state)
{
	pid_t pid;

	put_program("blk", "trap '' TERM; while :; do sleep 0.1; done");
	start_daemon(NULL);
	pid = wait_for_starts("blk cell1.blk0 ", 1);
	wait_for_starts("cell cell1 ", 1);
	usleep(200000);
	stop_daemon();
	assert_int_equal(kill(pid, 0), -1);
}

static void test_the_file_limits_and_changes_what_is_served(void **state)
{
	char path[] = SERVICE_RUN_FOLDER "/cell1.blk0.json", text[200] = "";
	FILE *file;

	start_daemon("{\"version\": 1, \"mediated\": [{\"cell\": \"debian\", "
		     "\"device\": \"blk0\", \"path\": \"/b\"}]}");
	wait_for_starts("blk cell1.blk0 ", 1);
	wait_for_starts("cell cell1 ", 1);
	assert_non_null(strstr(read_log(), path));
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, "{\"path\":\"/b\"}");
	kill(wait_for_starts("blk cell1.blk0 ", 1), SIGKILL);
	wait_for_starts("blk cell1.blk0 ", 2);
	assert_int_equal(starts("console cell1.con0 ", NULL), 0);
	stop_daemon();
	assert_int_equal(access(path, F_OK), -1);
}

static void wait_for_end(struct supervisor *s, const struct service *service)
{
	for (int i = 0; i < WAIT_MS / 10 && service->pid; i++) {
		usleep(10000);
		reap(s);
	}
	assert_int_equal(service->pid, 0);
}

/* A cell goes and another one gets its number before the process has ended. */
static void test_the_next_of_a_name_is_served_as_it_is(void **state)
{
	struct shyper_event event = { .sysname = "cell1.blk0", .device_type = "blk" };
	struct supervisor s = { 0 };
	struct service *service;
	struct mediated *mediated;
	char text[200] = "";
	FILE *file;
	pid_t pid;

	mediated = mediated_parse("{\"version\": 1, \"mediated\": ["
		"{\"cell\": \"debian\", \"device\": \"blk0\", \"path\": \"/b\"}, "
		"{\"cell\": \"alpine\", \"device\": \"blk0\", \"path\": \"/c\"}]}");
	assert_non_null(mediated);
	s.mediated = mediated;
	assert_int_equal(shyper_ctx_create(&s.ctx), 0);
	assert_int_equal(shyper_ctx_set_root(s.ctx, root), 0);
	add_service(&s, &event, false);
	run_timers(&s);
	pid = wait_for_starts("blk cell1.blk0 ", 1);
	remove_service(&s, event.sysname);

	/* Its number goes to another cell, with a disk of its own. */
	put_sys("cell1", "name", "alpine\n");
	add_service(&s, &event, false);
	service = find_service(&s, event.sysname);
	assert_int_equal(service->pid, pid);
	/* It is still ended if it does not end by itself. */
	assert_true(service->kill_ms);
	kill(pid, SIGTERM);
	wait_for_end(&s, service);
	run_timers(&s);
	wait_for_starts("blk cell1.blk0 ", 2);
	file = fopen(service->config, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, "{\"path\":\"/c\"}");

	/* The third one is not in the file. */
	remove_service(&s, event.sysname);
	put_sys("cell1", "name", "other\n");
	add_service(&s, &event, false);
	assert_false(service->present);
	kill(service->pid, SIGKILL);
	for (int i = 0; i < WAIT_MS / 10 && s.services; i++) {
		usleep(10000);
		reap(&s);
	}
	assert_null(s.services);
	assert_int_equal(starts("blk cell1.blk0 ", NULL), 2);
	mediated_free(mediated);
	shyper_ctx_destroy(s.ctx);
}

/* An earlier daemon's process serves it, and is killed when the device goes. */
static void test_what_others_have_served_leaves_no_sockets(void **state)
{
	static const char *const sockets[] = {
		SERVICE_RUN_FOLDER "/cell1.con0.sock", SERVICE_RUN_FOLDER "/cell1.con0@two.sock",
	};
	static const char others[] = SERVICE_RUN_FOLDER "/cell1.con00.sock";
	struct shyper_event event = { .sysname = "cell1.con0", .device_type = "console" };
	struct supervisor s = { 0 };
	char text[32];
	size_t i;

	snprintf(text, sizeof(text), "exit %d", SERVICE_SERVED);
	put_program("console", text);
	assert_int_equal(shyper_ctx_create(&s.ctx), 0);
	assert_int_equal(shyper_ctx_set_root(s.ctx, root), 0);
	for (i = 0; i < 2; i++)
		put(sockets[i], "", 0600);
	put(others, "", 0600);
	add_service(&s, &event, false);
	run_timers(&s);
	wait_for_end(&s, find_service(&s, event.sysname));
	for (i = 0; i < 2; i++)
		assert_int_equal(access(sockets[i], F_OK), 0);
	remove_service(&s, event.sysname);
	assert_null(s.services);
	for (i = 0; i < 2; i++)
		assert_int_equal(access(sockets[i], F_OK), -1);
	assert_int_equal(unlink(others), 0);
	shyper_ctx_destroy(s.ctx);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_there_is_served_until_sigterm),
		TEST(test_what_dies_is_started_again_each_time),
		TEST(test_what_should_not_start_again_is_left),
		TEST(test_who_does_not_mind_sigterm_is_killed),
		TEST(test_the_file_limits_and_changes_what_is_served),
		TEST(test_the_next_of_a_name_is_served_as_it_is),
		TEST(test_what_others_have_served_leaves_no_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
