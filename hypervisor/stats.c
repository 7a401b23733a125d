// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The information page: what root's module reads first, and without a call.
 */
#include "stats.h"

#include <hvisor/abi.h>

#include "boot.h"
#include "cell.h"
#include "hypercall.h"
#include "log.h"
#include "mem.h"
#include "panic.h"
#include "percpu.h"

_Static_assert(sizeof(struct hvisor_info) <= PAGE_SIZE, "one page");

static struct hvisor_info *info;	/* each field has one writer at a time */

u64 stats_info_pa(void)
{
	return (u64)info;
}

void stats_cpu_update(const struct vcpu *vcpu)
{
	struct hvisor_cpu_info *cpu = &info->cpus[vcpu->cpu->id];

	WRITE_ONCE(cpu->owner, vcpu->cell->id);
	WRITE_ONCE(cpu->state, vcpu->state == VCPU_ON ? HVISOR_CPU_ON : HVISOR_CPU_OFF);
}

void stats_cell_update(u32 id, u64 page_pa)
{
	WRITE_ONCE(info->cells[id], page_pa);
}

static void share(u64 pa, u32 pages)
{
	if (mem_share_with_root(pa, pages, false))
		panic("cannot share 0x%lx with root", pa);
}

void stats_init(void)
{
	u32 n;

	info = mem_alloc(1, 1);
	if (!info)
		panic("no memory for the information page");
	info->magic = HVISOR_INFO_MAGIC;
	info->version = HVISOR_ABI_VERSION;
	info->size = sizeof(*info);
	info->nr_cpus = nr_cpus;
	info->args = hypercall_args_pa();
	info->log = log_system_pa();
	info->log_pages = log_system_pages();
	info->root_memory_start = platform.ram[0].base;
	info->pool_pages = mem_pages_total();
	mem_publish_free(&info->pool_free);
	for (n = 0; n < nr_cpus; n++) {
		info->cpus[n].mpidr = percpus[n]->mpidr;
		stats_cpu_update(percpus[n]->vcpu);
	}
	share((u64)info, 1);
	share(info->log, info->log_pages);
	stats_cell_update(HVISOR_ROOT_CELL, (u64)root_cell.page);
}
