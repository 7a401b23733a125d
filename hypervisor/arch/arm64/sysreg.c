// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Trapped system registers (EC 0x18): SGIs of the guest, and ID registers,
 * of which it sees what EL2 keeps apart between cells.
 */
#include <asm/cpu.h>
#include <asm/sysreg.h>
#include <asm/traps.h>

#include "cell.h"

/* ISS of EC 0x18 (Arm ARM D19.2.37): op0, op2, op1, CRn, Rt, CRm, direction. */
#define ISS_READ		BIT(0)
#define ISS_RT(esr)		((esr) >> 5 & 0x1f)
#define ISS_CRM(esr)		((u32)((esr) >> 1 & 0xf))
#define ISS_OP2(esr)		((u32)((esr) >> 17 & 0x7))
#define ISS_REG_MASK		0x3ffc1eUL
#define ISS_REG(op0, op1, crn, crm, op2) \
	((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)
#define ISS_ID_MASK		ISS_REG(3UL, 7UL, 15UL, 0UL, 0UL)

#define ICC_SGI1R		ISS_REG(3UL, 0UL, 12UL, 11UL, 5UL)
#define ICC_ASGI1R		ISS_REG(3UL, 0UL, 12UL, 11UL, 6UL)
#define ICC_SGI0R		ISS_REG(3UL, 0UL, 12UL, 11UL, 7UL)
#define ACTLR_EL1		ISS_REG(3UL, 0UL, 1UL, 0UL, 1UL)

#define ID_CASE(m, n)	case (m) << 3 | (n): return read_sysreg(s3_0_c0_c##m##_##n)
#define ID_ROW(m) \
	ID_CASE(m, 0); ID_CASE(m, 1); ID_CASE(m, 2); ID_CASE(m, 3); \
	ID_CASE(m, 4); ID_CASE(m, 5); ID_CASE(m, 6); ID_CASE(m, 7)

/* All of op0 3, op1 0, CRn 0, CRm 1-7: those without a meaning read 0. */
static u64 read_id(u32 crm, u32 op2)
{
	switch (crm << 3 | op2) {
	ID_ROW(1);
	ID_ROW(2);
	ID_ROW(3);
	ID_ROW(4);
	ID_ROW(5);
	ID_ROW(6);
	ID_ROW(7);
	}
	return 0;
}

static void set_reg(struct trap_frame *frame, u64 esr, u64 value)
{
	if (ISS_RT(esr) < 31)
		frame->x[ISS_RT(esr)] = value;
}

static u64 get_reg(const struct trap_frame *frame, u64 esr)
{
	return ISS_RT(esr) < 31 ? frame->x[ISS_RT(esr)] : 0;
}

static bool sgi_handle(struct vcpu *vcpu, struct trap_frame *frame, u64 esr)
{
	u64 reg = esr & ISS_REG_MASK;

	if (esr & ISS_READ || (reg != ICC_SGI1R && reg != ICC_ASGI1R && reg != ICC_SGI0R))
		return false;
	/* One security state: ASGI1R means Group 1 too (IHI 0069, 12.2.5). */
	vgic_send_sgi(&vcpu->cell->vgic, &vcpu->vgic, get_reg(frame, esr), reg != ICC_SGI0R);
	vcpu->stats->virt_sgi++;
	return true;
}

static bool id_handle(struct trap_frame *frame, u64 esr)
{
	u32 crm = ISS_CRM(esr), op2 = ISS_OP2(esr);

	if (!(esr & ISS_READ))
		return false;
	if ((esr & ISS_REG_MASK) == ACTLR_EL1) {
		set_reg(frame, esr, 0);
		return true;
	}
	if ((esr & ISS_ID_MASK) != ISS_REG(3UL, 0UL, 0UL, 0UL, 0UL) || crm < 1 || crm > 7)
		return false;
	set_reg(frame, esr, cpu_filter_id(crm, op2, read_id(crm, op2)));
	return true;
}

void sysreg_handle(struct vcpu *vcpu, struct trap_frame *frame, u64 esr)
{
	if (sgi_handle(vcpu, frame, esr)) {
		trap_skip(frame, esr);
		return;
	}
	vcpu->stats->sysreg++;
	if (id_handle(frame, esr) || (esr & ISS_REG_MASK) == ACTLR_EL1)
		trap_skip(frame, esr);
	else
		inject_undefined(frame);
}
