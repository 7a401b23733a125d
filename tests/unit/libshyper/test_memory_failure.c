// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Every allocation of a call fails once: the result is -ENOMEM and never one that
 * is not whole, nothing crashes, nothing leaks (the leak checker sees to that).
 * The linker puts the functions below in the place of the library's calls. Of
 * jansson's only where values are built: 2.14 does not always report that it got
 * no memory to read a text.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "cell-config.h"
#include "machine.h"
#include "wire.h"

#define CLASS "/sys/class/hvisor/"

static long countdown = -1;	/* -1: nothing fails */

static bool fails_now(void)
{
	return countdown >= 0 && countdown-- == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails_now() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *text)
{
	return fails_now() ? NULL : __real_strdup(text);
}

int __real_vasprintf(char **text, const char *format, va_list args);
int __wrap_vasprintf(char **text, const char *format, va_list args);
int __wrap_asprintf(char **text, const char *format, ...);

int __wrap_vasprintf(char **text, const char *format, va_list args)
{
	return fails_now() ? -1 : __real_vasprintf(text, format, args);
}

int __wrap_asprintf(char **text, const char *format, ...)
{
	va_list args;
	int length;

	if (fails_now())
		return -1;
	va_start(args, format);
	length = __real_vasprintf(text, format, args);
	va_end(args);
	return length;
}

static void fail_each(const struct machine *machine, const char *path)
{
	struct shyper_config *config;
	size_t length;
	char *text = read_whole(path, &length);
	long n;
	int err;

	for (n = 0; n < 10000; n++) {
		config = NULL;
		countdown = n;
		err = config_parse(machine->ctx, "test", text, length, false,
				   &config);
		if (countdown >= 0)
			break;
		countdown = -1;
		assert_int_equal(err, -ENOMEM);
		assert_null(config);
	}
	countdown = -1;
	assert_int_equal(err, 0);
	assert_in_range(n, 6, 9999);
	shyper_config_free(config);
	free(text);
}

static void test_reading_survives_each_failing_allocation(void **state)
{
	fail_each(*state, TESTS_DIR "/corpus/cell/good/all-keys.json");
	fail_each(*state, TESTS_DIR "/corpus/cell/bad/five-faults.json");
}

/* Calls @call until nothing fails any more; it then returns @expected. */
static void survive(struct machine *machine, int (*call)(struct shyper_ctx *ctx),
		    int expected, long least)
{
	long n;
	int ret;

	for (n = 0; n < 10000; n++) {
		countdown = n;
		ret = call(machine->ctx);
		if (countdown >= 0)
			break;
		countdown = -1;
		if (ret != -ENOMEM)
			print_error("allocation %ld gave %d\n", n, ret);
		assert_int_equal(ret, -ENOMEM);
	}
	countdown = -1;
	assert_int_equal(ret, expected);
	assert_in_range(n, least, 9999);
}

static void write_tree(const struct machine *machine)
{
	machine_write_text(machine, CLASS "cell0/name", "root\n");
	machine_write_text(machine, CLASS "cell0/state", "running\n");
	machine_write_text(machine, CLASS "cell1/name", "small\n");
	machine_write_text(machine, CLASS "cell1/state", "running\n");
	machine_write_text(machine, CLASS "cell1/reason", "none\n");
	machine_write_text(machine, CLASS "cell1/cpus", "3\n");
	machine_write_text(machine, CLASS "cell1/memory", "134217728\n");
	machine_write_text(machine, "/proc/iomem", "40000000-7fffffff : System RAM\n");
	machine_write_text(machine, CLASS "cell0/memory_blocks", "");
	machine_write_text(machine, CLASS "cell1/memory_blocks",
			   "0x0000000040000000 0x0000000050000000\n");
	machine_write_text(machine, CLASS "cell1/config",
			   "{\"version\":1,\"name\":\"small\",\"cpus\":1,\"memory\":\"128M\","
			   "\"boot\":{\"kernel\":\"/a\"},\"devices\":[{\"type\":\"blk\","
			   "\"name\":\"blk0\",\"path\":\"/b\"}]}");
	machine_write_text(machine, CLASS "cell1/statistics/vmexits_total", "123\n");
	machine_write_text(machine, CLASS "cell1/statistics/cpu0/vmexits_total", "123\n");
	machine_write_text(machine, CLASS "cell1/virtio/con0", "INDEX=1\nREQUESTS=2\n");
	machine_write_text(machine, CLASS "cell1.con0/type", "console\n");
	machine_write_text(machine, CLASS "cell1.con0/index", "1\n");
	machine_write_text(machine, CLASS "cell1.blk0/type", "blk\n");
	machine_write_text(machine, CLASS "cell1.blk0/index", "0\n");
}

/* What is returned is whole, or it counts as a wrong result. */
static int list_cells(struct shyper_ctx *ctx)
{
	struct shyper_cell **cells;
	int count = shyper_cell_list(ctx, &cells);

	if (count < 0)
		return count;
	if (count == 2 && (strcmp(shyper_cell_get_cpus(cells[1]), "3") ||
			   shyper_cell_get_memory(cells[1]) != 128 << 20))
		count = -1;
	shyper_cell_list_free(cells);
	return count;
}

static int list_devices(struct shyper_ctx *ctx)
{
	struct shyper_device **devices;
	int count = shyper_device_list(ctx, NULL, &devices);

	if (count < 0)
		return count;
	if (strcmp(shyper_device_get_name(devices[0]), "blk0"))
		count = -1;
	shyper_device_list_free(devices);
	return count;
}

