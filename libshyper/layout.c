// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The address space of a cell. It follows QEMU's virt machine where that has
 * the same thing, so that a bare-metal payload finds its way:
 *
 *   0x08000000  GIC distributor
 *   0x080a0000  GIC redistributors, 128 KiB for each CPU
 *   0x09000000  early console
 *   0x0a000000  virtio-mmio, device n at n * 0x1000
 *   0x0b000000  foreign regions, 64 KiB apart
 *   0x40000000  RAM, if the file does not say where
 *
 * Device n has the INTID 48 + n. The early console makes way for a device that
 * was given its address, say a UART for a guest that knows QEMU's machine.
 *
 * The monitor builds the guest's device tree from the same configuration
 * later, so the result depends on nothing else.
 */
#include "cell-config.h"

#include <stdio.h>
#include <string.h>

struct range {
	const char *what;
	uint64_t start;
	uint64_t length;
};

static bool ranges_overlap(const struct range *a, const struct range *b)
{
	return a->length && b->length && a->start < b->start + b->length &&
	       b->start < a->start + a->length;
}

/* Number 0 is RAM, then come the regions. */
static struct range memory_range(const struct shyper_config *config, unsigned int n)
{
	const struct region_config *region;

	if (!n)
		return (struct range){ "the memory", config->memory_ipa, config->memory };
	region = &config->regions[n - 1];
	return (struct range){ region->name, region->ipa, region->length };
}

/*
 * What of the machine is in the way, of its memory only what has a number below
 * @nr_memory; NULL: nothing.
 */
static const char *range_in_way(const struct shyper_config *config,
				const struct range *range, unsigned int nr_memory)
{
	const struct range fixed[] = {
		{ "the interrupt distributor", LAYOUT_GICD_IPA, LAYOUT_GICD_SIZE },
		{ "the interrupt redistributors", LAYOUT_GICR_IPA,
		  config->nr_cpus * LAYOUT_GICR_SIZE },
		{ "the early console", config->earlycon_ipa,
		  config->earlycon_ipa ? LAYOUT_PAGE_SIZE : 0 },
	};
	struct range memory;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (ranges_overlap(range, &fixed[i]))
			return fixed[i].what;
	}
	for (i = 0; i < nr_memory; i++) {
		memory = memory_range(config, i);
		if (ranges_overlap(range, &memory))
			return memory.what;
	}
	return NULL;
}

static const char *fixed_range_at(const struct shyper_config *config,
				  const struct range *range)
{
	return range_in_way(config, range, config->nr_regions + 1);
}

static void check_memory(struct shyper_config *config, unsigned int n)
{
	const struct range range = memory_range(config, n);
	const char *what = range_in_way(config, &range, n);
	char path[48] = "/memory_address";

	if (n)
		snprintf(path, sizeof(path), "%s/address", config->regions[n - 1].json);
	if (what)
		config_error(config, path, "is 0x%llx, which overlaps %s",
			     (unsigned long long)range.start, what);
}

static bool range_in_memory(const struct shyper_config *config,
			    const struct range *range, unsigned int nr_memory)
{
	struct range memory;
	unsigned int i;

	for (i = 0; i < nr_memory; i++) {
		memory = memory_range(config, i);
		if (range->start >= memory.start &&
		    range->start - memory.start < memory.length &&
		    range->length <= memory.length - (range->start - memory.start))
			return true;
	}
	return false;
}

static bool check_dtb(struct shyper_config *config)
{
	const struct range dtb = { NULL, config->dtb, IMAGE_DTB_ROOM };

	if (config->dtb % 8)
		config_error(config, "/boot/dtb", "is 0x%llx, expected a multiple of 8",
			     (unsigned long long)config->dtb);
	else if (config->memory && !range_in_memory(config, &dtb, 1))
		config_error(config, "/boot/dtb", "is 0x%llx, which with its 64 KiB is in no RAM of the cell",
			     (unsigned long long)config->dtb);
	else
		return config->memory;
	return false;
}

/* Where the guest begins, and finds its device tree. */
static void check_boot(struct shyper_config *config)
{
	const struct range entry = { NULL, config->entry, 4 };

	if (config->has_entry && config->entry % 4)
		config_error(config, "/boot/entry", "is 0x%llx, expected a multiple of 4",
			     (unsigned long long)config->entry);
	else if (config->has_entry && config->memory &&
		 !range_in_memory(config, &entry, config->nr_regions + 1))
		config_error(config, "/boot/entry", "is 0x%llx, which is in no memory of the cell",
			     (unsigned long long)config->entry);
	if (config->has_dtb && !check_dtb(config))
		config->has_dtb = false;
}

/* The device before @end, with an address, that is in the way; NULL: none. */
static const struct device_config *
device_at(const struct shyper_config *config, unsigned int end,
	  const struct range *range)
{
	const struct device_config *device;
	struct range other = { NULL, 0, 0 };
	unsigned int i;

	for (i = 0; i < end; i++) {
		device = &config->devices[i];
		other.start = device->ipa;
		other.length = device->ipa ? device->length : 0;
		if (ranges_overlap(range, &other))
			return device;
	}
	return NULL;
}

