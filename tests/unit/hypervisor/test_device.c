// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual devices: what creation refuses and gives back, what backends declare,
 * tell and are told, and the early console.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "device_world.h"
#include "errno.h"

/* -- creation -- */

static void test_create_publishes_the_device(void **state)
{
	struct hvisor_device_desc desc = virtio_desc();
	struct hvisor_device_page *page;

	(void)state;
	assert_int_equal(add(&desc), 0);
	page = devices_of(&cell)->devices[0].page;
	assert_int_equal(cell_page.nr_devices, 1);
	assert_int_equal(cell_page.devices[0], (u64)page);
	assert_int_equal(cell_page.bell, (u64)bell());
	assert_string_equal((char *)page->name, "blk0");
	assert_int_equal(page->irq, IRQ);
	assert_int_equal(page->state_pages * PAGE_SIZE,
			 ALIGN_UP(HVISOR_DEVICE_STATE_SIZE(2U, 256U), PAGE_SIZE));
	assert_int_equal(world.mapped, 1);
	assert_true(irqs[IRQ].owned);
	/* bell, 4 of log, device page, state */
	assert_int_equal(world.shared, 1 + 4 + 1 + (int)page->state_pages);
}

#define assert_desc_refused(error, make, change) do { \
	struct hvisor_device_desc desc = make(); \
	int pages = world.pages, shared = world.shared; \
	desc.change; \
	assert_int_equal(add(&desc), error); \
	assert_int_equal(world.pages, pages); \
	assert_int_equal(world.shared, shared); \
} while (0)

static void test_broken_descriptors_are_refused(void **state)
{
	(void)state;
	assert_desc_refused(-EINVAL, virtio_desc, size = 8);
	assert_desc_refused(-EINVAL, virtio_desc, kind = 0);
	assert_desc_refused(-EINVAL, virtio_desc, kind = 4);
	assert_desc_refused(-EINVAL, virtio_desc, name[0] = 0);
	assert_desc_refused(-EINVAL, virtio_desc, name[1] = '/');
	assert_desc_refused(-EINVAL, virtio_desc, name[1] = '.');
	assert_desc_refused(-EINVAL, virtio_desc, name[8] = 'x');
	assert_desc_refused(-EINVAL, virtio_desc, ipa = IPA + 1);
	assert_desc_refused(-EINVAL, virtio_desc, ipa = ~0xfffUL);
	assert_desc_refused(-EINVAL, virtio_desc, length = 0);
	assert_desc_refused(-EINVAL, virtio_desc, length = 8192);
	assert_desc_refused(-EINVAL, virtio_desc, irq = 0);
	assert_desc_refused(-EINVAL, virtio_desc, irq = 31);
	assert_desc_refused(-EINVAL, virtio_desc, irq = 256);
	assert_desc_refused(-EINVAL, virtio_desc, nr_queues = 0);
	assert_desc_refused(-EINVAL, virtio_desc, nr_queues = 17);
	assert_desc_refused(-EINVAL, virtio_desc, queue_size = 0);
	assert_desc_refused(-EINVAL, virtio_desc, queue_size = 1);
	assert_desc_refused(-EINVAL, virtio_desc, queue_size = 100);
	assert_desc_refused(-EINVAL, virtio_desc, queue_size = 2048);
	assert_desc_refused(-EINVAL, virtio_desc, policy = 3);
	assert_desc_refused(-EINVAL, foreign_desc, length = 0x11000);
	assert_desc_refused(-EINVAL, foreign_desc, length = 100);
	assert_desc_refused(-EINVAL, foreign_desc, nr_queues = 1);
	assert_desc_refused(-EINVAL, foreign_desc, queue_size = 2);
	assert_desc_refused(-EEXIST, virtio_desc, ipa = RAM);
	assert_desc_refused(-EEXIST, foreign_desc, ipa = RAM - 0x1000);
	assert_int_equal(cell_page.nr_devices, 0);
}

static void test_clash_with_another_device_is_refused(void **state)
{
	struct hvisor_device_desc desc = virtio_desc();

	(void)state;
	assert_int_equal(add(&desc), 0);
	assert_desc_refused(-EEXIST, virtio_desc, name[0] = 'x');
	assert_desc_refused(-EEXIST, virtio_desc, ipa = IPA + PAGE_SIZE);
	assert_desc_refused(-EEXIST, foreign_desc, ipa = IPA - PAGE_SIZE);
	assert_desc_refused(-EEXIST, foreign_desc, irq = IRQ);
	assert_int_equal(cell_page.nr_devices, 1);
}

static void test_only_a_cell_being_assembled_takes_devices(void **state)
{
	struct hvisor_device_desc desc = virtio_desc();

	(void)state;
	cell.state = HVISOR_CELL_LOADED;
	assert_int_equal(add(&desc), -EBUSY);
	cell.state = HVISOR_CELL_RUNNING;
	assert_int_equal(add(&desc), -EBUSY);
}

