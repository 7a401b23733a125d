// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-net as a process of its own, with a socket in place of its tap: packets
 * both ways, hostile headers, and what outlives the process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "network.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "../../../libshyper/virtio/link.h"

static bool no_vhost;

int __real_open(const char *file, int flags, ...);
int __wrap_open(const char *file, int flags, ...);
int __wrap_ioctl(int fd, unsigned long number, void *argument);
int __wrap_link_irqfd(int fd, int event, uint32_t bits);
int __wrap_link_ioeventfd(int fd, int event, uint32_t queue, bool on);

int __wrap_open(const char *file, int flags, ...)
{
	if (strcmp(file, "/dev/vhost-net"))
		return __real_open(file, flags);
	errno = ENOENT;
	return no_vhost ? -1 : eventfd(0, 0);
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

static bool readable(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, ms) == 1;
}

/* The guest sends: header and 60 bytes in two buffers, the header cut in two. */
static void offer_one(unsigned int pair, const struct virtio_net_hdr_v1 *header)
{
	struct driver *tx = &drivers[TRANSMIT(pair)];
	unsigned int n;

	memcpy(el2.ram + DATA, header, sizeof(*header));
	for (n = 0; n < 60; n++)
		el2.ram[DATA + sizeof(*header) + n] = n;
	driver_desc(&tx->desc[0], DRIVER_RAM + DATA, 7, VRING_DESC_F_NEXT, 1);
	driver_desc(&tx->desc[1], DRIVER_RAM + DATA + 7, sizeof(*header) + 60 - 7, 0, 0);
	driver_offer(tx, 0);
}

static void wait_sent(unsigned int pair)
{
	struct vring_used_elem element;

	wait_used(&drivers[TRANSMIT(pair)], &element);
	assert_int_equal(element.id, 0);
	assert_int_equal(element.len, 0);
}

static void send_one(unsigned int pair, const struct virtio_net_hdr_v1 *header)
{
	offer_one(pair, header);
	el2_notify(1U << TRANSMIT(pair));
	wait_sent(pair);
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

/*
 * Buffers that are too few for a packet stay the guest's until there are enough; of
 * those that come the backend is told, and meanwhile it sleeps.
 */
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
	assert_in_range(el2.state->counters.polls_found, 0, 20);
	offer_buffers(2, 1024);
	assert_true(driver_must_notify(&drivers[RECEIVE(0)], 2));
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
	more_config = "{\"vhost\":true}";
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

/* Without root's worker the backend moves the packets, if it may. */
static void test_no_worker(void **state)
{
	struct net net = { .config = { .pairs = PAIRS, .vhost = NET_VHOST_ALWAYS } };
	struct virtio_net_hdr_v1 header = { 0 }, seen;

	(void)state;
	more_config = "{\"vhost\":\"auto\"}";
	start();
	wait_begun(1, 1);
	el2_backend_stop(SIGKILL);
	no_vhost = true;
	start();
	send_one(0, &header);
	expect_sent(0, &seen);
	assert_int_equal(tap->begun[1], 1);
	assert_int_equal(net_vhost_open(NULL, &net), SHYPER_EXIT_CONFIG);
	no_vhost = false;
}

/* Packets one by one, of which the driver tells when it has to. */
static void send_polled(unsigned int nr)
{
	struct virtio_net_hdr_v1 header = { 0 }, seen;

	for (; nr; nr--) {
		offer_one(0, &header);
		if (driver_must_notify(&drivers[TRANSMIT(0)], 1))
			el2_notify(1U << TRANSMIT(0));
		wait_sent(0);
		expect_sent(0, &seen);
	}
}

/* Nothing is lost between the last look and the sleep, however it falls. */
static void test_polling_loses_nothing(void **state)
{
	struct hvisor_backend_counters *counters = &el2.state->counters;
	unsigned int round;

	(void)state;
	start();
	for (round = 0; round < 100 && (round < 10 || !counters->kicks_avoided); round++) {
		send_polled(100);
		offer_buffers(1, 1024);
		arrive(100, 3);
		expect_received(100, 3, 1, 1024);
		usleep(round % 3 * 300);
	}
	assert_int_equal(counters->writes, 100 * round);
	assert_in_range(counters->kicks_avoided, 1, 100 * round);
	assert_in_range(counters->polls_found, 1, 100000);
	assert_in_range(counters->sleeps, 1, 100000);
}

/* A poll does not find anything, for there is none. */
static void expect_no_polls(void)
{
	struct hvisor_backend_counters *counters = &el2.state->counters;

	start();
	send_polled(200);
	assert_int_equal(counters->polls_found, 0);
	assert_int_equal(counters->kicks_avoided, 0);
	assert_in_range(counters->sleeps, 1, 100000);
	el2_backend_stop(SIGKILL);
}

static void test_polling_is_switched_off(void **state)
{
	(void)state;
	more_config = "{\"poll\":false}";
	expect_no_polls();
	/* For all devices, whatever they are configured to do. */
	more_config = "{\"poll\":true}";
	setenv("SHYPER_POLL", "0", 1);
	expect_no_polls();
	unsetenv("SHYPER_POLL");
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
		"{\"queue_pairs\":8}", "{\"vhost\":1}", "{\"vhost\":\"\"}", "{\"poll\":1}", "{\"link\":\"\"}", "{\"link\":true}", "{\"tap\":\"\"}",
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
		TEST(buffers_without_room), TEST(link), TEST(killed),
		TEST(worker_of_a_stopped_queue), TEST(no_worker), TEST(polling_loses_nothing),
		TEST(polling_is_switched_off), cmocka_unit_test(test_mac),
		cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests_name("virtio/net", tests, NULL, NULL);
}
