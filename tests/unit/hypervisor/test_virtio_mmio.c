// SPDX-License-Identifier: GPL-2.0-or-later
/* The virtio-mmio state machine: a real driver's steps, and the rules for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "errno.h"
#include "mmio_driver.h"

static void test_linux_probe_sequence(void **state)
{
	struct fixture *f = *state;
	struct virtio_mmio_action act;
	u64 features;

	assert_int_equal(get(f, VIRTIO_MMIO_MAGIC), 0x74726976);
	assert_int_equal(get(f, VIRTIO_MMIO_VERSION), 2);
	assert_int_equal(get(f, VIRTIO_MMIO_DEVICE_ID), 2);
	assert_int_equal(get(f, VIRTIO_MMIO_VENDOR_ID), 0x1234);
	act = put(f, VIRTIO_MMIO_STATUS, 0);
	assert_true(act.reset && !act.block);
	put(f, VIRTIO_MMIO_STATUS, get(f, VIRTIO_MMIO_STATUS) | VIRTIO_STATUS_ACKNOWLEDGE);
	put(f, VIRTIO_MMIO_STATUS, get(f, VIRTIO_MMIO_STATUS) | VIRTIO_STATUS_DRIVER);
	put(f, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	features = (u64)get(f, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	put(f, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	features |= get(f, VIRTIO_MMIO_DEVICE_FEATURES);
	assert_int_equal(features, FEATURES);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES, (u32)features);
	put(f, VIRTIO_MMIO_STATUS, get(f, VIRTIO_MMIO_STATUS) | VIRTIO_STATUS_FEATURES_OK);
	assert_true(get(f, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_FEATURES_OK);
	put(f, VIRTIO_MMIO_SHM_SEL, 1);
	assert_int_equal(get(f, VIRTIO_MMIO_SHM_LEN_LOW), ~0U);
	assert_int_equal(get(f, VIRTIO_MMIO_SHM_LEN_HIGH), ~0U);

	put(f, VIRTIO_MMIO_QUEUE_SEL, 0);
	assert_int_equal(get(f, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(get(f, VIRTIO_MMIO_QUEUE_NUM_MAX), 128);
	assert_true(act_none(good_queue(f, 0)));
	assert_int_equal(get(f, VIRTIO_MMIO_QUEUE_READY), 1);
	act = put(f, VIRTIO_MMIO_STATUS, get(f, VIRTIO_MMIO_STATUS) | VIRTIO_STATUS_DRIVER_OK);
	assert_int_equal(act.ring, HVISOR_BELL_DRIVER_OK | 1);
	act = put(f, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(act.ring, 1);

	assert_int_equal(virtio_mmio_interrupt(&f->vm, HVISOR_INTERRUPT_USED), 0);
	assert_int_equal(get(f, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	assert_true(act_none(put(f, VIRTIO_MMIO_INTERRUPT_ACK, 1)));
	assert_int_equal(get(f, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_int_equal(f->page.counters.refused, 0);

	/* remove: reset first, then each queue is switched off again */
	act = put(f, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(act.block, HVISOR_OP_RESET);
	assert_int_equal(act.offset, VIRTIO_MMIO_STATUS);
	virtio_mmio_reset(&f->vm);
	put(f, VIRTIO_MMIO_QUEUE_SEL, 0);
	assert_true(act_none(put(f, VIRTIO_MMIO_QUEUE_READY, 0)));
	assert_int_equal(get(f, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(f->page.counters.refused, 0);
	assert_page_fits(f);
}

static void test_undeclared_device_has_id_zero(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f, VIRTIO_MMIO_DEVICE_ID), 0);
	assert_int_equal(get(f, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	put(f, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	put(f, VIRTIO_MMIO_QUEUE_READY, 1);
	assert_int_equal(f->page.counters.refused, 2);
	assert_page_fits(f);
}

static void test_selectors_out_of_range_read_zero(void **state)
{
	struct fixture *f = *state;
	static const u32 odd[] = { 2, 3, 16, 255, 0x7fffffff, 0x80000000, ~0U };
	unsigned int i;

	negotiate(f, FEATURES);
	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		put(f, VIRTIO_MMIO_DEVICE_FEATURES_SEL, odd[i]);
		assert_int_equal(get(f, VIRTIO_MMIO_DEVICE_FEATURES), 0);
		put(f, VIRTIO_MMIO_QUEUE_SEL, odd[i]);
		assert_int_equal(get(f, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
		assert_int_equal(get(f, VIRTIO_MMIO_QUEUE_READY), 0);
		f->page.counters.refused = 0;
		put(f, VIRTIO_MMIO_QUEUE_NUM, 8);
		put(f, VIRTIO_MMIO_QUEUE_DESC_LOW, (u32)RAM);
		put(f, VIRTIO_MMIO_QUEUE_READY, 1);
		put(f, VIRTIO_MMIO_QUEUE_READY, 0);
		assert_int_equal(f->page.counters.refused, 4);
	}
	assert_page_fits(f);
}

static void test_driver_feature_word_is_set_not_ored(void **state)
{
	struct fixture *f = *state;

	put(f, VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES, 0x200);
	assert_int_equal(f->page.driver_features, 0x200);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	assert_int_equal(f->page.driver_features, 0x200);
	assert_int_equal(f->page.counters.refused, 1);
}

static void test_features_ok_needs_subset_and_version_1(void **state)
{
	struct fixture *f = *state;

	negotiate(f, FEATURES | BIT(5));
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), DRIVER_STATUS);
	negotiate(f, FEATURES & ~VIRTIO_F_VERSION_1);
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), DRIVER_STATUS);
	negotiate(f, VIRTIO_F_VERSION_1);
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), READY_STATUS);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff);
	assert_int_equal(f->page.driver_features, VIRTIO_F_VERSION_1);
}

