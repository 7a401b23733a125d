// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything of a device at once: the boot CPU sets up each queue of the first
 * device, as large as it goes, notifies them all and resets the device; each
 * other CPU accesses the foreign region. All wait for their backend; the cell
 * ends when each has its answer.
 */
#include "guest.h"

#define FEATURES	0x010
#define FEATURES_SEL	0x014
#define DRIVER_FEATURES	0x020
#define DRIVER_SEL	0x024
#define QUEUE_SEL	0x030
#define QUEUE_NUM_MAX	0x034
#define QUEUE_NUM	0x038
#define QUEUE_READY	0x044
#define QUEUE_NOTIFY	0x050
#define STATUS		0x070
#define QUEUE_DESC	0x080
#define QUEUE_DRIVER	0x090
#define QUEUE_DEVICE	0x0a0

/* Of each queue's areas, far from the image. */
#define RINGS		(RAM_BASE + 0x200000)
#define RINGS_STRIDE	0x10000

static volatile bool answered[MAX_CPUS];

static void set(u32 reg, u32 value)
{
	write32(VIRTIO_BASE + reg, value);
}

static u32 get(u32 reg)
{
	return read32(VIRTIO_BASE + reg);
}

static void negotiate(void)
{
	u32 word;

	set(STATUS, 3);
	for (word = 0; word < 2; word++) {
		set(FEATURES_SEL, word);
		set(DRIVER_SEL, word);
		set(DRIVER_FEATURES, get(FEATURES));
	}
	set(STATUS, 11);
}

static u32 set_up_queues(void)
{
	u32 n, at = RINGS;

	for (n = 0;; n++, at += RINGS_STRIDE) {
		set(QUEUE_SEL, n);
		if (!get(QUEUE_NUM_MAX))
			return n;
		set(QUEUE_NUM, get(QUEUE_NUM_MAX));
		set(QUEUE_DESC, at);
		set(QUEUE_DRIVER, at + 0x4000);
		set(QUEUE_DEVICE, at + 0x8000);
		set(QUEUE_READY, 1);
		if (!get(QUEUE_READY))
			not_ok("queues", "queue %u is not ready", (u64)n);
	}
}

void secondary_main(u32 cpu)
{
	if (cpu % 2)
		read64(FOREIGN_BASE + 8);
	else
		write16(FOREIGN_BASE + 0x10, 1);
	asm volatile("dsb sy" : : : "memory");
	answered[cpu] = true;
}

void main(u64 dtb)
{
	u32 cpus = cpu_count(), queues, n;

	(void)dtb;
	negotiate();
	queues = set_up_queues();
	set(STATUS, 15);
	for (n = 0; n < queues; n++)
		set(QUEUE_NOTIFY, n);
	for (n = 1; n < cpus; n++)
		if (cpu_on(n))
			not_ok("queues", "CPU %u does not start", (u64)n);
	set(STATUS, 0);
	if (get(STATUS))
		not_ok("queues", "status is 0x%x after a reset", (u64)get(STATUS));
	for (n = 1; n < cpus; n++)
		while (!answered[n])
			;
	print("%u queues\n", (u64)queues);
	ok("queues");
}
