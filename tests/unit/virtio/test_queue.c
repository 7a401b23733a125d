// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtqueues: honest drivers, and those that break each rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/virtio_config.h>

#include "../../../libshyper/virtio/inflight.h"

#include "driver.h"

#define SIZE		8
#define SEGMENTS	8
#define BUFFER		(DRIVER_RAM + 0x100000)
#define TABLE		0x20000			/* indirect, within the memory */
#define FEATURES	(1ULL << VIRTIO_F_VERSION_1 | \
			 1ULL << VIRTIO_RING_F_INDIRECT_DESC | \
			 1ULL << VIRTIO_RING_F_EVENT_IDX)

struct fixture {
	uint8_t *ram;
	uint8_t *rom;
	struct shyper_memory memory;
	struct driver driver;
	struct hvisor_backend_counters counters;
	struct hvisor_queue_state *state;
	struct shyper_queue_setup setup;
	struct shyper_queue queue;
	struct iovec iov[SEGMENTS];
	struct shyper_chain chain;
};

static void start(struct fixture *f)
{
	assert_int_equal(shyper_queue_start(&f->queue, &f->setup), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->ram = aligned_alloc(4096, DRIVER_RAM_SIZE);
	memset(f->ram, 0, DRIVER_RAM_SIZE);
	f->rom = aligned_alloc(4096, DRIVER_ROM_SIZE);
	memset(f->rom, 0, DRIVER_ROM_SIZE);
	f->memory.nr_regions = 2;
	f->memory.regions[0] = (struct shyper_memory_region){
		DRIVER_RAM, DRIVER_RAM_SIZE, f->ram, true };
	f->memory.regions[1] = (struct shyper_memory_region){
		DRIVER_ROM, DRIVER_ROM_SIZE, f->rom, false };
	driver_init(&f->driver, f->ram, 0, SIZE);
	f->state = calloc(1, HVISOR_QUEUE_STATE_STRIDE(SIZE));
	f->setup.memory = &f->memory;
	f->setup.state = f->state;
	f->setup.state_size = SIZE;
	f->setup.counters = &f->counters;
	f->setup.features = FEATURES;
	f->setup.ring = driver_ring(&f->driver, 1);
	f->chain.iov = f->iov;
	f->chain.max_segments = SEGMENTS;
	start(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->state);
	free(f->ram);
	free(f->rom);
	free(f);
	return 0;
}

/* The next pop must break the queue, once and for all, and count it. */
static void assert_breaks(struct fixture *f)
{
	uint64_t before = f->counters.bad_chains;

	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), -EPROTO);
	assert_true(f->queue.broken);
	assert_int_equal(f->counters.bad_chains, before + 1);
	assert_int_equal(f->counters.in_flight, 0);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), -EPROTO);
	assert_int_equal(f->counters.bad_chains, before + 1);
}

static void offer_simple(struct fixture *f, uint16_t head)
{
	driver_desc(&f->driver.desc[head], BUFFER + head * 0x1000, 0x100, 0, 0);
	driver_offer(&f->driver, head);
}

static void test_chain(void **state)
{
	struct fixture *f = *state;
	struct vring_desc *desc = f->driver.desc;
	struct vring_used_elem element;

	driver_desc(&desc[5], BUFFER, 16, VRING_DESC_F_NEXT, 2);
	driver_desc(&desc[2], DRIVER_ROM, 512, VRING_DESC_F_NEXT, 7);
	driver_desc(&desc[7], BUFFER + 0x1000, 1, VRING_DESC_F_WRITE, 0);
	driver_offer(&f->driver, 5);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
	assert_int_equal(f->chain.head, 5);
	assert_int_equal(f->chain.nr_out, 2);
	assert_int_equal(f->chain.nr_in, 1);
	assert_int_equal(f->chain.out_length, 528);
	assert_int_equal(f->chain.in_length, 1);
	assert_ptr_equal(f->iov[0].iov_base, f->ram + 0x100000);
	assert_ptr_equal(f->iov[1].iov_base, f->rom);
	assert_ptr_equal(f->iov[2].iov_base, f->ram + 0x101000);
	assert_int_equal(f->counters.in_flight, 1);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 0);

	shyper_queue_push(&f->queue, 5, 1);
	assert_true(driver_take(&f->driver, &element));
	assert_int_equal(element.id, 5);
	assert_int_equal(element.len, 1);
	assert_int_equal(f->counters.in_flight, 0);
	assert_int_equal(f->counters.in_flight_max, 1);
}

