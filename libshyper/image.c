// SPDX-License-Identifier: LGPL-2.1-or-later
/* The arm64 Image header, and the places of a guest's images. */
#include "image.h"

#include <endian.h>
#include <string.h>

#include <hvisor/abi.h>

#define ALIGN_UP(x, a)	(((x) + (a) - 1) / (a) * (a))

/* Kernels before 3.17 say 0 and mean this. */
#define OLD_TEXT_OFFSET	0x80000

static uint64_t get_le64(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return le64toh(value);
}

int image_parse_header(const uint8_t header[IMAGE_HEADER_SIZE],
		       uint64_t file_size, struct image_info *ret_info)
{
	struct image_info info = {
		.text_offset = get_le64(header + 8),
		.size = get_le64(header + 16),
	};
	uint64_t flags = get_le64(header + 24);

	if (file_size < IMAGE_HEADER_SIZE || memcmp(header + 56, "ARM\x64", 4))
		return -ENOEXEC;
	if (flags & 1)		/* big-endian */
		return -EINVAL;
	if (!info.size) {
		info.text_offset = OLD_TEXT_OFFSET;
		info.size = file_size;
	}
	if (info.text_offset >= HVISOR_BLOCK_SIZE || info.size > 1ULL << 40)
		return -EINVAL;
	if (info.size < file_size)
		info.size = file_size;
	*ret_info = info;
	return 0;
}

void image_place(const struct image_info *info, uint64_t initrd_size,
		 struct image_layout *ret_layout)
{
	ret_layout->kernel = info->text_offset;
	ret_layout->kernel_size = info->size;
	ret_layout->initrd_size = initrd_size;
	ret_layout->dtb = ALIGN_UP(info->text_offset + info->size,
				   HVISOR_BLOCK_SIZE);
	ret_layout->initrd = ret_layout->dtb + IMAGE_DTB_ROOM;
	ret_layout->end = ret_layout->initrd + initrd_size;
}

static bool is_apart(uint64_t dtb, uint64_t start, uint64_t size)
{
	return !size || dtb >= start + size || start >= dtb + IMAGE_DTB_ROOM;
}

bool image_move_dtb(struct image_layout *layout, uint64_t dtb)
{
	layout->dtb = dtb;
	if (layout->end < dtb + IMAGE_DTB_ROOM)
		layout->end = dtb + IMAGE_DTB_ROOM;
	return is_apart(dtb, layout->kernel, layout->kernel_size) &&
	       is_apart(dtb, layout->initrd, layout->initrd_size);
}
