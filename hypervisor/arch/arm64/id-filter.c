// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest reads of the ID registers: what the CPU has, without what EL2
 * does not keep apart between cells, and without what EL1 can use only if EL2
 * allows it by HCRX_EL2 or by a fine-grained trap of reversed polarity, which
 * cpu_init_el2() leaves 0. A kernel that trusted such a field would get an
 * undefined instruction, at boot before it has vectors.
 */
#include <asm/cpu.h>

/* ID_AA64<name>_EL1: op0 3, op1 0, CRn 0 (D19.2, ID_AA64*). */
#define PFR0	(4U << 3 | 0)
#define PFR1	(4U << 3 | 1)
#define PFR2	(4U << 3 | 2)
#define SMFR0	(4U << 3 | 5)
#define DFR0	(5U << 3 | 0)
#define DFR1	(5U << 3 | 1)
#define DFR2	(5U << 3 | 2)
#define ISAR1	(6U << 3 | 1)
#define ISAR2	(6U << 3 | 2)
#define ISAR3	(6U << 3 | 3)
#define MMFR1	(7U << 3 | 1)
#define MMFR2	(7U << 3 | 2)
#define MMFR3	(7U << 3 | 3)
#define MMFR4	(7U << 3 | 4)

#define FIELD(shift)	(0xfUL << (shift))

/* The field at @shift is @max at most; 0xf is a meaning of its own. */
static u64 limit(u64 value, u32 shift, u64 max)
{
	u64 field = value >> shift & 0xf;

	return field > max && field != 0xf ? (value & ~FIELD(shift)) | max << shift : value;
}

static u64 filter_dfr0(u64 value)
{
	/* PMSS, SEBEP, SPE, trace filter, trace buffer, branch records, its external buffer. */
	value &= ~(FIELD(4) | FIELD(16) | FIELD(24) | FIELD(32) | FIELD(40) | FIELD(44) |
		   FIELD(52) | FIELD(56));
	/* Debug 8.9 (MDSELR_EL1) and PMUv3p9 (PMUACR_EL1) are the first that must be let in. */
	return limit(limit(value, 0, 10), 8, 8);
}

u64 cpu_filter_id(u32 crm, u32 op2, u64 value)
{
	switch (crm << 3 | op2) {
	case PFR0:	/* RAS, MPAM, AMU, RME */
		return value & ~(FIELD(28) | FIELD(40) | FIELD(44) | FIELD(52));
	case PFR1:	/* all above CSV2_frac, and MTE, RAS, MPAM fractions, SME, RNDR trap */
		return value & ~(FIELD(8) | FIELD(12) | FIELD(16) | FIELD(24) | FIELD(28) |
				 GENMASK(63, 36));
	case PFR2:	/* MTE's rest, FPMR, GICv5 */
	case SMFR0:
	case DFR1:	/* system PMU, and more of what DFR0 has */
	case DFR2:
	case MMFR3:	/* TCR2, SCTLR2, permission indirection and overlay, MAIR2, D128 */
		return 0;
	case DFR0:
		return filter_dfr0(value);
	case ISAR1:	/* LS64 */
		return value & ~FIELD(60);
	case ISAR2:	/* MOPS, 128-bit system registers and instructions */
		return value & ~(FIELD(16) | FIELD(32) | FIELD(36));
	case ISAR3:	/* CPA, TLBI waits, PACM */
		return value & ~(FIELD(0) | FIELD(8) | FIELD(12));
	case MMFR1:	/* LORegions, HCX */
		return value & ~(FIELD(16) | FIELD(40));
	case MMFR2:	/* NV */
		return value & ~FIELD(24);
	case MMFR4:	/* PoPS, ASID2 */
		return value & ~(FIELD(0) | FIELD(8));
	}
	return value;
}
