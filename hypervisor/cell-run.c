// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A cell runs and comes to an end: LOAD, START, STOP, PSCI's SYSTEM_OFF and
 * SYSTEM_RESET, failures.
 *
 * Whoever wants an end leaves word what it shall be, asks each CPU to park and
 * goes away. The last CPU to park makes it so: until then the guest may still
 * do things.
 */
#include "cell.h"

#include "cell-check.h"
#include "control.h"
#include "device.h"
#include "errno.h"
#include "mem.h"
#include "panic.h"
#include "percpu.h"
#include "printk.h"
#include "string.h"

bool cell_parked(const struct cell *cell)
{
	u32 n;

	for (n = 0; n < cell->nr_vcpus; n++)
		if (cell->vcpus[n]->state != VCPU_OFF)
			return false;
	return true;
}

/* Its CPUs are in the guest, or were and will be. */
static bool cell_lives(const struct cell *cell)
{
	return cell->state == HVISOR_CELL_RUNNING || cell->state == HVISOR_CELL_PAUSED;
}

/* -- to run -- */

int cell_load(struct cell *cell, u32 *which)
{
	int err;

	*which = ~0U;
	if (cell_lives(cell) && cell->end_state)
		return -EAGAIN;
	if (!cell_call_allowed(cell->state, CELL_CALL_LOAD) || !cell->page->memory_blocks)
		return -EBUSY;
	err = devices_load(cell, which);
	if (err)
		return err;
	vgic_lock(&cell->vgic);
	vgic_reset(&cell->vgic);
	vgic_unlock(&cell->vgic);
	cell_set_state(cell, HVISOR_CELL_LOADED, HVISOR_REASON_NONE);
	return 0;
}

int cell_start(struct cell *cell, u64 entry, u64 context)
{
	struct vcpu *vcpu = cell->vcpus[0];

	if (!cell_call_allowed(cell->state, CELL_CALL_START))
		return -EBUSY;
	if (!IS_ALIGNED(entry, 4) || !arch_memory_reachable(cell, entry, 4, false))
		return -EINVAL;
	vcpu->entry = entry;
	vcpu->context = context;
	vcpu->clean = true;
	cell_set_state(cell, HVISOR_CELL_RUNNING, HVISOR_REASON_NONE);
	vcpu_set_state(vcpu, VCPU_ON_PENDING);
	cpu_request(vcpu->cpu, 0);
	return 0;
}

/*
 * Root wrote the images through its caches; the guest begins with the MMU
 * off, past them, and may map its memory with any attributes later: what a
 * cache holds goes to memory, and nothing stale stays (Arm ARM D7.5.9).
 */
void cell_clean_memory(struct cell *cell)
{
	u64 pa;

	for (pa = mem_next(cell->id, 0); pa != ~0UL; pa = mem_next(cell->id, pa + BLOCK_SIZE)) {
		if (READ_ONCE(this_cpu()->requests) & CPU_REQ_STOP)
			vcpu_stop_self();
		arch_block_clean(pa);
	}
	arch_code_sync();
}

/* -- to a pause -- */

static bool all_wait(const struct cell *cell)
{
	u32 n;

	for (n = 0; n < cell->nr_vcpus; n++)
		if (cell->vcpus[n]->state == VCPU_ON && !cell->vcpus[n]->paused)
			return false;
	return true;
}

void cell_cpu_paused(struct cell *cell)
{
	/* A cell that comes to an end, or is destroyed, is that and not paused. */
	if (cell->pausing && cell->state == HVISOR_CELL_RUNNING && !cell->end_state &&
	    all_wait(cell))
		cell_set_state(cell, HVISOR_CELL_PAUSED, HVISOR_REASON_NONE);
}

int cell_pause(struct cell *cell, bool again)
{
	u32 n;

	if (!cell_call_allowed(cell->state, CELL_CALL_PAUSE) || cell->end_state ||
	    (again && !cell->pausing))
		return -EBUSY;
	/* One that is ON_PENDING stays so: see take_start(). */
	for (n = 0; n < cell->nr_vcpus && !cell->pausing; n++)
		if (cell->vcpus[n]->state == VCPU_ON)
			cpu_request(cell->vcpus[n]->cpu, CPU_REQ_PAUSE);
	cell->pausing = true;
	cell_cpu_paused(cell);
	return cell->state == HVISOR_CELL_PAUSED ? 0 : -EAGAIN;
}

int cell_resume(struct cell *cell)
{
	u32 n;

	if (!cell_call_allowed(cell->state, CELL_CALL_PAUSE) || !cell->pausing ||
	    cell->end_state)
		return -EBUSY;
	cell->pausing = false;
	if (cell->state == HVISOR_CELL_PAUSED)
		cell_set_state(cell, HVISOR_CELL_RUNNING, HVISOR_REASON_NONE);
	for (n = 0; n < cell->nr_vcpus; n++) {
		WRITE_ONCE(cell->vcpus[n]->paused, false);
		if (cell->vcpus[n]->state != VCPU_OFF)
			cpu_request(cell->vcpus[n]->cpu, 0);
	}
	return 0;
}

/* -- to an end -- */

