// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-net: the keys of its configuration, and the address of a guest that was
 * given none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net.h"
#include "program.h"

#define MIN_MTU	68	/* virtio 1.2, 5.1.4.1 */

/* FNV-1a; a NUL behind each text keeps "a", "bc" apart from "ab", "c". */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3ULL;
	} while (*text++);
	return hash;
}

void net_config_derive_mac(uint8_t mac[ETH_ALEN], const char *host, const char *cell,
			   const char *device)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	unsigned int n;

	hash = hash_text(hash_text(hash_text(hash, host), cell), device);
	/* Its low bits depend on the last bytes alone. */
	hash ^= hash >> 32;
	for (n = 0; n < ETH_ALEN; n++)
		mac[n] = hash >> 8 * n;
	/* Locally administered, and of one station. */
	mac[0] = (mac[0] & ~3) | 2;
}

/* The first line of a file; false: there is none. */
static bool read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = -1;

	if (fd >= 0) {
		length = read(fd, line, size - 1);
		close(fd);
	}
	line[length > 0 ? length : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return *line;
}

static void derive_mac(struct net_config *config, const char *device)
{
	char path[128], host[64], cell[64];
	const char *name = strchr(device, '.');

	if (!read_line("/etc/machine-id", host, sizeof(host)))
		say(SAY_WARNING,
		    "no /etc/machine-id: other machines derive the same address; give \"mac\"");
	snprintf(path, sizeof(path), "/sys/class/hvisor/%.*s/name",
		 (int)strcspn(device, "."), device);
	read_line(path, cell, sizeof(cell));
	net_config_derive_mac(config->mac, host, cell, name ? name + 1 : device);
}

static int parse_mac(uint8_t mac[ETH_ALEN], const char *text)
{
	static const uint8_t none[ETH_ALEN];
	int end = 0;

	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n",
		   &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
		   &mac[5], &end) != ETH_ALEN || text[end] || end != 3 * ETH_ALEN - 1 ||
	    mac[0] & 1 || !memcmp(mac, none, ETH_ALEN))
		return -EINVAL;
	return 0;
}

static int read_mac(struct net_config *config, const char *device, const json_t *json)
{
	const char *text = NULL;
	int err = config_string(json, "mac", &text);

	if (err)
		return err;
	if (!text)
		derive_mac(config, device);
	else if (parse_mac(config->mac, text)) {
		say(SAY_ERROR,
		    "configuration: \"mac\" must be the address of one station, as 02:00:00:12:34:56");
		return -EINVAL;
	}
	return 0;
}

static int read_interface(const json_t *json, const char *key, char name[IFNAMSIZ])
{
	const char *text = NULL;
	int err = config_string(json, key, &text);

	if (err || !text)
		return err;
	if (!*text || strlen(text) >= IFNAMSIZ) {
		say(SAY_ERROR, "configuration: \"%s\" must have 1 to %d characters", key,
		    IFNAMSIZ - 1);
		return -EINVAL;
	}
	strcpy(name, text);
	return 0;
}

/* The device's name where it fits: cell1.net0. */
static void name_tap(struct net_config *config, const char *device)
{
	if (strlen(device) < IFNAMSIZ)
		strcpy(config->tap, device);
	else
		snprintf(config->tap, IFNAMSIZ, "net-%08x",
			 (uint32_t)hash_text(0, device));
}

static int read_link(struct net_config *config, const json_t *json)
{
	const char *text = "up";
	int err = config_string(json, "link", &text);

	if (err)
		return err;
	config->link = !strcmp(text, "up");
	if (config->link || !strcmp(text, "down"))
		return 0;
	say(SAY_ERROR, "configuration: \"link\" must be \"up\" or \"down\"");
	return -EINVAL;
}

/* "auto", true or false. */
static int read_vhost(struct net_config *config, const json_t *json)
{
	const json_t *item = json_object_get(json, "vhost");
	const char *word = json_string_value(item);

	if (json_is_boolean(item))
		config->vhost = json_is_true(item) ? NET_VHOST_ALWAYS : NET_VHOST_NEVER;
	else if (item && (!word || strcmp(word, "auto"))) {
		say(SAY_ERROR, "configuration: \"vhost\" must be \"auto\", true or false");
		return -EINVAL;
	}
	return 0;
}

int net_config_read(struct net_config *config, const char *device, const json_t *json)
{
	unsigned int mtu = 0;

	memset(config, 0, sizeof(*config));
	config->pairs = 1;
	config->poll = true;
	name_tap(config, device);
	if (read_interface(json, "tap", config->tap) ||
	    read_interface(json, "bridge", config->bridge) ||
	    config_range(json, "mtu", MIN_MTU, UINT16_MAX, &mtu) ||
	    config_range(json, "queue_pairs", 1, NET_MAX_PAIRS, &config->pairs) ||
	    config_flag(json, "poll", &config->poll) ||
	    read_link(config, json) || read_vhost(config, json) || read_mac(config, device, json))
		return SHYPER_EXIT_CONFIG;
	config->mtu = mtu;
	return 0;
}
