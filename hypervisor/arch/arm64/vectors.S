/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exception vectors of EL2 (Arm ARM D1.3.1.2). Only exceptions from lower
 * levels come back; one from EL2 itself is the end: it runs on the emergency
 * stack, below struct percpu, so that it works when the stack is the reason.
 */
#include <asm/percpu.h>
#include <asm/traps.h>

	.macro	save_regs from
	.if	\from == 0
	stp	x0, x1, [sp, #0]
	.endif
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x21, elr_el2
	mrs	x22, spsr_el2
	stp	x30, x21, [sp, #240]
	str	x22, [sp, #FRAME_SPSR]
	.endm

	.macro	guest_vector handler
	.balign	128
	sub	sp, sp, #FRAME_SIZE
	save_regs 0
	mov	x0, sp
	bl	\handler
	b	guest_return
	.endm

	.macro	fatal_vector kind
	.balign	128
	msr	tpidr_el0, x0		/* a guest's, of no more use */
	msr	tpidrro_el0, x1
	mov	x0, #\kind
	b	fatal
	.endm

	.section .vectors, "ax"
	.balign	2048
	.globl	vectors
vectors:
	.irp	kind, 0, 1, 2, 3, 4, 5, 6, 7
	fatal_vector \kind
	.endr
	guest_vector trap_handle_sync
	guest_vector trap_handle_irq
	guest_vector trap_handle_irq
	guest_vector trap_handle_serror
	/* AArch32 at EL0, under an AArch64 EL1 */
	guest_vector trap_handle_sync
	guest_vector trap_handle_irq
	guest_vector trap_handle_irq
	guest_vector trap_handle_serror

	.text
fatal:
	mov	x1, sp
	mrs	x30, tpidr_el2		/* LR of the fault is lost, ELR is not */
	mov	sp, x30
	sub	sp, sp, #FRAME_SIZE
	save_regs 2
	str	x1, [sp, #240]		/* SP in place of it */
	mov	x2, x0
	mrs	x0, tpidr_el0
	mrs	x1, tpidrro_el0
	stp	x0, x1, [sp]
	mov	x0, sp
	mov	x1, x2
	bl	trap_fatal
0:	wfi
	b	0b

/* void guest_enter(struct trap_frame *): from the frame, no way back. */
	.globl	guest_enter
guest_enter:
	mov	sp, x0
guest_return:
	ldp	x30, x21, [sp, #240]
	ldr	x22, [sp, #FRAME_SPSR]
	msr	elr_el2, x21
	msr	spsr_el2, x22
	ldp	x0, x1, [sp, #0]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	add	sp, sp, #FRAME_SIZE
	/* ERET synchronises context (D1.4.4); nothing runs past it (B2.3.8). */
	eret
	dsb	nsh
	isb