static void test_too_many_devices(void **state)
{
	struct hvisor_device_desc desc = foreign_desc();
	u32 i;

	(void)state;
	desc.length = PAGE_SIZE;
	for (i = 0; i < HVISOR_MAX_DEVICES; i++) {
		desc.name[0] = 'a' + i % 26;
		desc.name[1] = 'a' + i / 26;
		desc.ipa += PAGE_SIZE;
		assert_int_equal(add(&desc), i);
	}
	desc.name[0] = 'Z';
	desc.ipa += PAGE_SIZE;
	assert_int_equal(add(&desc), -ENOSPC);
}

/* However little the pool has, nothing is left behind. */
static void test_empty_pool_is_undone(void **state)
{
	struct hvisor_device_desc desc = virtio_desc();
	int pages = world.pages, shared = world.shared, left;

	(void)state;
	for (left = 0; ; left++) {
		world.alloc_left = left;
		if (add(&desc) == 0)
			break;
		assert_int_equal(world.pages, pages);
		assert_int_equal(world.shared, shared);
	}
	assert_int_equal(left, 3);
	devices_cell_exit(&cell);
	for (left = 0; ; left++) {
		world.alloc_left = left;
		if (devices_cell_init(&cell) == 0)
			break;
		assert_int_equal(world.pages, 0);
	}
	pages = world.pages;
	world.alloc_left = 1000;
	/* device page, three of the state area */
	for (left = 0; left < 1 + 3; left++) {
		world.share_left = left;
		assert_int_equal(add(&desc), -ENOMEM);
		assert_int_equal(world.pages, pages);
	}
}

/* -- declaration -- */

static void test_calls_before_the_declaration(void **state)
{
	struct hvisor_device_desc desc = virtio_desc();
	struct hvisor_device_decl decl = virtio_decl();

	(void)state;
	assert_int_equal(declare(0, &decl), -ENOENT);
	assert_int_equal(add(&desc), 0);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), -ENOTCONN);
	assert_int_equal(call(hc_device_interrupt, 0, 1, 0, 0), -ENOTCONN);
	assert_int_equal(call(hc_device_fail, 0, 0, 0, 0), -ENOTCONN);
	memcpy(world.args, &decl, sizeof(decl));
	decl.config_len = 0;
	memcpy(world.args, &decl, sizeof(decl));
	assert_int_equal(call(hc_device_config, 0, 0, 0, 0), -ENOTCONN);
	assert_int_equal(call(hc_device_answer, 1, 0, 1, 0), -ENOENT);
	assert_int_equal(call(hc_device_answer, 32, 0, 1, 0), -ENOENT);
	assert_int_equal(call(hc_device_answer, ~0UL, 0, 1, 0), -ENOENT);
}

static void test_one_backend_at_a_time(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_decl decl = virtio_decl();

	(void)state;
	assert_int_equal(declare(0, &decl), -EBUSY);
	assert_int_equal(call(hc_device_release, 0, 0, 0, 0), 0);
	assert_int_equal(device->page->attached, 0);
	decl.features |= 1;
	assert_int_equal(declare(0, &decl), -EINVAL);
	assert_int_equal(device->page->attached, 0);
}

static void test_new_backend_is_told_everything(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_decl decl = virtio_decl();

	(void)state;
	call(hc_device_release, 0, 0, 0, 0);
	slot_post(&device->page->slots[1], &device->waits[1],
		  &(struct slot_request){ .op = HVISOR_OP_RESET }, 0);
	memset(bell(), 0, PAGE_SIZE);
	/* a bit that the dead one never took counts too */
	bell()->doorbells[0].bits = 1;
	world.root_irqs = world.guest_irqs = 0;
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(bell()->requests, 1);
	assert_int_equal(bell()->bells, 1);
	assert_int_equal(bell()->doorbells[0].bits, HVISOR_BELL_DRIVER_OK | 1);
	assert_int_equal(world.root_irqs, 1);
	assert_int_equal(world.guest_irqs, 1);
	assert_int_equal(device->page->interrupt_status, HVISOR_INTERRUPT_USED);
}

static void test_config_changes_out_of_sight(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_decl decl = virtio_decl();
	u32 generation = device->page->config_generation;

	(void)state;
	decl.config[0] = 0x77;
	memcpy(world.args, &decl, sizeof(decl));
	assert_int_equal(call(hc_device_config, 0, 0, 0, 0), 0);
	assert_int_equal(world.mapped, 1);
	assert_int_equal(device->page->config_generation, generation + 1);
	assert_int_equal(device->vm.regs[VIRTIO_MMIO_CONFIG / 4] & 0xff, 0x77);
	assert_int_equal(device->page->interrupt_status, HVISOR_INTERRUPT_CONFIG);
	assert_int_equal(world.guest_irqs, 1);
	decl.config_len = 4;
	memcpy(world.args, &decl, sizeof(decl));
	assert_int_equal(call(hc_device_config, 0, 0, 0, 0), -EINVAL);
}

/* -- interrupts and notifications -- */

