/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause) */
/*
 * Fixed-width names for the ABI headers: Linux's where there are any, the
 * compiler's own where there is no operating system (EL2, bare-metal guests).
 *
 * Owner: hypervisor.
 */
#ifndef HVISOR_TYPES_H
#define HVISOR_TYPES_H

#ifdef __linux__
#include <linux/types.h>
#else
typedef __UINT8_TYPE__ __u8;
typedef __UINT16_TYPE__ __u16;
typedef __UINT32_TYPE__ __u32;
typedef __INT32_TYPE__ __s32;
typedef __UINT64_TYPE__ __u64;
typedef __INT64_TYPE__ __s64;
#define __aligned_u64 __u64 __attribute__((aligned(8)))
#endif

#endif /* HVISOR_TYPES_H */
