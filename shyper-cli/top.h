/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shyper top. */
#ifndef SHYPER_CLI_TOP_H
#define SHYPER_CLI_TOP_H

#include <shyper/shyper.h>

#include "command.h"

/*
 * Shows rates and waiting CPUs, on a terminal in place until q or ^C, else one
 * snapshot after the other; @count: as many, 0: no limit.
 */
enum cli_status top_run(const struct invocation *invocation,
			struct shyper_ctx *ctx, int64_t interval_ms,
			uint64_t count);

#endif /* SHYPER_CLI_TOP_H */