static void test_wrap(void **state)
{
	struct fixture *f = *state;
	struct vring_used_elem element;
	unsigned int n;

	for (n = 0; n < 70000; n++) {
		offer_simple(f, n % SIZE);
		assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
		shyper_queue_push(&f->queue, f->chain.head, 0);
		assert_true(driver_take(&f->driver, &element));
		assert_int_equal(element.id, n % SIZE);
	}
	assert_int_equal(f->state->used_idx, (uint16_t)70000);
}

static void test_empty_buffers(void **state)
{
	struct fixture *f = *state;
	struct vring_desc *desc = f->driver.desc;

	/* Even where the address is nowhere: there is nothing to touch. */
	driver_desc(&desc[0], 0, 0, VRING_DESC_F_NEXT, 1);
	driver_desc(&desc[1], BUFFER, 4, VRING_DESC_F_NEXT, 2);
	driver_desc(&desc[2], ~0ULL, 0, VRING_DESC_F_WRITE, 0);
	driver_offer(&f->driver, 0);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
	assert_int_equal(f->chain.nr_out, 1);
	assert_int_equal(f->chain.nr_in, 0);
	/* A chain of nothing. */
	driver_desc(&desc[3], 0, 0, 0, 0);
	driver_offer(&f->driver, 3);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
	assert_int_equal(f->chain.nr_out + f->chain.nr_in, 0);
	shyper_queue_push(&f->queue, 3, 0);
	assert_false(f->queue.broken);
}

static void test_indirect(void **state)
{
	struct fixture *f = *state;
	struct vring_desc *table = (void *)(f->ram + TABLE);

	driver_desc(&f->driver.desc[0], BUFFER, 8, VRING_DESC_F_NEXT, 1);
	/* 2.7.5.3.2: the flag WRITE has no meaning beside INDIRECT. */
	driver_desc(&f->driver.desc[1], DRIVER_RAM + TABLE, 3 * 16,
		    VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 0);
	driver_desc(&table[0], BUFFER + 8, 8, VRING_DESC_F_NEXT, 2);
	driver_desc(&table[2], BUFFER + 16, 8, VRING_DESC_F_WRITE, 0);
	driver_offer(&f->driver, 0);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
	assert_int_equal(f->chain.out_length, 16);
	assert_int_equal(f->chain.in_length, 8);
}

static void bad_indirect(struct fixture *f, uint64_t addr, uint32_t len, uint16_t flags)
{
	driver_desc(&f->driver.desc[0], addr, len, VRING_DESC_F_INDIRECT | flags, 1);
	driver_offer(&f->driver, 0);
	assert_breaks(f);
	shyper_queue_stop(&f->queue);
	memset(f->ram, 0, DRIVER_RINGS_SIZE);
	f->driver.avail_idx = 0;
	f->setup.ring.epoch++;
	start(f);
}

static void test_bad_indirect(void **state)
{
	struct fixture *f = *state;
	struct vring_desc *table = (void *)(f->ram + TABLE);
	uint64_t addr = DRIVER_RAM + TABLE;
	unsigned int n;

	driver_desc(&table[0], BUFFER, 8, 0, 0);
	bad_indirect(f, addr, 0, 0);
	bad_indirect(f, addr, 15, 0);
	bad_indirect(f, addr, 17, 0);
	bad_indirect(f, addr, 0xfffffff0, 0);
	bad_indirect(f, addr, 16, VRING_DESC_F_NEXT);
	bad_indirect(f, 0x1000, 16, 0);
	bad_indirect(f, DRIVER_RAM + DRIVER_RAM_SIZE - 16, 32, 0);
	/* One within another. */
	driver_desc(&table[0], addr, 16, VRING_DESC_F_INDIRECT, 0);
	bad_indirect(f, addr, 16, 0);
	/* One that is the ring itself, and so names itself for ever. */
	bad_indirect(f, DRIVER_RAM, 16, 0);
	/* Next beyond the table. */
	driver_desc(&table[0], BUFFER, 8, VRING_DESC_F_NEXT, 1);
	bad_indirect(f, addr, 16, 0);
	/* A loop of empty buffers, which never runs out of segments. */
	driver_desc(&table[0], BUFFER, 0, VRING_DESC_F_NEXT, 0);
	bad_indirect(f, addr, 16, 0);
	/* More segments than there is room for. */
	for (n = 0; n < 64; n++)
		driver_desc(&table[n], BUFFER, 8, n < 63 ? VRING_DESC_F_NEXT : 0, n + 1);
	bad_indirect(f, addr, 64 * 16, 0);
}

