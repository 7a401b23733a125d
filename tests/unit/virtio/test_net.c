// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-net as a process of its own, with a socket in place of its tap: packets
 * both ways, hostile headers and commands, and what outlives the process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define NET_TEST
#include "../../../shyper-cli/backend/net.c"

#include <poll.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "../../../libshyper/virtio/link.h"

#include "el2.h"

#define PAIRS	2
#define CONTROL	(2 * PAIRS)
#define QUEUES	(CONTROL + 1)
#define DATA	0x200000	/* within the memory */
#define ALL	(FEATURE(CSUM) | FEATURE(GUEST_CSUM) | FEATURE(HOST_TSO4) | \
		 FEATURE(HOST_TSO6) | FEATURE(HOST_ECN) | FEATURE(GUEST_TSO4) | \
		 FEATURE(MRG_RXBUF) | FEATURE(STATUS) | FEATURE(CTRL_VQ) | \
		 FEATURE(CTRL_RX) | FEATURE(CTRL_MAC_ADDR) | FEATURE(GUEST_ANNOUNCE) | \
		 FEATURE(MQ))

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
static bool vhost;

int __real_open(const char *file, int flags, ...);
int __wrap_open(const char *file, int flags, ...);
int __wrap_ioctl(int fd, unsigned long number, void *argument);
int __wrap_link_irqfd(int fd, int event, uint32_t bits);
int __wrap_link_ioeventfd(int fd, int event, uint32_t queue, bool on);

int __wrap_open(const char *file, int flags, ...)
{
	return strcmp(file, "/dev/vhost-net") ? __real_open(file, flags) : eventfd(0, 0);
}

/* A kernel whose worker does nothing. */
int __wrap_ioctl(int fd, unsigned long number, void *argument)
{
	const struct vhost_vring_file *file = argument;
	static int kicks[2];

	(void)fd;
	if (number == VHOST_GET_FEATURES)
		*(uint64_t *)argument = ~0ULL;
	if (number == VHOST_SET_VRING_KICK)
		kicks[file->index] = file->fd;
	if (number == VHOST_NET_SET_BACKEND && file->fd == sockets[0][1]) {
		tap->kicks[file->index] = kicks[file->index];
		tap->begun[file->index]++;
	}
	return 0;
}

int __wrap_link_irqfd(int fd, int event, uint32_t bits)
{
	(void)fd;
	(void)event;
	(void)bits;
	return 0;
}

int __wrap_link_ioeventfd(int fd, int event, uint32_t queue, bool on)
{
	(void)fd;
	(void)event;
	(void)queue;
	(void)on;
	return 0;
}

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
				   "vhost", vhost);

	if (!backend)
		return 100;
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
	vhost = false;
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

static bool readable(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, ms) == 1;
}

/* The guest sends: header and 60 bytes in two buffers, the header cut in two. */
static void send_one(unsigned int pair, const struct virtio_net_hdr_v1 *header)
{
	struct driver *tx = &drivers[TRANSMIT(pair)];
	struct vring_used_elem element;
	unsigned int n;

	memcpy(el2.ram + DATA, header, sizeof(*header));
	for (n = 0; n < 60; n++)
		el2.ram[DATA + sizeof(*header) + n] = n;
	driver_desc(&tx->desc[0], DRIVER_RAM + DATA, 7, VRING_DESC_F_NEXT, 1);
	driver_desc(&tx->desc[1], DRIVER_RAM + DATA + 7, sizeof(*header) + 60 - 7, 0, 0);
	driver_offer(tx, 0);
	el2_notify(1U << TRANSMIT(pair));
	wait_used(tx, &element);
	assert_int_equal(element.id, 0);
	assert_int_equal(element.len, 0);
}

/* It comes out; as @header, if that is not NULL. */
static void expect_sent(unsigned int pair, struct virtio_net_hdr_v1 *header)
{
	uint8_t packet[200];
	unsigned int n;

	assert_true(readable(sockets[pair][0], 5000));
	assert_int_equal(read(sockets[pair][0], packet, sizeof(packet)), sizeof(*header) + 60);
	for (n = 0; n < 60; n++)
		assert_int_equal(packet[sizeof(*header) + n], n);
	memcpy(header, packet, sizeof(*header));
}

