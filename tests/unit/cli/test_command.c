// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of shyper-cli/command.c and complete.c, over a table of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "command.h"
#include "sink.h"

/* What the handler saw last. */
static struct invocation seen;
static char seen_args[256];
static int runs;

static enum cli_status record(const struct invocation *invocation)
{
	size_t used = 0;

	seen = *invocation;
	seen_args[0] = '\0';
	for (int i = 0; i < invocation->argc; i++)
		used += (size_t)snprintf(seen_args + used,
					 sizeof(seen_args) - used, "%s|",
					 invocation->argv[i]);
	runs++;
	return CLI_DONE;
}

static enum cli_status refuse(const struct invocation *invocation)
{
	runs++;
	return CLI_TIMEOUT;
}

static enum cli_status leave(const struct invocation *invocation)
{
	invocation->session->ended = true;
	return CLI_DONE;
}

const struct command cell_commands[] = {
	{ .words = "cell start", .help = "Start",
	  .arguments = { { "CELL", ARGUMENT_CELL, false, false } },
	  .options = { { "timeout", 't', OPTION_NUMBER, "SECONDS", "wait" },
		       { "wait", 'w', OPTION_FLAG, NULL, "wait" } },
	  .run = record },
	{ .words = "cell list", .help = "List", .run = record },
	{ .words = "cell check", .help = "Check",
	  .arguments = { { "CONFIG", ARGUMENT_CONFIG, false, true } },
	  .options = { { "interval", 'i', OPTION_SECONDS, "SECONDS", "wait" } },
	  .run = record },
	{ 0 }
};

const struct command device_commands[] = {
	{ .words = "device", .help = "All", .run = record,
	  .arguments = { { "DEVICE", ARGUMENT_DEVICE, true, false },
			 { "CONSOLE", ARGUMENT_CONSOLE, true, false } } },
	{ .words = "device refuse", .help = "Refuse", .run = refuse },
	{ 0 }
};

const struct command watch_commands[] = { { 0 } };
const struct command system_commands[] = { { 0 } };

const struct command general_commands[] = {
	{ .words = "help", .help = "Help", .run = record,
	  .arguments = { { "COMMAND", ARGUMENT_COMMAND, true, true } } },
	{ .words = "exit", .help = "Leave", .run = leave },
	{ .words = "raw", .help = "Raw", .run = record, .raw = true,
	  .hidden = true },
	{ 0 }
};

void names_complete(struct session *session, enum argument_kind kind,
		    const char *before, const struct sink *sink)
{
	if (kind == ARGUMENT_CELL)
		offer(sink, "debian");
	if (kind == ARGUMENT_CONFIG)
		offer(sink, "config");
	if (kind == ARGUMENT_FILE)
		offer(sink, "file");
	if (kind == ARGUMENT_CONSOLE)
		offer(sink, before);
}

static int run(const char *line)
{
	struct session session = { .quiet = true };

	runs = 0;
	return command_run_line(&session, line);
}

static uint64_t timeout_seen(void)
{
	return option_number(&seen, "timeout", 77);
}

static void test_a_verb_gets_its_arguments(void **state)
{
	assert_int_equal(run("cell start debian"), CLI_DONE);
	assert_string_equal(seen.command->words, "cell start");
	assert_string_equal(seen_args, "debian|");
	assert_int_equal(timeout_seen(), 77);
	assert_false(option_given(&seen, "wait"));
	assert_int_equal(run("cell check a b c"), CLI_DONE);
	assert_string_equal(seen_args, "a|b|c|");
}

static void test_options_stand_anywhere(void **state)
{
	assert_int_equal(run("cell start --timeout 5 debian"), CLI_DONE);
	assert_int_equal(timeout_seen(), 5);
	assert_string_equal(seen_args, "debian|");
	assert_int_equal(run("cell start debian --timeout=0x10 -w"), CLI_DONE);
	assert_int_equal(timeout_seen(), 16);
	assert_true(option_given(&seen, "wait"));
	assert_int_equal(run("cell start -t 9 -- -x"), CLI_DONE);
	assert_int_equal(timeout_seen(), 9);
	assert_string_equal(seen_args, "-x|");
}

