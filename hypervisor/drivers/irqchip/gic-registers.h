/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory-mapped registers of a GICv3 (IHI 0069, 12.9, 12.11), as the driver uses and
 * the emulation serves them. GIC_* are at the same place in the distributor and in a
 * redistributor's SGI frame.
 */
#ifndef HV_GIC_REGISTERS_H
#define HV_GIC_REGISTERS_H

#include "types.h"

#define GIC_IGROUPR		0x0080
#define GIC_ISENABLER		0x0100
#define GIC_ICENABLER		0x0180
#define GIC_ISPENDR		0x0200
#define GIC_ICPENDR		0x0280
#define GIC_ISACTIVER		0x0300
#define GIC_ICACTIVER		0x0380
#define GIC_IPRIORITYR		0x0400
#define GIC_ITARGETSR		0x0800
#define GIC_ICFGR		0x0c00
#define GIC_IGRPMODR		0x0d00
#define GIC_PIDR2		0xffe8

#define GICD_CTLR		0x0000
#define GICD_CTLR_GRP1		BIT(1)
#define GICD_CTLR_ARE		BIT(4)
#define GICD_CTLR_DS		BIT(6)
#define GICD_CTLR_RWP		BIT(31)
#define GICD_TYPER		0x0004
#define GICD_TYPER_LPIS		BIT(17)
#define GICD_TYPER_NO1N		BIT(25)
#define GICD_IIDR		0x0008
#define GICD_IROUTER		0x6000
#define GICD_IROUTER_END	0x8000

#define GICR_CTLR		0x0000
#define GICR_CTLR_ENABLE_LPIS	BIT(0)
#define GICR_CTLR_RWP		BIT(3)
#define GICR_IIDR		0x0004
#define GICR_TYPER		0x0008
#define GICR_TYPER_PLPIS	BIT(0)
#define GICR_TYPER_VLPIS	BIT(1)
#define GICR_TYPER_LAST		BIT(4)
#define GICR_WAKER		0x0014
#define GICR_WAKER_PROCESSOR_SLEEP	BIT(1)
#define GICR_WAKER_CHILDREN_ASLEEP	BIT(2)
#define GICR_SETLPIR		0x0040
#define GICR_SYNCR_END		0x00c8
#define GICR_SGI_FRAME		0x10000
#define GICR_FRAME_SIZE		0x20000

#endif /* HV_GIC_REGISTERS_H */
