// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper cell show --map and --svg: the memory of the whole machine.
 *
 * The text is a grid, in which each character stands for some memory, and a
 * table of the pieces; the picture is a column with the pieces to scale.
 *
 * The kernel likes to give blocks from the top down, so that each of a cell's is a
 * piece by itself. A person gets such a run as one piece, JSON has them all.
 */
#include "cell-map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

#define GRID_WIDTH	64
#define GRID_ROWS	16
#define GRID_LEAST	(2ULL << 20)	/* that a character stands for */

#define BLOCK_SIZE	(2ULL << 20)
#define REVERSED	"2M blocks in reverse"

#define SVG_WIDTH	520
#define SVG_HEIGHT	720
#define SVG_BAR		160
#define SVG_TEXT	11	/* a piece that is lower has no text beside it */

/**
 * struct map - the pieces, and what they lie in
 * @is_reversed: of each piece: its blocks lie in reverse, and it begins with the last
 * @start: @end: of all, @start a multiple of what a character stands for
 */
struct map {
	struct shyper_ram *list;
	bool *is_reversed;
	int count;
	uint64_t start;
	uint64_t end;
};

static const struct output_field map_columns[] = {
	{ "address", "ADDRESS", OUTPUT_PLAIN, NULL },
	{ "size", "SIZE", OUTPUT_SIZE, NULL },
	{ "owner", "OWNER", OUTPUT_PLAIN, NULL },
	{ "cell", "CELL", OUTPUT_PLAIN, NULL },
	{ "guest_address", "GUEST ADDRESS", OUTPUT_PLAIN, NULL },
	{ 0 }
};

static json_t *describe_address(uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%010" PRIx64, address);
	return json_string(text);
}

/* The next block goes on where the piece has come to, downwards. */
static bool goes_down(const struct shyper_ram *piece, bool is_reversed,
		      const struct shyper_ram *next)
{
	return piece->cell && piece->cell == next->cell &&
	       next->length == BLOCK_SIZE && (is_reversed || piece->length == BLOCK_SIZE) &&
	       piece->address + piece->length == next->address &&
	       piece->ipa == next->ipa + BLOCK_SIZE;
}

static void merge_reversed(struct map *map)
{
	int used = 0;

	for (int i = 0; i < map->count; i++) {
		const struct shyper_ram *next = &map->list[i];
		int last = used - 1;

		if (!used || !goes_down(&map->list[last], map->is_reversed[last], next)) {
			map->list[used++] = *next;
			continue;
		}
		map->list[last].length += BLOCK_SIZE;
		map->list[last].ipa = next->ipa;
		map->is_reversed[last] = true;
	}
	map->count = used;
}

static json_t *describe_guest(const struct map *map, int i)
{
	char text[64];

	if (!map->is_reversed[i])
		return describe_address(map->list[i].ipa);
	snprintf(text, sizeof(text), "0x%010" PRIx64 ", " REVERSED, map->list[i].ipa);
	return json_string(text);
}

static json_t *describe_map(const struct map *map)
{
	json_t *list = json_array();

	for (int i = 0; i < map->count; i++) {
		const struct shyper_ram *piece = &map->list[i];
		json_t *object = json_pack("{s:o s:I s:s}", "address",
					   describe_address(piece->address),
					   "size", (json_int_t)piece->length,
					   "owner", piece->owner);

		if (piece->cell) {
			json_object_set_new(object, "cell",
					    json_integer(piece->cell));
			json_object_set_new(object, "guest_address",
					    describe_guest(map, i));
		}
		json_array_append_new(list, object);
	}
	return list;
}

/* A digit or letter for a cell: there are at most 16 with root. */
static char piece_sign(const struct shyper_ram *piece)
{
	if (piece->cell)
		return "0123456789abcdefghijklmnopqrstuvwxyz"[piece->cell % 36];
	if (!strcmp(piece->owner, "root"))
		return '.';
	return !strcmp(piece->owner, "pool") ? 'P' : 'H';
}

/* What is not root's is seen however small it is. */
static char sign_at(const struct map *map, uint64_t start, uint64_t length)
{
	char sign = ' ';

	for (int i = 0; i < map->count; i++) {
		const struct shyper_ram *piece = &map->list[i];

		if (piece->address >= start + length ||
		    piece->address + piece->length <= start)
			continue;
		if (sign == ' ' || sign == '.')
			sign = piece_sign(piece);
	}
	return sign;
}

