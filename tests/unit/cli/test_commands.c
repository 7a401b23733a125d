// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests of the tables in shyper-cli/cmd-*.c and of what their handlers print,
 * with the library over a recorded /sys.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <shyper/shyper.h>

#include "batch.h"
#include "command.h"
#include "service.h"

static char root[64];
static char output[65536], errors[65536];

static void put(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void put_cell(const char *sysname, const char *id, const char *name,
		     const char *state, const char *reason)
{
	const struct {
		const char *file, *text;
	} files[] = {
		{ "id", id }, { "name", name }, { "state", state },
		{ "reason", reason }, { "starts", "3\n" }, { "cpus", "2-3\n" },
		{ "memory", "268435456\n" }, { "uptime_ms", "61000\n" },
		{ "failure", "" }, { "statistics/vmexits_total", "42\n" },
		{ "statistics/cpu0/vmexits_total", "42\n" },
	};
	char path[256];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/sys/class/hvisor/%s/%s", sysname,
			 files[i].file);
		put(path, files[i].text);
	}
}

static void remove_cell(const char *sysname)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -r '%s/sys/class/hvisor/%s'",
		 root, sysname);
	assert_int_equal(system(command), 0);
}

static int make_tree(void **state)
{
	strcpy(root, "/tmp/shyper-cli-XXXXXX");
	assert_non_null(mkdtemp(root));
	put("/sys/class/hvisor/control/abi_version", "1.0\n");
	put_cell("cell0", "0\n", "root\n", "running\n", "none\n");
	put_cell("cell1", "1\n", "debian\n", "running\n", "none\n");
	put_cell("cell2", "2\n", "broken\n", "failed\n", "unmapped\n");
	put("/sys/class/hvisor/cell2/failure",
	    "REASON=unmapped\nCPU=0\nPC=0x40001000\nESR=0x93c08046\n"
	    "IPA=0x10000000\n");
	put("/sys/class/hvisor/cell1/memory_regions",
	    "REGION0=0x40000000,0x10000000,rw,root,00:0e,77\n");
	put("/sys/class/hvisor/cell1.blk0/type", "blk\n");
	put("/sys/class/hvisor/cell1.blk0/index", "0\n");
	put("/sys/class/hvisor/cell1.blk0/name", "blk0\n");
	put("/sys/class/hvisor/cell1.blk0/config", "{\"path\": \"/a\"}");
	put("/sys/class/hvisor/cell1.blk0/attached", "1\n");
	put("/sys/class/hvisor/cell1.blk0/backend_pid", "321\n");
	put("/sys/class/hvisor/cell1/virtio/blk0",
	    "TYPE=blk\nREQUESTS=7\nIN_FLIGHT=2\nFEATURES=0x100\n");
	put("/sys/class/hvisor/cell1/virtio/pending",
	    "CPU1=blk0,reset,0xa000070,4,3500\nCONTROL1=con0,quiesce,8\n");
	return 0;
}

static int remove_tree(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static FILE *redirect(int fd, int *saved)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	*saved = dup(fd);
	dup2(fileno(file), fd);
	return file;
}

static void restore(int fd, int saved, FILE *file, char *text, size_t size)
{
	dup2(saved, fd);
	close(saved);
	rewind(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

/* Carries out @line, or the script @path, below @below. */
static enum cli_status run_below(const char *below, const char *line,
				 const char *path, bool go_on)
{
	struct session session = { 0 };
	int saved_output, saved_errors;
	FILE *out, *err;
	enum cli_status status;

	assert_int_equal(shyper_ctx_create(&session.ctx), 0);
	assert_int_equal(shyper_ctx_set_root(session.ctx, below), 0);
	fflush(NULL);
	out = redirect(STDOUT_FILENO, &saved_output);
	err = redirect(STDERR_FILENO, &saved_errors);
	status = path ? batch_run(&session, path, go_on) :
			command_run_line(&session, line);
	fflush(NULL);
	restore(STDERR_FILENO, saved_errors, err, errors, sizeof(errors));
	restore(STDOUT_FILENO, saved_output, out, output, sizeof(output));
	shyper_ctx_destroy(session.ctx);
	return status;
}

static enum cli_status run(const char *line)
{
	return run_below(root, line, NULL, false);
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		count++;
	}
	return count;
}

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length > longest)
			longest = length;
		text += length + (text[length] == '\n');
	}
	return longest;
}

