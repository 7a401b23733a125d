// SPDX-License-Identifier: GPL-2.0-or-later
/* The virtio-mmio state machine: rules, a real driver's steps, hostility. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hvisor/hypercall.h>

#include "errno.h"
#include "virtio-mmio.h"

#define RAM		0x40000000UL
#define RAM_SIZE	0x100000UL
#define ROM		0x50000000UL
#define ROM_SIZE	0x10000UL
#define FEATURES	(VIRTIO_F_VERSION_1 | BIT(29) | BIT(28) | BIT(9))
#define DRIVER_STATUS	(VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER)
#define READY_STATUS	(DRIVER_STATUS | VIRTIO_STATUS_FEATURES_OK)
#define RUN_STATUS	(READY_STATUS | VIRTIO_STATUS_DRIVER_OK)

struct fixture {
	struct virtio_mmio vm;
	struct hvisor_device_page page;
	u32 regs[PAGE_SIZE / 4];
};

static bool reachable(void *arg, u64 ipa, u64 size, bool write)
{
	(void)arg;
	if (ipa >= RAM && ipa < RAM + RAM_SIZE)
		return size <= RAM + RAM_SIZE - ipa;
	if (ipa >= ROM && ipa < ROM + ROM_SIZE)
		return !write && size <= ROM + ROM_SIZE - ipa;
	return false;
}

static struct hvisor_device_decl good_decl(void)
{
	struct hvisor_device_decl decl = {
		.size = sizeof(decl),
		.device_id = 2,
		.vendor_id = 0x1234,
		.nr_queues = 2,
		.features = FEATURES,
		.queue_max = { 128, 64 },
		.config_len = 60,
		.config = { 0x11, 0x22, 0x33, 0x44, 0x55 },
	};

	return decl;
}

static int setup_undeclared(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->page.kind = HVISOR_DEVICE_VIRTIO;
	f->page.queue_size = 256;
	f->vm.page = &f->page;
	f->vm.regs = f->regs;
	f->vm.reachable = reachable;
	f->vm.max_queues = 3;
	virtio_mmio_render(&f->vm);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	struct hvisor_device_decl decl = good_decl();
	struct fixture *f;

	setup_undeclared(state);
	f = *state;
	assert_int_equal(virtio_mmio_declare(&f->vm, &decl), 0);
	virtio_mmio_config(&f->vm, decl.config);
	virtio_mmio_render(&f->vm);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static struct virtio_mmio_action put(struct fixture *f, u32 offset, u32 value)
{
	return virtio_mmio_store(&f->vm, offset, 4, value);
}

static u32 get(struct fixture *f, u32 offset)
{
	return f->regs[offset / 4];
}

static bool act_none(struct virtio_mmio_action act)
{
	return !act.ring && !act.block && !act.interrupt && !act.reset;
}

static void negotiate(struct fixture *f, u64 features)
{
	put(f, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
	put(f, VIRTIO_MMIO_STATUS, DRIVER_STATUS);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES, (u32)features);
	put(f, VIRTIO_MMIO_STATUS, READY_STATUS);
}

static struct virtio_mmio_action make_queue(struct fixture *f, u32 queue, u32 num, u64 desc,
					    u64 driver, u64 device)
{
	put(f, VIRTIO_MMIO_QUEUE_SEL, queue);
	put(f, VIRTIO_MMIO_QUEUE_NUM, num);
	put(f, VIRTIO_MMIO_QUEUE_DESC_LOW, (u32)desc);
	put(f, VIRTIO_MMIO_QUEUE_DESC_HIGH, desc >> 32);
	put(f, VIRTIO_MMIO_QUEUE_DRIVER_LOW, (u32)driver);
	put(f, VIRTIO_MMIO_QUEUE_DRIVER_HIGH, driver >> 32);
	put(f, VIRTIO_MMIO_QUEUE_DEVICE_LOW, (u32)device);
	put(f, VIRTIO_MMIO_QUEUE_DEVICE_HIGH, device >> 32);
	return put(f, VIRTIO_MMIO_QUEUE_READY, 1);
}

static struct virtio_mmio_action good_queue(struct fixture *f, u32 queue)
{
	u64 base = RAM + 0x10000 * queue;

	return make_queue(f, queue, 64, base, base + 0x1000, base + 0x2000);
}

static void run(struct fixture *f)
{
	negotiate(f, FEATURES);
	good_queue(f, 0);
	put(f, VIRTIO_MMIO_STATUS, RUN_STATUS);
}

/* The page shows the state, whatever happened. */
static void assert_page_fits(struct fixture *f)
{
	u32 expected[PAGE_SIZE / 4] = {0};
	struct virtio_mmio copy = f->vm;

	copy.regs = expected;
	virtio_mmio_render(&copy);
	assert_memory_equal(expected, f->regs, sizeof(expected));
}

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

