// SPDX-License-Identifier: GPL-2.0-or-later
/* Touches what is not there: the cell must fail, with these registers kept. */
#include "guest.h"

void secondary_main(u32 cpu)
{
	(void)cpu;
}

void main(u64 dtb)
{
	register u64 x20 asm("x20") = 0x1122334455667788ULL;
	u64 value;

	(void)dtb;
	print("fault begins\n");
	asm volatile("ldr %0, [%1]" : "=r" (value) : "r" ((u64)UNMAPPED), "r" (x20));
	not_ok("fault", "the load of 0x%x gave 0x%x", (u64)UNMAPPED, value);
}
