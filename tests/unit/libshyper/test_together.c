// SPDX-License-Identifier: LGPL-2.1-or-later
/* Configurations compared with one another and with cells that exist. */
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

#define MAX_FILES	4
#define DISKS		"/var/lib/shyper/"

struct file {
	const char *name;
	const char *cpus;
	const char *memory;
	const char *devices;
};

static struct shyper_config *parse(const struct machine *machine,
				   const struct file *file)
{
	struct shyper_config *config = NULL;
	char path[64], text[1024];

	snprintf(path, sizeof(path), "%s.json", file->name);
	snprintf(text, sizeof(text), "{\"version\":1,\"name\":\"%s\",\"cpus\":%s,"
		 "\"memory\":\"%s\",\"boot\":{\"kernel\":\"/boot/vmlinuz\"},"
		 "\"devices\":[%s]}", file->name, file->cpus,
		 file->memory, file->devices);
	assert_int_equal(shyper_config_parse(machine->ctx, path, text, strlen(text),
					     &config), 0);
	return config;
}

/* The findings of the last of @files, and none of those before. */
static void check(const struct machine *machine, bool with_cells,
		  const struct file *files, const char *expected)
{
	struct shyper_config *configs[MAX_FILES] = { NULL };
	size_t i, count = 0;
	char *findings;

	for (; files[count].name; count++)
		configs[count] = parse(machine, &files[count]);
	assert_int_equal(shyper_config_check_together(machine->ctx, configs, count,
						      with_cells), 0);
	for (i = 0; i < count; i++) {
		findings = list_findings(configs[i]);
		assert_string_equal(findings, i + 1 == count ? expected : "");
		free(findings);
		shyper_config_free(configs[i]);
	}
}

/* A file in which what is not of interest is small. */
#define A(name, cpus)		{ name, cpus, "64M", "" }
#define END			{ NULL, NULL, NULL, NULL }
#define LARGE(name, cpus, size)	{ name, cpus, size, "" }
#define DISK(name, path, readonly) \
	{ name, "1", "64M", BLK(path, readonly) }
#define BLK(path, readonly) "{\"type\":\"blk\",\"name\":\"d\",\"path\":\"" DISKS path \
	"\",\"readonly\":" readonly "}"

#define CHECK(expected, ...) \
	check(*state, false, (const struct file[]) { __VA_ARGS__, END }, expected)
#define CHECK_WITH_CELLS(expected, ...) \
	check(*state, true, (const struct file[]) { __VA_ARGS__, END }, expected)

static void test_what_fits_gives_nothing(void **state)
{
	CHECK("", LARGE("a", "[1]", "1G"), LARGE("b", "[3]", "512M"), A("c", "1"));
	CHECK("", A("a", "1"), A("b", "[1,2]"));
	CHECK("", A("a", "3"));
}

static void test_one_name_is_for_one(void **state)
{
	CHECK("/name: is \"a\", as that of a.json\n",
	      A("a", "1"), A("b", "1"), A("a", "1"));
}

static void test_a_cpu_is_for_one(void **state)
{
	CHECK("/cpus: lists CPU 2, which a.json has\n",
	      A("a", "[1,2]"), A("b", "[2,3]"));
	CHECK("/cpus: lists CPU 1, which b.json has\n"
	      "/cpus: lists CPU 3, which a.json has\n",
	      A("a", "[3]"), A("b", "[1]"), A("c", "[1,2,3]"));
	/* Who asks for a number gets the highest. */
	CHECK("/cpus: lists CPU 3, which a.json has\n",
	      A("a", "1"), A("b", "[3]"));
	CHECK("/cpus: is 2, but root (CPU 0) and the cells before leave 1\n",
	      A("a", "[2]"), A("b", "1"), A("c", "2"));
}

static void test_memory_is_that_of_the_machine(void **state)
{
	CHECK("/memory: is 512 MiB beside 1536 MiB of other cells, but this machine has 1968 MiB\n",
	      LARGE("a", "1", "1G"), LARGE("b", "1", "512M"), LARGE("c", "1", "512M"));
}

