/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What "system status" tells, for others. */
#ifndef SHYPER_CLI_CMD_SYSTEM_H
#define SHYPER_CLI_CMD_SYSTEM_H

#include <shyper/shyper.h>

#include "output.h"

/* Hypervisor, CPUs, hugepages, and who holds memory of cells. */
json_t *describe_system(struct shyper_ctx *ctx);

extern const struct output_field system_fields[];

#endif /* SHYPER_CLI_CMD_SYSTEM_H */
