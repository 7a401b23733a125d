// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the backend programs have in common.
 */
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shyper/config.h>
#include <shyper/error.h>

#include "jail.h"
#include "program.h"

/* Tests have folders of their own. */
#ifndef CLASS_FOLDER
#define CLASS_FOLDER	"/sys/class/hvisor"
#endif
#ifndef RUN_FOLDER
#define RUN_FOLDER	"/run/shyper"
#endif

#define CONFIG_PATH	CLASS_FOLDER "/%s/config"
#define REGIONS_PATH	CLASS_FOLDER "/%.*s/memory_regions"
/* What `shyper device set` has made of it. */
#define SETTINGS_PATH	RUN_FOLDER "/%s.json"
#define SOCKETS		RUN_FOLDER "/%s[.@]*sock"

static const char *device_name = "shyper";

void say_name(const char *name)
{
	device_name = name;
}

void say(int level, const char *format, ...)
{
	char line[512];
	va_list args;
	int length;

	length = snprintf(line, sizeof(line), "<%d>%s: ", level, device_name);
	va_start(args, format);
	length += vsnprintf(line + length, sizeof(line) - length, format, args);
	va_end(args);
	if (length > (int)sizeof(line) - 1)
		length = sizeof(line) - 1;
	line[length++] = '\n';
	/* In one piece, since several processes share a log. */
	(void)!write(STDERR_FILENO, line, length);
}

int config_string(const json_t *config, const char *key, const char **value)
{
	const json_t *item = json_object_get(config, key);

	if (!item)
		return 0;
	if (!json_is_string(item)) {
		say(SAY_ERROR, "configuration: \"%s\" must be a string", key);
		return -EINVAL;
	}
	*value = json_string_value(item);
	return 0;
}

int config_range(const json_t *config, const char *key, unsigned int min, unsigned int max,
		 unsigned int *value)
{
	const json_t *item = json_object_get(config, key);
	json_int_t number = json_integer_value(item);

	if (!item)
		return 0;
	if (!json_is_integer(item) || number < min || number > max) {
		say(SAY_ERROR, "configuration: \"%s\" must be an integer from %u to %u", key,
		    min, max);
		return -EINVAL;
	}
	*value = number;
	return 0;
}

int config_flag(const json_t *config, const char *key, bool *value)
{
	const json_t *item = json_object_get(config, key);

	if (!item)
		return 0;
	if (!json_is_boolean(item)) {
		say(SAY_ERROR, "configuration: \"%s\" must be true or false", key);
		return -EINVAL;
	}
	*value = json_is_true(item);
	return 0;
}

int config_size(const json_t *config, const char *key, uint64_t max, uint64_t *value)
{
	const char *text = NULL;
	uint64_t size;

	if (config_string(config, key, &text))
		return -EINVAL;
	if (!text)
		return 0;
	if (shyper_size_parse(text, &size) || !size || size > max) {
		say(SAY_ERROR, "configuration: \"%s\" must be a size of up to %llu bytes, as \"256M\"",
		    key, (unsigned long long)max);
		return -EINVAL;
	}
	*value = size;
	return 0;
}

/* What is not there, or empty, is another device's by now or will be there again. */
static int config_status(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_cannot_open_file:
	case json_error_premature_end_of_input:
		return SHYPER_EXIT_RESTART;
	default:
		return SHYPER_EXIT_CONFIG;
	}
}

/* 0 or SHYPER_EXIT_*, and has said why. */
static int load_object(const char *path, json_t **ret_config)
{
	json_error_t error;
	json_t *config = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (!config) {
		say(SAY_ERROR, "%s: line %d: %s", path, error.line, error.text);
		return config_status(&error);
	}
	*ret_config = config;
	if (json_is_object(config))
		return 0;
	say(SAY_ERROR, "%s: is no JSON object", path);
	json_decref(config);
	return SHYPER_EXIT_CONFIG;
}

/*
 * The file outlives its cell if the monitor was killed, and the next cell of that
 * number has other disks. The first region's line names the file that is its
 * memory, which no two cells share.
 */
static bool is_of_cell(const char *name, const json_t *settings)
{
	const char *mark = json_string_value(json_object_get(settings, "cell_memory"));
	char path[128], line[256] = "", *value;
	FILE *regions;

	snprintf(path, sizeof(path), REGIONS_PATH, (int)strcspn(name, "."), name);
	regions = fopen(path, "re");
	if (!regions)
		return false;
	if (!fgets(line, sizeof(line), regions))
		line[0] = 0;
	fclose(regions);
	line[strcspn(line, "\n")] = 0;
	value = strchr(line, '=');
	return mark && value && !strcmp(value + 1, mark);
}

/* 0 or SHYPER_EXIT_*, and has said why. */
static int config_load(const char *name, json_t **ret_config)
{
	const char *other = getenv("SHYPER_DEVICE_CONFIG");
	char path[256];
	int status;

	/* The daemon's, where it overrides what the cell was created with. */
	if (other)
		return load_object(other, ret_config);
	snprintf(path, sizeof(path), SETTINGS_PATH, name);
	if (!access(path, F_OK)) {
		status = load_object(path, ret_config);
		if (status || is_of_cell(name, *ret_config))
			return status;
		say(SAY_WARNING, "%s: is not used: it is of another cell, which had the number before",
		    path);
		json_decref(*ret_config);
	}
	snprintf(path, sizeof(path), CONFIG_PATH, name);
	return load_object(path, ret_config);
}

