// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The memory of a cell: free hugepages, raised if need be; a sealed memfd.
 *
 * A page of it is free again when its last holder has let go, which need not be
 * the cell: a backend that has it mapped and an I/O in flight hold it too.
 */
#include "memory.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hvisor/abi.h>

#include "sysfs.h"

int memory_lock(struct shyper_ctx *ctx)
{
	char *folder = ctx_path(ctx, "/run/shyper");
	char *path = ctx_path(ctx, "/run/shyper/lock");
	int fd = -1, err;

	if (folder && path) {
		mkdir(folder, 0755);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	}
	err = fd < 0 ? -errno : 0;
	while (!err && flock(fd, LOCK_EX)) {
		if (errno != EINTR)
			err = -errno;
	}
	free(folder);
	free(path);
	if (!err)
		return fd;
	close_keep_errno(fd);
	return error_set(ctx, err, "/run/shyper/lock", NULL, "cannot be taken: %s",
			 strerror(-err));
}

int memory_count_free(struct shyper_ctx *ctx, uint64_t *ret_count)
{
	uint64_t free_pages, reserved = 0;
	int err = sysfs_read_hugepages(ctx, "free_hugepages", &free_pages);

	if (err)
		return error_set(ctx, err, "hugepages", NULL,
				 "this kernel has no hugepages of 2 MiB: %s",
				 strerror(-err));
	/* Promised to mappings that have not touched them yet. */
	sysfs_read_hugepages(ctx, "resv_hugepages", &reserved);
	*ret_count = free_pages > reserved ? free_pages - reserved : 0;
	return 0;
}

void memory_restore(struct shyper_ctx *ctx, uint64_t before)
{
	sysfs_write_hugepages(ctx, before);
}

static int explain_missing(struct shyper_ctx *ctx, const char *cell,
			   uint64_t count, uint64_t available)
{
	error_set(ctx, -ENOMEM, cell, "memory",
		  "needs %llu hugepages of 2 MiB, %llu are missing and the kernel cannot make them",
		  (unsigned long long)count, (unsigned long long)(count - available));
	error_hint(ctx, "destroy a cell, or boot root with hugepages=N");
	return -ENOMEM;
}

int memory_reserve(struct shyper_ctx *ctx, const char *cell, uint64_t count,
		   uint64_t *ret_before)
{
	uint64_t before, available;
	int err;

	err = memory_count_free(ctx, &available);
	if (!err)
		err = sysfs_read_hugepages(ctx, "nr_hugepages", &before);
	if (err)
		return error_set(ctx, err, "hugepages", NULL, "cannot be counted: %s",
				 strerror(-err));
	*ret_before = before;
	if (available >= count)
		return 0;
	err = sysfs_write_hugepages(ctx, before + count - available);
	if (err)
		return error_set(ctx, err, cell, "memory",
				 "nr_hugepages cannot be raised: %s", strerror(-err));
	err = memory_count_free(ctx, &available);
	if (!err && available >= count)
		return 0;
	memory_restore(ctx, before);
	return err ? err : explain_missing(ctx, cell, count, available);
}

static int fill_and_seal(struct shyper_ctx *ctx, int fd, const char *cell,
			 uint64_t size)
{
	if (ftruncate(fd, (off_t)size) || fallocate(fd, 0, 0, (off_t)size))
		return error_set(ctx, -errno, cell, "memory",
				 "%llu MiB of hugepages cannot be allocated: %s",
				 (unsigned long long)size >> 20, strerror(errno));
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return error_set(ctx, -errno, cell, "memory",
				 "cannot be sealed: %s", strerror(errno));
	return 0;
}

int memory_create(struct shyper_ctx *ctx, const char *cell, uint64_t size)
{
	char name[HVISOR_CELL_NAME_LEN + 8];
	int fd, err;

	snprintf(name, sizeof(name), "shyper:%s", cell);
	fd = memfd_create(name, MFD_HUGETLB | MFD_HUGE_2MB |
			  MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (fd < 0)
		return error_set(ctx, -errno, cell, "memory",
				 "no memfd of hugepages: %s", strerror(errno));
	err = fill_and_seal(ctx, fd, cell, size);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static int explain_held(struct shyper_ctx *ctx, const char *cell,
			uint64_t missing)
{
	char holders[256];
	int count = memory_find_holders(ctx, cell, holders, sizeof(holders));

	if (count > 0) {
		error_set(ctx, -ETIMEDOUT, cell, "memory",
			  "the cell is gone, but its memory is held by %s", holders);
		error_hint(ctx, "end them; the memory is free when the last has ended");
	} else {
		error_set(ctx, -ETIMEDOUT, cell, "memory",
			  "the cell is gone, but %llu of its hugepages are still in use, by I/O in flight or by others",
			  (unsigned long long)missing);
	}
	return -ETIMEDOUT;
}

int memory_wait_free(struct shyper_ctx *ctx, const char *cell, uint64_t target,
		     unsigned int timeout_ms)
{
	uint64_t deadline = now_ms() + timeout_ms, available;
	int err;

	for (;;) {
		err = memory_count_free(ctx, &available);
		if (err || available >= target)
			return err;
		if (now_ms() >= deadline)
			return explain_held(ctx, cell, target - available);
		nap_ms(20);
	}
}
