// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Configurations: every file of tests/corpus/cell against the findings that
 * stand beside it, the shipped cells, and texts cut off anywhere.
 */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cell-config.h"
#include "machine.h"

#define CORPUS	TESTS_DIR "/corpus/cell/"
#define MEDIATED TESTS_DIR "/corpus/mediated/"

typedef int (*loader)(struct shyper_ctx *ctx, const char *path,
		      struct shyper_config **ret_config);

static void check_file(const struct machine *machine, loader load,
		       const char *path, const char *expected)
{
	struct shyper_config *config = NULL;
	char *findings;

	print_message("%s\n", path);
	assert_int_equal(load(machine->ctx, path, &config), 0);
	findings = list_findings(config);
	assert_string_equal(findings, expected);
	assert_int_equal(shyper_config_is_valid(config), !*expected);
	free(findings);
	shyper_config_free(config);
}

static size_t check_folder(const struct machine *machine, loader load,
			   const char *pattern, bool has_expected)
{
	char expected_path[512], *expected;
	size_t i, count;
	glob_t files;

	assert_int_equal(glob(pattern, 0, NULL, &files), 0);
	count = files.gl_pathc;
	for (i = 0; i < count; i++) {
		if (!has_expected) {
			check_file(machine, load, files.gl_pathv[i], "");
			continue;
		}
		snprintf(expected_path, sizeof(expected_path), "%.*s.expected",
			 (int)strlen(files.gl_pathv[i]) - 5, files.gl_pathv[i]);
		expected = read_whole(expected_path, NULL);
		assert_true(*expected);
		check_file(machine, load, files.gl_pathv[i], expected);
		free(expected);
	}
	globfree(&files);
	return count;
}

static void test_bad_files_give_their_findings(void **state)
{
	assert_in_range(check_folder(*state, shyper_config_load, CORPUS "bad/*.json", true), 100, 1000);
	assert_in_range(check_folder(*state, shyper_config_load, CORPUS "bad-semantic/*.json", true),
			30, 1000);
}

static void test_good_files_give_none(void **state)
{
	assert_in_range(check_folder(*state, shyper_config_load, CORPUS "good/*.json", false), 40, 1000);
}

static void test_disk_of_broken_sectors_is_refused(void **state)
{
	struct machine *machine = *state;

	machine_write_text(machine, "/var/lib/shyper/debian.img", "513 - 510");
	check_file(machine, shyper_config_load, CORPUS "good/plain.json",
		   "/devices/1/path: \"/var/lib/shyper/debian.img\" has 9 bytes, expected a multiple of 512\n");
}

static void test_shipped_cells_are_good(void **state)
{
	assert_int_equal(check_folder(*state, shyper_config_load, TESTS_DIR "/../configs/cells/*.json",
				      false), 5);
}

static void test_files_of_the_daemon_give_their_findings(void **state)
{
	const loader load = shyper_config_load_mediated;

	assert_in_range(check_folder(*state, load, MEDIATED "good/*.json", false),
			5, 1000);
	assert_in_range(check_folder(*state, load, MEDIATED "bad*/*.json", true),
			20, 1000);
}

static void test_values_are_read(void **state)
{
	struct machine *machine = *state;
	struct shyper_config *config = NULL;

	assert_int_equal(shyper_config_load(machine->ctx, CORPUS "good/all-keys.json",
					    &config), 0);
	assert_string_equal(shyper_config_get_name(config), "debian");
	assert_int_equal(shyper_config_get_nr_cpus(config), 1);
	assert_int_equal(shyper_config_get_memory(config), 256 << 20);
	assert_int_equal(shyper_config_get_restart(config),
			 SHYPER_RESTART_ON_FAILURE);
	assert_false(config->has_kaslr);
	assert_int_equal(config->nr_devices, 3);
	assert_int_equal(config->devices[0].policy, HVISOR_POLICY_FAIL_DEVICE);
	assert_int_equal(config->devices[0].deadline_ms, 500);
	assert_int_equal(config->devices[0].ipa, 0x0a100000);
	assert_string_equal(config->devices[0].log, "/var/lib/shyper/con0.log");
	assert_true(config->devices[1].is_readonly);
	assert_int_equal(config->devices[1].queue_size, 1024);
	assert_int_equal(config->devices[2].length, 0x10000);
	shyper_config_free(config);
}

/* The kernel keeps the compact text, from which the monitor reads again. */
static void test_compact_text_reads_the_same(void **state)
{
	struct machine *machine = *state;
	struct shyper_config *config = NULL, *again = NULL;

	assert_int_equal(shyper_config_load(machine->ctx, CORPUS "good/all-keys.json",
					    &config), 0);
	assert_int_equal(config_parse(machine->ctx, "cell1", config->text,
				      strlen(config->text), false, &again), 0);
	assert_true(shyper_config_is_valid(again));
	assert_string_equal(again->text, config->text);
	assert_string_equal(again->kernel, config->kernel);
	assert_int_equal(again->devices[2].ipa, config->devices[2].ipa);
	shyper_config_free(again);
	shyper_config_free(config);
}

static void test_file_that_is_not_there_is_an_error(void **state)
{
	struct machine *machine = *state;
	struct shyper_config *config = NULL;

	assert_int_equal(shyper_config_load(machine->ctx, "/nowhere.json", &config),
			 -ENOENT);
	assert_null(config);
	assert_string_equal(shyper_ctx_get_error(machine->ctx)->subject,
			    "/nowhere.json");
}

static void test_text_cut_anywhere_is_refused(void **state)
{
	struct machine *machine = *state;
	struct shyper_config *config;
	size_t length, cut;
	char *text = read_whole(CORPUS "good/all-keys.json", &length);

	while (length && text[length - 1] != '}')
		length--;
	for (cut = 0; cut < length; cut++) {
		assert_int_equal(shyper_config_parse(machine->ctx, "cut", text, cut,
						     &config), 0);
		assert_false(shyper_config_is_valid(config));
		shyper_config_free(config);
	}
	free(text);
}

/* One byte replaced, everywhere: nothing may crash or leak. */
static void test_text_with_any_byte_changed_is_survived(void **state)
{
	static const char bytes[] = "\0\"{}[],:x-9\n\xff";
	struct machine *machine = *state;
	struct shyper_config *config;
	size_t length, at, i;
	char *text = read_whole(CORPUS "good/plain.json", &length), saved;

	for (at = 0; at < length; at++) {
		saved = text[at];
		for (i = 0; i < sizeof(bytes) - 1; i++) {
			text[at] = bytes[i];
			assert_int_equal(shyper_config_parse(machine->ctx, "changed",
							     text, length, &config), 0);
			shyper_config_free(config);
		}
		text[at] = saved;
	}
	free(text);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bad_files_give_their_findings),
		TEST(test_good_files_give_none),
		TEST(test_disk_of_broken_sectors_is_refused),
		TEST(test_shipped_cells_are_good),
		TEST(test_files_of_the_daemon_give_their_findings),
		TEST(test_values_are_read),
		TEST(test_compact_text_reads_the_same),
		TEST(test_file_that_is_not_there_is_an_error),
		TEST(test_text_cut_anywhere_is_refused),
		TEST(test_text_with_any_byte_changed_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
