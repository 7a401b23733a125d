// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The device's side of a split virtqueue (virtio 1.2, 2.7).
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "inflight.h"
#include "queue.h"
#include "shared.h"

/* With EVENT_IDX a word follows each ring (virtio 1.2, 2.7.6, 2.7.8). */
static uint16_t *avail_used_event(const struct shyper_queue *queue)
{
	return &queue->avail->ring[queue->size];
}

static uint16_t *used_avail_event(const struct shyper_queue *queue)
{
	return (uint16_t *)&queue->used->ring[queue->size];
}

static int queue_broken(struct shyper_queue *queue)
{
	queue->broken = true;
	shared_store(&queue->counters->bad_chains, queue->counters->bad_chains + 1);
	return -EPROTO;
}

unsigned int shyper_queue_get_index(const struct shyper_queue *queue)
{
	return queue->index;
}

unsigned int shyper_queue_get_size(const struct shyper_queue *queue)
{
	return queue->size;
}

static int rings_map(struct shyper_queue *queue,
		     const struct hvisor_device_queue *ring)
{
	const struct shyper_memory *memory = queue->memory;
	uint64_t size = ring->size;

	if (!size || (size & (size - 1)) || size > queue->state_size ||
	    size > HVISOR_MAX_QUEUE_SIZE)
		return -EINVAL;
	if (ring->desc % 16 || ring->driver % 2 || ring->device % 4)
		return -EINVAL;
	queue->size = ring->size;
	queue->desc = shyper_memory_translate(memory, ring->desc, 16 * size, false);
	queue->avail = shyper_memory_translate(memory, ring->driver, 6 + 2 * size, false);
	queue->used = shyper_memory_translate(memory, ring->device, 6 + 8 * size, true);
	return queue->desc && queue->avail && queue->used ? 0 : -EINVAL;
}

int shyper_queue_start(struct shyper_queue *queue,
		       const struct shyper_queue_setup *setup)
{
	memset(queue, 0, sizeof(*queue));
	queue->memory = setup->memory;
	queue->state = setup->state;
	queue->state_size = setup->state_size;
	queue->counters = setup->counters;
	queue->index = setup->index;
	queue->epoch = setup->ring.epoch;
	queue->event_index = setup->features & (1ULL << VIRTIO_RING_F_EVENT_IDX);
	queue->polled = setup->polled;
	queue->indirect = setup->features & (1ULL << VIRTIO_RING_F_INDIRECT_DESC);
	if (rings_map(queue, &setup->ring))
		return queue_broken(queue);
	queue->batch = 1;
	queue->used_idx = le16toh(shared_load(&queue->used->idx));
	if (inflight_resume(queue))
		return queue_broken(queue);
	/* Each head taken was completed, so counted in used.idx, or is in flight. */
	queue->next_avail = queue->used_idx + queue->reissued;
	queue->signalled_idx = queue->used_idx;
	/*
	 * vhost may have served it before, and asked for no notifications (2.7.10). Who
	 * starts a queue looks at it once more, behind the barrier.
	 */
	shared_store(&queue->used->flags, 0);
	/* What stands there, zero or a predecessor's word, may ask for the next one. */
	queue->armed = queue->event_index &&
		       le16toh(shared_load(used_avail_event(queue))) == queue->next_avail;
	shared_full_barrier();
	queue->started = true;
	return 0;
}

void shyper_queue_stop(struct shyper_queue *queue)
{
	if (queue->state)
		inflight_forget(queue);
	memset(queue, 0, sizeof(*queue));
}

/* One descriptor, read once: the driver may change it at any time. */
static void desc_load(struct vring_desc *desc, const struct vring_desc *from)
{
	memcpy(desc, from, sizeof(*desc));
	/* The copy, not the original, is what is used from here on. */
	__asm__ volatile("" : : : "memory");
	desc->addr = le64toh(desc->addr);
	desc->len = le32toh(desc->len);
	desc->flags = le16toh(desc->flags);
	desc->next = le16toh(desc->next);
}