static void test_each_verb_is_complete(void **state)
{
	const struct command *c, *d;

	for (size_t i = 0; (c = command_at(i)); i++) {
		const struct argument *a = c->arguments;
		bool ended = false;

		assert_non_null(c->run);
		assert_true(strlen(c->help) > 5 && strlen(c->help) < 78);
		assert_true(c->help[strlen(c->help) - 1] != '.');
		for (size_t j = 0; j < i; j++) {
			d = command_at(j);
			assert_string_not_equal(c->words, d->words);
		}
		/* Nothing can follow what is optional or many but the like. */
		for (size_t j = 0; j < COMMAND_MAX_ARGUMENTS && a[j].name; j++) {
			assert_false(ended && !a[j].optional);
			ended = ended || a[j].optional || a[j].many;
			assert_true(!a[j].many ||
				    j + 1 == COMMAND_MAX_ARGUMENTS ||
				    !a[j + 1].name);
		}
	}
}

static void test_each_option_is_unambiguous(void **state)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++) {
		const struct option_desc *o = c->options;

		for (size_t j = 0; j < COMMAND_MAX_OPTIONS && o[j].name; j++) {
			assert_non_null(o[j].help);
			assert_int_equal(o[j].kind != OPTION_FLAG,
					 o[j].value != NULL);
			assert_null(strchr("jqh", o[j].letter ?: '?'));
			for (size_t k = 0; k < j; k++) {
				assert_string_not_equal(o[j].name, o[k].name);
				assert_true(!o[j].letter ||
					    o[j].letter != o[k].letter);
			}
		}
	}
}

static void test_each_verb_has_help_of_its_own(void **state)
{
	const struct command *c;
	char line[128];

	for (size_t i = 0; (c = command_at(i)); i++) {
		if (c->hidden)
			continue;
		snprintf(line, sizeof(line), "help %s", c->words);
		assert_int_equal(run(line), CLI_DONE);
		assert_non_null(strstr(output, c->words));
		assert_non_null(strstr(output, c->help));
	}
	assert_int_equal(run("help"), CLI_DONE);
	assert_null(strstr(output, "complete"));
	assert_int_equal(run("help nothing"), CLI_USAGE);
}

/* A serial terminal has 80 columns, and wraps what fills the last one. */
static void test_help_fits_a_terminal(void **state)
{
	const struct command *c;
	char line[128];

	for (size_t i = 0; (c = command_at(i)); i++) {
		if (c->hidden)
			continue;
		snprintf(line, sizeof(line), "help %s", c->words);
		assert_int_equal(run(line), CLI_DONE);
		assert_in_range(longest_line(output), 1, 79);
	}
	assert_int_equal(run("help"), CLI_DONE);
	assert_in_range(longest_line(output), 1, 79);
}

/* The line of shyper(1) that begins the description of a command. */
static void man_line(const struct command *c, char *line, size_t size)
{
	const struct argument *a = c->arguments;
	const struct option_desc *o = c->options;
	size_t used = (size_t)snprintf(line, size, ".It Ic %s", c->words);

	for (; a < c->arguments + COMMAND_MAX_ARGUMENTS && a->name; a++)
		used += (size_t)snprintf(line + used, size - used,
					 a->optional ? " Oo Ar %s%s Oc" :
						       " Ar %s%s",
					 a->name, a->many ? " ..." : "");
	for (; o < c->options + COMMAND_MAX_OPTIONS && o->name; o++)
		used += (size_t)snprintf(line + used, size - used,
					 o->value ? " Oo Fl -%s Ar %s Oc" :
						    " Oo Fl -%s Oc",
					 o->name, o->value);
	snprintf(line + used, size - used, "\n");
}

