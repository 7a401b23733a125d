/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this CPU can do, and its registers that guests inherit nothing of. */
#ifndef ASM_CPU_H
#define ASM_CPU_H

#include "types.h"

struct vcpu;

/* EL2 control registers of this CPU: traps, timers, stage 2 size. */
void cpu_init_el2(void);
/* EL1, timer, debug, PMU, FP and PAuth registers as after reset. */
void cpu_reset_el1(const struct vcpu *vcpu);
/* HCR_EL2 while a guest runs. */
u64 cpu_hcr(void);
/* regs.S: SIMD, SVE */
void cpu_reset_fp(void);
void cpu_reset_sve(void);
/* It has error records, and ESB. */
bool cpu_has_ras(void);

/* id-filter.c: an ID register as guests may see it; @value is the physical one's. */
u64 cpu_filter_id(u32 crm, u32 op2, u64 value);

#endif /* ASM_CPU_H */
