/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System registers and their fields (Arm ARM DDI 0487, D19). */
#ifndef ASM_SYSREG_H
#define ASM_SYSREG_H

#include "types.h"

#define __stringify_1(x)	#x
#define __stringify(x)		__stringify_1(x)

#define read_sysreg(r) ({ \
	u64 __v; \
	asm volatile("mrs %0, " __stringify(r) : "=r" (__v)); \
	__v; \
})
#define write_sysreg(v, r) \
	asm volatile("msr " __stringify(r) ", %x0" : : "rZ" ((u64)(v)))

#define isb()			asm volatile("isb" : : : "memory")
#define dsb(opt)		asm volatile("dsb " #opt : : : "memory")
#define dmb(opt)		asm volatile("dmb " #opt : : : "memory")

/* HCR_EL2 */
#define HCR_VM			BIT(0)
#define HCR_SWIO		BIT(1)
#define HCR_FMO			BIT(3)
#define HCR_IMO			BIT(4)
#define HCR_AMO			BIT(5)
#define HCR_VSE			BIT(8)
#define HCR_FB			BIT(9)
#define HCR_BSU_IS		BIT(10)
#define HCR_TID3		BIT(18)
#define HCR_TSC			BIT(19)
#define HCR_TIDCP		BIT(20)
#define HCR_TACR		BIT(21)
#define HCR_RW			BIT(31)
#define HCR_TLOR		BIT(35)
#define HCR_TERR		BIT(36)
#define HCR_APK			BIT(40)
#define HCR_API			BIT(41)

/* TCR_EL1 */
#define TCR_EPD0		BIT(7)
#define TCR_EPD1		BIT(23)

/* SCTLR_EL1: MMU, caches off; RES1 bits (D19.2.126) */
#define SCTLR_EL1_RESET		0x30d00800UL

/* ESR_ELx */
#define ESR_EC(esr)		((esr) >> 26 & 0x3f)
#define ESR_IL			BIT(25)
#define EC_UNKNOWN		0x00
#define EC_HVC64		0x16
#define EC_SMC64		0x17
#define EC_SYSREG		0x18
#define EC_IABT_LOWER		0x20
#define EC_IABT_CURRENT		0x21
#define EC_DABT_LOWER		0x24
#define EC_DABT_CURRENT		0x25
#define EC_SERROR		0x2f
#define ESR_ABT_FSC(esr)	((esr) & 0x3f)
#define ESR_ABT_WNR		BIT(6)
#define ESR_ABT_S1PTW		BIT(7)
#define ESR_ABT_CM		BIT(8)
#define ESR_ABT_EA		BIT(9)
#define ESR_ABT_FNV		BIT(10)
#define ESR_ABT_ISV		BIT(24)
#define ESR_ABT_TYPE(esr)	((esr) & 0x3c)		/* of the FSC, less the level */
#define FSC_TRANSLATION		0x04	/* 0b0001LL */
#define FSC_PERMISSION		0x0c	/* 0b0011LL */
#define FSC_EXTERNAL		0x10

/* SPSR_EL2 */
#define PSR_MODE_MASK		0x1fUL
#define PSR_MODE_EL0T		0x0UL
#define PSR_MODE_EL1T		0x4UL
#define PSR_MODE_EL1H		0x5UL
#define PSR_MODE_AARCH32	BIT(4)
#define PSR_SS			BIT(21)
#define PSR_A32_IT_HIGH		GENMASK(15, 10)		/* IT[7:2] */
#define PSR_A32_IT_LOW		GENMASK(26, 25)		/* IT[1:0] */
#define PSR_DAIF		(0xfUL << 6)
#define PSR_PAN			BIT(22)

/* Attributes of MAIR_EL2, by index (Arm ARM D19.2.97). */
#define MAIR_NORMAL		0	/* 0xff: Write-Back, Read/Write-Allocate */
#define MAIR_DEVICE		1	/* 0x04: Device-nGnRE */
#define MAIR_VALUE		0x04ffUL

#endif /* ASM_SYSREG_H */
