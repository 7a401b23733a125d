// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: guest memory with rings in it, an account of what is in flight,
 * and stores of the guest between the device's steps.
 *
 * Input: struct fuzz_head, then words { offset, value } that the guest stores,
 * @before of them before the queue is started, the others in between.
 */
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "virtqueue.h"

struct fuzz {
	uint8_t *ram;
	struct shyper_memory memory;
	struct hvisor_queue_state *state;
	struct hvisor_backend_counters counters;
	struct shyper_queue queue;
	const struct fuzz_store *stores;
	size_t nr_stores;
};

#define CHECK(condition) do { if (!(condition)) abort(); } while (0)

static void guest_store(struct fuzz *f)
{
	if (!f->nr_stores)
		return;
	memcpy(f->ram + f->stores->offset % (FUZZ_RAM_SIZE - 1), &f->stores->value, 2);
	f->stores++;
	f->nr_stores--;
}

/* Touches what the chain shows: an address out of the memory is found by ASan. */
static void chain_check(const struct fuzz *f, const struct shyper_chain *chain)
{
	uint64_t out = 0, in = 0;
	unsigned int n;

	CHECK(chain->nr_out + chain->nr_in <= chain->max_segments);
	for (n = 0; n < chain->nr_out + chain->nr_in; n++) {
		uint8_t *first = chain->iov[n].iov_base;
		size_t length = chain->iov[n].iov_len;
		uint64_t offset = first - f->ram;

		CHECK(length && offset < FUZZ_RAM_SIZE &&
		      length <= FUZZ_RAM_SIZE - offset);
		CHECK(!n || n >= chain->nr_out || !in);
		*(n < chain->nr_out ? &out : &in) += length;
		if (n >= chain->nr_out)
			first[length - 1] = first[0];
	}
	CHECK(out == chain->out_length && in == chain->in_length);
	CHECK(out + in <= UINT32_MAX);
}

static void serve(struct fuzz *f)
{
	struct iovec iov[FUZZ_SEGMENTS];
	struct shyper_chain chain = { .iov = iov, .max_segments = FUZZ_SEGMENTS };
	uint16_t heads[FUZZ_MAX_SIZE];
	unsigned int step, nr = 0;

	for (step = 0; step < 200; step++) {
		guest_store(f);
		if (shyper_queue_pop(&f->queue, &chain) > 0) {
			guest_store(f);
			chain_check(f, &chain);
			CHECK(nr < f->queue.size);
			heads[nr++] = chain.head;
		} else if (nr) {
			shyper_queue_push(&f->queue, heads[--nr], chain.in_length);
		}
		shyper_queue_should_notify(&f->queue);
		CHECK(f->queue.in_flight == nr);
		CHECK(f->counters.in_flight <= f->queue.size);
	}
	while (nr)
		shyper_queue_push(&f->queue, heads[--nr], 0);
	shyper_queue_stop(&f->queue);
	CHECK(!f->counters.in_flight);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = {};
	struct shyper_queue_setup setup = {};
	struct fuzz_head head;
	unsigned int n;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	f.stores = (const void *)(data + sizeof(head));
	f.nr_stores = (size - sizeof(head)) / sizeof(*f.stores);
	f.ram = calloc(1, FUZZ_RAM_SIZE);
	f.state = calloc(1, HVISOR_QUEUE_STATE_STRIDE(FUZZ_MAX_SIZE));
	f.memory.nr_regions = 1;
	f.memory.regions[0] = (struct shyper_memory_region){
		FUZZ_RAM, FUZZ_RAM_SIZE, f.ram, true };
	setup.memory = &f.memory;
	setup.state = f.state;
	setup.state_size = FUZZ_MAX_SIZE;
	setup.counters = &f.counters;
	setup.features = (uint64_t)(head.features & 3) << VIRTIO_RING_F_INDIRECT_DESC;
	setup.ring = head.ring;
	for (n = 0; n < FUZZ_MAX_SIZE; n++) {
		f.state->heads[n].in_flight = head.in_flight >> n & 1;
		f.state->heads[n].counter = head.in_flight * (n + 1);
	}
	f.state->used_idx = head.used_idx;
	f.state->last_head = head.last_head;
	for (n = 0; n < head.before; n++)
		guest_store(&f);
	if (!shyper_queue_start(&f.queue, &setup))
		serve(&f);
	free(f.ram);
	free(f.state);
	return 0;
}
