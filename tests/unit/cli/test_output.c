// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of shyper-cli/output.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "output.h"

void cli_error(const struct session *session, const char *subject,
	       const char *hint, const char *reason, ...)
{
	fail_msg("%s", reason);
}

static char captured[8192];

/* Prints to a file in place of stdout and reads it back. */
static const char *capture(json_t *value, const struct output_field *fields,
			   bool json)
{
	const struct invocation invocation = { .json = json };
	FILE *file = tmpfile();
	int saved;
	size_t length;

	assert_non_null(file);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	output_value(&invocation, value, fields);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	length = fread(captured, 1, sizeof(captured) - 1, file);
	captured[length] = '\0';
	fclose(file);
	return captured;
}

static const struct output_field columns[] = {
	{ "id", "ID", OUTPUT_PLAIN, NULL },
	{ "name", "NAME", OUTPUT_PLAIN, NULL },
	{ "memory", "MEMORY", OUTPUT_SIZE, NULL },
	{ "up", "UP", OUTPUT_DURATION, NULL },
	{ "secret", NULL, OUTPUT_PLAIN, NULL },
	{ 0 }
};

static json_t *two_cells(void)
{
	return json_pack("[{s:i s:s s:I s:i s:i},{s:i s:s s:I}]",
			 "id", 1, "name", "debian", "memory",
			 (json_int_t)268435456, "up", 61500, "secret", 5,
			 "id", 12, "name", "b", "memory", (json_int_t)0);
}

static void test_an_array_is_a_table(void **state)
{
	assert_string_equal(capture(two_cells(), columns, false),
			    "ID  NAME    MEMORY  UP\n"
			    "1   debian  256M    1m01s\n"
			    "12  b       -       -\n");
	assert_string_equal(capture(json_array(), columns, false),
			    "ID  NAME  MEMORY  UP\n");
}

static void test_json_holds_everything(void **state)
{
	json_t *value, *expected = two_cells();
	json_error_t error;

	value = json_loads(capture(two_cells(), columns, true), 0, &error);
	assert_non_null(value);
	assert_true(json_equal(value, expected));
	json_decref(value);
	json_decref(expected);
}

static void test_an_object_is_a_list(void **state)
{
	static const struct output_field inner[] = {
		{ "name", "NAME", OUTPUT_PLAIN, NULL }, { 0 }
	};
	static const struct output_field fields[] = {
		{ "name", "name", OUTPUT_PLAIN, NULL },
		{ "cpus", "cpu list", OUTPUT_PLAIN, NULL },
		{ "on", "on", OUTPUT_PLAIN, NULL },
		{ "devices", "devices", OUTPUT_PLAIN, inner },
		{ "failure", "failure", OUTPUT_HIDDEN_IF_EMPTY, NULL },
		{ "nothing", "nothing", OUTPUT_HIDDEN_IF_EMPTY, NULL },
		{ 0 }
	};

	assert_string_equal(
		capture(json_pack("{s:s s:[ii] s:b s:[{s:s}] s:{s:s s:i}}",
				  "name", "a", "cpus", 2, 3, "on", 1, "devices",
				  "name", "blk0", "failure", "pc", "0x40",
				  "cpu", 0), fields, false),
		"name      a\n"
		"cpu list  2,3\n"
		"on        yes\n"
		"devices\n"
		"  NAME\n"
		"  blk0\n"
		"failure\n"
		"  pc=0x40 cpu=0\n");
}

static void test_empty_parts_stay_out(void **state)
{
	static const struct output_field fields[] = {
		{ "devices", "devices", OUTPUT_PLAIN, columns },
		{ "text", "text", OUTPUT_HIDDEN_IF_EMPTY, NULL },
		{ "failure", "failure", OUTPUT_HIDDEN_IF_EMPTY, NULL },
		{ 0 }
	};

	assert_string_equal(capture(json_pack("{s:[] s:s s:n}", "devices",
					      "text", "", "failure"),
				    fields, false), "");
}

static void test_sizes_and_durations_are_readable(void **state)
{
	static const struct {
		json_int_t memory, up;
		const char *text;
	} cases[] = {
		{ 1, 0, "1       0.0s" },
		{ 1024, 999, "1K      0.9s" },
		{ 1536, 59999, "1536    59.9s" },
		{ 3LL << 30, 3600000, "3G      1h00m" },
		{ 1LL << 50, 90000000, "1024T   1d01h" },
	};
	static const struct output_field fields[] = {
		{ "m", "MEMORY", OUTPUT_SIZE, NULL },
		{ "u", "UP", OUTPUT_DURATION, NULL },
		{ 0 }
	};
	char expected[80];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(expected, sizeof(expected), "MEMORY  UP\n%s\n",
			 cases[i].text);
		assert_string_equal(capture(json_pack("[{s:I s:I}]", "m",
						      cases[i].memory, "u",
						      cases[i].up),
					    fields, false), expected);
	}
}

