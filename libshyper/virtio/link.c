// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A backend's link to the hypervisor.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../sysfs.h"
#include "../uapi.h"
#include "link.h"
#include "memory.h"

/* A predecessor that was killed is bound until its last thread is gone. */
#define BIND_TRIES	100
#define BIND_PAUSE_MS	50

static int explain_device(struct shyper_ctx *ctx, int err, const char *name)
{
	if (err == -ENOENT || err == -ENODEV)
		return error_set(ctx, -ENODEV, name, NULL, "there is no such device");
	return error_set(ctx, err, name, "index", "cannot be read from sysfs: %s",
			 strerror(-err));
}

static int read_index(int fd, uint32_t *ret_index)
{
	char text[16] = "";
	uint64_t index = 0;
	int err;

	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return -errno;
	err = number_parse(text, &index);
	*ret_index = (uint32_t)index;
	return err;
}

/* Its "index", which can be read for as long as there is this device. */
static int find_device(struct shyper_ctx *ctx, const char *name, uint32_t *cell,
		       uint32_t *device)
{
	const char *rest;
	int fd = -ENODEV, err;

	if (sysfs_parse_name(name, cell, &rest) && *rest && !strchr(rest, '/'))
		fd = sysfs_open(ctx, name, "index");
	if (fd < 0)
		return explain_device(ctx, fd, name);
	err = read_index(fd, device);
	if (!err)
		return fd;
	close(fd);
	return explain_device(ctx, err, name);
}

static int bind_device(struct shyper_ctx *ctx, uint32_t cell, uint32_t device)
{
	int tries, fd = -EBUSY;

	for (tries = 0; tries < BIND_TRIES; tries++) {
		ctx_begin(ctx);
		fd = uapi_open(ctx, HVISOR_ROLE_DEVICE, cell, device);
		if (fd != -EBUSY)
			break;
		nap_ms(BIND_PAUSE_MS);
	}
	return fd;
}

/* Numbers of cells are used again, while a predecessor is waited for as well. */
static int bind_named(struct shyper_ctx *ctx, const char *name)
{
	uint32_t cell = 0, device = 0;
	int index, fd, err = 0;

	index = find_device(ctx, name, &cell, &device);
	if (index < 0)
		return index;
	fd = bind_device(ctx, cell, device);
	if (fd >= 0)
		err = read_index(index, &device);
	close(index);
	if (!err)
		return fd;
	close(fd);
	return explain_device(ctx, err, name);
}

int link_open(struct shyper_ctx *ctx, const char *name, int *ret_fd)
{
	int fd, flags;

	fd = bind_named(ctx, name);
	if (fd < 0)
		return fd;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK)) {
		flags = -errno;
		close(fd);
		return error_set(ctx, flags, name, NULL, "%s", strerror(-flags));
	}
	*ret_fd = fd;
	return 0;
}

int link_config_text(struct shyper_ctx *ctx, const char *name, char **ret_text)
{
	int length = sysfs_read_all(ctx, name, "config", ret_text);

	if (length >= 0)
		return length;
	return error_set(ctx, length == -ENOENT ? -ENODEV : length, name, "config",
			 "cannot be read from sysfs: %s", strerror(-length));
}

int link_info(int fd, struct hvisor_device_info *info)
{
	return uapi_device_info(fd, info);
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

int link_region(int fd, uint32_t cell, uint32_t index,
		struct hvisor_cell_memory *region)
{
	memset(region, 0, sizeof(*region));
	region->id = cell;
	region->index = index;
	return uapi_cell_memory(fd, region);
}

int link_memory(int fd, uint32_t cell, struct shyper_memory *memory)
{
	struct hvisor_cell_memory region;
	uint32_t index;
	int err;

	for (index = 0; ; index++) {
		err = link_region(fd, cell, index, &region);
		if (err)
			return err == -ENOENT ? 0 : err;
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
	return uapi_device_declare(fd, decl);
}

int link_config(int fd, struct hvisor_device_decl *decl)
{
	return uapi_device_config(fd, decl);
}

int link_interrupt(int fd, uint32_t bits)
{
	return uapi_device_interrupt(fd, bits);
}

int link_fail(int fd)
{
	return uapi_device_fail(fd);
}

int link_ioeventfd(int fd, int event, uint32_t queue, bool on)
{
	return uapi_ioeventfd(fd, event, queue, on ? 0 : HVISOR_EVENTFD_DEASSIGN);
}

int link_irqfd(int fd, int event, uint32_t bits)
{
	return uapi_irqfd(fd, event, bits);
}

int link_keep(int fd, int file)
{
	return uapi_device_keep(fd, file);
}

int link_kept(int fd, int *ret_file)
{
	return uapi_device_kept(fd, ret_file);
}
