/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EL2's page pool, and the owner of each 2 MiB block of RAM. */
#ifndef HV_MEM_H
#define HV_MEM_H

#include "types.h"

#define MEM_MAX_BANKS	16

/* Values of the owner table; 0 to 16 are cells (0: root, not lent). */
#define MEM_OWNER_EL2	0xff
#define MEM_OWNER_NONE	0xfe	/* no RAM there */

/* The pool: [@base, @base + @size), page aligned, mapped, all free. */
void mem_init(u64 base, u64 size);

/* @pages zeroed pages, aligned to @align pages (a power of two); NULL: none. */
void *mem_alloc(unsigned int pages, unsigned int align);
void mem_free(void *addr, unsigned int pages);

u64 mem_pool_base(void);
u64 mem_pool_size(void);
u64 mem_pages_total(void);
u64 mem_pages_free(void);
/* From here on *@word is always the number of free pages. */
void mem_publish_free(u64 *word);

/* A bank of RAM, widened to blocks; its table comes from the pool. */
int mem_add_bank(u64 base, u64 size);
/* Marks the blocks of [@base, @base + @size) as EL2's. Boot only. */
void mem_reserve(u64 base, u64 size);
u8 mem_owner(u64 pa);

/*
 * Lends the block at @pa, root's and lent to nobody, to cell @id. -EINVAL: not
 * aligned. -EPERM: not root's RAM. -EBUSY: lent.
 */
int mem_lend(unsigned int id, u64 pa);
/* -EPERM: the block is not lent to @id. */
int mem_return(unsigned int id, u64 pa);

/* First block at or above @pa that is lent to @id; ~0: none. */
u64 mem_next(unsigned int id, u64 pa);

#endif /* HV_MEM_H */