static void check_given(struct shyper_config *config, unsigned int index)
{
	const struct device_config *device = &config->devices[index], *other;
	const struct range range = { NULL, device->ipa, device->length };
	unsigned long long ipa = device->ipa;
	const char *what;
	char path[48];

	snprintf(path, sizeof(path), "%s/address", device->json);
	if (!ipa || ipa % LAYOUT_PAGE_SIZE) {
		config_error(config, path, "is 0x%llx, expected a multiple of 4 KiB", ipa);
		return;
	}
	if (ipa >= LAYOUT_IPA_END) {
		config_error(config, path, "is 0x%llx, expected less than 0x%lx",
			     ipa, LAYOUT_IPA_END);
		return;
	}
	what = fixed_range_at(config, &range);
	other = device_at(config, index, &range);
	if (what)
		config_error(config, path, "is 0x%llx, which overlaps %s", ipa, what);
	else if (other)
		config_error(config, path, "is 0x%llx, which overlaps device \"%s\"",
			     ipa, other->name);
}

/* The device that has the interrupt too; NULL: none. */
static const struct device_config *
device_of_irq(const struct shyper_config *config, unsigned int end,
	      const struct device_config *device)
{
	const struct device_config *other;

	for (other = config->devices; other < config->devices + end; other++) {
		if (other != device && other->irq == device->irq)
			return other;
	}
	return NULL;
}

static void check_given_irq(struct shyper_config *config, unsigned int index)
{
	const struct device_config *device = &config->devices[index], *other;
	char path[48];

	other = device_of_irq(config, index, device);
	if (!other)
		return;
	snprintf(path, sizeof(path), "%s/interrupt", device->json);
	config_error(config, path, "is %u, as that of %s", device->irq, other->json);
}

static void choose_irq(struct shyper_config *config, unsigned int index)
{
	struct device_config *device = &config->devices[index];

	device->irq = LAYOUT_DEVICE_IRQ + index;
	while (device_of_irq(config, config->nr_devices, device))
		device->irq++;
}

static void choose_earlycon(struct shyper_config *config)
{
	struct range range = { NULL, LAYOUT_EARLYCON_IPA, LAYOUT_PAGE_SIZE };

	while (fixed_range_at(config, &range) ||
	       device_at(config, config->nr_devices, &range))
		range.start += LAYOUT_PAGE_SIZE;
	config->earlycon_ipa = range.start;
}

static void choose(struct shyper_config *config, unsigned int index)
{
	struct device_config *device = &config->devices[index];
	bool is_foreign = !device->nr_queues;
	uint64_t stride = is_foreign ? LAYOUT_FOREIGN_STRIDE : LAYOUT_PAGE_SIZE;
	struct range range = { NULL, 0, device->length };

	range.start = is_foreign ? LAYOUT_FOREIGN_IPA :
				   LAYOUT_VIRTIO_IPA + index * stride;
	while (fixed_range_at(config, &range) ||
	       device_at(config, config->nr_devices, &range))
		range.start += stride;
	device->ipa = range.start;
}

static bool needs_irq(const struct device_config *device)
{
	return device->nr_queues || device->type == DEVICE_PL011;
}

void layout_assign(struct shyper_config *config)
{
	unsigned int i;

	for (i = 0; i <= config->nr_regions; i++)
		check_memory(config, i);
	check_boot(config);
	for (i = 0; i < config->nr_devices; i++) {
		if (config->devices[i].has_ipa)
			check_given(config, i);
		if (config->devices[i].has_irq)
			check_given_irq(config, i);
	}
	choose_earlycon(config);
	for (i = 0; i < config->nr_devices; i++) {
		if (!config->devices[i].has_ipa)
			choose(config, i);
		if (!config->devices[i].has_irq && needs_irq(&config->devices[i]))
			choose_irq(config, i);
	}
}

void layout_describe_device(const struct shyper_config *config,
			    unsigned int index, struct hvisor_device_desc *desc)
{
	const struct device_config *device = &config->devices[index];

	memset(desc, 0, sizeof(*desc));
	desc->size = sizeof(*desc);
	if (index == config->nr_devices) {
		desc->kind = HVISOR_DEVICE_EARLYCON;
		memcpy(desc->name, EARLYCON_NAME, sizeof(EARLYCON_NAME));
		desc->ipa = config->earlycon_ipa;
		desc->length = LAYOUT_PAGE_SIZE;
		return;
	}
	desc->kind = device->nr_queues ? HVISOR_DEVICE_VIRTIO : HVISOR_DEVICE_MMIO;
	memcpy(desc->name, device->name, sizeof(desc->name));
	desc->ipa = device->ipa;
	desc->length = device->length;
	desc->irq = device->irq;
	desc->nr_queues = device->nr_queues;
	desc->queue_size = device->queue_size;
	if (!device->nr_queues)
		desc->queue_size = 0;
	desc->deadline_ms = device->deadline_ms;
	desc->policy = device->policy;
}
