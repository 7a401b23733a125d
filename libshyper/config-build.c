// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Configurations from calls. What is built is the JSON text of a file, and that
 * is read like one: so there is one set of checks, and findings have the same
 * paths.
 */
#include "cell-config.h"

#include <stdlib.h>
#include <string.h>

#include <shyper/builder.h>

/**
 * struct shyper_builder
 * @subject: of reports: "cell NAME"
 * @root: the file
 * @error: the report of the first call that failed; its code 0: none has
 */
struct shyper_builder {
	struct shyper_ctx *ctx;
	char subject[64];
	json_t *root;
	struct shyper_error error;
};

/* Begins a call; not 0: an earlier one has failed, and its report is back. */
static int builder_begin(struct shyper_builder *builder)
{
	ctx_begin(builder->ctx);
	if (builder->error.code)
		builder->ctx->error = builder->error;
	return builder->error.code;
}

/* Ends one that failed, and explained it. */
static int builder_fail(struct shyper_builder *builder)
{
	builder->error = builder->ctx->error;
	return builder->error.code;
}

static int fail_no_memory(struct shyper_builder *builder)
{
	error_no_memory(builder->ctx);
	return builder_fail(builder);
}

static int fail_key(struct shyper_builder *builder, const char *key,
		    const char *what)
{
	error_set(builder->ctx, -EINVAL, builder->subject, key, "%s", what);
	return builder_fail(builder);
}

