// SPDX-License-Identifier: LGPL-2.1-or-later
/* The error report of a context: the first cause wins. */
#include "internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct shyper_error *shyper_ctx_get_error(const struct shyper_ctx *ctx)
{
	return &ctx->error;
}

void shyper_error_format(const struct shyper_error *error, char *buffer,
			 size_t size)
{
	bool has_location = error->location[0];

	snprintf(buffer, size, "%s: %s%s%s", error->subject, error->location,
		 has_location ? ": " : "", error->text);
}

int error_set(struct shyper_ctx *ctx, int code, const char *subject,
	      const char *location, const char *format, ...)
{
	struct shyper_error *error = &ctx->error;
	va_list args;

	if (error->code)
		return code;
	error->code = code;
	text_copy(error->subject, sizeof(error->subject), subject);
	text_copy(error->location, sizeof(error->location),
		  location ? location : "");
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return code;
}

void error_hint(struct shyper_ctx *ctx, const char *format, ...)
{
	struct shyper_error *error = &ctx->error;
	va_list args;

	if (error->hint[0])
		return;
	va_start(args, format);
	vsnprintf(error->hint, sizeof(error->hint), format, args);
	va_end(args);
}

void error_hint_service(struct shyper_ctx *ctx, const char *type, const char *sysname)
{
	/* As sd_booted(3) looks for it. */
	char *path = ctx_path(ctx, "/run/systemd/system");
	bool has_systemd = path && !access(path, F_OK);

	free_keep_errno(path);
	if (has_systemd)
		error_hint(ctx, "see `systemctl status shyper-%s@%s`", type, sysname);
	else
		error_hint(ctx, "see whether `shyper system daemon` runs, and what it logged of %s",
			   sysname);
}

int error_no_memory(struct shyper_ctx *ctx)
{
	return error_set(ctx, -ENOMEM, "shyper", NULL, "out of memory");
}
