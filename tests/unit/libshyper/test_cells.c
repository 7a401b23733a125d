// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Cells and devices of a recorded sysfs tree; and hugepages.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine.h"
#include "memory.h"
#include "sysfs.h"

#define CLASS "/sys/class/hvisor/"

/* As long as one gets: 32 buckets with 15 digits each. */
#define BUCKET(n)	n ":999999999999999"
#define HISTOGRAM \
	BUCKET("0") " " BUCKET("1") " " BUCKET("2") " " BUCKET("3") " " BUCKET("4") " " \
	BUCKET("5") " " BUCKET("6") " " BUCKET("7") " " BUCKET("8") " " BUCKET("9") " " \
	BUCKET("10") " " BUCKET("11") " " BUCKET("12") " " BUCKET("13") " " \
	BUCKET("14") " " BUCKET("15") " " BUCKET("16") " " BUCKET("17") " " \
	BUCKET("18") " " BUCKET("19") " " BUCKET("20") " " BUCKET("21") " " \
	BUCKET("22") " " BUCKET("23") " " BUCKET("24") " " BUCKET("25") " " \
	BUCKET("26") " " BUCKET("27") " " BUCKET("28") " " BUCKET("29") " " \
	BUCKET("30") " " BUCKET("31")

static const char *const tree[][2] = {
	{ CLASS "control/dev", "10:122\n" },
	{ CLASS "cell0/name", "root\n" },
	{ CLASS "cell0/state", "running\n" },
	{ CLASS "cell0/cpus", "0-1\n" },
	{ CLASS "cell12/name", "debian2\n" },
	{ CLASS "cell12/state", "failed\n" },
	{ CLASS "cell12/reason", "unmapped\n" },
	{ CLASS "cell12/cpus", "2-3\n" },
	{ CLASS "cell12/memory", "268435456\n" },
	{ CLASS "cell12/starts", "7\n" },
	{ CLASS "cell12/memory_regions", "REGION0=0x40000000,0x10000000,rw,root,00:0e,77\n" },
	{ CLASS "cell12/interrupts", "INTID48=con0\nINTID49=blk0\n" },
	{ CLASS "cell12/failure", "REASON=unmapped\nCPU=0\nPC=0xffff800008010000\n" },
	{ CLASS "cell12/statistics/vmexits_total", "123\n" },
	{ CLASS "cell12/statistics/cpu10/vmexits_total", "20\n" },
	{ CLASS "cell12/statistics/cpu9/vmexits_total", "103\n" },
	{ CLASS "cell12/config", "{\"version\":1,\"name\":\"debian2\",\"cpus\":2,"
	  "\"memory\":\"256M\",\"boot\":{\"kernel\":\"/gone\"}}" },
	{ CLASS "cell12.blk0/type", "blk\n" },
	{ CLASS "cell12.blk0/index", "1\n" },
	{ CLASS "cell12.blk0/config", "{\"path\":\"/disk\"}" },
	{ CLASS "cell12/virtio/blk0",
	  "INDEX=1\nREQUESTS=18446744073709551615\nIN_FLIGHT_MAX=32\n"
	  "DRIVER_STATUS=acknowledge driver\nBLOCKING_NS=" HISTOGRAM "\nQUEUE0_SIZE=256\n" },
	{ CLASS "cell12.con0/type", "console\n" },
	{ CLASS "cell12.con0/index", "0\n" },
	{ CLASS "cell2/name", "small\n" },
	{ CLASS "cell2/state", "created\n" },
	{ CLASS "cellar/name", "wine\n" },
};

static int tree_setup(void **state)
{
	size_t i;

	machine_setup(state);
	for (i = 0; i < ARRAY_SIZE(tree); i++)
		machine_write_text(*state, tree[i][0], tree[i][1]);
	return 0;
}

static void test_cells_are_listed_by_id(void **state)
{
	struct machine *machine = *state;
	struct shyper_cell **cells;

	assert_int_equal(shyper_ctx_probe(machine->ctx), 0);
	assert_int_equal(shyper_cell_list(machine->ctx, &cells), 3);
	assert_string_equal(shyper_cell_get_name(cells[0]), "root");
	assert_string_equal(shyper_cell_get_name(cells[1]), "small");
	assert_string_equal(shyper_cell_get_name(cells[2]), "debian2");
	assert_null(cells[3]);
	shyper_cell_list_free(cells);
}