static void test_the_man_page_has_each_verb(void **state)
{
	FILE *page = fopen(TESTS_DIR "/../docs/man/shyper.1", "r");
	char line[512], wanted[512];
	const struct command *c;
	size_t i = 0;

	assert_non_null(page);
	while (fgets(line, sizeof(line), page)) {
		if (strncmp(line, ".It Ic ", 7))
			continue;
		while ((c = command_at(i)) && c->hidden)
			i++;
		assert_non_null(c);
		man_line(c, wanted, sizeof(wanted));
		assert_string_equal(line, wanted);
		i++;
	}
	fclose(page);
	while ((c = command_at(i)) && c->hidden)
		i++;
	assert_null(c);
}

static json_t *json_output(void)
{
	json_t *value = json_loads(output, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(value);
	return value;
}

static void test_cells_are_listed(void **state)
{
	json_t *list, *cell;

	assert_int_equal(run("cell list"), CLI_DONE);
	assert_string_equal(
		output,
		"ID  NAME    STATE    REASON    CPUS  MEMORY  UPTIME\n"
		"0   root    running  none      2-3   256M    1m01s\n"
		"1   debian  running  none      2-3   256M    1m01s\n"
		"2   broken  failed   unmapped  2-3   256M    1m01s\n");
	assert_int_equal(run("-j cell list"), CLI_DONE);
	list = json_output();
	assert_int_equal(json_array_size(list), 3);
	cell = json_array_get(list, 2);
	assert_int_equal(json_integer_value(json_object_get(cell, "id")), 2);
	assert_string_equal(json_string_value(json_object_get(cell, "reason")),
			    "unmapped");
	json_decref(list);
}

static void test_a_cell_is_shown_by_name_and_by_number(void **state)
{
	char by_name[4096];

	assert_int_equal(run("cell show debian"), CLI_DONE);
	assert_non_null(strstr(output, "blk0"));
	assert_null(strstr(output, "failure"));
	strcpy(by_name, output);
	assert_int_equal(run("cell show cell1"), CLI_DONE);
	assert_string_equal(output, by_name);
}

static void test_a_failed_cell_shows_its_registers(void **state)
{
	json_t *cell;

	assert_int_equal(run("cell show broken"), CLI_DONE);
	assert_non_null(strstr(output, "PC=0x40001000"));
	assert_int_equal(run("cell show broken --json"), CLI_DONE);
	cell = json_output();
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(cell, "failure"), "IPA")),
		"0x10000000");
	json_decref(cell);
}

static void test_why_a_cell_does_not_run_is_a_sentence(void **state)
{
	static const struct {
		const char *state, *reason, *esr, *why;
	} cases[] = {
		{ "failed", "unmapped", "0x93c08046",
		  "CPU 0 wrote to 0x10000000, where the cell has nothing; PC 0x40001000" },
		{ "failed", "unmapped", "0x93c08006", "CPU 0 read from 0x10000000," },
		{ "failed", "unmapped", "0x82000006",
		  "CPU 0 fetched an instruction from 0x10000000," },
		{ "failed", "exception", "0x2000000",
		  "CPU 0 took an exception that has no answer: ESR 0x2000000, PC 0x40001000" },
		{ "failed", "serror", "0xbe000000", "CPU 0 caused an SError" },
		{ "failed", "device", "0x0", "deadline_ms" },
		{ "stopped", "stop", "0x0", "root stopped it" },
		{ "stopped", "off", "0x0", "the guest powered off" },
		{ "stopped", "reset", "0x0", "the guest rebooted" },
	};
	char failure[200], state_line[32], reason_line[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(state_line, sizeof(state_line), "%s\n", cases[i].state);
		snprintf(reason_line, sizeof(reason_line), "%s\n",
			 cases[i].reason);
		snprintf(failure, sizeof(failure),
			 "CPU=0\nPC=0x40001000\nESR=%s\nIPA=0x10000000\n",
			 cases[i].esr);
		put_cell("cell3", "3\n", "ended\n", state_line, reason_line);
		put("/sys/class/hvisor/cell3/failure", failure);
		assert_int_equal(run("cell show ended"), CLI_DONE);
		if (!strstr(output, cases[i].why))
			fail_msg("no '%s' in: %s", cases[i].why, output);
	}
	remove_cell("cell3");
	assert_int_equal(run("cell show debian"), CLI_DONE);
	assert_null(strstr(output, "why"));
}

