/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cell's memory, as a backend sees it: the regions behind the memfds of
 * HVISOR_CELL_MEMORY, and the only way from a guest's address to a pointer.
 */
#ifndef VIRTIO_MEMORY_H
#define VIRTIO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hvisor/abi.h>

/**
 * struct shyper_memory_region - a mapped region
 * @ipa: @length: as the guest sees it
 * @host: where it is mapped
 * @writable: the guest (and so the device, on its behalf) may write
 */
struct shyper_memory_region {
	uint64_t ipa;
	uint64_t length;
	uint8_t *host;
	bool writable;
};

struct shyper_memory {
	unsigned int nr_regions;
	struct shyper_memory_region regions[HVISOR_MAX_REGIONS];
};

/**
 * shyper_memory_map - map a part of a file as a region
 *
 * A read-only region is mapped so that a mistake is a fault here and not a
 * change of memory that the guest was told is constant.
 *
 * Return: 0; -ENOSPC: too many regions; -EINVAL: empty or beyond 2^64;
 * else the error of mmap.
 */
int shyper_memory_map(struct shyper_memory *memory, uint64_t ipa,
		      uint64_t length, int fd, uint64_t offset, bool writable);

/* Unmap all regions. */
void shyper_memory_unmap(struct shyper_memory *memory);

/**
 * shyper_memory_translate - pointer to @length bytes at @ipa, or NULL
 *
 * The whole range must lie in one region; @write asks for one that the guest
 * may write. A range of no bytes has a pointer too, if @ipa is in a region.
 */
void *shyper_memory_translate(const struct shyper_memory *memory, uint64_t ipa,
			      uint64_t length, bool write);

#endif /* VIRTIO_MEMORY_H */
