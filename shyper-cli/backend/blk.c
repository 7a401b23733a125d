// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-blk: a virtio block device (virtio 1.2, 5.2) on a file or a block
 * device. Requests go by io_uring straight to and from guest memory.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <shyper/config.h>

#include "blk.h"
#include "program.h"

/* Of the configuration space; what follows in newer headers is not offered. */
#define CONFIG_SIZE	offsetof(struct virtio_blk_config, max_secure_erase_sectors)
#define CONFIG_WCE	offsetof(struct virtio_blk_config, wce)

/* Takes over whether the driver wants a cache: it may have more than it asks for. */
static void set_write_back(struct shyper_backend *backend, bool write_back)
{
	struct blk *blk = shyper_backend_get_data(backend);
	uint8_t wce = write_back;

	if (blk->write_back == write_back ||
	    shyper_backend_change_config(backend, CONFIG_WCE, &wce, sizeof(wce)))
		return;
	blk->write_back = write_back;
	/* From now on nobody may flush what was written up to now. */
	if (!write_back)
		blk_sync(blk);
}

static void blk_config_store(struct shyper_backend *backend, uint32_t offset,
			     uint32_t length, uint64_t value)
{
	if (offset == CONFIG_WCE && length == 1 && value <= 1)
		set_write_back(backend, value);
}

/* Who has no flush finds no cache (5.2.5.2). */
static void blk_driver_ok(struct shyper_backend *backend)
{
	uint64_t both = 1ULL << VIRTIO_BLK_F_CONFIG_WCE | 1ULL << VIRTIO_BLK_F_FLUSH;

	if ((shyper_backend_get_driver_features(backend) & both) ==
	    1ULL << VIRTIO_BLK_F_CONFIG_WCE)
		set_write_back(backend, false);
}

static void blk_reset(struct shyper_backend *backend)
{
	set_write_back(backend, true);
}

static const struct shyper_backend_ops blk_ops = {
	.device_id = VIRTIO_ID_BLOCK,
	.nr_queues = 1,
	.queue_max = QUEUE_SIZE,
	.features = 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_CONFIG_WCE |
		    1ULL << VIRTIO_BLK_F_BLK_SIZE | 1ULL << VIRTIO_BLK_F_SEG_MAX |
		    1ULL << VIRTIO_BLK_F_TOPOLOGY,
	.queue = blk_queue,
	.driver_ok = blk_driver_ok,
	.reset = blk_reset,
	.config_store = blk_config_store,
};

static void offer_features(struct shyper_backend *backend, const struct blk *blk)
{
	uint64_t features = 0;

	if (blk->file.readonly)
		features |= 1ULL << VIRTIO_BLK_F_RO;
	else
		features |= 1ULL << VIRTIO_BLK_F_DISCARD |
			    1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	if (blk->nr_queues > 1)
		features |= 1ULL << VIRTIO_BLK_F_MQ;
	shyper_backend_offer(backend, features);
}

static unsigned int exponent(uint32_t ratio)
{
	return ratio ? 31 - __builtin_clz(ratio) : 0;
}

/* What the driver of a predecessor has chosen stays. */
static bool inherited_write_back(const struct shyper_backend *backend)
{
	uint8_t config[CONFIG_SIZE];

	return shyper_backend_read_config(backend, config, sizeof(config)) < CONFIG_SIZE ||
	       config[CONFIG_WCE];
}

static int set_config(struct shyper_backend *backend, const struct blk *blk)
{
	const struct blk_file *file = &blk->file;
	unsigned int max = shyper_backend_get_queue_max(backend);
	struct virtio_blk_config config = {
		.capacity = htole64(file->sectors),
		.seg_max = htole32(max > 2 ? max - 2 : 1),
		.blk_size = htole32(file->block_size),
		.physical_block_exp = exponent(file->physical_size / file->block_size),
		.min_io_size = htole16(file->physical_size / file->block_size),
		.opt_io_size = htole32(file->optimal_size / file->block_size),
		.wce = blk->write_back,
		.num_queues = htole16(blk->nr_queues),
		.max_discard_sectors = htole32(RANGE_SECTORS),
		.max_discard_seg = htole32(MAX_RANGES),
		.discard_sector_alignment = htole32(file->physical_size / SECTOR_SIZE),
		.max_write_zeroes_sectors = htole32(RANGE_SECTORS),
		.max_write_zeroes_seg = htole32(MAX_RANGES),
		.write_zeroes_may_unmap = 1,
	};

	return shyper_backend_set_config(backend, &config, CONFIG_SIZE);
}

