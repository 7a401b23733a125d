/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cells. A struct shyper_cell is what sysfs said when it was opened or last
 * refreshed; it holds no kernel resource, so the cell can change and go
 * meanwhile. Cell 0 is root.
 *
 * Functions with a @timeout_ms (up to an hour) wait so long, 30 s if it is 0;
 * -ETIMEDOUT tells that this was not enough. -ENOENT: the cell does not exist (any
 * more).
 */
#ifndef SHYPER_CELL_H
#define SHYPER_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shyper/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shyper_cell;
struct shyper_config;

enum shyper_cell_state {
	SHYPER_CELL_UNKNOWN,
	SHYPER_CELL_CREATED,
	SHYPER_CELL_LOADED,
	SHYPER_CELL_RUNNING,
	SHYPER_CELL_PAUSED,
	SHYPER_CELL_STOPPED,
	SHYPER_CELL_FAILED,
	SHYPER_CELL_DYING,
};

/*
 * The word that sysfs uses: "running"; and back. What has none is "unknown",
 * SHYPER_CELL_UNKNOWN. The string is constant.
 */
SHYPER_API const char *shyper_cell_state_name(enum shyper_cell_state state);
SHYPER_API enum shyper_cell_state shyper_cell_state_parse(const char *name);

/*
 * @name: the cell's name, or "cellN". -ENOENT: no such cell. @ret_cell is freed
 * by shyper_cell_close().
 */
SHYPER_API int shyper_cell_open(struct shyper_ctx *ctx, const char *name,
				struct shyper_cell **ret_cell);
SHYPER_API int shyper_cell_open_id(struct shyper_ctx *ctx, unsigned int id,
				   struct shyper_cell **ret_cell);
/*
 * Reads sysfs again. -ENOENT: the cell has gone (or its id has another name);
 * -ENODEV: the module is not there to tell. What was read before stays then.
 */
SHYPER_API int shyper_cell_refresh(struct shyper_cell *cell);
SHYPER_API void shyper_cell_close(struct shyper_cell *cell);

/*
 * All cells in the order of their ids, root first. Returns their number.
 * @ret_cells is freed, with the cells in it, by shyper_cell_list_free().
 */
SHYPER_API int shyper_cell_list(struct shyper_ctx *ctx,
				struct shyper_cell ***ret_cells);
SHYPER_API void shyper_cell_list_free(struct shyper_cell **cells);

/* 0: root; a number is used again when its cell has gone. */
SHYPER_API unsigned int shyper_cell_get_id(const struct shyper_cell *cell);
SHYPER_API const char *shyper_cell_get_name(const struct shyper_cell *cell);
/* "cell1" */
SHYPER_API const char *shyper_cell_get_sysname(const struct shyper_cell *cell);
SHYPER_API enum shyper_cell_state
shyper_cell_get_state(const struct shyper_cell *cell);
/* Why it is stopped or failed: "off", "reset", "stop", "unmapped" ...; "none". */
SHYPER_API const char *shyper_cell_get_reason(const struct shyper_cell *cell);
/* Root's numbers as Linux lists them: "2-3"; empty: none. */
SHYPER_API const char *shyper_cell_get_cpus(const struct shyper_cell *cell);
/* Bytes lent; 0 for root. */
SHYPER_API uint64_t shyper_cell_get_memory(const struct shyper_cell *cell);
/* How often it was started since it was created, resets of the guest included. */
SHYPER_API uint64_t shyper_cell_get_starts(const struct shyper_cell *cell);
/* Since it began to run; 0 if it does not. */
SHYPER_API uint64_t shyper_cell_get_uptime_ms(const struct shyper_cell *cell);
/*
 * It was there before the module was loaded, and the monitor that held its memory
 * has not come back: it has no backends, and can only be stopped and destroyed.
 */
SHYPER_API bool shyper_cell_is_orphaned(const struct shyper_cell *cell);

/**
 * struct shyper_value - a named value, of statistics or of a failure
 * @name: as in sysfs; "vmexits_total", "cpu0/vmexits_total", "PC"
 * @value: as text
 */
struct shyper_value {
	char name[48];
	char value[720];
};

/*
 * Read anew at each call, statistics sorted by name, which may become more.
 * Return the number of values; the array @ret_values is freed by free().
 * Of a failure: 0 if the cell never failed. Anybody may.
 */
SHYPER_API int shyper_cell_read_statistics(struct shyper_cell *cell,
					   struct shyper_value **ret_values);
SHYPER_API int shyper_cell_read_failure(struct shyper_cell *cell,
					struct shyper_value **ret_values);
/* The regions of its memory: memory_regions of sysfs. */
SHYPER_API int shyper_cell_read_memory(struct shyper_cell *cell,
				       struct shyper_value **ret_values);
/* Its interrupts and the devices that raise them: interrupts of sysfs. */
SHYPER_API int shyper_cell_read_interrupts(struct shyper_cell *cell,
					   struct shyper_value **ret_values);

/*
 * Makes a cell: chooses CPUs, sees to free hugepages, allocates and lends the
 * memory. All is undone on failure. @ret_cell is freed by shyper_cell_close(),
 * which leaves the cell alone; @config may be freed at once. -EINVAL: @config has
 * findings (see config.h). -ENOMEM, -EBUSY, -EEXIST, -ENOSPC ...: the report
 * tells which CPU, region or device was refused and why.
 */
SHYPER_API int shyper_cell_create(struct shyper_ctx *ctx,
				  const struct shyper_config *config,
				  struct shyper_cell **ret_cell);

/*
 * Asks the cell's monitor to load and start it; waits until that is done.
 * -ETIMEDOUT: no monitor, or a device has no backend. -EBUSY: it runs,
 * or was stopped meanwhile. -EOWNERDEAD: it is orphaned.
 */