static void test_transmit(void **state)
{
	struct virtio_net_hdr_v1 header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = 54, .gso_size = 100, .csum_start = 34, .csum_offset = 16,
		.num_buffers = 7,
	}, seen;

	(void)state;
	start();
	send_one(0, &header);
	expect_sent(0, &seen);
	header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header.num_buffers = 0;
	assert_memory_equal(&seen, &header, sizeof(header));
	memset(&header, 0, sizeof(header));
	header.gso_size = 9;
	send_one(1, &header);
	expect_sent(1, &seen);
	assert_int_equal(seen.gso_size, 0);
	assert_int_equal(el2.state->counters.writes, 2);
	assert_int_equal(el2.state->counters.write_bytes, 120);
	assert_int_equal(el2.state->counters.errors, 0);
}

/* What the kernel is not to see is dropped and counted. */
static void test_bad_headers(void **state)
{
	static const struct virtio_net_hdr_v1 bad[] = {
		{ .flags = 1, .csum_start = 59, .csum_offset = 0 },
		{ .flags = 1, .csum_start = 0xffff, .csum_offset = 0xffff },
		{ .flags = 1, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 0 },
		{ .flags = 0, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1 },
		{ .flags = 1, .gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 1,
		  .hdr_len = 61 },
		{ .flags = 1, .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 1 },
		{ .flags = 1, .gso_type = VIRTIO_NET_HDR_GSO_ECN, .gso_size = 1 },
		{ .flags = 1, .gso_type = 0x7f, .gso_size = 1 },
	};
	struct virtio_net_hdr_v1 plain = { 0 }, seen;
	unsigned int n;

	(void)state;
	start();
	for (n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		send_one(0, &bad[n]);
		assert_int_equal(el2.state->counters.errors, n + 1);
	}
	assert_false(readable(sockets[0][0], 0));
	send_one(0, &plain);
	expect_sent(0, &seen);
}

static void test_not_negotiated(void **state)
{
	static const struct virtio_net_hdr_v1 bad[] = {
		{ .flags = 1, .csum_start = 14, .csum_offset = 4 },
		{ .flags = 1, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 9 },
		{ .flags = 1, .gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 9 },
	};
	unsigned int n;

	(void)state;
	el2.page->driver_features &= ~ALL;
	start();
	for (n = 0; n < sizeof(bad) / sizeof(bad[0]); n++)
		send_one(0, &bad[n]);
	assert_int_equal(el2.state->counters.errors, n);
	assert_int_equal(tap->offload & ALL, 0);
}

/* Without room for a header it is no packet: the queue is broken. */
static void test_no_header(void **state)
{
	(void)state;
	start();
	driver_desc(&drivers[TRANSMIT(0)].desc[0], DRIVER_RAM + DATA, 11, 0, 0);
	driver_offer(&drivers[TRANSMIT(0)], 0);
	el2_notify(1U << TRANSMIT(0));
	assert_true(el2_failed(5000));
}

static void test_bad_lengths(void **state)
{
	static const uint32_t lengths[] = { 12, 25, PACKET_SIZE + 1, 0x100000 };
	struct driver *tx = &drivers[TRANSMIT(0)];
	struct vring_used_elem element;
	unsigned int n;

	(void)state;
	start();
	for (n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
		driver_desc(&tx->desc[0], DRIVER_RAM + DATA, lengths[n], 0, 0);
		driver_offer(tx, 0);
		el2_notify(1U << TRANSMIT(0));
		wait_used(tx, &element);
		assert_int_equal(el2.state->counters.errors, n + 1);
	}
	assert_false(readable(sockets[0][0], 0));
}

/* @nr buffers of @length each. */
static void offer_buffers(unsigned int nr, uint32_t length)
{
	struct driver *rx = &drivers[RECEIVE(0)];
	unsigned int n;

	for (n = 0; n < nr; n++) {
		uint16_t head = rx->avail_idx % rx->size;

		driver_desc(&rx->desc[head], DRIVER_RAM + DATA + head * 0x1000, length,
			    VRING_DESC_F_WRITE, 0);
		driver_offer(rx, head);
	}
	el2_notify(1U << RECEIVE(0));
}

