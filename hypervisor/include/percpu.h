/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What belongs to a physical CPU. */
#ifndef HV_PERCPU_H
#define HV_PERCPU_H

#include <hvisor/cell.h>

#include "types.h"

struct vcpu;

/**
 * struct percpu - one physical CPU, found by TPIDR_EL2
 * @id: EL2's number
 * @mpidr: affinity fields
 * @vcpu: whom it runs or waits for; changed only while the CPU waits
 * @online: the CPU has reached its wait at EL2
 * @gicr: its redistributor, EL2's address
 * @gicr_typer: low half: processor number and more
 * @nr_lrs: its list registers
 * @requests: CPU_REQ_*, set by anybody (atomic), taken by the CPU; not in the line of
 *	what whoever sends it an SGI has to read
 * @exits: ring of the last exits
 */
struct percpu {
	u32 id;
	u32 online;
	u64 mpidr;
	struct vcpu *vcpu;
	u64 gicr;
	u64 gicr_typer;
	u8 nr_lrs;
	u32 requests __aligned(CACHE_LINE);
	u32 exit_head;
	struct hvisor_exit exits[HVISOR_NR_EXITS];
};

extern struct percpu *percpus[HVISOR_MAX_CPUS];
extern u32 nr_cpus;

#include <asm/percpu.h>		/* this_cpu() */

#endif /* HV_PERCPU_H */