static void test_features_ok_needs_driver(void **state)
{
	struct fixture *f = *state;

	put(f, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	put(f, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_FEATURES_OK);
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), 0);
	put(f, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_DRIVER_OK);
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), 0);
	assert_int_equal(f->page.counters.refused, 2);
}

static void test_status_bits_are_only_added(void **state)
{
	struct fixture *f = *state;

	run(f);
	put(f, VIRTIO_MMIO_STATUS, DRIVER_STATUS);
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), RUN_STATUS);
	put(f, VIRTIO_MMIO_STATUS, RUN_STATUS | 0x10);
	put(f, VIRTIO_MMIO_STATUS, RUN_STATUS | 0x100);
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), RUN_STATUS);
	assert_int_equal(f->page.counters.refused, 3);
	put(f, VIRTIO_MMIO_STATUS, RUN_STATUS | VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), RUN_STATUS);
	put(f, VIRTIO_MMIO_STATUS, RUN_STATUS | VIRTIO_STATUS_FAILED);
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), RUN_STATUS | VIRTIO_STATUS_FAILED);
}

static void test_driver_ok_is_told_once(void **state)
{
	struct fixture *f = *state;

	negotiate(f, FEATURES);
	good_queue(f, 0);
	good_queue(f, 1);
	assert_true(act_none(put(f, VIRTIO_MMIO_QUEUE_NOTIFY, 1)));
	assert_int_equal(put(f, VIRTIO_MMIO_STATUS, RUN_STATUS).ring, HVISOR_BELL_DRIVER_OK | 3);
	assert_int_equal(put(f, VIRTIO_MMIO_STATUS, RUN_STATUS).ring, 0);
}

static void test_needs_reset_survives_status_stores(void **state)
{
	struct fixture *f = *state;

	run(f);
	virtio_mmio_fail(&f->vm);
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), RUN_STATUS | VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(get(f, VIRTIO_MMIO_INTERRUPT_STATUS), HVISOR_INTERRUPT_CONFIG);
	put(f, VIRTIO_MMIO_STATUS, RUN_STATUS | VIRTIO_STATUS_FAILED);
	assert_true(get(f, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	virtio_mmio_reset(&f->vm);
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), 0);
	assert_page_fits(f);
}

