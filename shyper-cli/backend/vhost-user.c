// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-vhost-user: a virtio device that somebody else serves, a back end of
 * vhost-user at a socket, which knows nothing of cells.
 *
 * The guest's rings are the library's, with its account of what is in flight; the
 * back end has shadow rings. So whoever dies, nothing is lost: when the back end
 * goes this process ends, and its successor waits for the next one and gives it
 * what was in flight. docs/theory-vhost-user.md has the rules.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "program.h"
#include "vhost-user.h"

/*
 * What is in flight stands in the account, and a successor begins with it, once the
 * back end, or the next one, takes a new connection.
 */
static void give_up(const char *what, int err)
{
	say(SAY_WARNING, "%s: %s; starts again", what,
	    err == -EPIPE ? "the back end has gone" :
	    err == -EPROTO ? "the back end breaks the protocol" :
	    err == -EACCES ? "the back end refuses" : strerror(-err));
	_exit(SHYPER_EXIT_RESTART);
}

/* What the back end does with the chains of a queue. */
enum use { ANSWERS, WAITS_FOR_EVENTS, UNKNOWN };

static enum use use_of_queue(const struct bridge *bridge, unsigned int index)
{
	switch (bridge->device) {
	case VIRTIO_ID_BLOCK:
	case VIRTIO_ID_FS:
		return ANSWERS;
	case VIRTIO_ID_NET:
	case VIRTIO_ID_CONSOLE:
	case VIRTIO_ID_INPUT:
	case VIRTIO_ID_VSOCK:
	case VIRTIO_ID_SOUND:
		return WAITS_FOR_EVENTS;
	case VIRTIO_ID_SCSI:
	case VIRTIO_ID_GPIO:
		/* Their eventq (virtio 1.2, 5.6.2, 5.15.2); requests must not be lost. */
		return index == 1 ? WAITS_FOR_EVENTS : ANSWERS;
	default:
		return UNKNOWN;
	}
}

/* The guest address of what the library has translated. */
static uint64_t guest_address(const struct bridge *bridge, const void *host)
{
	const struct shyper_cell_region *region = bridge->regions;

	while ((uintptr_t)host - (uintptr_t)region->host >= region->length)
		region++;
	return region->ipa + ((uintptr_t)host - (uintptr_t)region->host);
}

static void queue_stop(struct bridge *bridge, unsigned int index)
{
	int err;

	if (!bridge->queues[index].running)
		return;
	err = vu_ring_stop(&bridge->link, index);
	if (err)
		give_up("stopping a ring", err);
	bridge->queues[index].running = false;
}

/* The features of another driver are for rings that begin after they are told. */
static void negotiate(struct shyper_backend *backend, struct bridge *bridge)
{
	uint64_t features = shyper_backend_get_driver_features(backend) & VU_DEVICE_FEATURES;
	unsigned int n;
	int err;

	if (bridge->negotiated)
		return;
	for (n = 0; n < bridge->nr_queues; n++)
		queue_stop(bridge, n);
	features |= 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC;
	err = vu_set_features(&bridge->link, features);
	if (err)
		give_up("setting the features", err);
	bridge->negotiated = true;
}

static void queue_begin(struct shyper_backend *backend, struct bridge *bridge,
			struct shyper_queue *guest)
{
	unsigned int index = shyper_queue_get_index(guest);
	struct bridge_queue *queue = &bridge->queues[index];
	struct vu_ring ring = {
		.index = index, .kick = queue->kick, .call = queue->call.fd,
	};
	int err;

	negotiate(backend, bridge);
	if (queue->running && !queue->ending)
		return;
	queue_stop(bridge, index);
	shadow_init(&queue->shadow, queue->memory, queue->address,
		    shyper_queue_get_size(guest));
	shadow_describe(&queue->shadow, &ring);
	err = vu_ring_start(&bridge->link, &ring);
	if (err)
		give_up("starting a ring", err);
	queue->running = true;
	queue->ending = false;
}

/*
 * The descriptor is the back end's, too: it can make writes to it block, whatever we
 * have set, and fill it. Then the alarm ends us, and a successor begins anew.
 */
static void kick(const struct bridge_queue *queue)
{
	const struct itimerval patience = { .it_value.tv_sec = ANSWER_SECONDS };
	const struct itimerval none = { 0 };

	setitimer(ITIMER_REAL, &patience, NULL);
	eventfd_write(queue->kick, 1);
	setitimer(ITIMER_REAL, &none, NULL);
}

static void chain_forward(struct bridge *bridge, struct bridge_queue *queue,
			  const struct shyper_chain *chain)
{
	unsigned int n;

	for (n = 0; n < chain->nr_out + chain->nr_in; n++) {
		bridge->parts[n].address = guest_address(bridge, chain->iov[n].iov_base);
		bridge->parts[n].length = chain->iov[n].iov_len;
	}
	shadow_add(&queue->shadow, chain, bridge->parts);
}

static bool bridge_queue(struct shyper_backend *backend, struct shyper_queue *guest)
{
	struct bridge *bridge = shyper_backend_get_data(backend);
	struct bridge_queue *queue = &bridge->queues[shyper_queue_get_index(guest)];
	struct shyper_chain chain = { .iov = bridge->segments };
	unsigned int left, size = shyper_queue_get_size(guest);

	queue_begin(backend, bridge, guest);
	chain.max_segments = size;
	for (left = size; left; left--) {
		if (shyper_queue_pop(guest, &chain) <= 0)
			break;
		/* Nothing to read and nothing to write is no request of any device. */
		if (!chain.nr_out && !chain.nr_in)
			shyper_queue_break(guest, chain.head);
		else
			chain_forward(bridge, queue, &chain);
	}
	if (left < size && shadow_wants_kick(&queue->shadow))
		kick(queue);
	return !left;
}

