// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest's access to a device leads to: an answer at once, a bit in the
 * doorbell, or a request for which the CPU waits here until the backend, a
 * deadline or a stop ends it.
 */
#include "device.h"

#include "cell.h"
#include "control.h"
#include "doorbell.h"
#include "errno.h"
#include "histogram.h"
#include "irqchip.h"
#include "percpu.h"
#include "timer.h"

/* -- towards root -- */

void devices_tell(struct cell *cell)
{
	struct hvisor_bell_page *bell = devices_of(cell)->bell;

	if (bell && doorbell_tell(bell))
		irqchip_raise_root(cell->id);
}

void devices_cell_event(struct cell *cell)
{
	struct hvisor_bell_page *bell = devices_of(cell)->bell;

	if (!bell)
		return;
	doorbell_event(bell, HVISOR_EVENT_STATE);
	devices_tell(cell);
}

/* -- towards the guest -- */

void device_interrupt(struct device *device)
{
	if (!device->page->irq)
		return;
	/* InterruptStatus is there before the interrupt can be seen. */
	arch_regs_sync();
	device->page->counters.interrupts++;
	irqchip_inject_irq(device->cell, device->page->irq);
}

void device_set_line(struct device *device, bool high)
{
	if (high && !device->line)
		device->page->counters.interrupts++;
	device->line = high;
	irqchip_set_line(device->cell, device->page->irq, high);
}

/* An interrupt in the list register of a CPU that runs may still come. */
static void withdraw_interrupt(struct device *device)
{
	struct vgic *vgic = &device->cell->vgic;
	struct vgic_irq *irq;

	if (!device->page->irq)
		return;
	vgic_lock(vgic);
	irq = vgic_irq_get(vgic, NULL, device->page->irq);
	if (irq)
		vgic_clear_pending(vgic, irq);
	vgic_unlock(vgic);
}

void device_set_failed(struct device *device)
{
	virtio_mmio_fail(&device->vm);
	device_interrupt(device);
}

/* -- ends of requests -- */

static void wake(struct device *device, u32 cpu)
{
	irqchip_send_event(device->cell->vcpus[cpu]->cpu);
}

static bool slot_pending(const struct device *device, u32 cpu, u32 op)
{
	const struct hvisor_device_slot *slot = &device->page->slots[cpu];

	return slot->state == HVISOR_SLOT_PENDING && slot->op == op;
}

static void complete(struct device *device, u32 cpu, u64 value)
{
	struct hvisor_device_slot *slot = &device->page->slots[cpu];

	histogram_add(device->page->blocking_ns, timer_ns(timer_now() - slot->since));
	slot_answer(slot, &device->waits[cpu], slot->seq, value);
	wake(device, cpu);
}

/* One reset serves all who wait for one, or for a queue that it has stopped. */
static void complete_resets(struct device *device)
{
	u32 cpu;

	for (cpu = 0; cpu < device->cell->nr_vcpus; cpu++)
		if (slot_pending(device, cpu, HVISOR_OP_RESET) ||
		    slot_pending(device, cpu, HVISOR_OP_QUEUE_STOP))
			complete(device, cpu, 0);
}

static void complete_queue_stops(struct device *device, u64 queue)
{
	u32 cpu;

	for (cpu = 0; cpu < device->cell->nr_vcpus; cpu++)
		if (slot_pending(device, cpu, HVISOR_OP_QUEUE_STOP) &&
		    device->page->slots[cpu].value == queue)
			complete(device, cpu, 0);
}

static void clear_doorbell_of_reset(struct device *device)
{
	doorbell_clear(devices_of(device->cell)->bell, device->page->index, ~0U);
	withdraw_interrupt(device);
}

static void reset_foreign(struct device *device)
{
	device->page->epoch++;
	device->page->counters.resets++;
	device->touched = false;
	if (device->page->irq)
		device_set_line(device, false);
}

void device_reset(struct device *device)
{
	if (device->page->kind == HVISOR_DEVICE_MMIO) {
		reset_foreign(device);
		return;
	}
	virtio_mmio_reset(&device->vm);
	arch_regs_sync();
	clear_doorbell_of_reset(device);
	complete_resets(device);
}

