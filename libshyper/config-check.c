// SPDX-License-Identifier: LGPL-2.1-or-later
/* Compares a configuration with the machine: files, images, CPUs, memory. */
#include "cell-config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"
#include "sysfs.h"

/* Opens a file that @path of the configuration names; -1 with a finding. */
static int open_named(struct shyper_config *config, const char *path,
		      const char *name, bool is_written, struct stat *st)
{
	char *full = ctx_path(config->ctx, "%s", name);
	int fd, err;

	if (!full) {
		config->is_out_of_memory = true;
		return -1;
	}
	/* O_NONBLOCK: not to hang on a FIFO. */
	fd = open(full, (is_written ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	free_keep_errno(full);
	if (fd >= 0 && !fstat(fd, st) &&
	    (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode)))
		return fd;
	err = errno;
	if (fd >= 0)
		config_error(config, path, "\"%s\" is neither a file nor a block device",
			     name);
	else
		config_error(config, path, "\"%s\" cannot be opened for %s: %s", name,
			     is_written ? "writing" : "reading", strerror(err));
	close_keep_errno(fd);
	return -1;
}

static bool check_kernel(struct shyper_config *config, struct image_info *info)
{
	uint8_t header[IMAGE_HEADER_SIZE] = { 0 };
	struct stat st;
	int fd, err;

	fd = open_named(config, "/boot/kernel", config->kernel, false, &st);
	if (fd < 0)
		return false;
	err = pread(fd, header, sizeof(header), 0) < 0 ? -errno :
	      image_parse_header(header, (uint64_t)st.st_size, info);
	close(fd);
	if (err == -ENOEXEC)
		config_error(config, "/boot/kernel", "\"%s\" is no arm64 Image (no magic at byte 56)",
			     config->kernel);
	else if (err)
		config_error(config, "/boot/kernel", "\"%s\" has an Image header that is damaged or big-endian",
			     config->kernel);
	return !err;
}

static bool check_initrd(struct shyper_config *config, uint64_t *ret_size)
{
	struct stat st;
	int fd;

	*ret_size = 0;
	if (!config->initrd)
		return true;
	fd = open_named(config, "/boot/initrd", config->initrd, false, &st);
	if (fd < 0)
		return false;
	close(fd);
	*ret_size = (uint64_t)st.st_size;
	return true;
}

static void check_boot(struct shyper_config *config)
{
	struct image_layout *images = &config->images;
	struct image_info info;
	uint64_t initrd_size;
	bool has_kernel, has_initrd;

	if (config->has_entry) {
		image_move_dtb(images, config->has_dtb ?
			       config->dtb - config->memory_ipa : 0);
		return;
	}
	has_kernel = config->kernel && check_kernel(config, &info);
	has_initrd = check_initrd(config, &initrd_size);
	if (!has_kernel || !has_initrd || !config->memory)
		return;
	image_place(&info, initrd_size, images);
	if (config->has_dtb && !image_move_dtb(images, config->dtb - config->memory_ipa))
		config_error(config, "/boot/dtb", "is 0x%llx, which overlaps the kernel or the initrd",
			     (unsigned long long)config->dtb);
	if (images->end > config->memory)
		config_error(config, "/memory",
			     "is %llu KiB, but kernel, device tree and initrd need %llu KiB",
			     (unsigned long long)config->memory / 1024,
			     (unsigned long long)(images->end + 1023) / 1024);
}

static void check_region(struct shyper_config *config,
			 const struct region_config *region)
{
	struct stat st;
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "%s/file", region->json);
	fd = open_named(config, path, region->file, false, &st);
	if (fd < 0)
		return;
	close(fd);
	if (region->length && (uint64_t)st.st_size > region->length)
		config_error(config, path, "\"%s\" has %lld bytes, more than the region",
			     region->file, (long long)st.st_size);
}

static void check_disk(struct shyper_config *config,
		       const struct device_config *device)
{
	struct stat st;
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "%s/path", device->json);
	fd = open_named(config, path, device->path, !device->is_readonly, &st);
	if (fd < 0)
		return;
	close(fd);
	if (S_ISREG(st.st_mode) && (st.st_size == 0 || st.st_size % 512))
		config_error(config, path, "\"%s\" has %lld bytes, expected a multiple of 512",
			     device->path, (long long)st.st_size);
}

