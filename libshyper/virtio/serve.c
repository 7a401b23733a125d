// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A backend: requests of EL2, and queues.
 *
 * Which queues are served follows from the device page, never from the message
 * that made us look. A request that ends queues (reset, queue stop, quiesce) is
 * held until nothing of them is in flight; then they are forgotten, and only
 * then it is answered, since after the answer their memory is the guest's.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "backend.h"
#include "shared.h"

static void backend_error(struct shyper_backend *backend, int err)
{
	if (!backend->error)
		backend->error = err;
}

void backend_tell_failure(struct shyper_backend *backend)
{
	/* Before it is declared nobody may speak for the device. */
	if (!backend->failed || !backend->attached)
		return;
	if (shared_load(&backend->page->status) & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	if (link_fail(backend->link.fd) == -ENODEV)
		backend_error(backend, -ENODEV);
}

void backend_fail(struct shyper_backend *backend)
{
	if (backend->failed)
		return;
	backend->failed = true;
	backend_tell_failure(backend);
}

/* The queues that a request is about to end. */
static uint32_t request_queues(const struct hvisor_request *request)
{
	if (request->op != HVISOR_OP_QUEUE_STOP)
		return ~0U;
	return request->value < HVISOR_MAX_QUEUES ? 1U << request->value : 0;
}

static uint32_t held_queues(const struct shyper_backend *backend)
{
	uint32_t queues = 0;
	unsigned int n;

	for (n = 0; n < backend->nr_held; n++)
		queues |= request_queues(&backend->held[n]);
	return queues;
}

unsigned int backend_in_flight(const struct shyper_backend *backend, uint32_t queues)
{
	unsigned int n, nr = 0;

	for (n = 0; n < backend->decl.nr_queues; n++)
		if (queues & (1U << n))
			nr += backend->queues[n].in_flight;
	return nr;
}

/* Pending queues that may be served now. */
static uint32_t runnable_queues(const struct shyper_backend *backend)
{
	if (backend->failed || backend->stopping || !backend->attached)
		return 0;
	return backend->pending & ~held_queues(backend);
}

bool backend_runnable(const struct shyper_backend *backend)
{
	return runnable_queues(backend);
}

struct hvisor_queue_state *backend_queue_state(const struct shyper_backend *backend,
					       unsigned int index)
{
	return (void *)((uint8_t *)backend->state +
			HVISOR_QUEUE_STATE_OFFSET(index, backend->page->queue_size));
}

/* Queues that @has_come for, which are to be served then. */
static uint32_t queues_with(struct shyper_backend *backend,
			    bool (*has_come)(struct shyper_queue *queue))
{
	uint32_t queues = 0;
	unsigned int n;

	for (n = 0; n < backend->decl.nr_queues; n++)
		if (has_come(&backend->queues[n]))
			queues |= 1U << n;
	backend->pending |= queues;
	return queues;
}

bool backend_look(struct shyper_backend *backend)
{
	return queues_with(backend, shyper_queue_has_batch);
}

void backend_look_for_any(struct shyper_backend *backend)
{
	queues_with(backend, shyper_queue_has_more);
}

/* Of what is synchronous the driver has all back: it goes on as it did lately. */
static void choose_batch(struct shyper_queue *queue, bool expired)
{
	if (!queue->started || !queue->event_index)
		return;
	queue->batch = queue->in_flight ? 1 : poll_batch(queue->batch, queue->burst, expired);
	if (queue->batch > queue->size / 2)
		queue->batch = queue->size / 2 ? queue->size / 2 : 1;
	queue->burst = 0;
}

bool backend_arm(struct shyper_backend *backend, bool *ret_held)
{
	unsigned int n;

	*ret_held = false;
	for (n = 0; n < backend->decl.nr_queues; n++) {
		choose_batch(&backend->queues[n], backend->poll.expired);
		*ret_held |= backend->queues[n].dry && backend->queues[n].batch > 1;
	}
	backend->poll.expired = false;
	return queues_with(backend, shyper_queue_arm);
}

static void queue_setup(const struct shyper_backend *backend, unsigned int index,
			struct shyper_queue_setup *setup)
{
	unsigned int size = backend->page->queue_size;

	setup->memory = &backend->memory;
	setup->state = backend_queue_state(backend, index);
	setup->state_size = size;
	setup->counters = backend->counters;
	setup->index = index;
	setup->features = backend->page->driver_features;
	setup->polled = backend->poll.on;
	setup->ring = backend->page->queues[index];
}

bool backend_is_ready(const struct shyper_backend *backend, unsigned int index)
{
	const struct hvisor_device_page *page = backend->page;

	/* Acquire: @ready is written last; the rest does not change while it is 1. */
	return shared_load(&page->status) & VIRTIO_CONFIG_S_DRIVER_OK &&
	       shared_load_acquire(&page->queues[index].ready);
}

bool backend_adopt(struct shyper_backend *backend, unsigned int index)
{
	struct shyper_queue *queue = &backend->queues[index];
	struct shyper_queue_setup setup;

	if (!backend_is_ready(backend, index))
		return false;
	queue_setup(backend, index, &setup);
	if (queue->started && queue->epoch == setup.ring.epoch)
		return true;
	/* A queue ends only with our answer, which nothing in flight outlives. */
	if (queue->in_flight)
		return false;
	if (shyper_queue_start(queue, &setup)) {
		backend_fail(backend);
		return false;
	}
	return true;
}

bool backend_end_pending(const struct shyper_backend *backend, unsigned int index)
{
	const struct hvisor_device_page *page = backend->page;
	const struct hvisor_device_slot *slot = page->slots;
	unsigned int n;

	if (shared_load_acquire(&page->control.state) == HVISOR_SLOT_PENDING)
		return true;
	for (n = 0; n < HVISOR_MAX_CELL_CPUS; n++, slot++)
		if (shared_load_acquire(&slot->state) == HVISOR_SLOT_PENDING &&
		    (slot->op == HVISOR_OP_RESET ||
		     (slot->op == HVISOR_OP_QUEUE_STOP && slot->value == index)))
			return true;
	return false;
}

void backend_adopt_all(struct shyper_backend *backend)
{
	uint32_t status = shared_load(&backend->page->status);
	unsigned int n;

	/* Before DRIVER_OK the driver can reset without our hearing of it. */
	backend->failed = (status & VIRTIO_CONFIG_S_NEEDS_RESET) &&
			  (status & VIRTIO_CONFIG_S_DRIVER_OK);
	if (backend->failed)
		return;
	/*
	 * What is going to be discarded may not be done once more: our
	 * predecessor may have wiped the account and died before it answered.
	 */
	for (n = 0; n < backend->decl.nr_queues; n++)
		if (!backend_end_pending(backend, n) && backend_adopt(backend, n))
			backend->pending |= 1U << n;
}

void shyper_backend_kick(struct shyper_backend *backend, unsigned int index)
{
	if (index < backend->decl.nr_queues)
		backend->pending |= 1U << index;
}

void shyper_backend_notify(struct shyper_backend *backend, struct shyper_queue *queue)
{
	int err;

	if (!queue || !shyper_queue_should_notify(queue))
		return;
	err = link_interrupt(backend->link.fd, HVISOR_INTERRUPT_USED);
	/* -ENOTCONN: a reset was quicker, nobody waits for it any more. */
	if (err == -ENODEV)
		backend_error(backend, err);
}

int shyper_backend_change_config(struct shyper_backend *backend, size_t offset,
				 const void *bytes, size_t length)
{
	struct hvisor_device_decl *decl = &backend->decl, changed = *decl;
	int err = 0;

	if (offset > decl->config_len || length > decl->config_len - offset)
		return -EINVAL;
	if (!memcmp(decl->config + offset, bytes, length))
		return 0;
	memcpy(changed.config + offset, bytes, length);
	if (backend->attached)
		err = link_config(backend->link.fd, &changed);
	if (!err)
		memcpy(decl->config, changed.config, sizeof(decl->config));
	else if (err == -ENODEV)
		backend_error(backend, err);
	return err;
}

int shyper_backend_set_level(struct shyper_backend *backend, bool high)
{
	int err = link_interrupt(backend->link.fd, high ? HVISOR_INTERRUPT_LEVEL : 0);

	if (err == -ENODEV)
		backend_error(backend, err);
	return err;
}

static void queue_run(struct shyper_backend *backend, unsigned int index)
{
	struct shyper_queue *queue = &backend->queues[index];
	uint64_t taken;

	backend->pending &= ~(1U << index);
	/*
	 * A doorbell from before the worker had its own is for the worker. A process
	 * looks at its ring when it gets it, and its eventfd was signalled then.
	 */
	if (backend->given[index] >= 0) {
		if (!(backend->lent & 1U << index))
			eventfd_write(backend->given[index], 1);
		return;
	}
	/* Unless it is found to be: who leaves something in it need not be told of more. */
	queue->dry = false;
	if (!backend_adopt(backend, index) || !backend->ops->queue)
		return;
	taken = queue->taken;
	if (backend->ops->queue(backend, queue))
		backend->pending |= 1U << index;
	if (queue->taken - taken > queue->burst)
		queue->burst = queue->taken - taken;
	shyper_backend_notify(backend, queue);
	if (queue->broken)
		backend_fail(backend);
}

static void queue_forget(struct shyper_backend *backend, unsigned int index)
{
	uint32_t size = backend->page->queue_size;

	backend_take_back(backend, index);
	backend->pending &= ~(1U << index);
	if (backend->queues[index].started) {
		shyper_queue_stop(&backend->queues[index]);
		return;
	}
	/* Not taken up: the account may be one that a reset came in time for. */
	memset(&backend->queues[index], 0, sizeof(backend->queues[index]));
	shyper_queue_state_clear(backend_queue_state(backend, index), size);
}

static void answer(struct shyper_backend *backend,
		   const struct hvisor_request *request, uint64_t value)
{
	struct hvisor_answer answer = {
		.type = request->type,
		/* The device's own request is of no CPU. */
		.cpu = request->type == HVISOR_REQUEST_SLOT ? request->cpu : 0,
		.seq = request->seq,
		.value = value,
	};

	/* -ESTALE: answered along with another CPU's, or cancelled. */
	if (write(backend->link.fd, &answer, sizeof(answer)) < 0 && errno != ESTALE)
		backend_error(backend, -errno);
}

static void queues_end(struct shyper_backend *backend, uint32_t queues)
{
	unsigned int n;

	for (n = 0; n < backend->decl.nr_queues; n++)
		if (queues & (1U << n))
			queue_forget(backend, n);
	if (queues != ~0U)
		return;
	backend->failed = false;
	if (backend->ops->reset)
		backend->ops->reset(backend);
}

static void answer_quiet(struct shyper_backend *backend)
{
	unsigned int n, kept = 0;

	for (n = 0; n < backend->nr_held; n++) {
		struct hvisor_request request = backend->held[n];
		uint32_t queues = request_queues(&request);

		if (backend_in_flight(backend, queues)) {
			backend->held[kept++] = request;
			continue;
		}
		queues_end(backend, queues);
		answer(backend, &request, 0);
	}
	backend->nr_held = kept;
}

void backend_serve(struct shyper_backend *backend)
{
	uint32_t queues = runnable_queues(backend);
	unsigned int n, nr = backend->decl.nr_queues, first = backend->first_queue;

	for (n = 0; n < nr; n++) {
		unsigned int index = (first + n) % nr;
		uint64_t taken = backend->queues[index].taken;

		if (!(queues & (1U << index)))
			continue;
		queue_run(backend, index);
		/* Whoever shares something among its queues gives it to the next first. */
		if (backend->queues[index].taken != taken)
			backend->first_queue = (index + 1) % nr;
	}
	answer_quiet(backend);
}

bool shyper_backend_leave(struct shyper_backend *backend, unsigned int index)
{
	if (!backend->stopping || index >= backend->decl.nr_queues)
		return false;
	backend->left |= 1U << index;
	return true;
}

static void drain(struct shyper_backend *backend, uint32_t queues)
{
	if (backend->ops->drain)
		backend->ops->drain(backend, queues);
}

static void hold(struct shyper_backend *backend, const struct hvisor_request *request)
{
	unsigned int n;

	drain(backend, request_queues(request));
	/*
	 * A CPU has one request: what it asked before was cancelled with the
	 * CPU, and its seq is void.
	 */
	for (n = 0; n < backend->nr_held; n++)
		if (backend->held[n].type == request->type &&
		    backend->held[n].cpu == request->cpu) {
			backend->held[n] = *request;
			return;
		}
	if (backend->nr_held < MAX_HELD)
		backend->held[backend->nr_held++] = *request;
}

static void request_slot(struct shyper_backend *backend,
			 const struct hvisor_request *request)
{
	const struct shyper_backend_ops *ops = backend->ops;
	uint64_t value = 0;

	switch (request->op) {
	case HVISOR_OP_RESET:
	case HVISOR_OP_QUEUE_STOP:
		hold(backend, request);
		return;
	case HVISOR_OP_LOAD:
		if (ops->load)
			value = ops->load(backend, request->cpu, request->offset,
					  request->length);
		break;
	case HVISOR_OP_STORE:
		if (ops->store)
			ops->store(backend, request->cpu, request->offset,
				   request->length, request->value);
		break;
	case HVISOR_OP_CONFIG_STORE:
		if (ops->config_store)
			ops->config_store(backend, request->offset,
					  request->length, request->value);
		break;
	}
	answer(backend, request, value);
}

/* EL2 says so to each new backend, too. */
static void driver_ready(struct shyper_backend *backend)
{
	/* Queues may have been filled before the driver was ready. */
	backend->pending |= (1U << backend->decl.nr_queues) - 1;
	if (backend->ops->driver_ok)
		backend->ops->driver_ok(backend);
}

static void request_take(struct shyper_backend *backend,
			 const struct hvisor_request *request)
{
	switch (request->type) {
	case HVISOR_REQUEST_NOTIFY:
		backend->pending |= request->bits & HVISOR_BELL_QUEUES;
		if (request->bits & HVISOR_BELL_DRIVER_OK)
			driver_ready(backend);
		break;
	case HVISOR_REQUEST_SLOT:
		request_slot(backend, request);
		break;
	case HVISOR_REQUEST_CONTROL:
		hold(backend, request);
		break;
	}
}

void backend_requested(struct shyper_backend *backend, struct shyper_watch *watch,
		       uint32_t events)
{
	struct hvisor_request requests[32];
	size_t n;
	ssize_t length = read(watch->fd, requests, sizeof(requests));

	if (length < 0) {
		if (errno != EAGAIN && errno != EINTR)
			backend_error(backend, -errno);
		return;
	}
	/* Hung up, with nothing more to say: the device is gone. */
	if (!length)
		backend_error(backend, events & EPOLLHUP ? -ENODEV : -EIO);
	for (n = 0; n < length / sizeof(*requests); n++)
		request_take(backend, &requests[n]);
}

void backend_signalled(struct shyper_backend *backend, struct shyper_watch *watch,
		       uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
		return;
	backend->stopping = true;
	backend->replaced = info.ssi_signo == SIGHUP;
	drain(backend, ~0U);
}
