// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PSCI 1.0 (Arm DEN 0022) as each cell sees it: its own CPUs and nothing else.
 * No CPU is ever really switched off; its wait is at EL2.
 */
#include <asm/psci.h>

#include <asm/mmu.h>
#include <asm/traps.h>

#include "cell.h"
#include "control.h"
#include "errno.h"
#include "irqchip.h"
#include "percpu.h"

#define VERSION_1_0		0x10000
#define AFFINITY_ON		0
#define AFFINITY_OFF		1
#define AFFINITY_ON_PENDING	2
#define TOS_NOT_PRESENT		2
#define SUSPEND_POWERDOWN	BIT(16)

/* Functions with a 64-bit variant. */
static bool has_64(u32 nr)
{
	return nr == PSCI_CPU_SUSPEND || nr == PSCI_CPU_ON || nr == PSCI_AFFINITY_INFO;
}

bool psci_is_call(u32 nr)
{
	nr &= ~(u32)SMCCC_64;
	return nr >= PSCI_VERSION && nr <= PSCI_LAST;
}

static s64 cpu_on(struct vcpu *vcpu, u64 mpidr, u64 entry, u64 context)
{
	struct vcpu *target = cell_vcpu_by_mpidr(vcpu->cell, mpidr);

	if (!target)
		return PSCI_INVALID_PARAMETERS;
	if (entry & 3 || !paging_walk(&vcpu->cell->s2, entry, NULL))
		return PSCI_INVALID_ADDRESS;
	switch (vcpu_start(target, entry, context)) {
	case 0:
		return PSCI_SUCCESS;
	case -EEXIST:
		return PSCI_ALREADY_ON;
	case -EAGAIN:
		return PSCI_ON_PENDING;
	}
	return PSCI_DENIED;
}

static s64 affinity_info(struct vcpu *vcpu, u64 mpidr, u64 level)
{
	struct vcpu *target = cell_vcpu_by_mpidr(vcpu->cell, mpidr);

	/* Levels above 0 are optional since PSCI 1.0 (5.7.2). */
	if (!target || level)
		return PSCI_INVALID_PARAMETERS;
	switch (READ_ONCE(target->state)) {
	case VCPU_ON:
		return AFFINITY_ON;
	case VCPU_ON_PENDING:
		return AFFINITY_ON_PENDING;
	case VCPU_OFF:
		break;
	}
	return AFFINITY_OFF;
}

/* Standby only: a WFI in which no interrupt is lost (5.4.1). */
static s64 cpu_suspend(struct vcpu *vcpu, u64 state)
{
	if (state & SUSPEND_POWERDOWN)
		return PSCI_INVALID_PARAMETERS;
	irqchip_sync(vcpu);
	if (!irqchip_vcpu_pending(vcpu))
		arch_wait();
	return PSCI_SUCCESS;
}

static s64 features(u32 nr)
{
	switch (nr & ~(u32)SMCCC_64) {
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_ON:
	case PSCI_AFFINITY_INFO:
		return PSCI_SUCCESS;
	case SMCCC_VERSION:
	case PSCI_VERSION:
	case PSCI_CPU_OFF:
	case PSCI_MIGRATE_INFO_TYPE:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
	case PSCI_FEATURES:
		return nr & SMCCC_64 ? PSCI_NOT_SUPPORTED : PSCI_SUCCESS;
	}
	return PSCI_NOT_SUPPORTED;
}

s64 psci_handle(struct vcpu *vcpu, struct trap_frame *frame)
{
	u32 nr = (u32)frame->x[0];
	u64 mask = nr & SMCCC_64 ? ~0UL : ~0U;

	if ((nr & SMCCC_64) && !has_64(nr & ~(u32)SMCCC_64))
		return PSCI_NOT_SUPPORTED;
	switch (nr & ~(u32)SMCCC_64) {
	case PSCI_VERSION:
		return VERSION_1_0;
	case PSCI_CPU_SUSPEND:
		return cpu_suspend(vcpu, (u32)frame->x[1]);
	case PSCI_CPU_OFF:
		vcpu_stop_self();
	case PSCI_CPU_ON:
		return cpu_on(vcpu, frame->x[1] & mask, frame->x[2] & mask, frame->x[3] & mask);
	case PSCI_AFFINITY_INFO:
		return affinity_info(vcpu, frame->x[1] & mask, frame->x[2] & mask);
	case PSCI_MIGRATE_INFO_TYPE:
		return TOS_NOT_PRESENT;
	case PSCI_SYSTEM_OFF:
		cell_system_off(vcpu->cell);
	case PSCI_SYSTEM_RESET:
		cell_system_reset(vcpu->cell);
	case PSCI_FEATURES:
		return features((u32)frame->x[1]);
	}
	return PSCI_NOT_SUPPORTED;
}
