/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation tables, stage 1 of EL2 and stage 2 of the cells alike: 4 KiB
 * granule, blocks of 1 GiB and 2 MiB. Live blocks are never split.
 */
#ifndef HV_PAGING_H
#define HV_PAGING_H

#include "types.h"

#define PAGING_LEVELS	4

/* Leaf no larger than a page, even where a block would fit. */
#define PAGING_PAGES	BIT(0)

struct paging;

struct paging_ops {
	/* A zeroed page, or NULL. */
	void *(*alloc)(void);
	void (*free)(void *page);
	/* Makes stores to tables visible to the walker. */
	void (*sync)(void);
	/* Nobody uses an old translation of the range after the return. */
	void (*flush)(const struct paging *pg, u64 virt, u64 size);
};

/**
 * struct paging - one translation regime
 * @root: first table, or several concatenated ones
 * @start: level of @root, 0 to 3
 * @bits: input address bits
 * @vmid: for flush; 0 is EL2's own stage 1
 */
struct paging {
	u64 *root;
	u8 start;
	u8 bits;
	u16 vmid;
	const struct paging_ops *ops;
};

/* Pages that @root needs with this input size and start level. */
unsigned int paging_root_pages(unsigned int bits, unsigned int start);

/*
 * Maps the range, page aligned, with descriptor attributes @attrs. Nothing is
 * changed on failure (tables may stay). -EINVAL: alignment, range. -EEXIST:
 * something is mapped there. -ENOMEM.
 */
int paging_map(struct paging *pg, u64 virt, u64 phys, u64 size, u64 attrs, unsigned int flags);

/*
 * Unmaps all that is mapped in the range. -EINVAL: it would split a block;
 * nothing is changed then. Needs no memory.
 */
int paging_unmap(struct paging *pg, u64 virt, u64 size);

/* Makes tables down to the last level for the 2 MiB aligned range. */
int paging_prepare(struct paging *pg, u64 virt, u64 size);

/*
 * Leaf descriptor for @virt, 0: none. @walk, if not NULL, gets the
 * descriptors met, by level.
 */
u64 paging_walk(const struct paging *pg, u64 virt, u64 walk[PAGING_LEVELS]);

/*
 * First leaf that reaches beyond *@virt, looked for in *@steps entries at the
 * most; *@virt becomes its start, *@ret_size its size. 0: none; *@virt is then
 * where to go on, or the end of the input range. *@steps is counted down.
 */
u64 paging_next(const struct paging *pg, u64 *virt, u64 *ret_size, u32 *steps);

/* Is anything mapped in the range? */
bool paging_mapped(const struct paging *pg, u64 virt, u64 size);

/* Frees all tables, the root too. Nobody may walk them any more. */
void paging_destroy(struct paging *pg);

#endif /* HV_PAGING_H */
