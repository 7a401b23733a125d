/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the monitor of a cell is made of: one process for each cell, which
 * loads its images, starts it, and hears of its end. shyper_cell_start() of
 * others talks to it through /run/shyper/cellN.sock, one JSON line each way:
 *
 *   {"op":"start"}     {"ok":true}
 *   {"op":"restart"}   {"ok":false,"code":-110,"text":"..."}
 *   {"op":"load"}
 *   {"op":"ping"}
 *
 * A request may hold "timeout_ms", and as "cell" the name of the cell that is meant:
 * its number may be another's by now. A refusal may hold "hint".
 *
 * A monitor opens itself, polls both descriptors and
 *  - on the event descriptor reads states (shyper_monitor_read_state) and obeys
 *    the restart policy;
 *  - on the socket takes requests (shyper_monitor_accept), does them by
 *    shyper_monitor_start(), _restart() or _load(), answers
 *    (shyper_monitor_answer).
 */
#ifndef SHYPER_MONITOR_H
#define SHYPER_MONITOR_H

#include <stdint.h>

#include <shyper/cell.h>
#include <shyper/config.h>
#include <shyper/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shyper_monitor;

enum shyper_monitor_op {
	SHYPER_MONITOR_PING,
	SHYPER_MONITOR_START,
	SHYPER_MONITOR_RESTART,
	SHYPER_MONITOR_LOAD,
};

/**
 * struct shyper_monitor_request - what somebody asked by the socket
 * @op: what
 * @timeout_ms: how long the asker waits; 0: not said
 * @fd: the connection, until it is answered
 */
struct shyper_monitor_request {
	enum shyper_monitor_op op;
	unsigned int timeout_ms;
	int fd;
};

/**
 * struct shyper_monitor_state - what the kernel reported
 * @reason: word as in sysfs, constant
 * @starts: as shyper_cell_get_starts()
 */
struct shyper_monitor_state {
	enum shyper_cell_state state;
	const char *reason;
	uint64_t starts;
};

/*
 * Becomes the monitor of @sysname ("cell1"): reads the cell's configuration,
 * takes and maps its memory, listens on the socket. @ret_monitor is
 * freed by shyper_monitor_close(). -EBUSY: it has a monitor already. -ENODEV: the
 * cell has gone.
 */
SHYPER_API int shyper_monitor_open(struct shyper_ctx *ctx, const char *sysname,
				   struct shyper_monitor **ret_monitor);
SHYPER_API void shyper_monitor_close(struct shyper_monitor *monitor);

/* Of the cell; belongs to the monitor. */
SHYPER_API const struct shyper_config *
shyper_monitor_get_config(const struct shyper_monitor *monitor);
/* Ready in whatever way: shyper_monitor_read_state() may have something. */
SHYPER_API int shyper_monitor_get_event_fd(const struct shyper_monitor *monitor);
/* POLLIN: shyper_monitor_accept() has something. */
SHYPER_API int shyper_monitor_get_socket_fd(const struct shyper_monitor *monitor);

/*
 * 1: filled; 0: nothing new, or the module is away. Gives the module the cell's
 * memory again when it is back, and then tells the state once more.
 * -ENODEV: the cell has gone; -ESTALE: and another one has its number. After any
 * other error the monitor still holds the cell: to be called again. Never blocks.
 */
SHYPER_API int shyper_monitor_read_state(struct shyper_monitor *monitor,
					 struct shyper_monitor_state *ret_state);

/*
 * 1: filled; 0: nobody, or somebody who said nothing sensible within a second
 * (answered and closed already).
 */
SHYPER_API int shyper_monitor_accept(struct shyper_monitor *monitor,
				     struct shyper_monitor_request *ret_request);
/*
 * Answers with @code and, if that is negative, the context's report; closes the
 * connection. To be called straight after the function that failed.
 */
SHYPER_API void shyper_monitor_answer(struct shyper_monitor *monitor,
				      const struct shyper_monitor_request *request,
				      int code);

/*
 * Loads the cell: waits until every device is declared and quiet (@timeout_ms;
 * 0: 30 s), writes kernel, initrd and device tree.
 * -EBUSY: it runs. -ETIMEDOUT: the report names the device.
 */
SHYPER_API int shyper_monitor_load(struct shyper_monitor *monitor,
				   unsigned int timeout_ms);
/* Starts the cell; loads it first unless it is what this monitor loaded. */
SHYPER_API int shyper_monitor_start(struct shyper_monitor *monitor,
				    unsigned int timeout_ms);
/* Stops it first if it runs. Errors as above, but for -EBUSY. */
SHYPER_API int shyper_monitor_restart(struct shyper_monitor *monitor,
				      unsigned int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* SHYPER_MONITOR_H */