static void test_who_waits_is_shown(void **state)
{
	json_t *cell, *waiting;

	assert_int_equal(run("cell show debian"), CLI_DONE);
	assert_non_null(strstr(output, "waiting for a backend\n"));
	assert_non_null(strstr(output, "1    blk0    reset    0xa000070  3.5s"));
	assert_non_null(strstr(output, "-    con0    quiesce  -          0.0s"));
	assert_int_equal(run("device show debian.blk0"), CLI_DONE);
	assert_non_null(strstr(output, "waiting for it\n"));
	assert_null(strstr(output, "quiesce"));
	assert_int_equal(run("cell show debian -j"), CLI_DONE);
	cell = json_output();
	waiting = json_array_get(json_object_get(cell, "waiting"), 0);
	assert_int_equal(json_integer_value(json_object_get(waiting, "cpu")), 1);
	assert_int_equal(json_integer_value(json_object_get(waiting, "age_ms")),
			 3500);
	assert_string_equal(json_string_value(json_object_get(waiting, "op")),
			    "reset");
	json_decref(cell);
	assert_int_equal(run("cell show broken"), CLI_DONE);
	assert_null(strstr(output, "waiting"));
}

static void test_a_dump_holds_everything(void **state)
{
	json_t *dump, *device;

	assert_int_equal(run("cell dump debian"), CLI_DONE);
	assert_non_null(strstr(output, "debian\n"));
	assert_non_null(strstr(output, "waiting for a backend"));
	assert_non_null(strstr(output, "requests=7"));
	assert_non_null(strstr(output, "vmexits_total=42"));
	assert_int_equal(run("cell dump debian --json"), CLI_DONE);
	dump = json_output();
	device = json_array_get(json_object_get(dump, "devices"), 0);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(device, "statistics"),
				 "in_flight")), 2);
	json_decref(dump);
}

static void test_rates_are_differences_over_time(void **state)
{
	json_t *stat, *device;

	/* Nothing changes in a recorded tree. */
	assert_int_equal(run("stat debian.blk0 -i 0.05 -j"), CLI_DONE);
	stat = json_output();
	assert_int_equal(json_array_size(json_object_get(stat, "cells")), 0);
	device = json_array_get(json_object_get(stat, "devices"), 0);
	assert_true(json_real_value(json_object_get(stat, "seconds")) >= 0.05);
	assert_true(json_is_real(json_object_get(device, "requests")));
	/* A gauge and a setting have no rate. */
	assert_null(json_object_get(device, "in_flight"));
	assert_null(json_object_get(device, "features"));
	json_decref(stat);
	assert_int_equal(run("stat -i 0.01 -n 3 -j"), CLI_DONE);
	assert_int_equal(count_lines(output), 3);
	assert_int_equal(run("stat debian -i 0.01"), CLI_DONE);
	assert_non_null(strstr(output, "cell1.blk0"));
	assert_null(strstr(output, "broken"));
	assert_in_range(longest_line(output), 1, 79);
	assert_int_equal(run("stat -i 0"), CLI_USAGE);
	assert_int_equal(run("stat nothing"), CLI_NOT_FOUND);
	assert_int_equal(run("stat debian.nothing"), CLI_NOT_FOUND);
}

