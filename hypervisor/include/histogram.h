/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often things took how long. */
#ifndef HV_HISTOGRAM_H
#define HV_HISTOGRAM_H

#include <hvisor/device.h>

#include "types.h"

/*
 * Counts @ns in one of HVISOR_NR_BUCKETS @buckets, which root reads meanwhile.
 * Context: one writer at a time.
 */
static inline void histogram_add(__u64 *buckets, u64 ns)
{
	u32 n = ns ? 63 - (u32)__builtin_clzl(ns) : 0;

	if (n >= HVISOR_NR_BUCKETS)
		n = HVISOR_NR_BUCKETS - 1;
	WRITE_ONCE(buckets[n], buckets[n] + 1);
}

#endif /* HV_HISTOGRAM_H */
