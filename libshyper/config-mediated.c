// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The keys of the file that limits the daemon. Which device an entry means is
 * known only when there is one, so an entry may have the keys of any backend.
 */
#include "cell-config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	char path[32];		/* in the file */
	char cell[HVISOR_CELL_NAME_LEN];
	char device[HVISOR_DEVICE_NAME_LEN];
};

static void read_changes(const struct json_place *place)
{
	static const char *const files[] = { "path", "log" };
	bool is_readonly;
	char *file;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (json_get_file(place, files[i], false, &file))
			free(file);
	}
	json_get_bool(place, "readonly", &is_readonly);
	config_read_serial(place);
}

static void read_entry(const struct json_place *place, struct entry *entry)
{
	static const char *const keys[] = {
		"cell", "device", "path", "readonly", "serial", "log", NULL
	};
	char shown[64];

	if (!json_is_object(place->object)) {
		json_describe(place->object, shown, sizeof(shown));
		config_error(place->config, place->path,
			     "is %s, expected an object with \"cell\" and \"device\"",
			     shown);
		return;
	}
	json_check_keys(place, keys);
	config_read_cell_name(place, "cell", entry->cell);
	config_read_device_name(place, "device", entry->device);
	read_changes(place);
}

/* Of two entries for one device the second would have no effect. */
static void check_twice(struct shyper_config *config, const struct entry *first,
			const struct entry *entry)
{
	for (; first < entry && *entry->cell && *entry->device; first++) {
		if (strcmp(first->cell, entry->cell) ||
		    strcmp(first->device, entry->device))
			continue;
		config_error(config, entry->path, "is for device \"%s\" of cell \"%s\", as %s",
			     entry->device, entry->cell, first->path);
		return;
	}
}

void config_read_mediated(struct shyper_config *config, json_t *root)
{
	static const char *const keys[] = { "version", "mediated", NULL };
	struct json_place place = { config, root, "" };
	struct entry *entries;
	json_t *list;
	size_t i;

	json_check_keys(&place, keys);
	config_read_version(&place);
	list = json_get(&place, "mediated", JSON_ARRAY, true, "a list of objects");
	entries = calloc(json_array_size(list) + 1, sizeof(*entries));
	if (!entries) {
		config->is_out_of_memory = true;
		return;
	}
	for (i = 0; i < json_array_size(list); i++) {
		snprintf(entries[i].path, sizeof(entries[i].path),
			 "/mediated/%zu", i);
		place.object = json_array_get(list, i);
		place.path = entries[i].path;
		read_entry(&place, &entries[i]);
		check_twice(config, entries, &entries[i]);
	}
	free(entries);
}
