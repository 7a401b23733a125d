// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-net: the control queue (virtio 1.2, 5.1.6.5), and what it has set. It
 * is kept where it outlives the process; the filter itself is the tap's, so that
 * it holds whoever moves the packets.
 *
 * Most commands end in a call that takes locks which all networks of root share.
 * So the tap is told only what it does not know, and a driver has a budget of
 * commands; what is beyond it waits in the queue.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "net.h"

/* Commands for a wake-up; then other queues and requests get their turn. */
#define BATCH		8
/* Far more than a driver needs that does not mean to annoy. */
#define BUDGET		32
#define BUDGET_MS	100

/**
 * struct command - a command that is being read
 * @offset: of what was not read yet
 */
struct command {
	struct virtio_net_ctrl_hdr header;
	const struct shyper_chain *chain;
	uint32_t offset;
};

/* The next bytes of a command. False: it has not so many. */
static bool command_read(struct command *command, void *buffer, size_t length)
{
	if (shyper_iov_read(command->chain->iov, command->chain->nr_out,
			    command->offset, buffer, length) != length)
		return false;
	command->offset += length;
	return true;
}

/* Nothing may be behind what was read. */
static bool command_ends(const struct command *command)
{
	return command->offset == command->chain->out_length;
}

void net_options_reset(struct shyper_backend *backend, struct net *net)
{
	struct net_options *options = net->options;

	memset(options, 0, sizeof(*options));
	options->promiscuous = 1;
	options->pairs = 1;
	options->epoch = shyper_backend_get_epoch(backend);
	memcpy(options->mac, net->config.mac, ETH_ALEN);
	options->valid = 1;
}

/* Of a reset that found no backend nobody heard, but the epoch counts it. */
void net_options_check(struct shyper_backend *backend, struct net *net)
{
	const struct net_options *options = net->options;

	if (!options->valid || options->pairs > net->config.pairs ||
	    options->epoch != shyper_backend_get_epoch(backend))
		net_options_reset(backend, net);
	/* A command may be found before DRIVER_OK is. */
	net->told = shyper_backend_get_driver_features(backend) & FEATURE(MAC);
}

/* Who is not offered an address has one of his own, which he may never tell us. */
static bool knows_address(const struct net *net)
{
	return net->told || memcmp(net->options->mac, net->config.mac, ETH_ALEN);
}

static void filter_make(const struct net *net, struct net_filter *filter)
{
	const struct net_options *options = net->options;
	unsigned int nr = options->nr_unicast + options->nr_multicast;

	memset(filter, 0, sizeof(*filter));
	filter->known = true;

	if (options->promiscuous || options->more_unicast || nr > FILTER_SIZE ||
	    !knows_address(net))
		return;
	memcpy(filter->list[0], options->mac, ETH_ALEN);
	memset(filter->list[1], 0xff, ETH_ALEN);
	memcpy(filter->list[2], options->filter, nr * ETH_ALEN);
	filter->nr = 2 + nr;
	filter->all_multicast = options->all_multicast || options->more_multicast;
}

void net_options_apply(struct net *net)
{
	struct net_filter filter;

	filter_make(net, &filter);
	if (!memcmp(&filter, &net->filter, sizeof(filter)))
		return;
	memcpy(&net->filter, &filter, sizeof(filter));
	tap_filter(net, (const uint8_t (*)[ETH_ALEN])filter.list, filter.nr,
		   filter.all_multicast);
}

static bool control_rx(struct net *net, struct command *command)
{
	uint8_t on;

	if (!command_read(command, &on, 1) || !command_ends(command) || on > 1)
		return false;
	switch (command->header.cmd) {
	case VIRTIO_NET_CTRL_RX_PROMISC:
		net->options->promiscuous = on;
		break;
	case VIRTIO_NET_CTRL_RX_ALLMULTI:
		net->options->all_multicast = on;
		break;
	default:
		return false;
	}
	net_options_apply(net);
	return true;
}

/**
 * struct table - a table of addresses that is being read
 * @nr: kept in @list
 * @more: there are more than it has room for
 */
struct table {
	unsigned int nr;
	bool more;
	uint8_t list[FILTER_SIZE][ETH_ALEN];
};

static bool table_read(struct command *command, struct table *table)
{
	uint32_t entries, left;
	__le32 number;

	table->nr = 0;
	table->more = false;
	if (!command_read(command, &number, sizeof(number)))
		return false;
	entries = le32toh(number);
	left = command->chain->out_length - command->offset;
	if (entries > left / ETH_ALEN)
		return false;
	if (entries > FILTER_SIZE) {
		command->offset += entries * ETH_ALEN;
		table->more = true;
		return true;
	}
	table->nr = entries;
	return command_read(command, table->list, entries * ETH_ALEN);
}

