/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small files: sysfs.c is the only reader of /sys and /proc. Paths are as
 * given; callers that mean /sys or /proc make them by ctx_path() or use the
 * sysfs_ functions, which do.
 */
#ifndef LIBSHYPER_SYSFS_H
#define LIBSHYPER_SYSFS_H

#include "internal.h"

#include <shyper/cell.h>

#define SYSFS_CLASS	"/sys/class/hvisor"
#define SYSFS_NAME_LEN	64

/*
 * The whole of a file, NUL-terminated behind @ret_length bytes; freed by
 * free(). -EFBIG: longer than @limit.
 */
int file_read(const char *path, size_t limit, char **ret_text, size_t *ret_length);

/*
 * The first line of /sys/class/hvisor/@device/@attribute, cut to @size.
 * Returns its length.
 */
int sysfs_read(const struct shyper_ctx *ctx, const char *device,
	       const char *attribute, char *buffer, size_t size);
/* A decimal number or one with 0x. -EINVAL: it is none. */
int sysfs_read_number(const struct shyper_ctx *ctx, const char *device,
		      const char *attribute, uint64_t *ret_number);
/* All of an attribute; freed by free(). Returns its length. */
int sysfs_read_all(const struct shyper_ctx *ctx, const char *device,
		   const char *attribute, char **ret_text);

/* A descriptor of an attribute, to be polled. */
int sysfs_open(const struct shyper_ctx *ctx, const char *device,
	       const char *attribute);

/* A folder of the class is there. */
bool sysfs_exists(const struct shyper_ctx *ctx, const char *device);

/*
 * Names below /sys/class/hvisor: cells ("cell1") by id, then devices
 * ("cell1.blk0") by cell and index. Returns their number; freed by free().
 * -ENODEV: there is no such class.
 */
struct sysfs_name {
	char name[SYSFS_NAME_LEN];
	unsigned int cell;
	unsigned int index;
	bool is_device;
};

int sysfs_list(const struct shyper_ctx *ctx, struct sysfs_name **ret_names);
/* "cell12" gives 12 and the rest of the name ("" or ".blk0"). */
bool sysfs_parse_name(const char *name, unsigned int *ret_cell, const char **rest);

/*
 * All files of a folder of values and of the folders in it, sorted:
 * "vmexits_total", "cpu0/exits_total". Returns their number; 0: no such folder.
 */
int sysfs_read_values(const struct shyper_ctx *ctx, const char *device,
		      const char *folder, struct shyper_value **ret_values);
/* A decimal number or one with 0x that ends at a line's end. */
int number_parse(const char *text, uint64_t *ret_number);
/* The lines KEY=value of a text, in their order. */
int values_parse(const char *text, struct shyper_value **ret_values);

/* A set of CPUs as Linux lists them, "0-3,8". -EINVAL: it is none. */
int cpulist_parse(const char *text, uint64_t *ret_mask);
void cpulist_format(uint64_t mask, char *buffer, size_t size);
int sysfs_read_cpus(const struct shyper_ctx *ctx, const char *which,
		    uint64_t *ret_mask);

/* Pages of 2 MiB: "nr_hugepages", "free_hugepages", "resv_hugepages". */
int sysfs_read_hugepages(const struct shyper_ctx *ctx, const char *which,
			 uint64_t *ret_count);
int sysfs_write_hugepages(const struct shyper_ctx *ctx, uint64_t count);
/* The number of the last uevent of the kernel; 0: it does not tell. */
uint64_t sysfs_last_uevent(const struct shyper_ctx *ctx);
/* All of /proc/@name; freed by free(). Returns its length. */
int proc_read(const struct shyper_ctx *ctx, const char *name, char **ret_text);
/* Bytes of MemTotal. */
int proc_read_memory(const struct shyper_ctx *ctx, uint64_t *ret_bytes);

#endif /* LIBSHYPER_SYSFS_H */
