/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The context, and the rules of the whole library.
 *
 * Rules that hold for every function of libshyper:
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
#ifndef SHYPER_CTX_H
#define SHYPER_CTX_H

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

#endif /* SHYPER_CTX_H */
