/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PSCI (Arm DEN 0022) and SMCCC (DEN 0028). */
#ifndef ASM_PSCI_H
#define ASM_PSCI_H

#include "types.h"

#define SMCCC_FAST		BIT(31)
#define SMCCC_64		BIT(30)
#define SMCCC_NOT_SUPPORTED	(-1L)

#define SMCCC_VERSION		0x80000000U
#define SMCCC_ARCH_FEATURES	0x80000001U
#define SMCCC_WORKAROUND_1	0x80008000U
#define SMCCC_WORKAROUND_2	0x80007fffU
#define SMCCC_WORKAROUND_3	0x80003fffU
#define SMCCC_TRNG_FIRST	0x84000050U
#define SMCCC_TRNG_LAST		0x84000053U

#define PSCI_VERSION		0x84000000U
#define PSCI_CPU_SUSPEND	0x84000001U
#define PSCI_CPU_OFF		0x84000002U
#define PSCI_CPU_ON		0x84000003U
#define PSCI_AFFINITY_INFO	0x84000004U
#define PSCI_MIGRATE_INFO_TYPE	0x84000006U
#define PSCI_SYSTEM_OFF		0x84000008U
#define PSCI_SYSTEM_RESET	0x84000009U
#define PSCI_FEATURES		0x8400000aU
#define PSCI_LAST		0x8400001fU

#define PSCI_SUCCESS		0L
#define PSCI_NOT_SUPPORTED	(-1L)
#define PSCI_INVALID_PARAMETERS	(-2L)
#define PSCI_DENIED		(-3L)
#define PSCI_ALREADY_ON		(-4L)
#define PSCI_ON_PENDING		(-5L)
#define PSCI_INVALID_ADDRESS	(-9L)

struct vcpu;
struct trap_frame;

struct smc_result {
	u64 x[4];
};

/* A call to the firmware. */
struct smc_result smc_call(u64 nr, u64 a1, u64 a2, u64 a3);

/* Is @nr one that psci_handle() answers? */
bool psci_is_call(u32 nr);
/* Result for x0. May not return (CPU_OFF, SYSTEM_OFF). */
s64 psci_handle(struct vcpu *vcpu, struct trap_frame *frame);

#endif /* ASM_PSCI_H */
