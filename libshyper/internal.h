/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside of libshyper: the context, its error report, small helpers.
 *
 * A public function calls ctx_begin() first and public functions never (they
 * would clear the report); what they share is internal.
 */
#ifndef LIBSHYPER_INTERNAL_H
#define LIBSHYPER_INTERNAL_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shyper/ctx.h>
#include <shyper/error.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PRINTF(f, a)	__attribute__((format(printf, f, a)))

struct shyper_ctx {
	struct shyper_error error;
	char *root;
};

/* Forgets the report of the call before. */
void ctx_begin(struct shyper_ctx *ctx);

/*
 * Explains a failure, unless one is explained already (the first cause wins).
 * Returns @code, so that "return error_set(...)" reads well. @location may be
 * NULL.
 */
int error_set(struct shyper_ctx *ctx, int code, const char *subject,
	      const char *location, const char *format, ...) PRINTF(5, 6);
/* Adds what to do; the first one stays. */
void error_hint(struct shyper_ctx *ctx, const char *format, ...) PRINTF(2, 3);
/*
 * The same, where it is told why nothing serves @sysname, what shyper-TYPE should:
 * by systemd, or by the daemon where that does not run.
 */
void error_hint_service(struct shyper_ctx *ctx, const char *type, const char *sysname);
int error_no_memory(struct shyper_ctx *ctx);

/* The context's root and the formatted absolute path; freed by free(). */
char *ctx_path(const struct shyper_ctx *ctx, const char *format, ...) PRINTF(2, 3);

/* Formats into @buffer and says whether all of it fitted. */
bool text_format(char *buffer, size_t size, const char *format, ...) PRINTF(3, 4);
bool text_copy(char *buffer, size_t size, const char *text);
/* [A-Za-z0-9_-]+ and shorter than @size. */
bool name_is_valid(const char *name, size_t size);

/* free() that keeps errno, and close() that keeps errno and takes -1. */
void free_keep_errno(void *p);
void close_keep_errno(int fd);

/* Milliseconds of CLOCK_MONOTONIC; and a nap between two looks. */
uint64_t now_ms(void);
void nap_ms(unsigned int ms);

#endif /* LIBSHYPER_INTERNAL_H */
