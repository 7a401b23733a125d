// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue's doorbell -> eventfd: the interrupt's handler signals whoever serves
 * the queue, and no process of ours wakes (docs/theory-device-path.md,
 * eventfds).
 *
 * Who changes a queue's eventfd holds the device's lock; the handler finds it
 * under RCU. A bit that was left or taken around a change is made up for by one
 * signal more: by the new eventfd, or by read() when it has gone.
 */
#include "hvisor.h"

#include <linux/bitops.h>
#include <linux/rcupdate.h>
#include <linux/virtio_config.h>

static u32 *doorbell(const struct hvisor_device *device)
{
	return &device->cell->bell->doorbells[device->index].bits;
}

u32 hvisor_doorbell_peek(const struct hvisor_device *device)
{
	return READ_ONCE(*doorbell(device)) & ~READ_ONCE(device->ioeventfd_mask);
}

/* Full barrier: taken before the rings are looked at. */
static u32 doorbell_take(const struct hvisor_device *device, u32 bits)
{
	return atomic_fetch_andnot(bits, (atomic_t *)doorbell(device)) & bits;
}

u32 hvisor_doorbell_take(const struct hvisor_device *device)
{
	return doorbell_take(device, ~READ_ONCE(device->ioeventfd_mask));
}

bool hvisor_ioeventfd_signal(struct hvisor_device *device)
{
	struct eventfd_ctx *ctx;
	unsigned long taken;
	unsigned int i;

	if (!READ_ONCE(device->ioeventfd_mask))
		return false;
	rcu_read_lock();
	taken = doorbell_take(device, READ_ONCE(device->ioeventfd_mask));
	for_each_set_bit(i, &taken, HVISOR_MAX_QUEUES) {
		ctx = rcu_dereference(device->ioeventfds[i]);
		/* NULL: withdrawn just now; the bit is set again after us. */
		if (ctx)
			compat_eventfd_signal(ctx);
	}
	rcu_read_unlock();
	if (taken)
		hvisor_notification_count(device);
	return taken;
}

static bool queue_is_live(const struct hvisor_device *device, u32 queue)
{
	return READ_ONCE(device->page->status) & VIRTIO_CONFIG_S_DRIVER_OK &&
	       READ_ONCE(device->page->queues[queue].ready);
}

/* What the handler did not give to @ctx, or read() was given just before. */
static void signal_once(struct hvisor_device *device, u32 queue,
			struct eventfd_ctx *ctx)
{
	int idx;

	idx = srcu_read_lock(&hvisor_srcu);
	if (!READ_ONCE(device->cell->dead)) {
		/* Left set, it would keep EL2 from telling of the next kick. */
		doorbell_take(device, BIT(queue));
		if (queue_is_live(device, queue))
			compat_eventfd_signal(ctx);
	}
	srcu_read_unlock(&hvisor_srcu, idx);
}

static void ring_once(struct hvisor_device *device, u32 queue)
{
	int idx;

	idx = srcu_read_lock(&hvisor_srcu);
	if (!READ_ONCE(device->cell->dead) && queue_is_live(device, queue)) {
		hvisor_notification_begin(device);
		atomic_or(BIT(queue), (atomic_t *)doorbell(device));
		wake_up(&device->wait);
	}
	srcu_read_unlock(&hvisor_srcu, idx);
}

/* From here on the caller holds the device's lock. */
static struct eventfd_ctx *ioeventfd_get(struct hvisor_device *device, u32 queue)
{
	return rcu_dereference_protected(device->ioeventfds[queue],
					 lockdep_is_held(&device->lock));
}

static void ioeventfd_set(struct hvisor_device *device, u32 queue,
			  struct eventfd_ctx *ctx)
{
	u32 mask = device->ioeventfd_mask & ~BIT(queue);

	rcu_assign_pointer(device->ioeventfds[queue], ctx);
	/* A handler that sees the new mask before the pointer finds NULL. */
	WRITE_ONCE(device->ioeventfd_mask, ctx ? mask | BIT(queue) : mask);
}

/* Takes over the reference to @ctx unless it fails. */
static int assign(struct hvisor_device *device, u32 queue, struct eventfd_ctx *ctx)
{
	if (READ_ONCE(device->cell->dead))
		return -ENODEV;
	if (ioeventfd_get(device, queue))
		return -EBUSY;
	ioeventfd_set(device, queue, ctx);
	signal_once(device, queue, ctx);
	return 0;
}

static int deassign(struct hvisor_device *device, u32 queue, struct eventfd_ctx *ctx)
{
	if (ioeventfd_get(device, queue) != ctx)
		return -ENOENT;
	ioeventfd_set(device, queue, NULL);
	synchronize_rcu();
	eventfd_ctx_put(ctx);
	ring_once(device, queue);
	return 0;
}

int hvisor_ioctl_ioeventfd(struct hvisor_call *call)
{
	const struct hvisor_ioeventfd *arg = &call->arg.ioeventfd;
	struct hvisor_device *device = call->file->device;
	bool is_assign = !(arg->flags & HVISOR_EVENTFD_DEASSIGN);
	struct eventfd_ctx *ctx;
	int err;

	if (arg->flags & ~HVISOR_EVENTFD_DEASSIGN ||
	    arg->queue >= device->setup.desc.nr_queues)
		return -EINVAL;
	ctx = eventfd_ctx_fdget(arg->fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&device->lock);
	if (is_assign)
		err = assign(device, arg->queue, ctx);
	else
		err = deassign(device, arg->queue, ctx);
	mutex_unlock(&device->lock);
	if (!is_assign || err)
		eventfd_ctx_put(ctx);
	return err;
}

void hvisor_ioeventfds_release(struct hvisor_device *device)
{
	struct eventfd_ctx *ctx[HVISOR_MAX_QUEUES];
	u32 i;

	if (!device->ioeventfd_mask)
		return;
	for (i = 0; i < HVISOR_MAX_QUEUES; i++) {
		ctx[i] = ioeventfd_get(device, i);
		ioeventfd_set(device, i, NULL);
	}
	synchronize_rcu();
	for (i = 0; i < HVISOR_MAX_QUEUES; i++)
		if (ctx[i])
			eventfd_ctx_put(ctx[i]);
}
