// SPDX-License-Identifier: GPL-2.0-or-later
/* The smallest GICv3 driver (IHI 0069) that can count interrupts. */
#include "guest.h"

#define GICD_CTLR		0x0000
#define GICD_CTLR_RWP		0x80000000
#define GICD_CTLR_ON		0x12	/* ARE, group 1 */
#define GICR_WAKER		0x0014
#define GICR_WAKER_SLEEP	0x2
#define GICR_WAKER_ASLEEP	0x4
#define GICR_SGI		0x10000
#define GIC_IGROUPR		0x0080
#define GIC_ISENABLER		0x0100
#define GIC_IPRIORITYR		0x0400
#define GICD_ICFGR		0x0c00
#define GICD_IROUTER		0x6000

#define ICC_SRE_EL1		s3_0_c12_c12_5
#define ICC_PMR_EL1		s3_0_c4_c6_0
#define ICC_IGRPEN1_EL1		s3_0_c12_c12_7
#define ICC_IAR1_EL1		s3_0_c12_c12_0
#define ICC_EOIR1_EL1		s3_0_c12_c12_1
#define ICC_SGI1R_EL1		s3_0_c12_c11_5

#define NR_COUNTED	64

/* [cpu][intid], written by that CPU alone */
static volatile u64 counts[MAX_CPUS][NR_COUNTED];
static u64 timer_period;

void gic_init(void)
{
	write32(GICD_BASE + GICD_CTLR, GICD_CTLR_ON);
	while (read32(GICD_BASE + GICD_CTLR) & GICD_CTLR_RWP)
		;
}

void gic_cpu_init(u32 cpu)
{
	u64 redist = GICR_BASE + cpu * GICR_STRIDE;

	write32(redist + GICR_WAKER, read32(redist + GICR_WAKER) & ~GICR_WAKER_SLEEP);
	while (read32(redist + GICR_WAKER) & GICR_WAKER_ASLEEP)
		;
	write32(redist + GICR_SGI + GIC_IGROUPR, ~0U);
	write_sysreg(7, ICC_SRE_EL1);
	write_sysreg(0xf0, ICC_PMR_EL1);
	write_sysreg(1, ICC_IGRPEN1_EL1);
}

/* All interrupts have priority 0x80; SPIs go to @cpu and are edge-triggered. */
void gic_enable(u32 cpu, u32 intid)
{
	u64 base = intid < 32 ? GICR_BASE + cpu * GICR_STRIDE + GICR_SGI : GICD_BASE;
	u32 word = intid / 32 * 4, bit = 1U << intid % 32;

	write8(base + GIC_IPRIORITYR + intid, 0x80);
	if (intid >= 32) {
		write32(base + GIC_IGROUPR + word, read32(base + GIC_IGROUPR + word) | bit);
		write32(base + GICD_ICFGR + intid / 16 * 4,
			read32(base + GICD_ICFGR + intid / 16 * 4) | 2U << intid % 16 * 2);
		write64(base + GICD_IROUTER + intid * 8, cpu);
	}
	write32(base + GIC_ISENABLER + word, bit);
}

void gic_send_sgi(u32 cpu, u32 intid)
{
	asm volatile("dsb sy" : : : "memory");
	write_sysreg((u64)intid << 24 | 1U << cpu, ICC_SGI1R_EL1);
}

void irq_unmask(void)
{
	asm volatile("msr daifclr, #2" : : : "memory");
}

void irq_mask(void)
{
	asm volatile("msr daifset, #2" : : : "memory");
}

u64 irq_count(u32 cpu, u32 intid)
{
	return counts[cpu][intid];
}

void timer_start(u64 ms)
{
	timer_period = ticks_of_ms(ms);
	write_sysreg(ticks() + timer_period, cntv_cval_el0);
	write_sysreg(1, cntv_ctl_el0);
}

void handle_irq(void *frame);

void handle_irq(void *frame)
{
	u32 intid = (u32)read_sysreg(ICC_IAR1_EL1), cpu = cpu_index();

	(void)frame;
	if (intid >= GIC_SPURIOUS)
		return;
	if (intid < NR_COUNTED && cpu < MAX_CPUS)
		counts[cpu][intid]++;
	if (intid == TIMER_PPI)
		write_sysreg(read_sysreg(cntv_cval_el0) + timer_period, cntv_cval_el0);
	asm volatile("dsb sy" : : : "memory");
	write_sysreg(intid, ICC_EOIR1_EL1);
}
