/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System registers of a GICv3 (IHI 0069), and what the driver's files have in common:
 * gicv3.c      distributor, redistributors and interrupts of the machine
 * gicv3-vcpu.c list registers, and what a cell's vGIC asks of the hardware
 * gicv3-cell.c a cell's GIC: its pages, its interrupts
 */
#ifndef HV_GICV3_H
#define HV_GICV3_H

#include <asm/sysreg.h>

#include "gic-registers.h"
#include "types.h"

struct vcpu;

#define GIC_STATE_FIRST		GIC_ISPENDR
#define GIC_STATE_END		GIC_IPRIORITYR

#define ICC_CTLR_EOIMODE	BIT(1)
#define ICH_HCR_EN		BIT(0)
#define ICH_HCR_EOICOUNT_SHIFT	27

#define EVENT_SGI		0
#define RAISE_SGI		1
#define PRIORITY_EVENT		0x80
#define PRIORITY_GUEST		0xa0
#define AFFINITY_MASK		0xff00ffffffUL
#define MAX_WAIT		1000000

#define ICC_PMR			s3_0_c4_c6_0
#define ICC_IAR1		s3_0_c12_c12_0
#define ICC_EOIR1		s3_0_c12_c12_1
#define ICC_BPR1		s3_0_c12_c12_3
#define ICC_CTLR		s3_0_c12_c12_4
#define ICC_IGRPEN1		s3_0_c12_c12_7
#define ICC_DIR			s3_0_c12_c11_1
#define ICC_RPR			s3_0_c12_c11_3
#define ICC_SGI1R		s3_0_c12_c11_5
#define ICC_SRE_EL1		s3_0_c12_c12_5
#define ICC_SRE_EL2		s3_4_c12_c9_5
#define ICH_AP0R(n)		s3_4_c12_c8_##n
#define ICH_AP1R(n)		s3_4_c12_c9_##n
#define ICH_HCR			s3_4_c12_c11_0
#define ICH_VTR			s3_4_c12_c11_1
#define ICH_VMCR		s3_4_c12_c11_7

/* List registers of this CPU: ICH_VTR_EL2.ListRegs. */
static inline u8 gicv3_nr_lrs(void)
{
	return (u8)(read_sysreg(ICH_VTR) & 0x1f) + 1;
}

/* Until @bit of the register at @addr is clear, or for a bounded time. */
void gicv3_wait(u64 addr, u64 bit);
/* This CPU's list registers and virtual CPU interface as after reset, with ICH_HCR_EL2 = @hcr. */
void gicv3_reset_virtual(u64 hcr);
/* The list registers of @vcpu, which runs here, against its vGIC state. */
void gicv3_sync(struct vcpu *vcpu);

#endif /* HV_GICV3_H */
