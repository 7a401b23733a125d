// SPDX-License-Identifier: GPL-2.0-or-later
/* Resets itself twice; memory that no image covers outlives that. */
#include "guest.h"

#define MAGIC	0x7265626f6f740000ULL
#define TIMES	2

void secondary_main(u32 cpu)
{
	(void)cpu;
}

void main(u64 dtb)
{
	u64 kept = read64(KEPT_BASE), count;

	(void)dtb;
	count = kept >> 16 == MAGIC >> 16 ? kept & 0xffff : 0;
	print("life %u\n", count + 1);
	if (count < TIMES) {
		write64(KEPT_BASE, MAGIC | (count + 1));
		system_reset();
	}
	write64(KEPT_BASE, 0);
	ok("reboot");
}
