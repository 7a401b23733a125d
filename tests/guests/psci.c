// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUs of the cell come and go; CPUs of others are out of reach. */
#include "guest.h"

#define ROUNDS	10

static volatile u64 arrived[MAX_CPUS];

void secondary_main(u32 cpu)
{
	arrived[cpu]++;
	asm volatile("dsb sy" : : : "memory");
}

static void expect(const char *what, s64 got, s64 wanted)
{
	if (got != wanted)
		not_ok("psci", "%s gave %d, not %d", what, got, wanted);
}

static void cycle(u32 cpu)
{
	u64 before = arrived[cpu];
	s64 err;

	/* ALREADY_ON: its CPU_OFF has not gone all the way yet. */
	do {
		err = cpu_on(cpu);
	} while (err == PSCI_ALREADY_ON && before);
	expect("CPU_ON", err, 0);
	while (arrived[cpu] == before)
		;
	while (psci(PSCI_AFFINITY_INFO, cpu, 0, 0) != 1)
		;
}

void main(u64 dtb)
{
	u32 cpus = cpu_count(), cpu, i;
	s64 version = psci(PSCI_VERSION, 0, 0, 0);

	(void)dtb;
	if (version < 0x10000)
		not_ok("psci", "version is 0x%x", (u64)version);
	expect("CPU_ON of myself", cpu_on(0), PSCI_ALREADY_ON);
	expect("AFFINITY_INFO of myself", psci(PSCI_AFFINITY_INFO, 0, 0, 0), 0);
	expect("CPU_ON of a CPU beyond", cpu_on(cpus), PSCI_INVALID_PARAMETERS);
	expect("CPU_ON of another cluster", cpu_on(0x100), PSCI_INVALID_PARAMETERS);
	expect("CPU_ON of garbage", psci(PSCI_CPU_ON, ~0ULL, 0, 0), PSCI_INVALID_PARAMETERS);
	for (cpu = 1; cpu < cpus; cpu++)
		for (i = 0; i < ROUNDS; i++)
			cycle(cpu);
	print("%u CPUs, %u rounds each\n", (u64)cpus, (u64)ROUNDS);
	ok("psci");
}
