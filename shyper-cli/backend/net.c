// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-net: a virtio network device (virtio 1.2, 5.1) on a tap of root.
 */
#include <endian.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net.h"
#include "program.h"

/* More packets than a tap holds (its txqueuelen). */
#define DRAIN_MAX	1024
#define MIN_RING_FOR_TSO	128

_Static_assert(sizeof(struct net_options) <= SHYPER_OPTIONS_SIZE,
	       "what the driver has set outlives us");

/* Without MQ the control queue is the third, whatever was offered (5.1.2). */
unsigned int net_control_index(const struct shyper_backend *backend, const struct net *net)
{
	return shyper_backend_get_driver_features(backend) & FEATURE(MQ) ?
	       2 * net->config.pairs : 2;
}

static bool net_queue(struct shyper_backend *backend, struct shyper_queue *queue)
{
	struct net *net = shyper_backend_get_data(backend);
	unsigned int index = shyper_queue_get_index(queue);
	unsigned int control = net_control_index(backend, net);
	struct net_pair *pair = &net->pairs[index / 2];

	if (index == control)
		return net_control(backend, queue);
	/* Served from net_driver_ok() on, and perhaps not by us. */
	if (index > control || !net->ready)
		return false;
	if (pair->vhost && net->config.link)
		return net_vhost_resume(net, index);
	if (index % 2)
		return net_transmit(backend, queue, pair, net->config.link);
	return net_receive(backend, queue, pair);
}

static void tap_ready(struct shyper_backend *backend, struct shyper_watch *watch,
		      uint32_t events)
{
	struct net *net = shyper_backend_get_data(backend);
	unsigned int n = (struct net_pair *)watch->data - net->pairs;

	/* Our successor makes another one; any moment is one to die at. */
	if (events & EPOLLERR) {
		say(SAY_ERROR, "tap %s is gone", net->config.tap);
		_exit(SHYPER_EXIT_RESTART);
	}
	if (n < net->options->pairs)
		shyper_backend_kick(backend, RECEIVE(n));
}

static void set_status(struct shyper_backend *backend, uint16_t status)
{
	__le16 value = htole16(status);

	shyper_backend_change_config(backend, offsetof(struct virtio_net_config, status),
				     &value, sizeof(value));
}

void net_announced(struct shyper_backend *backend)
{
	const struct net *net = shyper_backend_get_data(backend);

	set_status(backend, net->config.link ? VIRTIO_NET_S_LINK_UP : 0);
}

static void net_driver_ok(struct shyper_backend *backend)
{
	struct net *net = shyper_backend_get_data(backend);
	uint64_t features = shyper_backend_get_driver_features(backend);

	net_options_check(backend, net);
	if (!(features & FEATURE(MQ)))
		net->options->pairs = 1;
	tap_offload(net, features);
	net_options_apply(net);
	tap_use_pairs(net, net->options->pairs);
	net->ready = true;
	net_vhost_start(backend, net, features & FEATURE(MQ) ? net->config.pairs : 1);
	tap_carrier(net, net->config.link);
}

/* What the last driver did not take is not for the next one. */
static void drain(struct net_pair *pair)
{
	unsigned int left = DRAIN_MAX;

	pair->length = 0;
	while (left-- && read(pair->watch.fd, pair->packet, sizeof(pair->packet)) > 0)
		;
}

static void net_reset(struct shyper_backend *backend)
{
	struct net *net = shyper_backend_get_data(backend);
	unsigned int n;

	net->ready = false;
	net->told = false;
	tap_carrier(net, false);
	net_vhost_reset(backend, net);
	net_options_reset(backend, net);
	net_options_apply(net);
	tap_offload(net, 0);
	tap_use_pairs(net, 1);
	for (n = 0; n < net->config.pairs; n++)
		drain(&net->pairs[n]);
	net_announced(backend);
}

