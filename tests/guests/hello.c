// SPDX-License-Identifier: GPL-2.0-or-later
/* The least a cell can do: says so and goes. */
#include "guest.h"

void secondary_main(u32 cpu)
{
	(void)cpu;
}

void main(u64 dtb)
{
	print("hello from EL%u, CPU %u, device tree at 0x%x\n",
	      read_sysreg(CurrentEL) >> 2, (u64)cpu_index(), dtb);
	ok("hello");
}
