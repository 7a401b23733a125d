/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events: cells and devices that come, change and go. The source is udev (after
 * its rules), or the kernel's uevents where no udevd runs. What exists already
 * comes first, as ADDED; nothing is missed, nothing comes twice, and nothing that
 * was over before the events were opened comes late.
 */
#ifndef SHYPER_EVENT_H
#define SHYPER_EVENT_H

#include <stdbool.h>

#include <shyper/cell.h>
#include <shyper/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shyper_events;

enum shyper_event_type {
	SHYPER_EVENT_CELL_ADDED,
	SHYPER_EVENT_CELL_CHANGED,
	SHYPER_EVENT_CELL_REMOVED,
	SHYPER_EVENT_DEVICE_ADDED,
	SHYPER_EVENT_DEVICE_CHANGED,
	SHYPER_EVENT_DEVICE_REMOVED,
};

/**
 * struct shyper_event - something happened
 * @type: what
 * @is_initial: ADDED, because it was there when the events were opened
 * @sysname: "cell1" or "cell1.blk0"
 * @name: of the cell or device, where the event tells it; else empty
 * @device_type: "blk" ...; empty for cells
 * @state: of a cell, as the event tells it, else as it was when that was read;
 *	SHYPER_CELL_UNKNOWN of one that had gone by then, and of devices
 * @reason: as shyper_cell_get_reason(); empty where not told; of a cell that was
 *	REMOVED "module": it runs on, but the module was removed
 * @change: of a device: "attached" or "detached", where the event is of its
 *	backend; else empty
 * @reserved: 0
 */
struct shyper_event {
	enum shyper_event_type type;
	bool is_initial;
	char sysname[64];
	char name[32];
	char device_type[16];
	enum shyper_cell_state state;
	char reason[16];
	char change[16];
	char reserved[48];
};

/*
 * @ret_events is freed by shyper_events_close(). Anybody may. Works without the
 * module, too: it may come later.
 */
SHYPER_API int shyper_events_open(struct shyper_ctx *ctx,
				  struct shyper_events **ret_events);
SHYPER_API void shyper_events_close(struct shyper_events *events);

/*
 * For poll(): readable when shyper_events_read() may have something. Read until
 * it returns 0 before the first poll.
 */
SHYPER_API int shyper_events_get_fd(const struct shyper_events *events);

/*
 * 1: @ret_event, which is the caller's, is filled; 0: nothing for now. Never
 * blocks. After an error what was known stays known: read again.
 */
SHYPER_API int shyper_events_read(struct shyper_events *events,
				  struct shyper_event *ret_event);

#ifdef __cplusplus
}
#endif

#endif /* SHYPER_EVENT_H */