static void test_top_prints_snapshots_into_a_pipe(void **state)
{
	json_t *top;

	assert_int_equal(run("top -i 0.01 -n 2"), CLI_DONE);
	assert_non_null(strstr(output, "3 cells, 1 failed, 2 waiting"));
	assert_non_null(strstr(output, "cell1    1    blk0        reset"));
	assert_null(strchr(output, '\033'));
	assert_in_range(longest_line(output), 1, 79);
	assert_int_equal(run("top -i 0.01 -n 1 -j"), CLI_DONE);
	top = json_output();
	assert_int_equal(json_array_size(json_object_get(top, "cells")), 3);
	assert_int_equal(json_array_size(json_object_get(top, "waiting")), 2);
	json_decref(top);
}

static void test_waiting_for_a_state_that_is_there_returns_at_once(void **state)
{
	assert_int_equal(run("cell wait debian stopped running"), CLI_DONE);
	assert_string_equal(output, "cell1 debian: running\n");
	assert_int_equal(run("cell wait debian stopped -t 0.05"), CLI_TIMEOUT);
	assert_non_null(strstr(errors, "the cell is running"));
	assert_int_equal(count_lines(errors), 1);
	assert_int_equal(run("cell wait debian gone -t 0"), CLI_TIMEOUT);
	assert_int_equal(run("cell wait debian runing"), CLI_USAGE);
	assert_non_null(strstr(errors, "'runing'"));
	assert_int_equal(run("cell wait nothing running"), CLI_NOT_FOUND);
}

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

