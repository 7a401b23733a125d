// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables in shyper-cli/cmd-*.c with their help and man page, and what all verbs
 * have in common: faults that they tell, scripts, completion.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "command.h"
#include "recorded_sys.h"

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
			/* Completion looks for consoles in the cell before. */
			assert_true(a[j].kind != ARGUMENT_CONSOLE ||
				    (j && a[j - 1].kind == ARGUMENT_CELL));
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
	assert_int_equal(run("complete help cell sh"), CLI_DONE);
	assert_string_equal(output, "show\n");
}

/* What can be typed is what was begun: the cell's name, or its number. */
static void test_both_names_of_a_cell_are_completed(void **state)
{
	static const char *const lines[][2] = {
		{ "complete cell show cell", "cell0\ncell1\ncell2\n" },
		{ "complete cell show de", "debian\n" },
		{ "complete stat cell1", "cell1\ncell1.blk0\n" },
		{ "complete stat de", "debian\n" },
		{ "complete stat debian.", "debian.blk0\n" },
		{ "complete stat debian.c", "" },
		{ "complete device show ''", "cell1.blk0\n" },
		{ "complete device show de", "debian.blk0\n" },
		{ "complete device show broken.", "" },
		{ "complete device set debian.blk0 ''", "" },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(run(lines[i][0]), CLI_DONE);
		assert_string_equal(output, lines[i][1]);
	}
}

/* Its configuration is for root alone to read; in it are its ports. */
static void test_consoles_of_a_cell_are_completed(void **state)
{
	put("/sys/class/hvisor/cell2.con0/type", "console\n");
	put("/sys/class/hvisor/cell2.con0/index", "0\n");
	put("/sys/class/hvisor/cell2.con0/config",
	    "{\"ports\": [\"agent\", \"gdb\"]}");
	put("/sys/class/hvisor/cell2.uart0/type", "pl011\n");
	put("/sys/class/hvisor/cell2.uart0/index", "1\n");
	put("/sys/class/hvisor/cell2.rng0/type", "rng\n");
	put("/sys/class/hvisor/cell2.rng0/index", "2\n");
	assert_int_equal(run("complete cell console broken ''"), CLI_DONE);
	assert_string_equal(output, "con0\ncon0.agent\ncon0.gdb\nuart0\n");
	assert_int_equal(run("complete cell console cell2 con0.a"), CLI_DONE);
	assert_string_equal(output, "con0.agent\n");
	put("/sys/class/hvisor/cell2.con0/config", "{");
	assert_int_equal(run("complete cell console -q broken c"), CLI_DONE);
	assert_string_equal(output, "con0\n");
	assert_int_equal(run("complete cell console debian ''"), CLI_DONE);
	assert_string_equal(output, "");
	assert_int_equal(run("complete cell console nobody ''"), CLI_DONE);
	assert_string_equal(output, "");
	remove_cell("cell2.con0");
	remove_cell("cell2.uart0");
	remove_cell("cell2.rng0");
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
		cmocka_unit_test(test_what_is_missing_is_not_found),
		cmocka_unit_test(test_without_hypervisor_there_is_one_line),
		cmocka_unit_test(test_all_faults_of_a_configuration_are_told),
		cmocka_unit_test(test_all_faults_of_the_daemons_file_are_told),
		cmocka_unit_test(test_a_script_names_the_line_that_failed),
		cmocka_unit_test(test_the_shell_completes_what_there_is),
		cmocka_unit_test(test_both_names_of_a_cell_are_completed),
		cmocka_unit_test(test_consoles_of_a_cell_are_completed),
		cmocka_unit_test(test_files_are_completed),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
