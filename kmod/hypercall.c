// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls: the only file that makes them.
 *
 * An HVC is UNDEFINED where no EL2 is, so nobody calls in here before the
 * device tree has said that EL2 is ours (main.c).
 */
#include "hvisor.h"

#include <linux/arm-smccc.h>
#include <linux/preempt.h>
#include <linux/string.h>

DEFINE_SRCU(hvisor_srcu);

static int hypercall_now(struct hvisor_hypercall *call)
{
	struct arm_smccc_res res;

	arm_smccc_hvc(call->nr, call->x[0], call->x[1], call->x[2], call->x[3],
		      call->x[4], 0, 0, &res);
	call->x[0] = res.a1;
	call->x[1] = res.a2;
	call->x[2] = res.a3;
	return (int)res.a0;
}

int hvisor_hypercall(struct hvisor_hypercall *call)
{
	unsigned int number;
	void *page;
	int ret;

	if (!call->arg && !call->ret_arg)
		return hypercall_now(call);
	/*
	 * The argument page is that of the CPU that makes the call. Interrupt
	 * handlers make no calls with an argument, so to stay is enough.
	 */
	preempt_disable();
	number = hvisor_cpu_to_el2(smp_processor_id());
	page = hvisor.args + number * HVISOR_PAGE_SIZE;
	if (call->arg)
		memcpy(page, call->arg, call->arg_size);
	ret = hypercall_now(call);
	if (call->ret_arg && ret >= 0)
		memcpy(call->ret_arg, page, call->arg_size);
	preempt_enable();
	return ret;
}

int hvisor_cell_hypercall(struct hvisor_cell *cell, struct hvisor_hypercall *call)
{
	int idx, ret;

	/* A dead cell's id may be another's already. */
	idx = srcu_read_lock(&hvisor_srcu);
	call->x[0] = cell->id;
	ret = READ_ONCE(cell->dead) ? -ENODEV : hvisor_hypercall(call);
	srcu_read_unlock(&hvisor_srcu, idx);
	return ret;
}

int hvisor_handshake(phys_addr_t *ret_info)
{
	struct hvisor_hypercall call = { .nr = HVISOR_HC_INFO };
	struct device *dev = &hvisor.pdev->dev;
	u32 version;
	int ret;

	ret = hvisor_hypercall(&call);
	if (ret) {
		dev_err(dev, "EL2 does not answer as hvisor does (%d)\n", ret);
		return -EPROTO;
	}
	version = call.x[0];
	if (version >> 16 != HVISOR_ABI_MAJOR) {
		dev_err(dev, "EL2 speaks ABI %u.%u, this module %u.%u: install the module that came with the hypervisor\n",
			version >> 16, version & 0xffff, HVISOR_ABI_MAJOR,
			HVISOR_ABI_MINOR);
		return -EPROTO;
	}
	*ret_info = call.x[1];
	return 0;
}
