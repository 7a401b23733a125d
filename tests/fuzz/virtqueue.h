/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input of the fuzz target for virtqueues.
 */
#ifndef TESTS_FUZZ_VIRTQUEUE_H
#define TESTS_FUZZ_VIRTQUEUE_H

#include "../../libshyper/virtio/queue.h"

#define FUZZ_RAM		0x40000000ULL
#define FUZZ_RAM_SIZE		0x4000U
#define FUZZ_MAX_SIZE		16
#define FUZZ_SEGMENTS		16

struct fuzz_head {
	struct hvisor_device_queue ring;
	uint16_t features;	/* bit 0: INDIRECT_DESC, bit 1: EVENT_IDX */
	uint16_t used_idx;
	uint16_t last_head;
	uint16_t in_flight;	/* bit for each head */
	uint32_t before;	/* stores before the queue is started */
	uint32_t reserved;
};

struct fuzz_store {
	uint16_t offset;
	uint16_t value;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* TESTS_FUZZ_VIRTQUEUE_H */
