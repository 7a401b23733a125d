/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How handlers reach the library, and how its failures become an exit status. */
#ifndef SHYPER_CLI_CONTEXT_H
#define SHYPER_CLI_CONTEXT_H

#include <shyper/shyper.h>

#include "command.h"

#define CONTEXT_CELLS_FOLDER	"/etc/shyper/cells"
/* What "cell wait" calls the state of a cell that was destroyed. */
#define CONTEXT_STATE_GONE	"gone"

/* The session's context, made at first need; NULL: said so on stderr. */
struct shyper_ctx *context_get(const struct invocation *invocation);

/* The same, and hypervisor and module are there; else says which is not. */
enum cli_status context_probe(const struct invocation *invocation,
			      struct shyper_ctx **ret_ctx);

/*
 * Puts the context's report of the call that returned @err on stderr.
 * @subject stands where the report has none.
 */
enum cli_status context_fail(const struct invocation *invocation,
			     const char *subject, int err);

/* Prints what is wrong with @config; CLI_FAILED: it cannot be used. */
enum cli_status context_report_findings(const struct invocation *invocation,
					const struct shyper_config *config);

/*
 * Opens the cell or device that the first argument names (a device by
 * "cell1.blk0" or "debian.blk0"); on failure says so.
 */
enum cli_status context_open_cell(const struct invocation *invocation,
				  struct shyper_cell **ret_cell);
enum cli_status context_open_device(const struct invocation *invocation,
				    struct shyper_device **ret_device);

/* The same for a name that may be either; what it is not stays NULL. */
enum cli_status context_open_target(const struct invocation *invocation,
				    struct shyper_cell **ret_cell,
				    struct shyper_device **ret_device);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t context_now_ms(void);

/*
 * Waits until @fd (-1: none) can be read: true; or until @ms have passed (-1: for
 * ever) or somebody interrupts: false.
 */
bool context_wait(int fd, int64_t ms);

/*
 * Between the two SIGINT does not end the program: it interrupts what waits
 * (-EINTR) and makes context_is_interrupted() true.
 */
void context_catch_interrupt(void);
void context_release_interrupt(void);
bool context_is_interrupted(void);

#endif /* SHYPER_CLI_CONTEXT_H */