static void test_interrupt_is_raised_even_if_it_was(void **state)
{
	struct device *device = driven_device(0, 0);

	(void)state;
	assert_int_equal(call(hc_device_interrupt, 0, 1, 0, 0), 0);
	assert_int_equal(call(hc_device_interrupt, 0, 1, 0, 0), 0);
	assert_int_equal(world.guest_irqs, 2);
	assert_int_equal(device->page->counters.interrupts, 2);
	assert_int_equal(call(hc_device_interrupt, 0, 4, 0, 0), -EINVAL);
	device->page->status = 0;
	assert_int_equal(call(hc_device_interrupt, 0, 1, 0, 0), -ENOTCONN);
	assert_int_equal(world.guest_irqs, 2);
}

static void test_notifications_coalesce(void **state)
{
	struct device *device = driven_device(0, 0);

	(void)state;
	memset(bell(), 0, PAGE_SIZE);
	world.root_irqs = 0;
	assert_int_equal(store(VIRTIO_MMIO_QUEUE_NOTIFY, 0), MMIO_HANDLED);
	assert_int_equal(store(VIRTIO_MMIO_QUEUE_NOTIFY, 0), MMIO_HANDLED);
	assert_int_equal(world.root_irqs, 1);
	assert_int_equal(device->page->queue_counters[0].notifications, 2);
	assert_int_equal(device->page->queue_counters[0].coalesced, 1);
	/* root looks and takes */
	bell()->told = bell()->bells = bell()->doorbells[0].bits = 0;
	store(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(world.root_irqs, 2);
}

static void test_foreign_interrupt_is_a_level(void **state)
{
	struct hvisor_device_desc desc = foreign_desc();
	struct hvisor_device_decl decl = { .size = sizeof(decl) };
	struct hvisor_device_page *page;

	(void)state;
	desc.irq = IRQ;
	assert_int_equal(add(&desc), 0);
	page = devices_of(&cell)->devices[0].page;
	assert_int_equal(page->state_pages, 1);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), -ENOTCONN);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_USED, 0, 0), -EINVAL);
	assert_int_equal(call(hc_device_interrupt, 0, 1ULL << 34 | 4, 0, 0), -EINVAL);
	assert_false(world.line);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), 0);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), 0);
	assert_true(world.line);
	assert_int_equal(page->counters.interrupts, 1);
	assert_int_equal(call(hc_device_interrupt, 0, 0, 0, 0), 0);
	assert_false(world.line);
	assert_int_equal(page->counters.interrupts, 1);
}

static void test_region_without_interrupt_has_no_level(void **state)
{
	(void)state;
	foreign_device(0, 0);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), -EINVAL);
	assert_int_equal(call(hc_device_interrupt, 0, 0, 0, 0), -EINVAL);
}

/* -- loads of pages, the early console -- */

static void test_load_of_a_register_page_is_retried(void **state)
{
	(void)state;
	driven_device(0, 0);
	assert_true(device_read_retry(&cell, IPA + 0x70));
	assert_false(device_read_retry(&cell, IPA + PAGE_SIZE));
	assert_false(device_read_retry(&cell, RAM));
	assert_int_equal(world.waits, 0);
}

static void test_early_console_writes_the_log(void **state)
{
	struct hvisor_device_desc desc = foreign_desc();
	struct mmio_access access = { .addr = 0x09000000, .size = 1, .write = true };
	struct hvisor_device_decl decl = { .size = sizeof(decl) };
	struct hvisor_log *log;
	const char *c;

	(void)state;
	desc.kind = HVISOR_DEVICE_EARLYCON;
	desc.ipa = 0x09000000;
	desc.length = PAGE_SIZE;
	assert_int_equal(add(&desc), 0);
	assert_int_equal(declare(0, &decl), -EINVAL);
	for (c = "hello"; *c; c++) {
		access.value = (u8)*c;
		assert_int_equal(mmio_handle_access(&cell.mmio, &access), MMIO_HANDLED);
	}
	access.addr = 0x09000030;
	assert_int_equal(mmio_handle_access(&cell.mmio, &access), MMIO_HANDLED);
	log = devices_of(&cell)->log;
	assert_int_equal(log->head, 5);
	assert_memory_equal(log->text, "hello", 5);
	/* transmit FIFO empty, receive FIFO empty: a driver never waits */
	assert_int_equal(devices_of(&cell)->devices[0].vm.regs[0x18 / 4], 0x90);
	assert_true(device_read_retry(&cell, 0x09000018));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create_publishes_the_device),
		TEST(test_broken_descriptors_are_refused),
		TEST(test_clash_with_another_device_is_refused),
		TEST(test_only_a_cell_being_assembled_takes_devices),
		TEST(test_too_many_devices),
		TEST(test_empty_pool_is_undone),
		TEST(test_calls_before_the_declaration),
		TEST(test_one_backend_at_a_time),
		TEST(test_new_backend_is_told_everything),
		TEST(test_config_changes_out_of_sight),
		TEST(test_interrupt_is_raised_even_if_it_was),
		TEST(test_notifications_coalesce),
		TEST(test_foreign_interrupt_is_a_level),
		TEST(test_region_without_interrupt_has_no_level),
		TEST(test_load_of_a_register_page_is_retried),
		TEST(test_early_console_writes_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
