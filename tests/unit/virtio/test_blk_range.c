// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Discard and write zeroes: what they do to the file, on file systems that can do
 * more and less, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "disk.h"

#define FLAG_UNMAP	VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP

/* On tmpfs, which has holes but no ranges of zeroes. */
static int set_up_tmpfs(void **state)
{
	int fd;

	set_up(state);
	unlink(path);
	snprintf(path, sizeof(path), "/dev/shm/test_blk_range.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SECTORS * SECTOR_SIZE), 0);
	close(fd);
	return 0;
}

/* Every byte of the file is 0x5a. */
static void fill(void)
{
	static uint8_t bytes[SECTORS * SECTOR_SIZE];
	int fd = open(path, O_RDWR);

	memset(bytes, 0x5a, sizeof(bytes));
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	close(fd);
}

/* Sectors from @begin to @end are zeroes, or as fill() has left them. */
static void check(unsigned int begin, unsigned int end, bool zero)
{
	uint8_t bytes[SECTOR_SIZE], wanted[SECTOR_SIZE];
	int fd = open(path, O_RDONLY);

	memset(wanted, zero ? 0 : 0x5a, sizeof(wanted));
	for (; begin < end; begin++) {
		assert_int_equal(pread(fd, bytes, SECTOR_SIZE, begin * SECTOR_SIZE),
				 SECTOR_SIZE);
		assert_memory_equal(bytes, wanted, SECTOR_SIZE);
	}
	close(fd);
}

static uint64_t blocks_of_file(void)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, SECTORS * SECTOR_SIZE);
	return status.st_blocks;
}

typedef struct virtio_blk_discard_write_zeroes range_t;

/* A request of @nr ranges; its status. */
static uint8_t ranges(uint32_t type, unsigned int nr, const range_t *list)
{
	struct wanted wanted = { type, 0, 0, nr * sizeof(*list) };

	memcpy(el2.ram + DATA, list, wanted.length);
	return request(&wanted, NULL);
}

static uint8_t range(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	const range_t one = { sector, sectors, flags };

	return ranges(type, 1, &one);
}

static void cache_on(void)
{
	el2.page->driver_features |= 1ULL << VIRTIO_BLK_F_FLUSH;
}

static void test_discard(void **state)
{
	static const range_t list[] = {
		{ 64, 64, 0 }, { 256, 0, 0 }, { 1024, 1024, 0 }, { SECTORS - 8, 8, 0 } };
	uint64_t before;

	(void)state;
	fill();
	before = blocks_of_file();
	el2_backend_start(serve);
	assert_int_equal(ranges(VIRTIO_BLK_T_DISCARD, 4, list), VIRTIO_BLK_S_OK);
	/* Its length stays. */
	assert_true(blocks_of_file() <= before - 64 - 1024);
	check(0, 64, false);
	check(64, 128, true);
	check(128, 1024, false);
	check(1024, 2048, true);
	check(2048, SECTORS - 8, false);
	check(SECTORS - 8, SECTORS, true);
	assert_int_equal(el2.state->counters.others, 1);
	assert_int_equal(el2.state->counters.errors, 0);
	cache_on();
	assert_int_equal(range(VIRTIO_BLK_T_DISCARD, 0, 8, 0), VIRTIO_BLK_S_OK);
	check(0, 8, true);
}

/* In the jail, where a system call too many is the end. */
static void zeroes_are_exact(void)
{
	static const range_t list[MAX_RANGES] = {
		{ 1, 2, 0 }, { 9, 7, FLAG_UNMAP }, { 512, 1024, 0 },
		{ 2048, 1024, FLAG_UNMAP }, { SECTORS - 1, 1, 0 } };
	unsigned int round;

	jailed = true;
	el2_backend_start(serve);
	for (round = 0; round < 2; round++) {
		fill();
		assert_int_equal(ranges(VIRTIO_BLK_T_WRITE_ZEROES, MAX_RANGES, list),
				 VIRTIO_BLK_S_OK);
		check(0, 1, false);
		check(1, 3, true);
		check(3, 9, false);
		check(9, 16, true);
		check(16, 512, false);
		check(512, 1536, true);
		check(1536, 2048, false);
		check(2048, 3072, true);
		check(3072, SECTORS - 1, false);
		check(SECTORS - 1, SECTORS, true);
		cache_on();
	}
	/* More than one write can hold. */
	assert_int_equal(range(VIRTIO_BLK_T_WRITE_ZEROES, 1, SECTORS - 2, 0), VIRTIO_BLK_S_OK);
	check(0, 1, false);
	check(1, SECTORS, true);
	assert_int_equal(el2.state->counters.errors, 0);
}

