/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between entry.S and setup.c. */
#ifndef ASM_SETUP_H
#define ASM_SETUP_H

#include "types.h"

#include <asm/sysreg.h>

struct percpu;

void __noreturn boot_switch_stack(struct percpu *cpu, void (*fn)(void));
void __noreturn setup_boot_cpu(const void *fdt);
void __noreturn setup_secondary_cpu(void);

/* Affinity fields of this CPU. */
static inline u64 arch_mpidr(void)
{
	return read_sysreg(mpidr_el1) & 0xff00ffffffUL;
}

#endif /* ASM_SETUP_H */
