/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The context, and the rules of the whole library.
 *
 * Rules that hold for every function of libshyper, unless its header says
 * otherwise:
 *
 * - A function that can fail returns 0 or a positive count, or a negative errno.
 *   Objects come back through the last parameter, ret_..., which is untouched
 *   on failure. The explanation is in the context, see shyper/error.h.
 * - Any of them can return -ENOMEM. Those that look into sysfs return -ENODEV
 *   where the module is not loaded, or the hypervisor does not run below; those
 *   that change something -EPERM to who has no CAP_SYS_ADMIN. What else a
 *   function returns by design stands beside it; other values of errno come from
 *   the kernel, and the report says of which file or call.
 * - Nothing is printed, nobody exits, no signal mask, locale or folder changes.
 *   Descriptors are close-on-exec. A signal does not interrupt what waits.
 * - A context and all objects made from it belong to one thread at a time.
 *   There is no state outside of them, so threads with a context each do not
 *   disturb each other.
 * - An object must be closed before its context is destroyed. Functions that
 *   free accept NULL and keep errno; other pointers may not be NULL.
 * - Strings that are returned belong to the object and are valid until it is
 *   refreshed or freed; those that are passed in are copied.
 * - Sizes are in bytes, times in milliseconds (..._ms) of the monotonic clock.
 *   Text is UTF-8; names have letters, digits, "_" and "-".
 */
#ifndef SHYPER_CTX_H
#define SHYPER_CTX_H

#ifdef __cplusplus
extern "C" {
#endif

#define SHYPER_API __attribute__((visibility("default")))

struct shyper_ctx;

/* @ret_ctx is freed by shyper_ctx_destroy(). -ENOMEM is the only failure. */
SHYPER_API int shyper_ctx_create(struct shyper_ctx **ret_ctx);
SHYPER_API void shyper_ctx_destroy(struct shyper_ctx *ctx);

/*
 * Looks for every absolute path (/sys, /proc, /dev, /run, files named by a
 * configuration) below the folder @root instead. For recorded trees; "" is the
 * default.
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
