/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of shyper-net.
 *
 *	net.c		the device: life, features, configuration space
 *	net-data.c	packets between queues and the tap
 *	net-control.c	the control queue, and what it has set
 *	net-config.c	the keys of the configuration; the address
 *	net-tap.c	the tap in root, and its bridge
 *	net-vhost.c	root's kernel in the place of net-data.c
 */
#ifndef BACKEND_NET_H
#define BACKEND_NET_H

#include <jansson.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/virtio_net.h>

#include <shyper/virtio/backend.h>
#include <shyper/virtio/vhost.h>

#define QUEUE_SIZE	256
#define NET_MAX_PAIRS	7	/* and a control queue, of 16 queues */

/* VERSION_1: of this size with and without MRG_RXBUF (virtio 1.2, 5.1.6.1). */
#define HEADER_SIZE	sizeof(struct virtio_net_hdr_v1)
/* The largest that a tap gives or takes: 64 KiB of IP in a frame with a VLAN tag. */
#define PACKET_SIZE	(HEADER_SIZE + 65535 + ETH_HLEN + 4)

/* Queues of pair n (virtio 1.2, 5.1.2). */
#define RECEIVE(pair)	(2 * (pair))
#define TRANSMIT(pair)	(2 * (pair) + 1)

#define FEATURE(name)	(1ULL << VIRTIO_NET_F_##name)

enum net_vhost { NET_VHOST_AUTO, NET_VHOST_ALWAYS, NET_VHOST_NEVER };

/**
 * struct net_config - the keys
 * @tap: name of the tap in root
 * @bridge: that it is put into, or empty
 * @mac: of the guest
 * @mtu: 0: none given
 * @pairs: of queues
 * @vhost: whether root's kernel moves the packets
 * @link: whether the cable is plugged in
 * @poll: look for more before each sleep, unless root's kernel does the work
 */
struct net_config {
	char tap[IFNAMSIZ];
	char bridge[IFNAMSIZ];
	uint8_t mac[ETH_ALEN];
	uint16_t mtu;
	unsigned int pairs;
	enum net_vhost vhost;
	bool link;
	bool poll;
};

#define FILTER_SIZE	39	/* as many as there is room for */

/**
 * struct net_options - what the driver has set; outlives the process
 * @valid: the rest counts: set first of all after a reset
 * @promiscuous: @all_multicast: as the driver wants it
 * @more_unicast: @more_multicast: there are more than @filter has room for: all
 *	of the kind pass
 * @nr_unicast: @nr_multicast: addresses in @filter, the former first
 * @pairs: that are used
 * @mac: own address
 * @epoch: of the device whose driver has set it
 */
struct net_options {
	uint8_t valid;
	uint8_t promiscuous;
	uint8_t all_multicast;
	uint8_t more_unicast;
	uint8_t more_multicast;
	uint8_t nr_unicast;
	uint8_t nr_multicast;
	uint8_t reserved;
	uint16_t pairs;
	uint8_t mac[ETH_ALEN];
	uint8_t filter[FILTER_SIZE][ETH_ALEN];
	uint32_t epoch;
};

/**
 * struct net_pair - a receive and a transmit queue
 * @watch: the tap's queue
 * @vhost: worker that serves both, or NULL
 * @detached: the tap gives no packets to it
 * @length: bytes in @packet that the guest has no buffers for yet
 */
struct net_pair {
	struct shyper_watch watch;
	struct shyper_vhost *vhost;
	bool detached;
	size_t length;
	uint8_t packet[PACKET_SIZE];
};

/**
 * struct net_filter - what the tap lets through
 * @known: the tap was told the rest
 * @nr: addresses in @list; 0: everything passes
 *
 * Without padding, since it is compared as a whole.
 */
struct net_filter {
	bool known;
	bool all_multicast;
	uint16_t nr;
	uint8_t list[2 + FILTER_SIZE][ETH_ALEN];
};

/**
 * struct net_budget - commands that may still come until the timer expires
 */
struct net_budget {
	struct shyper_watch timer;
	unsigned int left;
};

/**
 * struct net
 * @options: the driver's
 * @filter: the tap's
 * @budget: of the control queue
 * @ready: the driver is, and what it has accepted was told to the tap
 * @told: the driver has config.mac from us
 * @pairs: config.pairs of them
 */
struct net {
	struct net_config config;
	struct net_options *options;
	struct net_filter filter;
	struct net_budget budget;
	bool ready;
	bool told;
	struct net_pair pairs[NET_MAX_PAIRS];
};

/* net-config.c: 0 or SHYPER_EXIT_*, and has said why. */
int net_config_read(struct net_config *config, const char *device, const json_t *json);
/* An address from texts that are the same at each start; never another's by intent. */
void net_config_derive_mac(uint8_t mac[ETH_ALEN], const char *host, const char *cell,
			   const char *device);

/* net-data.c */
bool net_receive(struct shyper_backend *backend, struct shyper_queue *queue,
		 struct net_pair *pair);
bool net_transmit(struct shyper_backend *backend, struct shyper_queue *queue,
		  const struct net_pair *pair, bool link);

/* net-control.c. Negative errno. */
int net_control_open(struct shyper_backend *backend, struct net *net);
void net_options_reset(struct shyper_backend *backend, struct net *net);
/* Before they are used: forgets what is not of the driver that is there. */
void net_options_check(struct shyper_backend *backend, struct net *net);
/* Tells the tap, if it does not know. */
void net_options_apply(struct net *net);
bool net_control(struct shyper_backend *backend, struct shyper_queue *queue);
/* net-vhost.c: 0 or SHYPER_EXIT_*, and has said why. */
int net_vhost_open(struct shyper_backend *backend, struct net *net);
/* Gives the queues of the first @pairs to their workers, if they have some. */
void net_vhost_start(struct shyper_backend *backend, struct net *net, unsigned int pairs);
/* Gives a queue that was made ready later; the result of the operation "queue". */
bool net_vhost_resume(struct net *net, unsigned int index);
void net_vhost_stop(struct shyper_backend *backend, unsigned int index);
void net_vhost_reset(struct shyper_backend *backend, struct net *net);

/* net.c */
unsigned int net_control_index(const struct shyper_backend *backend, const struct net *net);
/* The driver has heard of the announcement. */
void net_announced(struct shyper_backend *backend);

/*
 * net-tap.c: makes or takes the tap, a queue for each pair, and puts it into its
 * bridge. 0 or SHYPER_EXIT_*, and has said why.
 */
int tap_open(struct net *net);
/* As the driver has accepted it; 0: it does not get offloaded packets. */
void tap_offload(const struct net *net, uint64_t features);
/* Whether somebody takes packets: a bridge sends none else. */
void tap_carrier(const struct net *net, bool on);
/* Packets come to the first @pairs queues. */
void tap_use_pairs(struct net *net, unsigned int pairs);
/* What the tap lets through to the guest; @nr 0: everything. */
void tap_filter(const struct net *net, const uint8_t (*addresses)[ETH_ALEN],
		unsigned int nr, bool all_multicast);

#endif /* BACKEND_NET_H */
