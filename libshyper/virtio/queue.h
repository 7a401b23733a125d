/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside of a virtqueue: split rings over the memory of a cell. queue.c is the
 * only reader of guest rings.
 *
 * What must outlive the process is kept in the device's state area as
 * docs/theory-device-path.md says.
 */
#ifndef VIRTIO_QUEUE_H
#define VIRTIO_QUEUE_H

#include <hvisor/device.h>
#include <shyper/virtio/queue.h>

#include "memory.h"

struct vring_desc;
struct vring_avail;
struct vring_used;

/**
 * struct shyper_queue - a virtqueue
 * @index: number within the device
 * @size: QueueNum
 * @in_flight: chains popped and not yet pushed
 * @reissued: how many chains of a dead predecessor were found at the start
 * @started: the rings are mapped
 * @broken: the driver broke the rules: nothing is popped any more
 * @taken: chains popped that no predecessor had popped
 * @polled: somebody looks at it all the time: notifications are only asked for by
 *	shyper_queue_arm()
 * @dry: it was found empty, and that somebody is to look for more
 * @batch: it is to notify when so many have come, if somebody looks in time
 * @burst: most that came at once since then
 * @armed: the driver is to notify of what comes next
 * @unasked: it was found empty when it was not
 * @empty_at: avail.idx when it was found empty last; what was put back is before it
 */
struct shyper_queue {
	unsigned int index;
	unsigned int size;
	unsigned int in_flight;
	unsigned int reissued;
	bool started;
	bool broken;
	const struct shyper_memory *memory;
	struct hvisor_queue_state *state;
	unsigned int state_size;
	struct hvisor_backend_counters *counters;
	const struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint32_t epoch;
	bool event_index;
	bool indirect;
	bool signalled;
	bool polled;
	bool dry;
	unsigned int batch;
	unsigned int burst;
	bool armed;
	bool unasked;
	uint16_t empty_at;
	uint16_t next_avail;
	uint16_t used_idx;
	uint16_t signalled_idx;
	uint64_t taken;
	unsigned int next_reissue;
	uint16_t reissue[HVISOR_MAX_QUEUE_SIZE];
};

/**
 * struct shyper_queue_setup - what a queue is made of
 * @memory: of the cell
 * @state: of the queue, in the state area
 * @state_size: entries of @state->heads
 * @counters: of the device
 * @index: number within the device
 * @features: accepted by the driver
 * @polled: as of the queue
 * @ring: as the driver set it up
 */
struct shyper_queue_setup {
	const struct shyper_memory *memory;
	struct hvisor_queue_state *state;
	unsigned int state_size;
	struct hvisor_backend_counters *counters;
	unsigned int index;
	uint64_t features;
	bool polled;
	struct hvisor_device_queue ring;
};

/**
 * shyper_queue_start - begin to serve a queue, or go on where another process died
 *
 * What the account of the state area shows to be in flight is handed out again
 * by shyper_queue_pop(), in its old order, before anything new. All I/O of the
 * predecessor must have ended.
 *
 * Return: 0; -EPROTO: size or addresses are wrong, or the guest has tampered
 * with the used ring: the queue is @broken.
 */
int shyper_queue_start(struct shyper_queue *queue,
		       const struct shyper_queue_setup *setup);

/* Whether something has come to a queue that was found empty; and as much as it waits for. */
bool shyper_queue_has_more(struct shyper_queue *queue);
bool shyper_queue_has_batch(struct shyper_queue *queue);

/*
 * Have the driver notify when @queue->batch chains have come to a queue that was
 * found empty. True: they have already.
 */
bool shyper_queue_arm(struct shyper_queue *queue);

/* Forget a queue with nothing in flight, and what its account holds. */
void shyper_queue_stop(struct shyper_queue *queue);

/* Wipe the account of a queue that is not started. */
void shyper_queue_state_clear(struct hvisor_queue_state *state,
			      unsigned int state_size);

/**
 * shyper_queue_should_notify - whether the driver wants an interrupt for what
 *	was pushed since the last call
 */
bool shyper_queue_should_notify(struct shyper_queue *queue);

#endif /* VIRTIO_QUEUE_H */
