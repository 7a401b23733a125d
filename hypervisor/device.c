// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Life of virtual devices: made while the cell is assembled, reset by LOAD,
 * quiet when the cell stands still, gone with it. All pages come from the pool
 * and stay for the life of the cell.
 *
 *	page			written by	mapped in root
 *	register page		EL2		no (device.h: arch_regs_*)
 *	hvisor_device_page	EL2		read-only
 *	hvisor_device_state	backend		read-write
 *	hvisor_bell_page	EL2, root	read-write
 *	hvisor_log		EL2		read-only
 */
#include "device.h"

#include "cell-check.h"
#include "cell.h"
#include "doorbell.h"
#include "errno.h"
#include "irqchip.h"
#include "log.h"
#include "mem.h"
#include "string.h"
#include "timer.h"

#define LOG_PAGES	4
#define MAX_FOREIGN	0x10000U
#define MIN_IRQ		32U
#define MAX_IRQ		255U

static struct cell_devices all_devices[HVISOR_MAX_CELLS];

struct cell_devices *devices_of(const struct cell *cell)
{
	return &all_devices[cell->id];
}

/* -- pages that root sees too -- */

static void free_shared(void *pages, u32 count)
{
	if (!pages)
		return;
	mem_unshare_with_root((u64)pages, count);
	mem_free(pages, count);
}

static void *alloc_shared(u32 count, bool writable)
{
	void *pages = mem_alloc(count, 1);

	if (pages && mem_share_with_root((u64)pages, count, writable)) {
		mem_free(pages, count);
		pages = NULL;
	}
	return pages;
}

/* -- the cell's -- */

int devices_cell_init(struct cell *cell)
{
	struct cell_devices *devices = devices_of(cell);
	struct hvisor_log *log;

	devices->count = 0;
	devices->bell = alloc_shared(1, true);
	log = log_create(LOG_PAGES);
	if (log && mem_share_with_root((u64)log, LOG_PAGES, false)) {
		mem_free(log, LOG_PAGES);
		log = NULL;
	}
	devices->log = log;
	if (!devices->bell || !log) {
		devices_cell_exit(cell);
		return -ENOMEM;
	}
	cell->page->bell = (u64)devices->bell;
	cell->page->log = (u64)log;
	cell->page->log_pages = LOG_PAGES;
	return 0;
}

/* -- descriptor -- */

static bool power_of_two_up_to(u32 value, u32 min, u32 max)
{
	return value >= min && value <= max && !(value & (value - 1));
}

static bool kind_valid(const struct hvisor_device_desc *desc)
{
	switch (desc->kind) {
	case HVISOR_DEVICE_VIRTIO:
		return desc->length == PAGE_SIZE && desc->irq &&
		       desc->nr_queues >= 1 && desc->nr_queues <= HVISOR_MAX_QUEUES &&
		       power_of_two_up_to(desc->queue_size, 2, HVISOR_MAX_QUEUE_SIZE);
	case HVISOR_DEVICE_MMIO:
		return desc->length && desc->length <= MAX_FOREIGN &&
		       IS_ALIGNED(desc->length, PAGE_SIZE) &&
		       !desc->nr_queues && !desc->queue_size;
	case HVISOR_DEVICE_EARLYCON:
		return desc->length == PAGE_SIZE && !desc->irq &&
		       !desc->nr_queues && !desc->queue_size;
	default:
		return false;
	}
}

static bool desc_valid(const struct hvisor_device_desc *desc)
{
	return desc->size == sizeof(*desc) && name_valid(desc->name, sizeof(desc->name)) && kind_valid(desc) &&
	       IS_ALIGNED(desc->ipa, PAGE_SIZE) && desc->ipa + desc->length > desc->ipa &&
	       (!desc->irq || (desc->irq >= MIN_IRQ && desc->irq <= MAX_IRQ)) &&
	       desc->policy <= HVISOR_POLICY_STOP_CELL;
}

