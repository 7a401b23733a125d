/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time, and EL2's own timer: it ends a wait at EL2, nothing else. */
#ifndef HV_TIMER_H
#define HV_TIMER_H

#include "types.h"

/* Ticks of the system counter: what root reads as CNTVCT. */
u64 timer_now(void);
u64 timer_ticks(u64 ms);
/* Ticks as nanoseconds; up to 2^64 of these. */
u64 timer_ns(u64 ticks);

/* Interrupts this CPU at @when (at once, if that is past). */
void timer_arm(u64 when);
void timer_disarm(void);
/* The timer's interrupt was taken. Its line is a level: it is lowered here. */
void timer_handle_irq(void);

#endif /* HV_TIMER_H */
