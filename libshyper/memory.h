/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory of a cell: hugepages of 2 MiB, a memfd of them, and who holds it.
 */
#ifndef LIBSHYPER_MEMORY_H
#define LIBSHYPER_MEMORY_H

#include <shyper/cell.h>

#include "internal.h"

/*
 * One at a time makes or destroys a cell through this library, so that the
 * numbers of free hugepages mean something. Returns a descriptor to close.
 */
int memory_lock(struct shyper_ctx *ctx);

/*
 * Sees to @count free hugepages. *@ret_before is what memory_restore() needs
 * to undo it. -ENOMEM: the report has the number missing.
 */
int memory_reserve(struct shyper_ctx *ctx, const char *cell, uint64_t count,
		   uint64_t *ret_before);
void memory_restore(struct shyper_ctx *ctx, uint64_t before);

/* Returns a memfd "shyper:CELL", fully allocated and sealed. */
int memory_create(struct shyper_ctx *ctx, const char *cell, uint64_t size);

/* Hugepages that are free. */
int memory_count_free(struct shyper_ctx *ctx, uint64_t *ret_count);
/* Waits until @target are free. -ETIMEDOUT: the report names who holds them. */
int memory_wait_free(struct shyper_ctx *ctx, const char *cell, uint64_t target,
		     unsigned int timeout_ms);

/* As shyper_memory_list_holders(), within the library. */
int memory_list_holders(struct shyper_ctx *ctx, const char *cell,
			struct shyper_holder **ret_holders);
/*
 * "shyper-blk (712), fio (800)": the processes that have the cell's memfd open
 * or mapped. Returns their number.
 */
int memory_find_holders(struct shyper_ctx *ctx, const char *cell, char *buffer,
			size_t size);

#endif /* LIBSHYPER_MEMORY_H */