static void test_events_begin_with_what_is_there(void **state)
{
	assert_int_equal(run("events -n 4"), CLI_DONE);
	assert_int_equal(count_lines(output), 4);
	assert_non_null(strstr(output, " cell2 broken: present, failed (unmapped)\n"));
	assert_non_null(strstr(output, " cell1.blk0: present\n"));
	assert_int_equal(run("events -n 1 -j"), CLI_DONE);
	json_decref(json_output());
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

static void test_what_is_missing_is_not_found(void **state)
{
	static const char *const lines[] = {
		"cell show nothing", "cell stop cell9", "cell start nothing",
		"cell destroy nothing", "cell log nothing",
		"cell console nothing", "device show cell1.nothing",
		"device show nothing.blk0", "device list nothing",
		"cell console broken", "cell console debian con7",
		"cell load nothing", "cell wait nothing running",
		"cell pause nothing", "cell resume nothing",
		"cell dump nothing", "stat nothing",
		"device upgrade debian.nothing", "device set nothing.blk0 a=b",
		"system daemon /nonexistent",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (run(lines[i]) != CLI_NOT_FOUND)
			fail_msg("%s: %s", lines[i], errors);
		assert_int_equal(count_lines(errors), 1);
		assert_int_equal(strncmp(errors, "shyper: ", 8), 0);
		assert_string_equal(output, "");
	}
}

static void test_without_hypervisor_there_is_one_line(void **state)
{
	static const char *const lines[] = {
		"cell list", "cell show debian", "cell start debian",
		"cell destroy debian", "device list", "system log",
		"system status", "system daemon", "cell log debian",
		"cell load debian", "cell wait debian running",
		"cell dump debian", "stat", "top", "events",
		"device upgrade debian.blk0", "device set debian.blk0 a=b",
		"cell create debian", "cell show --map",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (run_below("/nonexistent", lines[i], NULL, false) !=
		    CLI_NO_HYPERVISOR)
			fail_msg("%s: %s", lines[i], errors);
		assert_int_equal(count_lines(errors), 1);
		assert_string_equal(output, "");
	}
	assert_int_equal(run_below("/nonexistent", "system version", NULL,
				   false), CLI_DONE);
}

static void test_all_faults_of_a_configuration_are_told(void **state)
{
	char line[200], expected[200];
	json_t *list;

	put("/bad.json", "{ \"version\": 1, \"name\": \"a b\", \"cpus\": 0,\n"
			 "\"memory\": \"3x\", \"boot\": {} }");
	snprintf(line, sizeof(line), "cell check %s/bad.json", root);
	snprintf(expected, sizeof(expected), "shyper: %s/bad.json: /", root);
	assert_int_equal(run(line), CLI_FAILED);
	assert_true(count_lines(errors) >= 3);
	assert_int_equal(strncmp(errors, expected, strlen(expected)), 0);
	strcat(line, " -j");
	assert_int_equal(run(line), CLI_FAILED);
	list = json_output();
	assert_true(json_array_size(json_object_get(json_array_get(list, 0),
						    "findings")) >= 3);
	json_decref(list);
	assert_int_equal(run("cell check /nonexistent.json"), CLI_NOT_FOUND);
}

static void test_all_faults_of_the_daemons_file_are_told(void **state)
{
	char line[128], expected[400];

	put("/med.json", "{ \"version\": 2, \"mediated\": [ { \"cell\": \"a\", "
			 "\"device\": \"b\", \"pth\": \"/x\" } ] }");
	snprintf(line, sizeof(line), "system daemon %s/med.json", root);
	assert_int_equal(run(line), CLI_FAILED);
	snprintf(expected, sizeof(expected),
		 "shyper: %s/med.json: /version: is 2, expected 1\n"
		 "shyper: %s/med.json: /mediated/0/pth: unknown key, the nearest known one is \"path\"\n",
		 root, root);
	assert_string_equal(errors, expected);
}

/* The header of an arm64 Image that needs 32 MiB. */
static void put_kernel(void)
{
	char header[64] = { 0 };
	char path[128];
	FILE *file;

	header[19] = 2;
	memcpy(header + 56, "ARM\x64", 4);
	put("/boot/vmlinuz", "");
	snprintf(path, sizeof(path), "%s/boot/vmlinuz", root);
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite(header, 1, sizeof(header), file);
	fclose(file);
}

#define CELL_JSON(name) "{ \"version\": 1, \"name\": \"" name "\", \"cpus\": 2, " \
	"\"memory\": \"64M\", \"boot\": { \"kernel\": \"/boot/vmlinuz\" }, " \
	"\"devices\": [ { \"type\": \"console\", \"name\": \"con0\" } ] }"

static void test_dry_run_tells_what_would_be(void **state)
{
	static const char regions[] =
		"  ADDRESS     SIZE  INTID  NAME      TYPE\n"
		"  0x08000000  64K   -      gicd      gic\n"
		"  0x080a0000  256K  -      gicr      gic\n"
		"  0x09000000  4K    -      earlycon  earlycon\n"
		"  0x0a000000  4K    48     con0      console\n"
		"  0x40000000  64M   -      ram       ram\n"
		"  0x40000000  32M   -      kernel    image\n"
		"  0x42000000  64K   -      dtb       image\n\n/dts-v1/;\n";
	char line[128];
	json_t *plan;

	put_kernel();
	put("/sys/devices/system/cpu/present", "0-5\n");
	put("/sys/devices/system/cpu/online", "0-1,4-5\n");
	put("/new.json", CELL_JSON("new"));
	snprintf(line, sizeof(line), "cell create -n %s/new.json", root);
	assert_int_equal(run(line), CLI_DONE);
	assert_non_null(strstr(output, "cpus    4-5\n"));
	assert_non_null(strstr(output, regions));
	assert_string_equal(output + strlen(output) - 4, "\n};\n");
	strcat(line, " -j");
	assert_int_equal(run(line), CLI_DONE);
	plan = json_output();
	assert_int_equal(json_array_size(json_object_get(plan, "regions")), 7);
	assert_non_null(strstr(json_string_value(json_object_get(plan, "device_tree")),
			       "virtio_mmio@a000000 {"));
	json_decref(plan);
	/* The name of one that exists. */
	put("/new.json", CELL_JSON("debian"));
	assert_int_equal(run(line), CLI_FAILED);
	assert_string_equal(output, "");
	assert_int_equal(count_lines(errors), 1);
	assert_non_null(strstr(errors, "/name: is \"debian\", as that of cell1 (debian)"));
}

static void put_memory(void)
{
	put("/proc/iomem",
	    "00000000-0000ffff : ITS\n"
	    "40000000-401fffff : System RAM\n  40000000-4000ffff : reserved\n"
	    "40200000-403fffff : hypervisor\n"
	    "40400000-413fffff : hypervisor pool\n"
	    "41400000-bfffffff : System RAM\n  42000000-42ffffff : Kernel code\n");
	put("/sys/class/hvisor/cell0/memory_blocks", "");
	/* Two pieces, the second one not in order. */
	put("/sys/class/hvisor/cell1/memory_blocks",
	    "0x0000000040000000 0x0000000080000000\n"
	    "0x0000000040200000 0x0000000080200000\n"
	    "0x0000000040400000 0x0000000060000000\n");
}

static void test_the_map_shows_who_has_which_memory(void **state)
{
	static const char row[] =
		"................................................................\n";
	static const char grid[] =
		"each character: 2 MiB; . root, H hypervisor, P its pool, 1 debian\n\n"
		"0x0040000000  .HPPPPPPPP......................................................\n"
		"0x0048000000  ";
	static const char table[] =
		"ADDRESS       SIZE   OWNER       CELL  GUEST ADDRESS\n"
		"0x0040000000  2M     root        -     -\n"
		"0x0040200000  2M     hypervisor  -     -\n"
		"0x0040400000  16M    pool        -     -\n"
		"0x0041400000  492M   root        -     -\n"
		"0x0060000000  2M     debian      1     0x0040400000\n"
		"0x0060200000  510M   root        -     -\n"
		"0x0080000000  4M     debian      1     0x0040000000\n"
		"0x0080400000  1020M  root        -     -\n";
	json_t *list;

	put_memory();
	assert_int_equal(run("cell show --map"), CLI_DONE);
	assert_int_equal(strncmp(output, grid, strlen(grid)), 0);
	assert_int_equal(strncmp(output + strlen(grid), row, strlen(row)), 0);
	assert_non_null(strstr(output, "0x0080000000  11......"));
	assert_non_null(strstr(output, table));
	assert_int_equal(count_lines(output), 2 + 16 + 1 + 9);
	assert_int_equal(run("-j cell show --map"), CLI_DONE);
	list = json_output();
	assert_int_equal(json_array_size(list), 8);
	json_decref(list);
	assert_int_equal(run("cell show --svg"), CLI_DONE);
	assert_int_equal(strncmp(output, "<svg ", 5), 0);
	assert_string_equal(output + strlen(output) - 7, "</svg>\n");
	assert_non_null(strstr(output, "<title>debian 0x80000000-0x803fffff "
				       "(cell1, guest 0x40000000)</title>"));
	assert_int_equal(run("cell show"), CLI_USAGE);
	assert_int_equal(run("cell show debian --map"), CLI_USAGE);
}

static void test_the_map_is_for_root_alone(void **state)
{
	put("/proc/iomem", "00000000-00000000 : System RAM\n"
			   "00000000-00000000 : hypervisor\n");
	assert_int_equal(run("cell show --map"), CLI_PERMISSION);
	assert_int_equal(count_lines(errors), 1);
	assert_string_equal(output, "");
}

static void test_a_script_names_the_line_that_failed(void **state)
{
	char path[128], expected[200];

	put("/script", "# comment\n\ncell list\ncell show nothing\ncell list\n");
	snprintf(path, sizeof(path), "%s/script", root);
	assert_int_equal(run_below(root, NULL, path, false), CLI_NOT_FOUND);
	snprintf(expected, sizeof(expected), "shyper: %s:4: ", path);
	assert_int_equal(strncmp(errors, expected, strlen(expected)), 0);
	assert_int_equal(count_lines(output), 4);
	assert_int_equal(run_below(root, NULL, path, true), CLI_NOT_FOUND);
	assert_int_equal(count_lines(output), 8);
	assert_int_equal(run_below(root, NULL, "/nonexistent", false),
			 CLI_NOT_FOUND);
}

static void test_the_shell_completes_what_there_is(void **state)
{
	assert_int_equal(run("complete cell show ''"), CLI_DONE);
	assert_string_equal(output, "root\ndebian\nbroken\n");
	assert_int_equal(run("complete device show cell1."), CLI_DONE);
	assert_string_equal(output, "cell1.blk0\n");
	assert_int_equal(run("complete cell st"), CLI_DONE);
	assert_string_equal(output, "start\nstop\n");
}

static void test_files_are_completed(void **state)
{
	char line[200], expected[200];

	put("/etc/a file.json", "{}");
	put("/etc/another/file", "");
	put("/etc/.hidden", "");
	snprintf(line, sizeof(line), "complete system daemon %s/etc/", root);
	assert_int_equal(run(line), CLI_DONE);
	assert_int_equal(count_lines(output), 2);
	assert_null(strstr(output, "hidden"));
	snprintf(line, sizeof(line), "complete -b %s/etc/an", root);
	snprintf(expected, sizeof(expected), "%s/etc/another/\n", root);
	assert_int_equal(run(line), CLI_DONE);
	assert_string_equal(output, expected);
	snprintf(line, sizeof(line), "complete cell check '%s/etc/a '", root);
	snprintf(expected, sizeof(expected), "%s/etc/a file.json\n", root);
	assert_int_equal(run(line), CLI_DONE);
	assert_string_equal(output, expected);
	snprintf(line, sizeof(line), "complete cell show %s/etc/", root);
	assert_int_equal(run(line), CLI_DONE);
	assert_string_equal(output, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_verb_is_complete),
		cmocka_unit_test(test_each_option_is_unambiguous),
		cmocka_unit_test(test_each_verb_has_help_of_its_own),
		cmocka_unit_test(test_help_fits_a_terminal),
		cmocka_unit_test(test_the_man_page_has_each_verb),
		cmocka_unit_test(test_cells_are_listed),
		cmocka_unit_test(test_a_cell_is_shown_by_name_and_by_number),
		cmocka_unit_test(test_a_failed_cell_shows_its_registers),
		cmocka_unit_test(test_why_a_cell_does_not_run_is_a_sentence),
		cmocka_unit_test(test_who_waits_is_shown),
		cmocka_unit_test(test_a_dump_holds_everything),
		cmocka_unit_test(test_rates_are_differences_over_time),
		cmocka_unit_test(test_top_prints_snapshots_into_a_pipe),
		cmocka_unit_test(
			test_waiting_for_a_state_that_is_there_returns_at_once),
		cmocka_unit_test(test_an_upgrade_waits_for_the_next_backend),
		cmocka_unit_test(
			test_what_cannot_be_set_is_refused_with_a_reason),
		cmocka_unit_test(test_settings_end_with_their_cell),
		cmocka_unit_test(test_a_log_must_be_one),
		cmocka_unit_test(test_a_disk_only_grows),
		cmocka_unit_test(test_events_begin_with_what_is_there),
		cmocka_unit_test(test_devices_are_listed_and_shown),
		cmocka_unit_test(test_what_is_missing_is_not_found),
		cmocka_unit_test(test_without_hypervisor_there_is_one_line),
		cmocka_unit_test(test_all_faults_of_a_configuration_are_told),
		cmocka_unit_test(test_all_faults_of_the_daemons_file_are_told),
		cmocka_unit_test(test_dry_run_tells_what_would_be),
		cmocka_unit_test(test_the_map_shows_who_has_which_memory),
		cmocka_unit_test(test_the_map_is_for_root_alone),
		cmocka_unit_test(test_a_script_names_the_line_that_failed),
		cmocka_unit_test(test_the_shell_completes_what_there_is),
		cmocka_unit_test(test_files_are_completed),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
