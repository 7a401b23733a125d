/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The JSON file that makes a cell. Reading it reports all that is wrong at
 * once, as a compiler does; a configuration with errors can be looked at, but
 * shyper_cell_create() refuses it.
 */
#ifndef SHYPER_CONFIG_H
#define SHYPER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shyper/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shyper_config;

enum shyper_severity {
	SHYPER_SEVERITY_WARNING,
	SHYPER_SEVERITY_ERROR,
};

/**
 * struct shyper_finding - one thing that is wrong with a configuration
 * @severity: with a warning the configuration can still be used
 * @path: place in the JSON ("/devices/0/path"), or "LINE:COLUMN" of a syntax
 *	error; "/" is the file as a whole
 * @text: what is wrong and what is expected, one line without full stop
 */
struct shyper_finding {
	enum shyper_severity severity;
	char path[64];
	char text[256];
};

enum shyper_restart {
	SHYPER_RESTART_NEVER,		/* only the guest's own reset */
	SHYPER_RESTART_ON_FAILURE,	/* and when the cell fails */
	SHYPER_RESTART_ALWAYS,		/* and when the guest powers off */
};

/*
 * Reads and checks a file, its images and disks, and the machine (CPUs).
 * Returns 0 even with findings. Fails only if @path cannot be read, or has more
 * than 1 MiB (-EFBIG). @ret_config is freed by shyper_config_free(). No
 * privileges are needed beyond reading the files.
 */
SHYPER_API int shyper_config_load(struct shyper_ctx *ctx, const char *path,
				  struct shyper_config **ret_config);
/* The same of a text of @length bytes; @path is its name in reports. */
SHYPER_API int shyper_config_parse(struct shyper_ctx *ctx, const char *path,
				   const char *text, size_t length,
				   struct shyper_config **ret_config);
/*
 * Reads and checks the file that says what the daemon serves. The result has
 * findings and a text, nothing else of a configuration.
 */
SHYPER_API int shyper_config_load_mediated(struct shyper_ctx *ctx,
					   const char *path,
					   struct shyper_config **ret_config);
/*
 * Compares configurations with one another, as if their cells were created in
 * this order, and those that exist if @with_cells: names, CPUs, memory, disks.
 * What one wants that another has before it becomes a finding of the later one.
 */
SHYPER_API int shyper_config_check_together(struct shyper_ctx *ctx,
					    struct shyper_config *const *configs,
					    size_t count, bool with_cells);
SHYPER_API void shyper_config_free(struct shyper_config *config);

/* No finding is an error. */
SHYPER_API bool shyper_config_is_valid(const struct shyper_config *config);
/*
 * Findings in the order of the file; @index from 0; NULL: no more. Belongs to
 * @config.
 */
SHYPER_API const struct shyper_finding *
shyper_config_get_finding(const struct shyper_config *config, size_t index);

/* The file's name as given; "cell NAME" of one that was built. */
SHYPER_API const char *shyper_config_get_path(const struct shyper_config *config);
/* The whole of it as compact JSON, "" if it was no JSON object. */
SHYPER_API const char *shyper_config_get_text(const struct shyper_config *config);
/* "" where the file has none that is usable; likewise 0 below. */
SHYPER_API const char *shyper_config_get_name(const struct shyper_config *config);
/* 1 to 16. */
SHYPER_API unsigned int
shyper_config_get_nr_cpus(const struct shyper_config *config);
/* Bytes. */
SHYPER_API uint64_t shyper_config_get_memory(const struct shyper_config *config);
SHYPER_API enum shyper_restart
shyper_config_get_restart(const struct shyper_config *config);

/**
 * struct shyper_region - a range of the guest addresses of a cell
 * @name: of a device or a region of memory; or "gicd", "gicr", "earlycon", "ram",
 *	and "kernel", "dtb", "initrd", which are in "ram"
 * @type: of a device; or "gic", "earlycon", "ram", "rom" (read-only), "image"
 * @intid: the interrupt of a device; 0: none
 */
struct shyper_region {
	char name[16];
	char type[16];
	uint64_t address;
	uint64_t length;
	unsigned int intid;
};

/*
 * What a cell of @config has where, in the order of the addresses. Returns the
 * number; the array @ret_regions is freed by free().
 */
SHYPER_API int shyper_config_get_regions(const struct shyper_config *config,
					 struct shyper_region **ret_regions);
/*
 * The source text of the device tree that its guest gets, with zeroes for the
 * seeds, which are drawn at each start. Freed by free().
 */
SHYPER_API int shyper_config_get_device_tree(const struct shyper_config *config,
					     char **ret_text);
/* The CPUs that it would get now, as Linux lists them: "2-3"; "": too few. */
SHYPER_API int shyper_config_choose_cpus(const struct shyper_config *config,
					 char *buffer, size_t size);
/* Limits of a disk's keys "iops" and "bytes_per_second". */
#define SHYPER_MAX_IOPS			10000000
#define SHYPER_MAX_BYTES_PER_SECOND	(1ULL << 40)

/* A size as configurations have them: "4096", "256M", "0x1000". -EINVAL: none. */
SHYPER_API int shyper_size_parse(const char *text, uint64_t *ret_bytes);

#ifdef __cplusplus
}
#endif

#endif /* SHYPER_CONFIG_H */
