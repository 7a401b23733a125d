// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk on a device with blocks of 4096 bytes, and on a file whose file system is on
 * one: O_DIRECT takes whole blocks alone. The guest may use any sectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "disk.h"

#include <sys/ioctl.h>

#include "../../../libshyper/virtio/backend.h"

#define BLOCK	4096
#define IN	VIRTIO_BLK_T_IN
#define OUT	VIRTIO_BLK_T_OUT

/* The file is taken for a block device. */
static bool is_device;
/* Its O_DIRECT has been switched on. */
static bool direct;
/* What is submitted stays in the ring. */
static bool submission_waits;

int __real_fstat(int fd, struct stat *status);
int __wrap_fstat(int fd, struct stat *status);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
ssize_t __real_pread(int fd, void *buffer, size_t length, off_t offset);
ssize_t __wrap_pread(int fd, void *buffer, size_t length, off_t offset);
void __real_blk_ring_submit(struct blk *blk);
void __wrap_blk_ring_submit(struct blk *blk);

int __wrap_fstat(int fd, struct stat *status)
{
	int err = __real_fstat(fd, status);

	if (!err && is_device)
		status->st_mode = S_IFBLK | 0600;
	return err;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list list;

	(void)fd;
	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	switch (request) {
	case BLKGETSIZE64:
		*(uint64_t *)argument = SECTORS * SECTOR_SIZE;
		return 0;
	case BLKSSZGET:
		*(int *)argument = BLOCK;
		return 0;
	case BLKPBSZGET:
		*(unsigned int *)argument = BLOCK;
		return 0;
	case BLKIOOPT:
		*(unsigned int *)argument = 0;
		return 0;
	}
	errno = ENOTTY;
	return -1;
}

/* The flag is not the file's, which may be on anything. */
int __wrap_fcntl(int fd, int command, ...)
{
	va_list list;
	int argument;

	if (command != F_SETFL)
		return __real_fcntl(fd, command);
	va_start(list, command);
	argument = va_arg(list, int);
	va_end(list);
	direct = argument & O_DIRECT;
	return __real_fcntl(fd, command, argument & ~O_DIRECT);
}

static bool whole(uint64_t offset, const struct iovec *iov, unsigned int nr)
{
	uint64_t all = offset;

	for (; nr; nr--, iov++)
		all |= (uintptr_t)iov->iov_base | iov->iov_len;
	return all % BLOCK == 0;
}

ssize_t __wrap_pread(int fd, void *buffer, size_t length, off_t offset)
{
	const struct iovec iov = { buffer, length };

	if (direct && !whole(offset, &iov, 1)) {
		errno = EINVAL;
		return -1;
	}
	return __real_pread(fd, buffer, length, offset);
}

static bool refused(const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_READV:
	case IORING_OP_WRITEV:
		return !direct || !whole(sqe->off, (void *)(uintptr_t)sqe->addr, sqe->len);
	case IORING_OP_FALLOCATE:
		/* blkdev_fallocate() */
		return is_device && (sqe->off | sqe->addr) % BLOCK;
	}
	return false;
}

/* What such a file refuses fails, as does what goes past O_DIRECT. */
void __wrap_blk_ring_submit(struct blk *blk)
{
	struct io_uring_sq *sq = &blk->ring.sq;
	unsigned int n;

	if (submission_waits)
		return;
	for (n = sq->sqe_head; n != sq->sqe_tail; n++)
		if (refused(&sq->sqes[n & *sq->kring_mask]))
			sq->sqes[n & *sq->kring_mask].fd = -1;
	__real_blk_ring_submit(blk);
}

static void fill(void)
{
	static uint8_t bytes[SECTORS * SECTOR_SIZE];
	int fd = open(path, O_RDWR);

	memset(bytes, 0x5a, sizeof(bytes));
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	close(fd);
}

static int set_up_file(void **state)
{
	is_device = false;
	set_up(state);
	fill();
	return 0;
}

static int set_up_device(void **state)
{
	set_up_file(state);
	is_device = true;
	return 0;
}

