// SPDX-License-Identifier: GPL-2.0-or-later
/* An idle guest: sleeps, and wakes by its timer alone, on time. */
#include "guest.h"

#define TICKS	100
#define PERIOD	10	/* ms */

void secondary_main(u32 cpu)
{
	(void)cpu;
}

void main(u64 dtb)
{
	u64 begin, ms, sleeps = 0;

	(void)dtb;
	gic_init();
	gic_cpu_init(0);
	gic_enable(0, TIMER_PPI);
	begin = ticks();
	timer_start(PERIOD);
	while (irq_count(0, TIMER_PPI) < TICKS) {
		/* Masked: what comes before the WFI is pending and ends it. */
		asm volatile("dsb sy\n\twfi" : : : "memory");
		sleeps++;
		irq_unmask();
		irq_mask();
	}
	ms = (ticks() - begin) / ticks_of_ms(1);
	print("%u ticks, %u ms, %u sleeps\n", (u64)TICKS, ms, sleeps);
	if (ms < TICKS * PERIOD - PERIOD)
		not_ok("wfi", "the timer is early");
	ok("wfi");
}
