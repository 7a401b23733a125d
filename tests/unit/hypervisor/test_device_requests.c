// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests of virtual devices: who waits for a backend, for how long, and what
 * ends that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "device_world.h"
#include "errno.h"

/* -- requests -- */

static void answer_reset(void)
{
	assert_int_equal(devices_of(&cell)->devices[0].page->status, 0xf);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), 0);
}

static void test_reset_waits_for_the_backend(void **state)
{
	struct device *device = driven_device(0, 0);
	u32 epoch = device->page->epoch;

	(void)state;
	bell()->told = 0;
	world.while_waiting = answer_reset;
	assert_int_equal(store(VIRTIO_MMIO_STATUS, 0), MMIO_HANDLED);
	assert_int_equal(world.waits, 1);
	assert_int_equal(device->page->status, 0);
	assert_int_equal(device->page->epoch, epoch + 1);
	assert_int_equal(bell()->doorbells[0].bits, 0);
	assert_int_equal(world.withdrawn, 1);
	assert_int_equal(world.events[1], 1);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), -ESTALE);
}

static void test_one_reset_ends_all_waits_for_one(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_page *page = device->page;

	(void)state;
	slot_post(&page->slots[0], &device->waits[0],
		  &(struct slot_request){ .op = HVISOR_OP_RESET }, 0);
	slot_post(&page->slots[1], &device->waits[1],
		  &(struct slot_request){ .op = HVISOR_OP_QUEUE_STOP }, 0);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), 0);
	assert_int_equal(slot_result(&device->waits[0]), SLOT_ANSWERED);
	assert_int_equal(slot_result(&device->waits[1]), SLOT_ANSWERED);
	assert_int_equal(world.events[1], 1);
	assert_int_equal(world.events[2], 1);
	assert_int_equal(call(hc_device_answer, 0, 1, 1, 0), -ESTALE);
}

static void test_queue_stop_ends_waits_for_that_queue(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_page *page = device->page;

	(void)state;
	slot_post(&page->slots[0], &device->waits[0],
		  &(struct slot_request){ .op = HVISOR_OP_QUEUE_STOP, .value = 0 }, 0);
	slot_post(&page->slots[1], &device->waits[1],
		  &(struct slot_request){ .op = HVISOR_OP_QUEUE_STOP, .value = 1 }, 0);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), 0);
	assert_int_equal(page->queues[0].ready, 0);
	assert_int_equal(slot_result(&device->waits[0]), SLOT_ANSWERED);
	assert_int_equal(slot_result(&device->waits[1]), SLOT_WAITING);
	assert_int_equal(call(hc_device_answer, 0, 2, 1, 0), -EINVAL);
	assert_int_equal(call(hc_device_answer, 0, 1, 2, 0), -ESTALE);
}

static void test_foreign_load_gives_the_answer(void **state)
{
	struct device *device = foreign_device(0, 0);
	u64 value;

	(void)state;
	world.while_waiting = answer_load;
	assert_int_equal(load(0x0b000028, 8, &value), MMIO_HANDLED);
	assert_int_equal(value, 0xabcdef);
	assert_int_equal(device->page->counters.requests, 1);
	assert_int_equal(world.armed, 0);
}

/* -- latencies -- */

static void answer_late(void)
{
	world.now += 5000;
	answer_load();
}

static u64 nr_blocking(const struct device *device)
{
	u64 sum = 0;
	u32 n;

	for (n = 0; n < HVISOR_NR_BUCKETS; n++)
		sum += device->page->blocking_ns[n];
	return sum;
}

static void test_answers_are_timed(void **state)
{
	struct device *device = foreign_device(0, 0);
	struct hvisor_device_page *page = device->page;
	u64 value;

	(void)state;
	world.while_waiting = answer_late;
	load(0x0b000028, 8, &value);
	/* 4096 to 8191 */
	assert_int_equal(page->blocking_ns[12], 1);
	assert_int_equal(page->counters.loads, 1);
	assert_int_equal(page->counters.stores, 0);
	/* what is cancelled has no answer */
	slot_post(&page->slots[1], &device->waits[1],
		  &(struct slot_request){ .op = HVISOR_OP_LOAD }, 0);
	device_cancel_all(device);
	assert_int_equal(nr_blocking(device), 1);
}

static void test_one_reset_is_timed_for_all_who_wait(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_page *page = device->page;
	const struct slot_request reset = { .op = HVISOR_OP_RESET };

	(void)state;
	world.now = 9000;
	slot_post(&page->slots[0], &device->waits[0], &reset, 0);
	slot_post(&page->slots[1], &device->waits[1], &reset, 8999);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), 0);
	assert_int_equal(page->blocking_ns[13], 1);
	assert_int_equal(page->blocking_ns[0], 1);
	assert_int_equal(nr_blocking(device), 2);
}

