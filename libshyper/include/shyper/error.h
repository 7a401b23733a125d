/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The explanation of a failure: kept in the context, the first cause wins,
 * cleared when the next function that can fail is called with that context or
 * an object made from it.
 */
#ifndef SHYPER_ERROR_H
#define SHYPER_ERROR_H

#include <stddef.h>

#include <shyper/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct shyper_error - why the last call failed
 * @code: the negative errno that it returned; 0: it did not fail
 * @subject: what it is about: "cell debian", "/etc/shyper/cells/debian.json"
 * @location: where in it: "device blk0", "CPU 3", "/devices/0/path"; or empty
 * @text: why, one line without full stop
 * @hint: what to do, one line; empty where there is no obvious next step
 */
struct shyper_error {
	int code;
	char subject[128];
	char location[128];
	char text[384];
	char hint[192];
};

/* Never NULL; belongs to @ctx, valid until the next call with it. */
SHYPER_API const struct shyper_error *
shyper_ctx_get_error(const struct shyper_ctx *ctx);

/*
 * "subject: location: text", one line for a person, NUL-terminated, cut to
 * @size bytes.
 */
SHYPER_API void shyper_error_format(const struct shyper_error *error,
				    char *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* SHYPER_ERROR_H */
