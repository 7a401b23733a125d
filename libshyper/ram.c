// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who has which part of the machine's memory: root's RAM and the hypervisor's
 * are in /proc/iomem, what cells were lent of root's in memory_blocks of each.
 */
#include "cell-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"

#define ROOT	"root"

struct map {
	struct shyper_ram *list;
	int count;
	int err;
};

static void add(struct map *map, const struct shyper_ram *memory)
{
	struct shyper_ram *larger;

	if (map->err || !memory->length)
		return;
	larger = realloc(map->list, ((size_t)map->count + 1) * sizeof(*larger));
	if (!larger) {
		map->err = -ENOMEM;
		return;
	}
	map->list = larger;
	larger[map->count++] = *memory;
}

static int compare(const void *a, const void *b)
{
	const struct shyper_ram *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* A line of /proc/iomem: "40000000-401fffff : System RAM". */
static void add_resource(struct map *map, const char *line)
{
	static const char *const owners[][2] = {
		{ "System RAM", ROOT }, { "hypervisor", "hypervisor" },
		{ "hypervisor pool", "pool" },
	};
	struct shyper_ram memory = { 0 };
	unsigned long long start, end;
	char name[32];
	size_t i;

	if (sscanf(line, "%llx-%llx : %31[^\n]", &start, &end, name) != 3)
		return;
	memory.address = start;
	memory.length = end - start + 1;
	for (i = 0; i < ARRAY_SIZE(owners); i++) {
		if (strcmp(name, owners[i][0]))
			continue;
		text_copy(memory.owner, sizeof(memory.owner), owners[i][1]);
		/* What Linux shows to others than root. */
		if (!end)
			map->err = -EPERM;
		add(map, &memory);
	}
}

static void add_resources(struct map *map, struct shyper_ctx *ctx)
{
	char *text, *line, *state;
	int err = proc_read(ctx, "iomem", &text);

	if (err < 0) {
		map->err = err;
		return;
	}
	for (line = strtok_r(text, "\n", &state); line;
	     line = strtok_r(NULL, "\n", &state)) {
		/* Those within another begin with blanks. */
		if (*line != ' ')
			add_resource(map, line);
	}
	free(text);
}

/* Blocks that follow one another in both address spaces are one piece. */
static void add_block(struct map *map, const struct shyper_cell *cell,
		      uint64_t ipa, uint64_t pa)
{
	struct shyper_ram *last = map->count ? &map->list[map->count - 1] : NULL;
	struct shyper_ram memory = {
		.address = pa, .length = HVISOR_BLOCK_SIZE,
		.cell = cell->id, .ipa = ipa,
	};

	if (last && last->cell == cell->id && last->address + last->length == pa &&
	    last->ipa + last->length == ipa) {
		last->length += HVISOR_BLOCK_SIZE;
		return;
	}
	text_copy(memory.owner, sizeof(memory.owner), cell->name);
	add(map, &memory);
}

static void add_cell(struct map *map, const struct shyper_cell *cell)
{
	unsigned long long ipa, pa;
	char *text, *line, *state;
	int err;

	err = sysfs_read_all(cell->ctx, cell->sysname, "memory_blocks", &text);
	if (err < 0) {
		/* It went meanwhile. */
		map->err = err == -ENOENT || err == -ENODEV ? 0 : err;
		return;
	}
	for (line = strtok_r(text, "\n", &state); line;
	     line = strtok_r(NULL, "\n", &state)) {
		if (sscanf(line, "%llx %llx", &ipa, &pa) == 2)
			add_block(map, cell, ipa, pa);
	}
	free(text);
}

/* Cuts what cells were lent out of root's pieces. */
static void cut(struct map *map, const struct map *cells)
{
	const struct shyper_ram *lent;
	struct shyper_ram piece;
	int i, nr_whole = map->count;
	uint64_t end;

	for (i = 0; i < nr_whole; i++) {
		piece = map->list[i];
		if (strcmp(piece.owner, ROOT))
			continue;
		end = piece.address + piece.length;
		map->list[i].length = 0;
		for (lent = cells->list; lent < cells->list + cells->count; lent++) {
			if (lent->address < piece.address || lent->address >= end)
				continue;
			piece.length = lent->address - piece.address;
			add(map, &piece);
			piece.address = lent->address + lent->length;
		}
		piece.length = end > piece.address ? end - piece.address : 0;
		add(map, &piece);
	}
	for (i = 0; i < cells->count; i++)
		add(map, &cells->list[i]);
}

static void drop_empty(struct map *map)
{
	int i, used = 0;

	for (i = 0; i < map->count; i++) {
		if (map->list[i].length)
			map->list[used++] = map->list[i];
	}
	map->count = used;
}

static void add_cells(struct map *map, struct shyper_ctx *ctx)
{
	struct map lent = { 0 };
	struct shyper_cell **cells;
	int i, count = cell_list(ctx, &cells);

	if (count < 0) {
		map->err = count;
		return;
	}
	for (i = 0; i < count && !lent.err; i++)
		add_cell(&lent, cells[i]);
	shyper_cell_list_free(cells);
	map->err = lent.err;
	if (lent.count) {
		qsort(lent.list, (size_t)lent.count, sizeof(*lent.list), compare);
		cut(map, &lent);
	}
	free(lent.list);
}

int shyper_ram_list(struct shyper_ctx *ctx, struct shyper_ram **ret_ram)
{
	struct map map = { 0 };

	ctx_begin(ctx);
	add_resources(&map, ctx);
	if (!map.err)
		add_cells(&map, ctx);
	if (map.err) {
		free(map.list);
		return error_set(ctx, map.err, "memory map", NULL,
				 "cannot be read: %s", strerror(-map.err));
	}
	drop_empty(&map);
	if (map.count)
		qsort(map.list, (size_t)map.count, sizeof(*map.list), compare);
	*ret_ram = map.list;
	return map.count;
}
