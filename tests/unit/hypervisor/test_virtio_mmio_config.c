// SPDX-License-Identifier: GPL-2.0-or-later
/* The virtio-mmio state machine: the configuration space, and what a backend declares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "errno.h"
#include "mmio_driver.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		DECLARED(test_config_stores_block_within_its_length),
		DECLARED(test_config_change_waits_for_the_driver),
		DECLARED(test_config_change_counts_a_generation),
		UNDECLARED(test_bad_declaration_is_refused),
		DECLARED(test_later_declaration_must_agree),
		UNDECLARED(test_foreign_region_declares_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
