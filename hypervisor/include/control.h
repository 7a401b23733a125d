/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUs: requests from one to another, starting and parking; and what the
 * architecture supplies for it.
 */
#ifndef HV_CONTROL_H
#define HV_CONTROL_H

#include "types.h"

struct cell;
struct percpu;
struct trap_frame;
struct vcpu;

/* percpu.requests */
#define CPU_REQ_VGIC	BIT(0)	/* evaluate the vcpu's interrupts again */
#define CPU_REQ_STOP	BIT(1)	/* leave the guest, vcpu to OFF */
#define CPU_REQ_RELEASE	BIT(2)	/* parked: be root's again */
#define CPU_REQ_PAUSE	BIT(3)	/* wait at EL2 until the cell is resumed */

/* Sets the flags and makes @cpu look (SGI). Any context. */
void cpu_request(struct percpu *cpu, u32 requests);

/* The CPU does what others asked for. May park, then it does not return. */
void cpu_handle_requests(struct percpu *cpu);

/* Waits at EL2 until the CPU's vcpu is ON_PENDING, then enters it. */
void __noreturn cpu_park(void);

/* The vcpu of this CPU goes off: hands interrupts on, then waits. */
void __noreturn vcpu_stop_self(void);

/*
 * Starts @vcpu of a cell. 0, -EPERM: its CPU is another's. -EEXIST: it is on.
 * -EAGAIN: on its way.
 */
int vcpu_start(struct vcpu *vcpu, u64 entry, u64 context);

/* -- supplied by the architecture -- */

void arch_cpu_init(struct percpu *cpu);
/* Real start of a secondary CPU into EL2; 0 or negative. Boot only. */
int arch_cpu_boot(struct percpu *cpu);
/* Registers of a CPU after reset, for the guest; then enters it. */
void __noreturn arch_vcpu_enter(struct vcpu *vcpu, u64 entry, u64 context);
/*
 * Leaves nothing of the vcpu in this CPU's registers that has an effect. Returns
 * the syndrome of an SError that it has caused and not taken; 0: none.
 */
u64 arch_vcpu_exit(void);
/* Unwinds this CPU's stack and calls @fn, which may not return. */
void __noreturn arch_stack_restart(void (*fn)(void));
void arch_wait(void);
void __noreturn arch_system_off(void);
void __noreturn arch_system_reset(void);
void __noreturn arch_halt(void);

#endif /* HV_CONTROL_H */
