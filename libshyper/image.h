/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where kernel, device tree and initrd go in the memory of a cell
 * (Documentation/arm64/booting.rst of Linux):
 *
 *   base + text_offset   kernel, image_size bytes (it includes its BSS)
 *   next 2 MiB           device tree, up to 64 KiB
 *   behind it            initrd
 *
 * or the device tree at a place of its own.
 */
#ifndef LIBSHYPER_IMAGE_H
#define LIBSHYPER_IMAGE_H

#include "internal.h"

#define IMAGE_HEADER_SIZE	64
#define IMAGE_DTB_ROOM		0x10000UL

/**
 * struct image_info - what an arm64 Image header says
 * @text_offset: from a 2 MiB boundary
 * @size: bytes that must be free from there
 */
struct image_info {
	uint64_t text_offset;
	uint64_t size;
};

/**
 * struct image_layout - offsets from the beginning of RAM, and sizes
 * @kernel_size: with the memory behind the file that it needs
 * @end: of all; the cell needs at least so much memory
 */
struct image_layout {
	uint64_t kernel;
	uint64_t kernel_size;
	uint64_t dtb;
	uint64_t initrd;
	uint64_t initrd_size;
	uint64_t end;
};

/*
 * Decodes @header of a file of @file_size bytes. -ENOEXEC: no arm64 Image.
 * -EINVAL: one of the other byte order, or its fields make no sense.
 */
int image_parse_header(const uint8_t header[IMAGE_HEADER_SIZE],
		       uint64_t file_size, struct image_info *ret_info);
void image_place(const struct image_info *info, uint64_t initrd_size,
		 struct image_layout *ret_layout);
/* The device tree goes to this offset; false: an image is there. */
bool image_move_dtb(struct image_layout *layout, uint64_t dtb);

#endif /* LIBSHYPER_IMAGE_H */
