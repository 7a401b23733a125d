/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 32-bit caller of /dev/hvisor, for AArch32 at EL0 and without a library: its
 * structures are those of everybody. The status is the number of the step that
 * went wrong, 0: none.
 */
	.arch	armv7-a
	.syntax	unified
	.arm

	.set	SYS_EXIT, 1
	.set	SYS_READ, 3
	.set	SYS_OPEN, 5
	.set	SYS_IOCTL, 54
	.set	O_RDWR, 2
	.set	EPERM, 1
	.set	EBADF, 9
	.set	ENOTTY, 25
	.set	EALREADY, 114

	/* <linux/ioctl.h>, and the numbers of include/hvisor/ioctl.h */
	.set	BIND, 0x40000000 | 16 << 16 | 0xb740
	.set	CELL_STOP, 0xc0000000 | 16 << 16 | 0xb744
	.set	LOG_READ, 0xc0000000 | 32 << 16 | 0xb747
	.set	UNKNOWN, 0x40000000 | 16 << 16 | 0xb760

/* x: r0 to r2 are set; r4 counts, r0 must be \result in the end. */
	.macro	call number, result
	add	r4, r4, #1
	mov	r7, #\number
	svc	#0
	cmp	r0, #\result
	bne	wrong
	.endm

	.macro	control number, argument, result
	mov	r0, r5
	ldr	r1, =\number
	ldr	r2, =\argument
	call	SYS_IOCTL, \result
	.endm

	.text
	.globl	_start
_start:
	mov	r4, #1
	ldr	r0, =path
	mov	r1, #O_RDWR
	mov	r7, #SYS_OPEN
	svc	#0
	cmp	r0, #0
	blt	wrong
	mov	r5, r0
	control	BIND, bind, 0
	control	BIND, bind, -EALREADY
	control	CELL_STOP, stop, -EPERM
	control	UNKNOWN, bind, -ENOTTY
	/* Where the text goes is 64 bits wide, as in every structure. */
	control	LOG_READ, log, 0
	add	r4, r4, #1
	ldr	r0, =log
	ldr	r0, [r0, #24]		/* hvisor_log_read.length */
	cmp	r0, #0
	beq	wrong
	add	r4, r4, #1
	ldr	r0, =buffer
	ldrb	r0, [r0]
	cmp	r0, #0
	beq	wrong
	mov	r0, r5
	ldr	r1, =buffer
	mov	r2, #64
	call	SYS_READ, -EBADF
	mov	r4, #0
wrong:
	mov	r0, r4
	mov	r7, #SYS_EXIT
	svc	#0
	.ltorg

	.data
path:	.asciz	"/dev/hvisor"
	.balign	8
bind:	.word	16, 1, 0, 0		/* CONTROL */
stop:	.word	16, 0, 0, 0		/* the root cell */
log:	.word	32, 0, 0, 0, buffer, 0, 64, 0
	.bss
buffer:	.skip	64
