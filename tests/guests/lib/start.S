/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First instructions of a payload: the arm64 Image header, stacks, vectors.
 * The MMU stays off, so all data is Device memory: aligned accesses only.
 */
#include "layout.h"

	.section .head, "ax"
	.globl	_head
_head:
	b	start
	.long	0
	.quad	0			/* text_offset */
	.quad	_image_size
	.quad	0xa			/* little endian, 4 KiB pages, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.text
start:
	mov	x19, x0			/* device tree */
	adrp	x1, _bss_start
	add	x1, x1, :lo12:_bss_start
	adrp	x2, _bss_end
	add	x2, x2, :lo12:_bss_end
0:	cmp	x1, x2
	b.hs	1f
	str	xzr, [x1], #8
	b	0b
1:	mov	x0, xzr
	bl	cpu_setup
	mov	x0, x19
	bl	main
	b	system_off

/* x0: index of the CPU. Clobbers x1, x2. */
cpu_setup:
	adrp	x1, _stacks
	add	x1, x1, :lo12:_stacks
	mov	x2, #STACK_SIZE
	add	x0, x0, #1
	madd	x1, x0, x2, x1
	mov	sp, x1
	adrp	x1, vectors
	add	x1, x1, :lo12:vectors
	msr	vbar_el1, x1
	isb
	ret

/* PSCI CPU_ON leads here: x0 = index of the CPU. */
	.globl	secondary_start
secondary_start:
	mov	x19, x0
	bl	cpu_setup
	mov	x0, x19
	bl	secondary_main
	b	cpu_off

	.macro	vector handler
	.balign	128
	sub	sp, sp, #192
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x30, [sp, #144]
	mrs	x0, elr_el1
	mrs	x1, spsr_el1
	stp	x0, x1, [sp, #160]
	mov	x0, sp
	bl	\handler
	b	exception_return
	.endm

	.balign	2048
vectors:
	.rept	4
	vector	handle_unexpected
	.endr
	vector	handle_sync
	vector	handle_irq
	vector	handle_unexpected
	vector	handle_serror
	.rept	8
	vector	handle_unexpected
	.endr

exception_return:
	ldp	x0, x1, [sp, #160]
	msr	elr_el1, x0
	msr	spsr_el1, x1
	ldp	x0, x1, [sp, #0]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x30, [sp, #144]
	add	sp, sp, #192
	eret
