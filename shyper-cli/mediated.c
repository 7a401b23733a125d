// SPDX-License-Identifier: GPL-2.0-or-later
/* mediated-cfg.json: what the daemon serves, and with which changes. */
#include "mediated.h"

#include <stdlib.h>
#include <string.h>

struct mediated {
	json_t *root;
	json_t *entries;	/* of @root */
};

static bool is_entry_key(const char *key)
{
	return !strcmp(key, "cell") || !strcmp(key, "device");
}

static const char *entry_text(const json_t *entry, const char *key)
{
	const char *text = json_string_value(json_object_get(entry, key));

	return text ? text : "";
}

struct mediated *mediated_parse(const char *text)
{
	struct mediated *mediated = calloc(1, sizeof(*mediated));

	if (!mediated)
		return NULL;
	mediated->root = json_loads(text, 0, NULL);
	mediated->entries = json_object_get(mediated->root, "mediated");
	if (!mediated->entries) {
		mediated_free(mediated);
		return NULL;
	}
	return mediated;
}

void mediated_free(struct mediated *mediated)
{
	if (!mediated)
		return;
	json_decref(mediated->root);
	free(mediated);
}

static json_t *find(const struct mediated *mediated, const char *cell,
		    const char *device)
{
	json_t *entry;
	size_t i;

	json_array_foreach(mediated->entries, i, entry) {
		if (!strcmp(entry_text(entry, "cell"), cell) &&
		    (!device || !strcmp(entry_text(entry, "device"), device)))
			return entry;
	}
	return NULL;
}

bool mediated_has_cell(const struct mediated *mediated, const char *cell)
{
	return find(mediated, cell, NULL);
}

bool mediated_has_device(const struct mediated *mediated, const char *cell,
			 const char *device)
{
	return find(mediated, cell, device);
}

bool mediated_override(const struct mediated *mediated, const char *cell,
		       const char *device, json_t *config)
{
	json_t *entry = find(mediated, cell, device);
	bool changed = false;
	const char *key;
	json_t *value;

	json_object_foreach(entry, key, value) {
		if (is_entry_key(key))
			continue;
		json_object_set(config, key, value);
		changed = true;
	}
	return changed;
}
