// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests of a disk with wild types, sectors, lengths, ranges and buffers: each is
 * refused, or does what a model of a disk does; the file and the guest's memory have
 * no other byte changed. Repeatable; an argument gives the number of requests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define SECTORS		256
#include "disk.h"

#include <sched.h>
#include <time.h>

#define RUNS		8000
#define SEED		1
/* The end of the memory: what goes on beyond it is outside. */
#define AREA_SIZE	0x20000
#define AREA		(DRIVER_RAM_SIZE - AREA_SIZE)
#define DISK_SIZE	(SECTORS * SECTOR_SIZE)
#define MAX_SEGMENTS	6
#define TABLE		(AREA - 0x1000)	/* of indirect descriptors */
#define SERIAL		"disk-of-a-test"

static uint64_t random_state = SEED;
static unsigned long runs = RUNS;

static uint32_t pick(uint32_t limit)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (random_state >> 33) % limit;
}

/* What should be, and the current request. */
static struct {
	uint8_t area[AREA_SIZE];
	uint8_t disk[DISK_SIZE];
	struct segment {
		uint64_t offset;	/* within the memory, or beyond */
		uint32_t length;
		bool write;
	} segments[MAX_SEGMENTS];
	unsigned int nr;
	uint32_t written;		/* of the area's second half, by segments so far */
	uint8_t out[AREA_SIZE * MAX_SEGMENTS];
	uint32_t out_length, in_length;
} model;

static uint64_t odd_sector(void)
{
	static const uint64_t values[] = {
		0, 1, SECTORS / 2, SECTORS - 9, SECTORS - 1, SECTORS, SECTORS + 1,
		1ULL << 32, 1ULL << 55, (1ULL << 55) - 1, 1ULL << 63, ~0ULL, ~0ULL - 7,
	};

	return pick(3) ? pick(SECTORS) : values[pick(sizeof(values) / sizeof(*values))];
}

static uint32_t odd_type(void)
{
	static const uint32_t types[] = {
		VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_FLUSH, VIRTIO_BLK_T_GET_ID,
		VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES, VIRTIO_BLK_T_IN,
		VIRTIO_BLK_T_OUT, 2, 3, 5, 14, 0x80000000, 0xffffffff,
	};

	return types[pick(sizeof(types) / sizeof(*types))];
}

static uint32_t odd_length(void)
{
	static const uint32_t values[] = {
		0, 1, 15, 16, 17, 511, 513, 4095, 0x7fffffff, 0xffffffff, 0xfffffe00,
	};

	return pick(24) ? SECTOR_SIZE * pick(20) : values[pick(sizeof(values) / sizeof(*values))];
}

/*
 * Most of them in the area: what is read anywhere in its first half; what is written,
 * of which the order is not known, one behind the other in its second.
 */
static uint64_t odd_address(uint32_t length, bool write)
{
	static const uint64_t values[] = {
		0, DRIVER_RAM - 8, DRIVER_RAM + DRIVER_RAM_SIZE - 8,
		DRIVER_RAM + DRIVER_RAM_SIZE, 1ULL << 48, ~0ULL, ~0ULL - 511,
	};
	uint32_t half = AREA_SIZE / 2, offset;

	if (!pick(200))
		return values[pick(sizeof(values) / sizeof(*values))];
	offset = write ? half + model.written + pick(1000) :
		 pick(length < half ? half - length : 1);
	if (pick(2))
		offset -= offset % SECTOR_SIZE;
	if (write && offset < half + model.written)
		offset += SECTOR_SIZE;
	if (write && length < half)
		model.written = offset + length - half;
	return DRIVER_RAM + AREA + offset;
}

/* What the device reads: a header and, of some types, ranges; the rest is as it was. */
static void put_header(uint8_t *bytes)
{
	struct virtio_blk_outhdr header = { .type = odd_type(), .sector = odd_sector() };
	struct virtio_blk_discard_write_zeroes range;
	unsigned int n;

	memcpy(bytes, &header, sizeof(header));
	for (n = 0; n < 18; n++) {
		range = (struct virtio_blk_discard_write_zeroes){
			.sector = pick(8) ? pick(SECTORS) : odd_sector(),
			.num_sectors = pick(8) ? pick(40) : pick(2) ? ~0U : 1U << pick(32),
			.flags = pick(12) ? pick(2) : pick(4),
		};
		memcpy(bytes + sizeof(header) + n * sizeof(range), &range, sizeof(range));
	}
}

/* Most of the lengths are such as requests have. */
static uint32_t segment_length(unsigned int n, bool write, bool ranges)
{
	if (!n)
		return pick(20) ? 16 : pick(17);
	if (!write && ranges)
		return 16 * pick(18);
	if (n == model.nr - 1)
		return pick(20) ? 1 : odd_length();
	return odd_length();
}

