/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shyper system daemon: starts monitors and backends where udev does not. */
#ifndef SHYPER_CLI_SUPERVISE_H
#define SHYPER_CLI_SUPERVISE_H

#include <shyper/shyper.h>

struct mediated;

/*
 * Serves all cells and devices that are there and that come, or those that
 * @mediated (may be NULL) names, until SIGTERM or SIGINT. 0 or a negative errno
 * with the report in @ctx.
 */
int supervise_run(struct shyper_ctx *ctx, const struct mediated *mediated);

#endif /* SHYPER_CLI_SUPERVISE_H */
