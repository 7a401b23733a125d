// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control queue of shyper-net: what a driver sets by it, hostile commands, and
 * more of them than are good for root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "network.h"

#include <time.h>

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

/* Who was not offered an address gets everything, until he tells his own. */
static void test_own_address(void **state)
{
	static const uint8_t mac[] = { 2, 9, 9, 9, 9, 9 };

	(void)state;
	el2.page->driver_features &= ~FEATURE(MAC);
	start();
	assert_int_equal(control(VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "", 1),
			 VIRTIO_NET_OK);
	assert_int_equal(tap->nr_filter, 0);
	assert_int_equal(control(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, 6),
			 VIRTIO_NET_OK);
	assert_int_equal(tap->nr_filter, 2);
	assert_memory_equal(tap->filter[0], mac, ETH_ALEN);
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

/* What means nothing without a feature goes with it (virtio 1.2, 5.1.3.1). */
static void test_withheld(void **state)
{
	(void)state;
	el2.config = "{\"features\":{\"csum\":false,\"guest_tso4\":false,\"ctrl_vq\":false}}";
	start();
	assert_int_equal(el2.page->features & (ALL | FEATURE(HOST_ECN) | FEATURE(GUEST_ECN) |
					       FEATURE(GUEST_TSO6)),
			 FEATURE(GUEST_CSUM) | FEATURE(GUEST_TSO6) | FEATURE(GUEST_ECN) |
			 FEATURE(MRG_RXBUF) | FEATURE(STATUS) | FEATURE(MAC));
	el2_backend_stop(SIGKILL);
	el2.config = "{\"features\":{\"guest_tso4\":false,\"guest_tso6\":false}}";
	start();
	assert_false(el2.page->features & FEATURE(GUEST_ECN));
	assert_true(el2.page->features & FEATURE(HOST_ECN));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(filter), TEST(own_address), TEST(large_tables), TEST(bad_commands),
		TEST(commands_are_limited), TEST(commands_in_vain), TEST(pairs),
		TEST(options_of_another), TEST(pairs_without_mq), TEST(control_without_mq),
		TEST(withheld),
	};

	return cmocka_run_group_tests_name("virtio/net-control", tests, NULL, NULL);
}