static int chain_add(const struct shyper_queue *queue, struct shyper_chain *chain,
		     const struct vring_desc *desc)
{
	bool write = desc->flags & VRING_DESC_F_WRITE;
	struct iovec *segment;

	/* 2.7.4.2: what the device writes comes after what it reads. */
	if (!write && chain->in_length)
		return -EPROTO;
	/* Drivers differ on empty buffers; there is nothing to do for one. */
	if (!desc->len)
		return 0;
	if ((uint64_t)chain->out_length + chain->in_length + desc->len > UINT32_MAX)
		return -EPROTO;
	if (chain->nr_out + chain->nr_in == chain->max_segments)
		return -EPROTO;
	segment = &chain->iov[chain->nr_out + chain->nr_in];
	segment->iov_base = shyper_memory_translate(queue->memory, desc->addr,
						    desc->len, write);
	if (!segment->iov_base)
		return -EPROTO;
	segment->iov_len = desc->len;
	*(write ? &chain->nr_in : &chain->nr_out) += 1;
	*(write ? &chain->in_length : &chain->out_length) += desc->len;
	return 0;
}

/* The table behind an indirect descriptor (2.7.5.3), and its length, or NULL. */
static const struct vring_desc *indirect_table(const struct shyper_queue *queue,
					       const struct vring_desc *desc,
					       unsigned int *nr)
{
	if (!queue->indirect || (desc->flags & VRING_DESC_F_NEXT))
		return NULL;
	*nr = desc->len / sizeof(*desc);
	if (!*nr || desc->len % sizeof(*desc) || *nr > HVISOR_MAX_QUEUE_SIZE)
		return NULL;
	return shyper_memory_translate(queue->memory, desc->addr, desc->len, false);
}

static int chain_walk(const struct shyper_queue *queue, struct shyper_chain *chain)
{
	const struct vring_desc *table = queue->desc;
	unsigned int nr = queue->size, left = nr, next = chain->head;
	bool indirect = false;
	struct vring_desc desc;

	/* No chain is longer than its table, unless it goes round in it. */
	for (; left; left--) {
		desc_load(&desc, &table[next]);
		if (desc.flags & VRING_DESC_F_INDIRECT) {
			/*
			 * 2.7.5.3.1: none within another. Not told by the
			 * address: a table can lie where the ring is.
			 */
			if (indirect)
				return -EPROTO;
			indirect = true;
			table = indirect_table(queue, &desc, &nr);
			if (!table)
				return -EPROTO;
			next = 0;
			left = nr + 1;
			continue;
		}
		if (chain_add(queue, chain, &desc))
			return -EPROTO;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return 0;
		next = desc.next;
		if (next >= nr)
			return -EPROTO;
	}
	return -EPROTO;
}

static int chain_load(const struct shyper_queue *queue, struct shyper_chain *chain,
		      uint16_t head)
{
	chain->head = head;
	chain->nr_out = 0;
	chain->nr_in = 0;
	chain->out_length = 0;
	chain->in_length = 0;
	return chain_walk(queue, chain);
}

/* Number of chains that wait in the available ring, or -EPROTO. */
static int queue_available(struct shyper_queue *queue)
{
	/* Acquire: the ring and the descriptors are read after it (2.7.13.3). */
	uint16_t idx = le16toh(shared_load_acquire(&queue->avail->idx));
	uint16_t nr = idx - queue->next_avail;

	return nr > queue->size ? -EPROTO : nr;
}

/* Number of chains that came since it was found empty: not those that were put back. */
static int queue_come(struct shyper_queue *queue)
{
	int nr = queue_available(queue);

	return nr < 0 ? nr : nr - (uint16_t)(queue->empty_at - queue->next_avail);
}

/*
 * Asks for a notification about the @nr-th chain from now on and looks once more. The driver
 * stores avail.idx and then loads avail_event, we store avail_event and then
 * load avail.idx: with full barriers on both sides one sees the other (2.7.10).
 */
static int queue_arm(struct shyper_queue *queue, unsigned int nr)
{
	queue->armed = true;
	queue->unasked = false;
	if (!queue->event_index)
		return 0;
	shared_store(used_avail_event(queue), htole16(queue->empty_at + nr - 1));
	shared_full_barrier();
	return queue_come(queue);
}

