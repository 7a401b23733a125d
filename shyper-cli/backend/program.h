/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the backend programs have in common: arguments, configuration, jail,
 * messages, exit status.
 */
#ifndef BACKEND_PROGRAM_H
#define BACKEND_PROGRAM_H

#include <jansson.h>

#include <shyper/virtio/backend.h>

/**
 * struct backend_program - a backend
 * @name: of the program
 * @ops: its device
 * @data: for shyper_backend_get_data()
 * @calls: numbers of ioctl() that it makes in its jail, 0 at the end; or NULL
 * @open: opens all that the device needs, before the jail is shut; returns 0
 *	or SHYPER_EXIT_*, and has said why
 */
struct backend_program {
	const char *name;
	const struct shyper_backend_ops *ops;
	void *data;
	const unsigned long *calls;
	int (*open)(struct shyper_backend *backend, const json_t *config);
};

int backend_main(int argc, char **argv, const struct backend_program *program);

/* Levels of syslog(3), in the manner of sd-daemon(3). */
#define SAY_ERROR	3
#define SAY_WARNING	4
#define SAY_INFO	6

/* One line on stderr: "<LEVEL>DEVICE: ...". */
void say(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The DEVICE. */
void say_name(const char *name);

/*
 * Readers of the device's configuration. A key that is missing gives @value
 * as it was, one of a wrong type is said and gives -EINVAL.
 */
int config_string(const json_t *config, const char *key, const char **value);
int config_range(const json_t *config, const char *key, unsigned int min, unsigned int max,
		 unsigned int *value);
int config_flag(const json_t *config, const char *key, bool *value);
/* A text as in a cell's file, of 1 byte to @max. */
int config_size(const json_t *config, const char *key, uint64_t max, uint64_t *value);

#endif /* BACKEND_PROGRAM_H */
