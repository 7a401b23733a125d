// SPDX-License-Identifier: LGPL-2.1-or-later
/* A cell's memory: RAM and the regions beside it. */
#include "cell-config.h"

#include <stdio.h>
#include <string.h>

uint64_t config_total_memory(const struct shyper_config *config)
{
	uint64_t total = config->memory;
	unsigned int i;

	for (i = 0; i < config->nr_regions; i++)
		total += config->regions[i].length;
	return total;
}

/* @ret stays where it is not a multiple of 2 MiB that ends with the address space. */
static void read_blocks(const struct json_place *place, const char *key, uint64_t ipa,
			uint64_t *ret)
{
	uint64_t length;
	char path[48];

	if (!json_get_size(place, key, true, &length))
		return;
	json_path(place, key, path, sizeof(path));
	if (!length || length % HVISOR_BLOCK_SIZE)
		config_error(place->config, path,
			     "is 0x%llx bytes, expected a multiple of 2 MiB",
			     (unsigned long long)length);
	else if (length > LAYOUT_IPA_END - ipa)
		config_error(place->config, path,
			     "is 0x%llx bytes, more than a cell's address space has (0x%llx)",
			     (unsigned long long)length,
			     (unsigned long long)(LAYOUT_IPA_END - ipa));
	else
		*ret = length;
}

bool config_read_address(const struct json_place *place, const char *key,
			 uint64_t *ret)
{
	uint64_t ipa;
	char path[48];

	if (!json_get_address(place, key, &ipa))
		return false;
	json_path(place, key, path, sizeof(path));
	if (ipa < LAYOUT_IPA_END) {
		*ret = ipa;
		return true;
	}
	config_error(place->config, path, "is 0x%llx, expected less than 0x%lx",
		     (unsigned long long)ipa, LAYOUT_IPA_END);
	return false;
}

/* Likewise a multiple of 2 MiB. */
static void read_block_address(const struct json_place *place, const char *key,
			       uint64_t *ret)
{
	uint64_t ipa;
	char path[48];

	if (!config_read_address(place, key, &ipa))
		return;
	if (ipa % HVISOR_BLOCK_SIZE == 0) {
		*ret = ipa;
		return;
	}
	json_path(place, key, path, sizeof(path));
	config_error(place->config, path, "is 0x%llx, expected a multiple of 2 MiB",
		     (unsigned long long)ipa);
}

static void read_region_name(const struct json_place *place,
			     struct region_config *region)
{
	const struct region_config *other = place->config->regions;
	char path[48];

	if (!json_get_name(place, "name", region->name, sizeof(region->name)))
		return;
	for (; other < region; other++) {
		if (strcmp(other->name, region->name))
			continue;
		json_path(place, "name", path, sizeof(path));
		config_error(place->config, path, "is \"%s\", as that of %s",
			     region->name, other->json);
		return;
	}
}

static void read_region(struct shyper_config *config, size_t index, json_t *object)
{
	static const char *const keys[] = {
		"name", "address", "size", "file", "readonly", NULL
	};
	struct region_config *region = &config->regions[config->nr_regions++];
	struct json_place place = { config, object, region->json };
	char shown[64];

	snprintf(region->json, sizeof(region->json), "/regions/%zu", index);
	if (!json_is_object(object)) {
		json_describe(object, shown, sizeof(shown));
		config_error(config, region->json, "is %s, expected an object with \"name\", \"address\" and \"size\"",
			     shown);
		return;
	}
	json_check_keys(&place, keys);
	read_region_name(&place, region);
	if (!json_object_get(object, "address"))
		json_get(&place, "address", JSON_STRING, true,
			 "an address as text, \"0x0a000000\"");
	read_block_address(&place, "address", &region->ipa);
	read_blocks(&place, "size", region->ipa, &region->length);
	json_get_file(&place, "file", false, &region->file);
	json_get_bool(&place, "readonly", &region->is_readonly);
}

static void read_regions(const struct json_place *place)
{
	json_t *list = json_get(place, "regions", JSON_ARRAY, false,
				"a list of memory regions");
	size_t i;

	if (!list)
		return;
	if (json_array_size(list) > CONFIG_MAX_REGIONS) {
		config_error(place->config, "/regions", "lists %zu regions, expected at most %d",
			     json_array_size(list), CONFIG_MAX_REGIONS);
		return;
	}
	for (i = 0; i < json_array_size(list); i++)
		read_region(place->config, i, json_array_get(list, i));
}

void config_read_memory(struct shyper_config *config, json_t *root)
{
	const struct json_place place = { config, root, "" };

	config->memory_ipa = LAYOUT_RAM_IPA;
	read_block_address(&place, "memory_address", &config->memory_ipa);
	read_blocks(&place, "memory", config->memory_ipa, &config->memory);
	read_regions(&place);
}
