/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a monitor holds of its cell: the role of its only monitor, its memory,
 * and the knowledge of its state; over the time that the module is away, too
 * (docs/theory-cells.md, The module goes and comes).
 *
 * /dev/hvisor is open only while holder_bind()'s descriptor is, so that the
 * module can go.
 */
#ifndef LIBSHYPER_HOLDER_H
#define LIBSHYPER_HOLDER_H

#include <shyper/monitor.h>

#include "uapi.h"

struct udev;
struct udev_monitor;

/**
 * struct holder - all of it is the implementation's
 * @lock: the lock file of the cell's only monitor
 * @state_fd: the cell's "state" in sysfs: tells whether this cell, and not
 *	another one of its number, is there; -1: the module is away
 * @region: its memory; @region.fd is the memfd
 * @memory: mapped
 * @events: the kernel's uevents, which do not depend on a udevd
 * @told: the state that was given last, if @has_told
 */
struct holder {
	struct shyper_ctx *ctx;
	unsigned int id;
	char sysname[24];
	struct shyper_config *config;
	int lock;
	int state_fd;
	struct hvisor_cell_memory region;
	void *memory;
	struct udev *udev;
	struct udev_monitor *events;
	struct shyper_monitor_state told;
	bool has_told;
};

/*
 * Takes the cell of that number. -EBUSY: it has a monitor. -EOWNERDEAD: it is
 * orphaned. Is to be closed even if it failed.
 */
int holder_open(struct holder *holder, struct shyper_ctx *ctx, unsigned int id);
void holder_close(struct holder *holder);

/* To be polled; readable: holder_read_state() may have something. */
int holder_get_fd(const struct holder *holder);

/*
 * 1: *@ret_state is another state than it gave before; 0: it is not, or the
 * module is away. Gives the module the cell's memory again when it is back; the
 * state is then told once more. -ENODEV: the cell has gone. -ESTALE: it has gone,
 * and another one has its number. Other errors pass: to be called again.
 */
int holder_read_state(struct holder *holder, struct shyper_monitor_state *ret_state);

/* /dev/hvisor, bound to the cell as its monitor; to be closed soon. */
int holder_bind(const struct holder *holder);

#endif /* LIBSHYPER_HOLDER_H */
