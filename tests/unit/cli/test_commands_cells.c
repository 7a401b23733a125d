// SPDX-License-Identifier: GPL-2.0-or-later
/* What shyper tells of cells, of their figures and of the machine's memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "recorded_sys.h"

static void test_cells_are_listed(void **state)
{
	json_t *list, *cell;

	assert_int_equal(run("cell list"), CLI_DONE);
	assert_string_equal(
		output,
		"ID  NAME    STATE    REASON    CPUS  MEMORY  UPTIME\n"
		"0   root    running  none      2-3   256M    1m01s\n"
		"1   debian  running  none      2-3   256M    1m01s\n"
		"2   broken  failed   unmapped  2-3   256M    1m01s\n");
	assert_int_equal(run("-j cell list"), CLI_DONE);
	list = json_output();
	assert_int_equal(json_array_size(list), 3);
	cell = json_array_get(list, 2);
	assert_int_equal(json_integer_value(json_object_get(cell, "id")), 2);
	assert_string_equal(json_string_value(json_object_get(cell, "reason")),
			    "unmapped");
	json_decref(list);
}

static void test_a_cell_is_shown_by_name_and_by_number(void **state)
{
	char by_name[4096];
	int tries = 0;

	/* It tells ages in seconds: one may end in between. */
	do {
		assert_int_equal(run("cell show debian"), CLI_DONE);
		assert_non_null(strstr(output, "blk0"));
		assert_null(strstr(output, "failure"));
		strcpy(by_name, output);
		assert_int_equal(run("cell show cell1"), CLI_DONE);
	} while (strcmp(output, by_name) && ++tries < 5);
	assert_string_equal(output, by_name);
}

static void test_a_failed_cell_shows_its_registers(void **state)
{
	json_t *cell;

	assert_int_equal(run("cell show broken"), CLI_DONE);
	assert_non_null(strstr(output, "PC=0x40001000"));
	assert_int_equal(run("cell show broken --json"), CLI_DONE);
	cell = json_output();
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(cell, "failure"), "IPA")),
		"0x10000000");
	json_decref(cell);
}

static void test_why_a_cell_does_not_run_is_a_sentence(void **state)
{
	static const struct {
		const char *state, *reason, *esr, *why;
	} cases[] = {
		{ "failed", "unmapped", "0x93c08046",
		  "CPU 0 wrote to 0x10000000, where the cell has nothing; PC 0x40001000" },
		{ "failed", "unmapped", "0x93c08006", "CPU 0 read from 0x10000000," },
		{ "failed", "unmapped", "0x82000006",
		  "CPU 0 fetched an instruction from 0x10000000," },
		{ "failed", "exception", "0x2000000",
		  "CPU 0 took an exception that has no answer: ESR 0x2000000, PC 0x40001000" },
		{ "failed", "serror", "0xbe000000", "CPU 0 caused an SError" },
		{ "failed", "device", "0x0", "deadline_ms" },
		{ "stopped", "stop", "0x0", "root stopped it" },
		{ "stopped", "off", "0x0", "the guest powered off" },
		{ "stopped", "reset", "0x0", "the guest rebooted" },
	};
	char failure[200], state_line[32], reason_line[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(state_line, sizeof(state_line), "%s\n", cases[i].state);
		snprintf(reason_line, sizeof(reason_line), "%s\n",
			 cases[i].reason);
		snprintf(failure, sizeof(failure),
			 "CPU=0\nPC=0x40001000\nESR=%s\nIPA=0x10000000\n",
			 cases[i].esr);
		put_cell("cell3", "3\n", "ended\n", state_line, reason_line);
		put("/sys/class/hvisor/cell3/failure", failure);
		assert_int_equal(run("cell show ended"), CLI_DONE);
		if (!strstr(output, cases[i].why))
			fail_msg("no '%s' in: %s", cases[i].why, output);
	}
	remove_cell("cell3");
	assert_int_equal(run("cell show debian"), CLI_DONE);
	assert_null(strstr(output, "why"));
}

