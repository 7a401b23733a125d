// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A monitor's hold on its cell while the module goes and comes, on a recorded
 * tree. As in sysfs, an open file of what has gone cannot be read any more; here
 * it is one that was unlinked. /dev/hvisor is this test's.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "holder.h"
#include "cell-config.h"
#include "machine.h"

#define CLASS	"/sys/class/hvisor/"
#define CELL	CLASS "cell1/"
#define CONFIG	"{ \"version\": 1, \"name\": \"small\", \"cpus\": 1, \"memory\": \"16M\", " \
		"\"boot\": { \"kernel\": \"/boot/vmlinuz\" }, \"devices\": [" \
		"{ \"type\": \"console\", \"name\": \"con0\" } ] }"
#define MEMORY	0x1000000

/* What /dev/hvisor says, and what was said to it. */
static struct {
	int open_error;
	int adopt_error;
	uint64_t memory;
	unsigned int adopted;
	struct hvisor_cell_adopt adopt;
	struct hvisor_memory_region region;
} module;

static struct holder holder;

ssize_t __real_pread(int fd, void *buffer, size_t length, off_t offset);
ssize_t __wrap_pread(int fd, void *buffer, size_t length, off_t offset)
{
	struct stat status;

	if (!fstat(fd, &status) && !status.st_nlink) {
		errno = ENODEV;
		return -1;
	}
	return __real_pread(fd, buffer, length, offset);
}

int __wrap_uapi_open(struct shyper_ctx *ctx, uint32_t role, uint32_t cell, uint32_t device)
{
	(void)device;
	assert_int_equal(role, HVISOR_ROLE_MONITOR);
	assert_int_equal(cell, 1);
	if (module.open_error)
		return error_set(ctx, module.open_error, "/dev/hvisor", NULL, "test");
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int __wrap_uapi_cell_memory(int fd, struct hvisor_cell_memory *memory)
{
	assert_true(fd >= 0);
	memory->fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(memory->fd >= 0);
	assert_int_equal(ftruncate(memory->fd, (off_t)module.memory), 0);
	memory->ipa = LAYOUT_RAM_IPA;
	memory->length = module.memory;
	return 0;
}

int __wrap_uapi_cell_adopt(int fd, struct hvisor_cell_adopt *adopt)
{
	assert_true(fd >= 0);
	module.adopted++;
	module.adopt = *adopt;
	module.region = *(const struct hvisor_memory_region *)(uintptr_t)adopt->regions;
	return module.adopt_error;
}

/* The module is loaded, and the cell is there. */
static void appear(const struct machine *machine, bool orphaned)
{
	machine_write_text(machine, CLASS "control/dev", "10:125\n");
	machine_write_text(machine, CELL "state", "running\n");
	machine_write_text(machine, CELL "reason", "none\n");
	machine_write_text(machine, CELL "starts", "1\n");
	machine_write_text(machine, CELL "orphaned", orphaned ? "1\n" : "0\n");
	machine_write_text(machine, CELL "config", CONFIG);
}

/* @folder of the class goes, and what is in it. */
static void vanish(const struct machine *machine, const char *folder)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s" CLASS "%s'", machine->root, folder);
	assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
	struct machine *machine;

	machine_setup(state);
	machine = *state;
	memset(&module, 0, sizeof(module));
	module.memory = MEMORY;
	machine_write_text(machine, "/run/shyper/is", "a folder\n");
	appear(machine, false);
	return 0;
}

static int set_up_held(void **state)
{
	struct shyper_monitor_state now;
	struct machine *machine;

	set_up(state);
	machine = *state;
	assert_int_equal(holder_open(&holder, machine->ctx, 1), 0);
	assert_int_equal(holder_read_state(&holder, &now), 1);
	assert_int_equal(now.state, SHYPER_CELL_RUNNING);
	return 0;
}

static int tear_down(void **state)
{
	return machine_teardown(state);
}

static int tear_down_held(void **state)
{
	holder_close(&holder);
	return machine_teardown(state);
}

/* Nothing to tell, however often it is asked. */
static void assert_silent(void)
{
	struct shyper_monitor_state now;

	assert_int_equal(holder_read_state(&holder, &now), 0);
	assert_int_equal(holder_read_state(&holder, &now), 0);
}

static void assert_told(enum shyper_cell_state state)
{
	struct shyper_monitor_state now;

	assert_int_equal(holder_read_state(&holder, &now), 1);
	assert_int_equal(now.state, state);
	assert_silent();
}

static void assert_refused(int err)
{
	struct shyper_monitor_state now;

	assert_int_equal(holder_read_state(&holder, &now), err);
}

static void test_each_state_is_told_once(void **state)
{
	assert_silent();
	machine_write_text(*state, CELL "state", "stopped\n");
	machine_write_text(*state, CELL "reason", "off\n");
	assert_told(SHYPER_CELL_STOPPED);
	assert_string_equal(holder.told.reason, "off");
	/* Started and stopped between two looks. */
	machine_write_text(*state, CELL "starts", "2\n");
	assert_told(SHYPER_CELL_STOPPED);
	assert_int_equal(module.adopted, 0);
}

