// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A short run of the fuzz target for virtqueues: rings that are right, with a
 * few values that are not. Repeatable; an argument gives the number of runs.
 */
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../fuzz/virtqueue.h"

#define RUNS	20000
#define STORES	1500

struct input {
	struct fuzz_head head;
	struct fuzz_store stores[STORES];
};

static uint64_t state = 1;

static uint32_t pick(uint32_t limit)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % limit;
}

/* Values that borders are made of. */
static uint16_t odd(void)
{
	static const uint16_t values[] = {
		0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 32, 255, 256, 0x3fff, 0x4000,
		0x7fff, 0x8000, 0xfff0, 0xffff,
	};

	return pick(2) ? values[pick(sizeof(values) / sizeof(*values))] : pick(0x10000);
}

static void put(struct input *input, unsigned int *nr, uint32_t offset, const void *data,
		unsigned int length)
{
	const uint16_t *words = data;

	for (; length && *nr < STORES; length -= 2, offset += 2) {
		input->stores[*nr].offset = offset;
		input->stores[(*nr)++].value = *words++;
	}
}

static void put_desc(struct input *input, unsigned int *nr, uint32_t offset,
		     unsigned int limit)
{
	struct vring_desc desc = {
		.addr = FUZZ_RAM + pick(FUZZ_RAM_SIZE),
		.len = pick(256),
		.flags = pick(8) ? pick(4) : 4 | pick(4),
		.next = pick(limit),
	};

	/* An indirect one, to where tables are. */
	if (desc.flags & VRING_DESC_F_INDIRECT) {
		desc.addr = FUZZ_RAM + 0x2000 + 16 * pick(64);
		desc.len = 16 * (1 + pick(20));
	}
	put(input, nr, offset, &desc, sizeof(desc));
}

/* Rings at 0, 0x800 and 0x1000, indirect tables at 0x2000. */
static void make(struct input *input)
{
	unsigned int size = 1U << pick(5), n, nr = 0;
	struct hvisor_device_queue *ring = &input->head.ring;

	memset(input, 0, sizeof(*input));
	ring->size = size;
	ring->ready = 1;
	ring->desc = FUZZ_RAM;
	ring->driver = FUZZ_RAM + 0x800;
	ring->device = FUZZ_RAM + 0x1000;
	input->head.features = pick(4);
	if (!pick(3))
		input->head.in_flight = odd();
	for (n = 0; n < size; n++) {
		uint16_t head = pick(2) ? n : pick(size);

		put_desc(input, &nr, 16 * n, size);
		put(input, &nr, 0x804 + 2 * n, &head, 2);
	}
	for (n = 0; n < 32; n++)
		put_desc(input, &nr, 0x2000 + 16 * n, 20);
	n = pick(size + 1);
	put(input, &nr, 0x802, &n, 2);
	input->head.before = pick(4) ? nr : pick(nr);
	/* What the guest does meanwhile. */
	for (n = 0; n < 100 && nr < STORES; n++) {
		input->stores[nr].offset = pick(3) ? pick(0x1100) : 0x802;
		input->stores[nr++].value = odd();
	}
	/* And something that is wrong. */
	for (n = pick(4); n; n--)
		((uint16_t *)&input->head)[pick(sizeof(input->head) / 2)] = odd();
	for (n = pick(6); n; n--)
		input->stores[pick(nr)].value = odd();
}

int main(int argc, char **argv)
{
	unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 0) : RUNS, run;
	static struct input input;

	for (run = 0; run < runs; run++) {
		make(&input);
		input.head.before %= STORES;
		LLVMFuzzerTestOneInput((const uint8_t *)&input, sizeof(input));
	}
	printf("%lu runs of the virtqueue's fuzz target\n", runs);
	return 0;
}