static void take_used(struct shyper_backend *backend, unsigned int index)
{
	struct bridge *bridge = shyper_backend_get_data(backend);
	struct shyper_queue *guest = shyper_backend_get_queue(backend, index);
	struct shadow *shadow = &bridge->queues[index].shadow;
	uint32_t length;
	uint16_t head;
	int taken;

	if (!guest)
		return;
	while ((taken = shadow_take(shadow, &head, &length)) > 0) {
		shyper_queue_push(guest, head, length);
		shyper_backend_count(backend, SHYPER_COUNT_OTHERS, 1);
	}
	if (taken < 0)
		give_up("used ring", taken);
	shyper_backend_notify(backend, guest);
}

static void bridge_called(struct shyper_backend *backend, struct shyper_watch *watch,
			  uint32_t events)
{
	struct bridge *bridge = shyper_backend_get_data(backend);
	struct bridge_queue *queue = watch->data;

	(void)events;
	if (queue->running)
		take_used(backend, queue - bridge->queues);
}

/* Nothing is expected from this side: the back end has gone, or lost its mind. */
static void bridge_disconnected(struct shyper_backend *backend,
				struct shyper_watch *watch, uint32_t events)
{
	(void)backend;
	(void)watch;
	give_up("connection", events & (EPOLLHUP | EPOLLRDHUP) ? -EPIPE : -EPROTO);
}

/*
 * What the back end has done until it stops is done. The rest a successor gives to
 * the next one; empty it goes back to none but a driver that forgets it anyway.
 */
static void end_now(struct shyper_backend *backend, unsigned int index)
{
	struct bridge *bridge = shyper_backend_get_data(backend);
	struct shyper_queue *guest = shyper_backend_get_queue(backend, index);
	uint16_t head;

	queue_stop(bridge, index);
	take_used(backend, index);
	if (shyper_backend_leave(backend, index))
		return;
	while (guest && shadow_withdraw(&bridge->queues[index].shadow, &head))
		shyper_queue_push(guest, head, 0);
}

static void bridge_drain(struct shyper_backend *backend, uint32_t queues)
{
	const struct itimerspec patience = { .it_value.tv_sec = ANSWER_SECONDS };
	struct bridge *bridge = shyper_backend_get_data(backend);
	unsigned int n;

	for (n = 0; n < bridge->nr_queues; n++) {
		if (!(queues & 1U << n) || !bridge->queues[n].running)
			continue;
		bridge->queues[n].ending = true;
		if (use_of_queue(bridge, n) == WAITS_FOR_EVENTS)
			end_now(backend, n);
	}
	timerfd_settime(bridge->patience.fd, 0, &patience, NULL);
}

/*
 * A back end may have dropped a request that its guest spoilt. Whatever it is still
 * doing ends before it takes the next connection. Of a device that we do not know it
 * may as well wait for an event.
 */
static void bridge_impatient(struct shyper_backend *backend,
			     struct shyper_watch *watch, uint32_t events)
{
	struct bridge *bridge = shyper_backend_get_data(backend);
	uint64_t count;
	unsigned int n;
	uint16_t head;

	(void)events;
	if (read(watch->fd, &count, sizeof(count)) != sizeof(count))
		return;
	for (n = 0; n < bridge->nr_queues; n++) {
		if (!bridge->queues[n].running || !bridge->queues[n].ending)
			continue;
		if (use_of_queue(bridge, n) == UNKNOWN)
			end_now(backend, n);
		else if (shadow_withdraw(&bridge->queues[n].shadow, &head))
			give_up("a queue that is to end", -ETIMEDOUT);
	}
}

static void bridge_reset(struct shyper_backend *backend)
{
	struct bridge *bridge = shyper_backend_get_data(backend);

	bridge->negotiated = false;
}

static void bridge_config_store(struct shyper_backend *backend, uint32_t offset,
				uint32_t length, uint64_t value)
{
	struct bridge *bridge = shyper_backend_get_data(backend);
	uint64_t bytes = htole64(value);
	int err;

	if (!(bridge->link.protocol & 1ULL << VU_PROTOCOL_CONFIG))
		return;
	err = vu_set_config(&bridge->link, offset, &bytes, length);
	if (!err)
		shyper_backend_change_config(backend, offset, &bytes, length);
	else if (err != -EACCES)
		give_up("setting the configuration", err);
}

static const struct shyper_backend_ops bridge_ops = {
	/* Until the configuration says which. */
	.device_id = VIRTIO_ID_BLOCK,
	.nr_queues = 1,
	.queue_max = VU_MAX_QUEUE_SIZE,
	.queue = bridge_queue,
	.drain = bridge_drain,
	.reset = bridge_reset,
	.config_store = bridge_config_store,
};

static struct bridge bridge = {
	.socket.ready = bridge_disconnected,
	.patience.ready = bridge_impatient,
	.queues[0 ... VU_MAX_QUEUES - 1].call.ready = bridge_called,
};

#ifndef VHOST_USER_TEST
int main(int argc, char **argv)
{
	static const struct backend_program program = {
		.name = "shyper-vhost-user",
		.ops = &bridge_ops,
		.data = &bridge,
		.open = bridge_open,
	};

	return backend_main(argc, argv, &program);
}
#endif
