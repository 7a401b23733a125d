/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of shyper-blk.
 *
 *	blk.c		the device: configuration, queues
 *	blk-request.c	requests
 *	blk-transfer.c	those that have data: read, write
 *	blk-range.c	those that have no data: discard, write zeroes
 *	blk-ring.c	io_uring, which does all I/O
 *	blk-rate.c	limits
 *	blk-file.c	the file behind it: open, lock, size, O_DIRECT
 */
#ifndef BACKEND_BLK_H
#define BACKEND_BLK_H

#include <liburing.h>
#include <linux/virtio_blk.h>
#include <stdbool.h>
#include <stdint.h>

#include <shyper/virtio/backend.h>

#define SECTOR_SIZE	512
#define QUEUE_SIZE	256
#define MAX_QUEUES	16
/* Ranges in a discard or write zeroes, and the length of each: 1 GiB. */
#define MAX_RANGES	16
#define RANGE_SECTORS	(1U << 21)

/**
 * struct blk_file - the file or block device behind a disk
 * @fd: does the I/O and holds the lock
 * @claim: keeps a block device from being mounted or claimed otherwise; -1: none
 * @readonly: opened so
 * @direct: with O_DIRECT: memory, position and length in units of @unit
 * @unit: at least @block_size; the size is a multiple of it
 * @sectors: size
 * @block_size: bytes that its device has in a block; a file has sectors
 * @physical_size: bytes that are written together, or read before
 * @optimal_size: bytes that are best written together
 */
struct blk_file {
	int fd;
	int claim;
	bool readonly;
	bool direct;
	uint32_t unit;
	uint64_t sectors;
	uint32_t block_size;
	uint32_t physical_size;
	uint32_t optimal_size;
};

/* Bytes of the file; @unmap: they may be given back to the file system. */
struct blk_range {
	uint64_t position;
	uint64_t length;
	bool unmap;
};

struct blk_request;

typedef void blk_begin(struct shyper_backend *backend, struct blk_request *request);

/**
 * struct blk_request - a request that is served
 * @chain: of the guest; its segments are @segments
 * @queue: that it came from
 * @type: @sector: as the guest gave them
 * @offset: of the data within the readable or writable segments
 * @length: of the data, or of the current range
 * @done: of @length
 * @piece: segments of the current transfer
 * @part: bytes of the request that are under way
 * @bounce: takes part in the current transfer, if its memory or its ends do not fit
 * @skip: bytes of @bounce before those of the request
 * @merging: they are read, and those behind, to be written back around the request
 * @begin: when it is alone
 * @ranges: @nr_ranges, of which @range is the current one
 * @by_writes: the file system has no zeroes but those that are written
 * @syncing: done, but for the file's cache
 * @next: free one
 */
struct blk_request {
	struct shyper_chain chain;
	unsigned int queue;
	uint32_t type;
	uint64_t sector;
	uint32_t offset;
	uint32_t length;
	uint32_t done;
	uint64_t part;
	uint32_t skip;
	bool bounced;
	bool merging;
	bool by_writes;
	bool syncing;
	uint8_t *bounce;
	blk_begin *begin;
	unsigned int range;
	unsigned int nr_ranges;
	struct blk_range ranges[MAX_RANGES];
	struct blk_request *next;
	struct iovec segments[QUEUE_SIZE];
	struct iovec piece[QUEUE_SIZE];
};

/**
 * struct blk_limit - so many units a second
 * @rate: 0: no limit
 * @due: when (CLOCK_MONOTONIC, in ns) all that was let through would have been
 *	so at an even pace
 */
struct blk_limit {
	uint64_t rate;
	uint64_t due;
};

/**
 * struct blk_rate - limits of a disk
 * @timer: -1: there are none
 * @closed: until @timer expires
 */
struct blk_rate {
	struct blk_limit requests;
	struct blk_limit bytes;
	struct shyper_watch timer;
	bool closed;
};

