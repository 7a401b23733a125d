// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Configurations from calls: what comes out is what a file would have given,
 * with the same findings, and a call that fails is not forgotten.
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

static struct shyper_builder *begin(const struct machine *machine)
{
	struct shyper_builder *builder = NULL;

	assert_int_equal(shyper_builder_create(machine->ctx, "debian", &builder), 0);
	return builder;
}

static struct shyper_config *finish(struct shyper_builder *builder)
{
	struct shyper_config *config = NULL;

	assert_int_equal(shyper_builder_finish(builder, &config), 0);
	return config;
}

static void test_calls_make_what_a_file_makes(void **state)
{
	static const unsigned int cpus[] = { 2, 3 };
	struct machine *machine = *state;
	struct shyper_builder *builder = begin(machine);
	struct shyper_config *config;

	shyper_builder_set_cpu_list(builder, cpus, 2);
	shyper_builder_set_memory(builder, 256 << 20);
	shyper_builder_set_kernel(builder, "/boot/vmlinuz");
	shyper_builder_set_initrd(builder, "/var/lib/shyper/cell-initrd.img");
	shyper_builder_set_cmdline(builder, "console=hvc0");
	shyper_builder_set_json(builder, "boot/kaslr", "false");
	shyper_builder_add_device(builder, "console", "con0");
	shyper_builder_add_device(builder, "blk", "blk0");
	shyper_builder_set_device_text(builder, "blk0", "path", "/var/lib/shyper/debian.img");
	shyper_builder_set_device_flag(builder, "blk0", "readonly", true);
	shyper_builder_set_device_number(builder, "con0", "queue_size", 128);
	shyper_builder_add_device_json(builder, "{ \"type\": \"user\", \"name\": \"rng0\" }");
	shyper_builder_set_device_number(builder, "rng0", "queues", 1);
	shyper_builder_set_device_json(builder, "rng0", "options", "{ \"rate\": [ 1, 2 ] }");
	shyper_builder_set_restart(builder, SHYPER_RESTART_ON_FAILURE);
	config = finish(builder);
	shyper_builder_destroy(builder);
	assert_null(shyper_config_get_finding(config, 0));
	assert_string_equal(shyper_config_get_path(config), "cell debian");
	assert_string_equal(shyper_config_get_text(config),
		"{\"version\":1,\"name\":\"debian\",\"boot\":{\"kernel\":\"/boot/vmlinuz\","
		"\"initrd\":\"/var/lib/shyper/cell-initrd.img\",\"cmdline\":\"console=hvc0\","
		"\"kaslr\":false},\"devices\":[{\"type\":\"console\",\"name\":\"con0\","
		"\"queue_size\":128},{\"type\":\"blk\",\"name\":\"blk0\","
		"\"path\":\"/var/lib/shyper/debian.img\",\"readonly\":true},"
		"{\"type\":\"user\",\"name\":\"rng0\",\"queues\":1,\"options\":{\"rate\":[1,2]}}],"
		"\"cpus\":[2,3],\"memory\":\"0x10000000\",\"restart\":\"on-failure\"}");
	assert_int_equal(shyper_config_get_nr_cpus(config), 2);
	assert_int_equal(shyper_config_get_memory(config), 256 << 20);
	assert_int_equal(shyper_config_get_restart(config), SHYPER_RESTART_ON_FAILURE);
	assert_int_equal(config->devices[2].type, DEVICE_USER);
	shyper_config_free(config);
}

/* Calls for a file; NULL: it has a form that calls cannot make. */
static struct shyper_builder *build_from(const struct machine *machine, json_t *root)
{
	json_t *boot = json_object_get(root, "boot"), *value;
	json_t *devices = json_object_get(root, "devices");
	const char *name = json_string_value(json_object_get(root, "name")), *key;
	struct shyper_builder *builder = NULL;
	char *text, path[128];
	size_t i;

	if (!name || !json_object_get(root, "version") || !json_is_object(boot) ||
	    (devices && !json_is_array(devices)))
		return NULL;
	assert_int_equal(shyper_builder_create(machine->ctx, name, &builder), 0);
	json_object_foreach(root, key, value) {
		if (value == boot || value == devices)
			continue;
		text = json_dumps(value, JSON_ENCODE_ANY);
		assert_int_equal(shyper_builder_set_json(builder, key, text), 0);
		free(text);
	}
	json_object_foreach(boot, key, value) {
		text = json_dumps(value, JSON_ENCODE_ANY);
		snprintf(path, sizeof(path), "boot/%s", key);
		assert_int_equal(shyper_builder_set_json(builder, path, text), 0);
		free(text);
	}
	json_array_foreach(devices, i, value) {
		text = json_dumps(value, JSON_ENCODE_ANY);
		assert_int_equal(shyper_builder_add_device_json(builder, text), 0);
		free(text);
	}
	return builder;
}

static bool check_file(const struct machine *machine, const char *path)
{
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	struct shyper_builder *builder = root ? build_from(machine, root) : NULL;
	struct shyper_config *built, *loaded = NULL;
	char *of_file, *of_calls;

	json_decref(root);
	if (!builder)
		return false;
	print_message("%s\n", path);
	assert_int_equal(shyper_config_load(machine->ctx, path, &loaded), 0);
	built = finish(builder);
	of_file = list_findings(loaded);
	of_calls = list_findings(built);
	assert_string_equal(of_calls, of_file);
	free(of_file);
	free(of_calls);
	shyper_config_free(built);
	shyper_config_free(loaded);
	shyper_builder_destroy(builder);
	return true;
}

