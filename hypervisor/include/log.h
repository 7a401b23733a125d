/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log ring, read by root (struct hvisor_log). */
#ifndef HV_LOG_H
#define HV_LOG_H

#include "types.h"

struct hvisor_log;

/* Makes a ring of @pages pages from the pool; NULL: pool is empty. */
struct hvisor_log *log_create(unsigned int pages);
/* Context: the caller holds the ring's lock, or is its only writer. */
void log_write(struct hvisor_log *log, const char *text, size_t len);

/* EL2's own ring. Before log_init() the text is dropped. */
int log_init(void);
void log_system_write(const char *text, size_t len);
u64 log_system_pa(void);
unsigned int log_system_pages(void);

#endif /* HV_LOG_H */
