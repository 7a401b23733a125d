// SPDX-License-Identifier: GPL-2.0-or-later
/* Hypercalls of root that concern the life of cells. */
#include "cell-check.h"
#include "cell.h"
#include "errno.h"
#include "hypercall.h"

/* The cell of x1, not root, locked; NULL: none such. */
static struct cell *cell_lock(const struct hypercall *hc)
{
	struct cell *cell;

	if (hc->arg[1] == HVISOR_ROOT_CELL || hc->arg[1] >= HVISOR_MAX_CELLS)
		return NULL;
	cell = cell_get((u32)hc->arg[1]);
	if (!cell)
		return NULL;
	spin_lock(&cell->lock);
	if (cell->state != HVISOR_CELL_NONE)
		return cell;
	spin_unlock(&cell->lock);
	return NULL;
}

static s64 cell_unlock(struct cell *cell, s64 result)
{
	spin_unlock(&cell->lock);
	return result;
}

s64 hc_cell_create(struct hypercall *hc)
{
	struct hvisor_cell_desc desc;

	if (hypercall_copy_args(&desc, sizeof(desc)) || hc->arg[1] >> 32)
		return -EINVAL;
	return cell_create(&desc, (u32)hc->arg[1]);
}

s64 hc_cell_add_memory(struct hypercall *hc)
{
	struct hvisor_memory_batch batch;
	struct cell *cell;
	s64 result = -EBUSY;

	if (hypercall_copy_args(&batch, sizeof(batch)))
		return -EINVAL;
	cell = cell_lock(hc);
	if (!cell)
		return -ENOENT;
	if (cell_call_allowed(cell->state, CELL_CALL_ADD))
		result = cell_add_memory(cell, &batch);
	return cell_unlock(cell, result);
}

s64 hc_cell_list_memory(struct hypercall *hc)
{
	struct hvisor_memory_batch batch;
	struct cell *cell = cell_lock(hc);

	if (!cell)
		return -ENOENT;
	if (cell->state == HVISOR_CELL_DYING)
		return cell_unlock(cell, -EBUSY);
	hc->result[1] = cell_list_memory(cell, hc->arg[2], &batch);
	hypercall_put_result(&batch, sizeof(batch));
	return cell_unlock(cell, 0);
}

s64 hc_cell_load(struct hypercall *hc)
{
	struct cell *cell = cell_lock(hc);
	u32 which = ~0U;
	s64 result;

	if (!cell)
		return -ENOENT;
	result = cell_load(cell, &which);
	hc->result[1] = which;
	return cell_unlock(cell, result);
}

s64 hc_cell_start(struct hypercall *hc)
{
	struct cell *cell = cell_lock(hc);

	if (!cell)
		return -ENOENT;
	return cell_unlock(cell, cell_start(cell, hc->arg[2], hc->arg[3]));
}

s64 hc_cell_stop(struct hypercall *hc)
{
	struct cell *cell = cell_lock(hc);

	if (!cell)
		return -ENOENT;
	return cell_unlock(cell, cell_stop(cell));
}

s64 hc_cell_pause(struct hypercall *hc)
{
	struct cell *cell = cell_lock(hc);

	if (!cell)
		return -ENOENT;
	if (hc->arg[2] > 1)
		return cell_unlock(cell, -EINVAL);
	return cell_unlock(cell, cell_pause(cell, hc->arg[2]));
}

s64 hc_cell_resume(struct hypercall *hc)
{
	struct cell *cell = cell_lock(hc);

	if (!cell)
		return -ENOENT;
	return cell_unlock(cell, cell_resume(cell));
}

s64 hc_cell_destroy(struct hypercall *hc)
{
	if (hc->arg[1] == HVISOR_ROOT_CELL || hc->arg[1] >= HVISOR_MAX_CELLS)
		return -ENOENT;
	return cell_destroy(cell_slot((u32)hc->arg[1]));
}