static void test_write_zeroes(void **state)
{
	(void)state;
	zeroes_are_exact();
}

static void test_write_zeroes_on_tmpfs(void **state)
{
	(void)state;
	zeroes_are_exact();
}

/* What may not be given back is not; what may, is. */
static void test_unmap(void **state)
{
	uint64_t before;

	(void)state;
	fill();
	before = blocks_of_file();
	el2_backend_start(serve);
	assert_int_equal(range(VIRTIO_BLK_T_WRITE_ZEROES, 64, 1024, 0), VIRTIO_BLK_S_OK);
	assert_true(blocks_of_file() >= before);
	assert_int_equal(range(VIRTIO_BLK_T_WRITE_ZEROES, 64, 1024, FLAG_UNMAP),
			 VIRTIO_BLK_S_OK);
	assert_true(blocks_of_file() <= before - 1024);
}

static void test_hostile_ranges(void **state)
{
	static const struct {
		range_t range;
		uint8_t discard, zeroes;
	} cases[] = {
		{ { SECTORS, 1, 0 }, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ { SECTORS - 1, 2, 0 }, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ { 0, SECTORS + 1, 0 }, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ { ~0ULL, 1, 0 }, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ { 1ULL << 55, 1, 0 }, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ { 0, ~0U, 0 }, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ { 0, RANGE_SECTORS + 1, 0 }, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR },
		{ { 0, 1, 2 }, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_S_UNSUPP },
		{ { 0, 1, 1U << 31 }, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_S_UNSUPP },
		{ { 0, 1, FLAG_UNMAP }, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_S_OK },
	};
	/* Nothing is done of a list of which one is wrong. */
	static const range_t last_is_wrong[] = { { 64, 64, 0 }, { SECTORS, 64, 0 } };
	unsigned int n;

	(void)state;
	fill();
	el2_backend_start(serve);
	assert_int_equal(ranges(VIRTIO_BLK_T_DISCARD, 2, last_is_wrong), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ranges(VIRTIO_BLK_T_WRITE_ZEROES, 2, last_is_wrong),
			 VIRTIO_BLK_S_IOERR);
	check(0, SECTORS, false);
	for (n = 0; n < sizeof(cases) / sizeof(*cases); n++) {
		assert_int_equal(ranges(VIRTIO_BLK_T_DISCARD, 1, &cases[n].range),
				 cases[n].discard);
		assert_int_equal(ranges(VIRTIO_BLK_T_WRITE_ZEROES, 1, &cases[n].range),
				 cases[n].zeroes);
	}
	check(1, SECTORS, false);
	assert_int_equal(el2.state->counters.bad_chains, 0);
	assert_int_equal(el2.state->counters.in_flight, 0);
}

/* Lists that are none: no length, half an entry, more than was told. */
static void test_hostile_lists(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 15, 17, 31, MAX_RANGES * 16 + 16, 4096 };
	unsigned int n;

	(void)state;
	fill();
	el2_backend_start(serve);
	memset(el2.ram + DATA, 0, 4096);
	for (n = 0; n < sizeof(lengths) / sizeof(*lengths); n++) {
		struct wanted wanted = { VIRTIO_BLK_T_DISCARD, 0, 0, lengths[n] };

		assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_IOERR);
		wanted.type = VIRTIO_BLK_T_WRITE_ZEROES;
		assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_IOERR);
	}
	check(0, SECTORS, false);
}

static void test_read_only(void **state)
{
	(void)state;
	fill();
	readonly = true;
	el2_backend_start(serve);
	assert_false(el2.page->features & (1ULL << VIRTIO_BLK_F_DISCARD |
					   1ULL << VIRTIO_BLK_F_WRITE_ZEROES));
	assert_int_equal(range(VIRTIO_BLK_T_DISCARD, 0, 8, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0), VIRTIO_BLK_S_IOERR);
	check(0, SECTORS, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
#define ON_TMPFS(name) cmocka_unit_test_setup_teardown(test_##name, set_up_tmpfs, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(discard), TEST(write_zeroes), ON_TMPFS(write_zeroes_on_tmpfs),
		TEST(unmap), TEST(hostile_ranges), TEST(hostile_lists), TEST(read_only),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("virtio/blk-range", tests, NULL, NULL);
}
