/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Basic types and helpers of all EL2 code. */
#ifndef HV_TYPES_H
#define HV_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define BIT(n)			(1UL << (n))
#define GENMASK(hi, lo)		(((~0UL) << (lo)) & (~0UL >> (63 - (hi))))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define ALIGN_DOWN(x, a)	((x) & ~((u64)(a) - 1))
#define ALIGN_UP(x, a)		ALIGN_DOWN((x) + (u64)(a) - 1, a)
#define IS_ALIGNED(x, a)	(((u64)(x) & ((u64)(a) - 1)) == 0)

#define __noreturn		__attribute__((noreturn))
#define __printf(f, a)		__attribute__((format(printf, f, a)))
#define __aligned(n)		__attribute__((aligned(n)))
#define __section(s)		__attribute__((section(s)))
#define __maybe_unused		__attribute__((unused))

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)

#define container_of(p, type, member) \
	((type *)((uintptr_t)(p) - offsetof(type, member)))

#define PAGE_SIZE		4096UL
#define PAGE_SHIFT		12
#define BLOCK_SIZE		0x200000UL
/* What CPUs fetch and give up together; the ABI's pages count on it too. */
#define CACHE_LINE		64

static inline u64 min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}

static inline u64 max_u64(u64 a, u64 b)
{
	return a > b ? a : b;
}

/* Does [a, a + alen) touch [b, b + blen)? Callers have excluded overflow. */
static inline bool ranges_overlap(u64 a, u64 alen, u64 b, u64 blen)
{
	return a < b + blen && b < a + alen;
}

#endif /* HV_TYPES_H */
