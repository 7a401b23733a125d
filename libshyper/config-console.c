// SPDX-License-Identifier: LGPL-2.1-or-later
/* The keys of a console. */
#include "cell-config.h"

#include <string.h>

#define MAX_PORTS	6	/* two queues each, beside four, of 16 */
#define MAX_NAME	16

static bool is_listed(const json_t *list, size_t nr, const char *name)
{
	size_t n;

	for (n = 0; n < nr; n++)
		if (!strcmp(name, json_string_value(json_array_get(list, n))))
			return true;
	return false;
}

/* False: nothing after it is looked at. */
static bool read_port(struct shyper_config *config, const char *json, const json_t *list,
		      size_t n)
{
	const json_t *value = json_array_get(list, n);
	char path[64], shown[64];

	snprintf(path, sizeof(path), "%s/%zu", json, n);
	json_describe(value, shown, sizeof(shown));
	if (!json_is_string(value) || !name_is_valid(json_string_value(value), MAX_NAME)) {
		config_error(config, path, "is %s, expected a name of 1 to %d letters, digits, _ or -",
			     shown, MAX_NAME - 1);
		return false;
	}
	if (!is_listed(list, n, json_string_value(value)))
		return true;
	config_error(config, path, "is %s, as another one", shown);
	return false;
}

void config_read_console(const struct json_place *place, struct device_config *device)
{
	size_t n, nr;
	char path[48];
	json_t *list;

	json_get_file(place, "log", false, &device->log);
	list = json_get(place, "ports", JSON_ARRAY, false, "a list of names of ports");
	if (!list)
		return;
	nr = json_array_size(list);
	json_path(place, "ports", path, sizeof(path));
	if (!nr || nr > MAX_PORTS) {
		config_error(place->config, path, "lists %zu ports, expected 1 to %d", nr,
			     MAX_PORTS);
		return;
	}
	for (n = 0; n < nr && read_port(place->config, path, list, n); n++)
		;
	device->nr_queues = 4 + 2 * (unsigned int)nr;
}