static void test_cell_is_found_by_name_and_id(void **state)
{
	struct machine *machine = *state;
	struct shyper_cell *cell = NULL, *same;

	assert_int_equal(shyper_cell_open(machine->ctx, "debian2", &cell), 0);
	assert_int_equal(shyper_cell_get_id(cell), 12);
	assert_string_equal(shyper_cell_get_sysname(cell), "cell12");
	assert_int_equal(shyper_cell_get_state(cell), SHYPER_CELL_FAILED);
	assert_string_equal(shyper_cell_get_reason(cell), "unmapped");
	assert_string_equal(shyper_cell_get_cpus(cell), "2-3");
	assert_int_equal(shyper_cell_get_memory(cell), 268435456);
	assert_int_equal(shyper_cell_get_starts(cell), 7);
	assert_int_equal(shyper_cell_open(machine->ctx, "cell12", &same), 0);
	assert_string_equal(shyper_cell_get_name(same), "debian2");
	shyper_cell_close(same);
	machine_write_text(machine, CLASS "cell12/state", "running\n");
	assert_int_equal(shyper_cell_refresh(cell), 0);
	assert_int_equal(shyper_cell_get_state(cell), SHYPER_CELL_RUNNING);
	machine_write_text(machine, CLASS "cell12/name", "another\n");
	assert_int_equal(shyper_cell_refresh(cell), -ENOENT);
	shyper_cell_close(cell);
}

static void test_missing_things_are_named(void **state)
{
	struct machine *machine = *state;
	struct shyper_device *device;
	struct shyper_cell *cell;
	char text[256];

	assert_int_equal(shyper_cell_open(machine->ctx, "nobody", &cell), -ENOENT);
	shyper_error_format(shyper_ctx_get_error(machine->ctx), text, sizeof(text));
	assert_string_equal(text, "cell nobody: does not exist");
	assert_int_equal(shyper_cell_open_id(machine->ctx, 3, &cell), -ENOENT);
	assert_int_equal(shyper_device_open(machine->ctx, "cell12.net0", &device),
			 -ENOENT);
	assert_int_equal(shyper_device_open(machine->ctx, "../cell0", &device),
			 -ENOENT);
}

static void test_statistics_and_failure_are_read(void **state)
{
	struct machine *machine = *state;
	struct shyper_value *values;
	struct shyper_cell *cell;

	assert_int_equal(shyper_cell_open(machine->ctx, "cell12", &cell), 0);
	assert_int_equal(shyper_cell_read_statistics(cell, &values), 3);
	assert_string_equal(values[0].name, "cpu9/vmexits_total");
	assert_string_equal(values[1].name, "cpu10/vmexits_total");
	assert_string_equal(values[1].value, "20");
	assert_string_equal(values[2].name, "vmexits_total");
	free(values);
	assert_int_equal(shyper_cell_read_failure(cell, &values), 3);
	assert_string_equal(values[2].name, "PC");
	assert_string_equal(values[2].value, "0xffff800008010000");
	free(values);
	assert_int_equal(shyper_cell_read_memory(cell, &values), 1);
	assert_string_equal(values[0].value, "0x40000000,0x10000000,rw,root,00:0e,77");
	free(values);
	assert_int_equal(shyper_cell_read_interrupts(cell, &values), 2);
	assert_string_equal(values[1].name, "INTID49");
	free(values);
	shyper_cell_close(cell);
}

static void test_devices_are_listed_by_index(void **state)
{
	struct machine *machine = *state;
	struct shyper_device **devices;
	struct shyper_value *values;
	char *config;

	assert_int_equal(shyper_device_list(machine->ctx, NULL, &devices), 2);
	assert_string_equal(shyper_device_get_name(devices[0]), "con0");
	assert_string_equal(shyper_device_get_sysname(devices[1]), "cell12.blk0");
	assert_string_equal(shyper_device_get_type(devices[1]), "blk");
	assert_int_equal(shyper_device_get_cell(devices[1]), 12);
	assert_int_equal(shyper_device_get_index(devices[1]), 1);
	assert_int_equal(shyper_device_read_config(devices[1], &config), 16);
	assert_string_equal(config, "{\"path\":\"/disk\"}");
	free(config);
	assert_int_equal(shyper_device_read_statistics(devices[1], &values), 6);
	assert_string_equal(values[1].name, "requests");
	assert_string_equal(values[1].value, "18446744073709551615");
	assert_string_equal(values[2].name, "in_flight_max");
	assert_string_equal(values[3].value, "acknowledge driver");
	assert_string_equal(values[4].name, "blocking_ns");
	assert_string_equal(values[4].value, HISTOGRAM);
	assert_string_equal(values[5].name, "queue0_size");
	free(values);
	shyper_device_list_free(devices);
}