static int desc_check(const struct cell *cell, const struct hvisor_device_desc *desc)
{
	struct cell_devices *devices = devices_of(cell);
	const struct hvisor_device_page *page;
	u32 i;

	if (!desc_valid(desc))
		return -EINVAL;
	if (devices->count == HVISOR_MAX_DEVICES)
		return -ENOSPC;
	for (i = 0; i < devices->count; i++) {
		page = devices->devices[i].page;
		if (!memcmp(page->name, desc->name, sizeof(page->name)) ||
		    (desc->irq && page->irq == desc->irq))
			return -EEXIST;
	}
	/* The GIC and other devices are found by mmio_region_register(). */
	return arch_ipa_check(cell, desc->ipa, desc->length);
}

/* -- a device -- */

static bool reachable(void *cell, u64 ipa, u64 size, bool write)
{
	return arch_memory_reachable(cell, ipa, size, write);
}

static u32 state_pages(const struct hvisor_device_desc *desc)
{
	if (desc->kind == HVISOR_DEVICE_EARLYCON)
		return 0;
	return ALIGN_UP(HVISOR_DEVICE_STATE_SIZE(desc->nr_queues, desc->queue_size),
			PAGE_SIZE) / PAGE_SIZE;
}

static void fill_page(struct device *device, const struct hvisor_device_desc *desc, u32 index)
{
	struct hvisor_device_page *page = device->page;

	page->kind = desc->kind;
	page->index = index;
	memcpy(page->name, desc->name, sizeof(page->name));
	page->ipa = desc->ipa;
	page->length = desc->length;
	page->irq = desc->irq;
	page->queue_size = desc->queue_size;
	page->state_area = (u64)device->state;
	page->state_pages = state_pages(desc);
}

static int alloc_pages(struct device *device, const struct hvisor_device_desc *desc)
{
	u32 pages = state_pages(desc);

	device->page = alloc_shared(1, false);
	if (pages)
		device->state = alloc_shared(pages, true);
	if (desc->kind != HVISOR_DEVICE_MMIO)
		device->vm.regs = arch_regs_alloc();
	if (!device->page || (pages && !device->state) ||
	    (desc->kind != HVISOR_DEVICE_MMIO && !device->vm.regs))
		return -ENOMEM;
	return 0;
}

static void free_pages(struct device *device, u32 pages)
{
	arch_regs_free(device->vm.regs);
	free_shared(device->state, pages);
	free_shared(device->page, 1);
	device->vm.regs = NULL;
	device->state = NULL;
	device->page = NULL;
}

static int connect(struct device *device, const struct hvisor_device_desc *desc)
{
	static const mmio_handler handlers[] = {
		[HVISOR_DEVICE_VIRTIO] = device_virtio_access,
		[HVISOR_DEVICE_MMIO] = device_foreign_access,
		[HVISOR_DEVICE_EARLYCON] = earlycon_access,
	};
	struct cell *cell = device->cell;
	int err;

	err = mmio_region_register(&cell->mmio, desc->ipa, desc->length,
				   handlers[desc->kind], device);
	if (err)
		return err;
	if (device->vm.regs) {
		err = arch_regs_map(cell, desc->ipa, device->vm.regs);
		if (err)
			mmio_region_unregister(&cell->mmio, desc->ipa);
	}
	return err;
}

static void render(struct device *device)
{
	if (device->page->kind == HVISOR_DEVICE_VIRTIO)
		virtio_mmio_render(&device->vm);
	else if (device->page->kind == HVISOR_DEVICE_EARLYCON)
		earlycon_render(device->vm.regs);
}

static void publish(struct device *device)
{
	struct cell *cell = device->cell;
	struct cell_devices *devices = devices_of(cell);

	if (device->page->irq) {
		vgic_lock(&cell->vgic);
		vgic_own(&cell->vgic, device->page->irq, false);
		vgic_unlock(&cell->vgic);
	}
	spin_lock(&device->lock);
	device->used = true;
	spin_unlock(&device->lock);
	cell->page->devices[devices->count] = (u64)device->page;
	devices->count++;
	WRITE_ONCE(cell->page->nr_devices, devices->count);
}

