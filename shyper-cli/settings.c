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
#include <linux/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service.h"

/* Of the file alone: of which cell it is; backends know it, too. */
#define MARK_KEY	"cell_memory"

static const char told_guest[] =
	"was told to the guest when the device appeared; change the cell's file and create the cell anew";
static const char told_hypervisor[] =
	"is the hypervisor's since the cell was created; change the cell's file and create the cell anew";
static const char chosen_once[] =
	"was chosen when the cell was created; change the cell's file and create the cell anew";

/* Each returns the value for the configuration, or NULL with @err and @text. */
typedef json_t *(*value_reader)(const char *value, int *err, char *text, size_t size);

static json_t *read_log(const char *value, int *err, char *text, size_t size);
static json_t *read_count(const char *value, int *err, char *text, size_t size);
static json_t *read_rate(const char *value, int *err, char *text, size_t size);
static json_t *read_size(const char *value, int *err, char *text, size_t size);
static json_t *read_link(const char *value, int *err, char *text, size_t size);
static json_t *read_bridge(const char *value, int *err, char *text, size_t size);

/* What can be changed has a @read, others the reason why they cannot. */
static const struct settings_key {
	const char *type, *key, *refusal;
	value_reader read;
} keys[] = {
	{ "console", "log", NULL, read_log },
	{ "pl011", "log", NULL, read_log },
	{ "blk", "iops", NULL, read_count },
	{ "blk", "bytes_per_second", NULL, read_rate },
	{ "blk", SETTINGS_SIZE, NULL, read_size },
	{ "net", "link", NULL, read_link },
	{ "net", "bridge", NULL, read_bridge },
	{ "console", "ports", told_guest, NULL },
	{ "blk", "path", told_guest, NULL },
	{ "blk", "poll", chosen_once, NULL },
	{ "blk", "readonly", told_guest, NULL },
	{ "blk", "serial", told_guest, NULL },
	{ "net", "poll", chosen_once, NULL },
	{ "net", "tap", chosen_once, NULL },
	{ "net", "vhost", chosen_once, NULL },
	{ "net", "mac", told_guest, NULL },
	{ "net", "mtu", told_guest, NULL },
	{ "net", "queue_pairs", told_guest, NULL },
	{ "vsock", "cid", told_guest, NULL },
	{ "rng", "rate", chosen_once, NULL },
	{ "vhost-user", "socket", chosen_once, NULL },
	{ "vhost-user", "direct", chosen_once, NULL },
	{ "vhost-user", "poll", chosen_once, NULL },
	{ "vhost-user", "device", told_guest, NULL },
	{ "vhost-user", "tag", told_guest, NULL },
	{ NULL, "queues", told_guest, NULL },
	{ NULL, "queue_size", told_guest, NULL },
	{ NULL, "features", told_guest, NULL },
	{ NULL, "type", told_guest, NULL },
	{ NULL, "name", told_hypervisor, NULL },
	{ NULL, "address", told_hypervisor, NULL },
	{ NULL, "interrupt", told_hypervisor, NULL },
	{ NULL, "length", told_hypervisor, NULL },
	{ NULL, "deadline_ms", told_hypervisor, NULL },
	{ NULL, "policy", told_hypervisor, NULL },
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

/* The file that is the cell's memory; no two cells share one. NULL: nobody knows. */
static json_t *read_mark(struct shyper_ctx *ctx, const struct shyper_device *device)
{
	struct shyper_value *values = NULL;
	struct shyper_cell *cell;
	json_t *mark = NULL;

	if (shyper_cell_open_id(ctx, shyper_device_get_cell(device), &cell))
		return NULL;
	if (shyper_cell_read_memory(cell, &values) > 0)
		mark = json_string(values[0].value);
	free(values);
	shyper_cell_close(cell);
	return mark;
}

json_t *settings_read(struct shyper_ctx *ctx, struct shyper_device *device)
{
	char path[128];
	json_t *config, *mark;
	bool is_ours;

	settings_path(device, path, sizeof(path));
	config = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	mark = read_mark(ctx, device);
	is_ours = mark && json_equal(json_object_get(config, MARK_KEY), mark);
	json_decref(mark);
	if (!is_ours) {
		json_decref(config);
		return read_first(device);
	}
	json_object_del(config, MARK_KEY);
	return config;
}

/* ", expected "iops", ...": what of such a device can be changed. */
static void list_keys(const char *type, char *text, size_t size)
{
	const char *before = ", expected";
	size_t used;

	for (size_t i = 0; i < NR_KEYS; i++) {
		if (!keys[i].read || strcmp(keys[i].type, type))
			continue;
		used = strlen(text);
		snprintf(text + used, size - used, "%s \"%s\"", before, keys[i].key);
		before = ",";
	}
}

/* NULL: it cannot be changed, and @text says why. */
static const struct settings_key *find_key(const char *type, const char *key,
					   char *text, size_t size)
{
	for (size_t i = 0; i < NR_KEYS; i++) {
		if ((keys[i].type && strcmp(keys[i].type, type)) ||
		    strcmp(keys[i].key, key))
			continue;
		if (keys[i].read)
			return &keys[i];
		snprintf(text, size, "\"%s\" %s", key, keys[i].refusal);
		return NULL;
	}
	snprintf(text, size, "a device of type %s has no key \"%s\"", type, key);
	list_keys(type, text, size);
	return NULL;
}

/* The new backend will want it just so, and must not fail. */
static json_t *read_log(const char *value, int *err, char *text, size_t size)
{
	int fd = -1;

	*err = -EINVAL;
	if (value[0] == '/') {
		fd = open(value, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
			  O_NOCTTY | O_NONBLOCK, 0640);
		*err = fd < 0 ? -errno : 0;
	}
	if (*err) {
		snprintf(text, size, "%s: %s", value, value[0] == '/' ?
			 strerror(-*err) : "expected an absolute path");
		return NULL;
	}
	close(fd);
	return json_string(value);
}

static json_t *refuse_value(const char *value, const char *expected, int *err,
			    char *text, size_t size)
{
	snprintf(text, size, "'%s' is not %s", value, expected);
	*err = -EINVAL;
	return NULL;
}

static json_t *read_count(const char *value, int *err, char *text, size_t size)
{
	size_t digits = strspn(value, "0123456789");
	long count = digits && digits < 10 && !value[digits] ? atol(value) : 0;

	if (count < 1 || count > SHYPER_MAX_IOPS)
		return refuse_value(value, "a number from 1 to 10000000", err, text, size);
	return json_integer(count);
}

static json_t *read_rate(const char *value, int *err, char *text, size_t size)
{
	uint64_t rate;

	if (shyper_size_parse(value, &rate) || !rate || rate > SHYPER_MAX_BYTES_PER_SECOND)
		return refuse_value(value, "a size up to 1024G, like 10M", err, text, size);
	return json_string(value);
}

static json_t *read_size(const char *value, int *err, char *text, size_t size)
{
	uint64_t bytes;

	if (shyper_size_parse(value, &bytes) || !bytes || bytes % 512 ||
	    bytes > INT64_MAX)
		return refuse_value(value, "a multiple of 512 bytes, like 10G", err, text,
				    size);
	return json_integer((json_int_t)bytes);
}

static json_t *read_link(const char *value, int *err, char *text, size_t size)
{
	if (strcmp(value, "up") && strcmp(value, "down"))
		return refuse_value(value, "\"up\" or \"down\"", err, text, size);
	return json_string(value);
}

static json_t *read_bridge(const char *value, int *err, char *text, size_t size)
{
	char path[64];

	if (!strchr(value, '/') && strlen(value) < IFNAMSIZ) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", value);
		if (!access(path, F_OK))
			return json_string(value);
	}
	snprintf(text, size, "%s: there is no such bridge", value);
	*err = -ENOENT;
	return NULL;
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

static int explain_file(const char *path, int err, char *text, size_t size)
{
	snprintf(text, size, "%s: %s", path, strerror(err));
	return -err;
}

int settings_apply(struct shyper_device *device, json_t *config,
		   const char *setting, char *text, size_t size)
{
	const char *equals = strchr(setting, '=');
	const struct settings_key *found;
	char key[32];
	int err = 0;

	if (!equals || equals == setting ||
	    equals - setting >= (int)sizeof(key)) {
		snprintf(text, size, "'%s' is not KEY=VALUE", setting);
		return -EINVAL;
	}
	snprintf(key, sizeof(key), "%.*s", (int)(equals - setting), setting);
	found = find_key(shyper_device_get_type(device), key, text, size);
	if (!found)
		return -EPERM;
	if (equals[1])
		json_object_set_new(config, key, found->read(equals + 1, &err, text, size));
	else
		reset_key(device, config, key);
	return err;
}

int settings_grow(json_t *config, char *text, size_t size)
{
	const char *path = json_string_value(json_object_get(config, "path"));
	json_int_t wanted = json_integer_value(json_object_get(config, SETTINGS_SIZE));
	struct stat status;

	/* No part of the configuration: the file itself keeps it. */
	json_object_del(config, SETTINGS_SIZE);
	if (!wanted || !path)
		return 0;
	if (stat(path, &status))
		return explain_file(path, errno, text, size);
	if (!S_ISREG(status.st_mode)) {
		snprintf(text, size, "%s: is no file; make it larger by its own means, then set \"size=\"",
			 path);
		return -EPERM;
	}
	if (status.st_size > wanted) {
		snprintf(text, size, "%s: has %lld bytes; a disk can only grow, since its guest may use all of it",
			 path, (long long)status.st_size);
		return -EPERM;
	}
	return truncate(path, wanted) ? explain_file(path, errno, text, size) : 0;
}

/* In one step: a backend that starts meanwhile reads the old one or the new. */
int settings_write(struct shyper_ctx *ctx, const struct shyper_device *device,
		   const json_t *config)
{
	char path[128], next[140];
	json_t *marked = json_copy((json_t *)config);
	mode_t mask = umask(0077);
	int err = 0;

	json_object_set_new(marked, MARK_KEY, read_mark(ctx, device));
	service_make_folder();
	settings_path(device, path, sizeof(path));
	snprintf(next, sizeof(next), "%s.new", path);
	if (json_dump_file(marked, next, JSON_COMPACT) || rename(next, path)) {
		err = errno ? -errno : -EIO;
		unlink(next);
	}
	umask(mask);
	json_decref(marked);
	return err;
}
