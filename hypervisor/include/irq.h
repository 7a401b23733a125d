/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owners of physical SPIs. */
#ifndef HV_IRQ_H
#define HV_IRQ_H

#include "types.h"

struct cell;

/* NULL: nobody's. */
struct cell *irq_owner(u32 intid);
/* Context: boot, or the cell does not run. */
void irq_set_owner(u32 intid, struct cell *cell);

#endif /* HV_IRQ_H */