static const struct shyper_backend_ops net_ops = {
	.device_id = VIRTIO_ID_NET,
	.nr_queues = 3,
	.queue_max = QUEUE_SIZE,
	.features = FEATURE(CSUM) | FEATURE(GUEST_CSUM) | FEATURE(MAC) |
		    FEATURE(HOST_TSO4) | FEATURE(HOST_TSO6) | FEATURE(HOST_ECN) |
		    FEATURE(MRG_RXBUF) | FEATURE(STATUS) | FEATURE(CTRL_VQ) |
		    FEATURE(CTRL_RX) | FEATURE(CTRL_MAC_ADDR) | FEATURE(GUEST_ANNOUNCE),
	.queue = net_queue,
	.driver_ok = net_driver_ok,
	.queue_stop = net_vhost_stop,
	.reset = net_reset,
};

/* A driver that is there already shall tell the network where it is now. */
static int declare(struct shyper_backend *backend, const struct net_config *config)
{
	bool announce = config->link &&
		shyper_backend_get_driver_features(backend) & FEATURE(GUEST_ANNOUNCE);
	struct virtio_net_config space = {
		.status = htole16((config->link ? VIRTIO_NET_S_LINK_UP : 0) |
				  (announce ? VIRTIO_NET_S_ANNOUNCE : 0)),
		.max_virtqueue_pairs = htole16(config->pairs),
		.mtu = htole16(config->mtu),
	};

	memcpy(space.mac, config->mac, ETH_ALEN);
	if (config->pairs > 1)
		shyper_backend_offer(backend, FEATURE(MQ));
	/*
	 * Linux fills a ring up once half of it is free: the other half must hold a
	 * packet of 64 KiB, or neither side goes on.
	 */
	if (shyper_backend_get_queue_max(backend) >= MIN_RING_FOR_TSO)
		shyper_backend_offer(backend, FEATURE(GUEST_TSO4) | FEATURE(GUEST_TSO6) |
				     FEATURE(GUEST_ECN));
	if (config->mtu)
		shyper_backend_offer(backend, FEATURE(MTU));
	if (shyper_backend_set_queues(backend, 2 * config->pairs + 1)) {
		say(SAY_ERROR, "configuration: the device has too few queues for its \"queue_pairs\"");
		return SHYPER_EXIT_CONFIG;
	}
	shyper_backend_set_config(backend, &space,
				  offsetof(struct virtio_net_config, speed));
	return 0;
}

static int watch_taps(struct shyper_backend *backend, struct net *net)
{
	unsigned int n;

	for (n = 0; n < net->config.pairs; n++) {
		struct net_pair *pair = &net->pairs[n];

		pair->watch.ready = tap_ready;
		pair->watch.data = pair;
		if (shyper_backend_watch(backend, &pair->watch, EPOLLIN | EPOLLET)) {
			say(SAY_ERROR, "tap %s: cannot be watched", net->config.tap);
			return SHYPER_EXIT_RESTART;
		}
	}
	return 0;
}

static int net_open(struct shyper_backend *backend, const json_t *config)
{
	struct net *net = shyper_backend_get_data(backend);
	int status = net_config_read(&net->config, shyper_backend_get_name(backend), config);

	if (!status)
		status = declare(backend, &net->config);
	if (!status)
		status = tap_open(net);
	if (!status)
		status = watch_taps(backend, net);
	if (!status)
		status = net_vhost_open(backend, net);
	if (status)
		return status;
	if (net_control_open(backend, net)) {
		say(SAY_ERROR, "control queue: no timer");
		return SHYPER_EXIT_RESTART;
	}
	/* Commands alone are not worth it. */
	shyper_backend_set_polling(backend, net->config.poll && !net->pairs[0].vhost);
	net->options = shyper_backend_get_options(backend);
	net_options_check(backend, net);
	return 0;
}

#ifndef NET_TEST
int main(int argc, char **argv)
{
	static struct net net;
	static const unsigned long calls[] = {
		TUNSETOFFLOAD, TUNSETCARRIER, TUNSETQUEUE, TUNSETTXFILTER,
		SHYPER_VHOST_CALLS, VHOST_NET_SET_BACKEND, 0
	};
	static const struct backend_program program = {
		.name = "shyper-net",
		.ops = &net_ops,
		.data = &net,
		.calls = calls,
		.open = net_open,
	};

	return backend_main(argc, argv, &program);
}
#endif