static int read_statistics(struct shyper_ctx *ctx)
{
	struct shyper_value *values, *more;
	struct shyper_device *device;
	struct shyper_cell *cell;
	int count, ret = shyper_cell_open(ctx, "small", &cell);

	if (ret)
		return ret;
	ret = shyper_cell_read_statistics(cell, &values);
	shyper_cell_close(cell);
	if (ret < 0)
		return ret;
	count = ret;
	free(values);
	ret = shyper_device_open(ctx, "cell1.con0", &device);
	if (ret)
		return ret;
	ret = shyper_device_read_statistics(device, &more);
	shyper_device_close(device);
	if (ret < 0)
		return ret;
	free(more);
	return count + ret;
}

static int wait_for_a_state(struct shyper_ctx *ctx)
{
	struct shyper_cell *cell;
	int err = shyper_cell_open(ctx, "cell1", &cell);

	if (err)
		return err;
	err = shyper_cell_wait(cell, 1U << SHYPER_CELL_RUNNING, 1000);
	shyper_cell_close(cell);
	return err;
}

static int open_console(struct shyper_ctx *ctx)
{
	struct shyper_console *console;
	struct shyper_cell *cell;
	int err = shyper_cell_open_id(ctx, 1, &cell);

	if (err)
		return err;
	err = shyper_console_open(cell, NULL, 1000, &console);
	if (!err)
		shyper_console_close(console);
	shyper_cell_close(cell);
	return err;
}

/* Findings: its name, its CPU. */
static int check_beside_cells(struct shyper_ctx *ctx)
{
	static const char text[] = "{\"version\":1,\"name\":\"small\",\"cpus\":[3],"
		"\"memory\":\"64M\",\"boot\":{\"kernel\":\"/boot/vmlinuz\"}}";
	struct shyper_config *config;
	int ret = shyper_config_parse(ctx, "test", text, strlen(text), &config);

	if (ret)
		return ret;
	ret = shyper_config_check_together(ctx, &config, 1, true);
	if (!ret && shyper_config_get_finding(config, 1))
		ret = shyper_config_get_finding(config, 2) ? 3 : 2;
	shyper_config_free(config);
	return ret;
}

static int plan(struct shyper_ctx *ctx)
{
	struct shyper_region *regions;
	struct shyper_config *config;
	char *tree, cpus[16];
	int err, count = 0;

	err = shyper_config_load(ctx, TESTS_DIR "/corpus/cell/good/all-keys.json",
				 &config);
	if (err)
		return err;
	err = shyper_config_choose_cpus(config, cpus, sizeof(cpus));
	if (!err)
		err = shyper_config_get_device_tree(config, &tree);
	if (!err) {
		free(tree);
		count = shyper_config_get_regions(config, &regions);
	}
	if (count > 0)
		free(regions);
	shyper_config_free(config);
	return err ? err : count;
}

static int list_ram(struct shyper_ctx *ctx)
{
	struct shyper_ram *ram;
	int count = shyper_ram_list(ctx, &ram);

	if (count >= 0)
		free(ram);
	return count;
}

static void test_looking_survives_each_failing_allocation(void **state)
{
	struct sockaddr_un address;
	int listener;

	write_tree(*state);
	survive(*state, list_cells, 2, 20);
	survive(*state, list_devices, 2, 10);
	survive(*state, read_statistics, 4, 20);
	survive(*state, wait_for_a_state, 0, 10);
	survive(*state, check_beside_cells, 2, 25);
	survive(*state, plan, 10, 20);
	survive(*state, list_ram, 3, 20);
	machine_write_text(*state, "/run/shyper/lock", "");
	assert_int_equal(wire_address(((struct machine *)*state)->ctx, "cell1.con0",
				      &address), 0);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 100), 0);
	survive(*state, open_console, 0, 10);
	close(listener);
}

/* Unchecked calls, as the header allows; the end tells. */
static int build(struct shyper_ctx *ctx)
{
	static const unsigned int cpus[] = { 1, 2 };
	struct shyper_builder *builder;
	struct shyper_config *config;
	int err = shyper_builder_create(ctx, "small", &builder);

	if (err)
		return err;
	shyper_builder_set_cpu_list(builder, cpus, 2);
	shyper_builder_set_memory(builder, 128 << 20);
	shyper_builder_set_kernel(builder, "/boot/vmlinuz");
	shyper_builder_add_device(builder, "blk", "blk0");
	shyper_builder_set_device_text(builder, "blk0", "path", "/var/lib/shyper/debian.img");
	shyper_builder_set_device_flag(builder, "blk0", "readonly", true);
	/* To read texts is the business of jansson alone. */
	json_set_alloc_funcs(__real_malloc, free);
	err = shyper_builder_finish(builder, &config);
	if (!err) {
		assert_true(shyper_config_is_valid(config));
		shyper_config_free(config);
	}
	shyper_builder_destroy(builder);
	return err;
}

static int build_with_failing_jansson(struct shyper_ctx *ctx)
{
	json_set_alloc_funcs(__wrap_malloc, free);
	return build(ctx);
}

static void test_building_survives_each_failing_allocation(void **state)
{
	json_malloc_t real_malloc;
	json_free_t real_free;

	json_get_alloc_funcs(&real_malloc, &real_free);
	survive(*state, build_with_failing_jansson, 0, 30);
	json_set_alloc_funcs(real_malloc, real_free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_reading_survives_each_failing_allocation,
			machine_setup, machine_teardown),
		cmocka_unit_test_setup_teardown(
			test_looking_survives_each_failing_allocation,
			machine_setup, machine_teardown),
		cmocka_unit_test_setup_teardown(
			test_building_survives_each_failing_allocation,
			machine_setup, machine_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