static void test_doorbell_tells_since_when(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_decl decl = virtio_decl();

	(void)state;
	memset(bell(), 0, PAGE_SIZE);
	world.now = 2000;
	store(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	world.now = 3000;
	store(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(bell()->doorbells[0].since, 2000);
	assert_int_equal(device->page->queue_counters[0].coalesced, 1);
	/* the next backend is asked anew */
	call(hc_device_release, 0, 0, 0, 0);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(bell()->doorbells[0].since, 3000);
}

/* -- deadlines -- */

static void pass_time(void)
{
	assert_int_equal(world.armed, 1050);
	world.now = world.armed;
}

static void test_deadline_fails_the_device(void **state)
{
	struct device *device = foreign_device(50, HVISOR_POLICY_FAIL_DEVICE);
	struct hvisor_device_decl decl = { .size = sizeof(decl) };
	u64 value;

	(void)state;
	world.while_waiting = pass_time;
	assert_int_equal(load(0x0b000000, 4, &value), MMIO_HANDLED);
	assert_int_equal(value, ~0UL);
	assert_int_equal(device->page->failed, 1);
	assert_int_equal(device->page->counters.timeouts, 1);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), -ESTALE);
	/* no waiting from here on */
	assert_int_equal(load(0x0b000000, 4, &value), MMIO_HANDLED);
	assert_int_equal(value, ~0UL);
	assert_int_equal(world.waits, 1);
	assert_int_equal(world.armed, 0);
	/* until the next backend */
	call(hc_device_release, 0, 0, 0, 0);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(device->page->failed, 0);
}

/* A handler that reads all ones would never end it. */
static void test_deadline_takes_the_level_back(void **state)
{
	struct hvisor_device_desc desc = foreign_desc();
	struct hvisor_device_decl decl = { .size = sizeof(decl) };
	u64 value;

	(void)state;
	desc.irq = IRQ;
	desc.deadline_ms = 50;
	desc.policy = HVISOR_POLICY_FAIL_DEVICE;
	assert_int_equal(add(&desc), 0);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), 0);
	assert_true(world.line);
	world.while_waiting = pass_time;
	assert_int_equal(load(0x0b000000, 4, &value), MMIO_HANDLED);
	assert_false(world.line);
	/* Its backend comes to itself, too late. */
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), 0);
	assert_false(world.line);
	call(hc_device_release, 0, 0, 0, 0);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), 0);
	assert_true(world.line);
}

static void test_deadline_stops_the_cell(void **state)
{
	u64 value;

	(void)state;
	foreign_device(50, HVISOR_POLICY_STOP_CELL);
	world.while_waiting = pass_time;
	assert_int_equal(load(0x0b000000, 4, &value), MMIO_FAIL);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), -ESTALE);
}

static void pass_time_then_answer(void)
{
	if (world.waits == 1) {
		pass_time();
		return;
	}
	assert_int_equal(devices_of(&cell)->devices[0].page->counters.timeouts, 1);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 7), 0);
}

static void test_deadline_keeps_waiting(void **state)
{
	u64 value;

	(void)state;
	foreign_device(50, HVISOR_POLICY_WAIT);
	world.while_waiting = pass_time_then_answer;
	assert_int_equal(load(0x0b000000, 4, &value), MMIO_HANDLED);
	assert_int_equal(value, 7);
	assert_int_equal(world.waits, 2);
}

/* The old backend may still write to buffers that a reset would give back. */
static void test_reset_never_ends_by_deadline(void **state)
{
	struct device *device = driven_device(50, HVISOR_POLICY_FAIL_DEVICE);

	(void)state;
	world.while_waiting = pass_time_then_answer;
	assert_int_equal(store(VIRTIO_MMIO_STATUS, 0), MMIO_HANDLED);
	assert_int_equal(world.waits, 2);
	assert_int_equal(world.guest_irqs, 1);
	assert_int_equal(device->page->status, 0);
	assert_int_equal(device->page->failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reset_waits_for_the_backend),
		TEST(test_one_reset_ends_all_waits_for_one),
		TEST(test_queue_stop_ends_waits_for_that_queue),
		TEST(test_foreign_load_gives_the_answer),
		TEST(test_answers_are_timed),
		TEST(test_one_reset_is_timed_for_all_who_wait),
		TEST(test_doorbell_tells_since_when),
		TEST(test_deadline_fails_the_device),
		TEST(test_deadline_takes_the_level_back),
		TEST(test_deadline_stops_the_cell),
		TEST(test_deadline_keeps_waiting),
		TEST(test_reset_never_ends_by_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