static void test_who_waits_is_shown(void **state)
{
	json_t *cell, *waiting;

	assert_int_equal(run("cell show debian"), CLI_DONE);
	assert_non_null(strstr(output, "waiting for a backend\n"));
	assert_non_null(strstr(output, "1    blk0    reset    0xa000070  3.5s"));
	assert_non_null(strstr(output, "-    con0    quiesce  -          0.0s"));
	assert_int_equal(run("device show debian.blk0"), CLI_DONE);
	assert_non_null(strstr(output, "waiting for it\n"));
	assert_null(strstr(output, "quiesce"));
	assert_int_equal(run("cell show debian -j"), CLI_DONE);
	cell = json_output();
	waiting = json_array_get(json_object_get(cell, "waiting"), 0);
	assert_int_equal(json_integer_value(json_object_get(waiting, "cpu")), 1);
	assert_int_equal(json_integer_value(json_object_get(waiting, "age_ms")),
			 3500);
	assert_string_equal(json_string_value(json_object_get(waiting, "op")),
			    "reset");
	json_decref(cell);
	assert_int_equal(run("cell show broken"), CLI_DONE);
	assert_null(strstr(output, "waiting"));
}

static void test_a_dump_holds_everything(void **state)
{
	json_t *dump, *device;

	assert_int_equal(run("cell dump debian"), CLI_DONE);
	assert_non_null(strstr(output, "debian\n"));
	assert_non_null(strstr(output, "waiting for a backend"));
	assert_non_null(strstr(output, "requests=7"));
	assert_non_null(strstr(output, "vmexits_total=42"));
	assert_int_equal(run("cell dump debian --json"), CLI_DONE);
	dump = json_output();
	device = json_array_get(json_object_get(dump, "devices"), 0);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(device, "statistics"),
				 "in_flight")), 2);
	json_decref(dump);
}

static void test_rates_are_differences_over_time(void **state)
{
	json_t *stat, *device;

	/* Nothing changes in a recorded tree. */
	assert_int_equal(run("stat debian.blk0 -i 0.05 -j"), CLI_DONE);
	stat = json_output();
	assert_int_equal(json_array_size(json_object_get(stat, "cells")), 0);
	device = json_array_get(json_object_get(stat, "devices"), 0);
	assert_true(json_real_value(json_object_get(stat, "seconds")) >= 0.05);
	assert_true(json_is_real(json_object_get(device, "requests")));
	/* A gauge and a setting have no rate. */
	assert_null(json_object_get(device, "in_flight"));
	assert_null(json_object_get(device, "features"));
	json_decref(stat);
	assert_int_equal(run("stat -i 0.01 -n 3 -j"), CLI_DONE);
	assert_int_equal(count_lines(output), 3);
	assert_int_equal(run("stat debian -i 0.01"), CLI_DONE);
	assert_non_null(strstr(output, "cell1.blk0"));
	assert_null(strstr(output, "broken"));
	assert_in_range(longest_line(output), 1, 79);
	assert_int_equal(run("stat -i 0"), CLI_USAGE);
	assert_int_equal(run("stat nothing"), CLI_NOT_FOUND);
	assert_int_equal(run("stat debian.nothing"), CLI_NOT_FOUND);
}

static void test_top_prints_snapshots_into_a_pipe(void **state)
{
	json_t *top;

	assert_int_equal(run("top -i 0.01 -n 2"), CLI_DONE);
	assert_non_null(strstr(output, "3 cells, 1 failed, 2 waiting"));
	assert_non_null(strstr(output, "cell1    1    blk0        reset"));
	assert_null(strchr(output, '\033'));
	assert_in_range(longest_line(output), 1, 79);
	assert_int_equal(run("top -i 0.01 -n 1 -j"), CLI_DONE);
	top = json_output();
	assert_int_equal(json_array_size(json_object_get(top, "cells")), 3);
	assert_int_equal(json_array_size(json_object_get(top, "waiting")), 2);
	json_decref(top);
}