static void put_chain(struct vring_desc *desc)
{
	unsigned int n, nr_out = 1 + pick(pick(20) ? model.nr - 1 : model.nr);
	bool ranges = pick(2), whole = pick(2);

	model.written = 0;
	for (n = 0; n < model.nr; n++) {
		struct segment *segment = &model.segments[n];

		segment->write = n >= nr_out;
		segment->length = segment_length(n, segment->write, ranges);
		segment->offset = odd_address(segment->length, segment->write) - DRIVER_RAM;
		/* Ranges behind their header. */
		if (n == 1 && !segment->write && whole)
			segment->offset = model.segments[0].offset + model.segments[0].length;
		driver_desc(&desc[n], segment->offset + DRIVER_RAM, segment->length,
			    (segment->write ? VRING_DESC_F_WRITE : 0) |
			    (n + 1 < model.nr ? VRING_DESC_F_NEXT : 0), n + 1);
	}
}

/* In the ring, or in a table of its own. */
static void offer_wild(struct driver *driver)
{
	struct vring_desc *table = (void *)(el2.ram + TABLE);
	uint64_t header;

	model.nr = 2 + pick(MAX_SEGMENTS - 1);
	if (pick(4)) {
		put_chain(driver->desc);
	} else {
		put_chain(table);
		driver_desc(&driver->desc[0], DRIVER_RAM + TABLE, 16 * model.nr,
			    VRING_DESC_F_INDIRECT, 0);
	}
	header = model.segments[0].offset;
	if (header >= AREA && header < DRIVER_RAM_SIZE - 1024)
		put_header(el2.ram + header);
	memcpy(model.area, el2.ram + AREA, AREA_SIZE);
	driver_offer(driver, 0);
}

/* False: the device failed. */
static bool finished(struct driver *driver, struct vring_used_elem *element)
{
	time_t end = time(NULL) + 20;

	for (;;) {
		if (driver_take(driver, element))
			return true;
		if (el2_failed(0))
			return false;
		assert_true(time(NULL) < end);
		sched_yield();
	}
}

static void start_again(struct driver *driver)
{
	static uint32_t epoch = 1;

	el2_post(HVISOR_OP_RESET, 0, 0, 4, 0);
	assert_true(el2_answered(0, NULL, 10000));
	driver_init(driver, el2.ram, 0, EL2_QUEUE_SIZE);
	el2.page->queues[0] = driver_ring(driver, ++epoch);
	el2_notify(HVISOR_BELL_DRIVER_OK | 1);
}

/* What the device was given to read, in one piece, as it was before. */
static void gather(void)
{
	unsigned int n;

	model.out_length = model.in_length = 0;
	for (n = 0; n < model.nr; n++) {
		uint64_t offset = model.segments[n].offset;
		uint32_t length = model.segments[n].length;

		/* One that is elsewhere makes the device fail. */
		assert_true(!length || (offset >= AREA && offset + length <= DRIVER_RAM_SIZE));
		if (model.segments[n].write) {
			model.in_length += length;
			continue;
		}
		memcpy(model.out + model.out_length, model.area + offset - AREA, length);
		model.out_length += length;
	}
}

/* Puts bytes where the device is to have written them. */
static void scatter(uint32_t at, const void *bytes, uint32_t length)
{
	const uint8_t *from = bytes;
	uint32_t skip = at, room;
	unsigned int n;

	for (n = 0; n < model.nr && length; n++) {
		if (!model.segments[n].write)
			continue;
		if (skip >= model.segments[n].length) {
			skip -= model.segments[n].length;
			continue;
		}
		room = model.segments[n].length - skip;
		if (room > length)
			room = length;
		memcpy(model.area + model.segments[n].offset - AREA + skip, from, room);
		from += room;
		length -= room;
		skip = 0;
	}
}

static bool fits(uint64_t sector, uint64_t sectors)
{
	return sectors <= SECTORS && sector <= SECTORS - sectors;
}

/* Whether they are all right; and, if so, the model has them zeroed. */
static bool zero_ranges(uint32_t type)
{
	struct virtio_blk_discard_write_zeroes ranges[MAX_RANGES];
	uint32_t nr = (model.out_length - 16) / sizeof(*ranges), n;

	if ((model.out_length - 16) % sizeof(*ranges) || !nr || nr > MAX_RANGES)
		return false;
	memcpy(ranges, model.out + 16, nr * sizeof(*ranges));
	for (n = 0; n < nr; n++)
		if (ranges[n].flags & ~(type == VIRTIO_BLK_T_WRITE_ZEROES ? 1U : 0U) ||
		    !fits(ranges[n].sector, ranges[n].num_sectors))
			return false;
	for (n = 0; n < nr; n++)
		memset(model.disk + ranges[n].sector * SECTOR_SIZE, 0,
		       (size_t)ranges[n].num_sectors * SECTOR_SIZE);
	return true;
}

