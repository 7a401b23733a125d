// SPDX-License-Identifier: GPL-2.0-or-later
/* shyper cell create --dry-run: CPUs, guest addresses, device tree. */
#include "cell-plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "output.h"

static const struct output_field region_columns[] = {
	{ "address", "ADDRESS", OUTPUT_PLAIN, NULL },
	{ "size", "SIZE", OUTPUT_SIZE, NULL },
	{ "intid", "INTID", OUTPUT_PLAIN, NULL },
	{ "name", "NAME", OUTPUT_PLAIN, NULL },
	{ "type", "TYPE", OUTPUT_PLAIN, NULL },
	{ 0 }
};

static const struct output_field plan_fields[] = {
	{ "name", "name", OUTPUT_PLAIN, NULL },
	{ "cpus", "cpus", OUTPUT_PLAIN, NULL },
	{ "memory", "memory", OUTPUT_SIZE, NULL },
	{ "regions", "regions", OUTPUT_PLAIN, region_columns },
	{ 0 }
};

static json_t *describe_region(const struct shyper_region *region)
{
	char address[24];
	json_t *object;

	snprintf(address, sizeof(address), "0x%08llx",
		 (unsigned long long)region->address);
	object = json_pack("{s:s s:s s:s s:I}", "name", region->name, "type",
			   region->type, "address", address, "size",
			   (json_int_t)region->length);
	if (region->intid)
		json_object_set_new(object, "intid",
				    json_integer(region->intid));
	return object;
}

static int describe_plan(const struct shyper_config *config, const char *tree,
			 json_t **ret_plan)
{
	struct shyper_region *regions;
	json_t *list = json_array();
	char cpus[128];
	int i, count = shyper_config_get_regions(config, &regions);

	for (i = 0; i < count; i++)
		json_array_append_new(list, describe_region(&regions[i]));
	if (count >= 0)
		free(regions);
	if (count >= 0)
		count = shyper_config_choose_cpus(config, cpus, sizeof(cpus));
	if (count < 0) {
		json_decref(list);
		return count;
	}
	*ret_plan = json_pack("{s:s s:s s:s s:I s:o s:s}",
			      "file", shyper_config_get_path(config),
			      "name", shyper_config_get_name(config),
			      "cpus", cpus, "memory",
			      (json_int_t)shyper_config_get_memory(config),
			      "regions", list, "device_tree", tree);
	return 0;
}

enum cli_status cell_print_plan(const struct invocation *invocation,
				const struct shyper_config *config)
{
	enum cli_status status;
	json_t *plan = NULL;
	char *tree;
	int err;

	err = shyper_config_get_device_tree(config, &tree);
	if (err)
		return context_fail(invocation, invocation->argv[0], err);
	err = describe_plan(config, tree, &plan);
	status = err ? context_fail(invocation, invocation->argv[0], err) :
		       output_value(invocation, plan, plan_fields);
	if (!status && !invocation->json)
		printf("\n%s", tree);
	free(tree);
	return status;
}
