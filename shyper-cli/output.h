/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What commands print. A handler builds one JSON value and says by fields how
 * people see it; one call prints it either way.
 */
#ifndef SHYPER_CLI_OUTPUT_H
#define SHYPER_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "command.h"

enum output_format {
	OUTPUT_PLAIN,
	OUTPUT_SIZE,		/* bytes, as 256M; - for none */
	OUTPUT_PID,		/* plain; - for none */
	OUTPUT_ABOUT,		/* bytes that were measured, as 12.3M */
	OUTPUT_DURATION,	/* milliseconds, as 1h02m03s */
	OUTPUT_HIDDEN_IF_EMPTY,	/* plain, no line for null, "" or [] */
	OUTPUT_TEXT,		/* lines of text, below the title */
};

/**
 * struct output_field - one member of an object
 * @key: in JSON
 * @title: column's or line's title; a field without stays out of text
 * @fields: of a member that is itself an object or an array of objects,
 *	NULL: its members are printed as KEY=value, several to the line
 */
struct output_field {
	const char *key;
	const char *title;
	enum output_format format;
	const struct output_field *fields;
};

/*
 * Prints @value, an object or an array of objects, and releases it. @fields
 * ends with an entry without key.
 */
enum cli_status output_value(const struct invocation *invocation,
			     json_t *value, const struct output_field *fields);

/* The same as text, whatever the options say, and without releasing it. */
void output_render(FILE *out, json_t *value, const struct output_field *fields);

/*
 * Prints @value as JSON on one line, at once, and releases it; CLI_FAILED when it
 * did not arrive.
 */
enum cli_status output_line(const struct invocation *invocation, json_t *value);

/*
 * Prints text that a guest may have written: what is no text is shown as '?'
 * on a terminal and in JSON, so that a guest cannot speak to root's terminal.
 */
enum cli_status output_text(const struct invocation *invocation,
			    const char *key, const char *text, size_t length);

/* Without JSON, on a terminal and not --quiet: a line about progress. */
__attribute__((format(printf, 2, 3)))
void output_progress(const struct invocation *invocation, const char *format,
		     ...);

/* Copies @text so that it is UTF-8 without control characters but \n, \t. */
char *output_sanitise(const char *text, size_t length, size_t *ret_length);

/* Flushes stdout: false when something that was printed did not arrive. */
bool output_finish(void);

#endif /* SHYPER_CLI_OUTPUT_H */
