// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a guest finds: the device tree, read back by libfdt and by dtc, and the
 * images in its memory.
 */
#include <errno.h>
#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot.h"
#include "machine.h"

#define CORPUS	TESTS_DIR "/corpus/cell/"
#define DTB_SIZE 0x10000

static struct shyper_config *load(const struct machine *machine, const char *path)
{
	struct shyper_config *config = NULL;

	assert_int_equal(shyper_config_load(machine->ctx, path, &config), 0);
	assert_true(shyper_config_is_valid(config));
	return config;
}

static int node(const void *fdt, const char *path)
{
	int offset = fdt_path_offset(fdt, path);

	assert_true(offset >= 0);
	return offset;
}

static const char *text_of(const void *fdt, const char *path, const char *name)
{
	const char *text = fdt_getprop(fdt, node(fdt, path), name, NULL);

	assert_non_null(text);
	return text;
}

static uint32_t cell_of(const void *fdt, const char *path, const char *name,
			int index)
{
	int length;
	const fdt32_t *cells = fdt_getprop(fdt, node(fdt, path), name, &length);

	assert_non_null(cells);
	assert_in_range(index, 0, length / 4 - 1);
	return fdt32_ld(&cells[index]);
}

static bool has(const void *fdt, const char *path, const char *name)
{
	return fdt_getprop(fdt, node(fdt, path), name, NULL);
}

static void build(const struct shyper_config *config, void *fdt)
{
	struct guest_boot boot = {
		.initrd_start = 0x42000000, .initrd_end = 0x42001000,
		.kaslr_seed = 0x1122334455667788,
	};

	memset(boot.rng_seed, 0x5a, sizeof(boot.rng_seed));
	assert_int_equal(fdt_build(config, &boot, fdt, DTB_SIZE), 0);
	assert_int_equal(fdt_check_full(fdt, DTB_SIZE), 0);
}

static void test_tree_describes_the_cell(void **state)
{
	struct shyper_config *config = load(*state,
				TESTS_DIR "/../configs/cells/debian2.json");
	char fdt[DTB_SIZE];

	build(config, fdt);
	assert_int_equal(cell_of(fdt, "/memory@40000000", "reg", 1), 0x40000000);
	assert_int_equal(cell_of(fdt, "/memory@40000000", "reg", 3), 256 << 20);
	assert_string_equal(text_of(fdt, "/psci", "method"), "hvc");
	assert_int_equal(fdt_node_check_compatible(fdt, node(fdt, "/psci"),
						   "arm,psci-0.2"), 0);
	assert_string_equal(text_of(fdt, "/cpus/cpu@1", "enable-method"), "psci");
	assert_int_equal(cell_of(fdt, "/cpus/cpu@1", "reg", 0), 1);
	assert_true(fdt_path_offset(fdt, "/cpus/cpu@2") < 0);
	assert_int_equal(cell_of(fdt, "/interrupt-controller@8000000", "reg", 5),
			 0x080a0000);
	assert_int_equal(cell_of(fdt, "/interrupt-controller@8000000", "reg", 7),
			 0x40000);
	assert_int_equal(cell_of(fdt, "/timer", "interrupts", 7), 11);
	assert_string_equal(text_of(fdt, "/virtio_mmio@a000000", "compatible"),
			    "virtio,mmio");
	assert_int_equal(cell_of(fdt, "/virtio_mmio@a002000", "interrupts", 1), 18);
	assert_int_equal(cell_of(fdt, "/virtio_mmio@a002000", "interrupts", 2), 1);
	assert_true(has(fdt, "/virtio_mmio@a002000", "dma-coherent"));
	shyper_config_free(config);
}

