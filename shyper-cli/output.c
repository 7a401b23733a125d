// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints JSON values as JSON, tables and lists; guests' text; progress. */
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_WIDTH	78
#define CELL_SIZE	160	/* of a formatted value */
#define MAX_COLUMNS	16

static void format_size(json_int_t bytes, char *out, size_t size)
{
	static const char units[] = "BKMGT";
	size_t unit = 0;

	while (bytes && bytes % 1024 == 0 && units[unit + 1]) {
		bytes /= 1024;
		unit++;
	}
	if (unit)
		snprintf(out, size, "%" JSON_INTEGER_FORMAT "%c", bytes,
			 units[unit]);
	else
		snprintf(out, size, "%" JSON_INTEGER_FORMAT, bytes);
}

/* Three digits or a little more, for what is measured and not set. */
static void format_about(double bytes, char *out, size_t size)
{
	static const char units[] = "BKMGT";
	size_t unit = 0;

	while (bytes >= 1024 && units[unit + 1]) {
		bytes /= 1024;
		unit++;
	}
	if (unit)
		snprintf(out, size, "%.*f%c", bytes < 100, bytes, units[unit]);
	else
		snprintf(out, size, "%.0f", bytes);
}

static void format_duration(json_int_t ms, char *out, size_t size)
{
	long long s = ms / 1000;

	if (s >= 86400)
		snprintf(out, size, "%lldd%02lldh", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		snprintf(out, size, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(out, size, "%lldm%02llds", s / 60, s % 60);
	else
		snprintf(out, size, "%lld.%llds", s,
			 (long long)(ms % 1000 / 100));
}

static void format_number(const json_t *value, enum output_format format,
			  char *out, size_t size)
{
	double number = json_number_value(value);

	if (!number && (format == OUTPUT_SIZE || format == OUTPUT_PID))
		snprintf(out, size, "-");
	else if (format == OUTPUT_SIZE)
		format_size((json_int_t)number, out, size);
	else if (format == OUTPUT_DURATION)
		format_duration((json_int_t)number, out, size);
	else if (format == OUTPUT_ABOUT)
		format_about(number, out, size);
	else if (json_is_integer(value))
		snprintf(out, size, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
	else
		snprintf(out, size, "%.*f",
			 number < 100 && number != (double)(int64_t)number,
			 number);
}

static void format_value(const json_t *value, enum output_format format,
			 char *out, size_t size)
{
	size_t used = 0, i;
	json_t *item;

	out[0] = '\0';
	switch (json_typeof(value)) {
	case JSON_INTEGER:
	case JSON_REAL:
		format_number(value, format, out, size);
		break;
	case JSON_STRING:
		snprintf(out, size, "%s", json_string_value(value));
		break;
	case JSON_ARRAY:
		json_array_foreach(value, i, item) {
			char one[CELL_SIZE];

			format_value(item, format, one, sizeof(one));
			used += (size_t)snprintf(out + used, size - used,
						 i ? ",%s" : "%s", one);
			if (used >= size)
				break;
		}
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		snprintf(out, size, json_is_true(value) ? "yes" : "no");
		break;
	default:
		snprintf(out, size, "-");
	}
}

static void format_member(const json_t *object,
			  const struct output_field *field, char *out,
			  size_t size)
{
	const json_t *value = json_object_get(object, field->key);

	if (value)
		format_value(value, field->format, out, size);
	else
		snprintf(out, size, "-");
}

static void print_table(FILE *out, const json_t *array,
			const struct output_field *fields, int indent)
{
	int width[MAX_COLUMNS] = { 0 };
	char text[CELL_SIZE];
	json_t *row;
	size_t i, c;

	for (c = 0; fields[c].key && c < MAX_COLUMNS; c++) {
		if (!fields[c].title)
			continue;
		width[c] = (int)strlen(fields[c].title);
		json_array_foreach(array, i, row) {
			format_member(row, &fields[c], text, sizeof(text));
			if ((int)strlen(text) > width[c])
				width[c] = (int)strlen(text);
		}
	}
	for (i = 0; i <= json_array_size(array); i++) {
		int blanks = indent;

		for (c = 0; fields[c].key && c < MAX_COLUMNS; c++) {
			if (!fields[c].title)
				continue;
			if (i)
				format_member(json_array_get(array, i - 1),
					      &fields[c], text, sizeof(text));
			else
				snprintf(text, sizeof(text), "%s",
					 fields[c].title);
			fprintf(out, "%*s%s", blanks, "", text);
			/* No blanks at the end of a line. */
			blanks = width[c] + 2 - (int)strlen(text);
		}
		fputc('\n', out);
	}
}

/* KEY=value of each member, as many as fit to a line. */
static void print_members(FILE *out, json_t *object, int indent)
{
	char text[CELL_SIZE];
	int column = 0;
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		int length;

		format_value(value, OUTPUT_PLAIN, text, sizeof(text));
		length = (int)(strlen(key) + strlen(text)) + 2;
		if (column && column + length > LINE_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		if (column)
			fputc(' ', out);
		else
			column = fprintf(out, "%*s", indent, "");
		column += fprintf(out, "%s=%s", key, text) + 1;
	}
	if (column)
		fputc('\n', out);
}

static bool is_empty(const json_t *value)
{
	if (json_is_string(value))
		return !json_string_length(value);
	if (json_is_array(value))
		return !json_array_size(value);
	return !value || json_is_null(value) || json_is_false(value);
}

/* Lines of text, each behind @indent blanks. */
static void print_text(FILE *out, const char *text, int indent)
{
	while (*text) {
		int length = (int)strcspn(text, "\n");

		fprintf(out, "%*s%.*s\n", length ? indent : 0, "", length,
			text);
		text += length + (text[length] == '\n');
	}
}

static void print_list(FILE *out, json_t *object,
		       const struct output_field *fields, int indent);

/* A member that takes lines of its own below its title. */
static void print_nested(FILE *out, json_t *value,
			 const struct output_field *field, int indent)
{
	fprintf(out, "%*s%s\n", indent, "", field->title);
	if (json_is_string(value))
		print_text(out, json_string_value(value), indent + 2);
	else if (json_is_array(value))
		print_table(out, value, field->fields, indent + 2);
	else if (field->fields)
		print_list(out, value, field->fields, indent + 2);
	else
		print_members(out, value, indent + 2);
}

static bool is_nested(const struct output_field *field, const json_t *value)
{
	return field->format == OUTPUT_TEXT || json_is_object(value) ||
	       (json_is_array(value) &&
		json_is_object(json_array_get(value, 0)));
}

static bool is_hidden(const struct output_field *field, const json_t *value)
{
	bool hides = field->format == OUTPUT_HIDDEN_IF_EMPTY ||
		     field->format == OUTPUT_TEXT || field->fields;

	return !field->title || (hides && is_empty(value));
}

static void print_list(FILE *out, json_t *object,
		       const struct output_field *fields, int indent)
{
	char text[CELL_SIZE];
	int width = 0;

	for (const struct output_field *f = fields; f->key; f++) {
		const json_t *value = json_object_get(object, f->key);

		if (!is_hidden(f, value) && !is_nested(f, value) &&
		    (int)strlen(f->title) > width)
			width = (int)strlen(f->title);
	}
	for (const struct output_field *f = fields; f->key; f++) {
		json_t *value = json_object_get(object, f->key);

		if (is_hidden(f, value))
			continue;
		if (is_nested(f, value)) {
			print_nested(out, value, f, indent);
			continue;
		}
		format_member(object, f, text, sizeof(text));
		fprintf(out, "%*s%-*s  %s\n", indent, "", width, f->title,
			text);
	}
}

void output_render(FILE *out, json_t *value, const struct output_field *fields)
{
	if (json_is_array(value))
		print_table(out, value, fields, 0);
	else
		print_list(out, value, fields, 0);
}

static enum cli_status out_of_memory(const struct invocation *invocation)
{
	cli_error(invocation->session, invocation->command->words, NULL,
		  "out of memory");
	return CLI_FAILED;
}

enum cli_status output_value(const struct invocation *invocation,
			     json_t *value, const struct output_field *fields)
{
	if (!value)
		return out_of_memory(invocation);
	if (invocation->json) {
		json_dumpf(value, stdout,
			   JSON_INDENT(2) | JSON_PRESERVE_ORDER |
				   JSON_REAL_PRECISION(9));
		putchar('\n');
	} else {
		output_render(stdout, value, fields);
	}
	json_decref(value);
	return CLI_DONE;
}

enum cli_status output_line(const struct invocation *invocation, json_t *value)
{
	if (!value)
		return out_of_memory(invocation);
	json_dumpf(value, stdout,
		   JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(value);
	/* main() says it. */
	return output_finish() ? CLI_DONE : CLI_FAILED;
}

/* Length of the UTF-8 sequence at @text, 0 if there is no valid one. */
static size_t utf8_length(const unsigned char *text, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = text[0] < 0x80 ? 1 :
			text[0] >> 5 == 0x6 ? 2 :
			text[0] >> 4 == 0xe ? 3 :
			text[0] >> 3 == 0x1e ? 4 : 0;
	uint32_t code;

	if (length <= 1)
		return length;
	if (length > left)
		return 0;
	code = text[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000))
		return 0;
	return length;
}

char *output_sanitise(const char *text, size_t length, size_t *ret_length)
{
	const unsigned char *in = (const unsigned char *)text;
	char *out = malloc(length + 1);
	size_t used = 0;

	if (!out)
		return NULL;
	for (size_t i = 0, step; i < length; i += step) {
		step = utf8_length(in + i, length - i);
		/* C1 controls are U+0080 to U+009F: 0xc2 0x80 to 0xc2 0x9f. */
		if (!step || (step == 1 && ((in[i] < ' ' && in[i] != '\n' &&
					     in[i] != '\t') || in[i] == 0x7f)) ||
		    (step == 2 && in[i] == 0xc2 && in[i + 1] < 0xa0)) {
			/* Serial lines end with \r\n: the \r is no news. */
			if (in[i] != '\r')
				out[used++] = '?';
			step = step ? step : 1;
			continue;
		}
		memcpy(out + used, text + i, step);
		used += step;
	}
	out[used] = '\0';
	*ret_length = used;
	return out;
}

enum cli_status output_text(const struct invocation *invocation,
			    const char *key, const char *text, size_t length)
{
	size_t clean_length;
	char *clean;

	if (!invocation->json && !isatty(STDOUT_FILENO)) {
		fwrite(text, 1, length, stdout);
		return CLI_DONE;
	}
	clean = output_sanitise(text, length, &clean_length);
	if (!clean) {
		cli_error(invocation->session, key, NULL, "out of memory");
		return CLI_FAILED;
	}
	if (invocation->json) {
		json_t *value = json_pack("{s:s%}", key, clean, clean_length);

		json_dumpf(value, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(value);
	} else {
		fwrite(clean, 1, clean_length, stdout);
	}
	free(clean);
	return CLI_DONE;
}

void output_progress(const struct invocation *invocation, const char *format,
		     ...)
{
	va_list args;

	if (invocation->json || invocation->quiet || !isatty(STDERR_FILENO))
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

bool output_finish(void)
{
	bool bad = ferror(stdout);

	if (fflush(stdout))
		bad = true;
	return !bad;
}
