/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device registers. Single instructions with base register only: accesses to
 * Device-nGnRE memory of one peripheral stay in program order (B2.7.2).
 */
#ifndef ASM_IO_H
#define ASM_IO_H

#include "types.h"

static inline u32 mmio_read32(u64 addr)
{
	u32 value;

	asm volatile("ldr %w0, [%1]" : "=r" (value) : "r" (addr) : "memory");
	return value;
}

static inline void mmio_write32(u64 addr, u32 value)
{
	asm volatile("str %w0, [%1]" : : "rZ" (value), "r" (addr) : "memory");
}

static inline u64 mmio_read64(u64 addr)
{
	u64 value;

	asm volatile("ldr %0, [%1]" : "=r" (value) : "r" (addr) : "memory");
	return value;
}

static inline void mmio_write64(u64 addr, u64 value)
{
	asm volatile("str %x0, [%1]" : : "rZ" (value), "r" (addr) : "memory");
}

#endif /* ASM_IO_H */
