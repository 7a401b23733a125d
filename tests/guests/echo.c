// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All CPUs load from the echo region at the same time; each answer must be for
 * that CPU, that address and that count.
 */
#include <shyper/echo.h>

#include "guest.h"

#define LOADS	10000

struct report {
	u64 wrong;
	u64 offset;
	u64 expected;
	u64 got;
	u64 done;
};

static volatile struct report reports[MAX_CPUS];
static volatile u64 go;

static u64 load(u32 offset, u32 length)
{
	switch (length) {
	case 1:
		return read8(FOREIGN_BASE + offset);
	case 2:
		return read16(FOREIGN_BASE + offset);
	case 4:
		return read32(FOREIGN_BASE + offset);
	default:
		return read64(FOREIGN_BASE + offset);
	}
}

static void check(u32 cpu, u32 i)
{
	u32 length = 1U << i % 4, offset = i * 8 % 4096;
	u64 expected = shyper_echo_value(cpu, offset, i, length);
	u64 got = load(offset, length);

	if (got == expected)
		return;
	if (!reports[cpu].wrong++) {
		reports[cpu].offset = offset;
		reports[cpu].expected = expected;
		reports[cpu].got = got;
	}
}

void secondary_main(u32 cpu)
{
	u32 i;

	while (!go)
		;
	write64(FOREIGN_BASE + SHYPER_ECHO_RESET, 0);
	for (i = 0; i < LOADS; i++)
		check(cpu, i);
	asm volatile("dsb sy" : : : "memory");
	reports[cpu].done = 1;
}

void main(u64 dtb)
{
	u32 cpus = cpu_count(), cpu;

	(void)dtb;
	for (cpu = 1; cpu < cpus; cpu++)
		if (cpu_on(cpu))
			not_ok("echo", "CPU %u does not start", (u64)cpu);
	go = 1;
	secondary_main(0);
	for (cpu = 0; cpu < cpus; cpu++) {
		while (!reports[cpu].done)
			;
		if (reports[cpu].wrong)
			not_ok("echo", "CPU %u: %u wrong, first at 0x%x: 0x%x, not 0x%x",
			       (u64)cpu, reports[cpu].wrong, reports[cpu].offset,
			       reports[cpu].got, reports[cpu].expected);
	}
	print("%u CPUs, %u loads each\n", (u64)cpus, (u64)LOADS);
	ok("echo");
}