/* The images of a cell that exists may have gone since. */
static void test_config_of_a_cell_is_read_without_its_files(void **state)
{
	struct machine *machine = *state;
	struct shyper_config *config;
	struct shyper_cell *cell;
	char *text;

	assert_int_equal(shyper_cell_open(machine->ctx, "cell12", &cell), 0);
	assert_int_equal(shyper_cell_read_config(cell, &config), 0);
	assert_int_equal(shyper_config_get_nr_cpus(config), 2);
	shyper_config_free(config);
	assert_true(shyper_cell_read_config_text(cell, &text) > 0);
	assert_non_null(strstr(text, "\"/gone\""));
	free(text);
	machine_write_text(machine, CLASS "cell12/config", "{}");
	assert_int_equal(shyper_cell_read_config(cell, &config), -EINVAL);
	shyper_cell_close(cell);
}

static void test_without_module_everything_says_so(void **state)
{
	struct machine *machine = *state;
	struct shyper_config *config = NULL;
	struct shyper_cell **cells, *cell;

	assert_int_equal(shyper_ctx_probe(machine->ctx), -ENODEV);
	assert_int_equal(shyper_cell_list(machine->ctx, &cells), -ENODEV);
	assert_int_equal(shyper_cell_open(machine->ctx, "debian", &cell), -ENODEV);
	assert_true(*shyper_ctx_get_error(machine->ctx)->hint);
	assert_int_equal(shyper_config_load(machine->ctx,
			 TESTS_DIR "/corpus/cell/good/plain.json", &config), 0);
	assert_int_equal(shyper_cell_create(machine->ctx, config, &cell), -ENODEV);
	shyper_config_free(config);
}

static void test_cpu_lists_are_parsed(void **state)
{
	uint64_t mask;

	(void)state;
	assert_int_equal(cpulist_parse("0-3,8\n", &mask), 0);
	assert_int_equal(mask, 0x10f);
	assert_int_equal(cpulist_parse("\n", &mask), 0);
	assert_int_equal(mask, 0);
	assert_int_equal(cpulist_parse("60-70", &mask), 0);
	assert_true(mask == 0xf000000000000000ULL);
	assert_int_equal(cpulist_parse("3-1", &mask), -EINVAL);
	assert_int_equal(cpulist_parse("a", &mask), -EINVAL);
	assert_int_equal(cpulist_parse("1;2", &mask), -EINVAL);
	assert_int_equal(cpulist_parse("0-99999999999", &mask), -EINVAL);
}

#define HUGEPAGES "/sys/kernel/mm/hugepages/hugepages-2048kB/"

/* The recorded kernel does not make hugepages, however often it is asked. */
static void test_missing_hugepages_are_counted_and_undone(void **state)
{
	struct machine *machine = *state;
	uint64_t before, count;

	assert_int_equal(memory_reserve(machine->ctx, "cell a", 300, &before), 0);
	assert_int_equal(before, 300);
	machine_write_text(machine, HUGEPAGES "free_hugepages", "100\n");
	machine_write_text(machine, HUGEPAGES "resv_hugepages", "10\n");
	assert_int_equal(memory_reserve(machine->ctx, "cell a", 128, &before),
			 -ENOMEM);
	assert_non_null(strstr(shyper_ctx_get_error(machine->ctx)->text,
			       "128 hugepages of 2 MiB, 38 are missing"));
	assert_int_equal(sysfs_read_hugepages(machine->ctx, "nr_hugepages", &count), 0);
	assert_int_equal(count, 300);
}

static void test_holder_of_memory_is_named(void **state)
{
	struct machine *machine = *state;
	char name[64], cell[32], holders[256], expected[32];
	int fd;

	/* All processes are looked at, those of another such test too. */
	snprintf(cell, sizeof(cell), "test%d", getpid());
	snprintf(name, sizeof(name), "shyper:%s", cell);
	fd = memfd_create(name, MFD_CLOEXEC);
	assert_true(fd >= 0);
	snprintf(expected, sizeof(expected), "(%d)", getpid());
	shyper_ctx_set_root(machine->ctx, "");
	assert_int_equal(memory_find_holders(machine->ctx, cell, holders,
					     sizeof(holders)), 1);
	assert_non_null(strstr(holders, expected));
	/* Another cell's whose name begins alike is another's. */
	assert_int_equal(memory_find_holders(machine->ctx, "test", holders,
					     sizeof(holders)), 0);
	close(fd);
	assert_int_equal(memory_find_holders(machine->ctx, cell, holders,
					     sizeof(holders)), 0);
}

