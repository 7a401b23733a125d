/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shyper-blk as a process of its own, with a file behind it, and a driver's side
 * of it. The test that includes this has all of blk.c.
 */
#ifndef TESTS_VIRTIO_DISK_H
#define TESTS_VIRTIO_DISK_H

#define BLK_TEST
#include "../../../shyper-cli/backend/blk.c"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "../../../shyper-cli/backend/jail.h"

#include "el2.h"

#ifndef SECTORS
#define SECTORS		4096
#endif
#define HEADERS		0x100000	/* within the memory */
#define DATA		0x200000
#define SLOT		4096		/* of data for each head */

#define NR_QUEUES	4

static struct driver drivers[NR_QUEUES];
static char path[64];
static bool readonly, jailed;
/* Beside what all have. */
static const char *more_config;

static int serve(void)
{
	static struct blk blk;
	struct shyper_backend *backend = el2_backend_open("cell1.blk0", &blk_ops, &blk);
	json_t *config, *more;
	int status;

	say_name("cell1.blk0");
	if (!backend)
		return 100;
	config = json_pack("{s:s,s:b,s:s}", "path", path, "readonly", readonly,
			   "serial", "disk-of-a-test");
	more = json_loads(more_config, 0, NULL);
	json_object_update(config, more);
	json_decref(more);
	status = blk_open(backend, config);
	json_decref(config);
	if (status)
		return status;
	if (jailed && jail_enter(NULL))
		return 103;
	if (shyper_backend_attach(backend))
		return 101;
	if (shyper_backend_get_reissued(backend))
		say(SAY_INFO, "re-issued %u requests", shyper_backend_get_reissued(backend));
	switch (shyper_backend_run(backend)) {
	case 0:
		return SHYPER_EXIT_DONE;
	case 1:
		return SHYPER_EXIT_RESTART;
	case -ENODEV:
		return 50;
	default:
		return 102;
	}
}

static int set_up(void **state)
{
	int fd;

	(void)state;
	readonly = false;
	jailed = false;
	more_config = "{}";
	snprintf(path, sizeof(path), "/var/tmp/test_blk.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SECTORS * SECTOR_SIZE), 0);
	close(fd);
	el2_init(HVISOR_DEVICE_VIRTIO, drivers, NR_QUEUES);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	el2_exit();
	unlink(path);
	return 0;
}

struct wanted {
	uint32_t type;
	uint64_t sector;
	uint64_t offset;	/* of the data within DATA */
	uint32_t length;
};

static uint8_t *status_of(unsigned int slot)
{
	return el2.ram + HEADERS + slot * 32 + 31;
}

/* Makes a request of three descriptors from @head on; header and status are @slot's. */
static void offer_on(struct driver *driver, unsigned int head, unsigned int slot,
		     const struct wanted *wanted)
{
	struct virtio_blk_outhdr header = {
		.type = wanted->type,
		.sector = wanted->sector,
	};
	uint64_t at = DRIVER_RAM + HEADERS + slot * 32;
	uint16_t write = VRING_DESC_F_WRITE;

	if (wanted->type == VIRTIO_BLK_T_OUT || wanted->type == VIRTIO_BLK_T_DISCARD ||
	    wanted->type == VIRTIO_BLK_T_WRITE_ZEROES)
		write = 0;
	memcpy(el2.ram + HEADERS + slot * 32, &header, sizeof(header));
	*status_of(slot) = 0xaa;
	driver_desc(&driver->desc[head], at, sizeof(header), VRING_DESC_F_NEXT, head + 1);
	driver_desc(&driver->desc[head + 1], DRIVER_RAM + DATA + wanted->offset,
		    wanted->length, VRING_DESC_F_NEXT | write, head + 2);
	driver_desc(&driver->desc[head + 2], at + 31, 1, VRING_DESC_F_WRITE, 0);
	driver_offer(driver, head);
}

static void offer(unsigned int head, const struct wanted *wanted)
{
	offer_on(&drivers[0], head, head, wanted);
}

static struct vring_used_elem finish_on(struct driver *driver)
{
	struct vring_used_elem element = {};

	while (!driver_take(driver, &element)) {
		*driver_used_event(driver) = driver->used_idx;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (driver_take(driver, &element))
			break;
		assert_true(el2_interrupted(10000));
	}
	return element;
}

static struct vring_used_elem finish(void)
{
	return finish_on(&drivers[0]);
}

/* One request; returns its status. */
static inline uint8_t request(const struct wanted *wanted, uint32_t *length)
{
	struct vring_used_elem element;

	offer(0, wanted);
	el2_notify(1);
	element = finish();
	assert_int_equal(element.id, 0);
	if (length)
		*length = element.len;
	return *status_of(0);
}

#endif /* TESTS_VIRTIO_DISK_H */