static void test_chosen_has_the_command_line(void **state)
{
	struct shyper_config *config = load(*state, CORPUS "good/plain.json");
	char fdt[DTB_SIZE];

	build(config, fdt);
	assert_string_equal(text_of(fdt, "/chosen", "bootargs"),
			    "console=hvc0 root=/dev/vda rw earlycon");
	assert_string_equal(text_of(fdt, "/chosen", "stdout-path"),
			    "/serial@9000000");
	assert_string_equal(text_of(fdt, "/serial@9000000", "compatible"), "arm,pl011");
	assert_int_equal(cell_of(fdt, "/chosen", "linux,initrd-start", 1), 0x42000000);
	assert_int_equal(cell_of(fdt, "/chosen", "linux,initrd-end", 1), 0x42001000);
	assert_int_equal(cell_of(fdt, "/chosen", "kaslr-seed", 0), 0x11223344);
	assert_true(has(fdt, "/chosen", "rng-seed"));
	shyper_config_free(config);
}

static void test_earlycon_and_kaslr_are_the_users_choice(void **state)
{
	struct shyper_config *config = load(*state, CORPUS "good/all-keys.json");
	char fdt[DTB_SIZE];

	free(config->cmdline);
	config->cmdline = strdup("quiet earlycon=pl011,0x9000000");
	build(config, fdt);
	assert_string_equal(text_of(fdt, "/chosen", "bootargs"),
			    "quiet earlycon=pl011,0x9000000");
	assert_false(has(fdt, "/chosen", "kaslr-seed"));
	free(config->cmdline);
	config->cmdline = strdup("noearlycon=1");
	build(config, fdt);
	assert_string_equal(text_of(fdt, "/chosen", "bootargs"),
			    "noearlycon=1 earlycon");
	free(config->cmdline);
	config->cmdline = NULL;
	build(config, fdt);
	assert_string_equal(text_of(fdt, "/chosen", "bootargs"), "earlycon");
	shyper_config_free(config);
}

static void test_echo_region_has_no_node(void **state)
{
	struct shyper_config *config = load(*state, CORPUS "good/all-keys.json");
	int offset, nodes = 0;
	char fdt[DTB_SIZE];

	build(config, fdt);
	fdt_for_each_subnode(offset, fdt, 0)
		nodes += !fdt_node_check_compatible(fdt, offset, "virtio,mmio");
	assert_int_equal(nodes, 2);
	shyper_config_free(config);
}

static void test_uart_is_what_linux_and_firmware_expect(void **state)
{
	struct shyper_config *config = load(*state, CORPUS "good/pl011-of-qemu.json");
	char fdt[DTB_SIZE];

	build(config, fdt);
	assert_string_equal(text_of(fdt, "/chosen", "stdout-path"), "/serial@9000000");
	assert_int_equal(fdt_node_check_compatible(fdt, node(fdt, "/serial@9000000"),
						   "arm,primecell"), 0);
	/* SPI 1, level, high */
	assert_int_equal(cell_of(fdt, "/serial@9000000", "interrupts", 0), 0);
	assert_int_equal(cell_of(fdt, "/serial@9000000", "interrupts", 1), 1);
	assert_int_equal(cell_of(fdt, "/serial@9000000", "interrupts", 2), 4);
	assert_int_equal(cell_of(fdt, "/serial@9000000", "clocks", 0),
			 cell_of(fdt, "/apb-pclk", "phandle", 0));
	assert_int_equal(cell_of(fdt, "/apb-pclk", "clock-frequency", 0), 24000000);
	/* The first PL011 of the tree is the one that can be read. */
	assert_int_equal(fdt_node_offset_by_compatible(fdt, -1, "arm,pl011"),
			 node(fdt, "/serial@9000000"));
	assert_int_equal(fdt_node_check_compatible(fdt, node(fdt, "/serial@9001000"),
						   "arm,primecell"), 1);
	shyper_config_free(config);
}