int device_create(struct cell *cell, const struct hvisor_device_desc *desc)
{
	struct cell_devices *devices = devices_of(cell);
	struct device *device;
	int err;

	err = desc_check(cell, desc);
	if (err)
		return err;
	/* Not used yet, so nobody else touches it; the lock stays as it is. */
	device = &devices->devices[devices->count];
	device->quiet = true;
	device->touched = false;
	device->line = false;
	device->policy = desc->policy;
	device->deadline = timer_ticks(desc->deadline_ms);
	device->cell = cell;
	memset(device->waits, 0, sizeof(device->waits));
	err = alloc_pages(device, desc);
	if (err)
		goto out_free;
	device->vm = (struct virtio_mmio){
		.page = device->page,
		.regs = device->vm.regs,
		.reachable = reachable,
		.arg = cell,
		.max_queues = desc->nr_queues,
	};
	fill_page(device, desc, devices->count);
	render(device);
	err = connect(device, desc);
	if (err)
		goto out_free;
	publish(device);
	return (int)device->page->index;

out_free:
	free_pages(device, state_pages(desc));
	return err;
}

static void device_destroy(struct device *device)
{
	struct cell *cell = device->cell;
	u64 ipa = device->page->ipa;

	spin_lock(&device->lock);
	device->used = false;
	spin_unlock(&device->lock);
	mmio_region_unregister(&cell->mmio, ipa);
	if (device->vm.regs)
		arch_regs_unmap(cell, ipa);
	free_pages(device, device->page->state_pages);
}

void devices_cell_exit(struct cell *cell)
{
	struct cell_devices *devices = devices_of(cell);

	WRITE_ONCE(cell->page->nr_devices, 0);
	while (devices->count)
		device_destroy(&devices->devices[--devices->count]);
	memset(cell->page->devices, 0, sizeof(cell->page->devices));
	cell->page->bell = 0;
	cell->page->log = 0;
	free_shared(devices->bell, 1);
	free_shared(devices->log, LOG_PAGES);
	devices->bell = NULL;
	devices->log = NULL;
}

/* -- the cell stands still -- */

/* The backend has something of it: queues, or what the guest has stored. */
static bool in_use(const struct device *device)
{
	return virtio_mmio_driver_ok(&device->vm) || device->touched;
}

static void quiesce(struct device *device)
{
	struct hvisor_device_page *page = device->page;

	spin_lock(&device->lock);
	device_cancel_all(device);
	if (in_use(device)) {
		if (device->quiet) {
			device_reset(device);
		} else {
			slot_post_control(&page->control, HVISOR_OP_QUIESCE, timer_now());
			page->counters.requests++;
			doorbell_request(devices_of(device->cell)->bell, page->index);
		}
	}
	spin_unlock(&device->lock);
}

void devices_quiesce(struct cell *cell)
{
	struct cell_devices *devices = devices_of(cell);
	u32 i;

	for (i = 0; i < devices->count; i++)
		quiesce(&devices->devices[i]);
	devices_tell(cell);
}

static int load_check(const struct device *device)
{
	const struct hvisor_device_page *page = device->page;

	if (page->kind != HVISOR_DEVICE_EARLYCON && !page->declared)
		return -ENODEV;
	return page->control.state == HVISOR_SLOT_PENDING ? -EAGAIN : 0;
}

int devices_load(struct cell *cell, u32 *which)
{
	struct cell_devices *devices = devices_of(cell);
	struct device *device;
	int err;
	u32 i;

	for (i = 0; i < devices->count; i++) {
		err = load_check(&devices->devices[i]);
		if (err) {
			*which = i;
			return err;
		}
	}
	for (i = 0; i < devices->count; i++) {
		device = &devices->devices[i];
		spin_lock(&device->lock);
		device->page->failed = 0;
		if (device->page->kind == HVISOR_DEVICE_VIRTIO)
			device_reset(device);
		spin_unlock(&device->lock);
	}
	return 0;
}