static void test_queue_is_frozen_while_ready(void **state)
{
	struct fixture *f = *state;
	struct hvisor_device_queue before;
	u32 offset;

	run(f);
	before = f->page.queues[0];
	for (offset = VIRTIO_MMIO_QUEUE_DESC_LOW; offset <= VIRTIO_MMIO_QUEUE_DEVICE_HIGH;
	     offset += 4)
		put(f, offset, 0xdeadbeef);
	put(f, VIRTIO_MMIO_QUEUE_NUM, 4);
	put(f, VIRTIO_MMIO_QUEUE_READY, 1);
	put(f, VIRTIO_MMIO_QUEUE_READY, 2);
	assert_memory_equal(&before, &f->page.queues[0], sizeof(before));
}

static void test_queue_needs_features_ok(void **state)
{
	struct fixture *f = *state;

	put(f, VIRTIO_MMIO_STATUS, DRIVER_STATUS);
	assert_true(act_none(good_queue(f, 0)));
	assert_int_equal(f->page.queues[0].ready, 0);
	assert_int_equal(f->page.queues[0].desc, 0);
	assert_int_equal(f->page.counters.refused, 8);
}

static void assert_queue_refused(u32 num, u64 desc, u64 driver, u64 device)
{
	void *state;
	struct fixture *f;
	struct virtio_mmio_action act;

	setup(&state);
	f = state;
	negotiate(f, FEATURES);
	act = make_queue(f, 0, num, desc, driver, device);
	assert_true(act.interrupt);
	assert_int_equal(act.ring, 0);
	assert_int_equal(f->page.queues[0].ready, 0);
	assert_int_equal(get(f, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_true(get(f, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(get(f, VIRTIO_MMIO_INTERRUPT_STATUS), HVISOR_INTERRUPT_CONFIG);
	assert_page_fits(f);
	teardown(&state);
}

static void test_bad_queues_are_refused(void **state)
{
	const u64 end = RAM + RAM_SIZE;

	(void)state;
	assert_queue_refused(0, RAM, RAM + 0x1000, RAM + 0x2000);
	assert_queue_refused(3, RAM, RAM + 0x1000, RAM + 0x2000);
	assert_queue_refused(256, RAM, RAM + 0x1000, RAM + 0x2000);
	assert_queue_refused(0x80000000, RAM, RAM + 0x1000, RAM + 0x2000);
	assert_queue_refused(64, RAM + 8, RAM + 0x1000, RAM + 0x2000);
	assert_queue_refused(64, RAM, RAM + 0x1001, RAM + 0x2000);
	assert_queue_refused(64, RAM, RAM + 0x1000, RAM + 0x2002);
	assert_queue_refused(64, 0, RAM + 0x1000, RAM + 0x2000);
	assert_queue_refused(64, ~0xfUL, RAM + 0x1000, RAM + 0x2000);
	assert_queue_refused(64, ~0UL << 10, RAM + 0x1000, RAM + 0x2000);
	/* the last byte counts: table, available ring, used ring */
	assert_queue_refused(64, end - 16 * 64 + 16, RAM + 0x1000, RAM + 0x2000);
	assert_queue_refused(64, RAM, end - (6 + 2 * 64) + 2, RAM + 0x2000);
	assert_queue_refused(64, RAM, RAM + 0x1000, end - (6 + 8 * 64) + 2);
	/* the guest may not write there */
	assert_queue_refused(64, RAM, RAM + 0x1000, ROM);
}

static void test_queue_at_the_edge_is_taken(void **state)
{
	struct fixture *f = *state;
	const u64 end = RAM + RAM_SIZE;

	negotiate(f, FEATURES);
	make_queue(f, 0, 64, end - 16 * 64, RAM, RAM + 0x1000);
	assert_int_equal(get(f, VIRTIO_MMIO_QUEUE_READY), 1);
	make_queue(f, 1, 1, ROM, end - 8, end - 16);
	assert_int_equal(get(f, VIRTIO_MMIO_QUEUE_READY), 1);
	assert_int_equal(virtio_mmio_ready_queues(&f->vm), 3);
}

static void test_queue_stop_blocks_from_driver_ok(void **state)
{
	struct fixture *f = *state;
	struct virtio_mmio_action act;

	negotiate(f, FEATURES);
	good_queue(f, 1);
	act = put(f, VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(act.block, 0);
	assert_int_equal(act.stopped, 2);
	assert_int_equal(get(f, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(f->page.queues[1].epoch, 1);
	put(f, VIRTIO_MMIO_QUEUE_READY, 1);
	put(f, VIRTIO_MMIO_STATUS, RUN_STATUS);
	act = put(f, VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(act.block, HVISOR_OP_QUEUE_STOP);
	assert_int_equal(act.value, 1);
	assert_int_equal(get(f, VIRTIO_MMIO_QUEUE_READY), 1);
	/* another CPU selects another queue before the answer comes */
	put(f, VIRTIO_MMIO_QUEUE_SEL, 0);
	virtio_mmio_queue_stop(&f->vm, act.value);
	assert_int_equal(f->page.queues[1].ready, 0);
	assert_int_equal(f->page.queues[1].epoch, 2);
	virtio_mmio_queue_stop(&f->vm, 1);
	virtio_mmio_queue_stop(&f->vm, ~0U);
	assert_int_equal(f->page.queues[1].epoch, 2);
	assert_page_fits(f);
	/* a queue made ready now is rung for */
	assert_int_equal(good_queue(f, 1).ring, 2);
}

static void test_notify_of_no_ready_queue_is_refused(void **state)
{
	struct fixture *f = *state;

	run(f);
	assert_true(act_none(put(f, VIRTIO_MMIO_QUEUE_NOTIFY, 1)));
	assert_true(act_none(put(f, VIRTIO_MMIO_QUEUE_NOTIFY, 2)));
	assert_true(act_none(put(f, VIRTIO_MMIO_QUEUE_NOTIFY, 16)));
	assert_true(act_none(put(f, VIRTIO_MMIO_QUEUE_NOTIFY, 0x10000)));
	assert_int_equal(f->page.counters.refused, 4);
	assert_int_equal(f->page.counters.notifications, 0);
}

static void test_ack_that_leaves_bits_interrupts_again(void **state)
{
	struct fixture *f = *state;

	run(f);
	assert_int_equal(virtio_mmio_interrupt(&f->vm, 3), 0);
	assert_true(put(f, VIRTIO_MMIO_INTERRUPT_ACK, 1).interrupt);
	assert_int_equal(get(f, VIRTIO_MMIO_INTERRUPT_STATUS), 2);
	assert_false(put(f, VIRTIO_MMIO_INTERRUPT_ACK, ~0U).interrupt);
	assert_int_equal(f->page.counters.acks, 2);
}

static void test_interrupt_needs_driver_ok(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(virtio_mmio_interrupt(&f->vm, 1), -ENOTCONN);
	run(f);
	assert_int_equal(virtio_mmio_interrupt(&f->vm, 0), -EINVAL);
	assert_int_equal(virtio_mmio_interrupt(&f->vm, 4), -EINVAL);
	assert_int_equal(virtio_mmio_interrupt(&f->vm, 1UL << 32 | 1), -EINVAL);
	assert_int_equal(get(f, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

static void test_reset_starts_a_new_epoch(void **state)
{
	struct fixture *f = *state;
	u32 epoch;

	run(f);
	virtio_mmio_interrupt(&f->vm, 1);
	epoch = f->page.epoch;
	assert_int_equal(put(f, VIRTIO_MMIO_STATUS, 0).block, HVISOR_OP_RESET);
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), RUN_STATUS);
	assert_int_equal(f->page.epoch, epoch);
	virtio_mmio_reset(&f->vm);
	assert_int_equal(f->page.epoch, epoch + 1);
	assert_int_equal(f->page.driver_features, 0);
	assert_int_equal(virtio_mmio_ready_queues(&f->vm), 0);
	assert_int_equal(f->page.queues[0].max, 128);
	assert_int_equal(f->page.queues[0].desc, 0);
	assert_int_equal(f->page.queues[0].epoch, 1);
	assert_int_equal(f->page.queues[1].epoch, 1);
	assert_page_fits(f);
	/* without DRIVER_OK nobody needs to be asked */
	put(f, VIRTIO_MMIO_STATUS, DRIVER_STATUS);
	assert_true(put(f, VIRTIO_MMIO_STATUS, 0).reset);
}

static void test_registers_take_aligned_words_only(void **state)
{
	struct fixture *f = *state;

	run(f);
	virtio_mmio_store(&f->vm, VIRTIO_MMIO_STATUS, 1, 0);
	virtio_mmio_store(&f->vm, VIRTIO_MMIO_STATUS, 2, 0);
	virtio_mmio_store(&f->vm, VIRTIO_MMIO_STATUS, 8, 0);
	virtio_mmio_store(&f->vm, VIRTIO_MMIO_STATUS + 2, 4, 0);
	virtio_mmio_store(&f->vm, VIRTIO_MMIO_CONFIG - 2, 4, 0);
	assert_int_equal(get(f, VIRTIO_MMIO_STATUS), RUN_STATUS);
	assert_int_equal(f->page.counters.refused, 5);
}

static void test_read_only_registers_refuse_stores(void **state)
{
	struct fixture *f = *state;
	static const u32 fixed[] = {
		VIRTIO_MMIO_MAGIC, VIRTIO_MMIO_VERSION, VIRTIO_MMIO_DEVICE_ID,
		VIRTIO_MMIO_DEVICE_FEATURES, VIRTIO_MMIO_QUEUE_NUM_MAX,
		VIRTIO_MMIO_INTERRUPT_STATUS, VIRTIO_MMIO_SHM_LEN_LOW,
		VIRTIO_MMIO_CONFIG_GENERATION, 0x028, 0x03c, 0x0c0,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fixed); i++)
		assert_true(act_none(put(f, fixed[i], 0x5a5a5a5a)));
	assert_int_equal(f->page.counters.refused, ARRAY_SIZE(fixed));
	assert_page_fits(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DECLARED(test_linux_probe_sequence),
		UNDECLARED(test_undeclared_device_has_id_zero),
		DECLARED(test_selectors_out_of_range_read_zero),
		DECLARED(test_driver_feature_word_is_set_not_ored),
		DECLARED(test_features_ok_needs_subset_and_version_1),
		DECLARED(test_features_ok_needs_driver),
		DECLARED(test_status_bits_are_only_added),
		DECLARED(test_driver_ok_is_told_once),
		DECLARED(test_needs_reset_survives_status_stores),
		DECLARED(test_queue_is_frozen_while_ready),
		DECLARED(test_queue_needs_features_ok),
		cmocka_unit_test(test_bad_queues_are_refused),
		DECLARED(test_queue_at_the_edge_is_taken),
		DECLARED(test_queue_stop_blocks_from_driver_ok),
		DECLARED(test_notify_of_no_ready_queue_is_refused),
		DECLARED(test_ack_that_leaves_bits_interrupts_again),
		DECLARED(test_interrupt_needs_driver_ok),
		DECLARED(test_reset_starts_a_new_epoch),
		DECLARED(test_registers_take_aligned_words_only),
		DECLARED(test_read_only_registers_refuse_stores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
