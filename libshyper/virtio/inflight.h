/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The account of what is in flight, kept in the device's state area so that
 * it outlives the process (docs/theory-device-path.md).
 */
#ifndef VIRTIO_INFLIGHT_H
#define VIRTIO_INFLIGHT_H

#include "queue.h"

/*
 * Brings the account in order and lists in @queue->reissue what it holds.
 * -EPROTO: it does not fit the used ring, to which the guest must have written.
 */
int inflight_resume(struct shyper_queue *queue);

/* Drops the account of a queue that somebody else serves from here on. */
void inflight_abandon(struct shyper_queue *queue);

/*
 * Likewise, of a process that nobody but we can make leave it: whether it has, the
 * module sees by an entry in flight. Nothing may be in flight.
 */
void inflight_lend(struct shyper_queue *queue);
/* It has left. */
void inflight_return(struct shyper_queue *queue);
/* It never came: the queue is ours as before. */
void inflight_recall(struct shyper_queue *queue);
/* Whether a queue of this epoch was lent and has not come back. */
bool inflight_is_lent(const struct hvisor_queue_state *state, uint32_t epoch);

/* Clears the account. */
void inflight_forget(struct shyper_queue *queue);

/* Chains in the account of a queue of @size, if it is that of this epoch. */
unsigned int inflight_count(const struct hvisor_queue_state *state, unsigned int size,
			    uint32_t epoch);

bool inflight_test(const struct shyper_queue *queue, uint16_t head);

/* Before the I/O. */
void inflight_take(struct shyper_queue *queue, uint16_t head);

/* Between the store of the used element and that of used.idx. */
void inflight_complete(struct shyper_queue *queue, uint16_t head);

/* After used.idx was published. */
void inflight_completed(struct shyper_queue *queue, uint16_t head);

/* The head will not be served. */
void inflight_clear(struct shyper_queue *queue, uint16_t head);

#endif /* VIRTIO_INFLIGHT_H */
