// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads of device registers do not leave the guest, loads of the echo region
 * all do. The pauses let an observer read the cell's counters in between.
 */
#include <shyper/echo.h>

#include "guest.h"

#define LOADS	1000000
#define CONTROL	10000
#define PAUSE	3000	/* ms */

#define MAGIC	0x74726976

void secondary_main(u32 cpu)
{
	(void)cpu;
}

static void pause(const char *what)
{
	print("%s\n", what);
	spin_ms(PAUSE);
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
	pause("registers begin");
	load_registers();
	pause("registers end");
	pause("echo begin");
	load_echo();
	pause("echo end");
	ok("loads");
}