static void test_indirect_not_negotiated(void **state)
{
	struct fixture *f = *state;

	f->setup.features &= ~(1ULL << VIRTIO_RING_F_INDIRECT_DESC);
	start(f);
	driver_desc(&f->driver.desc[0], DRIVER_RAM + TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	driver_offer(&f->driver, 0);
	assert_breaks(f);
}

static void test_loop(void **state)
{
	struct fixture *f = *state;

	driver_desc(&f->driver.desc[0], BUFFER, 8, VRING_DESC_F_NEXT, 1);
	driver_desc(&f->driver.desc[1], BUFFER, 0, VRING_DESC_F_NEXT, 0);
	driver_offer(&f->driver, 0);
	assert_breaks(f);
}

static void test_next_out_of_range(void **state)
{
	struct fixture *f = *state;

	driver_desc(&f->driver.desc[0], BUFFER, 8, VRING_DESC_F_NEXT, SIZE);
	driver_offer(&f->driver, 0);
	assert_breaks(f);
}

static void test_head_out_of_range(void **state)
{
	struct fixture *f = *state;

	driver_offer(&f->driver, SIZE);
	assert_breaks(f);
}

static void test_head_twice(void **state)
{
	struct fixture *f = *state;

	offer_simple(f, 3);
	offer_simple(f, 3);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), -EPROTO);
	assert_int_equal(f->counters.bad_chains, 1);
	/* What was taken can still be given back. */
	shyper_queue_push(&f->queue, 3, 0);
	assert_int_equal(f->queue.in_flight, 0);
}

static void test_available_too_far(void **state)
{
	struct fixture *f = *state;

	f->driver.avail->idx = SIZE + 1;
	assert_breaks(f);
}

static void test_available_backwards(void **state)
{
	struct fixture *f = *state;

	f->driver.avail->idx = 0xffff;
	assert_breaks(f);
}

static void test_read_after_write(void **state)
{
	struct fixture *f = *state;

	driver_desc(&f->driver.desc[0], BUFFER, 8, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
	driver_desc(&f->driver.desc[1], BUFFER, 8, 0, 0);
	driver_offer(&f->driver, 0);
	assert_breaks(f);
}

static void bad_buffer(struct fixture *f, uint64_t addr, uint32_t len, uint16_t flags)
{
	driver_desc(&f->driver.desc[0], addr, len, flags, 0);
	driver_offer(&f->driver, 0);
	assert_breaks(f);
	start(f);
}

static void test_bad_buffers(void **state)
{
	struct fixture *f = *state;
	uint64_t end = DRIVER_RAM + DRIVER_RAM_SIZE;

	bad_buffer(f, 0, 1, 0);
	bad_buffer(f, DRIVER_RAM - 1, 2, 0);
	bad_buffer(f, end - 1, 2, 0);
	bad_buffer(f, end, 1, 0);
	bad_buffer(f, ~0ULL, 2, 0);
	bad_buffer(f, DRIVER_RAM + 0x1000, 0xffffffff, 0);
	bad_buffer(f, DRIVER_ROM, 1, VRING_DESC_F_WRITE);
	bad_buffer(f, DRIVER_ROM + DRIVER_ROM_SIZE - 1, 2, 0);
}

static void test_total_overflow(void **state)
{
	struct fixture *f = *state;
	unsigned int n;

	/* Eight times the same 1 GiB: the sum does not fit 32 bits. */
	f->memory.regions[0].length = 1ULL << 30;
	for (n = 0; n < SIZE; n++)
		driver_desc(&f->driver.desc[n], DRIVER_RAM, 1U << 30,
			    n < SIZE - 1 ? VRING_DESC_F_NEXT : 0, n + 1);
	driver_offer(&f->driver, 0);
	assert_breaks(f);
}

static void bad_ring(struct fixture *f, const struct hvisor_device_queue *ring)
{
	uint64_t before = f->counters.bad_chains;

	f->setup.ring = *ring;
	assert_int_equal(shyper_queue_start(&f->queue, &f->setup), -EPROTO);
	assert_true(f->queue.broken);
	assert_false(f->queue.started);
	assert_int_equal(f->counters.bad_chains, before + 1);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), -EPROTO);
}

