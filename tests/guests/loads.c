// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads of device registers do not leave the guest, loads of the echo region
 * all do. Before each the guest waits at a gate for an observer: a load from an
 * echo region whose backend hangs until the cell's counters are read.
 */
#include <shyper/echo.h>

#include "guest.h"

#define LOADS	1000000
#define CONTROL	10000

#define MAGIC	0x74726976

void secondary_main(u32 cpu)
{
	(void)cpu;
}

/* Foreign region 0 is the one to be measured. */
static void gate(u32 number)
{
	read64(FOREIGN_BASE + number * FOREIGN_STRIDE);
}

/* Magic, version, status and vendor of the first virtio device. */
static void load_registers(void)
{
	u32 i, wrong = 0, vendor = read32(VIRTIO_BASE + 0x0c);

	for (i = 0; i < LOADS; i += 4) {
		wrong += read32(VIRTIO_BASE) != MAGIC;
		wrong += read32(VIRTIO_BASE + 4) != 2;
		wrong += read32(VIRTIO_BASE + 0x70) != 0;
		wrong += read32(VIRTIO_BASE + 0x0c) != vendor;
	}
	if (wrong)
		not_ok("loads", "%u of %u registers are wrong", (u64)wrong, (u64)LOADS);
}

static void load_echo(void)
{
	u32 i, wrong = 0;

	write64(FOREIGN_BASE + SHYPER_ECHO_RESET, 0);
	for (i = 0; i < CONTROL; i++)
		wrong += read64(FOREIGN_BASE) != shyper_echo_value(0, 0, i, 8);
	if (wrong)
		not_ok("loads", "%u of %u echoes are wrong", (u64)wrong, (u64)CONTROL);
}

void main(u64 dtb)
{
	(void)dtb;
	print("registers\n");
	gate(1);
	load_registers();
	print("echo\n");
	gate(2);
	load_echo();
	ok("loads");
}