/* Length of the sequence of UTF-8 (RFC 3629) that begins at @c; 0: there is none. */
static unsigned int utf8_sequence(const unsigned char *c)
{
	unsigned int i, length = 4;

	if (c[0] < 0x80)
		return 1;
	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	if (c[0] < 0xf0)
		length = c[0] < 0xe0 ? 2 : 3;
	for (i = 1; i < length; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Too long for what they say, surrogates, beyond 0x10ffff. */
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
	    (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	return length;
}

/* jansson, too, refuses what is no UTF-8, but in the way of want of memory. */
static bool text_is_utf8(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	unsigned int length;

	for (; *c; c += length) {
		length = utf8_sequence(c);
		if (!length)
			return false;
	}
	return true;
}

/* Takes @value over, which may be NULL for want of memory. */
static int set_value(struct shyper_builder *builder, json_t *object,
		     const char *key, json_t *value)
{
	if (!text_is_utf8(key)) {
		json_decref(value);
		return fail_key(builder, "a key", "is no UTF-8 text");
	}
	return json_object_set_new(object, key, value) ? fail_no_memory(builder) : 0;
}

static int set_text(struct shyper_builder *builder, json_t *object,
		    const char *key, const char *text)
{
	if (!text_is_utf8(text))
		return fail_key(builder, key, "is no UTF-8 text");
	return set_value(builder, object, key, json_string(text));
}

/* A value as it would stand in a file; NULL: it failed, and said so. */
static json_t *parse_value(struct shyper_builder *builder, const char *key,
			   const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
				   &error);

	if (value)
		return value;
	if (json_error_code(&error) == json_error_out_of_memory)
		fail_no_memory(builder);
	else
		fail_key(builder, key, error.text);
	return NULL;
}

static int set_json(struct shyper_builder *builder, json_t *object,
		    const char *key, const char *text)
{
	json_t *value = parse_value(builder, key, text);

	return value ? set_value(builder, object, key, value) : builder->error.code;
}

static json_t *get_boot(struct shyper_builder *builder)
{
	return json_object_get(builder->root, "boot");
}

static json_t *get_devices(struct shyper_builder *builder)
{
	return json_object_get(builder->root, "devices");
}

/* The device of a name that was added last; NULL: it failed, and said so. */
static json_t *find_device(struct shyper_builder *builder, const char *name)
{
	json_t *devices = get_devices(builder), *device;
	size_t i = json_array_size(devices);
	const char *other;

	while (i--) {
		device = json_array_get(devices, i);
		other = json_string_value(json_object_get(device, "name"));
		if (other && !strcmp(other, name))
			return device;
	}
	fail_key(builder, name, "is no device that was added");
	return NULL;
}

int shyper_builder_create(struct shyper_ctx *ctx, const char *name,
			  struct shyper_builder **ret_builder)
{
	struct shyper_builder *builder;
	json_t *root;

	ctx_begin(ctx);
	if (!text_is_utf8(name))
		return error_set(ctx, -EINVAL, "cell", "name", "is no UTF-8 text");
	root = json_pack("{s:i, s:s, s:{}, s:[]}", "version", 1, "name", name,
			 "boot", "devices");
	builder = calloc(1, sizeof(*builder));
	if (!root || !builder) {
		json_decref(root);
		free(builder);
		return error_no_memory(ctx);
	}
	builder->ctx = ctx;
	text_format(builder->subject, sizeof(builder->subject), "cell %s", name);
	builder->root = root;
	*ret_builder = builder;
	return 0;
}

void shyper_builder_destroy(struct shyper_builder *builder)
{
	int saved = errno;

	if (!builder)
		return;
	json_decref(builder->root);
	free(builder);
	errno = saved;
}

int shyper_builder_set_cpus(struct shyper_builder *builder, unsigned int count)
{
	int err = builder_begin(builder);

	return err ? err : set_value(builder, builder->root, "cpus",
				     json_integer(count));
}

int shyper_builder_set_cpu_list(struct shyper_builder *builder,
				const unsigned int *cpus, size_t count)
{
	json_t *list;
	size_t i;
	int err = builder_begin(builder);

	if (err)
		return err;
	list = json_array();
	for (i = 0; list && i < count; i++) {
		if (json_array_append_new(list, json_integer(cpus[i]))) {
			json_decref(list);
			list = NULL;
		}
	}
	return set_value(builder, builder->root, "cpus", list);
}

int shyper_builder_set_memory(struct shyper_builder *builder, uint64_t bytes)
{
	int err = builder_begin(builder);

	return err ? err : set_value(builder, builder->root, "memory",
				     json_sprintf("0x%llx", (unsigned long long)bytes));
}

int shyper_builder_set_kernel(struct shyper_builder *builder, const char *path)
{
	int err = builder_begin(builder);

	return err ? err : set_text(builder, get_boot(builder), "kernel", path);
}

int shyper_builder_set_initrd(struct shyper_builder *builder, const char *path)
{
	int err = builder_begin(builder);

	return err ? err : set_text(builder, get_boot(builder), "initrd", path);
}

int shyper_builder_set_cmdline(struct shyper_builder *builder, const char *text)
{
	int err = builder_begin(builder);

	return err ? err : set_text(builder, get_boot(builder), "cmdline", text);
}

int shyper_builder_set_restart(struct shyper_builder *builder,
			       enum shyper_restart restart)
{
	const char *name = restart_name(restart);
	int err = builder_begin(builder);

	if (err)
		return err;
	if (!name)
		return fail_key(builder, "restart", "is no SHYPER_RESTART_...");
	return set_text(builder, builder->root, "restart", name);
}

int shyper_builder_set_json(struct shyper_builder *builder, const char *key,
			    const char *json)
{
	int err = builder_begin(builder);

	if (err)
		return err;
	if (!strncmp(key, "boot/", 5))
		return set_json(builder, get_boot(builder), key + 5, json);
	if (!strcmp(key, "boot") || !strcmp(key, "devices"))
		return fail_key(builder, key, "is made of the calls for what is in it");
	return set_json(builder, builder->root, key, json);
}

int shyper_builder_add_device(struct shyper_builder *builder, const char *type,
			      const char *name)
{
	json_t *device;
	int err = builder_begin(builder);

	if (err)
		return err;
	device = json_object();
	if (json_array_append_new(get_devices(builder), device))
		return fail_no_memory(builder);
	err = set_text(builder, device, "type", type);
	return err ? err : set_text(builder, device, "name", name);
}

int shyper_builder_add_device_json(struct shyper_builder *builder,
				   const char *json)
{
	json_t *device;
	int err = builder_begin(builder);

	if (err)
		return err;
	device = parse_value(builder, "devices", json);
	if (!device)
		return builder->error.code;
	if (json_array_append_new(get_devices(builder), device))
		return fail_no_memory(builder);
	return 0;
}

/* Begins a call that is about a device; NULL: it has failed. */
static json_t *begin_device(struct shyper_builder *builder, const char *device)
{
	return builder_begin(builder) ? NULL : find_device(builder, device);
}

int shyper_builder_set_device_text(struct shyper_builder *builder,
				   const char *device, const char *key,
				   const char *text)
{
	json_t *object = begin_device(builder, device);

	return object ? set_text(builder, object, key, text) : builder->error.code;
}

int shyper_builder_set_device_number(struct shyper_builder *builder,
				     const char *device, const char *key,
				     int64_t number)
{
	json_t *object = begin_device(builder, device);

	return object ? set_value(builder, object, key, json_integer(number)) :
			builder->error.code;
}

int shyper_builder_set_device_flag(struct shyper_builder *builder,
				   const char *device, const char *key, bool flag)
{
	json_t *object = begin_device(builder, device);

	return object ? set_value(builder, object, key, json_boolean(flag)) :
			builder->error.code;
}

int shyper_builder_set_device_json(struct shyper_builder *builder,
				   const char *device, const char *key,
				   const char *json)
{
	json_t *object = begin_device(builder, device);

	return object ? set_json(builder, object, key, json) : builder->error.code;
}

int shyper_builder_finish(struct shyper_builder *builder,
			  struct shyper_config **ret_config)
{
	char *text;
	int err = builder_begin(builder);

	if (err)
		return err;
	text = json_dumps(builder->root, JSON_COMPACT);
	if (!text)
		return error_no_memory(builder->ctx);
	err = config_parse(builder->ctx, builder->subject, text, strlen(text), true,
			   ret_config);
	free(text);
	return err;
}
