// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Making a cell. In this order, each step undone by those behind it when they
 * fail: hugepages, memfd, CPUs (only chosen: the module takes them), the one
 * ioctl, which is all or nothing. The memfd is then held by the module.
 */
#include "cell-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cell-config.h"
#include "memory.h"
#include "sysfs.h"
#include "uapi.h"

uint64_t config_choose_cpus(const struct shyper_config *config,
			    uint64_t candidates)
{
	unsigned int i, wanted = config->nr_cpus;
	uint64_t mask = 0;
	int cpu;

	for (i = 0; i < config->nr_listed; i++)
		mask |= 1ULL << config->cpus[i];
	if (config->nr_listed)
		return mask;
	for (cpu = HVISOR_MAX_CPUS - 1; cpu > 0 && wanted; cpu--) {
		if (!(candidates & 1ULL << cpu))
			continue;
		mask |= 1ULL << cpu;
		wanted--;
	}
	return wanted ? 0 : mask;
}

static int find_cpus(struct shyper_ctx *ctx, const struct shyper_config *config,
		     const char *subject, uint64_t *ret_mask)
{
	uint64_t online;
	int err = sysfs_read_cpus(ctx, "online", &online);

	if (err)
		return error_set(ctx, err, subject, "cpus",
				 "the online CPUs cannot be read: %s", strerror(-err));
	*ret_mask = config_choose_cpus(config, online);
	if (*ret_mask)
		return 0;
	error_set(ctx, -EBUSY, subject, "cpus",
		  "needs %u CPUs, but only %d beside CPU 0 are online in the root cell",
		  config->nr_cpus, __builtin_popcountll(online & ~1ULL));
	error_hint(ctx, "destroy a cell to get its CPUs back");
	return -EBUSY;
}

void cell_describe_devices(const struct shyper_config *config,
			   struct hvisor_device_setup *setups)
{
	const struct device_config *device;
	unsigned int i;

	for (i = 0; i <= config->nr_devices; i++) {
		memset(&setups[i], 0, sizeof(setups[i]));
		layout_describe_device(config, i, &setups[i].desc);
		if (i == config->nr_devices) {
			memcpy(setups[i].type, EARLYCON_NAME, sizeof(EARLYCON_NAME));
			break;
		}
		device = &config->devices[i];
		text_copy((char *)setups[i].type, sizeof(setups[i].type),
			  device_type_name(device->type));
		setups[i].config = (uintptr_t)device->text;
		setups[i].config_len = (uint32_t)strlen(device->text);
	}
}

unsigned int cell_describe_memory(const struct shyper_config *config, int fd,
				  struct hvisor_memory_region *regions)
{
	uint64_t offset = config->memory;
	unsigned int i;

	regions[0] = (struct hvisor_memory_region){
		.ipa = config->memory_ipa, .length = config->memory, .fd = fd,
	};
	for (i = 0; i < config->nr_regions; i++) {
		regions[i + 1] = (struct hvisor_memory_region){
			.ipa = config->regions[i].ipa,
			.length = config->regions[i].length,
			.offset = offset, .fd = fd,
			.flags = config->regions[i].is_readonly ?
				 HVISOR_MEMORY_READ_ONLY : 0,
		};
		offset += config->regions[i].length;
	}
	return config->nr_regions + 1;
}

static int explain_pool(struct shyper_ctx *ctx, const char *subject,
			const char *place)
{
	error_set(ctx, -ENOMEM, subject, place, "the hypervisor's pool is empty");
	error_hint(ctx, "destroy a cell, or boot the hypervisor with a larger pool=");
	return -ENOMEM;
}

static int explain_cell(struct shyper_ctx *ctx, int err, const char *subject)
{
	switch (err) {
	case -EEXIST:
		error_set(ctx, err, subject, NULL, "a cell of this name exists");
		error_hint(ctx, "see `shyper cell list`");
		return err;
	case -ENOSPC:
		return error_set(ctx, err, subject, NULL, "there are %d cells, which is the limit",
				 HVISOR_MAX_CELLS);
	case -ENOMEM:
		return explain_pool(ctx, subject, NULL);
	default:
		return error_set(ctx, err, subject, NULL, "the module refuses it: %s",
				 strerror(-err));
	}
}

