// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who holds the memory of a cell: the processes whose open files or mappings
 * are its memfd, which /proc shows as "/memfd:shyper:CELL (deleted)".
 */
#include "memory.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

static bool has_open(const char *folder, const char *memfd)
{
	char target[PATH_MAX], path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	ssize_t length;
	DIR *dir;

	text_format(path, sizeof(path), "%s/fd", folder);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		length = readlinkat(dirfd(dir), entry->d_name, target,
				    sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		found = !strcmp(target, memfd);
	}
	closedir(dir);
	return found;
}

static bool has_mapped(const char *folder, const char *memfd)
{
	char path[PATH_MAX], *text;
	size_t length;
	bool found;

	text_format(path, sizeof(path), "%s/maps", folder);
	if (file_read(path, 16 << 20, &text, &length))
		return false;
	found = strstr(text, memfd);
	free(text);
	return found;
}

static void add_holder(const char *folder, const char *pid, char *buffer,
		       size_t size)
{
	char path[PATH_MAX], *name;
	size_t length, used = strlen(buffer);

	text_format(path, sizeof(path), "%s/comm", folder);
	if (file_read(path, 4096, &name, &length))
		return;
	name[strcspn(name, "\n")] = '\0';
	text_format(buffer + used, size - used, "%s%s (%s)", used ? ", " : "", name,
		 pid);
	free(name);
}

int memory_find_holders(struct shyper_ctx *ctx, const char *cell, char *buffer,
			size_t size)
{
	char memfd[96], folder[PATH_MAX];
	char *proc = ctx_path(ctx, "/proc");
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	buffer[0] = '\0';
	text_format(memfd, sizeof(memfd), "/memfd:shyper:%s (deleted)", cell);
	dir = proc ? opendir(proc) : NULL;
	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		text_format(folder, sizeof(folder), "%s/%s", proc, entry->d_name);
		if (!has_open(folder, memfd) && !has_mapped(folder, memfd))
			continue;
		add_holder(folder, entry->d_name, buffer, size);
		count++;
	}
	if (dir)
		closedir(dir);
	free(proc);
	return count;
}