static int watch_ring(struct shyper_backend *backend, struct blk *blk)
{
	int err = blk_ring_open(&blk->ring, blk->nr_requests);

	if (err)
		return err;
	blk->completions.fd = blk->ring.ring_fd;
	blk->completions.ready = blk_completed;
	blk->completions.data = blk;
	return shyper_backend_watch(backend, &blk->completions, EPOLLIN);
}

static int blk_start(struct shyper_backend *backend, struct blk *blk)
{
	int err;

	blk->nr_requests = blk->nr_queues * QUEUE_SIZE;
	blk->requests = calloc(blk->nr_requests, sizeof(*blk->requests));
	if (!blk->requests)
		return -ENOMEM;
	blk->write_back = inherited_write_back(backend);
	offer_features(backend, blk);
	shyper_backend_set_polling(backend, blk->poll);
	err = shyper_backend_set_queues(backend, blk->nr_queues);
	if (!err)
		err = set_config(backend, blk);
	if (!err)
		err = blk_rate_open(backend, &blk->rate);
	if (!err)
		err = watch_ring(backend, blk);
	/* A predecessor may not have got round to it. */
	if (!err && !blk->write_back)
		blk_sync(blk);
	return err;
}

static int read_config(struct blk *blk, const json_t *config, const char **path)
{
	unsigned int queues = 1, iops = 0;
	bool readonly = false;

	blk->poll = true;
	if (config_string(config, "path", path) ||
	    config_flag(config, "readonly", &readonly) ||
	    config_flag(config, "poll", &blk->poll) ||
	    config_range(config, "queues", 1, MAX_QUEUES, &queues) ||
	    config_range(config, "iops", 1, SHYPER_MAX_IOPS, &iops) ||
	    config_size(config, "bytes_per_second", SHYPER_MAX_BYTES_PER_SECOND,
			&blk->rate.bytes.rate))
		return SHYPER_EXIT_CONFIG;
	if (!*path) {
		say(SAY_ERROR, "configuration: \"path\" is missing");
		return SHYPER_EXIT_CONFIG;
	}
	blk->nr_queues = queues;
	blk->rate.requests.rate = iops;
	blk->file.readonly = readonly;
	return 0;
}

static int blk_open(struct shyper_backend *backend, const json_t *config)
{
	const char *path = NULL, *serial = shyper_backend_get_name(backend);
	struct blk *blk = shyper_backend_get_data(backend);
	int err, status;

	status = read_config(blk, config, &path);
	if (!status && config_string(config, "serial", &serial))
		status = SHYPER_EXIT_CONFIG;
	if (status)
		return status;
	/* Not terminated, if it fills the field (virtio 1.2, 5.2.6). */
	memcpy(blk->serial, serial, strnlen(serial, sizeof(blk->serial)));
	status = blk_file_open(&blk->file, path, blk->file.readonly,
			       shyper_backend_get_name(backend));
	if (status)
		return status;
	err = blk_start(backend, blk);
	if (!err)
		return 0;
	say(SAY_ERROR, "cannot be set up: %s", strerror(-err));
	return err == -EPROTO ? SHYPER_EXIT_CONFIG : SHYPER_EXIT_RESTART;
}

#ifndef BLK_TEST
int main(int argc, char **argv)
{
	static struct blk blk;
	static const struct backend_program program = {
		.name = "shyper-blk",
		.ops = &blk_ops,
		.data = &blk,
		.open = blk_open,
	};

	return backend_main(argc, argv, &program);
}
#endif
