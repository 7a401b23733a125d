// SPDX-License-Identifier: GPL-2.0-or-later
/* Hypercalls of root that concern devices. Root's user space is not trusted. */
#include "cell-check.h"
#include "cell.h"
#include "device.h"
#include "doorbell.h"
#include "errno.h"
#include "string.h"
#include "timer.h"

/* The device of x1 (cell) and x2 (index), locked; NULL: none such. */
static struct device *device_get(const struct hypercall *hc)
{
	struct device *device;
	struct cell *cell;

	if (hc->arg[1] == HVISOR_ROOT_CELL || hc->arg[1] >= HVISOR_MAX_CELLS ||
	    hc->arg[2] >= HVISOR_MAX_DEVICES)
		return NULL;
	cell = cell_get((u32)hc->arg[1]);
	if (!cell)
		return NULL;
	device = &devices_of(cell)->devices[hc->arg[2]];
	spin_lock(&device->lock);
	if (device->used)
		return device;
	spin_unlock(&device->lock);
	return NULL;
}

static s64 device_put(struct device *device, s64 result)
{
	spin_unlock(&device->lock);
	return result;
}

s64 hc_cell_add_device(struct hypercall *hc)
{
	struct hvisor_device_desc desc;
	struct cell *cell;
	s64 result;

	if (hypercall_copy_args(&desc, sizeof(desc)))
		return -EINVAL;
	if (hc->arg[1] == HVISOR_ROOT_CELL || hc->arg[1] >= HVISOR_MAX_CELLS)
		return -ENOENT;
	cell = cell_get((u32)hc->arg[1]);
	if (!cell)
		return -ENOENT;
	spin_lock(&cell->lock);
	if (cell_call_allowed(cell->state, CELL_CALL_ADD))
		result = device_create(cell, &desc);
	else
		result = -EBUSY;
	spin_unlock(&cell->lock);
	return result;
}

/* Data first, while no load can come by: never half of a configuration. */
static void change_config(struct device *device, const u8 *config)
{
	arch_regs_unmap(device->cell, device->page->ipa);
	virtio_mmio_config(&device->vm, config);
	arch_regs_sync();
	arch_regs_map(device->cell, device->page->ipa, device->vm.regs);
	if (!virtio_mmio_interrupt(&device->vm, HVISOR_INTERRUPT_CONFIG))
		device_interrupt(device);
}

static bool requests_pending(const struct device *device)
{
	u32 cpu;

	for (cpu = 0; cpu < device->cell->nr_vcpus; cpu++)
		if (device->page->slots[cpu].state == HVISOR_SLOT_PENDING)
			return true;
	return device->page->control.state == HVISOR_SLOT_PENDING;
}

/*
 * The new backend is told everything: what its predecessor had begun to answer,
 * and each ready queue; the guest looks for what was completed unannounced.
 */
static void attach(struct device *device)
{
	struct hvisor_device_page *page = device->page;
	struct hvisor_bell_page *bell = devices_of(device->cell)->bell;

	page->attached = 1;
	page->failed = 0;
	device->quiet = false;
	if (requests_pending(device))
		doorbell_request(bell, page->index);
	if (virtio_mmio_driver_ok(&device->vm)) {
		doorbell_clear(bell, page->index, ~0U);
		doorbell_set(bell, page->index,
			     HVISOR_BELL_DRIVER_OK | virtio_mmio_ready_queues(&device->vm),
			     timer_now());
		virtio_mmio_interrupt(&device->vm, HVISOR_INTERRUPT_USED);
		device_interrupt(device);
	}
	devices_tell(device->cell);
}

static s64 declare(struct device *device, const struct hvisor_device_decl *decl)
{
	struct hvisor_device_page *page = device->page;
	bool first = !page->declared;
	int err;

	if (page->kind == HVISOR_DEVICE_EARLYCON)
		return -EINVAL;
	if (page->attached)
		return -EBUSY;
	err = virtio_mmio_declare(&device->vm, decl);
	if (err)
		return err;
	if (page->kind == HVISOR_DEVICE_VIRTIO) {
		if (first || memcmp(page->config, decl->config, page->config_len))
			change_config(device, decl->config);
		if (first)
			virtio_mmio_render(&device->vm);
		arch_regs_sync();
	}
	attach(device);
	return 0;
}

