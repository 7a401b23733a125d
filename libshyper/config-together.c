// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Compares configurations with one another and with the cells that exist.
 *
 * The cells are thought of as created one after the other. Each claims what it
 * takes of the machine; what one wants that another claimed before is a finding
 * of the later one. Addresses and interrupts of cells are their own (an IPA is no
 * physical address, and a cell has no interrupts of the board), so names, CPUs,
 * memory and disks are all that two cells can both want.
 */
#include "cell-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cell-config.h"
#include "sysfs.h"

#define DISK_TAKEN "\"%s\" is that of \"%s\" of %s too, and one of the two writes"

/**
 * struct claim - what one cell takes
 * @who: for findings
 * @config: NULL: it cannot be read; @is_ours: and is freed with the claim
 */
struct claim {
	char who[128];
	char name[HVISOR_CELL_NAME_LEN];
	uint64_t cpus;
	uint64_t memory;
	struct shyper_config *config;
	bool is_ours;
};

/**
 * struct claims - of those that come first
 * @candidates: CPUs that a cell may have which asks for a number of them
 * @machine_memory: 0: not known
 */
struct claims {
	struct claim *list;
	size_t count;
	uint64_t candidates;
	uint64_t machine_memory;
};

static void claims_exit(struct claims *claims)
{
	size_t i;

	for (i = 0; i < claims->count; i++) {
		if (claims->list[i].is_ours)
			shyper_config_free(claims->list[i].config);
	}
	free(claims->list);
}

static int claim_cell(struct claims *claims, const struct shyper_cell *cell)
{
	struct claim *claim = &claims->list[claims->count++];
	int err;

	snprintf(claim->who, sizeof(claim->who), "%s (%s)", cell->sysname,
		 cell->name);
	text_copy(claim->name, sizeof(claim->name), cell->name);
	cpulist_parse(cell->cpus, &claim->cpus);
	claim->memory = cell->memory;
	err = cell_read_config(cell->ctx, cell->sysname, &claim->config);
	/* Root alone may; without, its disks are not compared. */
	if (err)
		return err == -ENOMEM ? err : 0;
	claim->is_ours = true;
	config_identify_disks(claim->config);
	return claim->config->is_out_of_memory ? -ENOMEM : 0;
}

static int claim_cells(struct claims *claims, struct shyper_cell **cells)
{
	int err = 0;

	for (; *cells && !err; cells++) {
		if ((*cells)->id)
			err = claim_cell(claims, *cells);
	}
	return err;
}

/* What the machine does not tell is not compared. */
static int read_machine(struct claims *claims, struct shyper_ctx *ctx,
			bool with_cells)
{
	/* The CPUs of cells that exist are offline in root. */
	int err = sysfs_read_cpus(ctx, with_cells ? "online" : "present",
				  &claims->candidates);

	if (err != -ENOMEM)
		err = proc_read_memory(ctx, &claims->machine_memory);
	claims->candidates &= ~1ULL;
	return err == -ENOMEM ? err : 0;
}

/* Room for @extra claims behind those of the cells that exist. */
static int claims_init(struct claims *claims, struct shyper_ctx *ctx,
		       size_t extra, bool with_cells)
{
	struct shyper_cell **cells = NULL;
	int err, count = with_cells ? cell_list(ctx, &cells) : 0;

	if (count < 0 && count != -ENODEV)
		return count;
	count = count < 0 ? 0 : count;
	claims->list = calloc((size_t)count + extra + 1, sizeof(*claims->list));
	err = claims->list ? read_machine(claims, ctx, with_cells) : -ENOMEM;
	if (!err && cells)
		err = claim_cells(claims, cells);
	shyper_cell_list_free(cells);
	ctx_begin(ctx);
	return err ? error_no_memory(ctx) : 0;
}

static void check_name(const struct claims *claims, struct shyper_config *config)
{
	size_t i;

	for (i = 0; *config->name && i < claims->count; i++) {
		if (strcmp(claims->list[i].name, config->name))
			continue;
		config_error(config, "/name", "is \"%s\", as that of %s",
			     config->name, claims->list[i].who);
		return;
	}
}

static uint64_t claimed_cpus(const struct claims *claims)
{
	uint64_t cpus = 0;
	size_t i;

	for (i = 0; i < claims->count; i++)
		cpus |= claims->list[i].cpus;
	return cpus;
}

static const char *owner_of_cpu(const struct claims *claims, unsigned int cpu)
{
	size_t i;

	for (i = 0; i < claims->count; i++) {
		if (claims->list[i].cpus & 1ULL << cpu)
			return claims->list[i].who;
	}
	return NULL;
}

