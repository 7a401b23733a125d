// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Notifications: without the device's lock, each counted once, and no harm done
 * by a reset at the same time.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "device_world.h"

static u64 exits(const struct device *device)
{
	return device->page->counters.stores + device->page->queue_counters[0].notifications;
}

static u64 notifications(const struct device *device)
{
	return device->page->counters.notifications +
	       device->page->queue_counters[0].notifications;
}

/* The lock aborts who takes it twice. */
static void test_notify_takes_no_lock(void **state)
{
	struct device *device = driven_device(0, 0);

	(void)state;
	memset(bell(), 0, PAGE_SIZE);
	world.root_irqs = 0;
	spin_lock(&device->lock);
	assert_int_equal(store(VIRTIO_MMIO_QUEUE_NOTIFY, 0), MMIO_HANDLED);
	assert_int_equal(bell()->doorbells[0].bits, 1);
	assert_int_equal(bell()->bells, 1);
	assert_int_equal(world.root_irqs, 1);
	assert_int_equal(store(VIRTIO_MMIO_QUEUE_NOTIFY, 0), MMIO_HANDLED);
	assert_int_equal(world.root_irqs, 1);
	spin_unlock(&device->lock);
	assert_int_equal(device->page->queue_counters[0].notifications, 2);
	assert_int_equal(device->page->queue_counters[0].coalesced, 1);
	assert_int_equal(device->page->counters.stores, 0);
}

static void test_what_is_not_live_is_refused_or_kept(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_page *page = device->page;

	(void)state;
	memset(bell(), 0, PAGE_SIZE);
	store(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	store(VIRTIO_MMIO_QUEUE_NOTIFY, HVISOR_MAX_QUEUES);
	store(VIRTIO_MMIO_QUEUE_NOTIFY, ~0U);
	assert_int_equal(page->counters.refused, 3);
	assert_int_equal(notifications(device), 0);
	virtio_mmio_queue_stop(&device->vm, 0);
	store(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(page->counters.refused, 4);
	/* Ready, but the driver is not: its bit comes with DRIVER_OK. */
	page->status &= ~VIRTIO_STATUS_DRIVER_OK;
	page->queues[0].ready = 1;
	virtio_mmio_render(&device->vm);
	store(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(page->counters.refused, 4);
	assert_int_equal(notifications(device), 1);
	assert_int_equal(bell()->doorbells[0].bits, 0);
	store(VIRTIO_MMIO_STATUS, 0xf);
	assert_int_equal(bell()->doorbells[0].bits, HVISOR_BELL_DRIVER_OK | 1);
	store(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(notifications(device), 2);
	assert_int_equal(page->queue_counters[0].coalesced, 1);
	assert_int_equal(exits(device), 7);
}

/* -- several CPUs -- */

#define KICKERS	2

static u32 kicking, rounds;

static void *kicker(void *arg)
{
	u32 i;

	(void)arg;
	for (i = 0; i < rounds; i++)
		store(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	__atomic_fetch_sub(&kicking, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Calls @meanwhile for as long as CPUs notify. */
static void kick_and(struct device *device, void (*meanwhile)(struct device *device))
{
	pthread_t threads[KICKERS];
	u32 i;

	memset(bell(), 0, PAGE_SIZE);
	/* Root has been told: it comes by itself. */
	bell()->told = 1;
	kicking = KICKERS;
	for (i = 0; i < KICKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, kicker, NULL), 0);
	while (__atomic_load_n(&kicking, __ATOMIC_SEQ_CST))
		meanwhile(device);
	for (i = 0; i < KICKERS; i++)
		pthread_join(threads[i], NULL);
	meanwhile(device);
}

static u64 taken;

static void take(struct device *device)
{
	u32 index = device->page->index;

	taken += __atomic_exchange_n(&bell()->doorbells[index].bits, 0, __ATOMIC_SEQ_CST);
}

static void test_each_is_counted_once(void **state)
{
	struct device *device = driven_device(0, 0);

	(void)state;
	taken = 0;
	rounds = 100000;
	kick_and(device, take);
	assert_int_equal(notifications(device), KICKERS * rounds);
	assert_int_equal(exits(device), KICKERS * rounds);
	assert_int_equal(device->page->queue_counters[0].coalesced + taken, KICKERS * rounds);
}

/* A driver that comes to life again and again. */
static void reset(struct device *device)
{
	spin_lock(&device->lock);
	device_reset(device);
	assert_int_equal(device->vm.live, 0);
	device->page->status = 0xf;
	device->page->queues[0].ready = 1;
	virtio_mmio_render(&device->vm);
	assert_int_equal(device->vm.live, 1);
	spin_unlock(&device->lock);
}

static void test_reset_meanwhile_does_no_harm(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_counters *counters = &device->page->counters;

	(void)state;
	rounds = 5000;
	kick_and(device, reset);
	/* What came while it was reset was refused, all else was taken. */
	assert_int_equal(exits(device), KICKERS * rounds);
	assert_int_equal(notifications(device) + counters->refused, KICKERS * rounds);
	/* The last reset was the last to touch the doorbell. */
	assert_int_equal(bell()->doorbells[0].bits, 0);
	store(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(bell()->doorbells[0].bits, 1);
}

/* -- memory -- */

#define LINE(type, member)	(offsetof(type, member) / CACHE_LINE)

static void test_neighbours_share_no_line(void **state)
{
	struct cell_devices *devices = devices_of(&cell);

	(void)state;
	assert_int_equal((u64)devices % CACHE_LINE, 0);
	assert_int_equal((u64)&devices->devices[1] % CACHE_LINE, 0);
	assert_int_equal((u64)&cell % CACHE_LINE, 0);
	assert_int_equal(offsetof(struct hvisor_device_page, queue_counters) % CACHE_LINE, 0);
	assert_int_equal(sizeof(struct hvisor_queue_counters), CACHE_LINE);
	/* What a notification reads is not where others write. */
	assert_true(LINE(struct device, line) < LINE(struct device, cell));
	assert_true(LINE(struct device, vm.live) < LINE(struct device, waits));
	assert_true(LINE(struct cell_devices, bell) < LINE(struct cell_devices, lock));
	assert_true(LINE(struct cell, mmio.regions[MMIO_MAX_REGIONS - 1].arg) <
		    LINE(struct cell, vgic));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_notify_takes_no_lock),
		TEST(test_what_is_not_live_is_refused_or_kept),
		TEST(test_each_is_counted_once),
		TEST(test_reset_meanwhile_does_no_harm),
		TEST(test_neighbours_share_no_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
