/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libshyper: cells, their devices and events, seen from root's user space.
 *
 * Rules that hold for every function here:
 *
 * - A function that can fail returns 0 or a positive count, or a negative errno.
 *   Objects come back through the last parameter, ret_..., which is untouched
 *   on failure. The explanation is in the context, see shyper/error.h.
 * - Nothing is printed, nobody exits, no signal mask, locale or folder changes.
 * - A context and all objects made from it belong to one thread at a time.
 *   There is no state outside of them.
 * - An object must be closed before its context is destroyed. Functions that
 *   free accept NULL and keep errno.
 * - Strings that are returned belong to the object, unless said otherwise.
 */
#ifndef SHYPER_SHYPER_H
#define SHYPER_SHYPER_H

#ifdef __cplusplus
extern "C" {
#endif

#define SHYPER_API __attribute__((visibility("default")))

struct shyper_ctx;

/* -ENOMEM is the only failure. */
SHYPER_API int shyper_ctx_create(struct shyper_ctx **ret_ctx);
SHYPER_API void shyper_ctx_destroy(struct shyper_ctx *ctx);

/*
 * Looks for every absolute path (/sys, /proc, /dev, /run, files named by a
 * configuration) below @root instead. For recorded trees; "" is the default.
 */
SHYPER_API int shyper_ctx_set_root(struct shyper_ctx *ctx, const char *root);

/*
 * 0 if EL2 runs below and the module is loaded. -ENODEV: the report says which
 * of the two is missing.
 */
SHYPER_API int shyper_ctx_probe(struct shyper_ctx *ctx);

#ifdef __cplusplus
}
#endif

#include <shyper/error.h>
#include <shyper/cell.h>
#include <shyper/config.h>
#include <shyper/device.h>
#include <shyper/event.h>

#endif /* SHYPER_SHYPER_H */
