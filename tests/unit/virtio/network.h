/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shyper-net as a process of its own, with a socket in place of its tap, and a
 * driver's side of it. The test that includes this has all of net.c.
 */
#ifndef TESTS_VIRTIO_NETWORK_H
#define TESTS_VIRTIO_NETWORK_H

#define NET_TEST
#include "../../../shyper-cli/backend/net.c"

#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "el2.h"

#define PAIRS	2
#define CONTROL	(2 * PAIRS)
#define QUEUES	(CONTROL + 1)
#define DATA	0x200000	/* within the memory */
#define ALL	(FEATURE(CSUM) | FEATURE(GUEST_CSUM) | FEATURE(HOST_TSO4) | \
		 FEATURE(HOST_TSO6) | FEATURE(HOST_ECN) | FEATURE(GUEST_TSO4) | \
		 FEATURE(MRG_RXBUF) | FEATURE(STATUS) | FEATURE(CTRL_VQ) | \
		 FEATURE(CTRL_RX) | FEATURE(CTRL_MAC_ADDR) | FEATURE(GUEST_ANNOUNCE) | \
		 FEATURE(MQ) | FEATURE(MAC))

/* What the backend has done to its tap. */
struct tap {
	unsigned int nr_filter;
	unsigned int calls;	/* of tap_filter() */
	bool all_multicast;
	uint8_t filter[2 + FILTER_SIZE][ETH_ALEN];
	unsigned int pairs;
	bool carrier;
	uint64_t offload;
	/* Of the worker of the first pair: its doorbells; how often it began with each ring. */
	int kicks[2];
	unsigned int begun[2];
};

static struct driver drivers[QUEUES];
static struct tap *tap;
static int sockets[PAIRS][2];	/* the world's, the backend's */
static const char *link_word;
static const char *more_config;	/* a JSON object */

int tap_open(struct net *net)
{
	unsigned int n;

	for (n = 0; n < net->config.pairs; n++)
		net->pairs[n].watch.fd = sockets[n][1];
	return 0;
}

void tap_offload(const struct net *net, uint64_t features)
{
	(void)net;
	tap->offload = features;
}

void tap_carrier(const struct net *net, bool on)
{
	(void)net;
	tap->carrier = on;
}

void tap_use_pairs(struct net *net, unsigned int pairs)
{
	(void)net;
	tap->pairs = pairs;
}

void tap_filter(const struct net *net, const uint8_t (*addresses)[ETH_ALEN],
		unsigned int nr, bool all_multicast)
{
	(void)net;
	tap->calls++;
	if (nr)
		memcpy(tap->filter, addresses, nr * ETH_ALEN);
	tap->all_multicast = all_multicast;
	tap->nr_filter = nr;
}

static int serve(void)
{
	static struct net net;
	struct shyper_backend *backend = el2_backend_open("cell1.net0", &net_ops, &net);
	json_t *config = json_pack("{s:s s:i s:s s:b}", "mac", "02:00:00:12:34:56",
				   "queue_pairs", PAIRS, "link", link_word,
				   "vhost", false);
	json_t *more = json_loads(more_config, 0, NULL);

	if (!backend || json_object_update(config, more))
		return 100;
	json_decref(more);
	if (net_open(backend, config) || shyper_backend_attach(backend))
		return 101;
	json_decref(config);
	return shyper_backend_run(backend) ? 102 : 0;
}

static void start(void)
{
	el2_backend_start(serve);
	el2_notify(HVISOR_BELL_DRIVER_OK);
}

static int set_up(void **state)
{
	unsigned int n;

	(void)state;
	link_word = "up";
	more_config = "{}";
	tap = mmap(NULL, sizeof(*tap), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		   -1, 0);
	for (n = 0; n < PAIRS; n++)
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
					    sockets[n]), 0);
	el2_init(HVISOR_DEVICE_VIRTIO, drivers, QUEUES);
	el2.page->driver_features |= ALL;
	return 0;
}

static int tear_down(void **state)
{
	unsigned int n;

	(void)state;
	el2_exit();
	for (n = 0; n < PAIRS; n++) {
		close(sockets[n][0]);
		close(sockets[n][1]);
	}
	munmap(tap, sizeof(*tap));
	return 0;
}

static void wait_used(struct driver *driver, struct vring_used_elem *element)
{
	while (!driver_take(driver, element)) {
		*driver_used_event(driver) = driver->used_idx;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (driver_take(driver, element))
			return;
		assert_true(el2_interrupted(5000));
	}
}

/* A command; its answer, or 0xaa: none. */
static uint8_t control(uint8_t class, uint8_t command, const void *data, uint32_t length)
{
	struct driver *driver = &drivers[CONTROL];
	struct vring_used_elem element;
	uint8_t *ack = el2.ram + DATA + 0x1fff;

	el2.ram[DATA] = class;
	el2.ram[DATA + 1] = command;
	if (length)
		memcpy(el2.ram + DATA + 2, data, length);
	*ack = 0xaa;
	driver_desc(&driver->desc[0], DRIVER_RAM + DATA, 2 + length, VRING_DESC_F_NEXT, 1);
	driver_desc(&driver->desc[1], DRIVER_RAM + DATA + 0x1fff, 1, VRING_DESC_F_WRITE, 0);
	driver_offer(driver, 0);
	el2_notify(1U << CONTROL);
	wait_used(driver, &element);
	return *ack;
}

#endif /* TESTS_VIRTIO_NETWORK_H */
