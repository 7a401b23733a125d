// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Descriptors and declarations of devices, good and damaged, while the pool is now
 * and then empty: refused without a trace, or all that they say fits together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "device_world.h"
#include "errno.h"
#include "random.h"

#define LIVES		300
#define CALLS		80

static struct hvisor_device_desc random_desc(void)
{
	struct hvisor_device_desc desc = one_in(3) ? foreign_desc() : virtio_desc();

	if (one_in(6)) {
		desc = foreign_desc();
		desc.kind = HVISOR_DEVICE_EARLYCON;
		desc.length = PAGE_SIZE;
	}
	desc.name[3] = (u8)('0' + random_below(10));
	desc.ipa = IPA + random_below(256) * PAGE_SIZE;
	if (desc.kind == HVISOR_DEVICE_MMIO)
		desc.length = (1 + (u32)random_below(16)) * PAGE_SIZE;
	if (desc.irq || (desc.kind == HVISOR_DEVICE_MMIO && one_in(2)))
		desc.irq = 32 + (u32)random_below(64);
	if (desc.queue_size)
		desc.queue_size = 2U << random_below(10);
	if (one_in(16))
		desc.ipa = RAM + BLOCK_SIZE - random_below(3 * 512) * PAGE_SIZE;
	if (one_in(32))
		desc.ipa = -random_below(20) * PAGE_SIZE;
	if (one_in(2))
		random_damage(&desc, sizeof(desc), 3);
	if (one_in(100))
		random_damage(&desc, sizeof(desc), 200);
	return desc;
}

/* Of its kind, as cell.h tells. */
static bool shape_is_good(const struct hvisor_device_desc *desc)
{
	if (desc->kind == HVISOR_DEVICE_VIRTIO)
		return desc->length == 4096 && desc->irq && desc->nr_queues - 1 < 16 &&
		       __builtin_popcount(desc->queue_size) == 1 && desc->queue_size > 1 &&
		       desc->queue_size <= 1024;
	if (desc->nr_queues || desc->queue_size)
		return false;
	if (desc->kind == HVISOR_DEVICE_MMIO)
		return desc->length && desc->length <= 65536 && desc->length % 4096 == 0;
	return desc->kind == HVISOR_DEVICE_EARLYCON && desc->length == 4096 && !desc->irq;
}

static bool desc_is_good(const struct hvisor_device_desc *desc)
{
	return desc->size == sizeof(*desc) &&
	       name_is_good(desc->name, sizeof(desc->name)) && shape_is_good(desc) &&
	       desc->ipa % 4096 == 0 && desc->ipa < -(u64)desc->length &&
	       (!desc->irq || (desc->irq > 31 && desc->irq < 256)) && desc->policy <= 2;
}

/* With memory, or with a device that is there. */
static bool desc_clashes(const struct hvisor_device_desc *desc)
{
	const struct hvisor_device_page *page;
	u32 n;

	if (desc->ipa < RAM + BLOCK_SIZE && desc->ipa + desc->length > RAM)
		return true;
	for (n = 0; n < cell_page.nr_devices; n++) {
		page = (const struct hvisor_device_page *)cell_page.devices[n];
		if (!memcmp(page->name, desc->name, sizeof(page->name)) ||
		    (desc->irq && page->irq == desc->irq) ||
		    (desc->ipa < page->ipa + page->length && page->ipa < desc->ipa + desc->length))
			return true;
	}
	return false;
}

static void check_device(u32 n, const struct hvisor_device_desc *desc)
{
	const struct hvisor_device_page *page =
		(const struct hvisor_device_page *)cell_page.devices[n];
	const struct mmio_region *region = mmio_region_find(&cell.mmio, desc->ipa);

	assert_int_equal(page->index, n);
	assert_int_equal(page->kind, desc->kind);
	assert_memory_equal(page->name, desc->name, sizeof(page->name));
	assert_int_equal(page->ipa, desc->ipa);
	assert_int_equal(page->irq, desc->irq);
	assert_int_equal(page->queue_size, desc->queue_size);
	assert_true(region && region->start == desc->ipa && region->size == desc->length);
	assert_true(!desc->irq || irqs[desc->irq].owned);
}

