/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cells and devices as JSON values, and how text shows their members. */
#ifndef SHYPER_CLI_DESCRIBE_H
#define SHYPER_CLI_DESCRIBE_H

#include <shyper/shyper.h>

#include "output.h"

/* What "list" shows of each; NULL: out of memory. */
json_t *describe_cell(const struct shyper_cell *cell);
json_t *describe_device(struct shyper_device *device);

/* Named values as an object: numbers where they are decimal, else text. */
json_t *describe_values(const struct shyper_value *values, int count);

extern const struct output_field cell_columns[];
extern const struct output_field cell_fields[];
extern const struct output_field device_columns[];
extern const struct output_field device_fields[];

#endif /* SHYPER_CLI_DESCRIBE_H */
