/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file that tells the daemon which devices it serves, and what it changes of
 * their configuration; see shyper-cell(5).
 *
 *   { "version": 1,
 *     "mediated": [ { "cell": "debian", "device": "blk0", "path": "..." } ] }
 *
 * All members of an entry but "cell" and "device" stand in the place of those
 * of the device's own configuration.
 */
#ifndef SHYPER_CLI_MEDIATED_H
#define SHYPER_CLI_MEDIATED_H

#include <jansson.h>
#include <stdbool.h>

struct mediated;

/* Of a text that shyper_config_load_mediated() found right. NULL: out of memory. */
struct mediated *mediated_parse(const char *text);
void mediated_free(struct mediated *mediated);

/* Whether the file has an entry for the cell, or the device of it. */
bool mediated_has_cell(const struct mediated *mediated, const char *cell);
bool mediated_has_device(const struct mediated *mediated, const char *cell,
			 const char *device);

/* Changes @config as the entry says; false: the entry changes nothing. */
bool mediated_override(const struct mediated *mediated, const char *cell,
		       const char *device, json_t *config);

#endif /* SHYPER_CLI_MEDIATED_H */
