/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages for the tables of hypervisor/paging.c, counted. */
#ifndef TESTS_HYPERVISOR_TABLE_PAGES_H
#define TESTS_HYPERVISOR_TABLE_PAGES_H

#include <stdlib.h>
#include <string.h>

#include "types.h"

static int pages_out;		/* allocated and not freed */
static int pages_left;		/* until alloc fails */

static void *page_alloc(void)
{
	void *page;

	if (!pages_left)
		return NULL;
	pages_left--;
	pages_out++;
	page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	memset(page, 0, PAGE_SIZE);
	return page;
}

static void page_free(void *page)
{
	pages_out--;
	free(page);
}

#endif /* TESTS_HYPERVISOR_TABLE_PAGES_H */
