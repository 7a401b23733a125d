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

static int load(const char *text, struct mediated **ret, char *reason,
		size_t size)
{
	char path[] = "/tmp/mediated-XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	err = mediated_load(path, ret, reason, size);
	unlink(path);
	return err;
}

static void test_named_devices_are_served_and_changed(void **state)
{
	struct mediated *m = NULL;
	json_t *config = json_pack("{s:s s:s}", "path", "/a", "type", "blk");
	char reason[300];

	assert_int_equal(
		load("{\"version\": 1, \"mediated\": ["
		     "{\"cell\": \"debian\", \"device\": \"blk0\", \"path\": \"/b\"},"
		     "{\"cell\": \"debian\", \"device\": \"con0\"}]}",
		     &m, reason, sizeof(reason)), 0);
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

static void test_faults_are_told(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "", "end of file" },
		{ "{", "}" },
		{ "[]", "an object" },
		{ "{\"mediated\": []}", "version" },
		{ "{\"version\": 2, \"mediated\": []}", "version" },
		{ "{\"version\": 1}", "an array" },
		{ "{\"version\": 1, \"mediated\": {}}", "an array" },
		{ "{\"version\": 1, \"mediated\": [], \"x\": 1}", "known" },
		{ "{\"version\": 1, \"mediated\": [5]}", "each entry" },
		{ "{\"version\": 1, \"mediated\": [{\"cell\": \"a\"}]}",
		  "each entry" },
		{ "{\"version\": 1, \"mediated\": [{\"cell\": 1, \"device\": \"b\"}]}",
		  "each entry" },
		{ "{\"version\": 1, \"version\": 1, \"mediated\": []}",
		  "duplicate" },
	};
	struct mediated *m = NULL;
	char reason[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(load(cases[i].text, &m, reason,
				      sizeof(reason)), -EINVAL);
		if (!strstr(reason, cases[i].reason))
			fail_msg("%s: %s", cases[i].text, reason);
		assert_null(m);
	}
	assert_int_equal(mediated_load("/nonexistent", &m, reason,
				       sizeof(reason)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named_devices_are_served_and_changed),
		cmocka_unit_test(test_faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