static void test_config_stores_block_within_its_length(void **state)
{
	struct fixture *f = *state;
	struct virtio_mmio_action act;

	assert_true(act_none(put(f, VIRTIO_MMIO_CONFIG, 1)));
	put(f, VIRTIO_MMIO_STATUS, DRIVER_STATUS);
	act = virtio_mmio_store(&f->vm, VIRTIO_MMIO_CONFIG + 32, 1, 1);
	assert_int_equal(act.block, HVISOR_OP_CONFIG_STORE);
	assert_int_equal(act.offset, 32);
	assert_int_equal(act.value, 1);
	act = virtio_mmio_store(&f->vm, VIRTIO_MMIO_CONFIG + 56, 4, 1);
	assert_int_equal(act.block, HVISOR_OP_CONFIG_STORE);
	f->page.counters.refused = 0;
	assert_true(act_none(virtio_mmio_store(&f->vm, VIRTIO_MMIO_CONFIG + 56, 8, 1)));
	assert_true(act_none(virtio_mmio_store(&f->vm, VIRTIO_MMIO_CONFIG + 60, 1, 1)));
	assert_true(act_none(virtio_mmio_store(&f->vm, VIRTIO_MMIO_CONFIG + 2, 4, 1)));
	assert_true(act_none(virtio_mmio_store(&f->vm, PAGE_SIZE - 4, 4, 1)));
	assert_int_equal(f->page.counters.refused, 4);
}

static void test_config_change_counts_a_generation(void **state)
{
	struct fixture *f = *state;
	u8 config[HVISOR_MAX_CONFIG] = { 0xaa, 0xbb, 0xcc, 0xdd };
	u32 generation = get(f, VIRTIO_MMIO_CONFIG_GENERATION);

	memset(config + 60, 0xff, sizeof(config) - 60);
	virtio_mmio_config(&f->vm, config);
	assert_int_equal(get(f, VIRTIO_MMIO_CONFIG), 0xddccbbaa);
	assert_int_equal(get(f, VIRTIO_MMIO_CONFIG_GENERATION), generation + 1);
	assert_int_equal(get(f, VIRTIO_MMIO_CONFIG + 60), 0);
}

