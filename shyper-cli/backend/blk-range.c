// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Discard and write zeroes (virtio 1.2, 5.2.6): a list of ranges, done one after
 * the other. Both are holes where they may be, since a hole reads as zeroes; what
 * the file system or device cannot do is done by the next best means, down to
 * zeroes that are written. Only a discard, of which nobody relies on anything, is
 * told to be unsupported.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>

#include "blk.h"

#define HOLE	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define ZEROES	(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE)

static const uint8_t zeroes[65536] __attribute__((aligned(4096)));
/* Of these in one write: 1 MiB. */
#define MAX_ZEROES	16

/* Leaves of a discard the blocks that are its own: the rest need not be done. */
static void range_shrink(const struct blk *blk, struct blk_range *range)
{
	uint32_t block = blk->file.block_size, skip = -range->position % block;

	if (skip > range->length)
		skip = range->length;
	range->position += skip;
	range->length -= skip;
	range->length -= range->length % block;
}

/* One range, as the guest has it. Returns a status. */
static uint8_t range_parse(const struct blk *blk, const struct blk_request *request,
			   struct virtio_blk_discard_write_zeroes *raw,
			   struct blk_range *range)
{
	uint64_t sector = le64toh(raw->sector);
	uint32_t sectors = le32toh(raw->num_sectors), flags = le32toh(raw->flags);

	range->unmap = request->type == VIRTIO_BLK_T_DISCARD ||
		       flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	if (request->type == VIRTIO_BLK_T_WRITE_ZEROES)
		flags &= ~VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	/* Unknown flags, and any of a discard: 5.2.6.2. */
	if (flags)
		return VIRTIO_BLK_S_UNSUPP;
	if (sectors > RANGE_SECTORS || !blk_range_fits(&blk->file, sector, sectors))
		return VIRTIO_BLK_S_IOERR;
	range->position = sector * SECTOR_SIZE;
	range->length = (uint64_t)sectors * SECTOR_SIZE;
	if (request->type == VIRTIO_BLK_T_DISCARD)
		range_shrink(blk, range);
	return VIRTIO_BLK_S_OK;
}

/* All of them, before the first is touched. Returns a status. */
static uint8_t ranges_parse(const struct blk *blk, struct blk_request *request)
{
	struct virtio_blk_discard_write_zeroes raw;
	uint32_t nr = request->length / sizeof(raw);
	uint8_t status = VIRTIO_BLK_S_OK;
	unsigned int n;

	if (request->length % sizeof(raw) || !nr || nr > MAX_RANGES)
		return VIRTIO_BLK_S_IOERR;
	for (n = 0; n < nr && status == VIRTIO_BLK_S_OK; n++) {
		shyper_iov_read(request->chain.iov, request->chain.nr_out,
				request->offset + n * sizeof(raw), &raw, sizeof(raw));
		status = range_parse(blk, request, &raw, &request->ranges[n]);
	}
	request->nr_ranges = nr;
	return status;
}

/*
 * Zeroes may come down to writes, and are charged as such; a discard writes
 * nothing, and is one request.
 */
static void ranges_charge(struct blk *blk, const struct blk_request *request)
{
	uint64_t bytes = 0;
	unsigned int n;

	if (request->type != VIRTIO_BLK_T_WRITE_ZEROES)
		return;
	for (n = 0; n < request->nr_ranges; n++)
		bytes += request->ranges[n].length;
	blk_rate_charge_bytes(&blk->rate, bytes);
}

static void write_zeroes(struct shyper_backend *backend, struct blk_request *request,
			 uint64_t position, uint64_t length)
{
	struct blk *blk = shyper_backend_get_data(backend);
	struct io_uring_sqe *sqe = blk_ring_get(blk);
	unsigned int n;

	for (n = 0; n < MAX_ZEROES && length; n++) {
		request->piece[n].iov_base = (void *)zeroes;
		request->piece[n].iov_len = length < sizeof(zeroes) ? length : sizeof(zeroes);
		length -= request->piece[n].iov_len;
	}
	io_uring_prep_writev(sqe, blk->file.fd, request->piece, n, position);
	io_uring_sqe_set_data(sqe, request);
}

/* In what units its current range can be done: a device has holes of whole blocks. */
static uint32_t block_of(const struct blk *blk, const struct blk_request *request)
{
	return request->by_writes ? blk->file.unit : blk->file.block_size;
}