static void test_bad_rings(void **state)
{
	struct fixture *f = *state;
	const struct hvisor_device_queue good = f->setup.ring;
	struct hvisor_device_queue ring;
	static const uint32_t sizes[] = { 0, 3, SIZE - 1, SIZE * 2, 1U << 31 };
	unsigned int n;

	for (n = 0; n < sizeof(sizes) / sizeof(*sizes); n++) {
		ring = good;
		ring.size = sizes[n];
		bad_ring(f, &ring);
	}
	ring = good;
	ring.desc += 8;
	bad_ring(f, &ring);
	ring = good;
	ring.driver += 1;
	bad_ring(f, &ring);
	ring = good;
	ring.device += 2;
	bad_ring(f, &ring);
	ring = good;
	ring.desc = DRIVER_RAM + DRIVER_RAM_SIZE - 16;
	bad_ring(f, &ring);
	ring = good;
	ring.driver = 0;
	bad_ring(f, &ring);
	ring = good;
	ring.device = DRIVER_ROM;	/* the device writes it */
	bad_ring(f, &ring);
}

static void test_pop_before_start(void **state)
{
	struct fixture *f = *state;

	shyper_queue_stop(&f->queue);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), -EPROTO);
}

/* 2.7.10: asks for a notification about the very next buffer when it runs dry. */
static void test_avail_event(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 0);
	assert_int_equal(driver_avail_event(&f->driver), 0);
	offer_simple(f, 0);
	offer_simple(f, 1);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
	/* Still some left: no notification is wanted. */
	assert_int_equal(driver_avail_event(&f->driver), 0);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 0);
	assert_int_equal(driver_avail_event(&f->driver), 2);
}

static void complete(struct fixture *f, unsigned int nr)
{
	while (nr--) {
		offer_simple(f, f->driver.avail_idx % SIZE);
		assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
		shyper_queue_push(&f->queue, f->chain.head, 0);
	}
}

static void test_used_event(void **state)
{
	struct fixture *f = *state;

	assert_false(shyper_queue_should_notify(&f->queue));
	/* What a predecessor has signalled is not known. */
	*driver_used_event(&f->driver) = 100;
	complete(f, 1);
	assert_true(shyper_queue_should_notify(&f->queue));
	assert_false(shyper_queue_should_notify(&f->queue));
	*driver_used_event(&f->driver) = 3;
	complete(f, 2);
	assert_false(shyper_queue_should_notify(&f->queue));
	complete(f, 1);
	assert_true(shyper_queue_should_notify(&f->queue));
	complete(f, 1);
	assert_false(shyper_queue_should_notify(&f->queue));
}

static void test_no_interrupt_flag(void **state)
{
	struct fixture *f = *state;

	f->setup.features &= ~(1ULL << VIRTIO_RING_F_EVENT_IDX);
	start(f);
	complete(f, 1);
	assert_true(shyper_queue_should_notify(&f->queue));
	f->driver.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	complete(f, 1);
	assert_false(shyper_queue_should_notify(&f->queue));
}

/* Those of a predecessor too, in their old order. */
static void test_unpop(void **state)
{
	struct fixture *f = *state;
	uint16_t head, order[] = { 3, 1, 4 };
	unsigned int n;

	for (n = 0; n < 3; n++)
		offer_simple(f, order[n]);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
	f->counters.in_flight = 0;
	start(f);
	assert_int_equal(f->queue.reissued, 2);
	for (n = 0; n < 3; n++) {
		assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
		assert_int_equal(f->chain.head, order[n]);
	}
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 0);
	for (n = 3; n; n--)
		shyper_queue_unpop(&f->queue, order[n - 1]);
	assert_int_equal(f->queue.in_flight, 0);
	assert_int_equal(f->counters.in_flight, 2);
	assert_int_equal(f->state->heads[4].in_flight, 0);
	offer_simple(f, 2);
	for (n = 0; n < 4; n++) {
		head = n < 3 ? order[n] : 2;
		assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
		assert_int_equal(f->chain.head, head);
		shyper_queue_push(&f->queue, head, 0);
	}
	assert_int_equal(f->counters.in_flight, 0);
	assert_false(f->queue.broken);
}

