/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What EL2 publishes of itself: the information page. */
#ifndef HV_STATS_H
#define HV_STATS_H

#include "types.h"

struct vcpu;

/* Makes the page and shares it with root. Panics. */
void stats_init(void);
u64 stats_info_pa(void);
/* Brings owner and state of the vcpu's physical CPU up to date. */
void stats_cpu_update(const struct vcpu *vcpu);
void stats_cell_update(u32 id, u64 page_pa);

#endif /* HV_STATS_H */