static void test_waiting_for_a_state_that_is_there_returns_at_once(void **state)
{
	assert_int_equal(run("cell wait debian stopped running"), CLI_DONE);
	assert_string_equal(output, "cell1 debian: running\n");
	assert_int_equal(run("cell wait debian stopped -t 0.05"), CLI_TIMEOUT);
	assert_non_null(strstr(errors, "the cell is running"));
	assert_int_equal(count_lines(errors), 1);
	assert_int_equal(run("cell wait debian gone -t 0"), CLI_TIMEOUT);
	assert_int_equal(run("cell wait debian runing"), CLI_USAGE);
	assert_non_null(strstr(errors, "'runing'"));
	assert_int_equal(run("cell wait nothing running"), CLI_NOT_FOUND);
}

static void test_events_begin_with_what_is_there(void **state)
{
	assert_int_equal(run("events -n 4"), CLI_DONE);
	assert_int_equal(count_lines(output), 4);
	assert_non_null(strstr(output, " cell2 broken: present, failed (unmapped)\n"));
	assert_non_null(strstr(output, " cell1.blk0: present\n"));
	assert_int_equal(run("events -n 1 -j"), CLI_DONE);
	json_decref(json_output());
}

/* The header of an arm64 Image that needs 32 MiB. */
static void put_kernel(void)
{
	char header[64] = { 0 };
	char path[128];
	FILE *file;

	header[19] = 2;
	memcpy(header + 56, "ARM\x64", 4);
	put("/boot/vmlinuz", "");
	snprintf(path, sizeof(path), "%s/boot/vmlinuz", root);
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite(header, 1, sizeof(header), file);
	fclose(file);
}

#define CELL_JSON(name) "{ \"version\": 1, \"name\": \"" name "\", \"cpus\": 2, " \
	"\"memory\": \"64M\", \"boot\": { \"kernel\": \"/boot/vmlinuz\" }, " \
	"\"devices\": [ { \"type\": \"console\", \"name\": \"con0\" } ] }"

static void test_dry_run_tells_what_would_be(void **state)
{
	static const char regions[] =
		"  ADDRESS     SIZE  INTID  NAME      TYPE\n"
		"  0x08000000  64K   -      gicd      gic\n"
		"  0x080a0000  256K  -      gicr      gic\n"
		"  0x09000000  4K    -      earlycon  earlycon\n"
		"  0x0a000000  4K    48     con0      console\n"
		"  0x40000000  64M   -      ram       ram\n"
		"  0x40000000  32M   -      kernel    image\n"
		"  0x42000000  64K   -      dtb       image\n\n/dts-v1/;\n";
	char line[128];
	json_t *plan;

	put_kernel();
	put("/sys/devices/system/cpu/present", "0-5\n");
	put("/sys/devices/system/cpu/online", "0-1,4-5\n");
	put("/new.json", CELL_JSON("new"));
	snprintf(line, sizeof(line), "cell create -n %s/new.json", root);
	assert_int_equal(run(line), CLI_DONE);
	assert_non_null(strstr(output, "cpus    4-5\n"));
	assert_non_null(strstr(output, regions));
	assert_string_equal(output + strlen(output) - 4, "\n};\n");
	strcat(line, " -j");
	assert_int_equal(run(line), CLI_DONE);
	plan = json_output();
	assert_int_equal(json_array_size(json_object_get(plan, "regions")), 7);
	assert_non_null(strstr(json_string_value(json_object_get(plan, "device_tree")),
			       "virtio_mmio@a000000 {"));
	json_decref(plan);
	/* The name of one that exists. */
	put("/new.json", CELL_JSON("debian"));
	assert_int_equal(run(line), CLI_FAILED);
	assert_string_equal(output, "");
	assert_int_equal(count_lines(errors), 1);
	assert_non_null(strstr(errors, "/name: is \"debian\", as that of cell1 (debian)"));
}

