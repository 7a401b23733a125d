// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual devices when their cell stops and is loaded again: who is asked to let
 * go, and what is then as after power-on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "device_world.h"
#include "errno.h"

static void test_stop_cancels_and_asks_to_quiesce(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_page *page = device->page;
	u32 which = 99;

	(void)state;
	slot_post(&page->slots[0], &device->waits[0],
		  &(struct slot_request){ .op = HVISOR_OP_RESET }, 0);
	memset(bell(), 0, PAGE_SIZE);
	devices_quiesce(&cell);
	assert_int_equal(slot_result(&device->waits[0]), SLOT_CANCELLED);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), -ESTALE);
	assert_int_equal(page->control.state, HVISOR_SLOT_PENDING);
	assert_int_equal(page->control.op, HVISOR_OP_QUIESCE);
	assert_int_equal(bell()->requests, 1);
	assert_int_equal(devices_load(&cell, &which), -EAGAIN);
	assert_int_equal(which, 0);
	assert_int_equal(call(hc_device_answer, 0, HVISOR_ANSWER_CONTROL, 9, 0), -ESTALE);
	assert_int_equal(call(hc_device_answer, 0, HVISOR_ANSWER_CONTROL, 1, 0), 0);
	assert_int_equal(page->status, 0);
	assert_int_equal(devices_load(&cell, &which), 0);
}

static void test_release_answers_only_if_quiet(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_page *page = device->page;
	struct hvisor_device_decl decl = virtio_decl();

	(void)state;
	assert_int_equal(call(hc_device_release, 0, 2, 0, 0), -EINVAL);
	devices_quiesce(&cell);
	assert_int_equal(call(hc_device_release, 0, 0, 0, 0), 0);
	assert_int_equal(page->control.state, HVISOR_SLOT_PENDING);
	/* its successor holds the lock on the disk: it may answer */
	memset(bell(), 0, PAGE_SIZE);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(bell()->requests, 1);
	assert_int_equal(call(hc_device_release, 0, HVISOR_RELEASE_QUIET, 0, 0), 0);
	assert_int_equal(page->control.state, HVISOR_SLOT_IDLE);
	assert_int_equal(page->status, 0);
}

static void test_quiet_device_needs_nobody(void **state)
{
	struct device *device = driven_device(0, 0);

	(void)state;
	call(hc_device_release, 0, HVISOR_RELEASE_QUIET, 0, 0);
	devices_quiesce(&cell);
	assert_int_equal(device->page->control.state, HVISOR_SLOT_IDLE);
	assert_int_equal(device->page->status, 0);
}

static void test_load_needs_declarations(void **state)
{
	struct hvisor_device_desc desc = virtio_desc();
	u32 which = 99;

	(void)state;
	assert_int_equal(add(&desc), 0);
	assert_int_equal(devices_load(&cell, &which), -ENODEV);
	assert_int_equal(which, 0);
}

/* What its guest has stored is in the backend, or in what that left behind. */
static void test_a_region_that_was_used_is_reset(void **state)
{
	struct device *device = foreign_device(0, 0);
	struct hvisor_device_decl decl = { .size = sizeof(decl) };
	struct hvisor_device_page *page = device->page;
	u32 which = 99;
	u64 value;

	(void)state;
	devices_quiesce(&cell);
	assert_int_equal(page->control.state, HVISOR_SLOT_IDLE);
	world.while_waiting = answer_load;
	assert_int_equal(load(0x0b000028, 8, &value), MMIO_HANDLED);
	devices_quiesce(&cell);
	assert_int_equal(page->control.op, HVISOR_OP_QUIESCE);
	assert_int_equal(devices_load(&cell, &which), -EAGAIN);
	assert_int_equal(page->epoch, 0);
	assert_int_equal(call(hc_device_answer, 0, HVISOR_ANSWER_CONTROL, 1, 0), 0);
	assert_int_equal(page->epoch, 1);
	assert_int_equal(page->counters.resets, 1);
	assert_int_equal(devices_load(&cell, &which), 0);
	/* Nobody serves it at the stop: its successor learns of it by the epoch. */
	assert_int_equal(load(0x0b000028, 8, &value), MMIO_HANDLED);
	assert_int_equal(call(hc_device_release, 0, HVISOR_RELEASE_QUIET, 0, 0), 0);
	devices_quiesce(&cell);
	assert_int_equal(page->control.state, HVISOR_SLOT_IDLE);
	assert_int_equal(page->epoch, 2);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(devices_load(&cell, &which), 0);
}

static void test_reset_takes_the_level_back(void **state)
{
	struct hvisor_device_desc desc = foreign_desc();
	struct hvisor_device_decl decl = { .size = sizeof(decl) };
	u64 value;

	(void)state;
	desc.irq = IRQ;
	assert_int_equal(add(&desc), 0);
	assert_int_equal(declare(0, &decl), 0);
	world.while_waiting = answer_load;
	assert_int_equal(load(0x0b000028, 8, &value), MMIO_HANDLED);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), 0);
	devices_quiesce(&cell);
	assert_true(world.line);
	assert_int_equal(call(hc_device_answer, 0, HVISOR_ANSWER_CONTROL, 1, 0), 0);
	assert_false(world.line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stop_cancels_and_asks_to_quiesce),
		TEST(test_release_answers_only_if_quiet),
		TEST(test_quiet_device_needs_nobody),
		TEST(test_load_needs_declarations),
		TEST(test_a_region_that_was_used_is_reset),
		TEST(test_reset_takes_the_level_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
