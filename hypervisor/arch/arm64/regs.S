/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What C cannot say here: calls to firmware, and the SIMD and SVE registers,
 * which EL2's own code may not use.
 */
	.text
/* struct smc_result smc_call(u64 nr, u64 a1, u64 a2, u64 a3), result at x8 */
	.globl	smc_call
smc_call:
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	str	x8, [sp, #16]
	smc	#0
	ldr	x8, [sp, #16]
	stp	x0, x1, [x8]
	stp	x2, x3, [x8, #16]
	ldp	x29, x30, [sp], #32
	ret

	.arch	armv8-a+simd
	.globl	cpu_reset_fp
cpu_reset_fp:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	movi	v\n\().2d, #0
	.endr
	msr	fpcr, xzr
	msr	fpsr, xzr
	ret

	/* The upper parts of Z0-Z31 went with V0-V31 (Arm ARM B1.2.2). */
	.arch	armv8.2-a+sve
	.globl	cpu_reset_sve
cpu_reset_sve:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	pfalse	p\n\().b
	.endr
	wrffr	p0.b
	ret
