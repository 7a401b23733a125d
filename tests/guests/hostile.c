// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A driver from hell: random stores of all sizes over all registers of the
 * first virtio device, then an honest reset and negotiation.
 */
#include "guest.h"

#define STORES	200000

#define STATUS		0x070
#define FEATURES_SEL	0x014
#define FEATURES	0x010
#define DRIVER_FEATURES	0x020
#define DRIVER_SEL	0x024
#define QUEUE_SEL	0x030
#define QUEUE_READY	0x044

static u64 state = 0x9e3779b97f4a7c15ULL;

void secondary_main(u32 cpu)
{
	(void)cpu;
}

static u32 random(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(state >> 32);
}

/* Values that mean something now and then, or nothing deep is ever reached. */
static u64 random_value(void)
{
	switch (random() % 8) {
	case 0:
		return RAM_BASE + (random() % 0x1000000 & ~0xfffU);
	case 1:
		return 1U << random() % 32;
	case 2:
		return ((u64)random() << 32) | random();
	case 3:
		return 0xf;
	default:
		return random() % 16;
	}
}

static void random_store(void)
{
	u32 offset = random() % 4 ? random() % 0x110 : random() % 0x1000;

	switch (random() % 8) {
	case 0:
		write8(VIRTIO_BASE + offset, (u8)random_value());
		break;
	case 1:
		write16(VIRTIO_BASE + (offset & ~1U), (u16)random_value());
		break;
	case 2:
		write64(VIRTIO_BASE + (offset & ~7U), random_value());
		break;
	default:
		write32(VIRTIO_BASE + (offset & ~3U), (u32)random_value());
	}
}

static u32 status(void)
{
	return read32(VIRTIO_BASE + STATUS);
}

static void negotiate(void)
{
	u32 word;

	write32(VIRTIO_BASE + STATUS, 0);
	if (status())
		not_ok("hostile", "status is 0x%x after a reset", (u64)status());
	write32(VIRTIO_BASE + STATUS, 3);
	for (word = 0; word < 2; word++) {
		write32(VIRTIO_BASE + FEATURES_SEL, word);
		write32(VIRTIO_BASE + DRIVER_SEL, word);
		write32(VIRTIO_BASE + DRIVER_FEATURES, read32(VIRTIO_BASE + FEATURES));
	}
	write32(VIRTIO_BASE + STATUS, 11);
	if (status() != 11)
		not_ok("hostile", "status is 0x%x after negotiation", (u64)status());
	write32(VIRTIO_BASE + QUEUE_SEL, 0);
	if (read32(VIRTIO_BASE + QUEUE_READY))
		not_ok("hostile", "queue 0 is ready before anyone said so");
	write32(VIRTIO_BASE + STATUS, 0);
}

void main(u64 dtb)
{
	u32 i;

	(void)dtb;
	print("hostile begins\n");
	for (i = 0; i < STORES; i++)
		random_store();
	print("%u stores survived, status 0x%x\n", (u64)STORES, (u64)status());
	negotiate();
	ok("hostile");
}
