// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who holds the memory of cells: the processes whose open files or mappings
 * are a cell's memfd, which /proc shows as "/memfd:shyper:CELL (deleted)".
 */
#include "memory.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

#define MEMFD		"/memfd:shyper:"
#define DELETED		" (deleted)"

/**
 * struct scan - a search through /proc
 * @cell: whose memory; NULL: of any cell
 * @holder: of the process that is looked at
 * @first: index of that process' first entry of @holders
 */
struct scan {
	const char *cell;
	struct shyper_holder holder;
	struct shyper_holder *holders;
	int first;
	int count;
	bool is_out_of_memory;
};

static void add_holder(struct scan *scan)
{
	struct shyper_holder *larger;
	int i;

	for (i = scan->first; i < scan->count; i++) {
		if (!strcmp(scan->holders[i].cell, scan->holder.cell))
			return;
	}
	larger = realloc(scan->holders, ((size_t)scan->count + 1) * sizeof(*larger));
	if (!larger) {
		scan->is_out_of_memory = true;
		return;
	}
	scan->holders = larger;
	larger[scan->count++] = scan->holder;
}

/* @text begins at the name of a file, which ends at a NUL or with the line. */
static void take_name(struct scan *scan, const char *text)
{
	size_t length = strcspn(text, "\n"), name;

	if (strncmp(text, MEMFD, strlen(MEMFD)) ||
	    length <= strlen(MEMFD) + strlen(DELETED))
		return;
	name = length - strlen(MEMFD) - strlen(DELETED);
	text += strlen(MEMFD);
	if (strncmp(text + name, DELETED, strlen(DELETED)) ||
	    !text_format(scan->holder.cell, sizeof(scan->holder.cell), "%.*s",
			 (int)name, text))
		return;
	if (!scan->cell || !strcmp(scan->cell, scan->holder.cell))
		add_holder(scan);
}

static void scan_files(struct scan *scan, const char *folder)
{
	char target[PATH_MAX], path[PATH_MAX];
	struct dirent *entry;
	ssize_t length;
	DIR *dir;

	text_format(path, sizeof(path), "%s/fd", folder);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		length = readlinkat(dirfd(dir), entry->d_name, target,
				    sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		take_name(scan, target);
	}
	closedir(dir);
}

static void scan_mappings(struct scan *scan, const char *folder)
{
	char path[PATH_MAX], *text, *at;
	size_t length;

	text_format(path, sizeof(path), "%s/maps", folder);
	if (file_read(path, 16 << 20, &text, &length))
		return;
	for (at = text; (at = strstr(at, MEMFD)); at += strlen(MEMFD))
		take_name(scan, at);
	free(text);
}

static void scan_process(struct scan *scan, const char *folder, const char *pid)
{
	struct shyper_holder *holder = &scan->holder;
	char path[PATH_MAX], *name;
	size_t length;

	text_format(path, sizeof(path), "%s/comm", folder);
	if (file_read(path, 4096, &name, &length))
		return;
	name[strcspn(name, "\n")] = '\0';
	text_copy(holder->process, sizeof(holder->process), name);
	free(name);
	holder->pid = atoi(pid);
	scan->first = scan->count;
	scan_files(scan, folder);
	scan_mappings(scan, folder);
}

int memory_list_holders(struct shyper_ctx *ctx, const char *cell,
			struct shyper_holder **ret_holders)
{
	struct scan scan = { .cell = cell };
	char *proc = ctx_path(ctx, "/proc");
	DIR *dir = proc ? opendir(proc) : NULL;
	char folder[PATH_MAX];
	struct dirent *entry;

	scan.is_out_of_memory = !proc;
	while (dir && (entry = readdir(dir)) && !scan.is_out_of_memory) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		text_format(folder, sizeof(folder), "%s/%s", proc, entry->d_name);
		scan_process(&scan, folder, entry->d_name);
	}
	if (dir)
		closedir(dir);
	free(proc);
	if (scan.is_out_of_memory) {
		free(scan.holders);
		return error_no_memory(ctx);
	}
	*ret_holders = scan.holders;
	return scan.count;
}

int shyper_memory_list_holders(struct shyper_ctx *ctx, const char *cell,
			       struct shyper_holder **ret_holders)
{
	ctx_begin(ctx);
	return memory_list_holders(ctx, cell, ret_holders);
}

int memory_find_holders(struct shyper_ctx *ctx, const char *cell, char *buffer,
			size_t size)
{
	struct shyper_holder *holders;
	int i, count = memory_list_holders(ctx, cell, &holders);

	buffer[0] = '\0';
	for (i = 0; i < count; i++) {
		size_t used = strlen(buffer);

		text_format(buffer + used, size - used, "%s%s (%d)",
			    used ? ", " : "", holders[i].process, holders[i].pid);
	}
	if (count >= 0)
		free(holders);
	return count;
}