static u32 add_something(void)
{
	struct hvisor_device_desc desc = random_desc();
	u32 count = cell_page.nr_devices, regions = cell.mmio.count;
	bool good = desc_is_good(&desc), clashes = good && desc_clashes(&desc);
	struct world before;
	s64 ret;

	world.alloc_left = one_in(8) ? (int)random_below(4) : 100;
	world.share_left = one_in(8) ? (int)random_below(40) : 1000;
	before = world;
	ret = add(&desc);
	if (ret >= 0) {
		assert_true(good && !clashes && ret == count);
		assert_int_equal(cell_page.nr_devices, count + 1);
		assert_int_equal(cell.mmio.count, regions + 1);
		check_device(count, &desc);
		return 1;
	}
	assert_int_equal(cell_page.nr_devices, count);
	assert_int_equal(cell.mmio.count, regions);
	assert_int_equal(world.pages, before.pages);
	assert_int_equal(world.shared, before.shared);
	assert_int_equal(world.mapped, before.mapped);
	if (!good)
		assert_int_equal(ret, -EINVAL);
	else if (count == HVISOR_MAX_DEVICES)
		assert_int_equal(ret, -ENOSPC);
	else if (ret != -ENOMEM)
		assert_true(ret == -EEXIST && clashes);
	else
		assert_true(before.alloc_left < 4 || before.share_left < 40);
	return 0;
}

/* What the backend says of the queues is within what root has asked for. */
static void check_declared(const struct hvisor_device_page *page, u32 nr_queues)
{
	u32 n;

	assert_int_equal(page->declared, 1);
	assert_int_equal(page->attached, 1);
	assert_true(page->nr_queues <= nr_queues);
	assert_true(page->config_len <= HVISOR_MAX_CONFIG);
	for (n = 0; n < page->nr_queues; n++) {
		assert_true(page->queues[n].max <= page->queue_size);
		assert_int_equal(__builtin_popcount(page->queues[n].max), 1);
	}
}

static u32 declare_something(void)
{
	u64 n = one_in(16) ? random_u64() : random_below(cell_page.nr_devices + 1U);
	struct hvisor_device_decl decl = virtio_decl();
	const struct device *device = &devices_of(&cell)->devices[n % HVISOR_MAX_DEVICES];
	struct hvisor_device_page before;
	s64 ret;

	if (n < cell_page.nr_devices && device->page->kind == HVISOR_DEVICE_MMIO)
		decl = (struct hvisor_device_decl){ .size = sizeof(decl) };
	if (one_in(2))
		random_damage(&decl, offsetof(struct hvisor_device_decl, config), 3);
	if (n >= cell_page.nr_devices) {
		assert_int_equal(declare(n, &decl), decl.size == sizeof(decl) ? -ENOENT : -EINVAL);
		return 0;
	}
	before = *device->page;
	ret = declare(n, &decl);
	if (ret) {
		assert_true(ret == -EINVAL || (ret == -EBUSY && before.attached));
		assert_memory_equal(device->page, &before, sizeof(before));
		return 0;
	}
	assert_int_equal(before.attached, 0);
	check_declared(device->page, device->vm.max_queues);
	if (one_in(2))
		assert_int_equal(call(hc_device_release, n, 1, 0, 0), 0);
	return 1;
}

static void random_descriptors_are_refused_or_fit(void **state)
{
	u32 life, n, added = 0, declared = 0;

	(void)state;
	random_seed();
	for (life = 0; life < LIVES; life++) {
		for (n = 0; n < CALLS; n++) {
			if (one_in(3))
				declared += declare_something();
			else
				added += add_something();
		}
		devices_cell_exit(&cell);
		assert_int_equal(world.pages, 0);
		assert_int_equal(world.shared, 0);
		assert_int_equal(world.mapped, 0);
		assert_int_equal(cell.mmio.count, 0);
		memset(irqs, 0, sizeof(irqs));
		world.alloc_left = world.share_left = 1000;
		assert_int_equal(devices_cell_init(&cell), 0);
	}
	assert_true(added > LIVES && declared > LIVES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(random_descriptors_are_refused_or_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
