// SPDX-License-Identifier: GPL-2.0-or-later
/* The ring through which a disk's I/O goes. */
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "blk.h"

void blk_ring_submit(struct blk *blk)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	/* Fails only while the kernel lacks memory: completions have room (see below). */
	while (io_uring_sq_ready(&blk->ring))
		if (io_uring_submit(&blk->ring) < 0)
			nanosleep(&pause, NULL);
}

struct io_uring_sqe *blk_ring_get(struct blk *blk)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&blk->ring);

	if (!sqe) {
		blk_ring_submit(blk);
		sqe = io_uring_get_sqe(&blk->ring);
	}
	return sqe;
}

/*
 * The ring can do nothing but what a disk needs: its requests do not pass the
 * jail's filter of system calls. FALLOCATE acts on the descriptor that it is
 * given, and of the files that can have holes only the disk is open: the cell's
 * memory is mapped, and its descriptors are closed.
 */
static int restrict_to_disk(int fd)
{
	static const uint8_t codes[] = {
		IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC,
		IORING_OP_FALLOCATE,
	};
	struct io_uring_restriction allowed[sizeof(codes) + 1] = {};
	unsigned int n;

	for (n = 0; n < sizeof(codes); n++) {
		allowed[n].opcode = IORING_RESTRICTION_SQE_OP;
		allowed[n].sqe_op = codes[n];
	}
	allowed[n].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	allowed[n].sqe_flags = IOSQE_IO_DRAIN;
	/* By hand: liburing 2.3 declares functions for these and has none. */
	if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_RESTRICTIONS, allowed,
		    n + 1) ||
	    syscall(SYS_io_uring_register, fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0))
		return -errno;
	return 0;
}

/*
 * There is room for the completions of all that can be under way, each request
 * once and a sync: completions that overflow would make io_uring_enter(2) refuse
 * to take more (EBUSY) until they were read, which a loop that submits does not do.
 */
int blk_ring_open(struct io_uring *ring, unsigned int nr_requests)
{
	unsigned int room = nr_requests + 1;
	struct io_uring_params params = {
		.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE,
		.cq_entries = room > 2 * QUEUE_SIZE ? room : 2 * QUEUE_SIZE,
	};
	int err;

	err = io_uring_queue_init_params(QUEUE_SIZE, ring, &params);
	return err ? err : restrict_to_disk(ring->ring_fd);
}