static void test_findings_are_those_of_files(void **state)
{
	unsigned int checked = 0;
	glob_t files;
	size_t i;

	assert_int_equal(glob(CORPUS "*/*.json", 0, NULL, &files), 0);
	for (i = 0; i < files.gl_pathc; i++)
		checked += check_file(*state, files.gl_pathv[i]);
	/* All but a few: the form of a file is what calls cannot get wrong. */
	assert_in_range(checked, files.gl_pathc * 3 / 4, files.gl_pathc - 1);
	globfree(&files);
}

static void test_first_failure_stays(void **state)
{
	struct machine *machine = *state;
	const struct shyper_error *error = shyper_ctx_get_error(machine->ctx);
	struct shyper_builder *builder = begin(machine);
	struct shyper_config *config = NULL;
	char text[256];

	assert_int_equal(shyper_builder_set_device_flag(builder, "blk7", "readonly", true),
			 -EINVAL);
	shyper_error_format(error, text, sizeof(text));
	assert_string_equal(text, "cell debian: blk7: is no device that was added");
	assert_int_equal(shyper_builder_set_cpus(builder, 1), -EINVAL);
	assert_int_equal(shyper_builder_add_device(builder, "blk", "blk7"), -EINVAL);
	/* Another call with the context, whose report is another. */
	assert_int_equal(shyper_ctx_probe(machine->ctx), -ENODEV);
	assert_int_equal(shyper_builder_finish(builder, &config), -EINVAL);
	assert_null(config);
	shyper_error_format(error, text, sizeof(text));
	assert_string_equal(text, "cell debian: blk7: is no device that was added");
	shyper_builder_destroy(builder);
}

static void refuse(const struct machine *machine, int (*call)(struct shyper_builder *),
		   const char *expected)
{
	struct shyper_builder *builder = begin(machine);
	char text[256];

	assert_int_equal(call(builder), -EINVAL);
	shyper_error_format(shyper_ctx_get_error(machine->ctx), text, sizeof(text));
	assert_string_equal(text, expected);
	shyper_builder_destroy(builder);
}

static int set_no_json(struct shyper_builder *builder)
{
	return shyper_builder_set_json(builder, "cpus", "[ 1,");
}

static int add_no_json(struct shyper_builder *builder)
{
	return shyper_builder_add_device_json(builder, "");
}

static int set_no_utf8(struct shyper_builder *builder)
{
	return shyper_builder_set_cmdline(builder, "quiet \xff");
}

static int set_key_no_utf8(struct shyper_builder *builder)
{
	return shyper_builder_set_json(builder, "\xc3", "1");
}

static int set_all_devices(struct shyper_builder *builder)
{
	return shyper_builder_set_json(builder, "devices", "{}");
}

static int set_no_restart(struct shyper_builder *builder)
{
	return shyper_builder_set_restart(builder, (enum shyper_restart)17);
}

static void test_nonsense_is_refused_at_once(void **state)
{
	struct shyper_builder *builder = NULL;
	struct machine *machine = *state;

	refuse(machine, set_no_json,
	       "cell debian: cpus: ']' expected near end of file");
	refuse(machine, add_no_json,
	       "cell debian: devices: unexpected token near end of file");
	refuse(machine, set_no_utf8, "cell debian: cmdline: is no UTF-8 text");
	refuse(machine, set_key_no_utf8, "cell debian: a key: is no UTF-8 text");
	refuse(machine, set_all_devices,
	       "cell debian: devices: is made of the calls for what is in it");
	refuse(machine, set_no_restart, "cell debian: restart: is no SHYPER_RESTART_...");
	assert_int_equal(shyper_builder_create(machine->ctx, "\xff", &builder), -EINVAL);
	assert_null(builder);
}

static void test_builder_goes_on_after_its_end(void **state)
{
	struct machine *machine = *state;
	struct shyper_builder *builder = begin(machine);
	struct shyper_config *first, *second;

	shyper_builder_set_cpus(builder, 1);
	shyper_builder_set_memory(builder, 1 << 20);
	shyper_builder_set_kernel(builder, "/boot/vmlinuz");
	/* Of two devices of a name the last is meant; the name is a finding. */
	shyper_builder_add_device(builder, "console", "con0");
	shyper_builder_add_device(builder, "console", "con0");
	shyper_builder_set_device_number(builder, "con0", "queue_size", 3);
	first = finish(builder);
	shyper_builder_set_memory(builder, 256 << 20);
	second = finish(builder);
	assert_string_equal(shyper_config_get_finding(first, 0)->path, "/memory");
	assert_string_equal(shyper_config_get_finding(second, 0)->path, "/devices/1/name");
	assert_string_equal(shyper_config_get_finding(second, 1)->path,
			    "/devices/1/queue_size");
	assert_null(shyper_config_get_finding(second, 2));
	shyper_builder_destroy(builder);
	shyper_config_free(first);
	shyper_config_free(second);
}

/* No file, so no hint to check one. */
static void test_refused_creation_names_the_cell(void **state)
{
	struct machine *machine = *state;
	struct shyper_builder *builder = begin(machine);
	struct shyper_config *config = finish(builder);
	struct shyper_cell *cell = NULL;

	shyper_builder_destroy(builder);
	assert_int_equal(shyper_cell_create(machine->ctx, config, &cell), -EINVAL);
	assert_null(cell);
	assert_string_equal(shyper_ctx_get_error(machine->ctx)->subject, "cell debian");
	assert_string_equal(shyper_ctx_get_error(machine->ctx)->location, "/cpus");
	assert_string_equal(shyper_ctx_get_error(machine->ctx)->hint, "");
	shyper_config_free(config);
	shyper_builder_destroy(NULL);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_calls_make_what_a_file_makes),
		TEST(test_findings_are_those_of_files),
		TEST(test_first_failure_stays),
		TEST(test_nonsense_is_refused_at_once),
		TEST(test_builder_goes_on_after_its_end),
		TEST(test_refused_creation_names_the_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
