// SPDX-License-Identifier: LGPL-2.1-or-later
/* Starts a cell and waits for its end. usage: run-cell CELL */
#include <stdio.h>

#include <shyper/shyper.h>

int main(int argc, char **argv)
{
	struct shyper_cell *cell = NULL;
	struct shyper_ctx *ctx;
	char text[512];
	int err;

	if (argc != 2 || shyper_ctx_create(&ctx))
		return 2;
	err = shyper_cell_open(ctx, argv[1], &cell);
	if (!err)
		err = shyper_cell_start(cell, 0);
	if (!err)
		err = shyper_cell_wait(cell, 1 << SHYPER_CELL_STOPPED |
				       1 << SHYPER_CELL_FAILED, SHYPER_FOREVER);
	if (err) {
		shyper_error_format(shyper_ctx_get_error(ctx), text, sizeof(text));
		fprintf(stderr, "%s\n", text);
	} else {
		printf("%s: %s\n", shyper_cell_state_name(shyper_cell_get_state(cell)),
		       shyper_cell_get_reason(cell));
	}
	shyper_cell_close(cell);
	shyper_ctx_destroy(ctx);
	return err ? 1 : 0;
}
