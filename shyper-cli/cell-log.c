// SPDX-License-Identifier: GPL-2.0-or-later
/* Logs of cells, and of the hypervisor, which is cell 0's. */
#include "cell-log.h"

#include <errno.h>
#include <stdio.h>

#include "context.h"
#include "output.h"

#define LOG_CHUNK	16384
#define FOLLOW_MS	200

static int print_log(const struct invocation *invocation,
		     struct shyper_cell *cell, uint64_t *position)
{
	char buffer[LOG_CHUNK];
	int length;

	while ((length = shyper_cell_read_log(cell, position, buffer,
					      sizeof(buffer))) > 0)
		output_text(invocation, "text", buffer, (size_t)length);
	fflush(stdout);
	return length;
}

static int follow_log(const struct invocation *invocation,
		      struct shyper_cell *cell)
{
	uint64_t position = 0;
	int err;

	context_catch_interrupt();
	do {
		err = print_log(invocation, cell, &position);
		if (err)
			break;
		context_wait(-1, FOLLOW_MS);
		/* Its number may be another cell's by now. */
		err = shyper_cell_refresh(cell);
	} while (!err && !context_is_interrupted() && !ferror(stdout));
	context_release_interrupt();
	/* That the cell has gone is the end of its log. */
	return err == -ENOENT ? 0 : err;
}

enum cli_status cell_print_log(const struct invocation *invocation,
			       struct shyper_cell *cell)
{
	uint64_t position = 0;
	int err;

	err = option_given(invocation, "follow") ?
		      follow_log(invocation, cell) :
		      print_log(invocation, cell, &position);
	return err ? context_fail(invocation, shyper_cell_get_name(cell), err) :
		     CLI_DONE;
}
