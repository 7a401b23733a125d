// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A cell's memory: regions, translation, scatter and gather.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <shyper/virtio/queue.h>

#include "memory.h"

int shyper_memory_map(struct shyper_memory *memory, uint64_t ipa,
		      uint64_t length, int fd, uint64_t offset, bool writable)
{
	struct shyper_memory_region *region;
	void *host;

	if (memory->nr_regions == HVISOR_MAX_REGIONS)
		return -ENOSPC;
	if (!length || ipa + length < ipa || length > SIZE_MAX)
		return -EINVAL;
	host = mmap(NULL, length, PROT_READ | (writable ? PROT_WRITE : 0),
		    MAP_SHARED, fd, (off_t)offset);
	if (host == MAP_FAILED)
		return -errno;
	region = &memory->regions[memory->nr_regions++];
	region->ipa = ipa;
	region->length = length;
	region->host = host;
	region->writable = writable;
	return 0;
}

void shyper_memory_unmap(struct shyper_memory *memory)
{
	while (memory->nr_regions) {
		struct shyper_memory_region *region =
			&memory->regions[--memory->nr_regions];

		munmap(region->host, region->length);
	}
}

void *shyper_memory_translate(const struct shyper_memory *memory, uint64_t ipa,
			      uint64_t length, bool write)
{
	unsigned int n;

	for (n = 0; n < memory->nr_regions; n++) {
		const struct shyper_memory_region *region = &memory->regions[n];
		uint64_t offset = ipa - region->ipa;

		if (ipa < region->ipa || offset >= region->length)
			continue;
		/* No sum of two guest values: it could wrap. */
		if (length > region->length - offset)
			return NULL;
		return write && !region->writable ? NULL : region->host + offset;
	}
	return NULL;
}

unsigned int shyper_iov_slice(struct iovec *to, const struct iovec *iov,
			      unsigned int nr, uint64_t offset, uint64_t length)
{
	unsigned int n, count = 0;

	for (n = 0; n < nr && length; n++) {
		size_t part = iov[n].iov_len;

		if (offset >= part) {
			offset -= part;
			continue;
		}
		part -= offset;
		if (part > length)
			part = length;
		to[count].iov_base = (uint8_t *)iov[n].iov_base + offset;
		to[count++].iov_len = part;
		length -= part;
		offset = 0;
	}
	return count;
}

enum direction { FROM_SEGMENTS, TO_SEGMENTS };

static size_t iov_copy(const struct iovec *iov, unsigned int nr, uint64_t offset,
		       uint8_t *buffer, size_t length, enum direction direction)
{
	size_t done = 0;

	for (; nr && done < length; nr--, iov++) {
		size_t part = iov->iov_len;
		uint8_t *segment;

		if (offset >= part) {
			offset -= part;
			continue;
		}
		segment = (uint8_t *)iov->iov_base + offset;
		part -= offset;
		offset = 0;
		if (part > length - done)
			part = length - done;
		if (direction == FROM_SEGMENTS)
			memcpy(buffer + done, segment, part);
		else
			memcpy(segment, buffer + done, part);
		done += part;
	}
	return done;
}

size_t shyper_iov_read(const struct iovec *iov, unsigned int nr, uint64_t offset,
		       void *buffer, size_t length)
{
	return iov_copy(iov, nr, offset, buffer, length, FROM_SEGMENTS);
}

size_t shyper_iov_write(const struct iovec *iov, unsigned int nr, uint64_t offset,
			const void *buffer, size_t length)
{
	return iov_copy(iov, nr, offset, (uint8_t *)buffer, length, TO_SEGMENTS);
}
