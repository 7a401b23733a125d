// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A cell that stays while the module is loaded anew: everything that may not be
 * taken for its memory and devices, and then what they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

static unsigned int cell;
static int monitor;

static int adopt(struct request *r)
{
	struct hvisor_cell_adopt adopt = {
		.size = sizeof(adopt), .id = cell,
		.regions = r->create.regions, .nr_regions = r->create.nr_regions,
		.devices = r->create.devices, .nr_devices = r->create.nr_devices,
		.config = r->create.config, .config_len = r->create.config_len,
		.flags = r->create.flags, .reserved = r->create.reserved,
	};

	return ioctl(monitor, HVISOR_CELL_ADOPT, &adopt);
}

/* What is right, but for one thing. */
#define ADOPT(what, error, ...) do {			\
	struct request r;				\
	request_init(&r);				\
	__VA_ARGS__;					\
	check(what, adopt(&r), error);			\
} while (0)

static void try_memory(void)
{
	ADOPT("no region", EINVAL, r.create.nr_regions = 0);
	ADOPT("17 regions", EINVAL, r.create.nr_regions = 17);
	ADOPT("regions nowhere", EFAULT, r.create.regions = 8);
	ADOPT("only one region", EPERM, r.create.nr_regions = 1);
	ADOPT("the same region twice", EPERM, r.regions[1] = r.regions[0]);
	ADOPT("a region too long", EINVAL, r.regions[1].length *= 2);
	ADOPT("a region too short", EPERM, r.regions[1].length /= 2);
	ADOPT("regions that overlap", EPERM,
	      r.regions[0].length *= 2);
	ADOPT("files changed about", EPERM,
	      r.regions[0].offset = RAM_SIZE, r.regions[1].offset = 0);
	ADOPT("addresses changed about", EPERM,
	      r.regions[0].ipa = RAM_IPA + RAM_SIZE, r.regions[1].ipa = RAM_IPA);
	ADOPT("another address", EPERM, r.regions[1].ipa += RAM_SIZE);
	ADOPT("read-only", EPERM, r.regions[0].flags = HVISOR_MEMORY_READ_ONLY);
	ADOPT("unknown flag", EINVAL, r.regions[0].flags = 2);
	ADOPT("another memfd", EPERM, r.regions[0].fd = FD_OTHER);
	ADOPT("an unsealed memfd", EINVAL, r.regions[0].fd = FD_UNSEALED);
	ADOPT("ordinary memory", EINVAL, r.regions[0].fd = FD_ORDINARY);
	ADOPT("a device", EINVAL, r.regions[0].fd = FD_DEVICE);
	ADOPT("a file to read", EPERM, r.regions[0].fd = FD_READ_ONLY);
	ADOPT("nothing open", EBADF, r.regions[0].fd = FD_CLOSED);
}

static void try_devices(void)
{
	ADOPT("a device less", EPERM, r.create.nr_devices = 2);
	ADOPT("a device more", EPERM, r.create.nr_devices = 4);
	ADOPT("devices nowhere", EFAULT, r.create.devices = 8);
	ADOPT("another name", EPERM, r.devices[0].desc.name[0] = 'x');
	ADOPT("another kind", EPERM, r.devices[0].desc.kind = HVISOR_DEVICE_MMIO);
	ADOPT("another address", EPERM, r.devices[0].desc.ipa += 0x1000);
	ADOPT("another length", EPERM, r.devices[1].desc.length += 0x1000);
	ADOPT("another interrupt", EPERM, r.devices[0].desc.irq++);
	ADOPT("larger queues", EPERM, r.devices[0].desc.queue_size *= 2);
	ADOPT("more queues", EPERM, r.devices[0].desc.nr_queues = 16);
	ADOPT("queues by the billion", EPERM, r.devices[0].desc.nr_queues = ~0U);
	ADOPT("queues of a region", EPERM, r.devices[1].desc.nr_queues = 1);
	ADOPT("no type", EINVAL, r.devices[0].type[0] = 0);
	ADOPT("reserved field of a device", EINVAL, r.devices[0].reserved = 1);
	ADOPT("a device's configuration nowhere", EFAULT,
	      r.devices[0].config = 8, r.devices[0].config_len = 16);
	ADOPT("a device's configuration too long", EINVAL,
	      r.devices[0].config_len = 65537);
	ADOPT("configuration nowhere", EFAULT, r.create.config = 8, r.create.config_len = 1);
	ADOPT("configuration too long", EINVAL, r.create.config_len = 65537);
	ADOPT("flags", EINVAL, r.create.flags = 1);
	ADOPT("reserved", EINVAL, r.create.reserved = 1);
	ADOPT("another cell", EINVAL, cell++);
	cell--;
}

/* What an orphan has not, and what it has. */
static void try_orphan(void)
{
	struct hvisor_cell_op load = { .size = sizeof(load), .id = cell };
	struct hvisor_cell_start start = { .size = sizeof(start), .id = cell };
	struct hvisor_cell_memory memory = { .size = sizeof(memory), .id = cell };
	struct hvisor_bind bind = {
		.size = sizeof(bind), .role = HVISOR_ROLE_DEVICE, .cell = cell,
	};
	int fd = open("/dev/hvisor", O_RDWR | O_CLOEXEC);

	check("load", ioctl(monitor, HVISOR_CELL_LOAD, &load), EOWNERDEAD);
	check("start", ioctl(monitor, HVISOR_CELL_START, &start), EOWNERDEAD);
	check("memory", ioctl(monitor, HVISOR_CELL_MEMORY, &memory), EOWNERDEAD);
	check("bind to a device", ioctl(fd, HVISOR_BIND, &bind), ENODEV);
	close(fd);
}

static void reload(const char *command)
{
	errno = EILSEQ;
	check(command, system(command) ? -1 : 0, 0);
}

int main(void)
{
	struct hvisor_cell_op op = { .size = sizeof(op) };
	struct hvisor_cell_memory memory = { .size = sizeof(memory) };
	int control, device;
	struct request r;

	memory_init();
	control = open_bound(HVISOR_ROLE_CONTROL, 0, 0);
	request_init(&r);
	check("create", ioctl(control, HVISOR_CELL_CREATE, &r.create), 0);
	cell = op.id = memory.id = r.create.id;
	monitor = open_bound(HVISOR_ROLE_MONITOR, cell, 0);
	check("adopt what is no orphan", adopt(&r), EBUSY);
	close(monitor);
	close(control);
	reload("rmmod hvisor");
	reload("modprobe hvisor");
	control = open_bound(HVISOR_ROLE_CONTROL, 0, 0);
	monitor = open_bound(HVISOR_ROLE_MONITOR, cell, 0);
	try_orphan();
	try_memory();
	try_devices();
	try_orphan();
	ADOPT("what it is", 0, (void)r);
	ADOPT("twice", EBUSY, (void)r);
	check("memory", ioctl(monitor, HVISOR_CELL_MEMORY, &memory), 0);
	close(memory.fd);
	device = open_bound(HVISOR_ROLE_DEVICE, cell, 0);
	close(device);
	close(monitor);
	check("destroy", ioctl(control, HVISOR_CELL_DESTROY, &op), 0);
	return check_end();
}
