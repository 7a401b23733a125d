// SPDX-License-Identifier: LGPL-2.1-or-later
/* A cell from calls, with a device for virtio-rng.c. usage: create-cell KERNEL INITRD */
#include <stdio.h>

#include <shyper/shyper.h>

static struct shyper_config *configure(struct shyper_ctx *ctx, char **argv)
{
	struct shyper_config *config = NULL;
	struct shyper_builder *builder;

	if (shyper_builder_create(ctx, "example", &builder))
		return NULL;
	shyper_builder_set_cpus(builder, 1);
	shyper_builder_set_memory(builder, 128 << 20);
	shyper_builder_set_kernel(builder, argv[1]);
	shyper_builder_set_initrd(builder, argv[2]);
	shyper_builder_set_cmdline(builder, "console=hvc0 shyper.small");
	shyper_builder_set_json(builder, "boot/kaslr", "false");
	shyper_builder_add_device(builder, "console", "con0");
	shyper_builder_add_device(builder, "user", "rng0");
	shyper_builder_set_device_number(builder, "rng0", "queues", 1);
	shyper_builder_finish(builder, &config);
	shyper_builder_destroy(builder);
	return config;
}

int main(int argc, char **argv)
{
	const struct shyper_finding *finding;
	struct shyper_config *config;
	struct shyper_cell *cell;
	struct shyper_ctx *ctx;
	int err = -1;

	if (argc != 3 || shyper_ctx_create(&ctx))
		return 2;
	config = configure(ctx, argv);
	for (size_t i = 0; config && (finding = shyper_config_get_finding(config, i)); i++)
		fprintf(stderr, "%s %s\n", finding->path, finding->text);
	if (config)
		err = shyper_cell_create(ctx, config, &cell);
	puts(err ? shyper_ctx_get_error(ctx)->text : shyper_cell_get_sysname(cell));
	return err ? 1 : 0;
}
