/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The prompt. */
#ifndef SHYPER_CLI_SHELL_H
#define SHYPER_CLI_SHELL_H

#include "command.h"

/* Reads and carries out commands until exit or ^D; CLI_DONE. */
enum cli_status shell_run(struct session *session);

#endif /* SHYPER_CLI_SHELL_H */
