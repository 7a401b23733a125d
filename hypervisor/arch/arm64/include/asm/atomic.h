/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Atomic operations on words that CPUs, or EL2 and root, share. */
#ifndef ASM_ATOMIC_H
#define ASM_ATOMIC_H

#include "types.h"

static inline u32 atomic_fetch_or(u32 *p, u32 bits)
{
	return __atomic_fetch_or(p, bits, __ATOMIC_SEQ_CST);
}

static inline u32 atomic_exchange(u32 *p, u32 value)
{
	return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);
}

static inline u32 load_acquire(const u32 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void store_release(u32 *p, u32 value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

#endif /* ASM_ATOMIC_H */