void config_identify_disks(struct shyper_config *config)
{
	struct device_config *device = config->devices;
	struct stat st;
	char *full;

	for (; device < config->devices + config->nr_devices; device++) {
		if (!device->path)
			continue;
		full = ctx_path(config->ctx, "%s", device->path);
		if (!full) {
			config->is_out_of_memory = true;
			return;
		}
		if (!stat(full, &st)) {
			bool is_block = S_ISBLK(st.st_mode);

			device->file.device = is_block ? st.st_rdev : st.st_dev;
			device->file.inode = is_block ? 0 : st.st_ino;
		}
		free(full);
	}
}

/* Two disks on one file would destroy each other's data, unless both only read. */
bool disks_clash(const struct device_config *a, const struct device_config *b)
{
	if (!a->path || !b->path || (a->is_readonly && b->is_readonly))
		return false;
	return !strcmp(a->path, b->path) ||
	       (a->file.device && a->file.device == b->file.device &&
		a->file.inode == b->file.inode);
}

static void check_shared_disk(struct shyper_config *config, unsigned int index)
{
	const struct device_config *device = &config->devices[index], *other;
	char path[48];

	for (other = config->devices; other < device; other++) {
		if (!disks_clash(device, other))
			continue;
		snprintf(path, sizeof(path), "%s/path", device->json);
		config_error(config, path, "\"%s\" is that of %s too, and one of the two writes",
			     device->path, other->json);
		return;
	}
}

/* A machine that does not tell cannot be compared with. */
static bool is_told(struct shyper_config *config, int err)
{
	if (err == -ENOMEM)
		config->is_out_of_memory = true;
	return !err;
}

/* The backend makes the file, but no folder for it. */
static void check_log(struct shyper_config *config,
		      const struct device_config *device)
{
	char *full = ctx_path(config->ctx, "%s", device->log);
	struct stat st;
	char path[48];

	if (!full) {
		config->is_out_of_memory = true;
		return;
	}
	*strrchr(full, '/') = '\0';
	if (stat(*full ? full : "/", &st) || !S_ISDIR(st.st_mode)) {
		snprintf(path, sizeof(path), "%s/log", device->json);
		config_error(config, path, "\"%s\" cannot be made: its folder does not exist",
			     device->log);
	}
	free(full);
}

/* The backend makes the tap, but no bridge for it. */
static void check_bridge(struct shyper_config *config,
			 const struct device_config *device)
{
	char *full = ctx_path(config->ctx, "/sys/class/net/%s/bridge", device->bridge);
	struct stat st;
	char path[48];

	if (!full) {
		config->is_out_of_memory = true;
		return;
	}
	if (stat(full, &st)) {
		snprintf(path, sizeof(path), "%s/bridge", device->json);
		config_error(config, path, "there is no bridge \"%s\" in the root cell",
			     device->bridge);
	}
	free(full);
}

static void check_cpus(struct shyper_config *config)
{
	uint64_t present;
	unsigned int i, others;

	if (!is_told(config, sysfs_read_cpus(config->ctx, "present", &present)))
		return;
	for (i = 0; i < config->nr_listed; i++) {
		if (present & 1ULL << config->cpus[i])
			continue;
		config_error(config, "/cpus", "lists CPU %u, which this machine does not have",
			     config->cpus[i]);
	}
	others = (unsigned int)__builtin_popcountll(present & ~1ULL);
	if (!config->nr_listed && config->nr_cpus > others)
		config_error(config, "/cpus", "is %u, but this machine has %u beside CPU 0, which the root cell keeps",
			     config->nr_cpus, others);
}

static void check_memory(struct shyper_config *config)
{
	uint64_t bytes;

	if (!is_told(config, proc_read_memory(config->ctx, &bytes)) ||
	    config_total_memory(config) < bytes)
		return;
	config_error(config, "/memory", "is %llu MiB, but this machine has %llu MiB",
		     (unsigned long long)config_total_memory(config) >> 20,
		     (unsigned long long)bytes >> 20);
}

void config_check_machine(struct shyper_config *config)
{
	unsigned int i;

	check_cpus(config);
	check_memory(config);
	check_boot(config);
	for (i = 0; i < config->nr_regions; i++) {
		if (config->regions[i].file)
			check_region(config, &config->regions[i]);
	}
	config_identify_disks(config);
	for (i = 0; i < config->nr_devices; i++) {
		if (config->devices[i].log)
			check_log(config, &config->devices[i]);
		if (*config->devices[i].bridge)
			check_bridge(config, &config->devices[i]);
		if (!config->devices[i].path)
			continue;
		check_disk(config, &config->devices[i]);
		check_shared_disk(config, i);
	}
}
