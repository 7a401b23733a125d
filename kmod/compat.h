/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels from 6.1 to 6.12 and later: the only file
 * that looks at LINUX_VERSION_CODE. The rest is written for the newest.
 */
#ifndef HVISOR_COMPAT_H
#define HVISOR_COMPAT_H

#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define COMPAT_CONST	const	/* argument of device_type's callbacks */
#else
#define COMPAT_CONST

static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

/* Index in the page cache of the huge page at @offset of a hugetlb file. */
static inline pgoff_t compat_huge_index(struct hstate *h, loff_t offset)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return offset >> PAGE_SHIFT;
#else
	return offset >> huge_page_shift(h);
#endif
}

/*
 * Pins one huge page for long: 1 or negative. Before 6.4 the slow way warns of
 * a huge page in CMA or ZONE_MOVABLE, where it should refuse it: so the page is
 * faulted in with a short reference, and then pinned the fast way or not at all.
 */
static inline int compat_pin_huge_page(unsigned long address, struct page **page)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	int ret = get_user_pages_fast(address, 1, FOLL_WRITE, page);

	if (ret != 1)
		return ret;
	put_page(*page);
	return pin_user_pages_fast_only(address, 1, FOLL_WRITE | FOLL_LONGTERM,
					page) ?: -ENOMEM;
#else
	return pin_user_pages_fast(address, 1, FOLL_WRITE | FOLL_LONGTERM, page);
#endif
}

static inline void compat_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#endif /* HVISOR_COMPAT_H */
