/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The outside of a console's backend: a folder for its sockets and its log, and
 * clients. What is not as wanted fails the test.
 */
#ifndef TESTS_VIRTIO_CONSOLE_CLIENT_H
#define TESTS_VIRTIO_CONSOLE_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include <shyper/virtio/backend.h>

#include "driver.h"

/*
 * Runs the backend of the device @name, whose configuration beside its log is
 * el2.config, until it ends; for el2_backend_start().
 */
int console_serve(const char *name, const struct shyper_backend_ops *ops, void *data,
		  int (*open)(struct shyper_backend *backend, const json_t *config));

/* A folder, and a device that nobody serves yet, as of el2_init(). */
void console_set_up(uint32_t kind, struct driver *drivers, unsigned int nr_queues);
int console_tear_down(void **state);

/* Connects to the socket @name of the folder. */
int console_client(const char *name);
bool console_readable(int fd, int ms);
/* Reads as much as @text has: it is @text. */
void console_expect(int fd, const char *text);
void console_expect_log(const char *text);
long console_log_size(void);
void console_empty_log(void);
/* As the terminal of this process, by the socket @name: its size. */
void console_tell_size(const char *name, unsigned short columns, unsigned short rows);

#endif /* TESTS_VIRTIO_CONSOLE_CLIENT_H */
