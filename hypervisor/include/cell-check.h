/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What root hands in to make a cell, checked for itself. Pure. */
#ifndef HV_CELL_CHECK_H
#define HV_CELL_CHECK_H

#include <hvisor/cell.h>

#include "types.h"

#define GICD_IPA_SIZE	0x10000UL
#define GICR_IPA_SIZE	0x20000UL	/* for each CPU */

/* Calls that the state of a cell allows or not. */
enum cell_call {
	CELL_CALL_ADD,		/* memory and devices */
	CELL_CALL_LOAD,
	CELL_CALL_START,
	CELL_CALL_STOP,
	CELL_CALL_PAUSE,	/* and RESUME */
};

/* [A-Za-z0-9_-]+, terminated, zero to the end of its @size bytes. */
bool name_valid(const u8 *name, u32 size);

/* -EINVAL: against cell.h; @cpus: those there are; @limit: end of IPA space. */
int cell_desc_check(const struct hvisor_cell_desc *desc, u64 cpus, u64 limit);

/*
 * -EINVAL: against cell.h. -EBUSY, -EEXIST: two of its blocks have the same
 * physical address, the same IPA.
 */
int cell_batch_check(const struct hvisor_memory_batch *batch, u64 limit);

/* May @call be made of a cell in @state? */
bool cell_call_allowed(u32 state, enum cell_call call);

#endif /* HV_CELL_CHECK_H */
