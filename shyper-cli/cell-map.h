/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shyper cell show --map and --svg. */
#ifndef SHYPER_CLI_CELL_MAP_H
#define SHYPER_CLI_CELL_MAP_H

#include "context.h"

/* Draws who has which part of the machine's memory; with --json lists it. */
enum cli_status cell_print_map(const struct invocation *invocation, bool is_svg);

#endif /* SHYPER_CLI_CELL_MAP_H */
