/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtqueues (virtio 1.2, 2.7) for the backend of a device: requests of the
 * driver are popped, done, and pushed back.
 *
 * The guest is not trusted: what the library takes out of the rings it reads
 * once and checks. A ring or chain that breaks the rules breaks its queue,
 * never the process. What the segments of a chain show is the guest's to change
 * at any time: copy it out by shyper_iov_read(), then look at the copy.
 *
 * A queue belongs to its backend (shyper/virtio/backend.h) and to that one's
 * thread. The functions here leave the context's report alone.
 */
#ifndef SHYPER_VIRTIO_QUEUE_H
#define SHYPER_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <shyper/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shyper_queue;

/**
 * struct shyper_chain - a request of the driver
 * @iov: first @nr_out segments that the device reads, then @nr_in that it
 *	writes, in the cell's memory; none is empty. The room is the caller's.
 * @max_segments: room in @iov, set by the caller; the queue's size is enough
 *	for every chain that a driver may make
 * @head: names the chain in shyper_queue_push(); below the queue's size
 * @nr_out: @nr_in: number of segments
 * @out_length: @in_length: bytes in them; their sum is below 2^32
 */
struct shyper_chain {
	struct iovec *iov;
	unsigned int max_segments;
	uint16_t head;
	unsigned int nr_out;
	unsigned int nr_in;
	uint32_t out_length;
	uint32_t in_length;
};

/* Number of the queue within its device, from 0. */
SHYPER_API unsigned int shyper_queue_get_index(const struct shyper_queue *queue);

/* What the driver has chosen: a power of two from 1 to 1024. */
SHYPER_API unsigned int shyper_queue_get_size(const struct shyper_queue *queue);

/**
 * shyper_queue_pop - take the next chain
 * @chain: @iov and @max_segments are the caller's; the rest counts only with 1
 *
 * When there is none the driver is asked to notify about the next one, and the
 * ring is looked at once more: 0 means that a notification will come.
 *
 * Return: 1: @chain is in flight, until it is pushed; 0: there is none;
 * -EPROTO: the queue is broken, by this call or before, and gives nothing more
 * until the driver has reset the device.
 */
SHYPER_API int shyper_queue_pop(struct shyper_queue *queue,
				struct shyper_chain *chain);

/**
 * shyper_queue_unpop - put the chain that was popped last back into the queue
 * @head: of that chain, which comes again with the next pop
 *
 * May be repeated for those popped before it, if nothing was pushed since. The
 * driver notifies about chains that it adds after that, not about these.
 */
SHYPER_API void shyper_queue_unpop(struct shyper_queue *queue, uint16_t head);

/**
 * shyper_queue_push - hand a chain back to the driver
 * @head: of a chain that is in flight
 * @length: bytes written, from the first byte of the device-writable part; at
 *	most the chain's in_length
 *
 * Chains may be pushed in any order. The driver is interrupted when the
 * operation that was called returns, or by shyper_backend_notify().
 */
SHYPER_API void shyper_queue_push(struct shyper_queue *queue, uint16_t head,
				  uint32_t length);

/**
 * shyper_queue_break - the content of a chain breaks the device's rules
 * @head: of a chain that is in flight
 *
 * Hands it back empty and breaks the queue; the driver is told that the device
 * needs a reset.
 */
SHYPER_API void shyper_queue_break(struct shyper_queue *queue, uint16_t head);

/*
 * Copy between @buffer and the bytes from @offset on of @nr segments. Return
 * the number of bytes done: less than @length where the segments end before.
 * A chain's device-writable segments are @iov + @nr_out, @nr_in of them.
 */
SHYPER_API size_t shyper_iov_read(const struct iovec *iov, unsigned int nr,
				  uint64_t offset, void *buffer, size_t length);
SHYPER_API size_t shyper_iov_write(const struct iovec *iov, unsigned int nr,
				   uint64_t offset, const void *buffer,
				   size_t length);

/**
 * shyper_iov_slice - the segments that cover a part of others, for readv() and
 *	the like
 * @to: room for @nr
 * @offset: @length: of the part, in bytes
 *
 * Return: number of segments in @to.
 */
SHYPER_API unsigned int shyper_iov_slice(struct iovec *to,
					 const struct iovec *iov, unsigned int nr,
					 uint64_t offset, uint64_t length);

#ifdef __cplusplus
}
#endif

#endif /* SHYPER_VIRTIO_QUEUE_H */