static void test_seconds_have_decimals(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} cases[] = {
		{ "0", 0 }, { "1", 1000 }, { "0.5", 500 }, { "2.25", 2250 },
		{ "0.001", 1 }, { "1.", 1000 }, { "4000000000", 4000000000000 },
	};
	static const char *const wrong[] = {
		"", ".5", "x", "-1", "1x", "1.x", "1.0005", "1.5.5", "0x10",
		"99999999999999999999",
	};
	char line[80];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line), "cell check a -i %s",
			 cases[i].text);
		assert_int_equal(run(line), CLI_DONE);
		assert_int_equal(option_number(&seen, "interval", 7),
				 cases[i].ms);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), "cell check a --interval='%s'",
			 wrong[i]);
		assert_int_equal(run(line), CLI_USAGE);
		assert_int_equal(runs, 0);
	}
}

static void test_json_stands_before_or_after_the_verb(void **state)
{
	static const char *const lines[] = {
		"-j cell list", "--json cell list", "cell list -j",
		"cell list --json",
	};

	assert_int_equal(run("cell list"), CLI_DONE);
	assert_false(seen.json);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(run(lines[i]), CLI_DONE);
		assert_true(seen.json);
	}
}

static void test_wrong_usage_is_refused(void **state)
{
	static const char *const lines[] = {
		"cel", "cell", "cell foo", "cell start", "cell start a b",
		"cell list x", "cell list --timeout 3", "cell list -x",
		"cell start a --timeout", "cell start a --timeout x",
		"cell start a --timeout -1", "cell start a --timeout=",
		"cell start a --timeout 5x",
		"cell start a --timeout 99999999999999999999",
		"cell start a --wait=1", "cell start a --", "cell check",
		"--jason cell list", "-x cell list", "-jx cell list", "-j",
		"- cell list", "cell start a --timeoutx 5", "cell list 'x",
		"CELL LIST", "cell\\ list", "cell start a -", "\"\"",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		/* "--" ends options, so that line is right without more. */
		bool right = !strcmp(lines[i], "cell start a --");

		if (run(lines[i]) != (right ? CLI_DONE : CLI_USAGE))
			fail_msg("'%s'", lines[i]);
		assert_int_equal(runs, right);
	}
}

static void test_the_longest_words_win(void **state)
{
	assert_int_equal(run("device"), CLI_DONE);
	assert_int_equal(run("device cell1.blk0"), CLI_DONE);
	assert_string_equal(seen_args, "cell1.blk0|");
	assert_int_equal(run("device refuse"), CLI_TIMEOUT);
}

static void test_a_line_ends_with_its_first_failure(void **state)
{
	assert_int_equal(run("cell list; cell list"), CLI_DONE);
	assert_int_equal(runs, 2);
	assert_int_equal(run("device refuse; cell list"), CLI_TIMEOUT);
	assert_int_equal(runs, 1);
	assert_int_equal(run("cell list; exit; cell list"), CLI_DONE);
	assert_int_equal(runs, 1);
	/* Nothing of a line that cannot be read is carried out. */
	assert_int_equal(run("cell list; cell start 'a"), CLI_USAGE);
	assert_int_equal(runs, 0);
}

static void test_help_of_a_verb_is_help(void **state)
{
	assert_int_equal(run("cell start --help"), CLI_DONE);
	assert_string_equal(seen.command->words, "help");
	assert_string_equal(seen_args, "cell|start|");
	assert_int_equal(run("cell start a b c -h"), CLI_DONE);
	assert_string_equal(seen_args, "cell|start|");
}

static void test_raw_arguments_are_left_alone(void **state)
{
	assert_int_equal(run("raw --json -x -- --help ''"), CLI_DONE);
	assert_string_equal(seen_args, "--json|-x|--|--help||");
	assert_false(seen.json);
}

static void test_usage_names_arguments_and_options(void **state)
{
	char text[200];

	command_usage(&cell_commands[0], text, sizeof(text));
	assert_string_equal(text,
			    "cell start CELL [--timeout SECONDS] [--wait]");
	command_usage(&cell_commands[2], text, sizeof(text));
	assert_string_equal(text, "cell check CONFIG... [--interval SECONDS]");
	command_synopsis(&cell_commands[2], text, sizeof(text));
	assert_string_equal(text, "cell check CONFIG...");
	command_usage(&cell_commands[0], text, 12);
	assert_string_equal(text, "cell start ");
}

static void append(void *data, const char *word)
{
	strcat(data, word);
	strcat(data, "|");
}

