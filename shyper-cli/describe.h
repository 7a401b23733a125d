/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cells and devices as JSON values, and how text shows their members. */
#ifndef SHYPER_CLI_DESCRIBE_H
#define SHYPER_CLI_DESCRIBE_H

#include <shyper/shyper.h>

#include "output.h"

/* What "list" shows of each; NULL: out of memory. */
json_t *describe_cell(const struct shyper_cell *cell);
json_t *describe_device(struct shyper_device *device);
/* What "show" tells of one. */
json_t *describe_cell_fully(struct shyper_ctx *ctx, struct shyper_cell *cell);
json_t *describe_device_fully(struct shyper_ctx *ctx,
			      struct shyper_device *device);

/* Named values as an object: numbers where they are decimal, else text. */
json_t *describe_values(const struct shyper_value *values, int count);

/* ISO 8601, UTC: the time @ago_ms before now. */
#define DESCRIBE_TIME_SIZE	24
void describe_time(char *buffer, size_t size, uint64_t ago_ms);

/* Who waits for a backend of the cell, or for that of @device alone. */
json_t *describe_waiters(struct shyper_cell *cell, const char *device);
/* The processes that hold the memory of a cell, NULL: of all cells. */
json_t *describe_holders(struct shyper_ctx *ctx, const char *cell);

extern const struct output_field waiting_columns[];
extern const struct output_field holder_columns[];
extern const struct output_field cell_columns[];
extern const struct output_field cell_fields[];
extern const struct output_field device_columns[];
extern const struct output_field device_fields[];

#endif /* SHYPER_CLI_DESCRIBE_H */
