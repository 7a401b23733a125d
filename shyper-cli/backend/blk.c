// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-blk: a virtio block device (virtio 1.2, 5.2) on a file or a block
 * device. Requests go by io_uring straight to and from guest memory.
 */
#include <endian.h>
#include <errno.h>
#include <liburing.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "blk.h"
#include "program.h"

#define QUEUE_SIZE	256
/* Piece in which memory goes that O_DIRECT cannot take. */
#define BOUNCE_SIZE	65536

/**
 * struct blk_request - a request that is served
 * @chain: of the guest; its segments are @segments
 * @type: @sector: as the guest gave them
 * @offset: of the data within the readable or writable segments
 * @length: of the data
 * @done: of @length
 * @piece: segments of the current transfer
 * @bounce: takes part in the current transfer, if its memory does not fit
 * @next: free one
 */
struct blk_request {
	struct shyper_chain chain;
	uint32_t type;
	uint64_t sector;
	uint32_t offset;
	uint32_t length;
	uint32_t done;
	bool bounced;
	uint8_t *bounce;
	struct blk_request *next;
	struct iovec segments[QUEUE_SIZE];
	struct iovec piece[QUEUE_SIZE];
};

struct blk {
	struct blk_file file;
	char serial[VIRTIO_BLK_ID_BYTES];
	struct io_uring ring;
	struct shyper_watch completions;
	struct blk_request requests[QUEUE_SIZE];
	struct blk_request *free;
};

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

static void request_free(struct blk *blk, struct blk_request *request)
{
	free(request->bounce);
	request->bounce = NULL;
	request->next = blk->free;
	blk->free = request;
}

static void request_end(struct shyper_backend *backend, struct blk_request *request,
			uint8_t status)
{
	struct shyper_chain *chain = &request->chain;
	uint32_t written = request->type == VIRTIO_BLK_T_OUT ? 0 : request->done;

	shyper_iov_write(chain->iov + chain->nr_out, chain->nr_in,
			 chain->in_length - 1, &status, sizeof(status));
	count(backend, request, status);
	/* The status is the last byte: only with all before it is it counted, too. */
	if (written == chain->in_length - 1)
		written++;
	shyper_queue_push(shyper_backend_get_queue(backend, 0), chain->head, written);
	request_free(shyper_backend_get_data(backend), request);
}

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

static bool aligned(const struct iovec *iov, unsigned int nr)
{
	for (; nr; nr--, iov++)
		if (((uintptr_t)iov->iov_base | iov->iov_len) % SECTOR_SIZE)
			return false;
	return true;
}

/* Puts the bounce buffer in the place of the next piece. */
static bool bounce(struct blk_request *request, const struct iovec *iov,
		   unsigned int nr)
{
	uint32_t length = request->length - request->done;

	if (!request->bounce)
		request->bounce = aligned_alloc(4096, BOUNCE_SIZE);
	if (!request->bounce)
		return false;
	if (length > BOUNCE_SIZE)
		length = BOUNCE_SIZE;
	if (request->type == VIRTIO_BLK_T_OUT)
		shyper_iov_read(iov, nr, request->offset + request->done,
				request->bounce, length);
	request->piece[0].iov_base = request->bounce;
	request->piece[0].iov_len = length;
	return true;
}

/* Hands over what was prepared; fails only while the kernel lacks memory. */
static void submit(struct blk *blk)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	while (io_uring_sq_ready(&blk->ring))
		if (io_uring_submit(&blk->ring) < 0)
			nanosleep(&pause, NULL);
}

static struct io_uring_sqe *submission(struct blk *blk)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&blk->ring);

	if (!sqe) {
		submit(blk);
		sqe = io_uring_get_sqe(&blk->ring);
	}
	return sqe;
}

/*
 * A driver that cannot flush takes a write that has ended for stable (virtio
 * 1.2, 5.2.5.2 and 5.2.6.2).
 */
static int write_flags(const struct shyper_backend *backend)
{
	return shyper_backend_get_driver_features(backend) & 1ULL << VIRTIO_BLK_F_FLUSH ?
	       0 : RWF_DSYNC;
}

