// SPDX-License-Identifier: LGPL-2.1-or-later
/* A machine for tests of libshyper, see machine.h. */
#include "machine.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HUGEPAGES	"/sys/kernel/mm/hugepages/hugepages-2048kB/"

static void make_folders(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

void machine_write(const struct machine *machine, const char *path,
		   const void *data, size_t length)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", machine->root, path);
	make_folders(full);
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

void machine_write_text(const struct machine *machine, const char *path,
			const char *text)
{
	machine_write(machine, path, text, strlen(text));
}

static void write_images(const struct machine *machine)
{
	static const uint8_t zeroes[4096];
	uint8_t image[4096] = { 0 };
	uint64_t size = htole64(MACHINE_IMAGE_SIZE);

	memcpy(image + 16, &size, sizeof(size));
	memcpy(image + 56, "ARM\x64", 4);
	machine_write(machine, "/boot/vmlinuz", image, sizeof(image));
	machine_write(machine, "/var/lib/shyper/cell-initrd.img", "initrd", 6);
	machine_write(machine, "/usr/lib/u-boot/qemu_arm64/u-boot.bin", zeroes, 4096);
	machine_write(machine, "/var/lib/shyper/debian.img", zeroes, 4096);
	machine_write(machine, "/var/lib/shyper/debian2a.img", zeroes, 4096);
	machine_write(machine, "/var/lib/shyper/debian2b.img", zeroes, 4096);
}

int machine_setup(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	assert_non_null(machine);
	strcpy(machine->root, "/tmp/shyper-test-XXXXXX");
	assert_non_null(mkdtemp(machine->root));
	machine_write_text(machine, "/sys/devices/system/cpu/present", "0-3\n");
	machine_write_text(machine, "/sys/devices/system/cpu/online", "0-3\n");
	machine_write_text(machine, "/sys/class/net/br0/bridge/bridge_id", "\n");
	machine_write_text(machine, HUGEPAGES "nr_hugepages", "300\n");
	machine_write_text(machine, HUGEPAGES "free_hugepages", "300\n");
	machine_write_text(machine, HUGEPAGES "resv_hugepages", "0\n");
	machine_write_text(machine, "/proc/meminfo",
			   "MemTotal:        2015332 kB\nMemFree: 1 kB\n");
	write_images(machine);
	assert_int_equal(shyper_ctx_create(&machine->ctx), 0);
	assert_int_equal(shyper_ctx_set_root(machine->ctx, machine->root), 0);
	*state = machine;
	return 0;
}

int machine_teardown(void **state)
{
	struct machine *machine = *state;
	char command[128];

	shyper_ctx_destroy(machine->ctx);
	snprintf(command, sizeof(command), "rm -rf '%s'", machine->root);
	assert_int_equal(system(command), 0);
	free(machine);
	return 0;
}

char *read_whole(const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "r");
	char *text = malloc(1 << 20);
	size_t length;

	assert_non_null(file);
	assert_non_null(text);
	length = fread(text, 1, (1 << 20) - 1, file);
	text[length] = '\0';
	fclose(file);
	if (ret_length)
		*ret_length = length;
	return text;
}

char *list_findings(const struct shyper_config *config)
{
	const struct shyper_finding *finding;
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	for (i = 0; (finding = shyper_config_get_finding(config, i)); i++)
		fprintf(out, "%s: %s\n", finding->path, finding->text);
	fclose(out);
	return text;
}