SHYPER_API int shyper_cell_start(struct shyper_cell *cell, unsigned int timeout_ms);
/* The same without the start: the next one finds it loaded. */
SHYPER_API int shyper_cell_load(struct shyper_cell *cell, unsigned int timeout_ms);
/* Stops (when it runs), loads and starts, by the monitor. */
SHYPER_API int shyper_cell_restart(struct shyper_cell *cell, unsigned int timeout_ms);
/* 0 if the monitor answers. -ETIMEDOUT: there is none, or it is stuck for 5 s. */
SHYPER_API int shyper_cell_ping(struct shyper_cell *cell);
/*
 * Takes the CPUs out of the guest wherever they are. -EBUSY: it does not run.
 * @cell keeps the state that it had; see shyper_cell_refresh().
 */
SHYPER_API int shyper_cell_stop(struct shyper_cell *cell, unsigned int timeout_ms);
/*
 * Makes the CPUs wait where they are, with all that they have, and go on. Time goes
 * on meanwhile. -EBUSY: it does not run, or is not paused. -ETIMEDOUT: it runs on.
 */
SHYPER_API int shyper_cell_pause(struct shyper_cell *cell, unsigned int timeout_ms);
SHYPER_API int shyper_cell_resume(struct shyper_cell *cell, unsigned int timeout_ms);

/*
 * Waits until the cell is in one of @states, a set of bits 1 << SHYPER_CELL_...,
 * and refreshes @cell. At once if it is in one. A state that is left again at once
 * may be missed. @timeout_ms: SHYPER_FOREVER: without a limit. -EINTR: a signal
 * came.
 */
#define SHYPER_FOREVER	(~0U)
SHYPER_API int shyper_cell_wait(struct shyper_cell *cell, unsigned int states,
				unsigned int timeout_ms);

/*
 * Destroys a cell in any state and waits until its hugepages are free. @cell
 * is still to be closed. -ETIMEDOUT: the cell is gone, but the processes that the
 * report names hold its memory.
 */
SHYPER_API int shyper_cell_destroy(struct shyper_cell *cell, unsigned int timeout_ms);
/* The same without waiting for the memory. */
SHYPER_API int shyper_cell_destroy_no_wait(struct shyper_cell *cell,
					   unsigned int timeout_ms);

/*
 * Reads what the guest wrote to its early console; of cell 0, EL2's own log.
 * @position: in: first byte wanted, counted from the beginning of the log;
 * out: behind the last byte returned. Returns the bytes put in @buffer, at most
 * @size and 1 MiB, not NUL-terminated; 0: no more for now. Text that was
 * overwritten is skipped. Needs CAP_SYS_ADMIN.
 */
SHYPER_API int shyper_cell_read_log(struct shyper_cell *cell, uint64_t *position,
				    char *buffer, size_t size);

/**
 * struct shyper_waiter - who waits for a backend
 * @cpu: of the cell, counted from 0; -1: no CPU, the device itself was asked
 *	something, by EL2
 * @device: "blk0"
 * @op: "load", "store", "reset", "queue-stop", "config-store", "quiesce"
 * @address: guest-physical, of the access; 0 with @cpu -1
 * @length: of the access, in bytes; 0 with @cpu -1
 * @age_ms: for how long
 * @reserved: 0
 */
struct shyper_waiter {
	int cpu;
	char device[16];
	char op[16];
	uint64_t address;
	unsigned int length;
	uint64_t age_ms;
	char reserved[32];
};

/* Read anew at each call. Returns their number; freed by free(). */
SHYPER_API int shyper_cell_read_waiters(struct shyper_cell *cell,
					struct shyper_waiter **ret_waiters);

/**
 * struct shyper_holder - a process that has a cell's memory open or mapped
 * @cell: name of the cell, which may have been destroyed already
 * @process: its name
 * @reserved: 0
 */
struct shyper_holder {
	char cell[32];
	int pid;
	char process[32];
	char reserved[32];
};

/*
 * The holders of the memory of the cell called @cell (NULL: of all cells), by
 * process. Those of other users are seen by root only. Returns their number;
 * freed by free().
 */
SHYPER_API int shyper_memory_list_holders(struct shyper_ctx *ctx, const char *cell,
					  struct shyper_holder **ret_holders);

/*
 * The configuration that the cell was created with, as the kernel keeps it.
 * Freed by shyper_config_free(). -EINVAL: another library made the cell, and its
 * configuration is none here. Root only.
 */
SHYPER_API int shyper_cell_read_config(struct shyper_cell *cell,
				       struct shyper_config **ret_config);
/* Its JSON text, NUL-terminated; freed by free(). Returns its length. */
SHYPER_API int shyper_cell_read_config_text(struct shyper_cell *cell,
					    char **ret_text);

/**
 * struct shyper_ram - a piece of the machine's physical memory
 * @address: physical, as in root's /proc/iomem
 * @owner: "root", "hypervisor", "pool" (the hypervisor's), or a cell's name
 * @cell: 0: it is no cell's
 * @ipa: of a cell: its guest-physical address there
 */
struct shyper_ram {
	uint64_t address;
	uint64_t length;
	char owner[32];
	unsigned int cell;
	uint64_t ipa;
};

/*
 * Who has which part of the machine's memory, in the order of addresses.
 * Returns the number of pieces; @ret_ram is freed by free(). -EACCES,
 * -EPERM: only root may know addresses.
 */
SHYPER_API int shyper_ram_list(struct shyper_ctx *ctx, struct shyper_ram **ret_ram);

#ifdef __cplusplus
}
#endif

#endif /* SHYPER_CELL_H */
