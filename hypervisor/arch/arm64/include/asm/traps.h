/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the vectors save, and exceptions given to the guest. */
#ifndef ASM_TRAPS_H
#define ASM_TRAPS_H

#define FRAME_SIZE	(34 * 8)
#define FRAME_ELR	(31 * 8)
#define FRAME_SPSR	(32 * 8)

#ifndef __ASSEMBLER__
#include "types.h"

/* Guest registers during an exit; changed here, changed there. */
struct trap_frame {
	u64 x[31];
	u64 elr;
	u64 spsr;
	u64 reserved;
};

_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "vectors.S");

struct vcpu;

/*
 * The instruction that trapped, with syndrome @esr, is done with. That of a
 * 32-bit process may have two bytes, and be one of an IT block.
 */
void trap_skip(struct trap_frame *frame, u64 esr);

/* Exceptions at EL1, as if the instruction had taken them there. */
void inject_undefined(struct trap_frame *frame);
void inject_abort(struct trap_frame *frame, bool instruction, u32 fsc, u64 esr, u64 far);

/* sysreg.c: EC 0x18. */
void sysreg_handle(struct vcpu *vcpu, struct trap_frame *frame, u64 esr);
/* smccc.c: EC 0x16 and 0x17. */
void smccc_handle(struct vcpu *vcpu, struct trap_frame *frame, bool hvc);

/* From vectors.S */
void trap_handle_sync(struct trap_frame *frame);
void trap_handle_irq(struct trap_frame *frame);
void trap_handle_serror(struct trap_frame *frame);
void __attribute__((noreturn)) trap_fatal(const struct trap_frame *frame, u64 kind);

/* In vectors.S */
void __attribute__((noreturn)) guest_enter(struct trap_frame *frame);
#endif

#endif /* ASM_TRAPS_H */
