/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carries out the lines of a file. */
#ifndef SHYPER_CLI_BATCH_H
#define SHYPER_CLI_BATCH_H

#include "command.h"

/*
 * Ends with the first line that fails, unless @go_on. Faults are reported as
 * FILE:LINE. @path "-": standard input. Returns the first failure.
 */
enum cli_status batch_run(struct session *session, const char *path,
			  bool go_on);

#endif /* SHYPER_CLI_BATCH_H */
