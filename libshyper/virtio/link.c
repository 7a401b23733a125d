// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A backend's link to the hypervisor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <shyper/virtio/memory.h>

#include "link.h"

#define DEVICE_NODE	"/dev/hvisor"
#define SYSFS_CLASS	"/sys/class/hvisor"

/* A predecessor that was killed is bound until its last thread is gone. */
#define BIND_TRIES	100
#define BIND_PAUSE_MS	50

/* Reads a number from an attribute; "cell3" counts as 3. */
static int sysfs_number(const char *name, const char *attribute, uint32_t *number)
{
	char path[256], text[32], *end, *begin = text;
	ssize_t length;
	int fd;

	if (strchr(name, '/') || name[0] == '.')
		return -EINVAL;
	snprintf(path, sizeof(path), SYSFS_CLASS "/%s/%s", name, attribute);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return -ENODEV;
	text[length] = '\0';
	if (!strncmp(begin, "cell", 4))
		begin += 4;
	*number = strtoul(begin, &end, 10);
	return end == begin || (*end && *end != '\n') ? -EPROTO : 0;
}

static int bind_device(int fd, uint32_t cell, uint32_t device)
{
	struct hvisor_bind bind = {
		.size = sizeof(bind),
		.role = HVISOR_ROLE_DEVICE,
		.cell = cell,
		.device = device,
	};
	struct timespec pause = { .tv_nsec = BIND_PAUSE_MS * 1000000L };
	int tries;

	for (tries = 0; tries < BIND_TRIES; tries++) {
		if (!ioctl(fd, HVISOR_BIND, &bind))
			return 0;
		if (errno != EBUSY)
			break;
		nanosleep(&pause, NULL);
	}
	return -errno;
}

int link_open(const char *name, int *fd)
{
	uint32_t cell, device;
	int err;

	err = sysfs_number(name, "cell", &cell);
	if (!err)
		err = sysfs_number(name, "index", &device);
	if (err)
		return err;
	*fd = open(DEVICE_NODE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return -errno;
	err = bind_device(*fd, cell, device);
	if (err) {
		close(*fd);
		*fd = -1;
	}
	return err;
}

int link_info(int fd, struct hvisor_device_info *info)
{
	info->size = sizeof(*info);
	return ioctl(fd, HVISOR_DEVICE_INFO, info) ? -errno : 0;
}

int link_map(int fd, uint64_t offset, uint64_t length, bool write, void **page)
{
	*page = mmap(NULL, length, PROT_READ | (write ? PROT_WRITE : 0),
		     MAP_SHARED, fd, (off_t)offset);
	if (*page != MAP_FAILED)
		return 0;
	*page = NULL;
	return -errno;
}

int link_memory(int fd, uint32_t cell, struct shyper_memory *memory)
{
	struct hvisor_cell_memory region;
	uint32_t index;
	int err;

	for (index = 0; ; index++) {
		memset(&region, 0, sizeof(region));
		region.size = sizeof(region);
		region.id = cell;
		region.index = index;
		if (ioctl(fd, HVISOR_CELL_MEMORY, &region))
			return errno == ENOENT ? 0 : -errno;
		err = shyper_memory_map(memory, region.ipa, region.length,
					region.fd, region.offset,
					!(region.flags & HVISOR_MEMORY_READ_ONLY));
		/* The mapping keeps the pages; a descriptor could resize the file. */
		close(region.fd);
		if (err)
			return err;
	}
}

int link_declare(int fd, struct hvisor_device_decl *decl)
{
	decl->size = sizeof(*decl);
	return ioctl(fd, HVISOR_DEVICE_DECLARE, decl) ? -errno : 0;
}

int link_interrupt(int fd, uint32_t bits)
{
	struct hvisor_device_notify notify = {
		.size = sizeof(notify),
		.bits = bits,
	};

	return ioctl(fd, HVISOR_DEVICE_INTERRUPT, &notify) ? -errno : 0;
}

int link_fail(int fd)
{
	struct hvisor_device_notify notify = { .size = sizeof(notify) };

	return ioctl(fd, HVISOR_DEVICE_FAIL, &notify) ? -errno : 0;
}
