// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A monitor's hold on its cell.
 *
 * Whether a cell that is not in sysfs has been destroyed, or the module is away,
 * is told by "control": while it is there every cell is. Open files of sysfs make
 * that exact: one that can still be read belongs to the same cell, or the same
 * life of the module, as when it was opened.
 */
#include "holder.h"

#include <fcntl.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cell-config.h"
#include "cell-internal.h"
#include "sysfs.h"

/* -- the only monitor -- */

/* The file stays: who removed it could lock one that another waits for. */
static int take_lock(struct holder *holder)
{
	char name[64], *folder, *path;
	int err = 0;

	text_format(name, sizeof(name), "/run/shyper/%s.lock", holder->sysname);
	folder = ctx_path(holder->ctx, "/run/shyper");
	path = ctx_path(holder->ctx, name);
	if (folder && path) {
		mkdir(folder, 0755);
		holder->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (holder->lock < 0 || flock(holder->lock, LOCK_EX | LOCK_NB))
			err = -errno;
	}
	if (err == -EWOULDBLOCK)
		err = error_set(holder->ctx, -EBUSY, holder->sysname, NULL,
				"another process serves it already");
	else if (err)
		error_set(holder->ctx, err, path, NULL, "cannot be locked: %s",
			  strerror(-err));
	else if (!folder || !path)
		err = error_no_memory(holder->ctx);
	free(folder);
	free(path);
	return err;
}

/* -- what wakes it -- */

static int listen_to_kernel(struct holder *holder)
{
	int err = -ENOMEM;

	holder->udev = udev_new();
	if (holder->udev)
		holder->events = udev_monitor_new_from_netlink(holder->udev, "kernel");
	if (holder->events)
		err = udev_monitor_filter_add_match_subsystem_devtype(holder->events,
								      "hvisor", NULL);
	if (!err)
		err = udev_monitor_enable_receiving(holder->events);
	if (err < 0)
		return error_set(holder->ctx, err, holder->sysname, NULL,
				 "events of the kernel cannot be listened to: %s",
				 strerror(-err));
	return 0;
}

/* What the events say is read from sysfs; so none that is lost matters. */
static void drain_events(struct holder *holder)
{
	struct udev_device *device;

	do {
		errno = 0;
		device = udev_monitor_receive_device(holder->events);
		udev_device_unref(device);
	} while (device || errno == ENOBUFS);
}

int holder_get_fd(const struct holder *holder)
{
	return udev_monitor_get_fd(holder->events);
}

/* -- memory -- */

static int map_memory(struct holder *holder)
{
	struct hvisor_cell_memory *region = &holder->region;

	if (region->ipa != holder->config->memory_ipa || region->offset ||
	    region->length != holder->config->memory)
		return error_set(holder->ctx, -EINVAL, holder->sysname, "memory",
				 "is not what the configuration says");
	/* The regions are behind it (cell_describe_memory()). */
	holder->memory = mmap(NULL, config_total_memory(holder->config),
			      PROT_READ | PROT_WRITE, MAP_SHARED, region->fd, 0);
	if (holder->memory != MAP_FAILED)
		return 0;
	holder->memory = NULL;
	return error_set(holder->ctx, -errno, holder->sysname, "memory",
			 "cannot be mapped: %s", strerror(errno));
}

static int take_memory(struct holder *holder)
{
	struct hvisor_cell_memory region = { .id = holder->id };
	int fd, err;

	fd = holder_bind(holder);
	if (fd < 0)
		return fd;
	err = uapi_cell_memory(fd, &region);
	close(fd);
	if (err)
		return error_set(holder->ctx, err, holder->sysname, "memory",
				 "is not given by the module: %s", strerror(-err));
	holder->region = region;
	return map_memory(holder);
}

int holder_bind(const struct holder *holder)
{
	int fd = uapi_open(holder->ctx, HVISOR_ROLE_MONITOR, holder->id, 0);
	char byte;

	if (fd < 0)
		return fd;
	/* Its number was not another's when it was bound if it is its own now. */
	if (pread(holder->state_fd, &byte, 1, 0) == 1)
		return fd;
	close(fd);
	return error_set(holder->ctx, -EAGAIN, holder->sysname, NULL,
			 "has gone, or the module was loaded anew");
}