/**
 * struct blk - a disk
 * @write_back: as the configuration space has it: writes may stay in the cache
 * @syncing: blk_sync() is under way
 * @sync_again: it has to be once more, before any other request
 * @poll: look for more before each sleep
 * @fresh: those of @requests that were never taken
 * @taken: those that are not free
 * @alone: waits until no other one is taken, and lets none be
 */
struct blk {
	struct blk_file file;
	char serial[VIRTIO_BLK_ID_BYTES];
	bool write_back;
	bool syncing;
	bool sync_again;
	bool poll;
	unsigned int nr_queues;
	struct io_uring ring;
	struct shyper_watch completions;
	struct blk_rate rate;
	struct blk_request *requests;
	unsigned int nr_requests;
	unsigned int fresh;
	unsigned int taken;
	struct blk_request *alone;
	struct blk_request *free;
};

/*
 * blk-file.c. Opens @path, locks it, waits for what a dead predecessor of
 * @device has still in flight. Returns 0 or SHYPER_EXIT_*, and has said why.
 */
int blk_file_open(struct blk_file *file, const char *path, bool readonly,
		  const char *device);

/* blk-ring.c */
int blk_ring_open(struct io_uring *ring, unsigned int nr_requests);
/* Always there is one: what waits is handed over first. */
struct io_uring_sqe *blk_ring_get(struct blk *blk);
/* Hands over what was prepared. */
void blk_ring_submit(struct blk *blk);

/* blk-rate.c. Negative errno. */
int blk_rate_open(struct shyper_backend *backend, struct blk_rate *rate);
/* Whether one more request may begin; else the queues are called again in time. */
bool blk_rate_allows(struct blk_rate *rate);
void blk_rate_charge_request(struct blk_rate *rate);
/* Of a request that was checked: one that is refused moves nothing. */
void blk_rate_charge_bytes(struct blk_rate *rate, uint64_t bytes);

/* blk-request.c: the operation "queue", and what the ring has to tell. */
bool blk_queue(struct shyper_backend *backend, struct shyper_queue *queue);
void blk_completed(struct shyper_backend *backend, struct shyper_watch *watch,
		   uint32_t events);
/*
 * Makes what was written stable before anything that is taken from a queue from
 * now on; in the background.
 */
void blk_sync(struct blk *blk);
/* Whether a write has to be stable when it ends. */
bool blk_writes_through(const struct shyper_backend *backend);
void blk_request_end(struct shyper_backend *backend, struct blk_request *request,
		     uint8_t status);
bool blk_range_fits(const struct blk_file *file, uint64_t sector, uint64_t sectors);
/*
 * Of a request that writes a part of a block, and so has to read it before: what
 * others write there meanwhile would be lost.
 */
void blk_begin_alone(struct shyper_backend *backend, struct blk_request *request,
		     blk_begin *begin);

/* blk-transfer.c: begins such a request; goes on with it after a result of the ring. */
void blk_transfer(struct shyper_backend *backend, struct blk_request *request);
void blk_transfer_done(struct shyper_backend *backend, struct blk_request *request,
		       int result);
/* Whether there are blocks of which it is but a part. */
bool blk_is_partial(const struct blk_file *file, uint64_t position, uint64_t length);
/*
 * Moves, by the bounce buffer, what @length bytes at @position have in the blocks
 * that fit in there. Where they leave something of the blocks that are to be written
 * those are read, and blk_merge() with the result of that goes on.
 */
void blk_bounce(struct shyper_backend *backend, struct blk_request *request,
		uint64_t position, uint64_t length);
/* False: it was no such read, or has failed. */
bool blk_merge(struct shyper_backend *backend, struct blk_request *request,
	       uint64_t position, int result);
/* How many bytes of the request a result means: 0: none, it failed. */
uint32_t blk_moved(const struct blk_file *file, const struct blk_request *request,
		   int result);

/* blk-range.c: begins such a request; goes on with it after a result of the ring. */
void blk_range_begin(struct shyper_backend *backend, struct blk_request *request);
void blk_range_done(struct shyper_backend *backend, struct blk_request *request,
		    int result);

#endif /* BACKEND_BLK_H */
