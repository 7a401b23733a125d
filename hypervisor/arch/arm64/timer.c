// SPDX-License-Identifier: GPL-2.0-or-later
/* The generic timer, as far as EL2 uses it: CNTPCT and CNTHP (Arm ARM D11). */
#include "timer.h"

#include <asm/sysreg.h>

#define CNTHP_CTL_ENABLE	1
#define NS_PER_S		1000000000UL

u64 timer_now(void)
{
	/* Else the counter may be read ahead of what comes before (D11.1.2). */
	isb();
	return read_sysreg(cntpct_el0);
}

u64 timer_ticks(u64 ms)
{
	return ms * read_sysreg(cntfrq_el0) / 1000;
}

u64 timer_ns(u64 ticks)
{
	u64 rate = read_sysreg(cntfrq_el0);

	return ticks / rate * NS_PER_S + ticks % rate * NS_PER_S / rate;
}

void timer_arm(u64 when)
{
	write_sysreg(when, cnthp_cval_el2);
	write_sysreg(CNTHP_CTL_ENABLE, cnthp_ctl_el2);
	isb();
}

void timer_disarm(void)
{
	write_sysreg(0, cnthp_ctl_el2);
	isb();
}

void timer_handle_irq(void)
{
	timer_disarm();
}
