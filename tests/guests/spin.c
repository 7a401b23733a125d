// SPDX-License-Identifier: GPL-2.0-or-later
/* All CPUs run for ever, with interrupts masked: only EL2 can stop them. */
#include "guest.h"

void secondary_main(u32 cpu)
{
	(void)cpu;
	for (;;)
		;
}

void main(u64 dtb)
{
	u32 cpus = cpu_count(), cpu;

	(void)dtb;
	for (cpu = 1; cpu < cpus; cpu++)
		if (cpu_on(cpu))
			not_ok("spin", "CPU %u does not start", (u64)cpu);
	ok("spin");
	secondary_main(0);
}