/* -- state -- */

static int read_word(int fd, char *buffer, size_t size)
{
	ssize_t got = pread(fd, buffer, size - 1, 0);

	if (got < 0)
		return -errno;
	buffer[got] = '\0';
	buffer[strcspn(buffer, "\n")] = '\0';
	return 0;
}

/* Of one moment: the number of starts and the state are the same behind it. */
static int read_status(const struct holder *holder, struct shyper_monitor_state *state)
{
	char word[32], again[32], reason[32];
	const struct shyper_ctx *ctx = holder->ctx;
	const char *name = holder->sysname;
	uint64_t starts, later;
	int err, gone, tries = 10;

	do {
		err = sysfs_read_number(ctx, name, "starts", &starts);
		gone = read_word(holder->state_fd, word, sizeof(word));
		if (err >= 0)
			err = sysfs_read(ctx, name, "reason", reason, sizeof(reason));
		if (err >= 0)
			err = sysfs_read_number(ctx, name, "starts", &later);
		/* What was read by name is the cell's if it is still there. */
		if (!gone)
			gone = read_word(holder->state_fd, again, sizeof(again));
		/* The class has lost it before its open files have. */
		if (!gone && err == -ENOENT)
			gone = -ENODEV;
		if (gone || err < 0)
			return gone ? gone : err;
	} while ((starts != later || strcmp(word, again)) && --tries);
	state->state = shyper_cell_state_parse(word);
	state->reason = cell_reason_parse(reason);
	state->starts = starts;
	return 0;
}

/* -- the module is back -- */

static int call_adopt(struct holder *holder, struct hvisor_cell_adopt *adopt)
{
	int fd = uapi_open(holder->ctx, HVISOR_ROLE_MONITOR, holder->id, 0);
	int err;

	/*
	 * /dev/hvisor comes after control's "dev" and goes before it: that it is
	 * not there is no word of the cell's end. The next look tells what has gone.
	 */
	if (fd < 0)
		return fd == -ENODEV ? -ENXIO : fd;
	err = uapi_cell_adopt(fd, adopt);
	close(fd);
	switch (err) {
	case 0:
		return 0;
	case -ENODEV:
		return -ENXIO;
	case -EBUSY:
	case -EINVAL:
	case -EPERM:
		return error_set(holder->ctx, -ESTALE, holder->sysname, NULL,
				 "is another cell than before the module was loaded: %s",
				 strerror(-err));
	default:
		return error_set(holder->ctx, err, holder->sysname, NULL,
				 "cannot be given to the module again: %s",
				 strerror(-err));
	}
}

static int adopt(struct holder *holder)
{
	struct hvisor_device_setup setups[HVISOR_MAX_DEVICES];
	struct hvisor_memory_region regions[HVISOR_MAX_REGIONS];
	struct hvisor_cell_adopt adopt = {
		.id = holder->id,
		.regions = (uintptr_t)regions,
		.nr_regions = cell_describe_memory(holder->config, holder->region.fd,
						   regions),
		.devices = (uintptr_t)setups,
		.nr_devices = holder->config->nr_devices + 1,
		.config = (uintptr_t)holder->config->text,
		.config_len = (uint32_t)strlen(holder->config->text),
	};

	cell_describe_devices(holder->config, setups);
	return call_adopt(holder, &adopt);
}

/* The cell that has our number now, @fd being its "state". */
static int take_back(struct holder *holder, int fd)
{
	uint64_t orphaned;
	char byte;
	int err = sysfs_read_number(holder->ctx, holder->sysname, "orphaned", &orphaned);

	/* What was read by name is the cell's if it is still there. */
	if (err < 0 || pread(fd, &byte, 1, 0) != 1)
		return error_set(holder->ctx, err == -ENOMEM ? err : -ENXIO,
				 holder->sysname, NULL, "comes or goes just now");
	if (!orphaned)
		return error_set(holder->ctx, -ESTALE, holder->sysname, NULL,
				 "is another cell by now");
	err = adopt(holder);
	if (err)
		return err;
	holder->state_fd = fd;
	holder->has_told = false;
	return 0;
}

