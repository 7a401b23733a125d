/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ticket lock. Acquire by LDAXR, release by STLR (Arm ARM B2.3.7, K13.3);
 * the STLR clears the exclusive monitor of those who wait in WFE, which is
 * their event (D1.6.1).
 */
#ifndef ASM_SPINLOCK_H
#define ASM_SPINLOCK_H

#include "types.h"

typedef struct {
	u32 next;
	u32 owner;
} spinlock_t;

static inline void spin_lock(spinlock_t *lock)
{
	u32 ticket, tmp, owner;

	asm volatile("1:	ldaxr	%w0, %3\n"
		     "	add	%w1, %w0, #1\n"
		     "	stxr	%w2, %w1, %3\n"
		     "	cbnz	%w2, 1b\n"
		     : "=&r" (ticket), "=&r" (owner), "=&r" (tmp), "+Q" (lock->next)
		     : : "memory");
	asm volatile("	b	2f\n"
		     "1:	wfe\n"
		     "2:	ldaxr	%w0, %1\n"
		     "	cmp	%w0, %w2\n"
		     "	b.ne	1b\n"
		     : "=&r" (owner), "+Q" (lock->owner)
		     : "r" (ticket) : "cc", "memory");
}

static inline void spin_unlock(spinlock_t *lock)
{
	asm volatile("stlr %w1, %0" : "=Q" (lock->owner) : "r" (lock->owner + 1) : "memory");
}

#endif /* ASM_SPINLOCK_H */
