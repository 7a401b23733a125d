/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver for tests: the other side of a split virtqueue, and the memory of
 * its cell. It can do all that a guest can, also what a driver should not.
 */
#ifndef TESTS_VIRTIO_DRIVER_H
#define TESTS_VIRTIO_DRIVER_H

#include <linux/virtio_ring.h>
#include <string.h>

#include "../../../libshyper/virtio/queue.h"

#define DRIVER_RAM		0x40000000ULL	/* IPA of writable memory */
#define DRIVER_RAM_SIZE		0x400000U
#define DRIVER_ROM		0x50000000ULL	/* read-only memory */
#define DRIVER_ROM_SIZE		0x1000U

/* Layout of a queue's rings, @base within the memory. */
#define DRIVER_DESC(base)	((base) + 0x0000)
#define DRIVER_AVAIL(base)	((base) + 0x8000)
#define DRIVER_USED(base)	((base) + 0xa000)
#define DRIVER_RINGS_SIZE	0x10000

struct driver {
	uint8_t *ram;		/* host address of DRIVER_RAM */
	unsigned int size;
	uint64_t base;		/* of the rings, in the memory */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t avail_idx;
	uint16_t used_idx;
};

static inline void driver_init(struct driver *driver, uint8_t *ram, uint64_t base,
			       unsigned int size)
{
	memset(driver, 0, sizeof(*driver));
	driver->ram = ram;
	driver->size = size;
	driver->base = base;
	driver->desc = (void *)(ram + DRIVER_DESC(base));
	driver->avail = (void *)(ram + DRIVER_AVAIL(base));
	driver->used = (void *)(ram + DRIVER_USED(base));
	memset(ram + base, 0, DRIVER_RINGS_SIZE);
}

/* As EL2 publishes the queue. */
static inline struct hvisor_device_queue driver_ring(const struct driver *driver,
						     uint32_t epoch)
{
	struct hvisor_device_queue ring = {
		.max = driver->size,
		.size = driver->size,
		.ready = 1,
		.epoch = epoch,
		.desc = DRIVER_RAM + DRIVER_DESC(driver->base),
		.driver = DRIVER_RAM + DRIVER_AVAIL(driver->base),
		.device = DRIVER_RAM + DRIVER_USED(driver->base),
	};

	return ring;
}

static inline void driver_desc(struct vring_desc *desc, uint64_t addr, uint32_t len,
			       uint16_t flags, uint16_t next)
{
	desc->addr = addr;
	desc->len = len;
	desc->flags = flags;
	desc->next = next;
}

static inline uint16_t *driver_used_event(struct driver *driver)
{
	return &driver->avail->ring[driver->size];
}

static inline uint16_t driver_avail_event(const struct driver *driver)
{
	return *(volatile uint16_t *)&driver->used->ring[driver->size];
}

/* Makes the chain at @head available. */
static inline void driver_offer(struct driver *driver, uint16_t head)
{
	driver->avail->ring[driver->avail_idx % driver->size] = head;
	__atomic_store_n(&driver->avail->idx, ++driver->avail_idx, __ATOMIC_SEQ_CST);
}

/* Whether the device wants to be told of the last @nr, by EVENT_IDX. */
static inline bool driver_must_notify(const struct driver *driver, unsigned int nr)
{
	uint16_t idx = driver->avail_idx;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vring_need_event(driver_avail_event(driver), idx, idx - nr);
}

/* Takes the next completion. False: there is none. */
static inline bool driver_take(struct driver *driver, struct vring_used_elem *element)
{
	if (__atomic_load_n(&driver->used->idx, __ATOMIC_ACQUIRE) == driver->used_idx)
		return false;
	*element = driver->used->ring[driver->used_idx++ % driver->size];
	return true;
}

#endif /* TESTS_VIRTIO_DRIVER_H */
