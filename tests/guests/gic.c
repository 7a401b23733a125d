// SPDX-License-Identifier: GPL-2.0-or-later
/* SGIs to itself and to the other CPUs, and the timer's PPI. */
#include "guest.h"

#define ROUNDS	200
#define SGI	5
#define TIMEOUT	5000	/* ms */

static volatile u64 online[MAX_CPUS];

void secondary_main(u32 cpu)
{
	gic_cpu_init(cpu);
	gic_enable(cpu, SGI);
	irq_unmask();
	asm volatile("dsb sy" : : : "memory");
	online[cpu] = 1;
	for (;;)
		asm volatile("wfi");
}

static void wait_for(const char *what, u32 cpu, u32 intid, u64 wanted)
{
	u64 end = ticks() + ticks_of_ms(TIMEOUT);

	while (irq_count(cpu, intid) < wanted)
		if (ticks() > end)
			not_ok("gic", "CPU %u got %u %s of %u", (u64)cpu,
			       irq_count(cpu, intid), what, wanted);
}

void main(u64 dtb)
{
	u32 cpus = cpu_count(), cpu, i;

	(void)dtb;
	gic_init();
	gic_cpu_init(0);
	gic_enable(0, SGI);
	gic_enable(0, TIMER_PPI);
	irq_unmask();
	for (cpu = 1; cpu < cpus; cpu++) {
		if (cpu_on(cpu))
			not_ok("gic", "CPU %u does not start", (u64)cpu);
		while (!online[cpu])
			;
	}
	for (cpu = 0; cpu < cpus; cpu++) {
		for (i = 1; i <= ROUNDS; i++) {
			gic_send_sgi(cpu, SGI);
			wait_for("SGIs", cpu, SGI, i);
		}
	}
	timer_start(1);
	wait_for("timer interrupts", 0, TIMER_PPI, ROUNDS);
	print("%u CPUs, %u SGIs each, %u timer interrupts\n", (u64)cpus, (u64)ROUNDS,
	      (u64)ROUNDS);
	ok("gic");
}
