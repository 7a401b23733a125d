/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls of root. */
#ifndef HV_HYPERCALL_H
#define HV_HYPERCALL_H

#include <hvisor/hypercall.h>

#include "types.h"

/*
 * Arguments x1 to x5 and results: [0] is x0, [1] to [3] are x1 to x3. A
 * handler returns x0.
 */
struct hypercall {
	u64 arg[6];
	u64 result[4];
};

typedef s64 (*hypercall_handler)(struct hypercall *hc);

/* false: no such call for this cell. */
bool hypercall_handle(u32 nr, struct hypercall *hc);

/* Copies @size bytes of the calling CPU's argument page; the first word of it
 * must be @size. 0 or -EINVAL. */
int hypercall_copy_args(void *dst, u32 size);

/* Copies a result to the calling CPU's argument page. */
void hypercall_put_result(const void *src, u32 size);

/* The argument pages: made, and where. */
int hypercall_init(void);
u64 hypercall_args_pa(void);

/* cell-hypercall.c */
s64 hc_cell_create(struct hypercall *hc);
s64 hc_cell_add_memory(struct hypercall *hc);
s64 hc_cell_list_memory(struct hypercall *hc);
s64 hc_cell_load(struct hypercall *hc);
s64 hc_cell_start(struct hypercall *hc);
s64 hc_cell_stop(struct hypercall *hc);
s64 hc_cell_pause(struct hypercall *hc);
s64 hc_cell_resume(struct hypercall *hc);
s64 hc_cell_destroy(struct hypercall *hc);

#endif /* HV_HYPERCALL_H */
