// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-vhost-user: features of a back end that the cell's configuration withholds,
 * by the names of the device that it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <sys/wait.h>

#include "../../../libshyper/feature-names.h"
#include "../../../shyper-cli/backend/vhost-user.h"

#include "el2.h"
#include "fake_back_end.h"
#include "vhost_user_bridge.h"

#define BIT(n)	(1ULL << (n))

/* What a bridge offers whose configuration withholds @name. */
static uint64_t offered_without(const char *name)
{
	char text[64];
	uint64_t offered;

	snprintf(text, sizeof(text), "{\"features\":{\"%s\":false}}", name);
	el2.config = text;
	el2_backend_start(serve);
	offered = el2.page->features;
	assert_int_equal(WEXITSTATUS(el2_backend_stop(SIGTERM)), SHYPER_EXIT_DONE);
	return offered;
}

/* Each is one bit, and of the device's, not of those that the bridge begins with. */
static void test_each_of_a_disk(void **state)
{
	const char *names[FEATURES_MAX_NAMES];
	uint64_t all, without, bit, seen = 0;
	size_t n;

	(void)state;
	fake->features |= BIT(17) - 1;
	el2_backend_start(serve);
	all = el2.page->features;
	el2_backend_stop(SIGKILL);
	features_list(VIRTIO_ID_BLOCK, names);
	for (n = 0; names[n]; n++) {
		bit = features_bit(VIRTIO_ID_BLOCK, names[n]);
		without = bit == BIT(VIRTIO_BLK_F_FLUSH) ?
			  bit | BIT(VIRTIO_BLK_F_CONFIG_WCE) : bit;
		assert_int_equal(all & without, without);
		assert_int_equal(offered_without(names[n]), all & ~without);
		seen |= bit;
	}
	assert_int_equal(seen & all, all & ~(BIT(VIRTIO_F_VERSION_1) | BIT(0) | BIT(3) |
			 BIT(VIRTIO_BLK_F_GEOMETRY) | BIT(VIRTIO_BLK_F_RO) | BIT(7) |
			 BIT(8)));
}

static void test_those_of_a_card(void **state)
{
	const uint64_t rings = BIT(VIRTIO_F_VERSION_1) | BIT(28) | BIT(29);
	const uint64_t guest = BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) |
			       BIT(VIRTIO_NET_F_GUEST_UFO);
	const uint64_t host = BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO6) |
			      BIT(VIRTIO_NET_F_HOST_UFO) | BIT(VIRTIO_NET_F_HOST_ECN);

	(void)state;
	be_device(json_string("net"));
	fake->features &= ~VU_DEVICE_FEATURES;
	fake->features |= guest | host | BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_MQ);
	assert_int_equal(offered_without("mrg_rxbuf"), rings | guest | host);
	/* What may not be offered without it goes, too; what never is needs no name less. */
	assert_int_equal(offered_without("csum"), rings | guest | BIT(VIRTIO_NET_F_MRG_RXBUF));
	assert_int_equal(offered_without("guest_csum"),
			 rings | host | BIT(VIRTIO_NET_F_MRG_RXBUF));
	assert_int_equal(offered_without("mq"),
			 rings | guest | host | BIT(VIRTIO_NET_F_MRG_RXBUF));
	/* A disk's are none of its. */
	el2.config = "{\"features\":{\"flush\":true}}";
	assert_int_equal(refusal(), 101);
}

/* What needs queues or a configuration space that the bridge does not have. */
static void test_what_is_never_offered(void **state)
{
	const uint64_t rings = BIT(VIRTIO_F_VERSION_1) | BIT(28) | BIT(29);
	const uint64_t shown = BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_MTU) |
			       BIT(VIRTIO_NET_F_STATUS);
	const uint64_t moved = BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(59);

	(void)state;
	fake->features |= shown | moved | BIT(0);
	be_device(json_string("fs"));
	assert_int_equal(offered_without("event_idx"), rings & ~BIT(29));
	be_device(json_integer(VIRTIO_ID_SOUND));
	queues = 1;
	assert_int_equal(offered_without("event_idx"), rings & ~BIT(29));
	be_device(json_string("net"));
	queues = 2;
	fake->features &= ~VU_DEVICE_FEATURES;
	fake->features |= shown | moved | BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(50) | BIT(51) |
			  BIT(52) | BIT(VIRTIO_NET_F_NOTF_COAL) | BIT(VIRTIO_NET_F_RSS) |
			  BIT(VIRTIO_NET_F_SPEED_DUPLEX);
	assert_int_equal(offered_without("event_idx"),
			 (rings & ~BIT(29)) | shown | moved);
}

/* A driver that has not been offered them gets its data all the same. */
static void test_without_any(void **state)
{
	(void)state;
	be_device(json_string("fs"));
	el2.config = "{\"features\":{\"event_idx\":false,\"indirect_desc\":false}}";
	el2.page->driver_features = BIT(VIRTIO_F_VERSION_1);
	el2_backend_start(serve);
	assert_int_equal(el2.page->features, BIT(VIRTIO_F_VERSION_1));
	offer(1, 2);
	el2_notify(2);
	assert_answered(1, 2);
	/* The shadow rings are the bridge's own, and so are their features. */
	assert_int_equal(fake->driver_features, BIT(VIRTIO_F_VERSION_1) | BIT(28) |
			 BIT(VU_F_PROTOCOL_FEATURES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_of_a_disk),
		TEST(test_those_of_a_card),
		TEST(test_what_is_never_offered),
		TEST(test_without_any),
	};

	return cmocka_run_group_tests_name("virtio/vhost_user_features", tests, NULL, NULL);
}
