// SPDX-License-Identifier: LGPL-2.1-or-later
/* The context and the helpers that everybody here uses. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int shyper_ctx_create(struct shyper_ctx **ret_ctx)
{
	struct shyper_ctx *ctx;

	if (!ret_ctx)
		return -EINVAL;
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return -ENOMEM;
	ctx->root = strdup("");
	if (!ctx->root) {
		free(ctx);
		return -ENOMEM;
	}
	*ret_ctx = ctx;
	return 0;
}

void shyper_ctx_destroy(struct shyper_ctx *ctx)
{
	if (!ctx)
		return;
	free_keep_errno(ctx->root);
	free_keep_errno(ctx);
}

int shyper_ctx_set_root(struct shyper_ctx *ctx, const char *root)
{
	char *copy;

	ctx_begin(ctx);
	copy = strdup(root);
	if (!copy)
		return error_no_memory(ctx);
	free(ctx->root);
	ctx->root = copy;
	return 0;
}

void ctx_begin(struct shyper_ctx *ctx)
{
	memset(&ctx->error, 0, sizeof(ctx->error));
}

char *ctx_path(const struct shyper_ctx *ctx, const char *format, ...)
{
	char *tail, *path = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&tail, format, args);
	va_end(args);
	if (length < 0)
		return NULL;
	if (asprintf(&path, "%s%s", ctx->root, tail) < 0)
		path = NULL;
	free_keep_errno(tail);
	return path;
}

bool text_format(char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(buffer, size, format, args);
	va_end(args);
	return length >= 0 && (size_t)length < size;
}

bool text_copy(char *buffer, size_t size, const char *text)
{
	return text_format(buffer, size, "%s", text);
}

bool name_is_valid(const char *name, size_t size)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return length && !name[length] && length < size;
}

void free_keep_errno(void *p)
{
	int saved = errno;

	free(p);
	errno = saved;
}

void close_keep_errno(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void nap_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}
