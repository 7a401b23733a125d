// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The outside of a console's backend.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "console_client.h"
#include "el2.h"

static char folder[64];

int console_serve(const char *name, const struct shyper_backend_ops *ops, void *data,
		  int (*open)(struct shyper_backend *backend, const json_t *config))
{
	struct shyper_backend *backend = el2_backend_open(name, ops, data);
	json_t *config = json_loads(el2.config, 0, NULL);
	char log[80];

	if (!backend || !config)
		return 100;
	snprintf(log, sizeof(log), "%s/log", folder);
	json_object_set_new(config, "log", json_string(log));
	if (chdir(folder) || open(backend, config) || shyper_backend_attach(backend))
		return 101;
	json_decref(config);
	return shyper_backend_run(backend) ? 102 : 0;
}

void console_set_up(uint32_t kind, struct driver *drivers, unsigned int nr_queues)
{
	snprintf(folder, sizeof(folder), "/tmp/test_console.XXXXXX");
	assert_non_null(mkdtemp(folder));
	el2_init(kind, drivers, nr_queues);
}

int console_tear_down(void **state)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;

	(void)state;
	el2_exit();
	assert_non_null(directory);
	while ((entry = readdir(directory)))
		unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

static int connect_to(const char *name, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder, name);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

int console_client(const char *name)
{
	return connect_to(name, SOCK_STREAM);
}

void console_tell_size(const char *name, unsigned short columns, unsigned short rows)
{
	const struct winsize size = { .ws_col = columns, .ws_row = rows };
	int fd = connect_to(name, SOCK_DGRAM);

	assert_int_equal(write(fd, &size, sizeof(size)), sizeof(size));
	close(fd);
}

bool console_readable(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, ms) == 1;
}

void console_expect(int fd, const char *text)
{
	size_t length = strlen(text), done = 0;
	char buffer[8192];

	while (done < length) {
		ssize_t part;

		assert_true(console_readable(fd, 5000));
		part = read(fd, buffer + done, length - done);
		assert_true(part > 0);
		done += part;
	}
	assert_memory_equal(buffer, text, length);
}

static int open_log(int flags)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "%s/log", folder);
	fd = open(path, flags);
	assert_true(fd >= 0);
	return fd;
}

long console_log_size(void)
{
	int fd = open_log(O_RDONLY);
	long size = lseek(fd, 0, SEEK_END);

	close(fd);
	return size;
}

void console_empty_log(void)
{
	close(open_log(O_WRONLY | O_TRUNC));
}

void console_expect_log(const char *text)
{
	int fd = open_log(O_RDONLY);
	char got[64] = "";

	assert_true(read(fd, got, sizeof(got) - 1) >= 0);
	assert_string_equal(got, text);
	close(fd);
}