static void print_legend(const struct map *map, uint64_t unit)
{
	bool seen[256] = { false };

	printf("each character: %" PRIu64 " MiB; . root, H hypervisor, P its pool",
	       unit >> 20);
	for (int i = 0; i < map->count; i++) {
		unsigned char sign = (unsigned char)piece_sign(&map->list[i]);

		if (map->list[i].cell && !seen[sign])
			printf(", %c %s", sign, map->list[i].owner);
		seen[sign] = true;
	}
	fputs("\n\n", stdout);
}

/* Rows in which nobody has anything (a hole between banks) are left out. */
static void print_grid(const struct map *map)
{
	uint64_t unit = GRID_LEAST, row, at;
	char line[GRID_WIDTH + 1] = "";

	while ((map->end - map->start) / unit > GRID_WIDTH * GRID_ROWS)
		unit *= 2;
	print_legend(map, unit);
	for (row = map->start / unit * unit; row < map->end;
	     row += GRID_WIDTH * unit) {
		for (at = 0; at < GRID_WIDTH; at++)
			line[at] = sign_at(map, row + at * unit, unit);
		if (strspn(line, " ") < GRID_WIDTH)
			printf("0x%010" PRIx64 "  %s\n", row, line);
	}
	putchar('\n');
}

static const char *piece_colour(const struct shyper_ram *piece)
{
	static const char *const colours[] = {
		"#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#76b7b2",
		"#edc948", "#ff9da7", "#9c755f",
	};

	if (piece->cell)
		return colours[piece->cell % (sizeof(colours) / sizeof(colours[0]))];
	if (!strcmp(piece->owner, "root"))
		return "#e6e6e6";
	return !strcmp(piece->owner, "pool") ? "#d98880" : "#c0392b";
}

/* Names of cells need no quoting: they have letters, digits, _ and - only. */
static void print_label(const struct map *map, int i)
{
	const struct shyper_ram *piece = &map->list[i];

	printf("%s 0x%" PRIx64 "-0x%" PRIx64, piece->owner, piece->address,
	       piece->address + piece->length - 1);
	if (piece->cell)
		printf(" (cell%u, guest 0x%" PRIx64 "%s)", piece->cell, piece->ipa,
		       map->is_reversed[i] ? ", " REVERSED : "");
}

static void print_svg(const struct map *map)
{
	double scale = (double)SVG_HEIGHT / (double)(map->end - map->start);

	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
	       "font-family=\"sans-serif\" font-size=\"%d\">\n",
	       SVG_WIDTH, SVG_HEIGHT, SVG_TEXT);
	for (int i = 0; i < map->count; i++) {
		const struct shyper_ram *piece = &map->list[i];
		double y = (double)(piece->address - map->start) * scale;
		double height = (double)piece->length * scale;

		printf("<rect x=\"0\" y=\"%.2f\" width=\"%d\" height=\"%.2f\" fill=\"%s\"><title>",
		       y, SVG_BAR, height, piece_colour(piece));
		print_label(map, i);
		fputs("</title></rect>\n", stdout);
		if (height < SVG_TEXT)
			continue;
		printf("<text x=\"%d\" y=\"%.2f\">", SVG_BAR + 8, y + SVG_TEXT);
		print_label(map, i);
		fputs("</text>\n", stdout);
	}
	fputs("</svg>\n", stdout);
}

enum cli_status cell_print_map(const struct invocation *invocation, bool is_svg)
{
	const struct shyper_ram *last;
	enum cli_status status;
	struct shyper_ctx *ctx;
	struct map map = { 0 };

	status = context_probe(invocation, &ctx);
	if (status)
		return status;
	map.count = shyper_ram_list(ctx, &map.list);
	if (map.count >= 0)
		map.is_reversed = calloc((size_t)map.count + 1, sizeof(bool));
	if (map.count >= 0 && !map.is_reversed) {
		free(map.list);
		map.count = -ENOMEM;
	}
	if (map.count < 0)
		return context_fail(invocation, "cell show", map.count);
	if (!invocation->json)
		merge_reversed(&map);
	if (map.count) {
		last = &map.list[map.count - 1];
		map.start = map.list[0].address;
		map.end = last->address + last->length;
	}
	is_svg = is_svg && !invocation->json;
	if (is_svg && map.count)
		print_svg(&map);
	else if (!invocation->json && map.count)
		print_grid(&map);
	if (!is_svg)
		status = output_value(invocation, describe_map(&map), map_columns);
	free(map.is_reversed);
	free(map.list);
	return status;
}
