// SPDX-License-Identifier: GPL-2.0-or-later
/* The virtio-mmio state machine: what holds after each store of a hostile driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mmio_driver.h"

static u64 random_state = 0x853c49e6748fea9bULL;

static u32 random32(void)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return random_state >> 33;
}

static u32 random_value(void)
{
	static const u32 likely[] = {
		0, 1, 2, 3, 4, 8, 15, 11, 16, 64, 128, 0x40000000, 0x40010000,
		0x40001000, 0x4000fff0, 0x400ffff0, 0x50000000, 0xffffffff, 0x30000200,
	};

	if (random32() % 8)
		return likely[random32() % ARRAY_SIZE(likely)];
	return random32() << 1 | (random32() & 1);
}

/* A sane driver now and then, or the deep states are never reached. */
static void random_sanity(struct fixture *f)
{
	put(f, VIRTIO_MMIO_STATUS, 0);
	virtio_mmio_reset(&f->vm);
	negotiate(f, FEATURES);
	good_queue(f, random32() % 2);
	if (random32() % 2)
		put(f, VIRTIO_MMIO_STATUS, RUN_STATUS);
}

static struct virtio_mmio_action random_store(struct fixture *f)
{
	static const u32 sizes[] = { 1, 2, 8, 4, 4, 4, 4, 4 };
	u32 offset = random32() % 16 ? random32() % 0x110 & ~3 : random32() % 4096;

	return virtio_mmio_store(&f->vm, offset, sizes[random32() % 8], random_value());
}

static void apply_block(struct fixture *f, const struct virtio_mmio_action *act)
{
	if (act->block == HVISOR_OP_RESET)
		virtio_mmio_reset(&f->vm);
	else if (act->block == HVISOR_OP_QUEUE_STOP)
		virtio_mmio_queue_stop(&f->vm, act->value);
	else if (act->block)
		assert_true(act->offset < f->page.config_len);
}

static void assert_invariants(struct fixture *f, const struct hvisor_device_page *old,
			      const struct virtio_mmio_action *act)
{
	const struct hvisor_device_page *page = &f->page;
	u32 i;

	assert_int_equal(page->counters.stores, old->counters.stores + 1);
	assert_int_equal(act->ring & ~(HVISOR_BELL_DRIVER_OK | virtio_mmio_ready_queues(&f->vm)),
			 0);
	if (page->status & VIRTIO_STATUS_DRIVER_OK)
		assert_true(page->status & VIRTIO_STATUS_FEATURES_OK);
	if (page->status & VIRTIO_STATUS_FEATURES_OK)
		assert_int_equal(page->driver_features & ~page->features, 0);
	for (i = 0; i < HVISOR_MAX_QUEUES; i++) {
		const struct hvisor_device_queue *q = &page->queues[i];

		if (i >= page->nr_queues)
			assert_int_equal(q->max | q->size | q->ready | q->desc, 0);
		if (!q->ready)
			continue;
		assert_true(q->size && q->size <= q->max);
		assert_true(reachable(NULL, q->desc, 16 * q->size, false));
		assert_true(reachable(NULL, q->driver, 6 + 2 * q->size, false));
		assert_true(reachable(NULL, q->device, 6 + 8 * q->size, true));
		if (old->queues[i].ready)
			assert_memory_equal(q, &old->queues[i], sizeof(*q));
	}
	assert_page_fits(f);
}

static void test_random_stores_keep_the_invariants(void **state)
{
	struct fixture *f = *state;
	struct hvisor_device_page old;
	struct virtio_mmio_action act;
	u32 i, driven = 0;

	for (i = 0; i < 300000; i++) {
		if (i % 64 == 0)
			random_sanity(f);
		if (random32() % 32 == 0)
			virtio_mmio_interrupt(&f->vm, random32() % 5);
		old = f->page;
		act = random_store(f);
		assert_invariants(f, &old, &act);
		driven += virtio_mmio_driver_ok(&f->vm);
		apply_block(f, &act);
	}
	/* The deep states were reached. */
	assert_true(driven > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DECLARED(test_random_stores_keep_the_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
