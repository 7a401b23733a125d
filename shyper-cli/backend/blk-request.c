// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests of a disk (virtio 1.2, 5.2.6): how they are taken, told apart, and
 * given back to the queue that they came from.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <stdlib.h>
#include <string.h>

#include "blk.h"
#include "program.h"

static void count(struct shyper_backend *backend, const struct blk_request *request,
		  uint8_t status)
{
	/* As the guest counts in its /sys/block/vdX/stat: failed ones, too. */
	switch (request->type) {
	case VIRTIO_BLK_T_IN:
		shyper_backend_count(backend, SHYPER_COUNT_READS, 1);
		shyper_backend_count(backend, SHYPER_COUNT_READ_BYTES, request->length);
		break;
	case VIRTIO_BLK_T_OUT:
		shyper_backend_count(backend, SHYPER_COUNT_WRITES, 1);
		shyper_backend_count(backend, SHYPER_COUNT_WRITE_BYTES, request->length);
		break;
	case VIRTIO_BLK_T_FLUSH:
		shyper_backend_count(backend, SHYPER_COUNT_FLUSHES, 1);
		break;
	default:
		shyper_backend_count(backend, SHYPER_COUNT_OTHERS, 1);
	}
	if (status != VIRTIO_BLK_S_OK)
		shyper_backend_count(backend, SHYPER_COUNT_ERRORS, 1);
}

static struct blk_request *request_get(struct blk *blk)
{
	struct blk_request *request = blk->free;

	if (request) {
		blk->free = request->next;
	} else if (blk->fresh < blk->nr_requests) {
		/* Memory that no driver has had a use for yet. */
		request = &blk->requests[blk->fresh++];
		request->chain.iov = request->segments;
		request->chain.max_segments = QUEUE_SIZE;
	}
	if (request)
		blk->taken++;
	return request;
}

static void request_free(struct blk *blk, struct blk_request *request)
{
	blk->taken--;
	free(request->bounce);
	request->bounce = NULL;
	request->next = blk->free;
	blk->free = request;
}

/* Bytes that the guest finds in its memory. */
static uint32_t bytes_returned(const struct blk_request *request)
{
	switch (request->type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_GET_ID:
		return request->done;
	default:
		return 0;
	}
}

static void kick_all(struct shyper_backend *backend, const struct blk *blk)
{
	unsigned int n;

	for (n = 0; n < blk->nr_queues; n++)
		shyper_backend_kick(backend, n);
}

/* A request ended. The one that waits for all others is the last one left. */
static void alone_check(struct shyper_backend *backend, struct blk *blk,
			const struct blk_request *ended)
{
	if (blk->alone == ended) {
		blk->alone = NULL;
		kick_all(backend, blk);
	} else if (blk->alone && blk->taken == 1) {
		blk->alone->begin(backend, blk->alone);
	}
}

void blk_begin_alone(struct shyper_backend *backend, struct blk_request *request,
		     blk_begin *begin)
{
	struct blk *blk = shyper_backend_get_data(backend);

	blk->alone = request;
	request->begin = begin;
	if (blk->taken == 1)
		begin(backend, request);
}

void blk_request_end(struct shyper_backend *backend, struct blk_request *request,
		     uint8_t status)
{
	struct blk *blk = shyper_backend_get_data(backend);
	struct shyper_chain *chain = &request->chain;
	uint32_t written = bytes_returned(request);

	shyper_iov_write(chain->iov + chain->nr_out, chain->nr_in,
			 chain->in_length - 1, &status, sizeof(status));
	count(backend, request, status);
	/* The status is the last byte: only with all before it is it counted, too. */
	if (written == chain->in_length - 1)
		written++;
	shyper_queue_push(shyper_backend_get_queue(backend, request->queue), chain->head,
			  written);
	request_free(blk, request);
	alone_check(backend, blk, request);
}