bool cell_end(struct cell *cell, u32 state, u32 reason)
{
	struct vcpu *vcpu;
	u32 n;

	/* To be destroyed is stronger than any other end. */
	if (cell->end_state && state != HVISOR_CELL_DYING)
		return false;
	cell->end_state = state;
	cell->end_reason = reason;
	cell->pausing = false;
	for (n = 0; n < cell->nr_vcpus; n++) {
		vcpu = cell->vcpus[n];
		if (vcpu->state == VCPU_ON_PENDING)
			vcpu_set_state(vcpu, VCPU_OFF);
		else if (vcpu->state == VCPU_ON && vcpu->cpu != this_cpu())
			cpu_request(vcpu->cpu, CPU_REQ_STOP);
	}
	return true;
}

void cell_cpu_parked(struct cell *cell)
{
	u32 state = cell->end_state, reason = cell->end_reason;

	if (cell_is_root(cell) || state == HVISOR_CELL_DYING)
		return;
	if (!cell_parked(cell)) {
		/* Perhaps it was the only one that did not wait. */
		cell_cpu_paused(cell);
		return;
	}
	if (!state) {
		/* CPU_OFF of the last one: nobody could switch it on again. */
		state = HVISOR_CELL_STOPPED;
		reason = HVISOR_REASON_OFF;
	}
	cell->end_state = HVISOR_CELL_NONE;
	cell->pausing = false;
	cell_set_state(cell, state, reason);
	devices_quiesce(cell);
}

int cell_stop(struct cell *cell)
{
	if (!cell_call_allowed(cell->state, CELL_CALL_STOP))
		return -EBUSY;
	if (!cell_lives(cell)) {
		/* Whoever is about to start it again hears that it shall not. */
		if (cell->state != HVISOR_CELL_STOPPED ||
		    cell->page->reason != HVISOR_REASON_STOP)
			cell_set_state(cell, HVISOR_CELL_STOPPED, HVISOR_REASON_STOP);
		return 0;
	}
	if (cell_end(cell, HVISOR_CELL_STOPPED, HVISOR_REASON_STOP))
		cell_cpu_parked(cell);
	return cell_lives(cell) ? -EAGAIN : 0;
}

/* By one of its own CPUs. */
static void __noreturn end_self(struct cell *cell, u32 reason)
{
	spin_lock(&cell->lock);
	cell_end(cell, HVISOR_CELL_STOPPED, reason);
	spin_unlock(&cell->lock);
	vcpu_stop_self();
}

void cell_system_off(struct cell *cell)
{
	if (cell_is_root(cell))
		arch_system_off();
	end_self(cell, HVISOR_REASON_OFF);
}

void cell_system_reset(struct cell *cell)
{
	if (cell_is_root(cell))
		arch_system_reset();
	end_self(cell, HVISOR_REASON_RESET);
}

static void keep_exits(struct hvisor_failure *failure, const struct percpu *cpu)
{
	u32 n;

	for (n = 0; n < HVISOR_NR_EXITS; n++)
		failure->exits[n] = cpu->exits[(cpu->exit_head + n) % HVISOR_NR_EXITS];
}

/* The first failure counts, and none behind a stop. Lock held. */
static void fail(struct vcpu *vcpu, u32 reason, const struct trap_frame *frame, u64 esr, u64 far,
		 u64 ipa)
{
	struct cell *cell = vcpu->cell;
	struct hvisor_failure *failure = &cell->page->failure;

	if (!cell_end(cell, HVISOR_CELL_FAILED, reason))
		return;
	cell_page_begin(cell);
	failure->reason = reason;
	failure->cpu = vcpu->id;
	failure->esr = esr;
	failure->far = far;
	failure->ipa = ipa;
	failure->count++;
	memset(failure->walk, 0, sizeof(failure->walk));
	if (ipa != ~0UL)
		paging_walk(&cell->s2, ipa, (u64 *)failure->walk);
	arch_failure_fill(failure, frame);
	keep_exits(failure, this_cpu());
	cell_page_end(cell);
	pr_warn("cell %u: failed on CPU %u, reason %u, ESR 0x%lx, IPA 0x%lx", cell->id,
		vcpu->id, reason, esr, ipa);
}

void cell_fail(u32 reason, const struct trap_frame *frame, u64 esr, u64 far, u64 ipa)
{
	struct vcpu *vcpu = this_cpu()->vcpu;

	if (cell_is_root(vcpu->cell))
		panic("root failed: reason %u ESR 0x%lx FAR 0x%lx IPA 0x%lx", reason, esr, far,
		      ipa);
	spin_lock(&vcpu->cell->lock);
	fail(vcpu, reason, frame, esr, far, ipa);
	spin_unlock(&vcpu->cell->lock);
	vcpu_stop_self();
}

void cell_left_serror(struct vcpu *vcpu, u64 syndrome)
{
	if (cell_is_root(vcpu->cell))
		pr_error("SError 0x%lx of CPU %u, which root has switched off", syndrome,
			 vcpu->cpu->id);
	else
		fail(vcpu, HVISOR_REASON_SERROR, NULL, syndrome, 0, ~0UL);
}
