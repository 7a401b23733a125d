/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The per-CPU area: where it is, and how the CPU finds its own. */
#ifndef ASM_PERCPU_H
#define ASM_PERCPU_H

#ifdef __ASSEMBLER__
#define UL(n)			(n)
#else
#define UL(n)			(n##UL)
#endif

/*
 * Private addresses of EL2, above all physical ones (VA is 48 bits, PA at most
 * 48 but RAM and devices that EL2 maps lie below 1 << 47, which boot checks).
 * An area: guard page, stack, guard page, emergency stack, struct percpu.
 */
#define PERCPU_VA_BASE		(UL(1) << 47)
#define PERCPU_VA_STRIDE	UL(0x10000)
#define PERCPU_STACK_PAGES	4
#define PERCPU_STACK_TOP	(PERCPU_STACK_PAGES * 0x1000 + 0x1000)
#define PERCPU_VA_STRUCT	(PERCPU_STACK_TOP + 0x2000)
#define WINDOW_VA_BASE		(PERCPU_VA_BASE + (UL(1) << 40))

#ifndef __ASSEMBLER__
struct percpu;

static inline struct percpu *this_cpu(void)
{
	struct percpu *cpu;

	asm("mrs %0, tpidr_el2" : "=r" (cpu));
	return cpu;
}
#endif

#endif /* ASM_PERCPU_H */
