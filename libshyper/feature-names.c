// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names of virtio feature bits: those of the specification, in lower case and
 * without what they begin with. What a device cannot do without (VERSION_1), or
 * what follows from another key, has none.
 */
#include "feature-names.h"

#include <stdbool.h>
#include <string.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "internal.h"

#define BIT(n)	(1ULL << (n))

/*
 * @device: 0: of every virtio device
 * @needs: what must be offered with it (virtio 1.2, 5.2.5.2)
 */
static const struct {
	uint32_t device;
	const char *name;
	uint64_t bit;
	uint64_t needs;
} features[] = {
	{ 0, "event_idx", BIT(VIRTIO_RING_F_EVENT_IDX), 0 },
	{ 0, "indirect_desc", BIT(VIRTIO_RING_F_INDIRECT_DESC), 0 },
	{ VIRTIO_ID_BLOCK, "blk_size", BIT(VIRTIO_BLK_F_BLK_SIZE), 0 },
	{ VIRTIO_ID_BLOCK, "config_wce", BIT(VIRTIO_BLK_F_CONFIG_WCE),
	  BIT(VIRTIO_BLK_F_FLUSH) },
	{ VIRTIO_ID_BLOCK, "discard", BIT(VIRTIO_BLK_F_DISCARD), 0 },
	{ VIRTIO_ID_BLOCK, "flush", BIT(VIRTIO_BLK_F_FLUSH), 0 },
	{ VIRTIO_ID_BLOCK, "mq", BIT(VIRTIO_BLK_F_MQ), 0 },
	{ VIRTIO_ID_BLOCK, "seg_max", BIT(VIRTIO_BLK_F_SEG_MAX), 0 },
	{ VIRTIO_ID_BLOCK, "topology", BIT(VIRTIO_BLK_F_TOPOLOGY), 0 },
	{ VIRTIO_ID_BLOCK, "write_zeroes", BIT(VIRTIO_BLK_F_WRITE_ZEROES), 0 },
	{ VIRTIO_ID_CONSOLE, "multiport", BIT(VIRTIO_CONSOLE_F_MULTIPORT), 0 },
	{ VIRTIO_ID_CONSOLE, "size", BIT(VIRTIO_CONSOLE_F_SIZE), 0 },
};

static bool is_of(size_t n, uint32_t device_id)
{
	return !features[n].device || features[n].device == device_id;
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
			if (is_of(n, device_id) && features[n].needs & ~offered)
				offered &= ~features[n].bit;
		}
	} while (offered != before);
	return offered;
}
