// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What was changed of a device's configuration.
 *
 * A backend reads its configuration once, before it locks itself in, so a
 * change needs a new one. Which keys can be changed is decided here; what the
 * guest or the hypervisor was told at the beginning is not among them.
 */
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service.h"

static const char told_guest[] =
	"was told to the guest when the device appeared; change the cell's file and create the cell anew";
static const char told_hypervisor[] =
	"is the hypervisor's since the cell was created; change the cell's file and create the cell anew";

static const char chosen_once[] =
	"was chosen when the cell was created; change the cell's file and create the cell anew";

/* Why a key stays as it is; NULL: it can be changed. */
static const struct {
	const char *type, *key, *refusal;
} keys[] = {
	{ "console", "log", NULL },
	{ "blk", "path", told_guest },
	{ "blk", "readonly", told_guest },
	{ "blk", "serial", told_guest },
	{ "rng", "rate", chosen_once },
	{ "vhost-user", "socket", chosen_once },
	{ "vhost-user", "device", told_guest },
	{ "vhost-user", "tag", told_guest },
	{ "vhost-user", "queues", told_guest },
	{ NULL, "queue_size", told_guest },
	{ NULL, "type", told_guest },
	{ NULL, "name", told_hypervisor },
	{ NULL, "address", told_hypervisor },
	{ NULL, "length", told_hypervisor },
	{ NULL, "deadline_ms", told_hypervisor },
	{ NULL, "policy", told_hypervisor },
};

#define NR_KEYS	(sizeof(keys) / sizeof(keys[0]))

static void settings_path(const struct shyper_device *device, char *path,
			  size_t size)
{
	snprintf(path, size, SERVICE_RUN_FOLDER "/%s.json",
		 shyper_device_get_sysname(device));
}

/* As it was when the cell was created. */
static json_t *read_first(struct shyper_device *device)
{
	json_t *config;
	char *text;

	if (shyper_device_read_config(device, &text) < 0)
		return NULL;
	config = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	return config;
}

json_t *settings_read(struct shyper_device *device)
{
	char path[128];
	json_t *config;

	settings_path(device, path, sizeof(path));
	config = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	return config ? config : read_first(device);
}

static int refuse(const char *type, const char *key, char *text, size_t size)
{
	for (size_t i = 0; i < NR_KEYS; i++) {
		if ((keys[i].type && strcmp(keys[i].type, type)) ||
		    strcmp(keys[i].key, key))
			continue;
		if (!keys[i].refusal)
			return 0;
		snprintf(text, size, "\"%s\" %s", key, keys[i].refusal);
		return -EPERM;
	}
	snprintf(text, size, "a device of type %s has no key \"%s\"%s", type, key,
		 strcmp(type, "console") ? "" : ", expected \"log\"");
	return -EPERM;
}

/* The new backend will want it just so, and must not fail. */
static int try_file(const char *path, char *text, size_t size)
{
	int fd = -1, err = 0;

	if (path[0] == '/')
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
			  O_NOCTTY | O_NONBLOCK, 0640);
	else
		err = -EINVAL;
	if (!err && fd < 0)
		err = -errno;
	if (err)
		snprintf(text, size, "%s: %s", path,
			 path[0] == '/' ? strerror(-err) :
					  "expected an absolute path");
	if (fd >= 0)
		close(fd);
	return err;
}

static void reset_key(struct shyper_device *device, json_t *config,
		      const char *key)
{
	json_t *first = read_first(device);
	json_t *value = json_object_get(first, key);

	if (value)
		json_object_set(config, key, value);
	else
		json_object_del(config, key);
	json_decref(first);
}

int settings_apply(struct shyper_device *device, json_t *config,
		   const char *setting, char *text, size_t size)
{
	const char *equals = strchr(setting, '=');
	char key[32];
	int err;

	if (!equals || equals == setting ||
	    equals - setting >= (int)sizeof(key)) {
		snprintf(text, size, "'%s' is not KEY=VALUE", setting);
		return -EINVAL;
	}
	snprintf(key, sizeof(key), "%.*s", (int)(equals - setting), setting);
	err = refuse(shyper_device_get_type(device), key, text, size);
	if (!err && equals[1])
		err = try_file(equals + 1, text, size);
	if (err)
		return err;
	if (equals[1])
		json_object_set_new(config, key, json_string(equals + 1));
	else
		reset_key(device, config, key);
	return 0;
}

/* In one step: a backend that starts meanwhile reads the old one or the new. */
int settings_write(const struct shyper_device *device, const json_t *config)
{
	char path[128], next[140];
	mode_t mask = umask(0077);
	int err = 0;

	service_make_folder();
	settings_path(device, path, sizeof(path));
	snprintf(next, sizeof(next), "%s.new", path);
	if (json_dump_file(config, next, JSON_COMPACT) || rename(next, path)) {
		err = errno ? -errno : -EIO;
		unlink(next);
	}
	umask(mask);
	return err;
}
