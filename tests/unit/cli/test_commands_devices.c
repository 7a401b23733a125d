// SPDX-License-Identifier: GPL-2.0-or-later
/* What shyper tells of devices, and what it changes of them while they are served. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorded_sys.h"
#include "service.h"

/* Ends at SIGHUP, when it has an heir; in the tree its pid stands for it. */
static pid_t fake_backend(void)
{
	pid_t pid = fork();
	sigset_t signals;
	int number;

	if (pid)
		return pid;
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	put("/ready", "");
	sigwait(&signals, &number);
	put("/sys/class/hvisor/cell1.blk0/backend_pid", "4242\n");
	_exit(0);
}

static void serve_by(pid_t pid)
{
	char text[160];

	snprintf(text, sizeof(text), "%s/ready", root);
	while (access(text, F_OK))
		usleep(1000);
	unlink(text);
	snprintf(text, sizeof(text), "%d\n", (int)pid);
	put("/sys/class/hvisor/cell1.blk0/backend_pid", text);
}

static void test_an_upgrade_waits_for_the_next_backend(void **state)
{
	pid_t pid = fake_backend();
	json_t *report;

	serve_by(pid);
	/* Nobody tells of it here: it looks again when the time is over. */
	assert_int_equal(run("device upgrade debian.blk0 -t 1 -j"), CLI_DONE);
	waitpid(pid, NULL, 0);
	report = json_output();
	assert_int_equal(json_integer_value(json_object_get(report,
							    "backend_pid")),
			 4242);
	assert_int_equal(json_integer_value(json_object_get(report,
							    "previous_pid")),
			 pid);
	json_decref(report);
	/* One that does not mind, or that there is not. */
	pid = fork();
	if (!pid) {
		signal(SIGHUP, SIG_IGN);
		put("/ready", "");
		pause();
	}
	serve_by(pid);
	assert_int_equal(run("device upgrade debian.blk0 -t 0.2"), CLI_TIMEOUT);
	assert_non_null(strstr(errors, "has not ended in time"));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	put("/sys/class/hvisor/cell1.blk0/attached", "0\n");
	assert_int_equal(run("device upgrade debian.blk0"), CLI_FAILED);
	assert_non_null(strstr(errors, "no backend serves it"));
	put("/sys/class/hvisor/cell1.blk0/attached", "1\n");
	put("/sys/class/hvisor/cell1.blk0/backend_pid", "321\n");
}

static void test_what_cannot_be_set_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *setting, *reason;
		enum cli_status status;
	} cases[] = {
		{ "path=/a", "\"path\" was told to the guest", CLI_FAILED },
		{ "policy=wait", "\"policy\" is the hypervisor's", CLI_FAILED },
		{ "queues=2", "\"queues\" was told to the guest", CLI_FAILED },
		{ "colour=red", "no key \"colour\", expected \"iops\", \"bytes_per_second\", \"size\"",
		  CLI_FAILED },
		{ "iops=0", "'0' is not a number from 1 to", CLI_USAGE },
		{ "iops=10000001", "is not a number from 1 to", CLI_USAGE },
		{ "iops=1k", "'1k' is not a number from 1 to", CLI_USAGE },
		{ "bytes_per_second=fast", "'fast' is not a size", CLI_USAGE },
		{ "bytes_per_second=0", "'0' is not a size", CLI_USAGE },
		{ "bytes_per_second=1025G", "is not a size", CLI_USAGE },
		{ "size=1000", "'1000' is not a multiple of 512 bytes", CLI_USAGE },
		{ "size=0", "'0' is not a multiple of 512 bytes", CLI_USAGE },
		{ "path", "'path' is not KEY=VALUE", CLI_USAGE },
		{ "=x", "'=x' is not KEY=VALUE", CLI_USAGE },
	};
	char line[100];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line), "device set debian.blk0 %s",
			 cases[i].setting);
		assert_int_equal(run(line), cases[i].status);
		assert_non_null(strstr(errors, cases[i].reason));
		assert_int_equal(count_lines(errors), 1);
	}
}

/* A change is of the cell, not of its number. */
static void test_settings_end_with_their_cell(void **state)
{
	const char *path = SERVICE_RUN_FOLDER "/cell1.blk0.json";
	json_t *settings;
	pid_t pid = fake_backend();

	serve_by(pid);
	assert_int_equal(run("device set debian.blk0 iops=700 -t 1"), CLI_DONE);
	waitpid(pid, NULL, 0);
	settings = json_load_file(path, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(settings, "cell_memory")),
			    "0x40000000,0x10000000,rw,root,00:0e,77");
	json_decref(settings);
	assert_int_equal(run("device show debian.blk0"), CLI_DONE);
	assert_non_null(strstr(output, "iops=700"));
	assert_null(strstr(output, "cell_memory"));
	put("/sys/class/hvisor/cell1/memory_regions",
	    "REGION0=0x40000000,0x10000000,rw,root,00:0e,78\n");
	assert_int_equal(run("device show debian.blk0"), CLI_DONE);
	assert_null(strstr(output, "iops"));
	put("/sys/class/hvisor/cell1/memory_regions",
	    "REGION0=0x40000000,0x10000000,rw,root,00:0e,77\n");
	unlink(path);
	put("/sys/class/hvisor/cell1.blk0/backend_pid", "321\n");
}

