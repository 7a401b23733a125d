// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The published schema says what the reader does: on the corpus, and on files
 * made from good ones by changing one value, wherever it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cell-config.h"
#include "machine.h"

#define SCHEMAS	TESTS_DIR "/../configs/schema/"
#define CORPUS	TESTS_DIR "/corpus/"

/* What may stand in the place of any value; a NULL behind them: it is deleted. */
static const char *const values[] = {
	"null", "true", "0", "1", "2", "-1", "16", "17", "63", "64", "100",
	"1024", "1025", "2048", "3600000", "3600001", "1.5", "\"\"", "\"a\"",
	"\"a\\n\"", "\"a b\"", "\"/\"", "\"/a\"", "\"root\"", "\"cell7\"",
	"\"earlycon\"", "\"pending\"", "\"0123456789abcdef\"",
	"\"0123456789abcdef01234\"", "\"0x0\"", "\"0x1000\"", "\"0X1000\"",
	"\"0x1001\"", "\"0xfffffff000\"", "\"0x10000000000\"", "\"0x\"", "\"7\"",
	"\"4K\"", "\"3M\"", "\"64M\"", "\"64MB\"", "\"-64M\"", "\" 64M\"",
	"\"never\"", "\"up\"", "\"auto\"", "false", "\"net\"", "\"br0\"", "\"..\"", "\"a/b\"", "\"02:00:00:00:00:01\"",
	"\"01:00:00:00:00:01\"", "\"00:00:00:00:00:00\"", "\"02:00:00:00:00:0g\"", "\"02:00:00:00:00:01\\n\"",
	"67", "65535", "65536", "4294967294", "4294967295", "\"vsock\"", "3", "2.5", "7", "8", "\"wait\"", "\"stop-cell\"", "\"console\"", "\"blk\"",
	"\"echo\"", "\"user\"", "\"pl011\"", "31", "255", "256", "\"0x40000000\"",
	"\"0xffffe00000\"", "\"2M\"", "[]", "[1]", "[1,1]", "[0]", "[63,1]", "[64]", "[1.5]",
	"[true]", "[\"1\"]", "{}", "{\"a\":1}", NULL,
};

struct mutation {
	const struct machine *machine;
	json_t *root;
	FILE *out;
	unsigned int count;
};

/* Writes what the reader says of the file as it is now. */
static void mutation_write(struct mutation *mutation)
{
	const struct shyper_finding *finding;
	struct shyper_config *config = NULL;
	json_t *findings = json_array();
	char *text = json_dumps(mutation->root, JSON_COMPACT);
	size_t i;

	assert_int_equal(config_parse(mutation->machine->ctx, "mutation", text,
				      strlen(text), false, &config), 0);
	for (i = 0; (finding = shyper_config_get_finding(config, i)); i++)
		json_array_append_new(findings, json_sprintf("%s: %s", finding->path,
							     finding->text));
	json_dumpf(findings, mutation->out, 0);
	fprintf(mutation->out, "\t%s\n", text);
	mutation->count++;
	json_decref(findings);
	shyper_config_free(config);
	free(text);
}

static void mutate_inside(struct mutation *mutation, json_t *value);

static void mutate_member(struct mutation *mutation, json_t *object,
			  const char *key)
{
	json_t *saved = json_incref(json_object_get(object, key));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		if (values[i])
			json_object_set_new(object, key,
					    json_loads(values[i], JSON_DECODE_ANY, NULL));
		else
			json_object_del(object, key);
		mutation_write(mutation);
	}
	json_object_set_new(object, key, saved);
	mutate_inside(mutation, saved);
}

static void mutate_element(struct mutation *mutation, json_t *array, size_t index)
{
	json_t *saved = json_incref(json_array_get(array, index));
	size_t i;

	for (i = 0; values[i]; i++) {
		json_array_set_new(array, index,
				   json_loads(values[i], JSON_DECODE_ANY, NULL));
		mutation_write(mutation);
	}
	json_array_set_new(array, index, saved);
	mutate_inside(mutation, saved);
}

static void mutate_inside(struct mutation *mutation, json_t *value)
{
	json_t *names = json_array();
	const char *key;
	json_t *item;
	size_t i;

	/* What is taken out comes back at the end: names first. */
	json_object_foreach(value, key, item)
		json_array_append_new(names, json_string(key));
	json_array_foreach(names, i, item)
		mutate_member(mutation, value, json_string_value(item));
	if (json_is_object(value)) {
		json_object_set_new(value, "unknown", json_integer(1));
		mutation_write(mutation);
		json_object_del(value, "unknown");
	}
	for (i = 0; i < json_array_size(value); i++)
		mutate_element(mutation, value, i);
	json_decref(names);
}

static void test_schema_agrees_with_the_reader(void **state)
{
	static const char *const files[] = {
		CORPUS "cell/good/all-keys.json", CORPUS "cell/good/cpu-list.json",
		CORPUS "cell/good/user-devices.json", CORPUS "cell/good/net-all-keys.json", CORPUS "cell/good/vsock.json",
		CORPUS "cell/good/regions.json",
	};
	struct mutation mutation = { .machine = *state };
	char path[128], command[1024];
	size_t i;

	snprintf(path, sizeof(path), "%s/mutations", mutation.machine->root);
	mutation.out = fopen(path, "w");
	assert_non_null(mutation.out);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		mutation.root = json_load_file(files[i], 0, NULL);
		assert_non_null(mutation.root);
		mutation_write(&mutation);
		mutate_inside(&mutation, mutation.root);
		json_decref(mutation.root);
	}
	assert_int_equal(fclose(mutation.out), 0);
	assert_in_range(mutation.count, 2000, 100000);
	snprintf(command, sizeof(command), CORPUS "check-schema "
		 SCHEMAS "cell.schema.json " CORPUS "cell %s", path);
	assert_int_equal(system(command), 0);
}

static void test_schema_of_the_daemon_agrees(void **state)
{
	(void)state;
	assert_int_equal(system(CORPUS "check-schema " SCHEMAS "mediated.schema.json "
				CORPUS "mediated"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_schema_agrees_with_the_reader,
						machine_setup, machine_teardown),
		cmocka_unit_test(test_schema_of_the_daemon_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
