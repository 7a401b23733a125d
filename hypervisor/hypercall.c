// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hypercalls of root: a table by number. Structures come in the calling CPU's
 * argument page, which root may change at any time: copied once, then checked.
 */
#include "hypercall.h"

#include "boot.h"
#include "cell.h"
#include "device.h"
#include "errno.h"
#include "mem.h"
#include "panic.h"
#include "percpu.h"
#include "stats.h"
#include "string.h"

static u8 *arg_pages;	/* one for each CPU; set once, at boot */

int hypercall_init(void)
{
	arg_pages = mem_alloc(nr_cpus, 1);
	if (!arg_pages)
		return -ENOMEM;
	return mem_share_with_root((u64)arg_pages, nr_cpus, true);
}

u64 hypercall_args_pa(void)
{
	return (u64)arg_pages;
}

int hypercall_copy_args(void *dst, u32 size)
{
	const u8 *page = arg_pages + this_cpu()->id * PAGE_SIZE;
	u32 claimed;

	memcpy(dst, page, size);
	/* The copy, not the page: that may have changed meanwhile. */
	memcpy(&claimed, dst, sizeof(claimed));
	return claimed == size ? 0 : -EINVAL;
}

void hypercall_put_result(const void *src, u32 size)
{
	memcpy(arg_pages + this_cpu()->id * PAGE_SIZE, src, size);
}

static s64 hc_info(struct hypercall *hc)
{
	hc->result[1] = HVISOR_ABI_VERSION;
	hc->result[2] = stats_info_pa();
	hc->result[3] = this_cpu()->id;
	return 0;
}

static s64 hc_panic(struct hypercall *hc __maybe_unused)
{
	if (!platform.selftest)
		return -EPERM;
	panic("asked for by root");
}

static const struct {
	u32 nr;
	hypercall_handler handler;
} calls[] = {
	{ HVISOR_HC_INFO, hc_info },
	{ HVISOR_HC_CELL_CREATE, hc_cell_create },
	{ HVISOR_HC_CELL_ADD_MEMORY, hc_cell_add_memory },
	{ HVISOR_HC_CELL_ADD_DEVICE, hc_cell_add_device },
	{ HVISOR_HC_CELL_LOAD, hc_cell_load },
	{ HVISOR_HC_CELL_START, hc_cell_start },
	{ HVISOR_HC_CELL_STOP, hc_cell_stop },
	{ HVISOR_HC_CELL_PAUSE, hc_cell_pause },
	{ HVISOR_HC_CELL_RESUME, hc_cell_resume },
	{ HVISOR_HC_CELL_DESTROY, hc_cell_destroy },
	{ HVISOR_HC_DEVICE_DECLARE, hc_device_declare },
	{ HVISOR_HC_DEVICE_ANSWER, hc_device_answer },
	{ HVISOR_HC_DEVICE_INTERRUPT, hc_device_interrupt },
	{ HVISOR_HC_DEVICE_RELEASE, hc_device_release },
	{ HVISOR_HC_DEVICE_CONFIG, hc_device_config },
	{ HVISOR_HC_DEVICE_FAIL, hc_device_fail },
	{ HVISOR_HC_PANIC, hc_panic },
	{ HVISOR_HC_CELL_LIST_MEMORY, hc_cell_list_memory },
};

bool hypercall_handle(u32 nr, struct hypercall *hc)
{
	u32 n;

	for (n = 0; n < ARRAY_SIZE(calls); n++) {
		if (calls[n].nr != nr)
			continue;
		hc->result[0] = (u64)calls[n].handler(hc);
		return true;
	}
	return false;
}