/* A worker without an account serves 100 chains; we go on behind it, twice. */
static void test_abandon(void **state)
{
	struct fixture *f = *state;
	unsigned int n, round;

	offer_simple(f, 5);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
	for (round = 0; round < 2; round++) {
		inflight_abandon(&f->queue);
		assert_int_equal(f->counters.in_flight, 0);
		for (n = 0; n < 100; n++) {
			f->driver.used->idx++;
			offer_simple(f, n % SIZE);
		}
		start(f);
		assert_int_equal(f->queue.reissued, 0);
		assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
		assert_int_equal(f->chain.head, 99 % SIZE);
		shyper_queue_push(&f->queue, f->chain.head, 0);
		offer_simple(f, 6);
		assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
		assert_int_equal(f->chain.head, 6);
	}
	assert_false(f->queue.broken);
}

static void test_break(void **state)
{
	struct fixture *f = *state;
	struct vring_used_elem element;

	offer_simple(f, 1);
	assert_int_equal(shyper_queue_pop(&f->queue, &f->chain), 1);
	shyper_queue_break(&f->queue, 1);
	assert_true(driver_take(&f->driver, &element));
	assert_int_equal(element.len, 0);
	assert_true(f->queue.broken);
	assert_int_equal(f->counters.bad_chains, 1);
	assert_int_equal(f->queue.in_flight, 0);
}

static void test_tampered_used_index(void **state)
{
	struct fixture *f = *state;

	complete(f, 3);
	f->driver.used->idx = 1000;
	assert_int_equal(shyper_queue_start(&f->queue, &f->setup), -EPROTO);
	assert_true(f->queue.broken);
}

static void test_iov(void **state)
{
	char a[3] = "abc", b[5] = "defgh", text[9] = {};
	struct iovec iov[3] = { { a, 3 }, { NULL, 0 }, { b, 5 } }, part[3];

	(void)state;
	assert_int_equal(shyper_iov_read(iov, 3, 0, text, 8), 8);
	assert_string_equal(text, "abcdefgh");
	assert_int_equal(shyper_iov_read(iov, 3, 2, text, 100), 6);
	assert_memory_equal(text, "cdefgh", 6);
	assert_int_equal(shyper_iov_read(iov, 3, 8, text, 1), 0);
	assert_int_equal(shyper_iov_write(iov, 3, 2, "XYZ", 3), 3);
	assert_memory_equal(a, "abX", 3);
	assert_memory_equal(b, "YZfgh", 5);
	assert_int_equal(shyper_iov_slice(part, iov, 3, 1, 4), 2);
	assert_ptr_equal(part[0].iov_base, a + 1);
	assert_int_equal(part[0].iov_len, 2);
	assert_int_equal(part[1].iov_len, 2);
	assert_int_equal(shyper_iov_slice(part, iov, 3, 8, 1), 0);
	assert_int_equal(shyper_iov_slice(part, iov, 3, 0, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(chain), TEST(wrap), TEST(empty_buffers),
		TEST(indirect), TEST(bad_indirect), TEST(indirect_not_negotiated),
		TEST(loop), TEST(next_out_of_range),
		TEST(head_out_of_range), TEST(head_twice),
		TEST(available_too_far), TEST(available_backwards),
		TEST(read_after_write), TEST(bad_buffers), TEST(total_overflow),
		TEST(bad_rings), TEST(pop_before_start),
		TEST(avail_event), TEST(used_event), TEST(no_interrupt_flag),
		TEST(unpop), TEST(abandon), TEST(break), TEST(tampered_used_index), TEST(iov),
	};

	return cmocka_run_group_tests_name("virtio/queue", tests, NULL, NULL);
}