/* Returns the CPUs that it gets. */
static uint64_t check_cpus(const struct claims *claims,
			   struct shyper_config *config)
{
	uint64_t left = claims->candidates & ~claimed_cpus(claims);
	uint64_t cpus = config_choose_cpus(config, left);
	const char *owner;
	unsigned int i;

	for (i = 0; i < config->nr_listed; i++) {
		owner = owner_of_cpu(claims, config->cpus[i]);
		if (owner)
			config_error(config, "/cpus", "lists CPU %u, which %s has",
				     config->cpus[i], owner);
	}
	/* More than there are at all was found before. */
	if (!cpus && config->nr_cpus && claims->count)
		config_error(config, "/cpus", "is %u, but root (CPU 0) and the cells before leave %d",
			     config->nr_cpus, __builtin_popcountll(left));
	return cpus;
}

static void check_memory(const struct claims *claims,
			 struct shyper_config *config)
{
	uint64_t others = 0, memory = config_total_memory(config);
	size_t i;

	for (i = 0; i < claims->count; i++)
		others += claims->list[i].memory;
	if (!others || !claims->machine_memory ||
	    memory >= claims->machine_memory || memory + others < claims->machine_memory)
		return;
	config_error(config, "/memory", "is %llu MiB beside %llu MiB of other cells, but this machine has %llu MiB",
		     (unsigned long long)memory >> 20,
		     (unsigned long long)others >> 20,
		     (unsigned long long)claims->machine_memory >> 20);
}

/* Its next disk from @n on that @device may not share; NULL: there is none. */
static const struct device_config *next_clash(const struct claim *claim,
					      const struct device_config *device,
					      unsigned int *n)
{
	const struct device_config *other;

	while (claim->config && *n < claim->config->nr_devices) {
		other = &claim->config->devices[(*n)++];
		if (disks_clash(device, other))
			return other;
	}
	return NULL;
}

static void check_disk(const struct claim *claim, struct shyper_config *config,
		       const struct device_config *device)
{
	const struct device_config *other;
	unsigned int n = 0;
	char path[48];

	while ((other = next_clash(claim, device, &n))) {
		snprintf(path, sizeof(path), "%s/path", device->json);
		config_error(config, path, DISK_TAKEN, device->path, other->name,
			     claim->who);
	}
}

static void check_disks(const struct claims *claims, struct shyper_config *config)
{
	unsigned int device;
	size_t i;

	for (device = 0; device < config->nr_devices; device++) {
		for (i = 0; i < claims->count; i++)
			check_disk(&claims->list[i], config, &config->devices[device]);
	}
}

static void check_and_claim(struct claims *claims, struct shyper_config *config)
{
	struct claim *claim = &claims->list[claims->count];

	check_name(claims, config);
	claim->cpus = check_cpus(claims, config);
	check_memory(claims, config);
	check_disks(claims, config);
	snprintf(claim->who, sizeof(claim->who), "%s", config->path);
	text_copy(claim->name, sizeof(claim->name), config->name);
	claim->memory = config_total_memory(config);
	claim->config = config;
	claims->count++;
}

static int refuse_disk(struct shyper_ctx *ctx, const struct claims *claims,
		       const struct shyper_config *config,
		       const struct device_config *device)
{
	const struct device_config *other = NULL;
	const struct claim *claim;
	char path[48];
	unsigned int n;
	size_t i;

	for (i = 0; i < claims->count && !other; i++) {
		claim = &claims->list[i];
		n = 0;
		other = next_clash(claim, device, &n);
	}
	if (!other)
		return 0;
	text_format(path, sizeof(path), "%s/path", device->json);
	return error_set(ctx, -EBUSY, config->path, path, DISK_TAKEN, device->path,
			 other->name, claim->who);
}

int config_refuse_disks(struct shyper_ctx *ctx, const struct shyper_config *config)
{
	struct claims claims = { 0 };
	unsigned int device;
	int err;

	err = claims_init(&claims, ctx, 0, true);
	for (device = 0; device < config->nr_devices && !err; device++)
		err = refuse_disk(ctx, &claims, config, &config->devices[device]);
	claims_exit(&claims);
	return err;
}

int shyper_config_check_together(struct shyper_ctx *ctx,
				 struct shyper_config *const *configs,
				 size_t count, bool with_cells)
{
	struct claims claims = { 0 };
	size_t i;
	int err;

	ctx_begin(ctx);
	err = claims_init(&claims, ctx, count, with_cells);
	for (i = 0; i < count && !err; i++) {
		check_and_claim(&claims, configs[i]);
		if (configs[i]->is_out_of_memory)
			err = error_no_memory(ctx);
	}
	claims_exit(&claims);
	return err;
}
