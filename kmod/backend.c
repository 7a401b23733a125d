// SPDX-License-Identifier: GPL-2.0-only
/*
 * The role DEVICE: the file of a backend.
 *
 * What a backend has to do stands in pages of EL2: bits in the doorbell, which
 * read() takes, and requests in slots, which stay until they are answered. So
 * nothing is queued here and nothing can overflow: the file only remembers the
 * sequence numbers that its reader was given.
 *
 * When the last reference to the file goes EL2 is told that no backend is
 * there, and whether anything was in flight by the state area's account. If so
 * the kernel may still work on a request of the dead process, and only a
 * successor can say when that has ended (docs/theory-device-path.md, Slots).
 */
#include "hvisor.h"

#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>

static bool slot_read(const struct hvisor_device_slot *slot, u64 given,
		      struct hvisor_request *request)
{
	u64 seq;

	/* Pairs with EL2's release of the state after all other fields. */
	if (smp_load_acquire(&slot->state) != HVISOR_SLOT_PENDING)
		return false;
	seq = READ_ONCE(slot->seq);
	if (seq == given)
		return false;
	request->type = HVISOR_REQUEST_SLOT;
	request->op = READ_ONCE(slot->op);
	request->length = READ_ONCE(slot->length);
	request->offset = READ_ONCE(slot->offset);
	request->value = READ_ONCE(slot->value);
	request->seq = seq;
	/*
	 * A request that was cancelled meanwhile may be mixed with the next;
	 * the next rings anew.
	 */
	smp_rmb();
	return READ_ONCE(slot->state) == HVISOR_SLOT_PENDING &&
	       READ_ONCE(slot->seq) == seq;
}

static bool control_read(const struct hvisor_device_control *control, u64 given,
			 struct hvisor_request *request)
{
	u64 seq;

	/* As for a slot. */
	if (smp_load_acquire(&control->state) != HVISOR_SLOT_PENDING)
		return false;
	seq = READ_ONCE(control->seq);
	if (seq == given)
		return false;
	request->type = HVISOR_REQUEST_CONTROL;
	request->op = READ_ONCE(control->op);
	request->seq = seq;
	smp_rmb();
	return READ_ONCE(control->state) == HVISOR_SLOT_PENDING &&
	       READ_ONCE(control->seq) == seq;
}

static bool device_is_ready(struct hvisor_file *file)
{
	struct hvisor_device *device = file->device;
	struct hvisor_cell *cell = file->cell;
	struct hvisor_request request;
	bool ready = true;
	int idx;
	u32 i;

	idx = srcu_read_lock(&hvisor_srcu);
	if (READ_ONCE(cell->dead))
		goto out;
	if (hvisor_doorbell_peek(device) ||
	    control_read(&device->page->control, READ_ONCE(file->control), &request))
		goto out;
	for (i = 0; i < cell->nr_cpus; i++)
		if (slot_read(&device->page->slots[i], READ_ONCE(file->slots[i]),
			      &request))
			goto out;
	ready = false;
out:
	srcu_read_unlock(&hvisor_srcu, idx);
	return ready;
}

/* Blocking requests first: a CPU waits, and a reset makes kicks void. */
static int collect(struct hvisor_file *file, struct hvisor_request *requests, u32 max)
{
	struct hvisor_device *device = file->device;
	u32 i, n = 0;

	if (control_read(&device->page->control, file->control, &requests[n]))
		WRITE_ONCE(file->control, requests[n++].seq);
	for (i = 0; i < file->cell->nr_cpus && n < max; i++) {
		if (!slot_read(&device->page->slots[i], file->slots[i], &requests[n]))
			continue;
		requests[n].cpu = i;
		WRITE_ONCE(file->slots[i], requests[n++].seq);
	}
	if (n < max && hvisor_doorbell_peek(device)) {
		WRITE_ONCE(device->is_woken, false);
		requests[n] = (struct hvisor_request){
			.type = HVISOR_REQUEST_NOTIFY,
			.bits = hvisor_doorbell_take(device),
		};
		n++;
		hvisor_notification_count(device);
	}
	return n;
}

static int device_collect(struct hvisor_file *file, struct hvisor_request *requests,
			  u32 max)
{
	int idx, ret = -ENODEV;

	idx = srcu_read_lock(&hvisor_srcu);
	if (!READ_ONCE(file->cell->dead))
		ret = collect(file, requests, max);
	srcu_read_unlock(&hvisor_srcu, idx);
	return ret;
}

static int device_call(struct hvisor_device *device, u32 nr, u64 x3)
{
	struct hvisor_hypercall call = { .nr = nr, .x = { 0, device->index, x3 } };

	return hvisor_cell_hypercall(device->cell, &call);
}

