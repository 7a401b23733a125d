// SPDX-License-Identifier: LGPL-2.1-or-later
/* The only reader of /sys and /proc. */
#include "sysfs.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HUGEPAGES	"/sys/kernel/mm/hugepages/hugepages-2048kB"
#define ATTRIBUTE_LIMIT	(32 << 20)	/* memory_blocks of 1 TiB has 19 MiB */

static int fd_read(int fd, size_t limit, char **ret_text, size_t *ret_length)
{
	size_t size = 4096, used = 0;
	char *text = malloc(size), *larger;
	ssize_t got;

	if (!text)
		return -ENOMEM;
	while ((got = read(fd, text + used, size - used - 1)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || (used += (size_t)got) > limit)
			goto fail;
		if (used + 1 < size)
			continue;
		size *= 2;
		larger = realloc(text, size);
		if (!larger)
			goto fail;
		text = larger;
	}
	text[used] = '\0';
	*ret_text = text;
	*ret_length = used;
	return 0;
fail:
	got = used > limit ? -EFBIG : -errno;
	free(text);
	return (int)got;
}

int file_read(const char *path, size_t limit, char **ret_text, size_t *ret_length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = fd_read(fd, limit, ret_text, ret_length);
	close(fd);
	return err;
}

/* Reads a file below the context's root, as a text. */
static int read_below(const struct shyper_ctx *ctx, const char *path,
		      char **ret_text)
{
	char *full = ctx_path(ctx, "%s", path);
	size_t length;
	int err;

	if (!full)
		return -ENOMEM;
	err = file_read(full, ATTRIBUTE_LIMIT, ret_text, &length);
	free(full);
	return err ? err : (int)length;
}

int sysfs_read_all(const struct shyper_ctx *ctx, const char *device,
		   const char *attribute, char **ret_text)
{
	char path[PATH_MAX];

	if (!text_format(path, sizeof(path), SYSFS_CLASS "/%s/%s", device,
			 attribute))
		return -ENAMETOOLONG;
	return read_below(ctx, path, ret_text);
}

int sysfs_read(const struct shyper_ctx *ctx, const char *device,
	       const char *attribute, char *buffer, size_t size)
{
	char *text;
	int err = sysfs_read_all(ctx, device, attribute, &text);

	if (err < 0)
		return err;
	text[strcspn(text, "\n")] = '\0';
	text_copy(buffer, size, text);
	free(text);
	return (int)strlen(buffer);
}

int sysfs_open(const struct shyper_ctx *ctx, const char *device,
	       const char *attribute)
{
	char *path = ctx_path(ctx, SYSFS_CLASS "/%s/%s", device, attribute);
	int fd;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	free_keep_errno(path);
	return fd < 0 ? -errno : fd;
}

bool sysfs_exists(const struct shyper_ctx *ctx, const char *device)
{
	char *path = ctx_path(ctx, SYSFS_CLASS "/%s", device);
	bool exists = path && !access(path, F_OK);

	free_keep_errno(path);
	return exists;
}

int number_parse(const char *text, uint64_t *ret_number)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
	if (errno || (*end && *end != '\n'))
		return -EINVAL;
	*ret_number = value;
	return 0;
}

int sysfs_read_number(const struct shyper_ctx *ctx, const char *device,
		      const char *attribute, uint64_t *ret_number)
{
	char text[32];
	int err = sysfs_read(ctx, device, attribute, text, sizeof(text));

	return err < 0 ? err : number_parse(text, ret_number);
}

bool sysfs_parse_name(const char *name, unsigned int *ret_cell, const char **rest)
{
	unsigned long id;
	char *end;

	if (strncmp(name, "cell", 4) || !isdigit((unsigned char)name[4]))
		return false;
	errno = 0;
	id = strtoul(name + 4, &end, 10);
	if (errno || id > UINT_MAX || (*end && (*end != '.' || !end[1])))
		return false;
	*ret_cell = (unsigned int)id;
	*rest = end;
	return true;
}

