// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asks the backend of a foreign region: one CPU, then two at once, then a store.
 * What is answered is written to the log for the backend to compare.
 */
#include "guest.h"

static volatile u64 second, is_second;

void secondary_main(u32 cpu)
{
	(void)cpu;
	second = read64(FOREIGN_BASE + 0x20);
	asm volatile("dsb sy" : : : "memory");
	is_second = 1;
}

void main(u64 dtb)
{
	u64 value;

	(void)dtb;
	print("one 0x%x\n", (u64)read32(FOREIGN_BASE));
	if (cpu_on(1))
		not_ok("ask", "the second CPU does not start");
	value = read64(FOREIGN_BASE + 0x10);
	while (!is_second)
		;
	print("two 0x%x 0x%x\n", value, second);
	write32(FOREIGN_BASE + 4, 0x12345678);
	ok("ask");
}
