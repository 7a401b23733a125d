// SPDX-License-Identifier: LGPL-2.1-or-later
/* Virtual devices of cells as sysfs shows them. */
#include <shyper/device.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <hvisor/abi.h>

#include "cell-internal.h"
#include "sysfs.h"

struct shyper_device {
	struct shyper_ctx *ctx;
	unsigned int cell;
	unsigned int index;
	char sysname[SYSFS_NAME_LEN];
	char name[HVISOR_DEVICE_NAME_LEN];
	char type[16];
};

static int explain_read(struct shyper_ctx *ctx, int err, const char *sysname,
			const char *attribute)
{
	if (err == -ENOENT || err == -ENODEV)
		return error_set(ctx, -ENOENT, sysname, attribute, "does not exist");
	return error_set(ctx, err, sysname, attribute,
			 "cannot be read from sysfs: %s", strerror(-err));
}

static int device_open(struct shyper_ctx *ctx, const char *sysname,
		       struct shyper_device **ret_device)
{
	struct shyper_device *device;
	uint64_t index = 0;
	const char *rest;
	unsigned int cell;
	int err;

	if (!sysfs_parse_name(sysname, &cell, &rest) || !*rest)
		return explain_read(ctx, -ENOENT, sysname, NULL);
	device = calloc(1, sizeof(*device));
	if (!device)
		return error_no_memory(ctx);
	device->ctx = ctx;
	device->cell = cell;
	text_copy(device->sysname, sizeof(device->sysname), sysname);
	text_copy(device->name, sizeof(device->name), rest + 1);
	err = sysfs_read(ctx, sysname, "type", device->type, sizeof(device->type));
	if (err >= 0)
		err = sysfs_read_number(ctx, sysname, "index", &index);
	if (err < 0) {
		free(device);
		return explain_read(ctx, err, sysname, NULL);
	}
	device->index = (unsigned int)index;
	*ret_device = device;
	return 0;
}

int shyper_device_open(struct shyper_ctx *ctx, const char *sysname,
		       struct shyper_device **ret_device)
{
	ctx_begin(ctx);
	return device_open(ctx, sysname, ret_device);
}

void shyper_device_close(struct shyper_device *device)
{
	free_keep_errno(device);
}

int shyper_device_list(struct shyper_ctx *ctx, const struct shyper_cell *cell,
		       struct shyper_device ***ret_devices)
{
	struct shyper_device **devices;
	struct sysfs_name *names;
	int i, count, used = 0, err = 0;

	ctx_begin(ctx);
	count = sysfs_list(ctx, &names);
	if (count == -ENODEV)
		return cell_class_missing(ctx);
	if (count < 0)
		return explain_read(ctx, count, SYSFS_CLASS, NULL);
	devices = calloc((size_t)count + 1, sizeof(struct shyper_device *));
	if (!devices)
		err = error_no_memory(ctx);
	for (i = 0; i < count && !err; i++) {
		if (!names[i].is_device || (cell && names[i].cell != cell->id))
			continue;
		err = device_open(ctx, names[i].name, &devices[used]);
		if (!err)
			used++;
		else if (err == -ENOENT)	/* gone meanwhile */
			err = 0;
	}
	free(names);
	if (err) {
		shyper_device_list_free(devices);
		return err;
	}
	ctx_begin(ctx);
	*ret_devices = devices;
	return used;
}

void shyper_device_list_free(struct shyper_device **devices)
{
	size_t i;

	for (i = 0; devices && devices[i]; i++)
		shyper_device_close(devices[i]);
	free_keep_errno(devices);
}

const char *shyper_device_get_sysname(const struct shyper_device *device)
{
	return device->sysname;
}

const char *shyper_device_get_name(const struct shyper_device *device)
{
	return device->name;
}

const char *shyper_device_get_type(const struct shyper_device *device)
{
	return device->type;
}

unsigned int shyper_device_get_cell(const struct shyper_device *device)
{
	return device->cell;
}

unsigned int shyper_device_get_index(const struct shyper_device *device)
{
	return device->index;
}

int shyper_device_read_config(struct shyper_device *device, char **ret_text)
{
	int length;

	ctx_begin(device->ctx);
	length = sysfs_read_all(device->ctx, device->sysname, "config", ret_text);
	return length < 0 ?
	       explain_read(device->ctx, length, device->sysname, "config") : length;
}

int shyper_device_read_attribute(struct shyper_device *device, const char *name,
				 char *buffer, size_t size)
{
	int length;

	ctx_begin(device->ctx);
	length = sysfs_read(device->ctx, device->sysname, name, buffer, size);
	return length < 0 ?
	       explain_read(device->ctx, length, device->sysname, name) : length;
}

/* The keys of the summary are the names of the files in upper case. */
static void names_to_lower(struct shyper_value *values, int count)
{
	int i;
	char *c;

	for (i = 0; i < count; i++) {
		for (c = values[i].name; *c; c++)
			*c = (char)tolower((unsigned char)*c);
	}
}

int shyper_device_read_statistics(struct shyper_device *device,
				  struct shyper_value **ret_values)
{
	char cell[24], file[HVISOR_DEVICE_NAME_LEN + 8], *text;
	int count;

	ctx_begin(device->ctx);
	text_format(cell, sizeof(cell), "cell%u", device->cell);
	text_format(file, sizeof(file), "virtio/%s", device->name);
	count = sysfs_read_all(device->ctx, cell, file, &text);
	if (count < 0)
		return explain_read(device->ctx, count, device->sysname, file);
	count = values_parse(text, ret_values);
	free(text);
	if (count < 0)
		return error_no_memory(device->ctx);
	names_to_lower(*ret_values, count);
	return count;
}