static int device_answer(struct hvisor_file *file, const struct hvisor_answer *answer)
{
	struct hvisor_hypercall call = {
		.nr = HVISOR_HC_DEVICE_ANSWER,
		.x = { 0, file->device->index, answer->cpu, answer->seq, answer->value },
	};

	if (answer->type == HVISOR_REQUEST_CONTROL) {
		if (answer->cpu || answer->value)
			return -EINVAL;
		call.x[2] = HVISOR_ANSWER_CONTROL;
	} else if (answer->type != HVISOR_REQUEST_SLOT ||
		   answer->cpu >= file->cell->nr_cpus) {
		return -EINVAL;
	}
	return hvisor_cell_hypercall(file->cell, &call);
}

static int device_mmap(struct hvisor_file *file, struct vm_area_struct *vma)
{
	return hvisor_device_mmap(file->device, vma);
}

/* No request of the dead process is left that the kernel could work on. */
static bool device_is_quiet(const struct hvisor_device *device)
{
	u32 i, count = min_t(u32, device->page->nr_queues, HVISOR_MAX_QUEUES);

	if (!device->state)
		return true;
	for (i = 0; i < count; i++)
		if (hvisor_queue_in_flight(device, i))
			return false;
	return true;
}

static void device_tell_release(struct hvisor_device *device)
{
	struct hvisor_hypercall call = {
		.nr = HVISOR_HC_DEVICE_RELEASE, .x = { 0, device->index },
	};
	int idx;

	idx = srcu_read_lock(&hvisor_srcu);
	if (!READ_ONCE(device->cell->dead)) {
		call.x[2] = device_is_quiet(device) ? HVISOR_RELEASE_QUIET : 0;
		hvisor_cell_hypercall(device->cell, &call);
	}
	srcu_read_unlock(&hvisor_srcu, idx);
}

static void device_release(struct hvisor_file *file)
{
	struct hvisor_device *device = file->device;

	mutex_lock(&device->lock);
	hvisor_ioeventfds_release(device);
	hvisor_irqfds_release(device);
	device_tell_release(device);
	device->file = NULL;
	put_pid(device->pid);
	device->pid = NULL;
	/* Before the next one can be bound, and be announced. */
	hvisor_device_announce(device, "detached");
	mutex_unlock(&device->lock);
	put_device(&device->dev);
}

const struct hvisor_role hvisor_device_role = {
	.is_ready = device_is_ready,
	.collect = device_collect,
	.answer = device_answer,
	.mmap = device_mmap,
	.release = device_release,
};

int hvisor_device_bind(struct hvisor_call *call, struct hvisor_device *device)
{
	int err = 0;

	mutex_lock(&device->lock);
	if (READ_ONCE(device->cell->dead) || !device_is_registered(&device->dev)) {
		err = -ENODEV;
	} else if (device->file) {
		err = -EBUSY;
	} else {
		get_device(&device->dev);
		device->file = call->filp;
		device->pid = get_pid(task_tgid(current));
		device->bound = ktime_get();
		call->file->device = device;
		call->file->wait = &device->wait;
	}
	mutex_unlock(&device->lock);
	return err;
}

int hvisor_ioctl_device_info(struct hvisor_call *call)
{
	struct hvisor_device_info *info = &call->arg.info;
	struct hvisor_device *device = call->file->device;

	info->cell = device->cell->id;
	info->device = device->index;
	info->nr_cpus = device->cell->nr_cpus;
	info->page_offset = device->mmap_base;
	info->page_length = HVISOR_PAGE_SIZE;
	info->state_offset = device->mmap_base + HVISOR_MMAP_STATE;
	info->state_length = (u64)device->state_pages * HVISOR_PAGE_SIZE;
	return READ_ONCE(device->cell->dead) ? -ENODEV : 0;
}

static int declare(struct hvisor_call *call, u32 nr)
{
	struct hvisor_device_decl *decl = &call->arg.decl;
	struct hvisor_device *device = call->file->device;
	struct hvisor_hypercall hypercall = {
		.nr = nr, .x = { 0, device->index },
		.arg = decl, .arg_size = sizeof(*decl),
	};

	decl->size = sizeof(*decl);
	return hvisor_cell_hypercall(device->cell, &hypercall);
}

int hvisor_ioctl_device_declare(struct hvisor_call *call)
{
	struct hvisor_device *device = call->file->device;
	int err;

	err = declare(call, HVISOR_HC_DEVICE_DECLARE);
	if (err)
		return err;
	mutex_lock(&device->lock);
	hvisor_device_announce(device, "attached");
	mutex_unlock(&device->lock);
	return 0;
}

int hvisor_ioctl_device_config(struct hvisor_call *call)
{
	return declare(call, HVISOR_HC_DEVICE_CONFIG);
}

int hvisor_ioctl_device_interrupt(struct hvisor_call *call)
{
	return device_call(call->file->device, HVISOR_HC_DEVICE_INTERRUPT,
			   call->arg.notify.bits);
}

int hvisor_ioctl_device_fail(struct hvisor_call *call)
{
	if (call->arg.notify.bits)
		return -EINVAL;
	return device_call(call->file->device, HVISOR_HC_DEVICE_FAIL, 0);
}
