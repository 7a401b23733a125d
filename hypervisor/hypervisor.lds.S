/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layout of the image: position independent, linked at 0, run where it is
 * loaded (2 MiB aligned). Each kind of section starts a page of its own, since
 * each has other permissions.
 */
OUTPUT_ARCH(aarch64)
ENTRY(_head)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
	dynamic PT_DYNAMIC FLAGS(4);
}

SECTIONS
{
	. = 0;
	_start = .;
	.text : {
		*(.head.text)
		. = ALIGN(2048);
		*(.vectors)
		*(.text .text.*)
	} :text
	. = ALIGN(4096);
	_etext = .;

	.rodata : {
		*(.rodata .rodata.*)
		*(.data.rel.ro .data.rel.ro.*)
	} :rodata
	.rela.dyn : {
		_rela_start = .;
		*(.rela .rela.*)
		_rela_end = .;
	} :rodata
	.dynamic : { *(.dynamic) } :rodata :dynamic
	.dynsym : { *(.dynsym) } :rodata
	.dynstr : { *(.dynstr) } :rodata
	.hash : { *(.hash) *(.gnu.hash) } :rodata
	.got : { *(.got) *(.got.plt) } :rodata
	. = ALIGN(4096);
	_erodata = .;

	.data : { *(.data .data.*) } :data
	. = ALIGN(16);
	_edata = .;
	.bss (NOLOAD) : {
		_bss_start = .;
		*(.bss .bss.* COMMON)
		. = ALIGN(4096);
		_stack_guard = .;
		. += 4096;
		_boot_stack = .;
		. += 16384;
		_boot_stack_top = .;
		. += 4096;	/* emergency stack */
		boot_percpu = .;
		. += 4096;
		. = ALIGN(4096);
		_bss_end = .;
	} :data
	_end = .;

	/DISCARD/ : { *(.interp) *(.note*) *(.comment) *(.eh_frame*) *(.gnu.version*) }

	ASSERT(_start == 0, "linked at 0: the load address is the relocation")
	ASSERT(_end <= 0x200000, "the image has one 2 MiB block")
	ASSERT((_etext & 0xfff) == 0 && (_erodata & 0xfff) == 0, "permissions go by pages")
	ASSERT((_rela_end - _rela_start) % 24 == 0, "RELA entries only")
	ASSERT(SIZEOF(.text) != 0 && ADDR(.text) == 0, "the Image header comes first")
}