/* A packet from outside, @length with its header. */
static void arrive(size_t length, uint8_t seed)
{
	uint8_t packet[PACKET_SIZE] = { 0 };
	size_t n;

	for (n = HEADER_SIZE; n < length; n++)
		packet[n] = n * seed;
	assert_int_equal(write(sockets[0][0], packet, length), length);
}

/* The guest gets it, in @nr buffers of @each. */
static void expect_received(size_t length, uint8_t seed, unsigned int nr, uint32_t each)
{
	struct virtio_net_hdr_v1 header;
	struct vring_used_elem element;
	size_t n, done = 0;
	unsigned int k;

	for (k = 0; k < nr; k++) {
		const uint8_t *buffer;

		wait_used(&drivers[RECEIVE(0)], &element);
		buffer = el2.ram + DATA + element.id * 0x1000;
		assert_int_equal(element.len, k < nr - 1 ? each : length - done);
		for (n = k ? 0 : HEADER_SIZE; n < element.len; n++)
			assert_int_equal(buffer[n], (uint8_t)((done + n) * seed));
		if (!k) {
			memcpy(&header, buffer, sizeof(header));
			assert_int_equal(header.num_buffers, nr);
		}
		done += element.len;
	}
	assert_int_equal(done, length);
}

static void test_receive(void **state)
{
	(void)state;
	start();
	offer_buffers(4, 1024);
	arrive(100, 3);
	expect_received(100, 3, 1, 1024);
	arrive(1025, 5);
	expect_received(1025, 5, 2, 1024);
	assert_int_equal(el2.state->counters.reads, 2);
	assert_int_equal(el2.state->counters.read_bytes, 1125 - 2 * HEADER_SIZE);
	assert_int_equal(el2.state->counters.in_flight, 0);
}

/* Buffers that are too few for a packet stay the guest's until there are enough. */
static void test_too_few_buffers(void **state)
{
	(void)state;
	start();
	offer_buffers(2, 1024);
	arrive(3000, 7);
	arrive(60, 9);
	assert_false(el2_interrupted(200));
	assert_int_equal(drivers[RECEIVE(0)].used->idx, 0);
	assert_int_equal(el2.state->counters.in_flight, 0);
	offer_buffers(2, 1024);
	expect_received(3000, 7, 3, 1024);
	expect_received(60, 9, 1, 1024);
}

/* Too large for one buffer, and for all that there can be: dropped, counted. */
static void test_too_large(void **state)
{
	(void)state;
	el2.page->driver_features &= ~FEATURE(MRG_RXBUF);
	start();
	offer_buffers(2, 1024);
	arrive(1025, 3);
	arrive(1024, 5);
	expect_received(1024, 5, 1, 1024);
	assert_int_equal(el2.state->counters.errors, 1);
	assert_int_equal(el2.state->counters.in_flight, 0);
}

