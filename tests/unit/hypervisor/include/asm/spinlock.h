/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EL2's lock on the host: one thread, so what is taken twice is an error. */
#ifndef ASM_SPINLOCK_H
#define ASM_SPINLOCK_H

#include <stdlib.h>

typedef struct {
	unsigned int held;
} spinlock_t;

static inline void spin_lock(spinlock_t *lock)
{
	if (lock->held++)
		abort();
}

static inline void spin_unlock(spinlock_t *lock)
{
	if (--lock->held)
		abort();
}

#endif /* ASM_SPINLOCK_H */