/* What a PL031's driver needs: the names that it knows, and a clock. */
static void test_clock_has_its_nodes(void **state)
{
	struct shyper_config *config = load(*state, CORPUS "good/rtc.json");
	char fdt[DTB_SIZE];
	int node, clock;

	build(config, fdt);
	node = fdt_node_offset_by_compatible(fdt, -1, "arm,pl031");
	assert_true(node > 0);
	assert_int_equal(fdt_node_check_compatible(fdt, node, "arm,primecell"), 0);
	clock = fdt_node_offset_by_phandle(fdt, fdt32_ld(fdt_getprop(fdt, node, "clocks", NULL)));
	assert_int_equal(fdt_node_check_compatible(fdt, clock, "fixed-clock"), 0);
	/* Both clocks have the same one. */
	assert_true(fdt_node_offset_by_compatible(fdt, node, "arm,pl031") > 0);
	assert_int_equal(fdt_node_offset_by_compatible(fdt, clock, "fixed-clock"),
			 -FDT_ERR_NOTFOUND);
	shyper_config_free(config);
}

static void test_dtc_accepts_the_tree(void **state)
{
	struct machine *machine = *state;
	struct shyper_config *config = load(machine, CORPUS "good/31-devices.json");
	char fdt[DTB_SIZE], command[256];

	build(config, fdt);
	machine_write(machine, "/tree.dtb", fdt, fdt_totalsize(fdt));
	/* Not even a warning. */
	snprintf(command, sizeof(command),
		 "test -z \"$(dtc -I dtb -O dts -o /dev/null %s/tree.dtb 2>&1)\"",
		 machine->root);
	assert_int_equal(system(command), 0);
	shyper_config_free(config);
}

static void test_no_room_is_an_error_at_every_size(void **state)
{
	struct shyper_config *config = load(*state, CORPUS "good/31-devices.json");
	struct guest_boot boot = { 0 };
	size_t size, needed;
	char *fdt = malloc(DTB_SIZE);

	assert_int_equal(fdt_build(config, &boot, fdt, DTB_SIZE), 0);
	needed = fdt_totalsize(fdt);
	free(fdt);
	for (size = 0; size < needed; size += 7) {
		fdt = malloc(size + 1);
		assert_int_equal(fdt_build(config, &boot, fdt, size), -ENOSPC);
		free(fdt);
	}
	shyper_config_free(config);
}

static void test_images_are_in_memory(void **state)
{
	struct machine *machine = *state;
	struct shyper_config *config = load(machine, CORPUS "good/plain.json");
	uint8_t *memory = calloc(1, config->memory);
	uint64_t entry, argument, initrd;

	assert_int_equal(boot_load(machine->ctx, config, memory, &entry, &argument), 0);
	assert_int_equal(entry, 0x40000000);
	assert_memory_equal(memory + 56, "ARM\x64", 4);
	assert_int_equal(argument, 0x40000000 + 0x2200000);
	assert_int_equal(fdt_check_full(memory + 0x2200000, DTB_SIZE), 0);
	initrd = cell_of(memory + 0x2200000, "/chosen", "linux,initrd-start", 1);
	assert_memory_equal(memory + initrd - 0x40000000, "initrd", 6);
	assert_int_equal(cell_of(memory + 0x2200000, "/chosen", "linux,initrd-end", 1),
			 initrd + 6);
	free(memory);
	shyper_config_free(config);
}

/* A start or restart loads anew: none has the random numbers of another. */
static void test_seeds_are_fresh_at_each_load(void **state)
{
	static const char zeroes[64];
	struct machine *machine = *state;
	struct shyper_config *config = load(machine, CORPUS "good/plain.json");
	uint8_t *memory = calloc(1, config->memory), first[64], first_kaslr[8];
	const void *seed, *kaslr;
	uint64_t entry, argument;
	const void *fdt = memory + 0x2200000;
	int chosen, length;

	assert_int_equal(boot_load(machine->ctx, config, memory, &entry, &argument), 0);
	chosen = fdt_path_offset(fdt, "/chosen");
	seed = fdt_getprop(fdt, chosen, "rng-seed", &length);
	assert_int_equal(length, sizeof(first));
	assert_memory_not_equal(seed, zeroes, sizeof(first));
	kaslr = fdt_getprop(fdt, chosen, "kaslr-seed", &length);
	assert_int_equal(length, sizeof(first_kaslr));
	memcpy(first, seed, sizeof(first));
	memcpy(first_kaslr, kaslr, sizeof(first_kaslr));
	assert_int_equal(boot_load(machine->ctx, config, memory, &entry, &argument), 0);
	assert_memory_not_equal(seed, first, sizeof(first));
	assert_memory_not_equal(kaslr, first_kaslr, sizeof(first_kaslr));
	free(memory);
	shyper_config_free(config);
}