/* A driver that is not ready is told of it when it is, and of no older one. */
static void test_config_change_waits_for_the_driver(void **state)
{
	struct fixture *f = *state;
	u8 config[HVISOR_MAX_CONFIG] = { 1 };
	struct virtio_mmio_action act;

	virtio_mmio_config(&f->vm, config);
	negotiate(f, VIRTIO_F_VERSION_1);
	act = put(f, VIRTIO_MMIO_STATUS, READY_STATUS | VIRTIO_STATUS_DRIVER_OK);
	assert_false(act.interrupt);
	assert_int_equal(get(f, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	virtio_mmio_reset(&f->vm);

	negotiate(f, VIRTIO_F_VERSION_1);
	virtio_mmio_config(&f->vm, config);
	virtio_mmio_reset(&f->vm);
	negotiate(f, VIRTIO_F_VERSION_1);
	act = put(f, VIRTIO_MMIO_STATUS, READY_STATUS | VIRTIO_STATUS_DRIVER_OK);
	assert_false(act.interrupt);
	virtio_mmio_reset(&f->vm);

	negotiate(f, VIRTIO_F_VERSION_1);
	virtio_mmio_config(&f->vm, config);
	assert_int_equal(get(f, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	act = put(f, VIRTIO_MMIO_STATUS, READY_STATUS | VIRTIO_STATUS_DRIVER_OK);
	assert_true(act.interrupt);
	assert_int_equal(get(f, VIRTIO_MMIO_INTERRUPT_STATUS), HVISOR_INTERRUPT_CONFIG);
}

#define assert_decl_refused(f, change) do { \
	struct hvisor_device_decl decl = good_decl(); \
	decl.change; \
	assert_int_equal(virtio_mmio_declare(&(f)->vm, &decl), -EINVAL); \
} while (0)

static void refuse_bad_decls(struct fixture *f)
{
	assert_decl_refused(f, size = 4);
	assert_decl_refused(f, reserved = 1);
	assert_decl_refused(f, device_id = 0);
	assert_decl_refused(f, device_id = 64);
	assert_decl_refused(f, nr_queues = 0);
	assert_decl_refused(f, nr_queues = 4);
	assert_decl_refused(f, nr_queues = 3);
	assert_decl_refused(f, nr_queues = 17);
	assert_decl_refused(f, queue_max[1] = 0);
	assert_decl_refused(f, queue_max[1] = 1);
	assert_decl_refused(f, queue_max[1] = 100);
	assert_decl_refused(f, queue_max[0] = 512);
	assert_decl_refused(f, config_len = 257);
	assert_decl_refused(f, config_len = ~0U);
	assert_decl_refused(f, features = BIT(9));
	assert_decl_refused(f, features |= VIRTIO_F_RING_PACKED);
	assert_decl_refused(f, features |= VIRTIO_F_SR_IOV);
	assert_decl_refused(f, features |= VIRTIO_F_NOTIFICATION_DATA);
	assert_decl_refused(f, features |= VIRTIO_F_RING_RESET);
	assert_decl_refused(f, features |= VIRTIO_F_ADMIN_VQ);
}

static void test_bad_declaration_is_refused(void **state)
{
	struct fixture *f = *state;

	refuse_bad_decls(f);
	assert_int_equal(f->page.declared, 0);
	assert_int_equal(f->page.nr_queues, 0);
}

static void test_later_declaration_must_agree(void **state)
{
	struct fixture *f = *state;
	struct hvisor_device_decl decl = good_decl();

	decl.config[0] = 99;
	assert_int_equal(virtio_mmio_declare(&f->vm, &decl), 0);
	refuse_bad_decls(f);
	assert_decl_refused(f, device_id = 3);
	assert_decl_refused(f, vendor_id = 3);
	assert_decl_refused(f, nr_queues = 1);
	assert_decl_refused(f, queue_max[0] = 64);
	assert_decl_refused(f, config_len = 56);
	assert_decl_refused(f, features &= ~BIT(9));
	assert_int_equal(f->page.device_id, 2);
}

static void test_foreign_region_declares_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct hvisor_device_decl decl = { .size = sizeof(decl) };

	f->page.kind = HVISOR_DEVICE_MMIO;
	f->vm.max_queues = 0;
	f->vm.regs = NULL;
	decl.device_id = 2;
	assert_int_equal(virtio_mmio_declare(&f->vm, &decl), -EINVAL);
	decl.device_id = 0;
	assert_int_equal(virtio_mmio_declare(&f->vm, &decl), 0);
	assert_int_equal(virtio_mmio_declare(&f->vm, &decl), 0);
}

/* -- random stores -- */

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
#define DECLARED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define UNDECLARED(test) cmocka_unit_test_setup_teardown(test, setup_undeclared, teardown)
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
		DECLARED(test_config_stores_block_within_its_length),
		DECLARED(test_config_change_waits_for_the_driver),
		DECLARED(test_config_change_counts_a_generation),
		UNDECLARED(test_bad_declaration_is_refused),
		DECLARED(test_later_declaration_must_agree),
		UNDECLARED(test_foreign_region_declares_nothing_else),
		DECLARED(test_random_stores_keep_the_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
