// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of a CPU: EL2's controls over the guest, and what a guest finds
 * when it is started. A CPU runs one cell at a time and hands nothing of one
 * to the next: all that EL1 and EL0 can reach is set here, at entry.
 */
#include <asm/cpu.h>

#include <asm/mmu.h>
#include <asm/sysreg.h>

#include "cell.h"
#include "percpu.h"

#define ID_FIELD(value, shift)	((value) >> (shift) & 0xf)

/* By number: not all assemblers know the newer names. */
#define SYS_ZCR_EL2		s3_4_c1_c2_0
#define SYS_PMUSERENR_EL0	pmuserenr_el0
#define SYS_APIAKEYLO_EL1	s3_0_c2_c1_0
#define SYS_APIAKEYHI_EL1	s3_0_c2_c1_1
#define SYS_APIBKEYLO_EL1	s3_0_c2_c1_2
#define SYS_APIBKEYHI_EL1	s3_0_c2_c1_3
#define SYS_APDAKEYLO_EL1	s3_0_c2_c2_0
#define SYS_APDAKEYHI_EL1	s3_0_c2_c2_1
#define SYS_APDBKEYLO_EL1	s3_0_c2_c2_2
#define SYS_APDBKEYHI_EL1	s3_0_c2_c2_3
#define SYS_APGAKEYLO_EL1	s3_0_c2_c3_0
#define SYS_APGAKEYHI_EL1	s3_0_c2_c3_1
#define SYS_ZCR_EL1		s3_0_c1_c2_0
#define SYS_SCXTNUM_EL0		s3_3_c13_c0_7
#define SYS_SCXTNUM_EL1		s3_0_c13_c0_7
#define SYS_HCRX_EL2		s3_4_c1_c2_2
#define SYS_ID_AA64ISAR2_EL1	s3_0_c0_c6_2
#define SYS_HFGRTR_EL2		s3_4_c1_c1_4
#define SYS_HFGWTR_EL2		s3_4_c1_c1_5
#define SYS_HFGITR_EL2		s3_4_c1_c1_6
#define SYS_HDFGRTR_EL2		s3_4_c3_c1_4
#define SYS_HDFGWTR_EL2		s3_4_c3_c1_5
#define SYS_HAFGRTR_EL2		s3_4_c3_c1_6
#define SYS_HDFGRTR2_EL2	s3_4_c3_c1_0
#define SYS_HDFGWTR2_EL2	s3_4_c3_c1_1
#define SYS_HFGRTR2_EL2		s3_4_c3_c1_2
#define SYS_HFGWTR2_EL2		s3_4_c3_c1_3
#define SYS_HFGITR2_EL2		s3_4_c3_c1_7
#define SYS_VSESR_EL2		s3_4_c5_c2_3
#define SYS_VDISR_EL2		s3_4_c12_c1_1

static bool has_sve(void)
{
	return ID_FIELD(read_sysreg(id_aa64pfr0_el1), 32);
}

static bool has_pauth(void)
{
	u64 isar1 = read_sysreg(id_aa64isar1_el1);
	u64 isar2 = read_sysreg(SYS_ID_AA64ISAR2_EL1);

	return isar1 & 0xff000ff0UL || isar2 & 0xff00UL;
}

static u32 pmu_version(void)
{
	u32 version = ID_FIELD(read_sysreg(id_aa64dfr0_el1), 8);

	return version == 0xf ? 0 : version;
}

bool cpu_has_ras(void)
{
	return ID_FIELD(read_sysreg(id_aa64pfr0_el1), 28);
}

u64 cpu_hcr(void)
{
	u64 hcr = HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU_IS |
		  HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_RW;

	if (has_pauth())
		hcr |= HCR_APK | HCR_API;
	if (ID_FIELD(read_sysreg(id_aa64mmfr1_el1), 16))
		hcr |= HCR_TLOR;
	/* Error records are the machine's, not a cell's. */
	if (cpu_has_ras())
		hcr |= HCR_TERR;
	return hcr;
}

/* Debug and PMU: the guest's own, but it may count nothing of EL2's. */
static u64 mdcr(void)
{
	u64 value = 0;

	if (pmu_version())
		value |= read_sysreg(pmcr_el0) >> 11 & 0x1f;	/* HPMN: all counters */
	if (pmu_version() >= 4)
		value |= BIT(17);				/* HPMD */
	/* TPMS, TTRF: no profiling or trace unit for guests; E2PB, E2TB 0. */
	return value | BIT(14) | BIT(19);
}