static void test_memory_is_mapped(void **state)
{
	const uint8_t *memory;

	(void)state;
	assert_int_equal(holder.region.length, MEMORY);
	memset(holder.memory, 0x5a, MEMORY);
	/* It is the file's that the module gave. */
	memory = mmap(NULL, MEMORY, PROT_READ, MAP_SHARED, holder.region.fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(memory[0], 0x5a);
	assert_int_equal(memory[MEMORY - 1], 0x5a);
	munmap((void *)memory, MEMORY);
}

static void test_cell_has_one_monitor(void **state)
{
	struct machine *machine = *state;
	struct holder second;

	assert_int_equal(holder_open(&second, machine->ctx, 1), -EBUSY);
	holder_close(&second);
	/* Who was refused took nothing away from who has it. */
	assert_silent();
}

static void test_cell_that_is_not_there(void **state)
{
	struct machine *machine = *state;

	assert_int_equal(holder_open(&holder, machine->ctx, 2), -ENODEV);
	holder_close(&holder);
}

static void test_orphan_is_not_taken(void **state)
{
	struct machine *machine = *state;

	machine_write_text(machine, CELL "orphaned", "1\n");
	assert_int_equal(holder_open(&holder, machine->ctx, 1), -EOWNERDEAD);
	assert_non_null(shyper_ctx_get_error(machine->ctx)->hint);
	holder_close(&holder);
}

static void test_memory_unlike_the_configuration(void **state)
{
	struct machine *machine = *state;

	module.memory = 2 * MEMORY;
	assert_int_equal(holder_open(&holder, machine->ctx, 1), -EINVAL);
	holder_close(&holder);
}

static void test_module_goes_and_comes(void **state)
{
	vanish(*state, "");
	assert_silent();
	assert_int_equal(module.adopted, 0);
	appear(*state, true);
	assert_told(SHYPER_CELL_RUNNING);
	assert_int_equal(module.adopted, 1);
	assert_int_equal(module.adopt.id, 1);
	assert_int_equal(module.adopt.nr_regions, 1);
	/* The console and the early console. */
	assert_int_equal(module.adopt.nr_devices, 2);
	assert_int_equal(module.adopt.config_len, strlen(holder.config->text));
	assert_int_equal(module.region.ipa, LAYOUT_RAM_IPA);
	assert_int_equal(module.region.length, MEMORY);
	assert_int_equal(module.region.fd, holder.region.fd);
}

/* The node of /dev/hvisor is made after the class's folder. */
static void test_device_file_comes_last(void **state)
{
	vanish(*state, "");
	assert_silent();
	appear(*state, true);
	module.open_error = -ENODEV;
	assert_refused(-ENXIO);
	assert_refused(-ENXIO);
	module.open_error = 0;
	assert_told(SHYPER_CELL_RUNNING);
}

/* The class is there before its cells are, and a cell before all of its files. */
static void test_files_come_one_by_one(void **state)
{
	char path[128];

	vanish(*state, "");
	assert_silent();
	appear(*state, true);
	snprintf(path, sizeof(path), "%s" CELL "orphaned",
		 ((const struct machine *)*state)->root);
	assert_int_equal(unlink(path), 0);
	assert_refused(-ENXIO);
	assert_int_equal(module.adopted, 0);
	machine_write_text(*state, CELL "orphaned", "1\n");
	assert_told(SHYPER_CELL_RUNNING);
}

/* Gone again before the cell was given back. */
static void test_module_goes_while_it_comes(void **state)
{
	vanish(*state, "");
	assert_silent();
	appear(*state, true);
	module.adopt_error = -ENODEV;
	assert_refused(-ENXIO);
	vanish(*state, "");
	assert_silent();
	module.adopt_error = 0;
	appear(*state, true);
	assert_told(SHYPER_CELL_RUNNING);
}

static void test_error_that_passes(void **state)
{
	vanish(*state, "");
	assert_silent();
	appear(*state, true);
	module.adopt_error = -ENOMEM;
	assert_refused(-ENOMEM);
	module.adopt_error = 0;
	assert_told(SHYPER_CELL_RUNNING);
}

static void test_cell_is_destroyed(void **state)
{
	vanish(*state, "cell1");
	assert_refused(-ENODEV);
}

static void test_cell_is_destroyed_while_the_module_is_away(void **state)
{
	vanish(*state, "");
	assert_silent();
	machine_write_text(*state, CLASS "control/dev", "10:125\n");
	assert_refused(-ENODEV);
}

static void test_another_cell_has_its_number(void **state)
{
	vanish(*state, "cell1");
	appear(*state, false);
	assert_refused(-ESTALE);
	assert_int_equal(module.adopted, 0);
}

/* Only the module can tell one orphan from another: by their memory. */
static void test_another_orphan_has_its_number(void **state)
{
	static const int refusals[] = { -EBUSY, -EINVAL, -EPERM };
	unsigned int n;

	for (n = 0; n < 3; n++) {
		vanish(*state, "");
		assert_silent();
		appear(*state, true);
		module.adopt_error = refusals[n];
		assert_refused(-ESTALE);
		assert_int_equal(holder.state_fd, -1);
	}
}

/* Nobody acts on a descriptor that may be another cell's. */
static void test_bind_to_the_own_cell_alone(void **state)
{
	int fd = holder_bind(&holder);

	assert_true(fd >= 0);
	close(fd);
	vanish(*state, "cell1");
	appear(*state, false);
	assert_int_equal(holder_bind(&holder), -EAGAIN);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define HELD(name)	cmocka_unit_test_setup_teardown(name, set_up_held, tear_down_held)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HELD(test_each_state_is_told_once),
		HELD(test_memory_is_mapped),
		HELD(test_cell_has_one_monitor),
		TEST(test_cell_that_is_not_there),
		TEST(test_orphan_is_not_taken),
		TEST(test_memory_unlike_the_configuration),
		HELD(test_module_goes_and_comes),
		HELD(test_device_file_comes_last),
		HELD(test_files_come_one_by_one),
		HELD(test_module_goes_while_it_comes),
		HELD(test_error_that_passes),
		HELD(test_cell_is_destroyed),
		HELD(test_cell_is_destroyed_while_the_module_is_away),
		HELD(test_another_cell_has_its_number),
		HELD(test_another_orphan_has_its_number),
		HELD(test_bind_to_the_own_cell_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
