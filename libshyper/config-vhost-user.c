// SPDX-License-Identifier: LGPL-2.1-or-later
/* The keys of a device that a back end of vhost-user serves. */
#include "cell-config.h"

#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SOCKET	107	/* of sockaddr_un, less its NUL */

static void check_socket(const struct json_place *place)
{
	char *socket = NULL, path[48];

	if (json_get_file(place, "socket", true, &socket) &&
	    strlen(socket) > MAX_SOCKET) {
		json_path(place, "socket", path, sizeof(path));
		config_error(place->config, path, "has %zu bytes, expected at most %d",
			     strlen(socket), MAX_SOCKET);
	}
	free(socket);
}

static void check_tag(const struct json_place *place, bool is_fs)
{
	char tag[sizeof(((struct virtio_fs_config *)0)->tag) + 1], path[48];

	json_path(place, "tag", path, sizeof(path));
	if (is_fs && !json_object_get(place->object, "tag"))
		config_error(place->config, path, "is missing, expected the name by which the guest mounts it");
	else if (is_fs)
		json_get_name(place, "tag", tag, sizeof(tag));
	else if (json_object_get(place->object, "tag"))
		config_error(place->config, path, "is of a \"fs\" alone");
}

/* A name, or the number of any other virtio device. */
static uint32_t read_virtio_id(const struct json_place *place)
{
	static const char expected[] =
		"\"blk\", \"net\", \"fs\" or a virtio device ID from 1 to 63";
	static const struct json_word words[] = {
		{ "blk", VIRTIO_ID_BLOCK }, { "net", VIRTIO_ID_NET },
		{ "fs", VIRTIO_ID_FS }, { NULL, 0 },
	};
	json_t *value = json_object_get(place->object, "device");
	unsigned int number = 0;
	int id = 0;

	if (!value)
		json_get(place, "device", JSON_STRING, true, expected);
	else if (json_is_integer(value))
		json_get_count(place, "device", 1, 63, &number);
	else
		json_get_word(place, "device", words, &id);
	return id ? (uint32_t)id : number;
}

uint32_t config_read_vhost_user(const struct json_place *place,
				struct device_config *device)
{
	uint32_t id = read_virtio_id(place);
	bool flag;	/* the bridge's alone */

	check_socket(place);
	check_tag(place, id == VIRTIO_ID_FS);
	if (id == VIRTIO_ID_FS || id == VIRTIO_ID_NET)
		device->nr_queues = 2;
	json_get_bool(place, "direct", &flag);
	json_get_bool(place, "poll", &flag);
	json_get_count(place, "queues", 1, HVISOR_MAX_QUEUES, &device->nr_queues);
	return id;
}