/*
 * Fine-grained traps are UNKNOWN after reset; the coarse ones say it all. Their
 * bits of reversed polarity, which trap when 0, are of features that
 * cpu_filter_id() hides, as is what HCRX_EL2 = 0 leaves disabled.
 */
static void init_fine_traps(void)
{
	if (!ID_FIELD(read_sysreg(id_aa64mmfr0_el1), 56))
		return;
	write_sysreg(0, SYS_HFGRTR_EL2);
	write_sysreg(0, SYS_HFGWTR_EL2);
	write_sysreg(0, SYS_HFGITR_EL2);
	write_sysreg(0, SYS_HDFGRTR_EL2);
	write_sysreg(0, SYS_HDFGWTR_EL2);
	if (ID_FIELD(read_sysreg(id_aa64pfr0_el1), 44))		/* AMU */
		write_sysreg(0, SYS_HAFGRTR_EL2);
	if (ID_FIELD(read_sysreg(id_aa64mmfr0_el1), 56) < 2)	/* FEAT_FGT2 */
		return;
	write_sysreg(0, SYS_HFGRTR2_EL2);
	write_sysreg(0, SYS_HFGWTR2_EL2);
	write_sysreg(0, SYS_HFGITR2_EL2);
	write_sysreg(0, SYS_HDFGRTR2_EL2);
	write_sysreg(0, SYS_HDFGWTR2_EL2);
}

void cpu_init_el2(void)
{
	/* Guests use FP and SVE untrapped; RES1 bits, TTA, TSM, TAM stay set. */
	u64 cptr = 0x33ffUL | BIT(20) | BIT(30);

	cptr &= ~BIT(10);					/* TFP */
	if (has_sve())
		cptr &= ~BIT(8);				/* TZ */
	write_sysreg(cptr, cptr_el2);
	isb();
	if (has_sve())
		write_sysreg(0x1ff, SYS_ZCR_EL2);
	if (ID_FIELD(read_sysreg(id_aa64mmfr1_el1), 40))
		write_sysreg(0, SYS_HCRX_EL2);
	init_fine_traps();
	/* The syndrome of root's virtual SErrors: uncategorised. */
	if (cpu_has_ras())
		write_sysreg(0, SYS_VSESR_EL2);
	write_sysreg(cpu_hcr(), hcr_el2);
	write_sysreg(0, hstr_el2);
	write_sysreg(mdcr(), mdcr_el2);
	write_sysreg(3, cnthctl_el2);	/* EL1 has counter and physical timer */
	write_sysreg(0, cntvoff_el2);
	write_sysreg(0, cnthp_ctl_el2);
	write_sysreg(s2_vtcr(), vtcr_el2);
	write_sysreg(read_sysreg(midr_el1), vpidr_el2);
	isb();
}