/* Does the request to the model; returns its status, but that it tells no errors apart. */
static uint8_t expect_request(void)
{
	struct virtio_blk_outhdr header;
	uint32_t length;
	uint64_t position;

	memcpy(&header, model.out, sizeof(header));
	position = header.sector * SECTOR_SIZE;
	switch (header.type) {
	case VIRTIO_BLK_T_IN:
		length = model.in_length - 1;
		if (length % SECTOR_SIZE || !fits(header.sector, length / SECTOR_SIZE))
			return VIRTIO_BLK_S_IOERR;
		scatter(0, model.disk + position, length);
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_OUT:
		length = model.out_length - 16;
		if (length % SECTOR_SIZE || !fits(header.sector, length / SECTOR_SIZE))
			return VIRTIO_BLK_S_IOERR;
		memcpy(model.disk + position, model.out + 16, length);
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_GET_ID:
		length = model.in_length - 1;
		scatter(0, SERIAL "\0\0\0\0\0\0", length < 20 ? length : 20);
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_FLUSH:
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return zero_ranges(header.type) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
	}
	return VIRTIO_BLK_S_UNSUPP;
}

/* The status that the guest finds, which is the last byte of all. */
static uint8_t found_status(void)
{
	unsigned int n = model.nr;

	while (!model.segments[--n].write || !model.segments[n].length)
		;
	return el2.ram[model.segments[n].offset + model.segments[n].length - 1];
}

/* Whether there is room for header and status; else the device fails after the answer. */
static bool is_request(void)
{
	gather();
	if (model.out_length >= sizeof(struct virtio_blk_outhdr) && model.in_length)
		return true;
	assert_true(el2_failed(10000));
	return false;
}

/* What was answered is what the model says. Returns whether it was done. */
static bool check_request(uint32_t length)
{
	uint8_t status = found_status(), expected = expect_request();

	assert_int_equal(!status, !expected);
	scatter(model.in_length - 1, &status, 1);
	assert_in_range(length, 0, model.in_length);
	return !status;
}

static void check_file(int fd)
{
	static uint8_t disk[DISK_SIZE + 1];

	/* Not a byte more, either. */
	assert_int_equal(pread(fd, disk, sizeof(disk), 0), DISK_SIZE);
	assert_memory_equal(disk, model.disk, DISK_SIZE);
}

static void test_wild_requests_do_what_they_say_or_nothing(void **state)
{
	unsigned long run, failed = 0, good = 0;
	struct driver *driver = &drivers[0];
	struct vring_used_elem element;
	unsigned int n;
	int fd;

	(void)state;
	fd = open(path, O_RDWR);
	for (n = 0; n < DISK_SIZE; n++)
		model.disk[n] = pick(256);
	assert_int_equal(pwrite(fd, model.disk, DISK_SIZE, 0), DISK_SIZE);
	for (n = 0; n < AREA_SIZE; n++)
		el2.ram[AREA + n] = pick(256);
	el2_backend_start(serve);
	for (run = 0; run < runs; run++) {
		offer_wild(driver);
		el2_notify(1);
		if (!finished(driver, &element) || !is_request()) {
			failed++;
			start_again(driver);
		} else {
			good += check_request(element.len);
		}
		assert_memory_equal(el2.ram + AREA, model.area, AREA_SIZE);
		check_file(fd);
	}
	close(fd);
	print_message("%lu wild requests: %lu were done, %lu refused, %lu broke the queue\n",
		      runs, good, runs - good - failed, failed);
	assert_true(good > runs / 8 && failed > runs / 50);
}

/* O_DIRECT takes blocks of 4096 bytes alone, as the backend finds out. */
static bool blocks;

ssize_t __real_pread(int fd, void *buffer, size_t length, off_t offset);
ssize_t __wrap_pread(int fd, void *buffer, size_t length, off_t offset);

ssize_t __wrap_pread(int fd, void *buffer, size_t length, off_t offset)
{
	if (blocks && length < 4096 && fcntl(fd, F_GETFL) & O_DIRECT) {
		errno = EINVAL;
		return -1;
	}
	return __real_pread(fd, buffer, length, offset);
}

static void test_wild_requests_to_blocks(void **state)
{
	blocks = true;
	test_wild_requests_do_what_they_say_or_nothing(state);
	blocks = false;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_wild_requests_do_what_they_say_or_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wild_requests_to_blocks, set_up, tear_down),
	};

	if (argc > 1)
		runs = strtoul(argv[1], NULL, 0);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("virtio/fuzz-disk", tests, NULL, NULL);
}
