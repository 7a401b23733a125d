// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text rings that root reads without asking (struct hvisor_log). The writer
 * never waits for a reader; a reader sees by the head what it has missed.
 */
#include "log.h"

#include <hvisor/abi.h>

#include "errno.h"
#include "mem.h"
#include "spinlock.h"

#define SYSTEM_LOG_PAGES	8

static struct hvisor_log *system_log;	/* system_lock */
static spinlock_t system_lock;

struct hvisor_log *log_create(unsigned int pages)
{
	struct hvisor_log *log = mem_alloc(pages, 1);

	if (log)
		log->size = (u32)(pages * PAGE_SIZE - sizeof(*log));
	return log;
}

void log_write(struct hvisor_log *log, const char *text, size_t len)
{
	u64 head = log->head;

	/* EL2 alone writes these pages: size and head are what it put there. */
	for (; len; len--)
		log->text[head++ % log->size] = (u8)*text++;
	/* The text before the head that announces it; partner: any reader. */
	__atomic_store_n(&log->head, head, __ATOMIC_RELEASE);
}

int log_init(void)
{
	system_log = log_create(SYSTEM_LOG_PAGES);
	return system_log ? 0 : -ENOMEM;
}

void log_system_write(const char *text, size_t len)
{
	spin_lock(&system_lock);
	if (system_log)
		log_write(system_log, text, len);
	spin_unlock(&system_lock);
}

u64 log_system_pa(void)
{
	return (u64)system_log;
}

unsigned int log_system_pages(void)
{
	return SYSTEM_LOG_PAGES;
}
