// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd -> the device's interrupt: whoever completes requests writes to an
 * eventfd, and the guest is interrupted by a hypercall in that write
 * (docs/theory-device-path.md, eventfds).
 *
 * An entry of ours is the first in the eventfd's wait queue and takes the count.
 * Its callback runs wherever the eventfd is signalled, with the queue's lock
 * held, so it may not sleep. The list of a device is under the device's lock,
 * which the callback does not take.
 */
#include "hvisor.h"

#include <linux/file.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/slab.h>

#define MAX_IRQFDS	(HVISOR_MAX_QUEUES + 1)	/* each queue and the configuration */

struct irqfd {
	struct list_head entry;
	struct hvisor_device *device;
	struct eventfd_ctx *ctx;
	wait_queue_entry_t wait;
	poll_table table;
	u32 bits;
};

/* -ENOTCONN, no driver yet, is no failure: it will look when it comes. */
static int irqfd_inject(const struct irqfd *irqfd)
{
	struct hvisor_hypercall call = {
		.nr = HVISOR_HC_DEVICE_INTERRUPT,
		.x = { 0, irqfd->device->index, irqfd->bits },
	};
	int err = hvisor_cell_hypercall(irqfd->device->cell, &call);

	return err == -ENOTCONN ? 0 : err;
}

static int irqfd_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	u64 count;

	/* EPOLLHUP, everybody closed it: the context is still ours. */
	if (!(key_to_poll(key) & EPOLLIN))
		return 0;
	eventfd_ctx_do_read(irqfd->ctx, &count);
	irqfd_inject(irqfd);
	return 1;	/* nothing is left for others that wait */
}

static void irqfd_enqueue(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct irqfd *irqfd = container_of(table, struct irqfd, table);

	add_wait_queue_priority(head, &irqfd->wait);
}

/* The reference to the eventfd becomes the caller's. */
static struct eventfd_ctx *irqfd_destroy(struct irqfd *irqfd)
{
	struct eventfd_ctx *ctx = irqfd->ctx;
	u64 count;

	/* No callback runs or begins after this. */
	eventfd_ctx_remove_wait_queue(ctx, &irqfd->wait, &count);
	list_del(&irqfd->entry);
	irqfd->device->nr_irqfds--;
	kfree(irqfd);
	return ctx;
}

static struct irqfd *irqfd_find(struct hvisor_device *device,
				const struct eventfd_ctx *ctx)
{
	struct irqfd *irqfd;

	list_for_each_entry(irqfd, &device->irqfds, entry)
		if (irqfd->ctx == ctx)
			return irqfd;
	return NULL;
}

/* Takes over the reference to @ctx unless it fails. */
static int irqfd_assign(struct hvisor_device *device, struct file *file,
			struct eventfd_ctx *ctx, u32 bits)
{
	struct irqfd *irqfd;
	int err;

	if (irqfd_find(device, ctx))
		return -EBUSY;
	if (device->nr_irqfds >= MAX_IRQFDS)
		return -ENOSPC;
	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return -ENOMEM;
	irqfd->device = device;
	irqfd->bits = bits;
	irqfd->ctx = ctx;
	list_add(&irqfd->entry, &device->irqfds);
	device->nr_irqfds++;
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wake);
	init_poll_funcptr(&irqfd->table, irqfd_enqueue);
	vfs_poll(file, &irqfd->table);
	/* For what was signalled before, or completed without a signal. */
	err = irqfd_inject(irqfd);
	if (err)
		irqfd_destroy(irqfd);
	return err;
}

static int irqfd_deassign(struct hvisor_device *device, struct eventfd_ctx *ctx)
{
	struct irqfd *irqfd = irqfd_find(device, ctx);

	if (!irqfd)
		return -ENOENT;
	eventfd_ctx_put(irqfd_destroy(irqfd));
	return 0;
}

static int irqfd_change(struct hvisor_device *device, struct file *file,
			const struct hvisor_irqfd *arg)
{
	bool is_assign = !(arg->flags & HVISOR_EVENTFD_DEASSIGN);
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);
	int err;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&device->lock);
	if (is_assign)
		err = irqfd_assign(device, file, ctx, arg->bits);
	else
		err = irqfd_deassign(device, ctx);
	mutex_unlock(&device->lock);
	if (!is_assign || err)
		eventfd_ctx_put(ctx);
	return err;
}

int hvisor_ioctl_irqfd(struct hvisor_call *call)
{
	const u32 known = HVISOR_INTERRUPT_USED | HVISOR_INTERRUPT_CONFIG;
	const struct hvisor_irqfd *arg = &call->arg.irqfd;
	struct hvisor_device *device = call->file->device;
	struct file *file;
	int err;

	if (arg->flags & ~HVISOR_EVENTFD_DEASSIGN || !arg->bits || arg->bits & ~known ||
	    device->setup.desc.kind != HVISOR_DEVICE_VIRTIO)
		return -EINVAL;
	file = fget(arg->fd);
	if (!file)
		return -EBADF;
	err = irqfd_change(device, file, arg);
	fput(file);
	return err;
}

void hvisor_irqfds_release(struct hvisor_device *device)
{
	struct irqfd *irqfd, *next;

	list_for_each_entry_safe(irqfd, next, &device->irqfds, entry)
		eventfd_ctx_put(irqfd_destroy(irqfd));
}
