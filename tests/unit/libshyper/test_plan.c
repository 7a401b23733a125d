// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a configuration would become: CPUs, addresses, device tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot.h"
#include "cell-config.h"
#include "machine.h"
#include "sysfs.h"

static struct shyper_config *load(const struct machine *machine)
{
	struct shyper_config *config = NULL;

	assert_int_equal(shyper_config_load(machine->ctx, TESTS_DIR
					    "/corpus/cell/good/all-keys.json",
					    &config), 0);
	assert_true(shyper_config_is_valid(config));
	return config;
}

static void test_regions_are_told_by_address(void **state)
{
	static const struct shyper_region wanted[] = {
		{ "gicd", "gic", 0x08000000, 0x10000, 0 },
		{ "gicr", "gic", 0x080a0000, 0x20000, 0 },
		{ "earlycon", "earlycon", 0x09000000, 0x1000, 0 },
		{ "con0", "console", 0x0a100000, 0x1000, 48 },
		{ "blk0", "blk", 0x0a200000, 0x1000, 49 },
		{ "echo0", "echo", 0x0c000000, 0x10000, 0 },
		{ "ram", "ram", 0x40000000, 256 << 20, 0 },
		{ "kernel", "image", 0x40000000, MACHINE_IMAGE_SIZE, 0 },
		{ "dtb", "image", 0x42200000, 0x10000, 0 },
		{ "initrd", "image", 0x42210000, 6, 0 },
	};
	struct shyper_config *config = load(*state);
	struct shyper_region *regions;
	size_t i;

	assert_int_equal(shyper_config_get_regions(config, &regions),
			 ARRAY_SIZE(wanted));
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_string_equal(regions[i].name, wanted[i].name);
		assert_string_equal(regions[i].type, wanted[i].type);
		assert_int_equal(regions[i].address, wanted[i].address);
		assert_int_equal(regions[i].length, wanted[i].length);
		assert_int_equal(regions[i].intid, wanted[i].intid);
	}
	free(regions);
	shyper_config_free(config);
}

static void test_memory_beside_ram_is_told(void **state)
{
	static const struct shyper_region wanted[] = {
		{ "flash", "rom", 0, 2 << 20, 0 },
		{ "env", "ram", 0x04000000, 4 << 20, 0 },
		{ "gicd", "gic", 0x08000000, 0x10000, 0 },
		{ "gicr", "gic", 0x080a0000, 0x20000, 0 },
		{ "uart0", "pl011", 0x09000000, 0x1000, 33 },
		{ "earlycon", "earlycon", 0x09001000, 0x1000, 0 },
		{ "ram", "ram", 0x40000000, 64 << 20, 0 },
		{ "dtb", "image", 0x40000000, 0x10000, 0 },
	};
	const struct machine *machine = *state;
	struct shyper_config *config = NULL;
	struct shyper_region *regions;
	size_t i;

	assert_int_equal(shyper_config_load(machine->ctx, TESTS_DIR
					    "/corpus/cell/good/regions.json", &config), 0);
	assert_int_equal(shyper_config_get_regions(config, &regions), ARRAY_SIZE(wanted));
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_string_equal(regions[i].name, wanted[i].name);
		assert_string_equal(regions[i].type, wanted[i].type);
		assert_int_equal(regions[i].address, wanted[i].address);
		assert_int_equal(regions[i].length, wanted[i].length);
	}
	free(regions);
	shyper_config_free(config);
}

static void test_cpus_are_those_of_now(void **state)
{
	struct shyper_config *config = load(*state);
	char cpus[32];

	assert_int_equal(shyper_config_choose_cpus(config, cpus, sizeof(cpus)), 0);
	assert_string_equal(cpus, "3");
	machine_write_text(*state, "/sys/devices/system/cpu/online", "0-1\n");
	assert_int_equal(shyper_config_choose_cpus(config, cpus, sizeof(cpus)), 0);
	assert_string_equal(cpus, "1");
	machine_write_text(*state, "/sys/devices/system/cpu/online", "0\n");
	assert_int_equal(shyper_config_choose_cpus(config, cpus, sizeof(cpus)), 0);
	assert_string_equal(cpus, "");
	shyper_config_free(config);
}

static void test_cpus_are_listed_as_linux_does(void **state)
{
	static const char *const lists[] = {
		"", "0", "3", "0-1", "1-3,5", "0,2,4", "62-63", "0-63", "1,3-62",
	};
	uint64_t mask;
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		assert_int_equal(cpulist_parse(lists[i], &mask), 0);
		cpulist_format(mask, text, sizeof(text));
		assert_string_equal(text, lists[i]);
	}
}

/* dtc makes the tree out of its text that the guest gets. */
static void check_tree(const struct machine *machine,
		       const struct shyper_config *config)
{
	const struct guest_boot boot = {
		.initrd_start = 0x42210000, .initrd_end = 0x42210006,
	};
	char blob[65536], command[512], *text;

	assert_int_equal(fdt_build(config, &boot, blob, sizeof(blob)), 0);
	machine_write(machine, "/blob", blob, sizeof(blob));
	assert_int_equal(shyper_config_get_device_tree(config, &text), 0);
	machine_write_text(machine, "/text", text);
	free(text);
	snprintf(command, sizeof(command), "cd %s && "
		 "dtc -q -I dts -O dtb text >made && dtc -q -I dtb -O dts made >a && "
		 "dtc -q -I dtb -O dts blob >b && cmp a b && grep -q bootargs a",
		 machine->root);
	assert_int_equal(system(command), 0);
}

static void test_text_is_the_tree_of_the_guest(void **state)
{
	struct shyper_config *config = load(*state);

	check_tree(*state, config);
	free(config->cmdline);
	config->cmdline = strdup("console=hvc0 name=\"a \\\\ b\"");
	check_tree(*state, config);
	free(config->cmdline);
	/* No text for dtc: shown as bytes, or as cells. */
	config->cmdline = strdup("n=\xc3\xa9");
	check_tree(*state, config);
	free(config->cmdline);
	config->cmdline = strdup("nn=\xc3\xa9");
	check_tree(*state, config);
	shyper_config_free(config);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_regions_are_told_by_address),
		TEST(test_memory_beside_ram_is_told),
		TEST(test_cpus_are_those_of_now),
		cmocka_unit_test(test_cpus_are_listed_as_linux_does),
		TEST(test_text_is_the_tree_of_the_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