static void test_images_that_changed_are_refused(void **state)
{
	struct machine *machine = *state;
	struct shyper_config *config = load(machine, CORPUS "good/plain.json");
	uint8_t *memory = calloc(1, config->memory);
	uint64_t entry = 1, argument = 1;

	machine_write_text(machine, "/boot/vmlinuz", "no kernel any more");
	assert_int_equal(boot_load(machine->ctx, config, memory, &entry, &argument),
			 -ENOEXEC);
	assert_string_equal(shyper_ctx_get_error(machine->ctx)->subject,
			    "/boot/vmlinuz");
	assert_int_equal(entry & argument, 1);
	free(config->initrd);
	config->initrd = strdup("/nowhere");
	shyper_ctx_set_root(machine->ctx, machine->root);
	assert_int_equal(boot_load(machine->ctx, config, memory, &entry, &argument),
			 -ENOENT);
	free(memory);
	shyper_config_free(config);
}

/* In the memory's file the regions follow RAM. */
static void test_regions_are_filled(void **state)
{
	struct machine *machine = *state;
	struct shyper_config *config = load(machine, CORPUS "good/regions.json");
	uint64_t entry, argument, total = config_total_memory(config);
	uint8_t *memory = malloc(total), *flash = memory + config->memory;

	assert_int_equal(total, (64 + 2 + 4) << 20);
	memset(memory, 0xee, total);
	assert_int_equal(boot_load(machine->ctx, config, memory, &entry, &argument), 0);
	assert_int_equal(entry, 0);
	assert_int_equal(argument, 0x40000000);
	assert_int_equal(fdt_check_full(memory, DTB_SIZE), 0);
	assert_memory_equal(flash, "initrd\0\0", 8);
	assert_int_equal(flash[(2 << 20) - 1], 0);
	/* What has no file is the guest's own. */
	assert_int_equal(flash[2 << 20], 0xee);
	config->regions[0].length = 5;
	assert_int_equal(boot_load(machine->ctx, config, memory, &entry, &argument), -EFBIG);
	config->regions[0].length = 2 << 20;
	shyper_config_free(config);

	config = load(machine, CORPUS "good/regions-beside-a-kernel.json");
	assert_int_equal(boot_load(machine->ctx, config, memory, &entry, &argument), 0);
	assert_int_equal(entry, 0x80000000);
	assert_int_equal(argument, 0x83000000);
	assert_int_equal(fdt_check_full(memory + 0x3000000, DTB_SIZE), 0);
	assert_int_equal(cell_of(memory + 0x3000000, "/memory@80000000", "reg", 1), 0x80000000);
	shyper_config_free(config);
	free(memory);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tree_describes_the_cell),
		TEST(test_chosen_has_the_command_line),
		TEST(test_earlycon_and_kaslr_are_the_users_choice),
		TEST(test_echo_region_has_no_node),
		TEST(test_uart_is_what_linux_and_firmware_expect),
		TEST(test_clock_has_its_nodes),
		TEST(test_dtc_accepts_the_tree),
		TEST(test_no_room_is_an_error_at_every_size),
		TEST(test_images_are_in_memory),
		TEST(test_seeds_are_fresh_at_each_load),
		TEST(test_images_that_changed_are_refused),
		TEST(test_regions_are_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