static void test_buffers_without_room(void **state)
{
	(void)state;
	start();
	offer_buffers(1, 1024);
	offer_buffers(1, 11);
	arrive(1500, 3);
	assert_true(el2_failed(5000));
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

/* Offers @nr commands that switch to and fro, and waits for all of them. */
static unsigned int ms_of_commands(unsigned int nr)
{
	struct driver *driver = &drivers[CONTROL];
	struct timespec begin, end;
	unsigned int n;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (n = 0; n < nr; n++) {
		uint8_t command[] = { VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, n % 2 };

		memcpy(el2.ram + DATA + n * 16, command, sizeof(command));
		driver_desc(&driver->desc[2 * n], DRIVER_RAM + DATA + n * 16,
			    sizeof(command), VRING_DESC_F_NEXT, 2 * n + 1);
		driver_desc(&driver->desc[2 * n + 1], DRIVER_RAM + DATA + n * 16 + 8, 1,
			    VRING_DESC_F_WRITE, 0);
		driver_offer(driver, 2 * n);
	}
	el2_notify(1U << CONTROL);
	for (n = 0; n < nr; n++) {
		wait_used(driver, &(struct vring_used_elem){ 0 });
		assert_int_equal(el2.ram[DATA + n * 16 + 8], VIRTIO_NET_OK);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
}

/* However fast a driver is, the tap is told 32 times in 100 ms at most. */
static void test_commands_are_limited(void **state)
{
	unsigned int ms;

	(void)state;
	start();
	ms = ms_of_commands(120);
	print_message("%u ms\n", ms);
	assert_in_range(ms, 290, 5000);
	assert_in_range(tap->calls, 100, 121);
}

/* What the tap knows it is not told again. */
static void test_commands_in_vain(void **state)
{
	unsigned int n, calls = 0;

	(void)state;
	start();
	for (n = 0; n < 5; n++) {
		assert_int_equal(control(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "", 1),
				 VIRTIO_NET_OK);
		if (n)
			assert_int_equal(tap->calls, calls);
		calls = tap->calls;
	}
}

static const uint8_t table[] = {
	1, 0, 0, 0, 2, 0, 0, 0, 0, 1,
	2, 0, 0, 0, 0x33, 0x33, 0, 0, 0, 1, 1, 0, 0x5e, 0, 0, 1,
};

static const uint8_t expected[4][ETH_ALEN] = {
	{ 2, 0, 0, 0x12, 0x34, 0x56 }, { 255, 255, 255, 255, 255, 255 },
	{ 2, 0, 0, 0, 0, 1 }, { 0x33, 0x33, 0, 0, 0, 1 },
};

static void test_filter(void **state)
{
	static const uint8_t mac[] = { 2, 9, 9, 9, 9, 9 };

	(void)state;
	start();
	assert_int_equal(control(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, table,
				 sizeof(table)), VIRTIO_NET_OK);
	/* Promiscuous until it is told otherwise. */
	assert_int_equal(tap->nr_filter, 0);
	assert_int_equal(control(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "", 1),
			 VIRTIO_NET_OK);
	assert_int_equal(tap->nr_filter, 5);
	assert_memory_equal(tap->filter, expected, sizeof(expected));
	assert_false(tap->all_multicast);
	assert_int_equal(control(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, "\1", 1),
			 VIRTIO_NET_OK);
	assert_true(tap->all_multicast);
	assert_int_equal(control(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, 6),
			 VIRTIO_NET_OK);
	assert_memory_equal(tap->filter[0], mac, ETH_ALEN);
	/* A successor filters alike. */
	el2_backend_stop(SIGKILL);
	memset(tap, 0, sizeof(*tap));
	start();
	assert_int_equal(control(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, "", 1),
			 VIRTIO_NET_OK);
	assert_int_equal(tap->nr_filter, 5);
	assert_memory_equal(tap->filter[0], mac, ETH_ALEN);
	assert_memory_equal(tap->filter[1], expected[1], 3 * ETH_ALEN);
	/* A reset makes it forget. */
	el2_post(HVISOR_OP_RESET, 0, 0x70, 4, 0);
	assert_true(el2_answered(0, NULL, 5000));
	assert_int_equal(tap->nr_filter, 0);
	assert_false(tap->carrier);
}

/* Tables that are too large for us let everything of their kind pass. */
static void test_large_tables(void **state)
{
	uint8_t large[8 + 100 * ETH_ALEN] = { 0 };

	(void)state;
	start();
	assert_int_equal(control(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "", 1),
			 VIRTIO_NET_OK);
	large[4] = 100;
	assert_int_equal(control(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, large,
				 sizeof(large)), VIRTIO_NET_OK);
	assert_true(tap->all_multicast);
	assert_int_equal(tap->nr_filter, 2);
	large[0] = 30;
	memset(large + 4 + 30 * ETH_ALEN, 0, 4);
	large[4 + 30 * ETH_ALEN] = 30;
	assert_int_equal(control(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, large,
				 8 + 60 * ETH_ALEN), VIRTIO_NET_OK);
	assert_true(tap->all_multicast);
	assert_int_equal(tap->nr_filter, 32);
	memset(large, 0, sizeof(large));
	large[0] = 100;
	assert_int_equal(control(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, large,
				 sizeof(large)), VIRTIO_NET_OK);
	assert_int_equal(tap->nr_filter, 0);
}

static void test_bad_commands(void **state)
{
	static const struct {
		uint8_t class, command;
		uint32_t length;
		uint8_t data[16];
	} bad[] = {
		{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, 0, { 0 } },
		{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, 1, { 2 } },
		{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, 2, { 1 } },
		{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOBCAST, 1, { 1 } },
		{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, 3, { 0 } },
		{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, 4, { 0 } },
		{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, 8, { 1 } },
		{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, 8, { 0xff, 0xff, 0xff, 0xff } },
		{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, 8, { 0xab, 0xaa, 0xaa, 0x2a } },
		{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, 9, { 0 } },
		{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, 5, { 2 } },
		{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, 7, { 2 } },
		{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, 6, { 3 } },
		{ VIRTIO_NET_CTRL_MAC, 2, 6, { 2 } },
		{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, 1, { 1 } },
		{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, 2, { 0 } },
		{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, 2, { PAIRS + 1 } },
		{ VIRTIO_NET_CTRL_MQ, 1, 2, { 1 } },
		{ VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, 1, { 0 } },
		{ VIRTIO_NET_CTRL_ANNOUNCE, 1, 0, { 0 } },
		{ VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, 2, { 1 } },
		{ 0xff, 0, 0, { 0 } },
	};
	struct driver *driver = &drivers[CONTROL];
	unsigned int n;

	(void)state;
	start();
	for (n = 0; n < sizeof(bad) / sizeof(bad[0]); n++)
		assert_int_equal(control(bad[n].class, bad[n].command, bad[n].data,
					 bad[n].length), VIRTIO_NET_ERR);
	assert_int_equal(el2.state->counters.errors, n);
	/* Without room for an answer it has none: the queue is broken. */
	driver_desc(&driver->desc[0], DRIVER_RAM + DATA, 3, 0, 0);
	driver_offer(driver, 0);
	el2_notify(1U << CONTROL);
	assert_true(el2_failed(5000));
}

static void wait_pairs(unsigned int pairs)
{
	unsigned int n;

	/* The control queue may be served before it is told of DRIVER_OK. */
	for (n = 0; n < 5000 && tap->pairs != pairs; n++)
		usleep(1000);
	assert_int_equal(tap->pairs, pairs);
}

static void test_pairs(void **state)
{
	static const uint8_t both[] = { PAIRS, 0 };
	struct virtio_net_config *config = (void *)el2.page->config;

	(void)state;
	start();
	assert_int_equal(config->max_virtqueue_pairs, PAIRS);
	assert_true(el2.page->features & FEATURE(MQ));
	assert_int_equal(control(VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, both, 2),
			 VIRTIO_NET_OK);
	assert_int_equal(tap->pairs, PAIRS);
	el2_backend_stop(SIGKILL);
	tap->pairs = 0;
	start();
	assert_int_equal(control(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "\1", 1),
			 VIRTIO_NET_OK);
	wait_pairs(PAIRS);
}

/* A driver that is gone, by a reset that nobody served, leaves nothing to the next. */
static void test_options_of_another(void **state)
{
	static const uint8_t both[] = { PAIRS, 0 };

	(void)state;
	start();
	assert_int_equal(control(VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, both, 2),
			 VIRTIO_NET_OK);
	assert_int_equal(control(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "", 1),
			 VIRTIO_NET_OK);
	assert_int_equal(tap->nr_filter, 2);
	el2_backend_stop(SIGKILL);
	memset(tap, 0, sizeof(*tap));
	tap->nr_filter = 99;
	el2.page->epoch++;
	start();
	wait_pairs(1);
	assert_int_equal(tap->nr_filter, 0);
}

/* Nor are pairs used that a driver has not taken the feature for. */
static void test_pairs_without_mq(void **state)
{
	struct net_options *options = (void *)el2.state->driver_options;

	(void)state;
	el2.page->driver_features &= ~FEATURE(MQ);
	*options = (struct net_options){
		.valid = 1, .promiscuous = 1, .pairs = PAIRS, .epoch = el2.page->epoch,
	};
	start();
	wait_pairs(1);
	assert_int_equal(options->pairs, 1);
}

/* The third queue is the control queue of a driver that has not taken MQ. */
static void test_control_without_mq(void **state)
{
	(void)state;
	el2.page->driver_features &= ~FEATURE(MQ);
	drivers[CONTROL] = drivers[2];
	start();
	driver_desc(&drivers[2].desc[0], DRIVER_RAM + DATA, 3, VRING_DESC_F_NEXT, 1);
	driver_desc(&drivers[2].desc[1], DRIVER_RAM + DATA + 16, 1, VRING_DESC_F_WRITE, 0);
	memset(el2.ram + DATA, 0, 16);
	el2.ram[DATA + 16] = 0xaa;
	driver_offer(&drivers[2], 0);
	el2_notify(1U << 2);
	wait_used(&drivers[2], &(struct vring_used_elem){ 0 });
	assert_int_equal(el2.ram[DATA + 16], VIRTIO_NET_OK);
	assert_int_equal(tap->nr_filter, 2);
}

/* Link down and up again, each by a new backend; the last asks for an announcement. */
static void test_link(void **state)
{
	struct virtio_net_config *config = (void *)el2.page->config;
	struct virtio_net_hdr_v1 header = { 0 };

	(void)state;
	link_word = "down";
	start();
	assert_int_equal(config->status, 0);
	send_one(0, &header);
	assert_false(readable(sockets[0][0], 0));
	assert_false(tap->carrier);
	assert_int_equal(el2_backend_stop(SIGTERM), 0);
	link_word = "up";
	start();
	assert_int_equal(config->status, VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE);
	send_one(0, &header);
	assert_true(tap->carrier);
	assert_int_equal(control(VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, NULL, 0),
			 VIRTIO_NET_OK);
	assert_int_equal(config->status, VIRTIO_NET_S_LINK_UP);
	assert_true(el2_changed(0));
}

/* Killed at any time: no buffer of the guest is lost, and none is used twice. */
static void test_killed(void **state)
{
	unsigned int round, n;

	(void)state;
	for (round = 0; round < 10; round++) {
		start();
		offer_buffers(2, 1024);
		arrive(3000, 3);
		usleep(1000 * round);
		el2_backend_stop(SIGKILL);
		offer_buffers(1, 1024);
		start();
		arrive(3000, 5);
		/* The first may have gone with the process that had read it. */
		for (n = 0; n < 3; n++)
			wait_used(&drivers[RECEIVE(0)], &(struct vring_used_elem){ 0 });
		el2_backend_stop(SIGKILL);
		while (read(sockets[0][1], (char[PACKET_SIZE]){ 0 }, PACKET_SIZE) > 0)
			;
		assert_int_equal((uint16_t)(drivers[RECEIVE(0)].avail_idx -
					    drivers[RECEIVE(0)].used->idx), 0);
	}
}

/* What a driver's doorbells add up to that the worker has got. */
static unsigned long long kicked(unsigned int ring)
{
	unsigned long long count = 0;
	char line[256], file[64];
	FILE *info;

	snprintf(file, sizeof(file), "/proc/%d/fdinfo/%d", el2.backend, tap->kicks[ring]);
	info = fopen(file, "re");
	assert_non_null(info);
	while (fgets(line, sizeof(line), info))
		sscanf(line, "eventfd-count: %llx", &count);
	fclose(info);
	return count;
}

static void wait_begun(unsigned int ring, unsigned int times)
{
	unsigned int n;

	for (n = 0; n < 5000 && tap->begun[ring] != times; n++)
		usleep(1000);
	assert_int_equal(tap->begun[ring], times);
}

/* A queue that was stopped and made ready again is the worker's again. */
static void test_worker_of_a_stopped_queue(void **state)
{
	unsigned int ring, n;

	(void)state;
	vhost = true;
	start();
	wait_begun(0, 1);
	wait_begun(1, 1);
	for (ring = 0; ring < 2; ring++) {
		unsigned long long before;

		el2_post(HVISOR_OP_QUEUE_STOP, 0, 0x44, 4, ring);
		assert_true(el2_answered(0, NULL, 5000));
		before = kicked(ring);
		el2.page->queues[ring].epoch++;
		el2_notify(1U << ring);
		wait_begun(ring, 2);
		for (n = 0; n < 5000 && kicked(ring) == before; n++)
			usleep(1000);
		assert_true(kicked(ring) > before);
	}
	wait_begun(0, 2);
}

static void test_mac(void **state)
{
	uint8_t a[ETH_ALEN], b[ETH_ALEN];

	(void)state;
	net_config_derive_mac(a, "host", "debian", "net0");
	assert_int_equal(a[0] & 3, 2);
	net_config_derive_mac(b, "host", "debian", "net0");
	assert_memory_equal(a, b, ETH_ALEN);
	net_config_derive_mac(b, "host", "debian", "net1");
	assert_memory_not_equal(a, b, ETH_ALEN);
	net_config_derive_mac(b, "host2", "debian", "net0");
	assert_memory_not_equal(a, b, ETH_ALEN);
	net_config_derive_mac(b, "host", "debiann", "et0");
	assert_memory_not_equal(a, b, ETH_ALEN);
}

static void check_config(const char *text, int status)
{
	static struct net_config config;
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	assert_int_equal(net_config_read(&config, "cell1.net0", json), status);
	json_decref(json);
}

static void test_config(void **state)
{
	static const char *const bad[] = {
		"{\"mac\":\"01:00:00:00:00:00\"}", "{\"mac\":\"00:00:00:00:00:00\"}",
		"{\"mac\":\"02:00:00:00:00\"}", "{\"mac\":\"02:00:00:00:00:0 \"}",
		"{\"mac\":\"02:00:00:00:00:000\"}", "{\"mac\":2}", "{\"mtu\":67}",
		"{\"mtu\":65536}", "{\"mtu\":\"1500\"}", "{\"queue_pairs\":0}",
		"{\"queue_pairs\":8}", "{\"vhost\":1}", "{\"vhost\":\"\"}", "{\"link\":\"\"}", "{\"link\":true}", "{\"tap\":\"\"}",
		"{\"tap\":\"0123456789abcdef\"}", "{\"bridge\":\"0123456789abcdef\"}",
	};
	struct net_config config;
	json_t *json = json_object();
	unsigned int n;

	(void)state;
	for (n = 0; n < sizeof(bad) / sizeof(bad[0]); n++)
		check_config(bad[n], SHYPER_EXIT_CONFIG);
	check_config("{\"mac\":\"02:aB:00:00:00:01\",\"mtu\":65535,\"queue_pairs\":7,"
		     "\"link\":\"down\",\"tap\":\"0123456789abcde\"}", 0);
	assert_int_equal(net_config_read(&config, "cell12.a_long_name", json), 0);
	assert_int_equal(strncmp(config.tap, "net-", 4), 0);
	assert_int_equal(strlen(config.tap), 12);
	assert_int_equal(net_config_read(&config, "cell12.net0", json), 0);
	assert_string_equal(config.tap, "cell12.net0");
	json_decref(json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(transmit), TEST(bad_headers), TEST(not_negotiated), TEST(no_header),
		TEST(bad_lengths), TEST(receive), TEST(too_few_buffers), TEST(too_large),
		TEST(buffers_without_room), TEST(filter), TEST(large_tables),
		TEST(bad_commands), TEST(commands_are_limited), TEST(commands_in_vain), TEST(pairs), TEST(options_of_another),
		TEST(pairs_without_mq), TEST(control_without_mq), TEST(link),
		TEST(killed), TEST(worker_of_a_stopped_queue), cmocka_unit_test(test_mac), cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests_name("virtio/net", tests, NULL, NULL);
}
