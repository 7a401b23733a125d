/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct shyper_cell, and what the files that implement its verbs share. */
#ifndef LIBSHYPER_CELL_INTERNAL_H
#define LIBSHYPER_CELL_INTERNAL_H

#include <hvisor/cell.h>

#include <shyper/cell.h>

#include "internal.h"

#define DEFAULT_TIMEOUT_MS	30000

struct shyper_cell {
	struct shyper_ctx *ctx;
	unsigned int id;
	char sysname[24];
	char name[HVISOR_CELL_NAME_LEN];
	enum shyper_cell_state state;
	char reason[16];
	char cpus[128];
	uint64_t memory;
	uint64_t starts;
	uint64_t uptime_ms;
	bool orphaned;
};

int cell_open_id(struct shyper_ctx *ctx, unsigned int id,
		 struct shyper_cell **ret_cell);
int cell_open_named(struct shyper_ctx *ctx, const char *name,
		    struct shyper_cell **ret_cell);
/* Reads sysfs again; explains why not. */
int cell_refresh(struct shyper_cell *cell);
/* Explains @err of one of its files in sysfs, and returns it. */
int cell_explain(struct shyper_cell *cell, int err);
/* Cells in @ret_cells up to a NULL. One that goes meanwhile is left out. */
int cell_list(struct shyper_ctx *ctx, struct shyper_cell ***ret_cells);
/* "cell NAME", for reports. */
const char *cell_subject(const char *name, char *buffer, size_t size);
/* What HVISOR_CELL_* and HVISOR_REASON_* are here. */
enum shyper_cell_state cell_state_from_uapi(uint32_t state);
const char *cell_reason_from_uapi(uint32_t reason);
/* The constant string that is equal to @word, or "unknown". */
const char *cell_reason_parse(const char *word);
/* Explains -ENODEV of /sys/class/hvisor. */
int cell_class_missing(struct shyper_ctx *ctx);

/*
 * Reads the configuration that the kernel keeps for a cell; the machine is not
 * looked at, since the cell exists.
 */
int cell_read_config(struct shyper_ctx *ctx, const char *sysname,
		     struct shyper_config **ret_config);

struct hvisor_device_setup;
struct hvisor_memory_region;

/* RAM and the regions, one behind the other in a file; returns how many. */
unsigned int cell_describe_memory(const struct shyper_config *config, int fd,
				  struct hvisor_memory_region *regions);

/* What the module is told of the cell's devices, the early console too. */
void cell_describe_devices(const struct shyper_config *config,
			   struct hvisor_device_setup *setups);

#endif /* LIBSHYPER_CELL_INTERNAL_H */
