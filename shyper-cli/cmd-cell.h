/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handlers of "cell ..." that have a file of their own, and what they share. */
#ifndef SHYPER_CLI_CMD_CELL_H
#define SHYPER_CLI_CMD_CELL_H

#include <shyper/shyper.h>

#include "command.h"

enum cli_status cmd_cell_wait(const struct invocation *invocation);
enum cli_status cmd_cell_dump(const struct invocation *invocation);

/* "cell1 debian: running", what those print that change a cell. */
enum cli_status report_cell(const struct invocation *invocation,
			    const struct shyper_cell *cell);
/* The same of a cell that is no more. */
enum cli_status report_gone(const struct invocation *invocation,
			    const struct shyper_cell *cell);

#endif /* SHYPER_CLI_CMD_CELL_H */
