// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads and writes of a disk, straight to and from guest memory where the file can
 * take that. A driver may use any sectors, whatever it was told of the blocks that
 * the disk has (virtio 1.2, 5.2.5): where O_DIRECT takes whole blocks alone, those
 * around the request go by a buffer, and a write reads them before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "blk.h"

/* Piece in which goes what O_DIRECT cannot take: many units of any file. */
#define BOUNCE_SIZE	65536

/* The segments that hold the data, and their number. */
static const struct iovec *data_segments(const struct blk_request *request,
					 unsigned int *nr)
{
	const struct shyper_chain *chain = &request->chain;

	if (request->type == VIRTIO_BLK_T_OUT) {
		*nr = chain->nr_out;
		return chain->iov;
	}
	*nr = chain->nr_in;
	return chain->iov + chain->nr_out;
}

bool blk_is_partial(const struct blk_file *file, uint64_t position, uint64_t length)
{
	return (position | length) % file->unit;
}

static bool aligned(const struct blk_file *file, uint64_t position,
		    const struct iovec *iov, unsigned int nr)
{
	if (position % file->unit)
		return false;
	for (; nr; nr--, iov++)
		if (((uintptr_t)iov->iov_base | iov->iov_len) % file->unit)
			return false;
	return true;
}

/* Puts what is to be written into the bounce buffer. */
static void fill(struct blk_request *request)
{
	unsigned int nr;
	const struct iovec *iov = data_segments(request, &nr);

	if (request->type == VIRTIO_BLK_T_OUT)
		shyper_iov_read(iov, nr, request->offset + request->done,
				request->bounce + request->skip, request->part);
	else
		memset(request->bounce + request->skip, 0, request->part);
}

static void submit(struct shyper_backend *backend, struct blk_request *request,
		   unsigned int pieces, uint64_t position)
{
	struct blk *blk = shyper_backend_get_data(backend);
	struct io_uring_sqe *sqe = blk_ring_get(blk);

	if (request->type == VIRTIO_BLK_T_IN || request->merging)
		io_uring_prep_readv(sqe, blk->file.fd, request->piece, pieces, position);
	else
		io_uring_prep_writev2(sqe, blk->file.fd, request->piece, pieces, position,
				      blk_writes_through(backend) ? RWF_DSYNC : 0);
	io_uring_sqe_set_data(sqe, request);
}

void blk_bounce(struct shyper_backend *backend, struct blk_request *request,
		uint64_t position, uint64_t length)
{
	struct blk *blk = shyper_backend_get_data(backend);
	uint32_t unit = blk->file.unit;
	uint64_t whole;

	if (!request->bounce)
		request->bounce = aligned_alloc(4096, BOUNCE_SIZE);
	if (!request->bounce) {
		blk_request_end(backend, request, VIRTIO_BLK_S_IOERR);
		return;
	}
	request->bounced = true;
	request->skip = position % unit;
	whole = (request->skip + length + unit - 1) / unit * unit;
	if (whole > BOUNCE_SIZE)
		whole = BOUNCE_SIZE;
	request->part = whole - request->skip < length ? whole - request->skip : length;
	request->piece[0].iov_base = request->bounce;
	request->piece[0].iov_len = whole;
	request->merging = request->type != VIRTIO_BLK_T_IN && request->part < whole;
	if (request->type != VIRTIO_BLK_T_IN && !request->merging)
		fill(request);
	submit(backend, request, 1, position - request->skip);
}

bool blk_merge(struct shyper_backend *backend, struct blk_request *request,
	       uint64_t position, int result)
{
	struct blk *blk = shyper_backend_get_data(backend);
	uint32_t unit = blk->file.unit;

	if (!request->merging || result < (int)unit)
		return false;
	request->merging = false;
	request->piece[0].iov_len = result - result % unit;
	if (request->part > request->piece[0].iov_len - request->skip)
		request->part = request->piece[0].iov_len - request->skip;
	fill(request);
	submit(backend, request, 1, position - request->skip);
	return true;
}

uint32_t blk_moved(const struct blk_file *file, const struct blk_request *request,
		   int result)
{
	uint32_t length = result < 0 || request->merging ? 0 : result;

	/* With O_DIRECT the rest has to begin at a unit. */
	if (file->direct || request->bounced)
		length -= length % file->unit;
	if (!length)
		return 0;
	length -= request->skip;
	return length < request->part ? length : request->part;
}

/* Starts the transfer of what is still to be done. */
void blk_transfer(struct shyper_backend *backend, struct blk_request *request)
{
	struct blk *blk = shyper_backend_get_data(backend);
	uint64_t position = request->sector * SECTOR_SIZE + request->done;
	uint32_t rest = request->length - request->done;
	unsigned int nr;
	const struct iovec *iov = data_segments(request, &nr);
	unsigned int pieces = shyper_iov_slice(request->piece, iov, nr,
					       request->offset + request->done, rest);

	if (blk->file.direct && !aligned(&blk->file, position, request->piece, pieces)) {
		blk_bounce(backend, request, position, rest);
		return;
	}
	request->bounced = false;
	request->skip = 0;
	request->part = rest;
	submit(backend, request, pieces, position);
}

void blk_transfer_done(struct shyper_backend *backend, struct blk_request *request,
		       int result)
{
	struct blk *blk = shyper_backend_get_data(backend);
	uint32_t moved = blk_moved(&blk->file, request, result);
	unsigned int nr;
	const struct iovec *iov = data_segments(request, &nr);

	if (blk_merge(backend, request, request->sector * SECTOR_SIZE + request->done, result))
		return;
	if (!moved && result != -EINTR && result != -EAGAIN) {
		blk_request_end(backend, request, VIRTIO_BLK_S_IOERR);
		return;
	}
	if (request->bounced && request->type == VIRTIO_BLK_T_IN)
		shyper_iov_write(iov, nr, request->offset + request->done,
				 request->bounce + request->skip, moved);
	request->done += moved;
	if (request->done == request->length)
		blk_request_end(backend, request, VIRTIO_BLK_S_OK);
	else
		blk_transfer(backend, request);
}
