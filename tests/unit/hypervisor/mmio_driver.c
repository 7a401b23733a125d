// SPDX-License-Identifier: GPL-2.0-or-later
/* A driver's side of a virtio-mmio device, see mmio_driver.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mmio_driver.h"

bool reachable(void *arg, u64 ipa, u64 size, bool write)
{
	(void)arg;
	if (ipa >= RAM && ipa < RAM + RAM_SIZE)
		return size <= RAM + RAM_SIZE - ipa;
	if (ipa >= ROM && ipa < ROM + ROM_SIZE)
		return !write && size <= ROM + ROM_SIZE - ipa;
	return false;
}

struct hvisor_device_decl good_decl(void)
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

int setup_undeclared(void **state)
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

int setup(void **state)
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

int teardown(void **state)
{
	free(*state);
	return 0;
}

struct virtio_mmio_action put(struct fixture *f, u32 offset, u32 value)
{
	return virtio_mmio_store(&f->vm, offset, 4, value);
}

u32 get(struct fixture *f, u32 offset)
{
	return f->regs[offset / 4];
}

bool act_none(struct virtio_mmio_action act)
{
	return !act.ring && !act.block && !act.interrupt && !act.reset;
}

void negotiate(struct fixture *f, u64 features)
{
	put(f, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
	put(f, VIRTIO_MMIO_STATUS, DRIVER_STATUS);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	put(f, VIRTIO_MMIO_DRIVER_FEATURES, (u32)features);
	put(f, VIRTIO_MMIO_STATUS, READY_STATUS);
}

struct virtio_mmio_action make_queue(struct fixture *f, u32 queue, u32 num, u64 desc,
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

struct virtio_mmio_action good_queue(struct fixture *f, u32 queue)
{
	u64 base = RAM + 0x10000 * queue;

	return make_queue(f, queue, 64, base, base + 0x1000, base + 0x2000);
}

void run(struct fixture *f)
{
	negotiate(f, FEATURES);
	good_queue(f, 0);
	put(f, VIRTIO_MMIO_STATUS, RUN_STATUS);
}

void assert_page_fits(struct fixture *f)
{
	u32 expected[PAGE_SIZE / 4] = {0};
	struct virtio_mmio copy = f->vm;

	copy.regs = expected;
	virtio_mmio_render(&copy);
	assert_memory_equal(expected, f->regs, sizeof(expected));
	assert_int_equal(copy.live, f->vm.live);
}