static void test_a_disk_is_written_by_one_alone(void **state)
{
	const struct machine *machine = *state;
	char target[128], name[128];

	CHECK("/devices/0/path: \"" DISKS "debian.img\" is that of \"d\" of a.json too, and one of the two writes\n",
	      DISK("a", "debian.img", "true"),
	      DISK("b", "debian.img", "false"));
	CHECK("", DISK("a", "debian.img", "true"),
	      DISK("b", "debian.img", "true"));
	CHECK("", DISK("a", "debian.img", "false"),
	      DISK("b", "debian2a.img", "false"));
	/* By another name. */
	snprintf(target, sizeof(target), "%s" DISKS "debian.img", machine->root);
	snprintf(name, sizeof(name), "%s" DISKS "link.img", machine->root);
	assert_int_equal(symlink(target, name), 0);
	CHECK("/devices/0/path: \"" DISKS "link.img\" is that of \"d\" of a.json too, and one of the two writes\n",
	      DISK("a", "debian.img", "false"),
	      DISK("b", "link.img", "false"));
}

static void put_cell(const struct machine *machine)
{
#define CELL "/sys/class/hvisor/cell1/"
	machine_write_text(machine, "/sys/class/hvisor/cell0/name", "root\n");
	machine_write_text(machine, "/sys/class/hvisor/cell0/state", "running\n");
	machine_write_text(machine, "/sys/class/hvisor/cell0/cpus", "0,2-3\n");
	machine_write_text(machine, "/sys/devices/system/cpu/online", "0,2-3\n");
	machine_write_text(machine, CELL "name", "debian\n");
	machine_write_text(machine, CELL "state", "running\n");
	machine_write_text(machine, CELL "cpus", "1\n");
	machine_write_text(machine, CELL "memory", "1073741824\n");
	machine_write_text(machine, CELL "config",
			   "{\"version\":1,\"name\":\"debian\",\"cpus\":1,\"memory\":\"1G\","
			   "\"boot\":{\"kernel\":\"/gone\"},\"devices\":["
			   BLK("debian.img", "false") "]}");
}

static void test_cells_that_exist_come_first(void **state)
{
	put_cell(*state);
	CHECK_WITH_CELLS("", LARGE("a", "[2,3]", "512M"));
	CHECK_WITH_CELLS("/name: is \"debian\", as that of cell1 (debian)\n"
			 "/cpus: lists CPU 1, which cell1 (debian) has\n"
			 "/memory: is 1024 MiB beside 1024 MiB of other cells, but this machine has 1968 MiB\n"
			 "/devices/0/path: \"" DISKS "debian.img\" is that of \"d\" of cell1 (debian) too, and one of the two writes\n",
			 { "debian", "[1,2]", "1G", BLK("debian.img", "true") });
	CHECK_WITH_CELLS("/cpus: is 3, but root (CPU 0) and the cells before leave 2\n",
			 A("a", "3"));
	/* They are not looked at unless asked for. */
	CHECK("", { "debian", "[1,2]", "1G", BLK("debian.img", "true") });
}

/* One that came after the check. */
static void test_disk_of_a_cell_is_refused(void **state)
{
	static const struct file files[] = {
		DISK("a", "debian2a.img", "false"), DISK("b", "debian.img", "true"),
	};
	struct machine *machine = *state;
	struct shyper_config *config;
	char text[256];

	put_cell(machine);
	config = parse(machine, &files[0]);
	assert_int_equal(config_refuse_disks(machine->ctx, config), 0);
	shyper_config_free(config);
	config = parse(machine, &files[1]);
	assert_int_equal(config_refuse_disks(machine->ctx, config), -EBUSY);
	shyper_error_format(shyper_ctx_get_error(machine->ctx), text, sizeof(text));
	assert_string_equal(text, "b.json: /devices/0/path: \"" DISKS "debian.img\" is that of \"d\" of cell1 (debian) too, and one of the two writes");
	shyper_config_free(config);
}

static void test_without_module_there_are_no_cells(void **state)
{
	CHECK_WITH_CELLS("", A("a", "3"));
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_fits_gives_nothing),
		TEST(test_one_name_is_for_one),
		TEST(test_a_cpu_is_for_one),
		TEST(test_memory_is_that_of_the_machine),
		TEST(test_a_disk_is_written_by_one_alone),
		TEST(test_cells_that_exist_come_first),
		TEST(test_disk_of_a_cell_is_refused),
		TEST(test_without_module_there_are_no_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
