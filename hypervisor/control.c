// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests between CPUs, and the life of a virtual CPU.
 *
 *   OFF --vcpu_start()--> ON_PENDING --its CPU, in cpu_park()--> ON
 *    ^                                                           |
 *    +-----------------vcpu_stop_self(), on its CPU--------------+
 *
 * While the cell is paused an ON_PENDING one stays so, and the CPU of one that
 * is ON waits in vcpu_pause_self(), wherever it was: its stack has all of it.
 *
 * A request is a flag and an SGI that says no more than "look". Nobody waits
 * at EL2 for another CPU.
 */
#include "control.h"

#include <asm/atomic.h>

#include "cell.h"
#include "device.h"
#include "errno.h"
#include "irqchip.h"
#include "percpu.h"
#include "stats.h"
#include "string.h"

void cpu_request(struct percpu *cpu, u32 requests)
{
	atomic_fetch_or(&cpu->requests, requests);
	irqchip_send_event(cpu);
}

static u32 take_requests(struct percpu *cpu)
{
	return READ_ONCE(cpu->requests) ? atomic_exchange(&cpu->requests, 0) : 0;
}

/* Whether to wait: the request may be older than a resume, or than this life of the cell. */
static void take_pause(struct vcpu *vcpu)
{
	spin_lock(&vcpu->cell->lock);
	vcpu->paused = vcpu->cell->pausing;
	cell_cpu_paused(vcpu->cell);
	spin_unlock(&vcpu->cell->lock);
}

/*
 * Until the cell is resumed. Interrupts are taken as at any exit and wait for the
 * guest; a stop does not come back. What comes between the last look and WFI
 * is pending then, and so ends it.
 */
static void vcpu_pause_self(struct percpu *cpu)
{
	struct vcpu *vcpu = cpu->vcpu;
	u32 requests = CPU_REQ_PAUSE;

	for (;;) {
		if (requests & CPU_REQ_STOP)
			vcpu_stop_self();
		/* A pause may come again right behind the resume. */
		if (requests & CPU_REQ_PAUSE)
			take_pause(vcpu);
		else if (!READ_ONCE(vcpu->paused))
			return;
		/* Siblings that are still at work may wait for a list register. */
		irqchip_sync(vcpu);
		if (READ_ONCE(vcpu->paused))
			arch_vcpu_wait();
		irqchip_handle_irqs(cpu);
		requests = take_requests(cpu);
	}
}

void cpu_handle_requests(struct percpu *cpu)
{
	u32 requests = take_requests(cpu);

	if (requests & CPU_REQ_STOP)
		vcpu_stop_self();
	if (requests & CPU_REQ_PAUSE)
		vcpu_pause_self(cpu);
	/* CPU_REQ_VGIC: the exit path synchronises what is dirty. */
}

struct start {
	u64 entry;
	u64 context;
	bool clean;
};

/* ON_PENDING -> ON, with what to begin. */
static bool take_start(struct vcpu *vcpu, struct start *start)
{
	bool on;

	if (READ_ONCE(vcpu->state) != VCPU_ON_PENDING)
		return false;
	spin_lock(&vcpu->cell->lock);
	on = vcpu->state == VCPU_ON_PENDING && !vcpu->cell->pausing;
	if (on) {
		*start = (struct start){ vcpu->entry, vcpu->context, vcpu->clean };
		vcpu->clean = false;
		vcpu_set_state(vcpu, VCPU_ON);
	}
	spin_unlock(&vcpu->cell->lock);
	return on;
}

static void __noreturn enter(struct vcpu *vcpu, const struct start *start)
{
	struct percpu *cpu = this_cpu();

	/* The exits of another life are none of this one's. */
	memset(cpu->exits, 0, sizeof(cpu->exits));
	if (start->clean)
		cell_clean_memory(vcpu->cell);
	arch_vcpu_enter(vcpu, start->entry, start->context);
}

/*
 * Asked for more than once, it may be seen when the CPU is root's again, or even
 * another cell's: only a cell that is dying gives its CPUs back.
 */
static void release(struct percpu *cpu)
{
	const struct vcpu *vcpu = READ_ONCE(cpu->vcpu);

	if (READ_ONCE(vcpu->cell->state) == HVISOR_CELL_DYING)
		__atomic_store_n(&cpu->vcpu, root_cell.vcpus[cpu->id], __ATOMIC_RELEASE);
}

void cpu_park(void)
{
	struct percpu *cpu = this_cpu();
	struct start start;
	struct vcpu *vcpu;
	u32 requests;

	for (;;) {
		irqchip_handle_irqs(cpu);
		/* A stop that comes when the vcpu is off has been done. */
		requests = atomic_exchange(&cpu->requests, 0);
		if (requests & CPU_REQ_RELEASE)
			release(cpu);
		vcpu = READ_ONCE(cpu->vcpu);
		if (vcpu && take_start(vcpu, &start))
			enter(vcpu, &start);
		arch_wait();
	}
}

void vcpu_stop_self(void)
{
	struct vcpu *vcpu = this_cpu()->vcpu;
	u64 serror = arch_vcpu_exit();

	irqchip_vcpu_exit(vcpu);
	spin_lock(&vcpu->cell->lock);
	if (serror)
		cell_left_serror(vcpu, serror);
	vcpu->paused = false;
	vcpu_set_state(vcpu, VCPU_OFF);
	cell_cpu_parked(vcpu->cell);
	spin_unlock(&vcpu->cell->lock);
	arch_stack_restart(cpu_park);
}

int vcpu_start(struct vcpu *vcpu, u64 entry, u64 context)
{
	struct cell *cell = vcpu->cell;
	int err = 0;

	spin_lock(&cell->lock);
	if (READ_ONCE(vcpu->cpu->vcpu) != vcpu || !vcpu->cpu->online || cell->end_state)
		err = -EPERM;
	else if (vcpu->state == VCPU_ON)
		err = -EEXIST;
	else if (vcpu->state == VCPU_ON_PENDING)
		err = -EAGAIN;
	if (!err) {
		vcpu->entry = entry;
		vcpu->context = context;
		vcpu_set_state(vcpu, VCPU_ON_PENDING);
	}
	spin_unlock(&cell->lock);
	if (!err)
		cpu_request(vcpu->cpu, 0);
	return err;
}