static void put_memory(void)
{
	put("/proc/iomem",
	    "00000000-0000ffff : ITS\n"
	    "40000000-401fffff : System RAM\n  40000000-4000ffff : reserved\n"
	    "40200000-403fffff : hypervisor\n"
	    "40400000-413fffff : hypervisor pool\n"
	    "41400000-bfffffff : System RAM\n  42000000-42ffffff : Kernel code\n");
	put("/sys/class/hvisor/cell0/memory_blocks", "");
	/* Three pieces that are not in order, the last one in reverse. */
	put("/sys/class/hvisor/cell1/memory_blocks",
	    "0x0000000040000000 0x0000000080000000\n"
	    "0x0000000040200000 0x0000000080200000\n"
	    "0x0000000040400000 0x0000000060000000\n"
	    "0x0000000040600000 0x0000000060600000\n"
	    "0x0000000040800000 0x0000000060400000\n");
}

static void test_the_map_shows_who_has_which_memory(void **state)
{
	static const char row[] =
		"................................................................\n";
	static const char grid[] =
		"each character: 2 MiB; . root, H hypervisor, P its pool, 1 debian\n\n"
		"0x0040000000  .HPPPPPPPP......................................................\n"
		"0x0048000000  ";
	static const char table[] =
		"ADDRESS       SIZE   OWNER       CELL  GUEST ADDRESS\n"
		"0x0040000000  2M     root        -     -\n"
		"0x0040200000  2M     hypervisor  -     -\n"
		"0x0040400000  16M    pool        -     -\n"
		"0x0041400000  492M   root        -     -\n"
		"0x0060000000  2M     debian      1     0x0040400000\n"
		"0x0060200000  2M     root        -     -\n"
		"0x0060400000  4M     debian      1     0x0040600000, 2M blocks in reverse\n"
		"0x0060800000  504M   root        -     -\n"
		"0x0080000000  4M     debian      1     0x0040000000\n"
		"0x0080400000  1020M  root        -     -\n";
	json_t *list;

	put_memory();
	assert_int_equal(run("cell show --map"), CLI_DONE);
	assert_int_equal(strncmp(output, grid, strlen(grid)), 0);
	assert_int_equal(strncmp(output + strlen(grid), row, strlen(row)), 0);
	assert_non_null(strstr(output, "0x0080000000  11......"));
	assert_non_null(strstr(output, table));
	assert_int_equal(count_lines(output), 2 + 16 + 1 + 11);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run(i ? "-j cell show --map" : "cell show --svg -j"),
				 CLI_DONE);
		list = json_output();
		assert_int_equal(json_array_size(list), 11);
		json_decref(list);
	}
	assert_int_equal(run("cell show --svg"), CLI_DONE);
	assert_int_equal(strncmp(output, "<svg ", 5), 0);
	assert_string_equal(output + strlen(output) - 7, "</svg>\n");
	assert_non_null(strstr(output, "<title>debian 0x80000000-0x803fffff "
				       "(cell1, guest 0x40000000)</title>"));
	assert_int_equal(run("cell show"), CLI_USAGE);
	assert_int_equal(run("cell show debian --map"), CLI_USAGE);
}

static void test_the_map_is_for_root_alone(void **state)
{
	put("/proc/iomem", "00000000-00000000 : System RAM\n"
			   "00000000-00000000 : hypervisor\n");
	assert_int_equal(run("cell show --map"), CLI_PERMISSION);
	assert_int_equal(count_lines(errors), 1);
	assert_string_equal(output, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells_are_listed),
		cmocka_unit_test(test_a_cell_is_shown_by_name_and_by_number),
		cmocka_unit_test(test_a_failed_cell_shows_its_registers),
		cmocka_unit_test(test_why_a_cell_does_not_run_is_a_sentence),
		cmocka_unit_test(test_who_waits_is_shown),
		cmocka_unit_test(test_a_dump_holds_everything),
		cmocka_unit_test(test_rates_are_differences_over_time),
		cmocka_unit_test(test_top_prints_snapshots_into_a_pipe),
		cmocka_unit_test(
			test_waiting_for_a_state_that_is_there_returns_at_once),
		cmocka_unit_test(test_events_begin_with_what_is_there),
		cmocka_unit_test(test_dry_run_tells_what_would_be),
		cmocka_unit_test(test_the_map_shows_who_has_which_memory),
		cmocka_unit_test(test_the_map_is_for_root_alone),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
