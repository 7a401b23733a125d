// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cells and devices as they come, change and go. */
#include <poll.h>
#include <stdio.h>

#include <shyper/shyper.h>

static const char *const words[] = {
	[SHYPER_EVENT_CELL_ADDED] = "cell added",
	[SHYPER_EVENT_CELL_CHANGED] = "cell changed",
	[SHYPER_EVENT_CELL_REMOVED] = "cell removed",
	[SHYPER_EVENT_DEVICE_ADDED] = "device added",
	[SHYPER_EVENT_DEVICE_CHANGED] = "device changed",
	[SHYPER_EVENT_DEVICE_REMOVED] = "device removed",
};

int main(void)
{
	struct pollfd poll_fd = { .events = POLLIN };
	struct shyper_events *events;
	struct shyper_event event;
	struct shyper_ctx *ctx;
	int err;

	if (shyper_ctx_create(&ctx))
		return 1;
	err = shyper_events_open(ctx, &events);
	while (!err) {
		while ((err = shyper_events_read(events, &event)) > 0)
			printf("%s: %s %s\n", words[event.type], event.sysname,
			       event.state ? shyper_cell_state_name(event.state) :
					     event.device_type);
		fflush(stdout);
		poll_fd.fd = shyper_events_get_fd(events);
		if (!err && poll(&poll_fd, 1, -1) < 0)
			break;
	}
	fprintf(stderr, "%s\n", shyper_ctx_get_error(ctx)->text);
	return 1;
}
