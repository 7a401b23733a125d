/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shyper cell create --dry-run. */
#ifndef SHYPER_CLI_CELL_PLAN_H
#define SHYPER_CLI_CELL_PLAN_H

#include "context.h"

/* Prints what would become of @config, which is valid. */
enum cli_status cell_print_plan(const struct invocation *invocation,
				const struct shyper_config *config);

#endif /* SHYPER_CLI_CELL_PLAN_H */
