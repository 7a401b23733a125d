// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the backend programs have in common.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jail.h"
#include "program.h"

#define CONFIG_PATH	"/sys/class/hvisor/%s/config"

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

static json_t *config_load(const char *name)
{
	const char *other = getenv("SHYPER_DEVICE_CONFIG");
	json_error_t error;
	char path[256];
	json_t *config;

	/* The daemon's, where it overrides what the cell was created with. */
	if (other)
		snprintf(path, sizeof(path), "%s", other);
	else
		snprintf(path, sizeof(path), CONFIG_PATH, name);
	config = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!config) {
		say(SAY_ERROR, "%s: line %d: %s", path, error.line, error.text);
		return NULL;
	}
	if (json_is_object(config))
		return config;
	say(SAY_ERROR, "%s: is no JSON object", path);
	json_decref(config);
	return NULL;
}

static int open_status(int err)
{
	switch (err) {
	case -ENODEV:
		say(SAY_INFO, "there is no such device (any more)");
		return SHYPER_EXIT_DONE;
	case -EBUSY:
		say(SAY_ERROR, "another backend serves this device");
		return SHYPER_EXIT_BUSY;
	case -EPERM:
	case -EACCES:
		say(SAY_ERROR, "cannot bind to the device: run as root");
		return SHYPER_EXIT_CONFIG;
	case -EPROTO:
	case -EINVAL:
		say(SAY_ERROR, "the device is of another kind than this backend serves");
		return SHYPER_EXIT_CONFIG;
	default:
		say(SAY_ERROR, "cannot bind to the device: %s", strerror(-err));
		return SHYPER_EXIT_RESTART;
	}
}

static int program_open(struct shyper_backend *backend,
			const struct backend_program *program, bool jailed)
{
	json_t *config = config_load(shyper_backend_name(backend));
	int status;

	if (!config)
		return SHYPER_EXIT_CONFIG;
	status = program->open(backend, config);
	json_decref(config);
	if (!status && jailed && jail_enter())
		return SHYPER_EXIT_RESTART;
	return status;
}

static int program_run(struct shyper_backend *backend)
{
	int err = shyper_backend_attach(backend);
	unsigned int reissued;

	if (err && err != -ENODEV) {
		say(SAY_ERROR, "cannot declare the device: %s", strerror(-err));
		/* A declaration that differs from the first one is refused for ever. */
		return err == -EINVAL ? SHYPER_EXIT_CONFIG : SHYPER_EXIT_RESTART;
	}
	reissued = err ? 0 : shyper_backend_reissued(backend);
	if (reissued)
		say(SAY_INFO, "re-issued %u requests", reissued);
	if (!err)
		err = shyper_backend_run(backend);
	if (!err || err == -ENODEV) {
		say(SAY_INFO, err ? "the device is gone" : "stopped, nothing in flight");
		return SHYPER_EXIT_DONE;
	}
	say(SAY_ERROR, "cannot go on: %s", strerror(-err));
	return SHYPER_EXIT_RESTART;
}

static int usage(const struct backend_program *program)
{
	fprintf(stderr,
		"usage: %s [--no-jail] DEVICE\n"
		"Serves DEVICE, the name of an entry of /sys/class/hvisor (cell1.blk0).\n"
		"  --no-jail  keep all privileges (for debugging only)\n"
		"SHYPER_DEVICE_CONFIG names a file to be read instead of its \"config\".\n"
		"Exit status: %d stopped or device gone; %d failed, start again;\n"
		"%d configuration, %d served already: do not start again.\n",
		program->name, SHYPER_EXIT_DONE, SHYPER_EXIT_RESTART,
		SHYPER_EXIT_CONFIG, SHYPER_EXIT_BUSY);
	return SHYPER_EXIT_CONFIG;
}

int backend_main(int argc, char **argv, const struct backend_program *program)
{
	struct shyper_backend *backend;
	bool jailed = true;
	int err, status;

	if (argc == 3 && !strcmp(argv[1], "--no-jail")) {
		jailed = false;
		argv++, argc--;
	}
	if (argc != 2 || argv[1][0] == '-')
		return usage(program);
	say_name(argv[1]);
	err = shyper_backend_open(&backend, argv[1], program->ops, program->data);
	if (err)
		return open_status(err);
	status = program_open(backend, program, jailed);
	if (!status)
		status = program_run(backend);
	shyper_backend_close(backend);
	return status;
}
