// SPDX-License-Identifier: GPL-2.0-or-later
/* Logs of cells, and of the hypervisor, which is cell 0's. */
#include "cell-log.h"

#include <stdio.h>

#include "context.h"
#include "output.h"

#define LOG_CHUNK	16384
#define FOLLOW_MS	200

static enum cli_status print_log(const struct invocation *invocation,
				 struct shyper_cell *cell, uint64_t *position)
{
	char buffer[LOG_CHUNK];
	int length;

	while ((length = shyper_cell_read_log(cell, position, buffer,
					      sizeof(buffer))) > 0)
		output_text(invocation, "text", buffer, (size_t)length);
	fflush(stdout);
	return length ? context_fail(invocation, shyper_cell_get_name(cell),
				     length) : CLI_DONE;
}

static enum cli_status follow_log(const struct invocation *invocation,
				  struct shyper_cell *cell)
{
	enum cli_status status = CLI_DONE;
	uint64_t position = 0;

	context_catch_interrupt();
	while (!status && !context_is_interrupted() && !ferror(stdout)) {
		status = print_log(invocation, cell, &position);
		if (!status && shyper_cell_refresh(cell))
			break;
		context_wait(-1, FOLLOW_MS);
	}
	context_release_interrupt();
	return status;
}

enum cli_status cell_print_log(const struct invocation *invocation,
			       struct shyper_cell *cell)
{
	uint64_t position = 0;

	if (option_given(invocation, "follow"))
		return follow_log(invocation, cell);
	return print_log(invocation, cell, &position);
}
