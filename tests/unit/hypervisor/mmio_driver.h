/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio-mmio device with two queues, in a cell that has memory and ROM, and
 * what a driver does with it.
 */
#ifndef TESTS_HYPERVISOR_MMIO_DRIVER_H
#define TESTS_HYPERVISOR_MMIO_DRIVER_H

#include <hvisor/hypercall.h>

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

/* *state is a struct fixture. */
int setup(void **state);
int setup_undeclared(void **state);
int teardown(void **state);

#define DECLARED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define UNDECLARED(test) cmocka_unit_test_setup_teardown(test, setup_undeclared, teardown)

struct hvisor_device_decl good_decl(void);
/* Whether the cell has it. */
bool reachable(void *arg, u64 ipa, u64 size, bool write);

struct virtio_mmio_action put(struct fixture *f, u32 offset, u32 value);
u32 get(struct fixture *f, u32 offset);
bool act_none(struct virtio_mmio_action act);

/* As far as FEATURES_OK, if the features are taken. */
void negotiate(struct fixture *f, u64 features);
struct virtio_mmio_action make_queue(struct fixture *f, u32 queue, u32 num, u64 desc,
				     u64 driver, u64 device);
struct virtio_mmio_action good_queue(struct fixture *f, u32 queue);
/* As far as DRIVER_OK, with queue 0. */
void run(struct fixture *f);

/* The page shows the state, whatever happened. */
void assert_page_fits(struct fixture *f);

#endif /* TESTS_HYPERVISOR_MMIO_DRIVER_H */