/* Sectors from @begin to @end have nothing but @byte. */
static void check(unsigned int begin, unsigned int end, uint8_t byte)
{
	uint8_t bytes[SECTOR_SIZE], wanted[SECTOR_SIZE];
	int fd = open(path, O_RDONLY);

	memset(wanted, byte, sizeof(wanted));
	for (; begin < end; begin++) {
		assert_int_equal(__real_pread(fd, bytes, SECTOR_SIZE, begin * SECTOR_SIZE),
				 SECTOR_SIZE);
		assert_memory_equal(bytes, wanted, SECTOR_SIZE);
	}
	close(fd);
}

static void put(uint64_t sector, uint64_t offset, unsigned int sectors, uint8_t byte)
{
	const struct wanted wanted = { OUT, sector, offset, sectors * SECTOR_SIZE };

	memset(el2.ram + DATA + offset, byte, wanted.length);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	check(sector, sector + sectors, byte);
}

/* What is read there by itself is what the file has. */
static void get(uint64_t sector, uint64_t offset, unsigned int sectors)
{
	const struct wanted wanted = { IN, sector, offset, sectors * SECTOR_SIZE };
	uint8_t *data = el2.ram + DATA + offset;
	static uint8_t bytes[SECTORS * SECTOR_SIZE];
	uint32_t length;
	int fd = open(path, O_RDONLY);

	assert_int_equal(__real_pread(fd, bytes, wanted.length, sector * SECTOR_SIZE),
			 wanted.length);
	close(fd);
	data[wanted.length] = 0xee;
	assert_int_equal(request(&wanted, &length), VIRTIO_BLK_S_OK);
	assert_int_equal(length, wanted.length + 1);
	assert_memory_equal(data, bytes, wanted.length);
	assert_int_equal(data[wanted.length], 0xee);
}

static void test_blocks_are_told(void **state)
{
	const struct virtio_blk_config *config = (void *)el2.page->config;

	(void)state;
	el2_backend_start(serve);
	assert_int_equal(config->blk_size, BLOCK);
	assert_int_equal(config->physical_block_exp, 0);
	assert_int_equal(config->capacity, SECTORS);
	put(8, 0, 8, 1);
	put(16, 0, 64, 2);
	get(8, 0x20000, 72);
	check(0, 8, 0x5a);
	check(80, SECTORS, 0x5a);
}

/* Of the file, of its memory, and longer than the buffer. */
static void test_any_sectors(void **state)
{
	(void)state;
	el2_backend_start(serve);
	put(3, 0, 1, 1);
	put(6, 512, 4, 2);
	put(17, 3, 7, 3);
	put(24, 1, 8, 4);
	put(33, 0x10000, 300, 5);
	put(SECTORS - 1, 512, 1, 6);
	check(0, 3, 0x5a);
	check(4, 6, 0x5a);
	check(10, 17, 0x5a);
	check(32, 33, 0x5a);
	check(333, SECTORS - 1, 0x5a);
	get(3, 0, 1);
	get(0, 512, 9);
	get(1, 0x10001, 340);
	get(SECTORS - 3, 3, 3);
	assert_int_equal(el2.state->counters.errors, 0);
}

/* A write that reads its block is alone: what else is written there is not lost. */
static void test_parts_of_one_block(void **state)
{
	unsigned int n;

	(void)state;
	el2_backend_start(serve);
	memset(el2.ram + DATA, 7, BLOCK);
	for (n = 0; n < 8; n++) {
		const struct wanted wanted = { OUT, 40 + n, n * SECTOR_SIZE, SECTOR_SIZE };

		offer(3 * n, &wanted);
	}
	el2_notify(1);
	for (n = 0; n < 8; n++)
		finish();
	check(40, 48, 7);
	check(32, 40, 0x5a);
	check(48, 56, 0x5a);
}

/* Hands over what waits in the ring, and sees it done; what follows waits again. */
static void go_on(struct shyper_backend *backend, struct blk *blk)
{
	struct io_uring_cqe *cqe;

	submission_waits = false;
	blk_ring_submit(blk);
	submission_waits = true;
	assert_int_equal(io_uring_wait_cqe(&blk->ring, &cqe), 0);
	blk_completed(backend, &blk->completions, EPOLLIN);
}

