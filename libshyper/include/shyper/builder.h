/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A configuration from calls instead of a file. Each call sets a key of the file
 * (configs/README.md lists them); what the keys hold is looked at by
 * shyper_builder_finish(), which goes the way that a file goes and has the same
 * findings.
 *
 *	shyper_builder_create(ctx, "rng", &builder);
 *	shyper_builder_set_cpus(builder, 1);
 *	shyper_builder_set_memory(builder, 128 << 20);
 *	shyper_builder_set_kernel(builder, "/boot/vmlinuz");
 *	shyper_builder_add_device(builder, "blk", "blk0");
 *	shyper_builder_set_device_text(builder, "blk0", "path", "/srv/disk.img");
 *	err = shyper_builder_finish(builder, &config);
 *	shyper_builder_destroy(builder);
 *
 * The calls in between can go unchecked: after the first that fails the others
 * do nothing and return its error, as shyper_builder_finish() does, with its
 * report. A key that is set twice has its last value. Texts are UTF-8, copied.
 *
 * All functions that return int: 0, or
 * -ENOMEM
 * -EINVAL: the text is no UTF-8 or no JSON; there is no such device
 */
#ifndef SHYPER_BUILDER_H
#define SHYPER_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shyper/config.h>
#include <shyper/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shyper_builder;

/* @name: of the cell. @ret_builder is freed by shyper_builder_destroy(). */
SHYPER_API int shyper_builder_create(struct shyper_ctx *ctx, const char *name,
				     struct shyper_builder **ret_builder);
SHYPER_API void shyper_builder_destroy(struct shyper_builder *builder);

/* So many CPUs, whichever are free; or the @count CPUs listed, by root's numbers. */
SHYPER_API int shyper_builder_set_cpus(struct shyper_builder *builder,
				       unsigned int count);
SHYPER_API int shyper_builder_set_cpu_list(struct shyper_builder *builder,
					   const unsigned int *cpus,
					   size_t count);
/* A multiple of 2 MiB. */
SHYPER_API int shyper_builder_set_memory(struct shyper_builder *builder,
					 uint64_t bytes);
/* Absolute paths; the guest's command line. */
SHYPER_API int shyper_builder_set_kernel(struct shyper_builder *builder,
					 const char *path);
SHYPER_API int shyper_builder_set_initrd(struct shyper_builder *builder,
					 const char *path);
SHYPER_API int shyper_builder_set_cmdline(struct shyper_builder *builder,
					  const char *text);
SHYPER_API int shyper_builder_set_restart(struct shyper_builder *builder,
					  enum shyper_restart restart);
/*
 * Any other key: @key of the file, or "boot/KEY" of its object "boot"; @json is
 * the value as it would stand in the file: "false", "\"text\"", "[ 2, 3 ]".
 */
SHYPER_API int shyper_builder_set_json(struct shyper_builder *builder,
				       const char *key, const char *json);

/* Adds a device. Devices are numbered, in findings too, in this order. */
SHYPER_API int shyper_builder_add_device(struct shyper_builder *builder,
					 const char *type, const char *name);
/* The same by the JSON object that would stand in the file. */
SHYPER_API int shyper_builder_add_device_json(struct shyper_builder *builder,
					      const char *json);

/* Sets a key of the device @device, by its name. */
SHYPER_API int shyper_builder_set_device_text(struct shyper_builder *builder,
					      const char *device, const char *key,
					      const char *text);
SHYPER_API int shyper_builder_set_device_number(struct shyper_builder *builder,
						const char *device,
						const char *key, int64_t number);
SHYPER_API int shyper_builder_set_device_flag(struct shyper_builder *builder,
					      const char *device, const char *key,
					      bool flag);
SHYPER_API int shyper_builder_set_device_json(struct shyper_builder *builder,
					      const char *device, const char *key,
					      const char *json);

/*
 * Reads and checks what was set, as shyper_config_load() does: 0 even with
 * findings. The configuration is independent of the builder, which can be
 * changed further and finished again. Freed by shyper_config_free().
 */
SHYPER_API int shyper_builder_finish(struct shyper_builder *builder,
				     struct shyper_config **ret_config);

#ifdef __cplusplus
}
#endif

#endif /* SHYPER_BUILDER_H */
