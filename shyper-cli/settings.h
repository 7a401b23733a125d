/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was changed of a device's configuration since its cell was created: a
 * file in /run/shyper that backends read in place of the one in sysfs. It says of
 * which cell it is: another one that gets the number later has nothing of it.
 */
#ifndef SHYPER_CLI_SETTINGS_H
#define SHYPER_CLI_SETTINGS_H

#include <jansson.h>
#include <shyper/shyper.h>

/* The configuration that the next backend reads; NULL: it cannot be read. */
json_t *settings_read(struct shyper_ctx *ctx, struct shyper_device *device);

/*
 * Applies "KEY=VALUE" to @config, without VALUE as it was at first: 0. Else
 * a negative errno, @text says why: -EINVAL: no KEY=VALUE; -EPERM: what can be
 * changed does not hold this key; others: of VALUE and what it names.
 */
int settings_apply(struct shyper_device *device, json_t *config,
		   const char *setting, char *text, size_t size);

/* The key of a disk that is no key of a configuration. */
#define SETTINGS_SIZE	"size"

/*
 * Takes the size that settings_apply() has put into @config out of it, and makes
 * the disk's file so large: 0, or a negative errno, and @text says why.
 */
int settings_grow(json_t *config, char *text, size_t size);

/* Makes it what backends read: 0 or -errno. */
int settings_write(struct shyper_ctx *ctx, const struct shyper_device *device,
		   const json_t *config);

#endif /* SHYPER_CLI_SETTINGS_H */