static void sync_file(struct shyper_backend *backend, struct blk_request *request)
{
	struct blk *blk = shyper_backend_get_data(backend);
	struct io_uring_sqe *sqe = blk_ring_get(blk);

	request->syncing = true;
	io_uring_prep_fsync(sqe, blk->file.fd, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_data(sqe, request);
}

/* Does what is next of the current range, of which there is some left. */
static void range_move(struct shyper_backend *backend, struct blk_request *request)
{
	struct blk *blk = shyper_backend_get_data(backend);
	const struct blk_range *range = &request->ranges[request->range];
	uint64_t position = range->position + request->done;
	uint64_t left = range->length - request->done;
	uint32_t block = block_of(blk, request), rest = block - position % block;
	struct io_uring_sqe *sqe;

	request->bounced = false;
	request->skip = 0;
	request->part = left - left % block;
	if (rest < block || left < block) {
		blk_bounce(backend, request, position, rest < left ? rest : left);
	} else if (request->by_writes) {
		write_zeroes(backend, request, position, request->part);
	} else {
		sqe = blk_ring_get(blk);
		io_uring_prep_fallocate(sqe, blk->file.fd, range->unmap ? HOLE : ZEROES,
					position, request->part);
		io_uring_sqe_set_data(sqe, request);
	}
}

/* Goes on with the next range that has any bytes. */
static void range_next(struct shyper_backend *backend, struct blk_request *request)
{
	const struct blk_range *range = &request->ranges[request->range];

	while (request->range < request->nr_ranges && request->done == range->length) {
		request->range++;
		request->done = 0;
		range++;
	}
	if (request->range < request->nr_ranges)
		range_move(backend, request);
	else if (blk_writes_through(backend))
		sync_file(backend, request);
	else
		blk_request_end(backend, request, VIRTIO_BLK_S_OK);
}

/* Whether zeroes are to be written that leave something of a block. */
static bool has_parts(const struct blk *blk, const struct blk_request *request)
{
	unsigned int n;

	if (request->type == VIRTIO_BLK_T_WRITE_ZEROES)
		for (n = 0; n < request->nr_ranges; n++)
			if (blk_is_partial(&blk->file, request->ranges[n].position,
					   request->ranges[n].length))
				return true;
	return false;
}

void blk_range_begin(struct shyper_backend *backend, struct blk_request *request)
{
	struct blk *blk = shyper_backend_get_data(backend);
	uint8_t status = VIRTIO_BLK_S_IOERR;

	if (!blk->file.readonly)
		status = ranges_parse(blk, request);
	if (status != VIRTIO_BLK_S_OK) {
		blk_request_end(backend, request, status);
		return;
	}
	ranges_charge(blk, request);
	if (has_parts(blk, request))
		blk_begin_alone(backend, request, range_next);
	else
		range_next(backend, request);
}

/* Whether there is another means to do what the file system cannot do. */
static bool range_fall_back(struct blk_request *request)
{
	struct blk_range *range = &request->ranges[request->range];

	if (request->type == VIRTIO_BLK_T_DISCARD)
		return false;
	if (range->unmap)
		range->unmap = false;
	else
		request->by_writes = true;
	return true;
}

void blk_range_done(struct shyper_backend *backend, struct blk_request *request,
		    int result)
{
	struct blk *blk = shyper_backend_get_data(backend);
	const struct blk_range *range = &request->ranges[request->range];
	bool written = request->bounced || request->by_writes;
	uint32_t moved = blk_moved(&blk->file, request, result);

	if (request->syncing) {
		blk_request_end(backend, request, result && result != -EINVAL ?
				VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK);
		return;
	}
	if (blk_merge(backend, request, range->position + request->done, result))
		return;
	if (written && moved)
		request->done += moved;
	else if (!written && !result)
		request->done += request->part;
	else if (result == -EOPNOTSUPP && !written) {
		if (!range_fall_back(request)) {
			blk_request_end(backend, request, VIRTIO_BLK_S_UNSUPP);
			return;
		}
	} else if (result != -EINTR && result != -EAGAIN) {
		blk_request_end(backend, request, VIRTIO_BLK_S_IOERR);
		return;
	}
	range_next(backend, request);
}
