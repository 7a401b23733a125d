// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Every allocation of a configuration's reading fails once: the result is
 * -ENOMEM, nothing crashes, nothing leaks (the leak checker sees to that). The
 * linker puts the functions below in the place of the library's calls. Not of
 * jansson's: 2.14 does not always report that it got no memory.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cell-config.h"
#include "machine.h"

static long countdown = -1;	/* -1: nothing fails */

static bool fails_now(void)
{
	return countdown >= 0 && countdown-- == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails_now() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *text)
{
	return fails_now() ? NULL : __real_strdup(text);
}

static void fail_each(const struct machine *machine, const char *path)
{
	struct shyper_config *config;
	size_t length;
	char *text = read_whole(path, &length);
	long n;
	int err;

	for (n = 0; n < 10000; n++) {
		config = NULL;
		countdown = n;
		err = config_parse(machine->ctx, "test", text, length, false,
				   &config);
		if (countdown >= 0)
			break;
		countdown = -1;
		assert_int_equal(err, -ENOMEM);
		assert_null(config);
	}
	countdown = -1;
	assert_int_equal(err, 0);
	assert_in_range(n, 6, 9999);
	shyper_config_free(config);
	free(text);
}

static void test_reading_survives_each_failing_allocation(void **state)
{
	fail_each(*state, TESTS_DIR "/corpus/cell/good/all-keys.json");
	fail_each(*state, TESTS_DIR "/corpus/cell/bad/five-faults.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_reading_survives_each_failing_allocation,
			machine_setup, machine_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