/* Starts the transfer of what is still to be done. */
static void transfer(struct shyper_backend *backend, struct blk_request *request)
{
	struct blk *blk = shyper_backend_get_data(backend);
	uint64_t position = request->sector * SECTOR_SIZE + request->done;
	struct io_uring_sqe *sqe;
	unsigned int nr;
	const struct iovec *iov = data_segments(request, &nr);
	unsigned int pieces = shyper_iov_slice(request->piece, iov, nr,
					       request->offset + request->done,
					       request->length - request->done);

	request->bounced = blk->file.direct && !aligned(request->piece, pieces);
	if (request->bounced) {
		if (!bounce(request, iov, nr)) {
			request_end(backend, request, VIRTIO_BLK_S_IOERR);
			return;
		}
		pieces = 1;
	}
	sqe = submission(blk);
	if (request->type == VIRTIO_BLK_T_OUT)
		io_uring_prep_writev2(sqe, blk->file.fd, request->piece, pieces, position,
				      write_flags(backend));
	else
		io_uring_prep_readv(sqe, blk->file.fd, request->piece, pieces, position);
	io_uring_sqe_set_data(sqe, request);
}

static void flush(struct shyper_backend *backend, struct blk_request *request)
{
	struct blk *blk = shyper_backend_get_data(backend);
	struct io_uring_sqe *sqe = submission(blk);

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
	request_end(backend, request, VIRTIO_BLK_S_OK);
}

static bool in_range(const struct blk_file *file, const struct blk_request *request)
{
	uint64_t sectors = request->length / SECTOR_SIZE;

	return request->length % SECTOR_SIZE == 0 && sectors <= file->sectors &&
	       request->sector <= file->sectors - sectors;
}

static void request_begin(struct shyper_backend *backend, struct blk_request *request)
{
	const struct blk *blk = shyper_backend_get_data(backend);
	bool write = request->type == VIRTIO_BLK_T_OUT;

	switch (request->type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		if (!in_range(&blk->file, request) || (write && blk->file.readonly))
			request_end(backend, request, VIRTIO_BLK_S_IOERR);
		else if (!request->length)
			request_end(backend, request, VIRTIO_BLK_S_OK);
		else
			transfer(backend, request);
		return;
	case VIRTIO_BLK_T_FLUSH:
		flush(backend, request);
		return;
	case VIRTIO_BLK_T_GET_ID:
		get_id(backend, request);
		return;
	default:
		request_end(backend, request, VIRTIO_BLK_S_UNSUPP);
	}
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
	request->offset = 0;
	request->length = chain->in_length - 1;
	if (request->type == VIRTIO_BLK_T_OUT) {
		request->offset = sizeof(header);
		request->length = chain->out_length - sizeof(header);
	}
	return true;
}

static bool blk_queue(struct shyper_backend *backend, struct shyper_queue *queue)
{
	struct blk *blk = shyper_backend_get_data(backend);
	struct blk_request *request;
	unsigned int left;

	for (left = shyper_queue_get_size(queue); left && blk->free; left--) {
		request = blk->free;
		if (shyper_queue_pop(queue, &request->chain) <= 0)
			break;
		blk->free = request->next;
		if (request_parse(request)) {
			request_begin(backend, request);
			continue;
		}
		shyper_queue_break(queue, request->chain.head);
		request_free(blk, request);
	}
	submit(blk);
	return !left;
}

/* Books a transfer; false: it failed. */
static bool transferred(const struct blk *blk, struct blk_request *request, int result)
{
	unsigned int nr;
	const struct iovec *iov = data_segments(request, &nr);

	/* With O_DIRECT the rest has to begin at a sector. */
	if (result > 0 && blk->file.direct)
		result -= result % SECTOR_SIZE;
	if (result <= 0)
		return result == -EINTR || result == -EAGAIN;
	if (request->bounced && request->type == VIRTIO_BLK_T_IN)
		shyper_iov_write(iov, nr, request->offset + request->done,
				 request->bounce, result);
	request->done += result;
	return true;
}

static void request_done(struct shyper_backend *backend, struct blk_request *request,
			 int result)
{
	struct blk *blk = shyper_backend_get_data(backend);

	if (request->type == VIRTIO_BLK_T_FLUSH) {
		/* A file system may have no such thing as a write cache. */
		request_end(backend, request, !result || result == -EINVAL ?
			    VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR);
		return;
	}
	if (!transferred(blk, request, result))
		request_end(backend, request, VIRTIO_BLK_S_IOERR);
	else if (request->done == request->length)
		request_end(backend, request, VIRTIO_BLK_S_OK);
	else
		transfer(backend, request);
}

