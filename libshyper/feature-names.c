// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names of virtio feature bits: those of the specification, in lower case and
 * without what they begin with. What a device cannot do without (VERSION_1), or
 * what follows from another key, has none. Of some there are only back ends of
 * vhost-user that offer them.
 */
#include "feature-names.h"

#include <stdbool.h>
#include <string.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>

#include "internal.h"

#define BIT(n)	(1ULL << (n))

#define NET(name)	BIT(VIRTIO_NET_F_##name)
#define HOST_TSO	(NET(HOST_TSO4) | NET(HOST_TSO6))
#define GUEST_TSO	(NET(GUEST_TSO4) | NET(GUEST_TSO6))

/*
 * @device: 0: of every virtio device
 * @needs: what must be offered with it (virtio 1.2, 5.1.3.1 and 5.2.5.2)
 * @needs_one: one of these must be
 */
static const struct {
	uint32_t device;
	const char *name;
	uint64_t bit;
	uint64_t needs;
	uint64_t needs_one;
} features[] = {
	{ 0, "event_idx", BIT(VIRTIO_RING_F_EVENT_IDX), 0, 0 },
	{ 0, "indirect_desc", BIT(VIRTIO_RING_F_INDIRECT_DESC), 0, 0 },
	{ VIRTIO_ID_BLOCK, "blk_size", BIT(VIRTIO_BLK_F_BLK_SIZE), 0, 0 },
	{ VIRTIO_ID_BLOCK, "config_wce", BIT(VIRTIO_BLK_F_CONFIG_WCE),
	  BIT(VIRTIO_BLK_F_FLUSH), 0 },
	{ VIRTIO_ID_BLOCK, "discard", BIT(VIRTIO_BLK_F_DISCARD), 0, 0 },
	{ VIRTIO_ID_BLOCK, "flush", BIT(VIRTIO_BLK_F_FLUSH), 0, 0 },
	{ VIRTIO_ID_BLOCK, "mq", BIT(VIRTIO_BLK_F_MQ), 0, 0 },
	{ VIRTIO_ID_BLOCK, "seg_max", BIT(VIRTIO_BLK_F_SEG_MAX), 0, 0 },
	{ VIRTIO_ID_BLOCK, "size_max", BIT(VIRTIO_BLK_F_SIZE_MAX), 0, 0 },
	{ VIRTIO_ID_BLOCK, "topology", BIT(VIRTIO_BLK_F_TOPOLOGY), 0, 0 },
	{ VIRTIO_ID_BLOCK, "write_zeroes", BIT(VIRTIO_BLK_F_WRITE_ZEROES), 0, 0 },
	{ VIRTIO_ID_CONSOLE, "multiport", BIT(VIRTIO_CONSOLE_F_MULTIPORT), 0, 0 },
	{ VIRTIO_ID_CONSOLE, "size", BIT(VIRTIO_CONSOLE_F_SIZE), 0, 0 },
	{ VIRTIO_ID_NET, "csum", NET(CSUM), 0, 0 },
	{ VIRTIO_ID_NET, "ctrl_mac_addr", NET(CTRL_MAC_ADDR), NET(CTRL_VQ), 0 },
	{ VIRTIO_ID_NET, "ctrl_rx", NET(CTRL_RX), NET(CTRL_VQ), 0 },
	{ VIRTIO_ID_NET, "ctrl_vq", NET(CTRL_VQ), 0, 0 },
	{ VIRTIO_ID_NET, "guest_announce", NET(GUEST_ANNOUNCE), NET(CTRL_VQ), 0 },
	{ VIRTIO_ID_NET, "guest_csum", NET(GUEST_CSUM), 0, 0 },
	{ VIRTIO_ID_NET, "guest_ecn", NET(GUEST_ECN), 0, GUEST_TSO },
	{ VIRTIO_ID_NET, "guest_tso4", NET(GUEST_TSO4), NET(GUEST_CSUM), 0 },
	{ VIRTIO_ID_NET, "guest_tso6", NET(GUEST_TSO6), NET(GUEST_CSUM), 0 },
	{ VIRTIO_ID_NET, "guest_ufo", NET(GUEST_UFO), NET(GUEST_CSUM), 0 },
	{ VIRTIO_ID_NET, "host_ecn", NET(HOST_ECN), 0, HOST_TSO },
	{ VIRTIO_ID_NET, "host_tso4", NET(HOST_TSO4), NET(CSUM), 0 },
	{ VIRTIO_ID_NET, "host_tso6", NET(HOST_TSO6), NET(CSUM), 0 },
	{ VIRTIO_ID_NET, "host_ufo", NET(HOST_UFO), NET(CSUM), 0 },
	{ VIRTIO_ID_NET, "mac", NET(MAC), 0, 0 },
	{ VIRTIO_ID_NET, "mq", NET(MQ), NET(CTRL_VQ), 0 },
	{ VIRTIO_ID_NET, "mrg_rxbuf", NET(MRG_RXBUF), 0, 0 },
	{ VIRTIO_ID_NET, "mtu", NET(MTU), 0, 0 },
	{ VIRTIO_ID_NET, "status", NET(STATUS), 0, 0 },
	{ VIRTIO_ID_VSOCK, "seqpacket", BIT(VIRTIO_VSOCK_F_SEQPACKET), 0, 0 },
};

static bool is_of(size_t n, uint32_t device_id)
{
	return !features[n].device || features[n].device == device_id;
}

static bool misses(size_t n, uint64_t offered)
{
	return features[n].needs & ~offered ||
	       (features[n].needs_one && !(features[n].needs_one & offered));
}

void features_list(uint32_t device_id, const char *names[FEATURES_MAX_NAMES])
{
	size_t n, nr = 0;

	for (n = 0; n < ARRAY_SIZE(features) && nr < FEATURES_MAX_NAMES - 1; n++) {
		if (is_of(n, device_id))
			names[nr++] = features[n].name;
	}
	names[nr] = NULL;
}

uint64_t features_bit(uint32_t device_id, const char *name)
{
	size_t n;

	for (n = 0; n < ARRAY_SIZE(features); n++) {
		if (is_of(n, device_id) && !strcmp(features[n].name, name))
			return features[n].bit;
	}
	return 0;
}

uint64_t features_without(uint32_t device_id, uint64_t offered, uint64_t withheld)
{
	uint64_t before;
	size_t n;

	offered &= ~withheld;
	/* What needs what is gone goes, too, and so on. */
	do {
		before = offered;
		for (n = 0; n < ARRAY_SIZE(features); n++) {
			if (is_of(n, device_id) && misses(n, offered))
				offered &= ~features[n].bit;
		}
	} while (offered != before);
	return offered;
}