static void stop_queue(struct device *device, u32 queue)
{
	virtio_mmio_queue_stop(&device->vm, queue);
	arch_regs_sync();
	doorbell_clear(devices_of(device->cell)->bell, device->page->index, 1U << queue);
	complete_queue_stops(device, queue);
}

/* What was asked for is done before the CPU that asked can go on. */
int device_answer(struct device *device, u32 cpu, u64 seq, u64 value)
{
	struct hvisor_device_slot *slot = &device->page->slots[cpu];

	if (slot->state != HVISOR_SLOT_PENDING || slot->seq != seq)
		return -ESTALE;
	if (slot->op == HVISOR_OP_RESET)
		device_reset(device);
	else if (slot->op == HVISOR_OP_QUEUE_STOP)
		stop_queue(device, (u32)slot->value);
	else
		complete(device, cpu, value);
	return 0;
}

void device_cancel_all(struct device *device)
{
	u32 cpu;

	for (cpu = 0; cpu < device->cell->nr_vcpus; cpu++)
		slot_cancel(&device->page->slots[cpu], &device->waits[cpu], 0);
}

/* -- waiting -- */

/* No handler of the guest's could find, or take away, what still asserts a level. */
static void fail_accesses(struct device *device)
{
	device->page->failed = 1;
	if (device->line)
		device_set_line(device, false);
}

/* The policy of a device whose backend did not answer in time. */
static enum mmio_result meet_deadline(struct device *device, u32 cpu)
{
	struct hvisor_device_slot *slot = &device->page->slots[cpu];
	struct slot_wait *wait = &device->waits[cpu];
	enum mmio_result result = MMIO_HANDLED;

	spin_lock(&device->lock);
	if (slot->state != HVISOR_SLOT_PENDING || wait->late)
		goto out;
	wait->late = true;
	device->page->counters.timeouts++;
	if (device->policy == HVISOR_POLICY_STOP_CELL) {
		slot_cancel(slot, wait, 0);
		result = MMIO_FAIL;
	} else if (device->policy == HVISOR_POLICY_FAIL_DEVICE) {
		if (device->page->kind == HVISOR_DEVICE_VIRTIO)
			device_set_failed(device);
		/* The backend may own the guest's buffers: no way round it. */
		if (slot->op != HVISOR_OP_RESET && slot->op != HVISOR_OP_QUEUE_STOP) {
			fail_accesses(device);
			slot_cancel(slot, wait, ~0ULL);
		}
	}
out:
	spin_unlock(&device->lock);
	return result;
}

static bool deadline_ahead(const struct device *device, u32 cpu)
{
	return device->deadline && !device->waits[cpu].late;
}

/*
 * Until the request of this CPU has an end. Interrupts are taken as at any
 * exit, a stop does not come back from cpu_handle_requests(). What comes
 * between the last look and WFI is pending then, and so ends it.
 */
static enum mmio_result wait_for_answer(struct device *device, u32 cpu)
{
	struct hvisor_device_slot *slot = &device->page->slots[cpu];
	struct slot_wait *wait = &device->waits[cpu];
	enum mmio_result result = MMIO_HANDLED;
	u64 since = slot->since;

	while (slot_result(wait) == SLOT_WAITING) {
		irqchip_handle_irqs(this_cpu());
		cpu_handle_requests(this_cpu());
		/* Siblings may wait for what is in the list registers here. */
		irqchip_sync(this_cpu()->vcpu);
		if (slot_result(wait) != SLOT_WAITING)
			break;
		if (!deadline_ahead(device, cpu)) {
			arch_vcpu_wait();
		} else if (slot_expired(since, timer_now(), device->deadline)) {
			result = meet_deadline(device, cpu);
		} else {
			timer_arm(since + device->deadline);
			arch_vcpu_wait();
		}
	}
	if (device->deadline)
		timer_disarm();
	return result;
}

/* Context: the device's lock is held; it is dropped. */
static enum mmio_result request(struct device *device, const struct slot_request *what,
				struct mmio_access *access)
{
	u32 cpu = this_cpu()->vcpu->id;
	enum mmio_result result;

