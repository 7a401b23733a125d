// SPDX-License-Identifier: GPL-2.0-or-later
/* mediated-cfg.json: what the daemon serves, and with which changes. */
#include "mediated.h"

#include <errno.h>
#include <stdio.h>
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

/* NULL: nothing is wrong; else what. */
static const char *check(json_t *root)
{
	const char *key;
	json_t *value;
	size_t i;

	if (!json_is_object(root))
		return "an object is expected";
	json_object_foreach(root, key, value) {
		if (strcmp(key, "version") && strcmp(key, "mediated"))
			return "only \"version\" and \"mediated\" are known";
	}
	if (json_integer_value(json_object_get(root, "version")) != 1)
		return "\"version\": 1 is expected";
	value = json_object_get(root, "mediated");
	if (!json_is_array(value))
		return "\"mediated\" is to be an array";
	for (i = 0; i < json_array_size(value); i++) {
		const json_t *entry = json_array_get(value, i);

		if (!entry_text(entry, "cell")[0] ||
		    !entry_text(entry, "device")[0])
			return "each entry of \"mediated\" names a \"cell\" and a \"device\"";
	}
	return NULL;
}

int mediated_load(const char *path, struct mediated **ret_mediated, char *text,
		  size_t size)
{
	struct mediated *mediated;
	const char *fault;
	json_error_t error;
	json_t *root;
	FILE *file = fopen(path, "re");

	if (!file) {
		snprintf(text, size, "%s", strerror(errno));
		return -errno;
	}
	root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	fclose(file);
	if (!root) {
		snprintf(text, size, "%d:%d: %s", error.line, error.column,
			 error.text);
		return -EINVAL;
	}
	fault = check(root);
	mediated = fault ? NULL : calloc(1, sizeof(*mediated));
	if (!mediated) {
		snprintf(text, size, "%s", fault ? fault : "out of memory");
		json_decref(root);
		return fault ? -EINVAL : -ENOMEM;
	}
	mediated->root = root;
	mediated->entries = json_object_get(root, "mediated");
	*ret_mediated = mediated;
	return 0;
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
