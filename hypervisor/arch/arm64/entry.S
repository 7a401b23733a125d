/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First instructions of each CPU: the arm64 Image header (Linux,
 * Documentation/arm64/booting.rst), relocation, MMU on.
 */
#include <asm/percpu.h>
#include <asm/traps.h>

	.section .head.text, "ax"
	.globl	_head
_head:
	b	boot_start
	.long	0
	.quad	0			/* text_offset: at the 2 MiB boundary itself */
	.quad	_end - . + 16		/* image_size, from _head */
	.quad	0xa			/* little endian, 4 KiB pages, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

/* Applies \op to each cache line from \start to \end; clobbers x8, x9. */
	.macro	dcache_range op, start, end
	mrs	x8, ctr_el0
	ubfx	x8, x8, #16, #4		/* DminLine: log2 of words */
	mov	x9, #4
	lsl	x9, x9, x8
	sub	x8, x9, #1
	bic	x8, \start, x8
1:	dc	\op, x8
	add	x8, x8, x9
	cmp	x8, \end
	b.lo	1b
	dsb	sy
	.endm

	.text
boot_start:
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.ne	boot_hang		/* no console is known yet */
	mov	x20, x0			/* device tree */
	adrp	x19, _start
	adrp	x21, _end
	/*
	 * The MMU is off: stores below go past the caches (Arm ARM D8.2.10).
	 * No older line may be written back over them, or hit later.
	 */
	dcache_range civac, x19, x21

	adrp	x0, _bss_start
	add	x0, x0, :lo12:_bss_start
0:	stp	xzr, xzr, [x0], #16
	cmp	x0, x21
	b.lo	0b

	adrp	x0, _rela_start
	add	x0, x0, :lo12:_rela_start
	adrp	x1, _rela_end
	add	x1, x1, :lo12:_rela_end
0:	cmp	x0, x1
	b.hs	2f
	ldp	x2, x3, [x0], #16
	ldr	x4, [x0], #8
	cmp	w3, #1027		/* R_AARCH64_RELATIVE, the only kind */
	b.ne	boot_hang
	add	x4, x4, x19
	str	x4, [x2, x19]
	b	0b
2:
	adrp	x0, _boot_stack_top
	mov	sp, x0
	adrp	x0, boot_percpu
	add	x0, x0, :lo12:boot_percpu
	msr	tpidr_el2, x0
	mov	x0, x19
	mov	x1, x20
	bl	mmu_boot_init
	/* Lines fetched meanwhile are older than the stores: drop them. */
	dcache_range ivac, x19, x21
	bl	mmu_on
	adrp	x0, vectors
	add	x0, x0, :lo12:vectors
	msr	vbar_el2, x0
	isb
	mov	x0, x20
	bl	setup_boot_cpu
boot_hang:
	wfi
	b	boot_hang

/*
 * EL2's MMU and caches on, from mmu_regs, which is in memory (not only in a
 * cache) when this runs. Stale TLB entries are dropped before (D8.14), stale
 * instructions too (the code itself was written by a loader).
 */
mmu_on:
	adrp	x8, mmu_regs
	add	x8, x8, :lo12:mmu_regs
	ldp	x9, x10, [x8]
	ldp	x11, x12, [x8, #16]
	msr	mair_el2, x9
	msr	tcr_el2, x10
	msr	ttbr0_el2, x11
	ic	iallu
	tlbi	alle2
	dsb	nsh
	isb
	msr	sctlr_el2, x12
	isb
	ret

/* PSCI CPU_ON leads here: EL2, MMU off, x0 = EL2's CPU number. */
	.globl	secondary_start
secondary_start:
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.ne	boot_hang
	mov	x20, x0
	bl	mmu_on
	adrp	x0, vectors
	add	x0, x0, :lo12:vectors
	msr	vbar_el2, x0
	mov	x0, x20
	bl	percpu_va
	msr	tpidr_el2, x0
	isb
	mov	x1, #PERCPU_STACK_TOP - PERCPU_VA_STRUCT
	add	sp, x0, x1
	bl	setup_secondary_cpu
	b	boot_hang

/* x0: CPU number -> address of its struct percpu. */
percpu_va:
	mov	x1, #PERCPU_VA_BASE
	mov	x2, #PERCPU_VA_STRIDE
	madd	x0, x0, x2, x1
	add	x0, x0, #PERCPU_VA_STRUCT
	ret

/* void boot_switch_stack(struct percpu *, void (*fn)(void)): no way back. */
	.globl	boot_switch_stack
boot_switch_stack:
	msr	tpidr_el2, x0
	isb
	/* fall through with the function in x0 */
	mov	x0, x1
/* void arch_stack_restart(void (*fn)(void)) */
	.globl	arch_stack_restart
arch_stack_restart:
	mrs	x1, tpidr_el2
	mov	x2, #PERCPU_STACK_TOP - PERCPU_VA_STRUCT
	add	sp, x1, x2
	mov	x29, xzr
	mov	x30, xzr
	br	x0
