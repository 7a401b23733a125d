// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls by SMC and HVC. EL2 answers SMCCC and PSCI for every cell, root's
 * hypercalls by HVC, and passes to firmware only what is on its list:
 * mitigations and entropy, both without state and without addresses.
 */
#include <asm/psci.h>
#include <asm/sysreg.h>
#include <asm/traps.h>

#include "cell.h"
#include "control.h"
#include "hypercall.h"
#include "percpu.h"

#define SMCCC_1_1		0x10001U

static bool is_workaround(u32 nr)
{
	return nr == SMCCC_WORKAROUND_1 || nr == SMCCC_WORKAROUND_2 || nr == SMCCC_WORKAROUND_3;
}

/* Firmware without SMCCC 1.1 must not be asked for ARCH calls (DEN 0028, 7). */
static bool firmware_has_smccc(void)
{
	s64 version = (s64)(s32)smc_call(PSCI_FEATURES, SMCCC_VERSION, 0, 0).x[0];

	if (version < 0)
		return false;
	version = (s64)(s32)smc_call(SMCCC_VERSION, 0, 0, 0).x[0];
	return version >= (s64)SMCCC_1_1;
}

static bool is_trng(u32 nr)
{
	nr &= ~(u32)SMCCC_64;
	return nr >= SMCCC_TRNG_FIRST && nr <= SMCCC_TRNG_LAST;
}

static void arch_features(struct trap_frame *frame)
{
	u32 what = (u32)frame->x[1];
	s64 result = SMCCC_NOT_SUPPORTED;

	if (what == SMCCC_VERSION || what == SMCCC_ARCH_FEATURES)
		result = 0;
	else if (is_workaround(what) && firmware_has_smccc())
		result = (s64)(s32)smc_call(SMCCC_ARCH_FEATURES, what, 0, 0).x[0];
	frame->x[0] = (u64)result;
}

static void forward(struct trap_frame *frame)
{
	struct smc_result result;
	u32 n;

	result = smc_call((u32)frame->x[0], frame->x[1], frame->x[2], frame->x[3]);
	for (n = 0; n < 4; n++)
		frame->x[n] = result.x[n];
}

static bool arch_call(struct trap_frame *frame, u32 nr)
{
	if (nr == SMCCC_VERSION)
		frame->x[0] = SMCCC_1_1;
	else if (nr == SMCCC_ARCH_FEATURES)
		arch_features(frame);
	else if (is_workaround(nr) || is_trng(nr))
		forward(frame);
	else
		return false;
	return true;
}

static bool hypercall(struct trap_frame *frame, u32 nr)
{
	struct hypercall hc;
	u32 n;

	for (n = 0; n < ARRAY_SIZE(hc.arg); n++)
		hc.arg[n] = frame->x[n];
	for (n = 0; n < ARRAY_SIZE(hc.result); n++)
		hc.result[n] = 0;
	if (!hypercall_handle(nr, &hc))
		return false;
	for (n = 0; n < ARRAY_SIZE(hc.result); n++)
		frame->x[n] = hc.result[n];
	return true;
}

void smccc_handle(struct vcpu *vcpu, struct trap_frame *frame, bool hvc)
{
	u32 nr = (u32)frame->x[0];

	if (psci_is_call(nr)) {
		vcpu->stats->psci++;
		frame->x[0] = (u64)psci_handle(vcpu, frame);
		return;
	}
	if (hvc && cell_is_root(vcpu->cell) && hypercall(frame, nr)) {
		vcpu->stats->hypercall++;
		return;
	}
	vcpu->stats->smccc++;
	if (!arch_call(frame, nr))
		frame->x[0] = (u64)SMCCC_NOT_SUPPORTED;
}
