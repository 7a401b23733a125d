// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who owns which physical SPI. Root has all of them; a cell that is given one
 * gets it from root and gives it back.
 */
#include "irq.h"

#include "cell.h"

static struct cell *owners[VGIC_MAX_INTID];	/* root's boot, then cell life */

struct cell *irq_owner(u32 intid)
{
	return intid < ARRAY_SIZE(owners) ? READ_ONCE(owners[intid]) : NULL;
}

void irq_set_owner(u32 intid, struct cell *cell)
{
	WRITE_ONCE(owners[intid], cell);
	vgic_own(&cell->vgic, intid, true);
}
