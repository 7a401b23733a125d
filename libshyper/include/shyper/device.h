/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual devices of cells, as sysfs shows them. A struct shyper_device is
 * what was there when it was opened; it holds no kernel resource. Backends use
 * shyper/virtio/backend.h. -ENOENT: the device does not exist (any more).
 */
#ifndef SHYPER_DEVICE_H
#define SHYPER_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include <shyper/cell.h>
#include <shyper/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shyper_device;

/* @sysname: "cell1.blk0". @ret_device is freed by shyper_device_close(). */
SHYPER_API int shyper_device_open(struct shyper_ctx *ctx, const char *sysname,
				  struct shyper_device **ret_device);
SHYPER_API void shyper_device_close(struct shyper_device *device);

/*
 * The devices of a cell (NULL: of all cells), by cell and index. Returns their
 * number. Freed with the devices in it by shyper_device_list_free().
 */
SHYPER_API int shyper_device_list(struct shyper_ctx *ctx,
				  const struct shyper_cell *cell,
				  struct shyper_device ***ret_devices);
SHYPER_API void shyper_device_list_free(struct shyper_device **devices);

SHYPER_API const char *shyper_device_get_sysname(const struct shyper_device *device);
/* "blk0" */
SHYPER_API const char *shyper_device_get_name(const struct shyper_device *device);
/* "blk", "console", "echo", "user" ... */
SHYPER_API const char *shyper_device_get_type(const struct shyper_device *device);
/* Id of its cell, and index in it: what a backend binds to. */
SHYPER_API unsigned int shyper_device_get_cell(const struct shyper_device *device);
SHYPER_API unsigned int shyper_device_get_index(const struct shyper_device *device);

/*
 * The JSON text of its configuration, NUL-terminated; @ret_text is freed by
 * free(). Returns its length. Root only.
 */
SHYPER_API int shyper_device_read_config(struct shyper_device *device,
					 char **ret_text);

/*
 * One file of the device's folder in sysfs, its first line, NUL-terminated, cut
 * to @size bytes. Returns the length of what is in @buffer.
 */
SHYPER_API int shyper_device_read_attribute(struct shyper_device *device,
					    const char *name, char *buffer,
					    size_t size);
/*
 * All values at one moment, in the kernel's order and under its names:
 * "requests", "in_flight", "queue0_size" ... Returns their number; freed by
 * free().
 */
SHYPER_API int shyper_device_read_statistics(struct shyper_device *device,
					     struct shyper_value **ret_values);

#ifdef __cplusplus
}
#endif

#endif /* SHYPER_DEVICE_H */
