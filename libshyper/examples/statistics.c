// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is counted of a cell and its devices. usage: statistics CELL [RECORDED-TREE] */
#include <stdio.h>
#include <stdlib.h>

#include <shyper/shyper.h>

static void print(const char *name, int count, struct shyper_value *values)
{
	for (int i = 0; i < count; i++)
		printf("%s %s %s\n", name, values[i].name, values[i].value);
	if (count >= 0)
		free(values);
}

int main(int argc, char **argv)
{
	struct shyper_device **devices;
	struct shyper_value *values;
	struct shyper_cell *cell;
	struct shyper_ctx *ctx;
	int i, count, nr_devices;

	if (argc < 2 || shyper_ctx_create(&ctx) ||
	    shyper_ctx_set_root(ctx, argc > 2 ? argv[2] : ""))
		return 2;
	if (shyper_cell_open(ctx, argv[1], &cell)) {
		fprintf(stderr, "%s\n", shyper_ctx_get_error(ctx)->text);
		return 1;
	}
	count = shyper_cell_read_statistics(cell, &values);
	print(argv[1], count, values);
	nr_devices = shyper_device_list(ctx, cell, &devices);
	for (i = 0; i < nr_devices; i++) {
		count = shyper_device_read_statistics(devices[i], &values);
		print(shyper_device_get_sysname(devices[i]), count, values);
	}
	return nr_devices < 0;
}
