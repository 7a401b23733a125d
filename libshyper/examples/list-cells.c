// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cells and their devices. usage: list-cells [RECORDED-TREE] */
#include <stdio.h>

#include <shyper/shyper.h>

static void list_devices(struct shyper_ctx *ctx, const struct shyper_cell *cell)
{
	struct shyper_device **devices;
	int i, count = shyper_device_list(ctx, cell, &devices);

	for (i = 0; i < count; i++)
		printf("\t%s: %s\n", shyper_device_get_sysname(devices[i]),
		       shyper_device_get_type(devices[i]));
	if (count >= 0)
		shyper_device_list_free(devices);
}

int main(int argc, char **argv)
{
	struct shyper_cell **cells;
	struct shyper_ctx *ctx;
	int i, count;

	if (shyper_ctx_create(&ctx) || shyper_ctx_set_root(ctx, argc > 1 ? argv[1] : ""))
		return 1;
	count = shyper_cell_list(ctx, &cells);
	for (i = 0; i < count; i++) {
		printf("%s: %s\n", shyper_cell_get_name(cells[i]),
		       shyper_cell_state_name(shyper_cell_get_state(cells[i])));
		list_devices(ctx, cells[i]);
	}
	if (count < 0)
		fprintf(stderr, "%s\n", shyper_ctx_get_error(ctx)->text);
	else
		shyper_cell_list_free(cells);
	shyper_ctx_destroy(ctx);
	return count < 0;
}
