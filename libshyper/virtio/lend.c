// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Queues that somebody else serves: a worker of the kernel (vhost.c), or another
 * process. Doorbell and interrupt are eventfds that the module connects
 * (docs/theory-device-path.md, eventfds). For what such a process must leave to its
 * successor there is memory that the module keeps.
 */
#include <errno.h>

#include "backend.h"
#include "inflight.h"
#include "shared.h"

int backend_connect(struct shyper_backend *backend, unsigned int index, int kick, int call)
{
	int err = link_irqfd(backend->link.fd, call, HVISOR_INTERRUPT_USED);

	if (!err || err == -EBUSY)
		err = link_ioeventfd(backend->link.fd, kick, index, true);
	if (err)
		return err;
	backend->given[index] = kick;
	/* It is not for us to look into it, nor to ask for notifications. */
	backend->queues[index].dry = false;
	return 0;
}

void backend_take_back(struct shyper_backend *backend, unsigned int index)
{
	if (backend->given[index] < 0)
		return;
	backend->ops->queue_stop(backend, index);
	link_ioeventfd(backend->link.fd, backend->given[index], index, false);
	backend->given[index] = -1;
	if (!(backend->lent & 1U << index))
		return;
	inflight_return(&backend->queues[index]);
	backend->lent &= ~(1U << index);
}

int shyper_backend_lend(struct shyper_backend *backend, unsigned int index, int kick,
			int call)
{
	struct shyper_queue *queue = &backend->queues[index];
	int err;

	if (index >= backend->decl.nr_queues || !backend->ops->queue_stop)
		return -EINVAL;
	if (!backend_adopt(backend, index))
		return -ENOENT;
	if (backend->given[index] >= 0 || queue->reissued || queue->in_flight)
		return -EBUSY;
	inflight_lend(queue);
	err = backend_connect(backend, index, kick, call);
	if (err)
		inflight_recall(queue);
	else
		backend->lent |= 1U << index;
	return err;
}

int shyper_backend_get_ring(const struct shyper_backend *backend, unsigned int index,
			    struct shyper_ring *ret_ring)
{
	const struct hvisor_queue_state *state;
	const struct hvisor_device_queue *ring;
	const struct shyper_queue *queue;

	if (index >= HVISOR_MAX_QUEUES || !backend->state || !backend_is_ready(backend, index))
		return -ENOENT;
	ring = &backend->page->queues[index];
	queue = &backend->queues[index];
	state = backend_queue_state(backend, index);
	*ret_ring = (struct shyper_ring){
		.size = ring->size,
		.epoch = ring->epoch,
		.desc = ring->desc,
		.driver = ring->driver,
		.device = ring->device,
		.in_flight = inflight_count(state, ring->size, ring->epoch),
		.is_ending = backend_end_pending(backend, index),
		.is_lent = inflight_is_lent(state, ring->epoch),
	};
	if (queue->started && queue->epoch == ring->epoch)
		ret_ring->used_idx = queue->used_idx;
	return 0;
}

int shyper_backend_keep(struct shyper_backend *backend, int fd)
{
	return link_keep(backend->link.fd, fd);
}

int shyper_backend_get_kept(const struct shyper_backend *backend, int *ret_fd)
{
	return link_kept(backend->link.fd, ret_fd);
}