static int explain_create(struct shyper_ctx *ctx, int err,
			  const struct shyper_config *config,
			  const char *subject, uint32_t where)
{
	unsigned int index = where & 0xffff;
	char place[48];

	switch (where & ~0xffffU) {
	case HVISOR_WHERE_CPU:
		snprintf(place, sizeof(place), "CPU %u", index);
		return error_set(ctx, err, subject, place, err == -EBUSY ?
				 "belongs to another cell, or the root cell cannot let it go: %s" :
				 "cannot be taken from the root cell: %s",
				 strerror(-err));
	case HVISOR_WHERE_REGION:
		snprintf(place, sizeof(place), "memory region %u", index);
		error_set(ctx, err, subject, place, err == -ENOMEM ?
			  "memory is short, or its hugepages cannot be pinned: %s" :
			  "the hypervisor does not lend it: %s", strerror(-err));
		/* Made late, they may lie in memory that must stay movable (CMA). */
		if (err == -ENOMEM)
			error_hint(ctx, "boot root with hugepages=N");
		return err;
	case HVISOR_WHERE_DEVICE:
		snprintf(place, sizeof(place), "device %s",
			 index < config->nr_devices ? config->devices[index].name :
						      EARLYCON_NAME);
		if (err == -ENOMEM)
			return explain_pool(ctx, subject, place);
		return error_set(ctx, err, subject, place, "is refused: %s",
				 strerror(-err));
	default:
		return explain_cell(ctx, err, subject);
	}
}

static int call_create(struct shyper_ctx *ctx, const struct shyper_config *config,
		       const char *subject, int memfd, uint64_t cpus,
		       unsigned int *ret_id)
{
	struct hvisor_device_setup setups[HVISOR_MAX_DEVICES];
	struct hvisor_memory_region regions[HVISOR_MAX_REGIONS];
	struct hvisor_cell_create create = {
		.cpus = cpus,
		.gicd_ipa = LAYOUT_GICD_IPA,
		.gicr_ipa = LAYOUT_GICR_IPA,
		.regions = (uintptr_t)regions,
		.devices = (uintptr_t)setups,
		.config = (uintptr_t)config->text,
		.nr_regions = cell_describe_memory(config, memfd, regions),
		.nr_devices = config->nr_devices + 1,
		.config_len = (uint32_t)strlen(config->text),
	};
	int fd, err;

	memcpy(create.name, config->name, sizeof(config->name));
	cell_describe_devices(config, setups);
	fd = uapi_open(ctx, HVISOR_ROLE_CONTROL, 0, 0);
	if (fd < 0)
		return fd;
	err = uapi_cell_create(fd, &create);
	close(fd);
	if (err)
		return explain_create(ctx, err, config, subject, create.where);
	*ret_id = create.id;
	return 0;
}

static int create_locked(struct shyper_ctx *ctx, const struct shyper_config *config,
			 const char *subject, unsigned int *ret_id)
{
	uint64_t cpus = 0, before = 0, memory = config_total_memory(config);
	int memfd, err;

	err = find_cpus(ctx, config, subject, &cpus);
	/* Another cell may have come since @config was checked; the module knows no disks. */
	if (!err)
		err = config_refuse_disks(ctx, config);
	if (err)
		return err;
	err = memory_reserve(ctx, subject, memory / HVISOR_BLOCK_SIZE, &before);
	if (err)
		return err;
	memfd = memory_create(ctx, config->name, memory);
	if (memfd < 0) {
		memory_restore(ctx, before);
		return memfd;
	}
	err = call_create(ctx, config, subject, memfd, cpus, ret_id);
	close(memfd);
	if (err)
		memory_restore(ctx, before);
	return err;
}

static int check_config(struct shyper_ctx *ctx, const struct shyper_config *config)
{
	const struct shyper_finding *finding;

	if (shyper_config_is_valid(config))
		return 0;
	finding = shyper_config_get_finding(config, 0);
	error_set(ctx, -EINVAL, config->path, finding->path, "%s", finding->text);
	if (config->is_file)
		error_hint(ctx, "see `shyper cell check %s`", config->path);
	return -EINVAL;
}

/* Said before hugepages are: a cell that is there already has them. */
static int check_name(struct shyper_ctx *ctx, const char *name, const char *subject)
{
	struct shyper_cell *cell;
	int err = cell_open_named(ctx, name, &cell);

	if (!err) {
		shyper_cell_close(cell);
		return explain_cell(ctx, -EEXIST, subject);
	}
	if (err != -ENOENT)
		return err;
	ctx_begin(ctx);
	return 0;
}

int shyper_cell_create(struct shyper_ctx *ctx, const struct shyper_config *config,
		       struct shyper_cell **ret_cell)
{
	unsigned int id = 0;
	char subject[64];
	int lock, err;

	ctx_begin(ctx);
	cell_subject(config->name, subject, sizeof(subject));
	err = check_config(ctx, config);
	if (!err)
		err = check_name(ctx, config->name, subject);
	if (err)
		return err;
	lock = memory_lock(ctx);
	if (lock < 0)
		return lock;
	err = create_locked(ctx, config, subject, &id);
	close(lock);
	return err ? err : cell_open_id(ctx, id, ret_cell);
}
