/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device-independent half of a virtio-mmio device (virtio 1.2, 4.2): a
 * pure state machine. A store goes in, what is to be done comes out; the
 * register page is brought up to date on the way.
 */
#ifndef HV_VIRTIO_MMIO_H
#define HV_VIRTIO_MMIO_H

#include <hvisor/device.h>

#include "types.h"

/* virtio 1.2, 4.2.2, table 4.1 */
#define VIRTIO_MMIO_MAGIC		0x000
#define VIRTIO_MMIO_VERSION		0x004
#define VIRTIO_MMIO_DEVICE_ID		0x008
#define VIRTIO_MMIO_VENDOR_ID		0x00c
#define VIRTIO_MMIO_DEVICE_FEATURES	0x010
#define VIRTIO_MMIO_DEVICE_FEATURES_SEL	0x014
#define VIRTIO_MMIO_DRIVER_FEATURES	0x020
#define VIRTIO_MMIO_DRIVER_FEATURES_SEL	0x024
#define VIRTIO_MMIO_QUEUE_SEL		0x030
#define VIRTIO_MMIO_QUEUE_NUM_MAX	0x034
#define VIRTIO_MMIO_QUEUE_NUM		0x038
#define VIRTIO_MMIO_QUEUE_READY		0x044
#define VIRTIO_MMIO_QUEUE_NOTIFY	0x050
#define VIRTIO_MMIO_INTERRUPT_STATUS	0x060
#define VIRTIO_MMIO_INTERRUPT_ACK	0x064
#define VIRTIO_MMIO_STATUS		0x070
#define VIRTIO_MMIO_QUEUE_DESC_LOW	0x080
#define VIRTIO_MMIO_QUEUE_DESC_HIGH	0x084
#define VIRTIO_MMIO_QUEUE_DRIVER_LOW	0x090
#define VIRTIO_MMIO_QUEUE_DRIVER_HIGH	0x094
#define VIRTIO_MMIO_QUEUE_DEVICE_LOW	0x0a0
#define VIRTIO_MMIO_QUEUE_DEVICE_HIGH	0x0a4
#define VIRTIO_MMIO_SHM_SEL		0x0ac
#define VIRTIO_MMIO_SHM_LEN_LOW		0x0b0
#define VIRTIO_MMIO_SHM_LEN_HIGH	0x0b4
#define VIRTIO_MMIO_SHM_BASE_LOW	0x0b8
#define VIRTIO_MMIO_SHM_BASE_HIGH	0x0bc
#define VIRTIO_MMIO_CONFIG_GENERATION	0x0fc
#define VIRTIO_MMIO_CONFIG		0x100

#define VIRTIO_MMIO_MAGIC_VALUE		0x74726976	/* "virt" */

/* virtio 1.2, 2.1 */
#define VIRTIO_STATUS_ACKNOWLEDGE	1U
#define VIRTIO_STATUS_DRIVER		2U
#define VIRTIO_STATUS_DRIVER_OK		4U
#define VIRTIO_STATUS_FEATURES_OK	8U
#define VIRTIO_STATUS_NEEDS_RESET	64U
#define VIRTIO_STATUS_FAILED		128U

/* virtio 1.2, 6 */
#define VIRTIO_F_VERSION_1		BIT(32)
#define VIRTIO_F_RING_PACKED		BIT(34)
#define VIRTIO_F_SR_IOV			BIT(37)
#define VIRTIO_F_NOTIFICATION_DATA	BIT(38)
#define VIRTIO_F_RING_RESET		BIT(40)
#define VIRTIO_F_ADMIN_VQ		BIT(41)

/**
 * struct virtio_mmio - one device
 * @page: most of the state. Root can read it and only EL2 write it.
 * @regs: the register page: Device memory, so written by single aligned
 *	32-bit stores and never by memcpy (Arm ARM DDI 0487, B2.7.2)
 * @reachable: may the guest read (@write: write) all of these bytes of its
 *	memory, and are they in one region?
 * @arg: for @reachable
 * @config_changed: since the driver began, and before it was ready to be told
 * @max_queues: what a backend may declare; the page has what it did declare
 * @live: bit n: queue n is ready and the driver has set DRIVER_OK; what the page says,
 *	for those who do not hold the lock
 */
struct virtio_mmio {
	struct hvisor_device_page *page;
	volatile u32 *regs;
	bool (*reachable)(void *arg, u64 ipa, u64 size, bool write);
	void *arg;
	u32 max_queues;
	u32 device_features_sel;
	u32 driver_features_sel;
	u32 queue_sel;
	bool config_changed;
	u32 live;
};

/**
 * struct virtio_mmio_action - what the caller has to do about a store
 * @ring: bits to set in the doorbell, 0: none
 * @stopped: queues that were stopped: withdraw their doorbell bits
 * @block: HVISOR_OP_* to post and wait for, 0: none
 * @offset: @value: of the blocking request
 * @interrupt: make the device's interrupt pending
 * @reset: a reset was done: withdraw interrupt and doorbell
 */
struct virtio_mmio_action {
	u32 ring;
	u32 stopped;
	u32 block;
	u32 offset;
	u64 value;
	bool interrupt;
	bool reset;
};

/*
 * A store of @size bytes (1, 2, 4, 8) at @offset of the page. Context: the
 * device's lock is held, as for all that follow.
 */
struct virtio_mmio_action virtio_mmio_store(struct virtio_mmio *vm, u32 offset,
					    u32 size, u64 value);

/*
 * Whether a notification of @queue is a matter of its doorbell alone: then that is
 * all that a store of it does. Context: any.
 */
static inline bool virtio_mmio_is_live(const struct virtio_mmio *vm, u32 queue)
{
	return queue < HVISOR_MAX_QUEUES &&
	       __atomic_load_n(&vm->live, __ATOMIC_ACQUIRE) & 1U << queue;
}

/* Writes the whole register page from the state. */
void virtio_mmio_render(struct virtio_mmio *vm);

/* The device as after power-on, new epochs. */
void virtio_mmio_reset(struct virtio_mmio *vm);

/* The backend has let go of @queue: not ready, a new epoch of it. */
void virtio_mmio_queue_stop(struct virtio_mmio *vm, u32 queue);

/* Doorbell bits of all queues that are ready. */
u32 virtio_mmio_ready_queues(const struct virtio_mmio *vm);

/*
 * First declaration, or the same again but for the configuration, which is
 * not taken here. -EINVAL: malformed, or not what was declared at first.
 */
int virtio_mmio_declare(struct virtio_mmio *vm, const struct hvisor_device_decl *decl);

/*
 * New configuration space and the next generation; the caller has taken the
 * page from the guest, so that no load sees half of it.
 */
void virtio_mmio_config(struct virtio_mmio *vm, const u8 *config);

/*
 * Sets @bits (HVISOR_INTERRUPT_*) of InterruptStatus. -EINVAL, or -ENOTCONN
 * without DRIVER_OK.
 */
int virtio_mmio_interrupt(struct virtio_mmio *vm, u64 bits);

/* DEVICE_NEEDS_RESET; a configuration interrupt is due. */
void virtio_mmio_fail(struct virtio_mmio *vm);

static inline bool virtio_mmio_driver_ok(const struct virtio_mmio *vm)
{
	return vm->page->status & VIRTIO_STATUS_DRIVER_OK;
}

#endif /* HV_VIRTIO_MMIO_H */
