/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cells and devices do each second: differences of their counters. */
#ifndef SHYPER_CLI_RATES_H
#define SHYPER_CLI_RATES_H

#include <shyper/shyper.h>

#include "output.h"

/**
 * struct rates_target - what is looked at
 * @cell: of this cell alone, its sysname; NULL: of all
 * @device: of this device alone, its sysname; NULL: of all of the cells
 */
struct rates_target {
	const char *cell;
	const char *device;
};

/* All counters at one moment; json_decref() it. NULL: see the context. */
json_t *rates_sample(struct shyper_ctx *ctx, const struct rates_target *target);

/*
 * {"time":, "seconds":, "cells": [...], "devices": [...]}: the changes per second
 * of those that are in both samples.
 */
json_t *rates_between(const json_t *before, const json_t *after);

extern const struct output_field rates_cell_columns[];
extern const struct output_field rates_device_columns[];
/* Of one device, all of it. */
extern const struct output_field rates_device_fields[];

#endif /* SHYPER_CLI_RATES_H */
