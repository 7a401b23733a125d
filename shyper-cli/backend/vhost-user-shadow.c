// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shadow rings: what a back end sees in place of the guest's. We are their
 * driver (virtio 1.2, 2.7), and the back end may do anything to them: what it
 * wrote is read once and checked against what it was given.
 *
 * A chain has the number of its head in the guest's ring and one descriptor, whose
 * table lies behind the rings, a table for each head: nothing is ever full.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "vhost-user.h"

#define ALIGN(n)	(((n) + 63) & ~(size_t)63)

static size_t avail_offset(unsigned int size)
{
	return ALIGN(sizeof(struct vring_desc) * size);
}

static size_t used_offset(unsigned int size)
{
	return avail_offset(size) + ALIGN(6 + 2 * (size_t)size);
}

static size_t tables_offset(unsigned int size)
{
	return used_offset(size) + ALIGN(6 + 8 * (size_t)size);
}

static size_t table_offset(const struct shadow *shadow, unsigned int head)
{
	return sizeof(struct vring_desc) * shadow->size * (size_t)head;
}

size_t shadow_length(unsigned int size)
{
	return tables_offset(size) + sizeof(struct vring_desc) * size * (size_t)size;
}

void shadow_init(struct shadow *shadow, void *memory, uint64_t address,
		 unsigned int size)
{
	uint8_t *bytes = memory;

	memset(shadow, 0, sizeof(*shadow));
	memset(memory, 0, tables_offset(size));
	shadow->size = size;
	shadow->address = address;
	shadow->desc = memory;
	shadow->avail = (void *)(bytes + avail_offset(size));
	shadow->used = (void *)(bytes + used_offset(size));
	shadow->tables = (void *)(bytes + tables_offset(size));
}

void shadow_describe(const struct shadow *shadow, struct vu_ring *ring)
{
	ring->size = shadow->size;
	ring->desc = shadow->address;
	ring->avail = shadow->address + avail_offset(shadow->size);
	ring->used = shadow->address + used_offset(shadow->size);
}

void shadow_add(struct shadow *shadow, const struct shyper_chain *chain,
		const struct shadow_segment *segments)
{
	struct vring_desc *table = (void *)((uint8_t *)shadow->tables +
					    table_offset(shadow, chain->head));
	unsigned int n, nr = chain->nr_out + chain->nr_in;

	for (n = 0; n < nr; n++) {
		table[n].addr = htole64(segments[n].address);
		table[n].len = htole32(segments[n].length);
		table[n].flags = htole16((n < chain->nr_out ? 0 : VRING_DESC_F_WRITE) |
					 (n + 1 < nr ? VRING_DESC_F_NEXT : 0));
		table[n].next = htole16(n + 1 < nr ? n + 1 : 0);
	}
	shadow->desc[chain->head] = (struct vring_desc){
		.addr = htole64(shadow->address + tables_offset(shadow->size) +
				table_offset(shadow, chain->head)),
		.len = htole32(nr * sizeof(*table)),
		.flags = htole16(VRING_DESC_F_INDIRECT),
	};
	shadow->heads[chain->head].in_length = chain->in_length;
	shadow->heads[chain->head].is_out = true;
	shadow->avail->ring[shadow->avail_idx & (shadow->size - 1)] = htole16(chain->head);
	/* Release: the back end reads the rest after it saw the index (2.7.13.3). */
	__atomic_store_n(&shadow->avail->idx, htole16(++shadow->avail_idx),
			 __ATOMIC_RELEASE);
}

bool shadow_wants_kick(const struct shadow *shadow)
{
	/* avail.idx was stored, the flags are loaded (2.7.10). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !(le16toh(__atomic_load_n(&shadow->used->flags, __ATOMIC_RELAXED)) &
		 VRING_USED_F_NO_NOTIFY);
}

int shadow_take(struct shadow *shadow, uint16_t *head, uint32_t *length)
{
	const struct vring_used_elem *element =
		&shadow->used->ring[shadow->used_idx & (shadow->size - 1)];
	uint32_t id;

	if (le16toh(__atomic_load_n(&shadow->used->idx, __ATOMIC_ACQUIRE)) ==
	    shadow->used_idx)
		return 0;
	id = le32toh(__atomic_load_n(&element->id, __ATOMIC_RELAXED));
	*length = le32toh(__atomic_load_n(&element->len, __ATOMIC_RELAXED));
	/* Each head comes back once, so that an index too far ahead ends here, too. */
	if (id >= shadow->size || !shadow->heads[id].is_out ||
	    *length > shadow->heads[id].in_length)
		return -EPROTO;
	shadow->heads[id].is_out = false;
	shadow->used_idx++;
	*head = id;
	return 1;
}

bool shadow_withdraw(struct shadow *shadow, uint16_t *head)
{
	unsigned int n;

	for (n = 0; n < shadow->size; n++) {
		if (!shadow->heads[n].is_out)
			continue;
		shadow->heads[n].is_out = false;
		*head = n;
		return true;
	}
	return false;
}
