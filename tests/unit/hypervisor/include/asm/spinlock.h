/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EL2's lock on the host: what a thread takes twice is an error. */
#ifndef ASM_SPINLOCK_H
#define ASM_SPINLOCK_H

#include <stdlib.h>

/* Not by <sched.h>, which knows an unshare() that is not EL2's. */
int sched_yield(void);

typedef struct {
	unsigned int held;
	void *owner;
} spinlock_t;

static inline void spin_lock(spinlock_t *lock)
{
	void *self = __builtin_thread_pointer();

	while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE)) {
		if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == self)
			abort();
		sched_yield();
	}
	__atomic_store_n(&lock->owner, self, __ATOMIC_RELAXED);
}

static inline void spin_unlock(spinlock_t *lock)
{
	if (!lock->held || lock->owner != __builtin_thread_pointer())
		abort();
	__atomic_store_n(&lock->owner, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

#endif /* ASM_SPINLOCK_H */