static void test_measured_numbers_are_short(void **state)
{
	static const struct output_field fields[] = {
		{ "r", "RATE", OUTPUT_PLAIN, NULL },
		{ "b", "BYTES", OUTPUT_ABOUT, NULL },
		{ 0 }
	};
	static const struct {
		double rate, bytes;
		const char *text;
	} cases[] = {
		{ 0, 0, "0     0" },
		{ 0.25, 1023, "0.2   1023" },
		{ 99.5, 1024, "99.5  1.0K" },
		{ 123.4, 123456, "123   121K" },
		{ 7, 1e9, "7     954M" },
	};
	char expected[80];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(expected, sizeof(expected), "RATE  BYTES\n%s\n",
			 cases[i].text);
		assert_string_equal(capture(json_pack("[{s:f s:f}]", "r",
						      cases[i].rate, "b",
						      cases[i].bytes),
					    fields, false), expected);
	}
}

static void test_lines_of_text_stand_below_their_title(void **state)
{
	static const struct output_field fields[] = {
		{ "a", "a", OUTPUT_PLAIN, NULL },
		{ "log", "log", OUTPUT_TEXT, NULL },
		{ "none", "none", OUTPUT_TEXT, NULL },
		{ 0 }
	};

	assert_string_equal(capture(json_pack("{s:i s:s s:s}", "a", 1, "log",
					      "one\n\ntwo", "none", ""),
				    fields, false),
			    "a  1\n"
			    "log\n"
			    "  one\n"
			    "\n"
			    "  two\n");
}

static void test_long_values_are_cut_not_overrun(void **state)
{
	static const struct output_field fields[] = {
		{ "v", "V", OUTPUT_PLAIN, NULL }, { 0 }
	};
	json_t *list = json_array();
	char word[400];

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	for (int i = 0; i < 10; i++)
		json_array_append_new(list, json_string(word));
	assert_true(strlen(capture(json_pack("{s:o}", "v", list), fields,
				   false)) < 200);
}

static void assert_sanitised(const char *in, const char *expected)
{
	size_t length;
	char *out = output_sanitise(in, strlen(in), &length);

	assert_string_equal(out, expected);
	assert_int_equal(length, strlen(out));
	free(out);
}

static void test_a_guest_cannot_speak_to_the_terminal(void **state)
{
	assert_sanitised("plain\n\ttext", "plain\n\ttext");
	assert_sanitised("\x1b[2J", "?[2J");
	assert_sanitised("a\r\nb", "a\nb");
	assert_sanitised("a\x07\x7f\x08", "a???");
	/* The same by C1 controls, in UTF-8 and raw. */
	assert_sanitised("\xc2\x9b" "2J", "?2J");
	assert_sanitised("\x9b" "2J", "?2J");
	assert_sanitised("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	assert_sanitised("\xe2\x82\xac \xf0\x9f\x98\x80",
			 "\xe2\x82\xac \xf0\x9f\x98\x80");
	/* Overlong, surrogate, too large, cut short. */
	assert_sanitised("\xc0\xaf", "??");
	assert_sanitised("\xe0\x80\x9b", "???");
	assert_sanitised("\xed\xa0\x80", "???");
	assert_sanitised("\xf4\x90\x80\x80", "????");
	assert_sanitised("a\xe2\x82", "a??");
}

static void test_any_bytes_become_json(void **state)
{
	srand(4);
	for (int round = 0; round < 20000; round++) {
		size_t length = (size_t)rand() % 16, clean_length;
		char *in = malloc(length ? length : 1), *clean;
		json_t *value;

		for (size_t i = 0; i < length; i++)
			in[i] = (char)(rand() % 2 ? 0x80 + rand() % 128 :
						    rand() % 256);
		clean = output_sanitise(in, length, &clean_length);
		value = json_stringn(clean, clean_length);
		assert_non_null(value);
		json_decref(value);
		free(clean);
		free(in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_array_is_a_table),
		cmocka_unit_test(test_json_holds_everything),
		cmocka_unit_test(test_an_object_is_a_list),
		cmocka_unit_test(test_empty_parts_stay_out),
		cmocka_unit_test(test_sizes_and_durations_are_readable),
		cmocka_unit_test(test_measured_numbers_are_short),
		cmocka_unit_test(test_lines_of_text_stand_below_their_title),
		cmocka_unit_test(test_long_values_are_cut_not_overrun),
		cmocka_unit_test(test_a_guest_cannot_speak_to_the_terminal),
		cmocka_unit_test(test_any_bytes_become_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
