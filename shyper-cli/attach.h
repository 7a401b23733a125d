/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connects the terminal to the console of a cell. */
#ifndef SHYPER_CLI_ATTACH_H
#define SHYPER_CLI_ATTACH_H

#include <shyper/console.h>

#include "command.h"

/*
 * Copies between standard input and output and @console until ^] (terminal
 * only), or until the backend closes it. The end of a standard input that is no
 * terminal is handed on to the backend.
 */
enum cli_status attach_console(const struct invocation *invocation,
			       struct shyper_console *console);

#endif /* SHYPER_CLI_ATTACH_H */
