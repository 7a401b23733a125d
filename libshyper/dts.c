// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A device tree as source text, which dtc makes the same tree of. A blob does
 * not tell the types of its values: what can be text is shown as text.
 */
#include "boot.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* One or more strings, none of them empty. */
static bool is_text(const char *data, int length)
{
	int i;

	if (!length || data[length - 1])
		return false;
	for (i = 0; i < length; i++) {
		if (!is_printable(data[i]) && (data[i] || !i || !data[i - 1]))
			return false;
	}
	return true;
}

static void print_text(FILE *out, const char *data, int length)
{
	const char *c, *end = data + length;

	for (; data < end; data = c + 1) {
		fputc('"', out);
		for (c = data; *c; c++) {
			if (*c == '"' || *c == '\\')
				fputc('\\', out);
			fputc(*c, out);
		}
		fputs(c + 1 < end ? "\", " : "\"", out);
	}
}

static void print_cells(FILE *out, const char *data, int length)
{
	fdt32_t cell;
	int i;

	for (i = 0; i < length; i += 4) {
		memcpy(&cell, data + i, sizeof(cell));
		fprintf(out, "%s0x%x", i ? " " : "<", fdt32_to_cpu(cell));
	}
	fputc('>', out);
}

static void print_bytes(FILE *out, const char *data, int length)
{
	int i;

	for (i = 0; i < length; i++)
		fprintf(out, "%s%02x", i ? " " : "[", (unsigned char)data[i]);
	fputc(']', out);
}

static void indent(FILE *out, int depth)
{
	while (depth--)
		fputc('\t', out);
}

static void print_property(FILE *out, const void *fdt, int offset, int depth)
{
	const char *name, *data;
	int length;

	data = fdt_getprop_by_offset(fdt, offset, &name, &length);
	indent(out, depth);
	fputs(name, out);
	if (length) {
		fputs(" = ", out);
		if (is_text(data, length))
			print_text(out, data, length);
		else if (length % 4)
			print_bytes(out, data, length);
		else
			print_cells(out, data, length);
	}
	fputs(";\n", out);
}

static void print_head(FILE *out, const void *fdt, int node, int depth)
{
	const char *name = fdt_get_name(fdt, node, NULL);
	int offset;

	fputc('\n', out);
	indent(out, depth);
	fprintf(out, "%s {\n", *name ? name : "/");
	fdt_for_each_property_offset(offset, fdt, node)
		print_property(out, fdt, offset, depth + 1);
}

static void print_end(FILE *out, int depth)
{
	indent(out, depth);
	fputs("};\n", out);
}

static void print_tree(FILE *out, const void *fdt)
{
	int node, depth = 0, before = -1;

	fputs("/dts-v1/;\n", out);
	for (node = 0; node >= 0 && depth >= 0;
	     node = fdt_next_node(fdt, node, &depth)) {
		/* Those that ended: as deep as this one, or deeper. */
		for (; before >= depth; before--)
			print_end(out, before);
		print_head(out, fdt, node, depth);
		before = depth;
	}
	for (; before >= 0; before--)
		print_end(out, before);
}

int dts_print(const void *fdt, char **ret_text)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	print_tree(out, fdt);
	if (fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	return 0;
}
