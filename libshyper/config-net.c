// SPDX-License-Identifier: LGPL-2.1-or-later
/* The keys of a network device. */
#include "cell-config.h"

#include <linux/if.h>
#include <string.h>

#define MAX_PAIRS	7	/* and a control queue, of 16 */
#define MIN_MTU		68
#define MAX_MTU		65535
#define MAC_LENGTH	17

#define DIGITS		"0123456789"
#define LETTERS		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* What the kernel takes for a name, and no shell for something else. */
static bool interface_is_valid(const char *name)
{
	size_t length = strlen(name);

	return length && length < IFNAMSIZ &&
	       strspn(name, LETTERS DIGITS "_.-") == length &&
	       strcmp(name, ".") && strcmp(name, "..");
}

/* Six bytes; of one station, which the lowest bit of the first tells. */
static bool mac_is_valid(const char *text)
{
	size_t i;

	for (i = 0; i < MAC_LENGTH; i++) {
		const char *set = i % 3 == 2 ? ":" : DIGITS "ABCDEFabcdef";

		if (!text[i] || !strchr(set, text[i]))
			return false;
	}
	return !text[i] && strchr("02468ACEace", text[1]) &&
	       strspn(text, "0:") != MAC_LENGTH;
}

/* A text that @is_valid; NULL: there is none, or it is a finding. */
static const char *get_text(const struct json_place *place, const char *key,
			    const char *expected, bool (*is_valid)(const char *text))
{
	json_t *value = json_get(place, key, JSON_STRING, false, expected);
	char path[64], shown[64];

	if (!value || is_valid(json_string_value(value)))
		return json_string_value(value);
	json_path(place, key, path, sizeof(path));
	json_describe(value, shown, sizeof(shown));
	config_error(place->config, path, "is %s, expected %s", shown, expected);
	return NULL;
}

static void read_vhost(const struct json_place *place)
{
	json_t *value = json_object_get(place->object, "vhost");
	char path[64], shown[64];

	if (!value || json_is_boolean(value) ||
	    (json_is_string(value) && !strcmp(json_string_value(value), "auto")))
		return;
	json_path(place, "vhost", path, sizeof(path));
	json_describe(value, shown, sizeof(shown));
	config_error(place->config, path, "is %s, expected \"auto\", true or false", shown);
}

void config_read_net(const struct json_place *place, struct device_config *device)
{
	static const char interface[] =
		"the name of a network interface: 1 to 15 letters, digits, _ . or -";
	static const struct json_word links[] = {
		{ "up", 1 }, { "down", 0 }, { NULL, 0 },
	};
	unsigned int pairs = 1, mtu;
	const char *bridge;
	bool poll;	/* the backend's alone */
	int link;

	get_text(place, "tap", interface, interface_is_valid);
	bridge = get_text(place, "bridge", interface, interface_is_valid);
	if (bridge)
		text_copy(device->bridge, sizeof(device->bridge), bridge);
	get_text(place, "mac", "the address of one station, as \"02:00:00:12:34:56\"",
		 mac_is_valid);
	json_get_count(place, "mtu", MIN_MTU, MAX_MTU, &mtu);
	json_get_word(place, "link", links, &link);
	read_vhost(place);
	json_get_bool(place, "poll", &poll);
	json_get_count(place, "queue_pairs", 1, MAX_PAIRS, &pairs);
	device->nr_queues = 2 * pairs + 1;
}