	slot_post(&device->page->slots[cpu], &device->waits[cpu], what, timer_now());
	device->page->counters.requests++;
	spin_unlock(&device->lock);
	doorbell_request(devices_of(device->cell)->bell, device->page->index);
	devices_tell(device->cell);
	result = wait_for_answer(device, cpu);
	access->value = device->waits[cpu].value;
	return result;
}

/* -- accesses -- */

static bool ring(struct device *device, u32 bits)
{
	if (doorbell_set(devices_of(device->cell)->bell, device->page->index, bits, timer_now()))
		return true;
	device->page->counters.coalesced++;
	return false;
}

static enum mmio_result perform(struct device *device, const struct virtio_mmio_action *action,
				struct mmio_access *access)
{
	struct slot_request what = {
		.op = action->block,
		.offset = action->offset,
		.length = access->size,
		.value = action->value,
	};
	bool tell = action->ring && ring(device, action->ring);

	arch_regs_sync();
	if (action->reset)
		clear_doorbell_of_reset(device);
	if (action->stopped)
		doorbell_clear(devices_of(device->cell)->bell, device->page->index,
			       action->stopped);
	if (action->interrupt)
		device_interrupt(device);
	/* A device that failed takes no configuration, but it can be reset. */
	if (what.op && !(device->page->failed && what.op == HVISOR_OP_CONFIG_STORE))
		return request(device, &what, access);
	spin_unlock(&device->lock);
	if (tell)
		devices_tell(device->cell);
	return MMIO_HANDLED;
}

static void count(__u64 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/*
 * A notification of a live queue, without the device's lock. Another CPU may reset
 * the device, or stop the queue, meanwhile: then the bit is set in a doorbell that
 * was cleared. That makes the backend look at a queue that is not ready, or new, at
 * which it may look at any time. If the queue is not live the lock decides: else
 * what the guest has put there before DRIVER_OK could be missed here, and by the
 * backend that is told of DRIVER_OK.
 */
static bool notify(struct device *device, u32 queue)
{
	struct hvisor_queue_counters *counters;

	if (!virtio_mmio_is_live(&device->vm, queue))
		return false;
	counters = &device->page->queue_counters[queue];
	count(&counters->notifications);
	if (doorbell_set(devices_of(device->cell)->bell, device->page->index, 1U << queue,
			 timer_now()))
		devices_tell(device->cell);
	else
		count(&counters->coalesced);
	return true;
}

enum mmio_result device_virtio_access(void *arg, struct mmio_access *access)
{
	struct virtio_mmio_action action;
	struct device *device = arg;

	if (!access->write)
		return MMIO_RETRY;
	if (access->addr == VIRTIO_MMIO_QUEUE_NOTIFY && access->size == 4 &&
	    notify(device, (u32)access->value))
		return MMIO_HANDLED;
	spin_lock(&device->lock);
	action = virtio_mmio_store(&device->vm, (u32)access->addr, access->size, access->value);
	return perform(device, &action, access);
}

enum mmio_result device_foreign_access(void *arg, struct mmio_access *access)
{
	struct device *device = arg;
	struct slot_request what = {
		.op = access->write ? HVISOR_OP_STORE : HVISOR_OP_LOAD,
		.offset = (u32)access->addr,
		.length = access->size,
		.value = access->write ? access->value : 0,
	};

	spin_lock(&device->lock);
	device->touched = true;
	if (access->write)
		device->page->counters.stores++;
	else
		device->page->counters.loads++;
	if (device->page->failed) {
		spin_unlock(&device->lock);
		access->value = ~0ULL;
		return MMIO_HANDLED;
	}
	return request(device, &what, access);
}

bool device_read_retry(struct cell *cell, u64 ipa)
{
	const struct mmio_region *region = mmio_region_find(&cell->mmio, ipa);
	struct device *device;

	if (!region || (region->handler != device_virtio_access &&
			region->handler != earlycon_access))
		return false;
	/* Who took the page out holds the lock until it is back. */
	device = region->arg;
	spin_lock(&device->lock);
	spin_unlock(&device->lock);
	return true;
}