bool shyper_queue_has_more(struct shyper_queue *queue)
{
	return queue->started && queue->dry && !queue->broken && queue_come(queue);
}

bool shyper_queue_has_batch(struct shyper_queue *queue)
{
	int nr;

	if (!queue->started || !queue->dry || queue->broken)
		return false;
	nr = queue_come(queue);
	return nr < 0 || nr >= (int)queue->batch;
}

bool shyper_queue_arm(struct shyper_queue *queue)
{
	if (queue->started && queue->dry && !queue->broken)
		queue_arm(queue, queue->batch);
	return shyper_queue_has_batch(queue);
}

static int pop_reissued(struct shyper_queue *queue, struct shyper_chain *chain)
{
	uint16_t head = queue->reissue[queue->next_reissue++];

	if (chain_load(queue, chain, head)) {
		inflight_clear(queue, head);
		return queue_broken(queue);
	}
	queue->in_flight++;
	return 1;
}

int shyper_queue_pop(struct shyper_queue *queue, struct shyper_chain *chain)
{
	uint16_t head;
	int nr;

	if (queue->broken || !queue->started)
		return -EPROTO;
	if (queue->next_reissue < queue->reissued)
		return pop_reissued(queue, chain);
	nr = queue_available(queue);
	if (!nr)
		queue->empty_at = queue->next_avail;
	if (!nr && !queue->polled)
		nr = queue_arm(queue, 1);
	if (nr < 0)
		return queue_broken(queue);
	queue->dry = !nr;
	if (!nr) {
		queue->unasked = queue->event_index && !queue->armed;
		return 0;
	}
	if (queue->unasked)
		shared_count(&queue->counters->kicks_avoided, 1);
	queue->unasked = false;
	queue->armed = false;
	head = le16toh(shared_load(
		&queue->avail->ring[queue->next_avail & (queue->size - 1)]));
	if (head >= queue->size || inflight_test(queue, head) ||
	    chain_load(queue, chain, head))
		return queue_broken(queue);
	inflight_take(queue, head);
	queue->next_avail++;
	queue->taken++;
	queue->in_flight++;
	return 1;
}

/* What a predecessor had popped comes first: it is put back last. */
void shyper_queue_unpop(struct shyper_queue *queue, uint16_t head)
{
	queue->in_flight--;
	if (!queue->taken) {
		queue->next_reissue--;
		return;
	}
	inflight_clear(queue, head);
	queue->taken--;
	queue->next_avail--;
}

void shyper_queue_push(struct shyper_queue *queue, uint16_t head, uint32_t length)
{
	struct vring_used_elem *element =
		&queue->used->ring[queue->used_idx & (queue->size - 1)];

	shared_store(&element->id, htole32(head));
	shared_store(&element->len, htole32(length));
	inflight_complete(queue, head);
	/* Release: the driver reads the element after it saw the index (2.7.14). */
	shared_store_release(&queue->used->idx, htole16(++queue->used_idx));
	inflight_completed(queue, head);
	queue->in_flight--;
}

void shyper_queue_break(struct shyper_queue *queue, uint16_t head)
{
	shyper_queue_push(queue, head, 0);
	queue_broken(queue);
}

bool shyper_queue_should_notify(struct shyper_queue *queue)
{
	uint16_t old = queue->signalled_idx, new = queue->used_idx, event;
	bool first = !queue->signalled;

	if (old == new)
		return false;
	queue->signalled_idx = new;
	queue->signalled = true;
	/*
	 * used.idx was stored, used_event or the flags are loaded; the driver
	 * does it the other way round (2.7.7.2, 2.7.8).
	 */
	shared_full_barrier();
	if (!queue->event_index)
		return !(le16toh(shared_load(&queue->avail->flags)) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	/* What a predecessor has signalled is not known: one too many is harmless. */
	event = le16toh(shared_load(avail_used_event(queue)));
	return first || vring_need_event(event, new, old);
}
