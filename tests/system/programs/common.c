// SPDX-License-Identifier: GPL-2.0-or-later
#include "common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define CLASS	"/sys/class/hvisor"

static unsigned int checks, failures;

static void must(bool is_true, const char *what)
{
	if (is_true)
		return;
	perror(what);
	exit(1);
}

static void place_fd(int fd, int number)
{
	must(fd >= 0 && dup2(fd, number) == number, "descriptor");
	close(fd);
}

static void make_memory(int number, unsigned int flags, off_t size,
			off_t allocated, int seals)
{
	int fd = memfd_create("bad", flags | MFD_ALLOW_SEALING);

	must(fd >= 0, "memfd_create");
	must(!ftruncate(fd, size), "ftruncate");
	must(!allocated || !fallocate(fd, 0, 0, allocated), "fallocate");
	must(!fcntl(fd, F_ADD_SEALS, seals), "F_ADD_SEALS");
	place_fd(fd, number);
}

void memory_init(void)
{
	const unsigned int huge = MFD_HUGETLB | MFD_HUGE_2MB;
	const off_t size = 2 * RAM_SIZE;
	char path[32];

	make_memory(FD_MEMORY, huge, size, size, SEALS);
	make_memory(FD_OTHER, huge, size, size, SEALS);
	make_memory(FD_UNSEALED, huge, size, size, 0);
	make_memory(FD_HALF_SEALED, huge, size, size, F_SEAL_GROW | F_SEAL_SEAL);
	make_memory(FD_ORDINARY, 0, size, size, SEALS);
	make_memory(FD_SPARSE, huge, SPARSE_SIZE, 0, SEALS);
	place_fd(open("/dev/null", O_RDWR), FD_DEVICE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", FD_MEMORY);
	place_fd(open(path, O_RDONLY), FD_READ_ONLY);
}

static void init_device(struct hvisor_device_setup *setup, __u32 kind,
			const char *name, __u64 ipa, __u32 irq)
{
	setup->desc = (struct hvisor_device_desc){
		.size = sizeof(setup->desc), .kind = kind, .ipa = ipa,
		.length = 4096, .irq = irq,
	};
	strcpy((char *)setup->desc.name, name);
	/* A type that udev knows nothing of: no backend is started. */
	strcpy((char *)setup->type, "test");
}

void request_init(struct request *r)
{
	memset(r, 0, sizeof(*r));
	r->create = (struct hvisor_cell_create){
		.size = sizeof(r->create), .cpus = 1ULL << CELL_CPU,
		.gicd_ipa = GICD_IPA, .gicr_ipa = GICR_IPA,
		.regions = (uintptr_t)r->regions, .nr_regions = 2,
		.devices = (uintptr_t)r->devices, .nr_devices = 3,
	};
	strcpy((char *)r->create.name, "bad");
	for (int i = 0; i < 2; i++)
		r->regions[i] = (struct hvisor_memory_region){
			.ipa = RAM_IPA + i * RAM_SIZE, .length = RAM_SIZE,
			.offset = i * RAM_SIZE, .fd = FD_MEMORY,
		};
	init_device(&r->devices[0], HVISOR_DEVICE_VIRTIO, "dev0", VIRTIO_IPA, 48);
	r->devices[0].desc.nr_queues = 2;
	r->devices[0].desc.queue_size = 64;
	init_device(&r->devices[1], HVISOR_DEVICE_MMIO, "echo0", ECHO_IPA, 49);
	init_device(&r->devices[2], HVISOR_DEVICE_EARLYCON, "earlycon", EARLYCON_IPA, 0);
}

int open_bound(unsigned int role, unsigned int cell, unsigned int device)
{
	struct hvisor_bind bind = {
		.size = sizeof(bind), .role = role, .cell = cell, .device = device,
	};
	int fd = open("/dev/hvisor", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	must(fd >= 0, "/dev/hvisor");
	must(!ioctl(fd, HVISOR_BIND, &bind), "HVISOR_BIND");
	return fd;
}

static void add_file(FILE *out, const char *path)
{
	FILE *file = fopen(path, "r");
	char text[256];

	must(file, path);
	while (fgets(text, sizeof(text), file))
		if (!strstr(path, "meminfo") || !strncmp(text, "HugePages_", 10))
			fprintf(out, "%s: %s", path, text);
	fclose(file);
}

/* Names in the class: cells and devices; how many files each of them has. */
static void add_class(FILE *out)
{
	struct dirent **entries;
	char path[300];
	int i, count = scandir(CLASS, &entries, NULL, alphasort);

	must(count > 0, CLASS);
	for (i = 0; i < count; i++) {
		struct dirent **files;
		int j, n;

		snprintf(path, sizeof(path), CLASS "/%s", entries[i]->d_name);
		n = scandir(path, &files, NULL, NULL);
		fprintf(out, "%s: %d files\n", path, n);
		for (j = 0; j < n; j++)
			free(files[j]);
		if (n >= 0)
			free(files);
		free(entries[i]);
	}
	free(entries);
}

const char *machine_state(void)
{
	static char text[8192];
	FILE *out = fmemopen(text, sizeof(text), "w");

	must(out, "fmemopen");
	add_file(out, "/sys/devices/system/cpu/online");
	add_file(out, "/proc/meminfo");
	add_file(out, CLASS "/control/pool_free");
	add_class(out);
	fclose(out);
	return text;
}

void check(const char *what, int result, int error)
{
	int got = result < 0 ? errno : 0;

	checks++;
	if (got == error)
		return;
	failures++;
	printf("%s: %s, expected %s\n", what, strerrorname_np(got) ?: "success",
	       error ? strerrorname_np(error) : "success");
}

int check_end(void)
{
	printf("%u checks, %u failed\n", checks, failures);
	return checks && !failures ? 0 : 1;
}