static int compare_names(const void *a, const void *b)
{
	const struct sysfs_name *x = a, *y = b;

	if (x->is_device != y->is_device)
		return x->is_device ? 1 : -1;
	if (x->cell != y->cell)
		return x->cell < y->cell ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* 1: it is a name of ours; 0: not. */
static int name_from_entry(const struct shyper_ctx *ctx, const char *entry,
			   struct sysfs_name *name)
{
	uint64_t index = 0;
	const char *rest;
	int err = 0;

	if (!sysfs_parse_name(entry, &name->cell, &rest) ||
	    !text_copy(name->name, sizeof(name->name), entry))
		return 0;
	name->is_device = *rest;
	/* It may have gone meanwhile, which who opens it sees. */
	if (name->is_device)
		err = sysfs_read_number(ctx, entry, "index", &index);
	name->index = (unsigned int)index;
	return err == -ENOMEM ? err : 1;
}

static int read_names(const struct shyper_ctx *ctx, DIR *dir,
		      struct sysfs_name **names)
{
	struct sysfs_name *larger;
	struct dirent *entry;
	size_t count = 0;
	int ret;

	while ((entry = readdir(dir))) {
		larger = realloc(*names, (count + 1) * sizeof(**names));
		if (!larger)
			return -ENOMEM;
		*names = larger;
		ret = name_from_entry(ctx, entry->d_name, &larger[count]);
		if (ret < 0)
			return ret;
		count += (size_t)ret;
	}
	return (int)count;
}

int sysfs_list(const struct shyper_ctx *ctx, struct sysfs_name **ret_names)
{
	char *path = ctx_path(ctx, SYSFS_CLASS);
	struct sysfs_name *names = NULL;
	int count;
	DIR *dir;

	if (!path)
		return -ENOMEM;
	dir = opendir(path);
	free_keep_errno(path);
	if (!dir)
		return errno == ENOENT ? -ENODEV : -errno;
	count = read_names(ctx, dir, &names);
	closedir(dir);
	if (count < 0) {
		free(names);
		return count;
	}
	if (count)
		qsort(names, (size_t)count, sizeof(*names), compare_names);
	*ret_names = names;
	return count;
}

static int value_add(struct shyper_value **values, int count, const char *name,
		     const char *text)
{
	struct shyper_value *larger;

	larger = realloc(*values, ((size_t)count + 1) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	*values = larger;
	text_copy(larger[count].name, sizeof(larger[count].name), name);
	text_copy(larger[count].value, sizeof(larger[count].value), text);
	return count + 1;
}

int values_parse(const char *text, struct shyper_value **ret_values)
{
	struct shyper_value *values = NULL;
	char *copy = strdup(text), *line, *state, *equals;
	int count = 0;

	if (!copy)
		return -ENOMEM;
	for (line = strtok_r(copy, "\n", &state); line && count >= 0;
	     line = strtok_r(NULL, "\n", &state)) {
		equals = strchr(line, '=');
		if (!equals)
			continue;
		*equals = '\0';
		count = value_add(&values, count, line, equals + 1);
	}
	free(copy);
	if (count < 0)
		free(values);
	else
		*ret_values = values;
	return count;
}

/* Adds the files of one folder; folders in it are gone into once. */
static int read_folder(const struct shyper_ctx *ctx, const char *device,
		       const char *folder, const char *prefix,
		       struct shyper_value **values, int count)
{
	char *path = ctx_path(ctx, SYSFS_CLASS "/%s/%s/%s", device, folder, prefix);
	char attribute[PATH_MAX], name[300], text[80];
	struct dirent *entry;
	DIR *dir;
	int err;

	if (!path)
		return -ENOMEM;
	dir = opendir(path);
	free_keep_errno(path);
	if (!dir)
		return errno == ENOMEM ? -ENOMEM : count;
	while (count >= 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s%s", prefix, entry->d_name);
		snprintf(attribute, sizeof(attribute), "%s/%s", folder, name);
		err = sysfs_read(ctx, device, attribute, text, sizeof(text));
		if (err == -ENOMEM) {
			count = err;
		} else if (err >= 0) {
			count = value_add(values, count, name, text);
		} else if (!*prefix) {
			strcat(name, "/");
			count = read_folder(ctx, device, folder, name, values, count);
		}
	}
	closedir(dir);
	return count;
}

static int compare_values(const void *a, const void *b)
{
	const struct shyper_value *x = a, *y = b;

	return strverscmp(x->name, y->name);
}

int sysfs_read_values(const struct shyper_ctx *ctx, const char *device,
		      const char *folder, struct shyper_value **ret_values)
{
	struct shyper_value *values = NULL;
	int count;

	count = read_folder(ctx, device, folder, "", &values, 0);
	if (count < 0) {
		free(values);
		return count;
	}
	if (count)
		qsort(values, (size_t)count, sizeof(*values), compare_values);
	*ret_values = values;
	return count;
}

int cpulist_parse(const char *text, uint64_t *ret_mask)
{
	unsigned long first, last;
	uint64_t mask = 0;
	char *end;

	while (*text && *text != '\n') {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		first = last = strtoul(text, &end, 10);
		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		if (last < first || last > 4095 ||
		    (*end && *end != ',' && *end != '\n'))
			return -EINVAL;
		for (; first <= last && first < 64; first++)
			mask |= 1ULL << first;
		text = *end == ',' ? end + 1 : end;
	}
	*ret_mask = mask;
	return 0;
}

void cpulist_format(uint64_t mask, char *buffer, size_t size)
{
	int first, last;
	size_t used = 0;

	text_copy(buffer, size, "");
	for (first = 0; first < 64; first = last + 1) {
		last = first;
		if (!(mask & 1ULL << first))
			continue;
		while (last < 63 && mask & 1ULL << (last + 1))
			last++;
		text_format(buffer + used, size - used, last > first ? "%s%d-%d" : "%s%d",
			    used ? "," : "", first, last);
		used += strlen(buffer + used);
	}
}

int sysfs_read_cpus(const struct shyper_ctx *ctx, const char *which,
		    uint64_t *ret_mask)
{
	char path[64], *text;
	int err;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/%s", which);
	err = read_below(ctx, path, &text);
	if (err < 0)
		return err;
	err = cpulist_parse(text, ret_mask);
	free(text);
	return err;
}

int sysfs_read_hugepages(const struct shyper_ctx *ctx, const char *which,
			 uint64_t *ret_count)
{
	char path[96], *text;
	int err;

	snprintf(path, sizeof(path), HUGEPAGES "/%s", which);
	err = read_below(ctx, path, &text);
	if (err < 0)
		return err;
	err = number_parse(text, ret_count);
	free(text);
	return err;
}

uint64_t sysfs_last_uevent(const struct shyper_ctx *ctx)
{
	char *text;
	uint64_t last;

	if (read_below(ctx, "/sys/kernel/uevent_seqnum", &text) < 0)
		return 0;
	last = strtoull(text, NULL, 10);
	free(text);
	return last;
}

int sysfs_write_hugepages(const struct shyper_ctx *ctx, uint64_t count)
{
	char *path = ctx_path(ctx, HUGEPAGES "/nr_hugepages");
	int fd, err = 0;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	free_keep_errno(path);
	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%llu\n", (unsigned long long)count) < 0)
		err = -errno;
	close(fd);
	return err;
}

int proc_read(const struct shyper_ctx *ctx, const char *name, char **ret_text)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s", name);
	return read_below(ctx, path, ret_text);
}

int proc_read_memory(const struct shyper_ctx *ctx, uint64_t *ret_bytes)
{
	unsigned long long kib;
	char *text, *line;
	int err = proc_read(ctx, "meminfo", &text);

	if (err < 0)
		return err;
	line = strstr(text, "MemTotal:");
	err = line && sscanf(line, "MemTotal: %llu", &kib) == 1 ? 0 : -EINVAL;
	if (!err)
		*ret_bytes = kib * 1024;
	free(text);
	return err;
}