/* It begins when those before it have ended, and those behind wait for its end. */
static void test_alone(void **state)
{
	static struct blk blk;
	static const struct wanted wanted[] = {
		{ OUT, 0, 0, BLOCK }, { OUT, 1, 0x2000, SECTOR_SIZE }, { OUT, 0, 0x4000, BLOCK },
	};
	struct shyper_backend *backend = el2_backend_open("cell1.blk0", &blk_ops, &blk);
	json_t *config = json_pack("{s:s}", "path", path);
	struct shyper_queue *queue;
	unsigned int n;

	(void)state;
	assert_int_equal(blk_open(backend, config), 0);
	json_decref(config);
	backend_adopt_all(backend);
	queue = shyper_backend_get_queue(backend, 0);
	for (n = 0; n < 3; n++) {
		memset(el2.ram + DATA + wanted[n].offset, n + 1, wanted[n].length);
		offer(3 * n, &wanted[n]);
	}
	submission_waits = true;
	assert_false(blk_queue(backend, queue));
	assert_int_equal(queue->in_flight, 2);
	assert_int_equal(io_uring_sq_ready(&blk.ring), 1);
	go_on(backend, &blk);
	check(0, 8, 1);
	/* The block is read, then written. */
	assert_int_equal(io_uring_sq_ready(&blk.ring), 1);
	go_on(backend, &blk);
	check(0, 8, 1);
	assert_false(blk_queue(backend, queue));
	assert_int_equal(queue->in_flight, 1);
	backend->pending = 0;
	go_on(backend, &blk);
	check(0, 1, 1);
	check(1, 2, 2);
	check(2, 8, 1);
	assert_int_equal(backend->pending & 1, 1);
	blk_queue(backend, queue);
	go_on(backend, &blk);
	check(0, 8, 3);
	assert_int_equal(queue->in_flight, 0);
	for (n = 0; n < 3; n++)
		assert_int_equal(*status_of(3 * n), VIRTIO_BLK_S_OK);
	submission_waits = false;
	io_uring_queue_exit(&blk.ring);
	close(blk.file.fd);
	if (blk.file.claim >= 0)
		close(blk.file.claim);
	shyper_backend_close(backend);
	free(blk.requests);
}

static uint8_t range(uint32_t type, uint64_t sector, uint32_t sectors)
{
	const struct virtio_blk_discard_write_zeroes one = { sector, sectors, 0 };
	const struct wanted wanted = { type, 0, 0, sizeof(one) };

	memcpy(el2.ram + DATA, &one, sizeof(one));
	return request(&wanted, NULL);
}

static void test_zeroes_in_parts_of_blocks(void **state)
{
	(void)state;
	el2_backend_start(serve);
	assert_int_equal(range(VIRTIO_BLK_T_WRITE_ZEROES, 3, 2), VIRTIO_BLK_S_OK);
	assert_int_equal(range(VIRTIO_BLK_T_WRITE_ZEROES, 15, 100), VIRTIO_BLK_S_OK);
	assert_int_equal(range(VIRTIO_BLK_T_WRITE_ZEROES, SECTORS - 8, 8), VIRTIO_BLK_S_OK);
	check(0, 3, 0x5a);
	check(3, 5, 0);
	check(5, 15, 0x5a);
	check(15, 115, 0);
	check(115, SECTORS - 8, 0x5a);
	check(SECTORS - 8, SECTORS, 0);
}

/* A device has holes of whole blocks; what is left of a discard it need not do. */
static void test_discard_of_whole_blocks(void **state)
{
	(void)state;
	el2_backend_start(serve);
	assert_int_equal(range(VIRTIO_BLK_T_DISCARD, 3, 2), VIRTIO_BLK_S_OK);
	assert_int_equal(range(VIRTIO_BLK_T_DISCARD, 15, 100), VIRTIO_BLK_S_OK);
	check(0, 16, 0x5a);
	check(16, 112, 0);
	check(112, SECTORS, 0x5a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up_device, tear_down)
#define TEST_OF_FILE(test) { \
	.name = "test_" #test "_of_a_file", .test_func = test_##test, \
	.setup_func = set_up_file, .teardown_func = tear_down }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(blocks_are_told), TEST(any_sectors), TEST_OF_FILE(any_sectors),
		TEST(parts_of_one_block), TEST(alone), TEST(zeroes_in_parts_of_blocks),
		TEST_OF_FILE(zeroes_in_parts_of_blocks), TEST(discard_of_whole_blocks),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("virtio/blk-blocks", tests, NULL, NULL);
}
