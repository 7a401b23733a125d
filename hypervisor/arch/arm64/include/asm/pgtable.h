/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors of the 4 KiB granule (Arm ARM D8.3), stage 1 of EL2 and stage 2.
 */
#ifndef ASM_PGTABLE_H
#define ASM_PGTABLE_H

#include "types.h"

#define PTE_VALID		BIT(0)
#define PTE_TABLE		BIT(1)	/* table at levels 0-2, page at level 3 */
#define PTE_ADDR_MASK		GENMASK(47, 12)
#define PTE_AF			BIT(10)
#define PTE_SH_INNER		(3UL << 8)

/* Stage 1 of EL2, one privilege level: AP[1] and RES1 bit 6 set. */
#define S1_AP1			BIT(6)
#define S1_RO			BIT(7)
#define S1_XN			BIT(54)
#define S1_ATTR(n)		((u64)(n) << 2)
#define S1_NORMAL		(PTE_AF | PTE_SH_INNER | S1_AP1 | S1_ATTR(MAIR_NORMAL))
#define S1_TEXT			(S1_NORMAL | S1_RO)
#define S1_RODATA		(S1_NORMAL | S1_RO | S1_XN)
#define S1_DATA			(S1_NORMAL | S1_XN)
#define S1_DEVICE		(PTE_AF | S1_AP1 | S1_ATTR(MAIR_DEVICE) | S1_XN)

/* Stage 2 (D8.5.5 memory attributes, D8.4.2.2 permissions). */
#define S2_READ			BIT(6)
#define S2_WRITE		BIT(7)
#define S2_XN			BIT(54)
#define S2_ATTR(n)		((u64)(n) << 2)
#define S2_NORMAL		(PTE_AF | PTE_SH_INNER | S2_ATTR(0xf) | S2_READ)
#define S2_RAM			(S2_NORMAL | S2_WRITE)
#define S2_DEVICE		(PTE_AF | S2_ATTR(0x1) | S2_READ | S2_WRITE | S2_XN)

#endif /* ASM_PGTABLE_H */
