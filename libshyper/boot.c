// SPDX-License-Identifier: LGPL-2.1-or-later
/* Puts a guest's images and its device tree into its memory. */
#include "boot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"

static int open_image(struct shyper_ctx *ctx, const char *name, uint64_t *ret_size)
{
	char *path = ctx_path(ctx, "%s", name);
	struct stat st;
	int fd, err;

	if (!path)
		return error_no_memory(ctx);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	free_keep_errno(path);
	if (fd < 0 || fstat(fd, &st)) {
		err = -errno;
		close_keep_errno(fd);
		return error_set(ctx, err, name, NULL, "cannot be opened: %s",
				 strerror(-err));
	}
	*ret_size = (uint64_t)st.st_size;
	return fd;
}

/* @size was checked against the memory: the file may have changed since. */
static int read_image(struct shyper_ctx *ctx, int fd, const char *name,
		      uint8_t *to, uint64_t size)
{
	uint64_t done = 0;
	ssize_t got;

	while (done < size) {
		got = pread(fd, to + done, size - done, (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(ctx, -errno, name, NULL,
					 "cannot be read: %s", strerror(errno));
		if (!got)
			return error_set(ctx, -EIO, name, NULL,
					 "became shorter while it was read");
		done += (uint64_t)got;
	}
	return 0;
}

static int read_header(struct shyper_ctx *ctx, int fd, const char *name,
		       uint64_t size, struct image_info *ret_info)
{
	uint8_t header[IMAGE_HEADER_SIZE] = { 0 };
	int err;

	err = pread(fd, header, sizeof(header), 0) < 0 ? -errno :
	      image_parse_header(header, size, ret_info);
	if (err)
		return error_set(ctx, err, name, NULL,
				 "is no little-endian arm64 Image");
	return 0;
}

static int check_fit(struct shyper_ctx *ctx, const struct shyper_config *config,
		     const struct image_layout *layout)
{
	if (layout->end <= config->memory)
		return 0;
	return error_set(ctx, -EFBIG, config->name, "memory",
			 "has %llu KiB, but kernel, device tree and initrd need %llu KiB",
			 (unsigned long long)config->memory / 1024,
			 (unsigned long long)(layout->end + 1023) / 1024);
}

static int load_tree(struct shyper_ctx *ctx, const struct shyper_config *config,
		     struct guest_boot *boot, void *to)
{
	int err;

	if (getrandom(boot->rng_seed, sizeof(boot->rng_seed), 0) < 0 ||
	    getrandom(&boot->kaslr_seed, sizeof(boot->kaslr_seed), 0) < 0)
		return error_set(ctx, -errno, config->name, "device tree",
				 "no random seed: %s", strerror(errno));
	err = fdt_build(config, boot, to, IMAGE_DTB_ROOM);
	if (err)
		return error_set(ctx, err, config->name, "device tree",
				 "cannot be made: %s", strerror(-err));
	return 0;
}

/**
 * struct images - the files of a guest, open
 * @initrd: -1: none
 */
struct images {
	int kernel;
	int initrd;
	uint64_t kernel_size;
	uint64_t initrd_size;
};

static int open_images(struct shyper_ctx *ctx, const struct shyper_config *config,
		       struct images *images)
{
	images->initrd = -1;
	images->initrd_size = 0;
	images->kernel = open_image(ctx, config->kernel, &images->kernel_size);
	if (images->kernel < 0 || !config->initrd)
		return images->kernel < 0 ? images->kernel : 0;
	images->initrd = open_image(ctx, config->initrd, &images->initrd_size);
	if (images->initrd >= 0)
		return 0;
	close(images->kernel);
	return images->initrd;
}

static int load_images(struct shyper_ctx *ctx, const struct shyper_config *config,
		       const struct images *images, uint8_t *memory,
		       struct image_layout *layout)
{
	struct image_info info;
	int err;

	err = read_header(ctx, images->kernel, config->kernel, images->kernel_size,
			  &info);
	if (err)
		return err;
	image_place(&info, images->initrd_size, layout);
	if (config->has_dtb && !image_move_dtb(layout, config->dtb - config->memory_ipa))
		return error_set(ctx, -EINVAL, config->name, "device tree",
				 "has its place where the kernel or the initrd is");
	err = check_fit(ctx, config, layout);
	if (err)
		return err;
	err = read_image(ctx, images->kernel, config->kernel,
			 memory + layout->kernel, images->kernel_size);
	if (!err && images->initrd_size)
		err = read_image(ctx, images->initrd, config->initrd,
				 memory + layout->initrd, images->initrd_size);
	return err;
}

static int load_kernel(struct shyper_ctx *ctx, const struct shyper_config *config,
		       uint8_t *memory, struct image_layout *layout)
{
	struct images images;
	int err;

	err = open_images(ctx, config, &images);
	if (err)
		return err;
	err = load_images(ctx, config, &images, memory, layout);
	close(images.kernel);
	close_keep_errno(images.initrd);
	return err;
}

/* The file, and zeroes behind it. */
static int load_region(struct shyper_ctx *ctx, const struct region_config *region,
		       uint8_t *to)
{
	uint64_t size;
	int err, fd;

	fd = open_image(ctx, region->file, &size);
	if (fd < 0)
		return fd;
	if (size > region->length)
		err = error_set(ctx, -EFBIG, region->file, NULL,
				"has %llu bytes, but region \"%s\" has %llu",
				(unsigned long long)size, region->name,
				(unsigned long long)region->length);
	else
		err = read_image(ctx, fd, region->file, to, size);
	close(fd);
	if (!err)
		memset(to + size, 0, region->length - size);
	return err;
}

static int load_regions(struct shyper_ctx *ctx, const struct shyper_config *config,
			uint8_t *memory)
{
	const struct region_config *region = config->regions;
	uint8_t *to = memory + config->memory;
	int err = 0;

	for (; !err && region < config->regions + config->nr_regions; region++) {
		if (region->file)
			err = load_region(ctx, region, to);
		to += region->length;
	}
	return err;
}

int boot_load(struct shyper_ctx *ctx, const struct shyper_config *config,
	      void *memory, uint64_t *ret_entry, uint64_t *ret_argument)
{
	struct image_layout layout = { .dtb = config->has_dtb ?
				       config->dtb - config->memory_ipa : 0 };
	struct guest_boot boot = { 0 };
	int err = load_regions(ctx, config, memory);

	if (!err && !config->has_entry)
		err = load_kernel(ctx, config, memory, &layout);
	if (err)
		return err;
	boot.initrd_start = config->memory_ipa + layout.initrd;
	boot.initrd_end = boot.initrd_start + layout.initrd_size;
	err = load_tree(ctx, config, &boot, (uint8_t *)memory + layout.dtb);
	if (err)
		return err;
	*ret_entry = config->has_entry ? config->entry :
					 config->memory_ipa + layout.kernel;
	*ret_argument = config->memory_ipa + layout.dtb;
	return 0;
}
