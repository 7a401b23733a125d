/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of shyper-blk.
 *
 *	blk.c		the device: requests
 *	blk-file.c	the file behind it: open, lock, size, O_DIRECT
 */
#ifndef BACKEND_BLK_H
#define BACKEND_BLK_H

#include <stdbool.h>
#include <stdint.h>

#define SECTOR_SIZE	512

/**
 * struct blk_file - the file or block device behind a disk
 * @fd: does the I/O and holds the lock
 * @claim: keeps a block device from being mounted or claimed otherwise; -1: none
 * @readonly: opened so
 * @direct: with O_DIRECT: memory and length in units of SECTOR_SIZE
 * @sectors: size
 * @block_size: bytes that are best written together
 */
struct blk_file {
	int fd;
	int claim;
	bool readonly;
	bool direct;
	uint64_t sectors;
	uint32_t block_size;
};

/*
 * Opens @path, locks it, waits for what a dead predecessor of @device has still
 * in flight. Returns 0 or SHYPER_EXIT_*, and has said why.
 */
int blk_file_open(struct blk_file *file, const char *path, bool readonly,
		  const char *device);

#endif /* BACKEND_BLK_H */
