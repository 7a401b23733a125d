// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Events. The order is what makes them complete: first the monitor is opened,
 * then what exists is listed. What is reported by both is known already and
 * dropped; what was lost (ENOBUFS) is found by listing again and comparing.
 *
 * The set of known names is small, so it is a list that is searched.
 */
#include <shyper/event.h>

#include <libudev.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "sysfs.h"

#define RECEIVE_BUFFER	(1 << 20)

struct known {
	char sysname[SYSFS_NAME_LEN];
	bool is_seen;		/* by the listing under way */
};

struct shyper_events {
	struct shyper_ctx *ctx;
	struct udev *udev;
	struct udev_monitor *monitor;
	struct known *known;
	size_t nr_known;
	struct shyper_event *pending;	/* of a listing */
	size_t nr_pending;
	size_t next_pending;
	uint64_t listed;		/* the last uevent that the first listing covers */
};

static struct known *known_find(struct shyper_events *events, const char *sysname)
{
	size_t i;

	for (i = 0; i < events->nr_known; i++) {
		if (!strcmp(events->known[i].sysname, sysname))
			return &events->known[i];
	}
	return NULL;
}

static int known_add(struct shyper_events *events, const char *sysname)
{
	struct known *larger;

	larger = realloc(events->known, (events->nr_known + 1) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	events->known = larger;
	text_copy(larger[events->nr_known].sysname, SYSFS_NAME_LEN, sysname);
	larger[events->nr_known].is_seen = true;
	events->nr_known++;
	return 0;
}

static void known_remove(struct shyper_events *events, struct known *known)
{
	*known = events->known[--events->nr_known];
}

/* Fills in what the name and sysfs tell; the object may have gone again. */
static void event_fill(struct shyper_events *events, struct shyper_event *event,
		       enum shyper_event_type cell_type, const char *sysname)
{
	const struct shyper_ctx *ctx = events->ctx;
	const char *rest = "";
	unsigned int cell;
	char state[32];

	memset(event, 0, sizeof(*event));
	text_copy(event->sysname, sizeof(event->sysname), sysname);
	sysfs_parse_name(sysname, &cell, &rest);
	event->type = cell_type;
	if (*rest) {
		event->type += SHYPER_EVENT_DEVICE_ADDED - SHYPER_EVENT_CELL_ADDED;
		text_copy(event->name, sizeof(event->name), rest + 1);
		sysfs_read(ctx, sysname, "type", event->device_type,
			   sizeof(event->device_type));
		return;
	}
	sysfs_read(ctx, sysname, "name", event->name, sizeof(event->name));
	sysfs_read(ctx, sysname, "reason", event->reason, sizeof(event->reason));
	if (sysfs_read(ctx, sysname, "state", state, sizeof(state)) >= 0)
		event->state = shyper_cell_state_parse(state);
}

static int pending_add(struct shyper_events *events, enum shyper_event_type type,
		       const char *sysname)
{
	struct shyper_event *larger;

	larger = realloc(events->pending,
			 (events->nr_pending + 1) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	events->pending = larger;
	event_fill(events, &larger[events->nr_pending++], type, sysname);
	return 0;
}

static int list_added(struct shyper_events *events, bool is_initial)
{
	struct sysfs_name *names;
	struct known *known;
	int i, count, err = 0;

	count = sysfs_list(events->ctx, &names);
	if (count == -ENODEV)	/* the module may come later */
		return 0;
	if (count < 0)
		return count;
	for (i = 0; i < count && !err; i++) {
		known = known_find(events, names[i].name);
		if (known) {
			known->is_seen = true;
			continue;
		}
		err = known_add(events, names[i].name);
		if (!err)
			err = pending_add(events, SHYPER_EVENT_CELL_ADDED,
					  names[i].name);
		if (!err)
			events->pending[events->nr_pending - 1].is_initial =
				is_initial;
	}
	free(names);
	return err;
}

/* Lists what exists and makes events of the differences. */
static int list_again(struct shyper_events *events, bool is_initial)
{
	size_t i;
	int err;

	for (i = 0; i < events->nr_known; i++)
		events->known[i].is_seen = false;
	err = list_added(events, is_initial);
	for (i = 0; i < events->nr_known && !err;) {
		if (events->known[i].is_seen) {
			i++;
			continue;
		}
		err = pending_add(events, SHYPER_EVENT_CELL_REMOVED,
				  events->known[i].sysname);
		known_remove(events, &events->known[i]);
	}
	if (err)
		return error_set(events->ctx, err, SYSFS_CLASS, NULL,
				 "cannot be listed: %s", strerror(-err));
	return 0;
}

/*
 * udev's events come after its rules; where no udevd runs only the kernel's
 * are there.
 */
static const char *event_source(const struct shyper_ctx *ctx)
{
	char *path = ctx_path(ctx, "/run/udev/control");
	bool has_udevd = path && !access(path, F_OK);

	free_keep_errno(path);
	return has_udevd ? "udev" : "kernel";
}

static int listen_to_udev(struct shyper_events *events)
{
	int err;

	events->udev = udev_new();
	if (!events->udev)
		return -ENOMEM;
	events->monitor = udev_monitor_new_from_netlink(events->udev,
						event_source(events->ctx));
	if (!events->monitor)
		return -ENOMEM;
	/* A small buffer costs a listing, not an event: no need to insist. */
	udev_monitor_set_receive_buffer_size(events->monitor, RECEIVE_BUFFER);
	err = udev_monitor_filter_add_match_subsystem_devtype(events->monitor,
							      "hvisor", NULL);
	return err < 0 ? err : udev_monitor_enable_receiving(events->monitor);
}

/*
 * udev forwards an event when its rules are done: one of a state that is long left
 * may come behind the listing that shows the present one.
 */
static bool is_listed(const struct shyper_events *events, struct udev_device *device)
{
	const char *number = udev_device_get_property_value(device, "SEQNUM");

	return number && strtoull(number, NULL, 10) <= events->listed;
}

int shyper_events_open(struct shyper_ctx *ctx, struct shyper_events **ret_events)
{
	struct shyper_events *events;
	int err;

	ctx_begin(ctx);
	events = calloc(1, sizeof(*events));
	if (!events)
		return error_no_memory(ctx);
	events->ctx = ctx;
	err = listen_to_udev(events);
	events->listed = sysfs_last_uevent(ctx);
	if (err < 0)
		error_set(ctx, err, "udev", NULL, "cannot be listened to: %s",
			  strerror(-err));
	else
		err = list_again(events, true);
	if (err < 0) {
		shyper_events_close(events);
		return err;
	}
	*ret_events = events;
	return 0;
}

void shyper_events_close(struct shyper_events *events)
{
	int saved = errno;

	if (!events)
		return;
	udev_monitor_unref(events->monitor);
	udev_unref(events->udev);
	free(events->pending);
	free(events->known);
	free(events);
	errno = saved;
}

int shyper_events_get_fd(const struct shyper_events *events)
{
	return udev_monitor_get_fd(events->monitor);
}

static void take_property(struct udev_device *device, const char *key,
			  char *buffer, size_t size)
{
	const char *value = udev_device_get_property_value(device, key);

	if (value)
		text_copy(buffer, size, value);
}

/* The kernel's word is a state, or what else happened: then sysfs tells the state. */
static void take_state(struct udev_device *device, struct shyper_event *event)
{
	const char *word = udev_device_get_property_value(device, "HVISOR_EVENT");
	enum shyper_cell_state state = word ? shyper_cell_state_parse(word) :
					      SHYPER_CELL_UNKNOWN;

	if (state != SHYPER_CELL_UNKNOWN)
		event->state = state;
}

/* What the event itself tells is truer than what sysfs says by now. */
static void take_properties(struct udev_device *device, struct shyper_event *event)
{
	if (event->type >= SHYPER_EVENT_DEVICE_ADDED) {
		take_property(device, "HVISOR_DEVICE_TYPE", event->device_type,
			      sizeof(event->device_type));
		take_property(device, "HVISOR_EVENT", event->change,
			      sizeof(event->change));
		return;
	}
	take_property(device, "HVISOR_CELL_NAME", event->name, sizeof(event->name));
	take_property(device, "HVISOR_REASON", event->reason, sizeof(event->reason));
	take_state(device, event);
}

/* 1: an event; 0: nothing that the caller does not know. */
static int take_device(struct shyper_events *events, struct udev_device *device,
		       struct shyper_event *ret_event)
{
	const char *sysname = udev_device_get_sysname(device);
	const char *action = udev_device_get_action(device);
	struct known *known;
	unsigned int cell;
	const char *rest;
	enum shyper_event_type type = SHYPER_EVENT_CELL_CHANGED;

	if (!action || is_listed(events, device) || !sysfs_parse_name(sysname, &cell, &rest))
		return 0;
	known = known_find(events, sysname);
	if (!strcmp(action, "remove")) {
		if (!known)
			return 0;
		known_remove(events, known);
		type = SHYPER_EVENT_CELL_REMOVED;
	} else if (!known) {
		if (known_add(events, sysname))
			return error_no_memory(events->ctx);
		type = SHYPER_EVENT_CELL_ADDED;
	} else if (!strcmp(action, "add")) {
		return 0;
	}
	event_fill(events, ret_event, type, sysname);
	take_properties(device, ret_event);
	return 1;
}

static int take_pending(struct shyper_events *events, struct shyper_event *ret_event)
{
	if (events->next_pending == events->nr_pending) {
		events->next_pending = 0;
		events->nr_pending = 0;
		return 0;
	}
	*ret_event = events->pending[events->next_pending++];
	return 1;
}

int shyper_events_read(struct shyper_events *events, struct shyper_event *ret_event)
{
	struct udev_device *device;
	int ret;

	ctx_begin(events->ctx);
	while (!take_pending(events, ret_event)) {
		errno = 0;
		device = udev_monitor_receive_device(events->monitor);
		if (device) {
			ret = take_device(events, device, ret_event);
			udev_device_unref(device);
			if (ret)
				return ret;
		} else if (errno == ENOBUFS) {
			ret = list_again(events, false);
			if (ret)
				return ret;
		} else {
			return 0;
		}
	}
	return 1;
}
