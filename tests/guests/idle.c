// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that lives on: it sleeps, and ten times a second it loads from the
 * echo region. So there is always a running cell to look at, which costs root
 * little, and which waits for its backend as soon as that does not answer.
 */
#include "guest.h"

#define PERIOD	100	/* ms */

void secondary_main(u32 cpu)
{
	(void)cpu;
}

void main(u64 dtb)
{
	u64 seen = 0;

	(void)dtb;
	gic_init();
	gic_cpu_init(0);
	gic_enable(0, TIMER_PPI);
	timer_start(PERIOD);
	ok("idle");
	for (;;) {
		/* Masked: what comes before the WFI is pending and ends it. */
		asm volatile("dsb sy\n\twfi" : : : "memory");
		irq_unmask();
		irq_mask();
		if (irq_count(0, TIMER_PPI) == seen)
			continue;
		seen = irq_count(0, TIMER_PPI);
		read32(FOREIGN_BASE);
	}
}