s64 hc_device_declare(struct hypercall *hc)
{
	struct hvisor_device_decl decl;
	struct device *device;

	if (hypercall_copy_args(&decl, sizeof(decl)))
		return -EINVAL;
	device = device_get(hc);
	if (!device)
		return -ENOENT;
	return device_put(device, declare(device, &decl));
}

static s64 answer_control(struct device *device, u64 seq)
{
	int err = slot_answer_control(&device->page->control, seq);

	if (!err)
		device_reset(device);
	return err;
}

static s64 answer(struct device *device, const struct hypercall *hc)
{
	if (!device->page->attached)
		return -ENOTCONN;
	if (hc->arg[3] == HVISOR_ANSWER_CONTROL)
		return answer_control(device, hc->arg[4]);
	if (hc->arg[3] >= device->cell->nr_vcpus)
		return -EINVAL;
	return device_answer(device, (u32)hc->arg[3], hc->arg[4], hc->arg[5]);
}

s64 hc_device_answer(struct hypercall *hc)
{
	struct device *device = device_get(hc);

	if (!device)
		return -ENOENT;
	return device_put(device, answer(device, hc));
}

static s64 set_line(struct device *device, u64 bits)
{
	if (!device->page->irq || bits & ~(u64)HVISOR_INTERRUPT_LEVEL)
		return -EINVAL;
	if (!device->page->attached)
		return -ENOTCONN;
	/* Until the next backend, which tells the level when it attaches. */
	if (!device->page->failed)
		device_set_line(device, bits);
	return 0;
}

static s64 interrupt(struct device *device, u64 bits)
{
	int err;

	if (device->page->kind == HVISOR_DEVICE_MMIO)
		return set_line(device, bits);
	if (device->page->kind != HVISOR_DEVICE_VIRTIO)
		return -EINVAL;
	if (!device->page->attached)
		return -ENOTCONN;
	err = virtio_mmio_interrupt(&device->vm, bits);
	/* Even if the bit was set: the guest may have looked already. */
	if (!err)
		device_interrupt(device);
	return err;
}

s64 hc_device_interrupt(struct hypercall *hc)
{
	struct device *device = device_get(hc);

	if (!device)
		return -ENOENT;
	return device_put(device, interrupt(device, hc->arg[3]));
}

s64 hc_device_release(struct hypercall *hc)
{
	struct hvisor_device_control *control;
	struct device *device;

	if (hc->arg[3] & ~(u64)HVISOR_RELEASE_QUIET)
		return -EINVAL;
	device = device_get(hc);
	if (!device)
		return -ENOENT;
	control = &device->page->control;
	device->page->attached = 0;
	device->quiet = hc->arg[3] & HVISOR_RELEASE_QUIET;
	if (device->quiet && control->state == HVISOR_SLOT_PENDING)
		answer_control(device, control->seq);
	return device_put(device, 0);
}

static s64 configure(struct device *device, const struct hvisor_device_decl *decl)
{
	if (device->page->kind != HVISOR_DEVICE_VIRTIO)
		return -EINVAL;
	if (!device->page->attached)
		return -ENOTCONN;
	if (decl->config_len != device->page->config_len)
		return -EINVAL;
	change_config(device, decl->config);
	return 0;
}

s64 hc_device_config(struct hypercall *hc)
{
	struct hvisor_device_decl decl;
	struct device *device;

	if (hypercall_copy_args(&decl, sizeof(decl)))
		return -EINVAL;
	device = device_get(hc);
	if (!device)
		return -ENOENT;
	return device_put(device, configure(device, &decl));
}

static s64 fail(struct device *device)
{
	if (device->page->kind != HVISOR_DEVICE_VIRTIO)
		return -EINVAL;
	if (!device->page->attached)
		return -ENOTCONN;
	device_set_failed(device);
	return 0;
}

s64 hc_device_fail(struct hypercall *hc)
{
	struct device *device = device_get(hc);

	if (!device)
		return -ENOENT;
	return device_put(device, fail(device));
}
