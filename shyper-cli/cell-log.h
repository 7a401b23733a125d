/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logs of cells, and of the hypervisor, which is cell 0's. */
#ifndef SHYPER_CLI_CELL_LOG_H
#define SHYPER_CLI_CELL_LOG_H

#include <shyper/shyper.h>

#include "command.h"

/*
 * Prints what there is; with the option --follow goes on until ^C or the cell
 * has gone. With --json one object for each piece of text that was read.
 */
enum cli_status cell_print_log(const struct invocation *invocation,
			       struct shyper_cell *cell);

#endif /* SHYPER_CLI_CELL_LOG_H */
