// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of shyper-cli/tokens.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tokens.h"

/* What @line is split into: "word|word;word|" or "error: reason". */
static void split(const char *line, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	while (line) {
		const char *reason = "none", *before = line;
		struct tokens t;
		int err = tokens_next(&line, &t, &reason);

		if (err) {
			assert_int_equal(err, -EINVAL);
			assert_null(line);
			snprintf(out, size, "error: %s", reason);
			return;
		}
		assert_true(!line || line > before);
		assert_null(t.argv[t.argc]);
		for (int i = 0; i < t.argc; i++)
			used += (size_t)snprintf(out + used, size - used, "%s|",
						 t.argv[i]);
		if (line)
			used += (size_t)snprintf(out + used, size - used, ";");
		tokens_release(&t);
	}
}

static void test_lines_are_split(void **state)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "", "" },
		{ "  \t\r\n", "" },
		{ "# cell list", "" },
		{ "cell list", "cell|list|" },
		{ "\tcell   list \r\n", "cell|list|" },
		{ "cell list # all", "cell|list|" },
		{ "cell#1", "cell#1|" },
		{ "a; b;c", "a|;b|;c|" },
		{ "a;", "a|;" },
		{ ";;a", ";;a|" },
		{ "a # b; c", "a|" },
		{ "'a b' \"c d\"", "a b|c d|" },
		{ "a'b'\"c\"d", "abcd|" },
		{ "'' \"\"", "||" },
		{ "';' \"#\"", ";|#|" },
		{ "'\\'", "\\|" },
		{ "\"\\\"\"", "\"|" },
		{ "a\\ b \\; \\#", "a b|;|#|" },
		{ "\"'\" '\"'", "'|\"|" },
		{ "$HOME `id` $(id) * ~", "$HOME|`id`|$(id)|*|~|" },
		{ "a'", "error: a single quote is not closed" },
		{ "a; \"b", "error: a double quote is not closed" },
		{ "\"a\\\"", "error: a double quote is not closed" },
		{ "a\\", "error: nothing follows the last backslash" },
		{ "\"\\", "error: nothing follows the last backslash" },
		{ "\xff\xfe \x01", "\xff\xfe|\x01|" },
	};
	char out[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		split(cases[i].line, out, sizeof(out));
		assert_string_equal(out, cases[i].words);
	}
}

static void test_check_finds_faults_of_later_commands(void **state)
{
	const char *reason = NULL;

	assert_int_equal(tokens_check("a; b 'c'", &reason), 0);
	assert_int_equal(tokens_check("a; b 'c", &reason), -EINVAL);
	assert_string_equal(reason, "a single quote is not closed");
}

static void test_a_word_may_be_long(void **state)
{
	size_t length = 1 << 20;
	char *line = malloc(length + 1);
	const char *rest = line, *reason;
	struct tokens t;

	memset(line, 'x', length);
	line[length] = '\0';
	assert_int_equal(tokens_next(&rest, &t, &reason), 0);
	assert_int_equal(t.argc, 1);
	assert_int_equal(strlen(t.argv[0]), length);
	tokens_release(&t);
	free(line);
}

/* Quotes @word so that it comes back as it is. */
static size_t quote(const char *word, char *out)
{
	size_t used = 0;

	out[used++] = '"';
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			out[used++] = '\\';
		out[used++] = *word;
	}
	out[used++] = '"';
	out[used] = '\0';
	return used;
}

static void test_quoted_words_come_back(void **state)
{
	static const char alphabet[] = "ab \t;#'\"\\\n$\x80";

	srand(1);
	for (int round = 0; round < 5000; round++) {
		char words[4][12], line[160];
		const char *rest = line, *reason;
		size_t used = 0;
		struct tokens t;
		int count = rand() % 5;

		line[0] = '\0';
		for (int w = 0; w < count; w++) {
			size_t length = (size_t)rand() % 11;

			for (size_t i = 0; i < length; i++)
				words[w][i] = alphabet[(size_t)rand() %
						       (sizeof(alphabet) - 1)];
			words[w][length] = '\0';
			used += quote(words[w], line + used);
			line[used++] = ' ';
			line[used] = '\0';
		}
		assert_int_equal(tokens_next(&rest, &t, &reason), 0);
		assert_null(rest);
		assert_int_equal(t.argc, count);
		for (int w = 0; w < count; w++)
			assert_string_equal(t.argv[w], words[w]);
		tokens_release(&t);
	}
}

/* The line is in a block of exactly its size: ASan sees each byte too far. */
static void test_random_lines_are_survived(void **state)
{
	static const char likely[] = " ;#'\"\\ab\n";

	srand(2);
	for (int round = 0; round < 100000; round++) {
		size_t length = (size_t)rand() % 24;
		char *line = malloc(length + 1);
		const char *rest = line, *reason;
		struct tokens t;

		for (size_t i = 0; i < length; i++)
			line[i] = rand() % 8 ?
				likely[(size_t)rand() % (sizeof(likely) - 1)] :
				(char)(1 + rand() % 255);
		line[length] = '\0';
		while (rest && !tokens_next(&rest, &t, &reason))
			tokens_release(&t);
		free(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_are_split),
		cmocka_unit_test(test_check_finds_faults_of_later_commands),
		cmocka_unit_test(test_a_word_may_be_long),
		cmocka_unit_test(test_quoted_words_come_back),
		cmocka_unit_test(test_random_lines_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
