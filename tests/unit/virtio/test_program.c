// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which configuration a backend takes, and what it leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define CLASS_FOLDER	"class"
#define RUN_FOLDER	"run"
#include "../../../shyper-cli/backend/program.c"

#include <sys/stat.h>

#define REGION0		"0x40000000,0x10000000,rw,root,00:0e,77"

static char folder[64];

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_program.XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(mkdir("run", 0755) || mkdir("class", 0755) ||
			 mkdir("class/cell1", 0755) || mkdir("class/cell1.blk0", 0755), 0);
	put("class/cell1/memory_regions", "REGION0=" REGION0 "\nREGION1=0x0,0x1,ro,root,00:0e,78\n");
	put("class/cell1.blk0/config", "{\"path\": \"/first\"}");
	return 0;
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	unsetenv("SHYPER_DEVICE_CONFIG");
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return chdir("/") || system(command);
}

static void assert_path(const char *wanted)
{
	json_t *config = NULL;

	assert_int_equal(config_load("cell1.blk0", &config), 0);
	assert_string_equal(json_string_value(json_object_get(config, "path")), wanted);
	json_decref(config);
}

static void test_settings_of_the_cell(void **state)
{
	(void)state;
	assert_path("/first");
	put("run/cell1.blk0.json", "{\"path\": \"/set\", \"cell_memory\": \"" REGION0 "\"}");
	assert_path("/set");
	put("other", "{\"path\": \"/other\"}");
	setenv("SHYPER_DEVICE_CONFIG", "other", 1);
	assert_path("/other");
}

/* Its monitor was killed, and another cell has the number: not its disk, too. */
static void test_settings_of_another_cell(void **state)
{
	(void)state;
	put("run/cell1.blk0.json", "{\"path\": \"/set\", \"cell_memory\": \"" REGION0 "8\"}");
	assert_path("/first");
	put("run/cell1.blk0.json", "{\"path\": \"/set\"}");
	assert_path("/first");
	put("run/cell1.blk0.json", "{\"path\": \"/set\", \"cell_memory\": \"\"}");
	put("class/cell1/memory_regions", "");
	assert_path("/first");
	unlink("class/cell1/memory_regions");
	assert_path("/first");
}

static void test_broken_settings(void **state)
{
	json_t *config;

	(void)state;
	put("run/cell1.blk0.json", "{");
	assert_int_equal(config_load("cell1.blk0", &config), SHYPER_EXIT_RESTART);
	put("run/cell1.blk0.json", "[]");
	assert_int_equal(config_load("cell1.blk0", &config), SHYPER_EXIT_CONFIG);
}

/* Who removes it with the device has been here. */
static void test_late_sockets_go(void **state)
{
	(void)state;
	put("run/cell1.blk0.sock", "");
	put("run/cell1.blk0@size.sock", "");
	put("run/cell1.blk0.port.sock", "");
	put("run/cell1.blk01.sock", "");
	remove_late_sockets("cell1.blk0");
	assert_int_equal(access("run/cell1.blk0.sock", F_OK), 0);
	unlink("class/cell1.blk0/config");
	remove_late_sockets("cell1.blk0");
	assert_int_equal(access("run/cell1.blk0.sock", F_OK), -1);
	assert_int_equal(access("run/cell1.blk0@size.sock", F_OK), -1);
	assert_int_equal(access("run/cell1.blk0.port.sock", F_OK), -1);
	assert_int_equal(access("run/cell1.blk01.sock", F_OK), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_settings_of_the_cell),
		TEST(test_settings_of_another_cell),
		TEST(test_broken_settings),
		TEST(test_late_sockets_go),
	};

	return cmocka_run_group_tests_name("virtio/program", tests, NULL, NULL);
}