static void test_completion_follows_the_table(void **state)
{
	static const struct {
		const char *words[5], *prefix, *expected;
	} cases[] = {
		{ { NULL }, "", "cell|device|help|exit|" },
		{ { NULL }, "c", "cell|" },
		{ { "cell" }, "", "start|list|check|" },
		{ { "cell" }, "ch", "check|" },
		{ { "-j", "cell" }, "s", "start|" },
		{ { "cell", "start" }, "", "debian|" },
		{ { "cell", "start", "debian" }, "", "" },
		{ { "cell", "start", "-w" }, "", "debian|" },
		{ { "cell", "start" }, "--t", "--timeout|" },
		{ { "cell", "list" }, "--j", "--json|" },
		{ { "cell", "check", "a" }, "", "config|" },
		/* A value of an option is no argument. */
		{ { "cell", "start", "-t" }, "", "" },
		{ { "cell", "start", "-t", "5" }, "", "debian|" },
		{ { "cell", "start", "--timeout", "5" }, "", "debian|" },
		{ { "cell", "start", "--timeout=5" }, "", "debian|" },
		{ { "device", "-j", "debian", "-q" }, "", "debian|" },
		{ { "help" }, "c", "cell|" },
		{ { "help", "cell" }, "", "start|list|check|" },
		{ { "help", "-j", "cell" }, "l", "list|" },
		{ { "help", "cell", "list" }, "", "" },
		{ { "help", "nothing" }, "", "" },
		{ { "help" }, "--j", "--json|" },
		{ { NULL }, "--", "--json|--quiet|--help|--command|--batch|"
				  "--force|--version|" },
		{ { "-b" }, "", "file|" },
		{ { "nothing" }, "", "" },
		{ { "raw" }, "-", "" },
	};
	struct session session = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[256] = "";
		int argc = 0;

		while (cases[i].words[argc])
			argc++;
		command_complete(&session, argc,
				 (char *const *)cases[i].words,
				 cases[i].prefix, append, out);
		assert_string_equal(out, cases[i].expected);
	}
}

static void test_the_shell_completes_no_options_of_the_program(void **state)
{
	struct session session = { .interactive = true };
	char *batch[] = { (char *)"-b", NULL };
	char out[256] = "";

	assert_false(command_complete(&session, 0, batch, "-", append, out));
	assert_string_equal(out, "--json|--quiet|");
	out[0] = '\0';
	assert_false(command_complete(&session, 1, batch, "ce", append, out));
	assert_string_equal(out, "cell|");
}

static void test_files_are_said_to_be_files(void **state)
{
	struct session session = { 0 };
	char *check[] = { (char *)"cell", (char *)"check", NULL };
	char *start[] = { (char *)"cell", (char *)"start", NULL };
	char out[256] = "";

	assert_true(command_complete(&session, 2, check, "", append, out));
	assert_false(command_complete(&session, 2, start, "", append, out));
	assert_false(command_complete(&session, 2, check, "-", append, out));
}

static void test_random_commands_are_survived(void **state)
{
	static const char *const words[] = {
		"cell", "start", "list", "--timeout", "-t", "-", "--", "-j",
		"--json", "'", "''", ";", "debian", "--help", "=", "--=",
		"--timeout=", "--timeout=1", "-w", "-tw", "help", "device",
		"\\", "-t5", "\xff", "raw",
	};

	srand(3);
	/* Thousands of complaints help nobody. */
	fflush(stderr);
	int saved = dup(STDERR_FILENO);

	assert_non_null(freopen("/dev/null", "w", stderr));
	for (int round = 0; round < 20000; round++) {
		char line[256] = "";

		for (int i = rand() % 7; i > 0; i--) {
			strcat(line, words[(size_t)rand() %
					   (sizeof(words) / sizeof(words[0]))]);
			if (rand() % 8)
				strcat(line, " ");
		}
		int status = run(line);

		assert_true(status == CLI_DONE || status == CLI_USAGE);
	}
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_verb_gets_its_arguments),
		cmocka_unit_test(test_options_stand_anywhere),
		cmocka_unit_test(test_seconds_have_decimals),
		cmocka_unit_test(test_json_stands_before_or_after_the_verb),
		cmocka_unit_test(test_wrong_usage_is_refused),
		cmocka_unit_test(test_the_longest_words_win),
		cmocka_unit_test(test_a_line_ends_with_its_first_failure),
		cmocka_unit_test(test_help_of_a_verb_is_help),
		cmocka_unit_test(test_raw_arguments_are_left_alone),
		cmocka_unit_test(test_usage_names_arguments_and_options),
		cmocka_unit_test(test_completion_follows_the_table),
		cmocka_unit_test(
			test_the_shell_completes_no_options_of_the_program),
		cmocka_unit_test(test_files_are_said_to_be_files),
		cmocka_unit_test(test_random_commands_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