/* Values and controls of pair @n, if there are so many. */
#define RESET_PAIR(n, kind, count) \
	do { \
		if ((n) < (count)) { \
			write_sysreg(0, dbg##kind##cr##n##_el1); \
			write_sysreg(0, dbg##kind##vr##n##_el1); \
		} \
	} while (0)
#define RESET_PAIRS(kind, count) \
	do { \
		RESET_PAIR(0, kind, count); RESET_PAIR(1, kind, count); \
		RESET_PAIR(2, kind, count); RESET_PAIR(3, kind, count); \
		RESET_PAIR(4, kind, count); RESET_PAIR(5, kind, count); \
		RESET_PAIR(6, kind, count); RESET_PAIR(7, kind, count); \
		RESET_PAIR(8, kind, count); RESET_PAIR(9, kind, count); \
		RESET_PAIR(10, kind, count); RESET_PAIR(11, kind, count); \
		RESET_PAIR(12, kind, count); RESET_PAIR(13, kind, count); \
		RESET_PAIR(14, kind, count); RESET_PAIR(15, kind, count); \
	} while (0)

static void reset_debug(void)
{
	u64 dfr0 = read_sysreg(id_aa64dfr0_el1);
	u32 breakpoints = ID_FIELD(dfr0, 12) + 1, watchpoints = ID_FIELD(dfr0, 20) + 1;

	write_sysreg(0, mdscr_el1);
	write_sysreg(0, oslar_el1);
	write_sysreg(0, osdlr_el1);
	write_sysreg(0, mdccint_el1);
	write_sysreg(0, contextidr_el1);
	RESET_PAIRS(b, breakpoints);
	RESET_PAIRS(w, watchpoints);
}

static void reset_pmu(void)
{
	u32 n, counters;

	if (!pmu_version())
		return;
	counters = read_sysreg(pmcr_el0) >> 11 & 0x1f;
	write_sysreg(BIT(1) | BIT(2), pmcr_el0);	/* off, counters 0 */
	write_sysreg(~0U, pmcntenclr_el0);
	write_sysreg(~0U, pmintenclr_el1);
	write_sysreg(~0U, pmovsclr_el0);
	write_sysreg(0, pmuserenr_el0);
	write_sysreg(0, pmccfiltr_el0);
	for (n = 0; n < counters; n++) {
		write_sysreg(n, pmselr_el0);
		isb();
		write_sysreg(0, pmxevtyper_el0);
	}
	write_sysreg(0, pmselr_el0);
}

static void reset_pauth(void)
{
	if (!has_pauth())
		return;
	write_sysreg(0, SYS_APIAKEYLO_EL1);
	write_sysreg(0, SYS_APIAKEYHI_EL1);
	write_sysreg(0, SYS_APIBKEYLO_EL1);
	write_sysreg(0, SYS_APIBKEYHI_EL1);
	write_sysreg(0, SYS_APDAKEYLO_EL1);
	write_sysreg(0, SYS_APDAKEYHI_EL1);
	write_sysreg(0, SYS_APDBKEYLO_EL1);
	write_sysreg(0, SYS_APDBKEYHI_EL1);
	write_sysreg(0, SYS_APGAKEYLO_EL1);
	write_sysreg(0, SYS_APGAKEYHI_EL1);
}

static void reset_timers(void)
{
	write_sysreg(0, cntkctl_el1);
	write_sysreg(0, cntv_ctl_el0);
	write_sysreg(0, cntv_cval_el0);
	write_sysreg(0, cntp_ctl_el0);
	write_sysreg(0, cntp_cval_el0);
}

static void reset_system(void)
{
	write_sysreg(SCTLR_EL1_RESET, sctlr_el1);
	write_sysreg(0, actlr_el1);
	write_sysreg(0, cpacr_el1);
	write_sysreg(0, ttbr0_el1);
	write_sysreg(0, ttbr1_el1);
	write_sysreg(0, tcr_el1);
	write_sysreg(0, mair_el1);
	write_sysreg(0, amair_el1);
	write_sysreg(0, vbar_el1);
	write_sysreg(0, esr_el1);
	write_sysreg(0, far_el1);
	write_sysreg(0, afsr0_el1);
	write_sysreg(0, afsr1_el1);
	write_sysreg(0, elr_el1);
	write_sysreg(0, spsr_el1);
	write_sysreg(0, sp_el0);
	write_sysreg(0, sp_el1);
	write_sysreg(0, par_el1);
	write_sysreg(0, csselr_el1);
	write_sysreg(0, tpidr_el0);
	write_sysreg(0, tpidrro_el0);
	write_sysreg(0, tpidr_el1);
	/* They exist where EL1 may be AArch32 (D19.2.33), of use to no guest. */
	if (ID_FIELD(read_sysreg(id_aa64pfr0_el1), 4) == 2) {
		write_sysreg(0, dacr32_el2);
		write_sysreg(0, ifsr32_el2);
		write_sysreg(0x700, fpexc32_el2);
	}
	/* What a guest's ESB and DISR_EL1 reach (HCR_EL2.AMO). */
	if (cpu_has_ras())
		write_sysreg(0, SYS_VDISR_EL2);
	if (ID_FIELD(read_sysreg(id_aa64pfr0_el1), 56) >= 2) {
		write_sysreg(0, SYS_SCXTNUM_EL0);
		write_sysreg(0, SYS_SCXTNUM_EL1);
	}
}

void cpu_reset_el1(const struct vcpu *vcpu)
{
	reset_system();
	reset_debug();
	reset_pmu();
	reset_pauth();
	reset_timers();
	if (has_sve()) {
		write_sysreg(0x1ff, SYS_ZCR_EL1);
		isb();
		cpu_reset_sve();
		write_sysreg(0, SYS_ZCR_EL1);
	}
	cpu_reset_fp();
	/* A pending virtual SError was for who ran before. */
	write_sysreg(cpu_hcr(), hcr_el2);
	write_sysreg(vcpu->vmpidr, vmpidr_el2);
	write_sysreg(vcpu->cell->vttbr, vttbr_el2);
	isb();
	/*
	 * Nothing of the last owner in TLBs and instruction caches: VMIDs are
	 * reused, and the code was written by others (D8.14, D7.5.9).
	 */
	asm volatile("tlbi vmalls12e1" : : : "memory");
	asm volatile("ic iallu" : : : "memory");
	dsb(nsh);
	isb();
}
