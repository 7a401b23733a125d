// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A driver that notifies and waits: each kick of queue 0 wants an interrupt, and
 * the next one waits for it, so that one that gets lost ends the run. Then a
 * storm, and queue 1.
 */
#include "guest.h"

#define KICKS	2000
#define STORM	2000000	/* as eventfds.c has it */

#define DRIVER_FEATURES	0x020
#define DRIVER_SEL	0x024
#define QUEUE_SEL	0x030
#define QUEUE_NUM	0x038
#define QUEUE_READY	0x044
#define QUEUE_NOTIFY	0x050
#define INTERRUPT_ACK	0x064
#define STATUS		0x070
#define QUEUE_DESC	0x080
#define QUEUE_DRIVER	0x090
#define QUEUE_DEVICE	0x0a0

void secondary_main(u32 cpu)
{
	(void)cpu;
}

static void store(u32 offset, u32 value)
{
	write32(VIRTIO_BASE + offset, value);
}

static void set_up_queue(u32 queue)
{
	u32 rings = KEPT_BASE + queue * 0x10000;

	store(QUEUE_SEL, queue);
	store(QUEUE_NUM, 64);
	store(QUEUE_DESC, rings);
	store(QUEUE_DRIVER, rings + 0x4000);
	store(QUEUE_DEVICE, rings + 0x8000);
	store(QUEUE_READY, 1);
	if (!read32(VIRTIO_BASE + QUEUE_READY))
		not_ok("kick", "queue %u does not get ready", (u64)queue);
}

static void set_up(void)
{
	store(STATUS, 3);
	store(DRIVER_SEL, 1);
	store(DRIVER_FEATURES, 1);	/* VERSION_1 */
	store(STATUS, 11);
	set_up_queue(0);
	set_up_queue(1);
	store(STATUS, 15);
}

/* Interrupts are masked: what comes before the WFI is pending and ends it. */
static void wait_for(u64 count)
{
	while (irq_count(0, VIRTIO_IRQ) < count) {
		asm volatile("dsb sy\n\twfi" : : : "memory");
		irq_unmask();
		irq_mask();
	}
	store(INTERRUPT_ACK, 3);
}

void main(u64 dtb)
{
	u64 i, seen;

	(void)dtb;
	gic_init();
	gic_cpu_init(0);
	gic_enable(0, VIRTIO_IRQ);
	set_up();
	print("kicks begin\n");
	for (i = 0; i < KICKS; i++) {
		/* One more than was asked for may come; none may be missing. */
		seen = irq_count(0, VIRTIO_IRQ);
		store(QUEUE_NOTIFY, 0);
		wait_for(seen + 1);
	}
	print("storm begins\n");
	for (i = 0; i < STORM; i++) {
		store(QUEUE_NOTIFY, 0);
		/* Where one thread of QEMU's serves all CPUs root's come to it now. */
		asm volatile("yield");
	}
	print("storm ends\n");
	seen = irq_count(0, VIRTIO_IRQ);
	store(QUEUE_NOTIFY, 1);
	wait_for(seen + 1);
	ok("kick");
}