static void test_holders_of_all_cells_are_listed(void **state)
{
	struct machine *machine = *state;
	struct shyper_holder *holders;
	int first = memfd_create("shyper:one", MFD_CLOEXEC);
	int second = memfd_create("shyper:two", MFD_CLOEXEC);
	int i, count, ours = 0;
	void *mapped;

	assert_true(first >= 0 && second >= 0);
	assert_int_equal(ftruncate(first, 4096), 0);
	mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, first, 0);
	assert_ptr_not_equal(mapped, MAP_FAILED);
	/* Mapped only; and open more than once. */
	close(first);
	first = dup(second);
	shyper_ctx_set_root(machine->ctx, "");
	count = shyper_memory_list_holders(machine->ctx, NULL, &holders);
	for (i = 0; i < count; i++) {
		if (holders[i].pid != getpid())
			continue;
		assert_true(!strcmp(holders[i].cell, "one") ||
			    !strcmp(holders[i].cell, "two"));
		assert_string_equal(holders[i].process, "test_cells");
		ours++;
	}
	assert_int_equal(ours, 2);
	free(holders);
	assert_int_equal(shyper_memory_list_holders(machine->ctx, "one", &holders), 1);
	assert_string_equal(holders[0].cell, "one");
	free(holders);
	munmap(mapped, 4096);
	close(first);
	close(second);
}

static void test_who_waits_is_read(void **state)
{
	struct machine *machine = *state;
	struct shyper_waiter *waiters;
	struct shyper_cell *cell;

	machine_write_text(machine, CLASS "cell12/virtio/pending",
			   "CPU1=blk0,reset,0xa000070,4,12345\n"
			   "CONTROL0=con0,quiesce,7\n"
			   "OTHER=a,b\nCPU2=blk0\n");
	assert_int_equal(shyper_cell_open(machine->ctx, "debian2", &cell), 0);
	assert_int_equal(shyper_cell_read_waiters(cell, &waiters), 2);
	assert_int_equal(waiters[0].cpu, 1);
	assert_string_equal(waiters[0].device, "blk0");
	assert_string_equal(waiters[0].op, "reset");
	assert_int_equal(waiters[0].address, 0xa000070);
	assert_int_equal(waiters[0].length, 4);
	assert_int_equal(waiters[0].age_ms, 12345);
	assert_int_equal(waiters[1].cpu, -1);
	assert_string_equal(waiters[1].device, "con0");
	assert_string_equal(waiters[1].op, "quiesce");
	assert_int_equal(waiters[1].age_ms, 7);
	free(waiters);
	machine_write_text(machine, CLASS "cell12/virtio/pending", "");
	assert_int_equal(shyper_cell_read_waiters(cell, &waiters), 0);
	free(waiters);
	shyper_cell_close(cell);
	/* Root has no devices; of others the file is missed. */
	assert_int_equal(shyper_cell_open(machine->ctx, "root", &cell), 0);
	assert_int_equal(shyper_cell_read_waiters(cell, &waiters), 0);
	free(waiters);
	shyper_cell_close(cell);
	assert_int_equal(shyper_cell_open(machine->ctx, "small", &cell), 0);
	assert_int_equal(shyper_cell_read_waiters(cell, &waiters), -ENOENT);
	shyper_cell_close(cell);
}

/* The module takes "control" away first, and the cell runs on. */
static void test_module_that_is_away_tells_of_no_cell(void **state)
{
	struct machine *machine = *state;
	struct shyper_cell *cell;
	char command[256];

	assert_int_equal(shyper_cell_open(machine->ctx, "small", &cell), 0);
	snprintf(command, sizeof(command), "rm -r '%s" CLASS "control'", machine->root);
	assert_int_equal(system(command), 0);
	assert_int_equal(shyper_cell_refresh(cell), 0);
	snprintf(command, sizeof(command), "rm -r '%s" CLASS "cell2'", machine->root);
	assert_int_equal(system(command), 0);
	assert_int_equal(shyper_cell_refresh(cell), -ENODEV);
	shyper_cell_close(cell);
}

static void test_first_cause_is_reported(void **state)
{
	struct machine *machine = *state;

	error_set(machine->ctx, -EIO, "disk", "sector 7", "is %s", "broken");
	assert_int_equal(error_set(machine->ctx, -EINVAL, "all", NULL, "fails"),
			 -EINVAL);
	assert_int_equal(shyper_ctx_get_error(machine->ctx)->code, -EIO);
	assert_string_equal(shyper_ctx_get_error(machine->ctx)->text, "is broken");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, tree_setup, machine_teardown)
#define BARE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cells_are_listed_by_id),
		TEST(test_cell_is_found_by_name_and_id),
		TEST(test_missing_things_are_named),
		TEST(test_statistics_and_failure_are_read),
		TEST(test_devices_are_listed_by_index),
		TEST(test_config_of_a_cell_is_read_without_its_files),
		BARE_TEST(test_without_module_everything_says_so),
		cmocka_unit_test(test_cpu_lists_are_parsed),
		BARE_TEST(test_missing_hugepages_are_counted_and_undone),
		BARE_TEST(test_holder_of_memory_is_named),
		BARE_TEST(test_holders_of_all_cells_are_listed),
		TEST(test_who_waits_is_read),
		TEST(test_module_that_is_away_tells_of_no_cell),
		BARE_TEST(test_first_cause_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
