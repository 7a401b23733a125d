// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a configuration would become, without that anything is touched. */
#include "cell-config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "sysfs.h"

/* GIC (2), early console, RAM, kernel, device tree, initrd. */
#define NR_FIXED	7

/* Nothing is added of no length. */
static struct shyper_region *add(struct shyper_region *regions, int *count,
				 const char *name, const char *type,
				 uint64_t address, uint64_t length)
{
	struct shyper_region *region = &regions[*count];

	text_copy(region->name, sizeof(region->name), name);
	text_copy(region->type, sizeof(region->type), type);
	region->address = address;
	region->length = length;
	if (length)
		(*count)++;
	return region;
}

static void add_images(struct shyper_region *regions, int *count,
		       const struct shyper_config *config)
{
	const struct image_layout *images = &config->images;
	uint64_t base = config->memory_ipa;

	add(regions, count, "kernel", "image", base + images->kernel,
	    images->kernel_size);
	add(regions, count, "dtb", "image", base + images->dtb,
	    images->end ? IMAGE_DTB_ROOM : 0);
	add(regions, count, "initrd", "image", base + images->initrd,
	    images->initrd_size);
}

static void add_memory(struct shyper_region *regions, int *count,
		       const struct shyper_config *config)
{
	const struct region_config *region = config->regions;

	add(regions, count, "ram", "ram", config->memory_ipa, config->memory);
	for (; region < config->regions + config->nr_regions; region++)
		add(regions, count, region->name, region->is_readonly ? "rom" : "ram",
		    region->ipa, region->length);
}

static int compare_regions(const void *a, const void *b)
{
	const struct shyper_region *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	/* RAM before what is in it. */
	return (x->length < y->length) - (x->length > y->length);
}

int shyper_config_get_regions(const struct shyper_config *config,
			      struct shyper_region **ret_regions)
{
	const struct device_config *device = config->devices;
	struct shyper_region *regions, *region;
	int count = 0;

	ctx_begin(config->ctx);
	regions = calloc(config->nr_devices + config->nr_regions + NR_FIXED,
			 sizeof(*regions));
	if (!regions)
		return error_no_memory(config->ctx);
	add(regions, &count, "gicd", "gic", LAYOUT_GICD_IPA, LAYOUT_GICD_SIZE);
	add(regions, &count, "gicr", "gic", LAYOUT_GICR_IPA,
	    config->nr_cpus * LAYOUT_GICR_SIZE);
	add(regions, &count, EARLYCON_NAME, EARLYCON_NAME, config->earlycon_ipa,
	    LAYOUT_PAGE_SIZE);
	add_memory(regions, &count, config);
	add_images(regions, &count, config);
	for (; device < config->devices + config->nr_devices; device++) {
		region = add(regions, &count, device->name,
			     device_type_name(device->type), device->ipa,
			     device->length);
		region->intid = device->irq;
	}
	qsort(regions, (size_t)count, sizeof(*regions), compare_regions);
	*ret_regions = regions;
	return count;
}

int shyper_config_get_device_tree(const struct shyper_config *config,
				  char **ret_text)
{
	const struct image_layout *images = &config->images;
	/* The seeds are drawn at each start: zeroes stand for them. */
	const struct guest_boot boot = {
		.initrd_start = config->memory_ipa + images->initrd,
		.initrd_end = config->memory_ipa + images->initrd + images->initrd_size,
	};
	void *fdt = malloc(IMAGE_DTB_ROOM);
	int err;

	ctx_begin(config->ctx);
	err = fdt ? fdt_build(config, &boot, fdt, IMAGE_DTB_ROOM) : -ENOMEM;
	if (!err)
		err = dts_print(fdt, ret_text);
	free(fdt);
	return err ? error_set(config->ctx, err, config->path, "device tree",
			       "cannot be made: %s", strerror(-err)) : 0;
}

int shyper_config_choose_cpus(const struct shyper_config *config, char *buffer,
			      size_t size)
{
	uint64_t online;
	int err;

	ctx_begin(config->ctx);
	err = sysfs_read_cpus(config->ctx, "online", &online);
	if (err)
		return error_set(config->ctx, err, config->path, "cpus",
				 "the online CPUs cannot be read: %s", strerror(-err));
	cpulist_format(config_choose_cpus(config, online), buffer, size);
	return 0;
}
