// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of shyper-cli/mediated.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mediated.h"

static void test_named_devices_are_served_and_changed(void **state)
{
	struct mediated *m = mediated_parse(
		"{\"version\": 1, \"mediated\": ["
		"{\"cell\": \"debian\", \"device\": \"blk0\", \"path\": \"/b\"},"
		"{\"cell\": \"debian\", \"device\": \"con0\"}]}");
	json_t *config = json_pack("{s:s s:s}", "path", "/a", "type", "blk");

	assert_non_null(m);
	assert_true(mediated_has_cell(m, "debian"));
	assert_false(mediated_has_cell(m, "debian2"));
	assert_true(mediated_has_device(m, "debian", "blk0"));
	assert_true(mediated_has_device(m, "debian", "con0"));
	assert_false(mediated_has_device(m, "debian", "blk1"));
	assert_false(mediated_override(m, "debian", "con0", config));
	assert_false(mediated_override(m, "debian", "blk1", config));
	assert_true(mediated_override(m, "debian", "blk0", config));
	assert_string_equal(json_string_value(json_object_get(config, "path")),
			    "/b");
	assert_string_equal(json_string_value(json_object_get(config, "type")),
			    "blk");
	assert_null(json_object_get(config, "cell"));
	json_decref(config);
	mediated_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named_devices_are_served_and_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
