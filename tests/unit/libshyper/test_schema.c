// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The published schema says what the reader does: on the corpus, and on files
 * made from good ones by changing one value, wherever it is. Each key of each type
 * of device is changed once, in a file that has no other device: Python's validator
 * tries each device as each type.
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

/* What may stand in the place of any value. */
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
	"[true]", "[\"1\"]", "{}", "{\"a\":1}",
};

/*
 * @seen: places that were changed, in whatever file: "/devices/blk/path"; and keys
 *	that were, anywhere: "path"
 */
struct mutation {
	const struct machine *machine;
	json_t *root;
	json_t *seen;
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

/* One place within another, which the caller frees; NULL: it was changed before. */
static char *place_new(struct mutation *mutation, const char *outer, const char *name)
{
	size_t size = strlen(outer) + strlen(name) + 2;
	char *place = malloc(size);

	assert_non_null(place);
	snprintf(place, size, "%s/%s", outer, name);
	if (!json_object_get(mutation->seen, place)) {
		json_object_set_new(mutation->seen, place, json_true());
		return place;
	}
	free(place);
	return NULL;
}

static void mutate_inside(struct mutation *mutation, json_t *value, const char *place);

static void mutate_member(struct mutation *mutation, json_t *object, const char *key,
			  const char *outer)
{
	json_t *saved = json_incref(json_object_get(object, key));
	char *place = place_new(mutation, outer, key);
	size_t i, step = 1;

	/* Elsewhere it has most likely the same definition: a quarter, each time another. */
	if (place && json_object_get(mutation->seen, key))
		step = 4;
	json_object_set_new(mutation->seen, key, json_true());
	for (i = mutation->count % step; place && i < ARRAY_SIZE(values); i += step) {
		json_object_set_new(object, key,
				    json_loads(values[i], JSON_DECODE_ANY, NULL));
		mutation_write(mutation);
	}
	json_object_del(object, key);
	if (place)
		mutation_write(mutation);
	json_object_set_new(object, key, saved);
	if (place)
		mutate_inside(mutation, saved, place);
	free(place);
}

static void mutate_element(struct mutation *mutation, json_t *array, size_t index,
			   const char *outer)
{
	json_t *saved = json_incref(json_array_get(array, index));
	char *place = place_new(mutation, outer, "element");
	size_t i;

	for (i = 0; place && i < ARRAY_SIZE(values); i++) {
		json_array_set_new(array, index,
				   json_loads(values[i], JSON_DECODE_ANY, NULL));
		mutation_write(mutation);
	}
	json_array_set_new(array, index, saved);
	if (place)
		mutate_inside(mutation, saved, place);
	free(place);
}

static void mutate_inside(struct mutation *mutation, json_t *value, const char *place)
{
	json_t *names = json_array();
	const char *key;
	json_t *item;
	size_t i;

	/* What is taken out comes back at the end: names first. */
	json_object_foreach(value, key, item)
		json_array_append_new(names, json_string(key));
	json_array_foreach(names, i, item)
		mutate_member(mutation, value, json_string_value(item), place);
	if (json_is_object(value)) {
		json_object_set_new(value, "unknown", json_integer(1));
		mutation_write(mutation);
		json_object_del(value, "unknown");
	}
	for (i = 0; i < json_array_size(value); i++)
		mutate_element(mutation, value, i, place);
	json_decref(names);
}

/* What is within each device, and then what is not. */
static void mutate_file(struct mutation *mutation, const char *path)
{
	json_t *root = json_load_file(path, 0, NULL), *devices, *device;
	char place[64];
	size_t i;

	assert_non_null(root);
	mutation->root = root;
	devices = json_incref(json_object_get(root, "devices"));
	json_array_foreach(devices, i, device) {
		json_object_set_new(root, "devices", json_pack("[O]", device));
		snprintf(place, sizeof(place), "/devices/%s",
			 json_string_value(json_object_get(device, "type")));
		mutation_write(mutation);
		mutate_inside(mutation, device, place);
	}
	mutate_inside(mutation, root, "");
	json_decref(devices);
	json_decref(root);
}

static void test_schema_agrees_with_the_reader(void **state)
{
	static const char *const files[] = {
		CORPUS "cell/good/every-key.json", CORPUS "cell/good/cpu-list.json",
		CORPUS "cell/good/regions.json",
	};
	struct mutation mutation = { .machine = *state, .seen = json_object() };
	char path[128], command[1024];
	size_t i;

	snprintf(path, sizeof(path), "%s/mutations", mutation.machine->root);
	mutation.out = fopen(path, "w");
	assert_non_null(mutation.out);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		mutate_file(&mutation, files[i]);
	assert_int_equal(fclose(mutation.out), 0);
	json_decref(mutation.seen);
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