static int open_status(const struct shyper_error *error)
{
	switch (error->code) {
	case -ENODEV:
		say(SAY_INFO, "%s", error->text);
		return SHYPER_EXIT_DONE;
	case -EBUSY:
		say(SAY_ERROR, "%s", error->text);
		return SHYPER_EXIT_BUSY;
	case -EPERM:
	case -EPROTO:
	case -EINVAL:
		say(SAY_ERROR, "%s%s%s", error->text, error->hint[0] ? "; " : "",
		    error->hint);
		return SHYPER_EXIT_CONFIG;
	default:
		say(SAY_ERROR, "%s", error->text);
		return SHYPER_EXIT_RESTART;
	}
}

static bool device_gone(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), CONFIG_PATH, name);
	return access(path, F_OK) && errno == ENOENT;
}

/*
 * Sockets are removed with their device, by udev or the daemon: who made them after
 * that removes them. "config" goes before the event does (device_del()).
 */
static void remove_late_sockets(const char *name)
{
	char pattern[128];
	glob_t found;
	size_t n;

	snprintf(pattern, sizeof(pattern), SOCKETS, name);
	if (!device_gone(name) || glob(pattern, 0, NULL, &found))
		return;
	for (n = 0; n < found.gl_pathc; n++)
		unlink(found.gl_pathv[n]);
	globfree(&found);
}

static int program_open(struct shyper_backend *backend,
			const struct backend_program *program, bool jailed)
{
	const char *name = shyper_backend_get_name(backend);
	json_t *config;
	int status = config_load(name, &config);

	if (status)
		return status;
	status = program->open(backend, config);
	json_decref(config);
	remove_late_sockets(name);
	if (!status && jailed && jail_enter(program->calls))
		return SHYPER_EXIT_RESTART;
	return status;
}

static int program_run(struct shyper_ctx *ctx, struct shyper_backend *backend)
{
	int err = shyper_backend_attach(backend), declared = err;
	unsigned int reissued = err ? 0 : shyper_backend_get_reissued(backend);

	if (reissued)
		say(SAY_INFO, "re-issued %u requests", reissued);
	if (!err)
		err = shyper_backend_run(backend);
	if (err > 0) {
		say(SAY_INFO, "makes way for its successor");
		return SHYPER_EXIT_RESTART;
	}
	if (!err) {
		say(SAY_INFO, "stopped");
		return SHYPER_EXIT_DONE;
	}
	say(err == -ENODEV ? SAY_INFO : SAY_ERROR, "%s",
	    shyper_ctx_get_error(ctx)->text);
	if (err == -ENODEV)
		return SHYPER_EXIT_DONE;
	/* A declaration that differs from the first one is refused for ever. */
	return declared == -EINVAL ? SHYPER_EXIT_CONFIG : SHYPER_EXIT_RESTART;
}

static int usage(const struct backend_program *program)
{
	fprintf(stderr,
		"usage: %s [--no-jail] DEVICE\n"
		"Serves DEVICE, the name of an entry of /sys/class/hvisor (cell1.blk0).\n"
		"  --no-jail  keep all privileges (for debugging only)\n"
		"Its configuration is the file that SHYPER_DEVICE_CONFIG names, or else\n"
		"/run/shyper/DEVICE.json, or else its \"config\" in sysfs. SIGTERM stops it,\n"
		"SIGHUP makes it end so that it is started again.\n"
		"Exit status: %d stopped or device gone; %d failed, start again;\n"
		"%d configuration, %d served already: do not start again.\n",
		program->name, SHYPER_EXIT_DONE, SHYPER_EXIT_RESTART,
		SHYPER_EXIT_CONFIG, SHYPER_EXIT_BUSY);
	return SHYPER_EXIT_CONFIG;
}

static int program_serve(struct shyper_ctx *ctx, const char *name,
			 const struct backend_program *program, bool jailed)
{
	struct shyper_backend *backend;
	int err, status;

	err = shyper_backend_open(ctx, name, program->ops, program->data, &backend);
	if (err)
		return open_status(shyper_ctx_get_error(ctx));
	status = program_open(backend, program, jailed);
	/* If the device went meanwhile that is the reason, and no failure. */
	if (!status || device_gone(name))
		status = program_run(ctx, backend);
	shyper_backend_close(backend);
	return status;
}

int backend_main(int argc, char **argv, const struct backend_program *program)
{
	struct shyper_ctx *ctx;
	bool jailed = true;
	int status;

	if (argc == 3 && !strcmp(argv[1], "--no-jail")) {
		jailed = false;
		argv++, argc--;
	}
	if (argc != 2 || argv[1][0] == '-')
		return usage(program);
	say_name(argv[1]);
	if (shyper_ctx_create(&ctx)) {
		say(SAY_ERROR, "out of memory");
		return SHYPER_EXIT_RESTART;
	}
	status = program_serve(ctx, argv[1], program, jailed);
	shyper_ctx_destroy(ctx);
	return status;
}
