/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Single accesses to memory that somebody else reads or writes at the same
 * time: guest rings, and the state area that a successor will find.
 *
 * A plain access could be torn or repeated by the compiler; these cannot.
 * On arm64 an acquire load is LDAR, a release store STLR (Arm ARM B2.3.10).
 */
#ifndef VIRTIO_SHARED_H
#define VIRTIO_SHARED_H

#define shared_load(p)		__atomic_load_n((p), __ATOMIC_RELAXED)
#define shared_load_acquire(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)

/* The crash test puts a process' death behind each of these. */
#ifndef SHARED_AFTER_STORE
#define SHARED_AFTER_STORE()	do { } while (0)
#endif

#define shared_store(p, v) do { \
	__atomic_store_n((p), (v), __ATOMIC_RELAXED); \
	SHARED_AFTER_STORE(); \
} while (0)

#define shared_store_release(p, v) do { \
	__atomic_store_n((p), (v), __ATOMIC_RELEASE); \
	SHARED_AFTER_STORE(); \
} while (0)

/* Adds to a counter of the state area, of which we are the only writer. */
#define shared_count(p, more)	__atomic_store_n((p), *(p) + (more), __ATOMIC_RELAXED)

/*
 * Orders a store before a later load, which neither acquire nor release does
 * (DMB ISH on arm64: Arm ARM B2.3.7). Needed wherever both sides store to say
 * "I have done" and then load to see whether the other wants to know.
 */
#define shared_full_barrier()	__atomic_thread_fence(__ATOMIC_SEQ_CST)

#endif /* VIRTIO_SHARED_H */