static void test_a_log_must_be_one(void **state)
{
	char line[200], log[100];

	put("/sys/class/hvisor/cell1.con0/type", "console\n");
	put("/sys/class/hvisor/cell1.con0/index", "1\n");
	put("/sys/class/hvisor/cell1.con0/name", "con0\n");
	put("/sys/class/hvisor/cell1.con0/config", "{\"type\": \"console\"}");
	put("/sys/class/hvisor/cell1.con0/attached", "0\n");
	snprintf(log, sizeof(log), "%s/log", root);
	snprintf(line, sizeof(line), "device set debian.con0 log=%s", log + 1);
	assert_int_equal(run(line), CLI_USAGE);
	assert_non_null(strstr(errors, "expected an absolute path"));
	assert_int_equal(run("device set debian.con0 log=/none/x"), CLI_NOT_FOUND);
	/* Nobody takes it up: all is as before. */
	snprintf(line, sizeof(line), "device set debian.con0 log=%s", log);
	assert_int_equal(run(line), CLI_FAILED);
	assert_int_equal(access(log, F_OK), 0);
	assert_int_equal(run("device show debian.con0"), CLI_DONE);
	assert_null(strstr(output, "log="));
	remove_cell("cell1.con0");
	unlink(SERVICE_RUN_FOLDER "/cell1.con0.json");
}

static off_t size_of(const char *file)
{
	struct stat status;

	assert_int_equal(stat(file, &status), 0);
	return status.st_size;
}

static void test_a_disk_only_grows(void **state)
{
	char config[200], disk[100];

	snprintf(disk, sizeof(disk), "%s/disk", root);
	put("/disk", "");
	assert_int_equal(truncate(disk, 8192), 0);
	put("/sys/class/hvisor/cell1.blk1/type", "blk\n");
	put("/sys/class/hvisor/cell1.blk1/index", "1\n");
	put("/sys/class/hvisor/cell1.blk1/name", "blk1\n");
	put("/sys/class/hvisor/cell1.blk1/attached", "0\n");
	snprintf(config, sizeof(config), "{\"type\":\"blk\",\"path\":\"%s\"}", disk);
	put("/sys/class/hvisor/cell1.blk1/config", config);
	assert_int_equal(run("device set debian.blk1 size=4K"), CLI_FAILED);
	assert_non_null(strstr(errors, "has 8192 bytes; a disk can only grow"));
	/* Nothing is done if anything is wrong. */
	assert_int_equal(run("device set debian.blk1 size=1M iops=0"), CLI_USAGE);
	assert_int_equal(size_of(disk), 8192);
	/* It has grown, though nobody is there to tell the guest. */
	assert_int_equal(run("device set debian.blk1 size=1M"), CLI_FAILED);
	assert_non_null(strstr(errors, "no backend serves it"));
	assert_int_equal(size_of(disk), 1 << 20);
	assert_int_equal(run("device show debian.blk1"), CLI_DONE);
	assert_null(strstr(output, "size"));
	unlink(disk);
	assert_int_equal(run("device set debian.blk1 size=2M"), CLI_NOT_FOUND);
	remove_cell("cell1.blk1");
	unlink(SERVICE_RUN_FOLDER "/cell1.blk1.json");
}

static void test_devices_are_listed_and_shown(void **state)
{
	static const char *const lines[] = { "device show cell1.blk0 -j",
					     "device show debian.blk0 -j" };

	assert_int_equal(run("device list"), CLI_DONE);
	assert_string_equal(output, "DEVICE      TYPE  SERVED  PID\n"
				    "cell1.blk0  blk   yes     321\n");
	assert_int_equal(run("device list broken -j"), CLI_DONE);
	assert_string_equal(output, "[]\n");
	for (size_t i = 0; i < 2; i++) {
		json_t *device;

		assert_int_equal(run(lines[i]), CLI_DONE);
		device = json_output();
		assert_int_equal(
			json_integer_value(json_object_get(
				json_object_get(device, "statistics"),
				"requests")), 7);
		assert_string_equal(
			json_string_value(json_object_get(
				json_object_get(device, "config"), "path")),
			"/a");
		json_decref(device);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_upgrade_waits_for_the_next_backend),
		cmocka_unit_test(
			test_what_cannot_be_set_is_refused_with_a_reason),
		cmocka_unit_test(test_settings_end_with_their_cell),
		cmocka_unit_test(test_a_log_must_be_one),
		cmocka_unit_test(test_a_disk_only_grows),
		cmocka_unit_test(test_devices_are_listed_and_shown),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