/*
 * A driver that cannot flush takes a write that has ended for stable, and so does
 * one that has switched the cache off (virtio 1.2, 5.2.5.2 and 5.2.6.2).
 */
bool blk_writes_through(const struct shyper_backend *backend)
{
	const struct blk *blk = shyper_backend_get_data(backend);
	uint64_t features = shyper_backend_get_driver_features(backend);

	if (!(features & 1ULL << VIRTIO_BLK_F_FLUSH))
		return true;
	return features & 1ULL << VIRTIO_BLK_F_CONFIG_WCE && !blk->write_back;
}

void blk_sync(struct blk *blk)
{
	struct io_uring_sqe *sqe;

	/* One at a time, however often the driver wants it. */
	if (blk->syncing) {
		blk->sync_again = true;
		return;
	}
	blk->syncing = true;
	sqe = blk_ring_get(blk);
	/* Behind all that is in flight, before all that comes. */
	io_uring_prep_fsync(sqe, blk->file.fd, IORING_FSYNC_DATASYNC);
	sqe->flags |= IOSQE_IO_DRAIN;
	io_uring_sqe_set_data(sqe, NULL);
	blk_ring_submit(blk);
}

static void flush(struct shyper_backend *backend, struct blk_request *request)
{
	struct blk *blk = shyper_backend_get_data(backend);
	struct io_uring_sqe *sqe = blk_ring_get(blk);

	io_uring_prep_fsync(sqe, blk->file.fd, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_data(sqe, request);
}

static void get_id(struct shyper_backend *backend, struct blk_request *request)
{
	struct blk *blk = shyper_backend_get_data(backend);
	struct shyper_chain *chain = &request->chain;

	request->done = shyper_iov_write(chain->iov + chain->nr_out, chain->nr_in, 0,
					 blk->serial, request->length <
					 sizeof(blk->serial) ? request->length :
					 sizeof(blk->serial));
	blk_request_end(backend, request, VIRTIO_BLK_S_OK);
}

bool blk_range_fits(const struct blk_file *file, uint64_t sector, uint64_t sectors)
{
	return sectors <= file->sectors && sector <= file->sectors - sectors;
}

static bool in_range(const struct blk_file *file, const struct blk_request *request)
{
	return request->length % SECTOR_SIZE == 0 &&
	       blk_range_fits(file, request->sector, request->length / SECTOR_SIZE);
}

static void transfer_begin(struct shyper_backend *backend, struct blk_request *request)
{
	struct blk *blk = shyper_backend_get_data(backend);
	bool write = request->type == VIRTIO_BLK_T_OUT;

	if (!in_range(&blk->file, request) || (write && blk->file.readonly)) {
		blk_request_end(backend, request, VIRTIO_BLK_S_IOERR);
		return;
	}
	blk_rate_charge_bytes(&blk->rate, request->length);
	if (!request->length)
		blk_request_end(backend, request, VIRTIO_BLK_S_OK);
	else if (write && blk_is_partial(&blk->file, request->sector * SECTOR_SIZE,
					 request->length))
		blk_begin_alone(backend, request, blk_transfer);
	else
		blk_transfer(backend, request);
}

static void request_begin(struct shyper_backend *backend, struct blk_request *request)
{
	switch (request->type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		transfer_begin(backend, request);
		return;
	case VIRTIO_BLK_T_FLUSH:
		flush(backend, request);
		return;
	case VIRTIO_BLK_T_GET_ID:
		get_id(backend, request);
		return;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		blk_range_begin(backend, request);
		return;
	default:
		blk_request_end(backend, request, VIRTIO_BLK_S_UNSUPP);
	}
}

/* Requests whose data the guest gives. */
static bool is_outbound(uint32_t type)
{
	return type == VIRTIO_BLK_T_OUT || type == VIRTIO_BLK_T_DISCARD ||
	       type == VIRTIO_BLK_T_WRITE_ZEROES;
}

/* Reads the header, wherever its bytes are. False: there is no room for one. */
static bool request_parse(struct blk_request *request)
{
	const struct shyper_chain *chain = &request->chain;
	struct virtio_blk_outhdr header;

	if (chain->out_length < sizeof(header) || !chain->in_length)
		return false;
	shyper_iov_read(chain->iov, chain->nr_out, 0, &header, sizeof(header));
	request->type = le32toh(header.type);
	request->sector = le64toh(header.sector);
	request->done = 0;
	request->range = 0;
	request->by_writes = false;
	request->bounced = false;
	request->merging = false;
	request->syncing = false;
	request->offset = 0;
	request->length = chain->in_length - 1;
	if (is_outbound(request->type)) {
		request->offset = sizeof(header);
		request->length = chain->out_length - sizeof(header);
	}
	return true;
}

/* Takes the next request. False: there is none, or none may begin yet. */
static bool queue_take(struct shyper_backend *backend, struct shyper_queue *queue)
{
	struct blk *blk = shyper_backend_get_data(backend);
	struct blk_request *request;

	if (blk->alone || !blk_rate_allows(&blk->rate))
		return false;
	/* As many as all queues hold: it cannot be that there is none. */
	request = request_get(blk);
	if (!request)
		return false;
	if (shyper_queue_pop(queue, &request->chain) <= 0) {
		request_free(blk, request);
		return false;
	}
	if (!request_parse(request)) {
		shyper_queue_break(queue, request->chain.head);
		request_free(blk, request);
		return true;
	}
	request->queue = shyper_queue_get_index(queue);
	blk_rate_charge_request(&blk->rate);
	request_begin(backend, request);
	return true;
}

bool blk_queue(struct shyper_backend *backend, struct shyper_queue *queue)
{
	struct blk *blk = shyper_backend_get_data(backend);
	unsigned int left = shyper_queue_get_size(queue);

	/* Or a write might end before an older one, of the cache, is stable. */
	if (blk->sync_again)
		return false;

	while (left && queue_take(backend, queue))
		left--;
	blk_ring_submit(blk);
	return !left;
}

static void request_done(struct shyper_backend *backend, struct blk_request *request,
			 int result)
{
	switch (request->type) {
	case VIRTIO_BLK_T_FLUSH:
		/* A file system may have no such thing as a write cache. */
		blk_request_end(backend, request, !result || result == -EINVAL ?
				VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR);
		return;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		blk_range_done(backend, request, result);
		return;
	}
	blk_transfer_done(backend, request, result);
}

/* That of blk_sync(). */
static void sync_done(struct shyper_backend *backend, int result)
{
	struct blk *blk = shyper_backend_get_data(backend);

	if (result && result != -EINVAL)
		say(SAY_ERROR, "what was written before its cache was switched off is not stable: %s",
		    strerror(-result));
	blk->syncing = false;
	if (!blk->sync_again)
		return;
	blk->sync_again = false;
	blk_sync(blk);
	kick_all(backend, blk);
}

void blk_completed(struct shyper_backend *backend, struct shyper_watch *watch,
		   uint32_t events)
{
	struct blk *blk = watch->data;
	struct io_uring_cqe *cqe;
	uint32_t queues = 0;
	unsigned int n;

	(void)events;
	while (!io_uring_peek_cqe(&blk->ring, &cqe)) {
		struct blk_request *request = io_uring_cqe_get_data(cqe);
		int result = cqe->res;

		io_uring_cqe_seen(&blk->ring, cqe);
		if (!request) {
			sync_done(backend, result);
			continue;
		}
		queues |= 1U << request->queue;
		request_done(backend, request, result);
	}
	/* Next pieces; what waits in the queues is looked at from the loop. */
	blk_ring_submit(blk);
	for (n = 0; n < blk->nr_queues; n++) {
		if (!(queues & 1U << n))
			continue;
		shyper_backend_notify(backend, shyper_backend_get_queue(backend, n));
		shyper_backend_kick(backend, n);
	}
}