/* 5.1.6.5.2: unicast, then multicast. What is too much for us passes unfiltered. */
static bool set_table(struct net *net, struct command *command)
{
	struct net_options *options = net->options;
	struct table unicast, multicast;

	if (!table_read(command, &unicast) || !table_read(command, &multicast) ||
	    !command_ends(command))
		return false;
	if (unicast.nr + multicast.nr > FILTER_SIZE) {
		multicast.nr = 0;
		multicast.more = true;
	}
	options->more_unicast = unicast.more;
	options->more_multicast = multicast.more;
	options->nr_unicast = unicast.nr;
	options->nr_multicast = multicast.nr;
	memcpy(options->filter, unicast.list, unicast.nr * ETH_ALEN);
	memcpy(options->filter + unicast.nr, multicast.list, multicast.nr * ETH_ALEN);
	return true;
}

static bool control_mac(struct net *net, struct command *command)
{
	uint8_t mac[ETH_ALEN];

	switch (command->header.cmd) {
	case VIRTIO_NET_CTRL_MAC_TABLE_SET:
		if (!set_table(net, command))
			return false;
		break;
	case VIRTIO_NET_CTRL_MAC_ADDR_SET:
		if (!command_read(command, mac, ETH_ALEN) || !command_ends(command) ||
		    mac[0] & 1)
			return false;
		memcpy(net->options->mac, mac, ETH_ALEN);
		break;
	default:
		return false;
	}
	net_options_apply(net);
	return true;
}

static bool control_mq(struct net *net, struct command *command)
{
	__le16 pairs;

	if (command->header.cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
	    !command_read(command, &pairs, sizeof(pairs)) || !command_ends(command) ||
	    !le16toh(pairs) || le16toh(pairs) > net->config.pairs)
		return false;
	net->options->pairs = le16toh(pairs);
	tap_use_pairs(net, net->options->pairs);
	return true;
}

/* A class of commands exists if its feature was accepted. */
static bool command_do(struct shyper_backend *backend, struct command *command)
{
	struct net *net = shyper_backend_get_data(backend);
	uint64_t features = shyper_backend_get_driver_features(backend);

	switch (command->header.class) {
	case VIRTIO_NET_CTRL_RX:
		return features & FEATURE(CTRL_RX) && control_rx(net, command);
	case VIRTIO_NET_CTRL_MAC:
		if (command->header.cmd == VIRTIO_NET_CTRL_MAC_TABLE_SET)
			return features & FEATURE(CTRL_RX) && control_mac(net, command);
		return features & FEATURE(CTRL_MAC_ADDR) && control_mac(net, command);
	case VIRTIO_NET_CTRL_MQ:
		return features & FEATURE(MQ) && control_mq(net, command);
	case VIRTIO_NET_CTRL_ANNOUNCE:
		if (!(features & FEATURE(GUEST_ANNOUNCE)) || !command_ends(command) ||
		    command->header.cmd != VIRTIO_NET_CTRL_ANNOUNCE_ACK)
			return false;
		net_announced(backend);
		return true;
	default:
		return false;
	}
}

static void budget_renewed(struct shyper_backend *backend, struct shyper_watch *watch,
			   uint32_t events)
{
	struct net *net = shyper_backend_get_data(backend);
	uint64_t times;

	(void)events;
	(void)!read(watch->fd, &times, sizeof(times));
	net->budget.left = BUDGET;
	shyper_backend_kick(backend, net_control_index(backend, net));
}

int net_control_open(struct shyper_backend *backend, struct net *net)
{
	struct net_budget *budget = &net->budget;

	budget->left = BUDGET;
	budget->timer.ready = budget_renewed;
	budget->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (budget->timer.fd < 0)
		return -errno;
	return shyper_backend_watch(backend, &budget->timer, EPOLLIN);
}

static void budget_charge(struct net_budget *budget)
{
	const struct itimerspec time = { .it_value.tv_nsec = BUDGET_MS * 1000000 };

	if (budget->left-- == BUDGET)
		timerfd_settime(budget->timer.fd, 0, &time, NULL);
}

bool net_control(struct shyper_backend *backend, struct shyper_queue *queue)
{
	struct iovec segments[QUEUE_SIZE];
	struct shyper_chain chain = { .iov = segments, .max_segments = QUEUE_SIZE };
	struct command command = { .chain = &chain };
	struct net *net = shyper_backend_get_data(backend);
	unsigned int left;
	uint8_t ack;

	net_options_check(backend, net);
	for (left = BATCH; left; left--) {
		if (!net->budget.left || shyper_queue_pop(queue, &chain) <= 0)
			return false;
		budget_charge(&net->budget);
		command.offset = 0;
		if (!chain.in_length ||
		    !command_read(&command, &command.header, sizeof(command.header))) {
			shyper_queue_break(queue, chain.head);
			return false;
		}
		ack = command_do(backend, &command) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
		shyper_iov_write(chain.iov + chain.nr_out, chain.nr_in, 0, &ack, 1);
		shyper_backend_count(backend, SHYPER_COUNT_OTHERS, 1);
		if (ack != VIRTIO_NET_OK)
			shyper_backend_count(backend, SHYPER_COUNT_ERRORS, 1);
		shyper_queue_push(queue, chain.head, 1);
	}
	return true;
}