static void blk_completed(struct shyper_backend *backend, struct shyper_watch *watch,
			  uint32_t events)
{
	struct blk *blk = watch->data;
	struct io_uring_cqe *cqe;

	(void)events;
	while (!io_uring_peek_cqe(&blk->ring, &cqe)) {
		struct blk_request *request = io_uring_cqe_get_data(cqe);
		int result = cqe->res;

		io_uring_cqe_seen(&blk->ring, cqe);
		request_done(backend, request, result);
	}
	/* Next pieces; what waits in the queue is looked at from the loop. */
	submit(blk);
	shyper_backend_notify(backend, shyper_backend_get_queue(backend, 0));
	shyper_backend_kick(backend, 0);
}

static const struct shyper_backend_ops blk_ops = {
	.device_id = VIRTIO_ID_BLOCK,
	.nr_queues = 1,
	.queue_max = QUEUE_SIZE,
	.features = 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_BLK_SIZE |
		    1ULL << VIRTIO_BLK_F_SEG_MAX,
	.queue = blk_queue,
};

/*
 * The ring can do nothing but what a disk needs: its requests do not pass the
 * jail's filter of system calls.
 */
static int ring_open(struct blk *blk)
{
	struct io_uring_restriction allowed[3] = {};
	static const uint8_t codes[] = {
		IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC,
	};
	unsigned int n;
	int err;

	err = io_uring_queue_init(QUEUE_SIZE, &blk->ring, IORING_SETUP_R_DISABLED);
	if (err)
		return err;
	for (n = 0; n < 3; n++) {
		allowed[n].opcode = IORING_RESTRICTION_SQE_OP;
		allowed[n].sqe_op = codes[n];
	}
	/* By hand: liburing 2.3 declares functions for these and has none. */
	if (syscall(SYS_io_uring_register, blk->ring.ring_fd,
		    IORING_REGISTER_RESTRICTIONS, allowed, 3) ||
	    syscall(SYS_io_uring_register, blk->ring.ring_fd,
		    IORING_REGISTER_ENABLE_RINGS, NULL, 0))
		return -errno;
	return 0;
}

static int blk_start(struct shyper_backend *backend, struct blk *blk)
{
	struct virtio_blk_config config = {
		.capacity = htole64(blk->file.sectors),
		.seg_max = htole32(shyper_backend_get_queue_max(backend) > 2 ?
				   shyper_backend_get_queue_max(backend) - 2 : 1),
		.blk_size = htole32(blk->file.block_size),
	};
	unsigned int n;
	int err;

	for (n = 0; n < QUEUE_SIZE; n++) {
		blk->requests[n].chain.iov = blk->requests[n].segments;
		blk->requests[n].chain.max_segments = QUEUE_SIZE;
		request_free(blk, &blk->requests[n]);
	}
	if (blk->file.readonly)
		shyper_backend_offer(backend, 1ULL << VIRTIO_BLK_F_RO);
	err = shyper_backend_set_config(backend, &config, sizeof(config));
	if (!err)
		err = ring_open(blk);
	if (err)
		return err;
	blk->completions.fd = blk->ring.ring_fd;
	blk->completions.ready = blk_completed;
	blk->completions.data = blk;
	return shyper_backend_watch(backend, &blk->completions, EPOLLIN);
}

static int blk_open(struct shyper_backend *backend, const json_t *config)
{
	const char *path = NULL, *serial = shyper_backend_get_name(backend);
	struct blk *blk = shyper_backend_get_data(backend);
	bool readonly = false;
	int err, status;

	if (config_string(config, "path", &path) ||
	    config_string(config, "serial", &serial) ||
	    config_flag(config, "readonly", &readonly))
		return SHYPER_EXIT_CONFIG;
	if (!path) {
		say(SAY_ERROR, "configuration: \"path\" is missing");
		return SHYPER_EXIT_CONFIG;
	}
	/* Not terminated, if it fills the field (virtio 1.2, 5.2.6). */
	memcpy(blk->serial, serial, strnlen(serial, sizeof(blk->serial)));
	status = blk_file_open(&blk->file, path, readonly, shyper_backend_get_name(backend));
	if (status)
		return status;
	err = blk_start(backend, blk);
	if (!err)
		return 0;
	say(SAY_ERROR, "io_uring: %s", strerror(-err));
	return SHYPER_EXIT_RESTART;
}

#ifndef BLK_TEST
int main(int argc, char **argv)
{
	static struct blk blk;
	static const struct backend_program program = {
		.name = "shyper-blk",
		.ops = &blk_ops,
		.data = &blk,
		.open = blk_open,
	};

	return backend_main(argc, argv, &program);
}
#endif