/* -EAGAIN: the module is away. */
static int come_back(struct holder *holder)
{
	int control = sysfs_open(holder->ctx, "control", "dev");
	int fd, err;
	char byte;

	if (control < 0)
		return -EAGAIN;
	fd = sysfs_open(holder->ctx, holder->sysname, "state");
	if (pread(control, &byte, 1, 0) != 1)
		err = -EAGAIN;
	else if (fd < 0 && fd != -ENOENT && fd != -ENODEV)
		err = fd;
	else if (fd < 0)
		err = error_set(holder->ctx, -ENODEV, holder->sysname, NULL,
				"the cell has gone");
	else
		err = take_back(holder, fd);
	close(control);
	if (err && fd >= 0)
		close(fd);
	return err;
}

static int look(struct holder *holder, struct shyper_monitor_state *state)
{
	int err = holder->state_fd < 0 ? -ENODEV : read_status(holder, state);

	if (err != -ENODEV)
		return err;
	if (holder->state_fd >= 0)
		close(holder->state_fd);
	holder->state_fd = -1;
	err = come_back(holder);
	if (err)
		return err;
	/* Gone again at once: the events of that are still to be read. */
	err = read_status(holder, state);
	return err == -ENODEV ? -EAGAIN : err;
}

static bool is_told(const struct holder *holder, const struct shyper_monitor_state *state)
{
	return holder->has_told && holder->told.state == state->state &&
	       holder->told.reason == state->reason &&
	       holder->told.starts == state->starts;
}

int holder_read_state(struct holder *holder, struct shyper_monitor_state *ret_state)
{
	struct shyper_monitor_state state;
	int err;

	drain_events(holder);
	err = look(holder, &state);
	if (err)
		return err == -EAGAIN ? 0 : err;
	if (is_told(holder, &state))
		return 0;
	holder->told = state;
	holder->has_told = true;
	*ret_state = state;
	return 1;
}

/* -- life -- */

/* Its memory went with the monitor that died while the module was away. */
static int explain_orphan(const struct holder *holder)
{
	error_set(holder->ctx, -EOWNERDEAD, holder->sysname, NULL,
		  "is orphaned: its monitor died while the module was away, and its memory's file with it");
	error_hint(holder->ctx, "it runs on without backends; stop or destroy it");
	return -EOWNERDEAD;
}

static int open_state(struct holder *holder)
{
	holder->state_fd = sysfs_open(holder->ctx, holder->sysname, "state");
	if (holder->state_fd < 0)
		return error_set(holder->ctx, -ENODEV, holder->sysname, NULL,
				 "does not exist");
	return 0;
}

/* With the lock: while the old monitor lives, who has it, it takes the cell back. */
static int check_orphan(const struct holder *holder)
{
	uint64_t orphaned = 0;

	sysfs_read_number(holder->ctx, holder->sysname, "orphaned", &orphaned);
	return orphaned ? explain_orphan(holder) : 0;
}

int holder_open(struct holder *holder, struct shyper_ctx *ctx, unsigned int id)
{
	int err;

	*holder = (struct holder){
		.ctx = ctx, .id = id, .lock = -1, .state_fd = -1, .region.fd = -1,
	};
	text_format(holder->sysname, sizeof(holder->sysname), "cell%u", id);
	err = open_state(holder);
	if (!err)
		err = take_lock(holder);
	if (!err)
		err = check_orphan(holder);
	if (!err)
		err = cell_read_config(ctx, holder->sysname, &holder->config);
	if (!err)
		err = listen_to_kernel(holder);
	return err ? err : take_memory(holder);
}

void holder_close(struct holder *holder)
{
	if (holder->memory)
		munmap(holder->memory, config_total_memory(holder->config));
	if (holder->region.fd >= 0)
		close(holder->region.fd);
	udev_monitor_unref(holder->events);
	udev_unref(holder->udev);
	if (holder->state_fd >= 0)
		close(holder->state_fd);
	if (holder->lock >= 0)
		close(holder->lock);
	shyper_config_free(holder->config);
}
