// SPDX-License-Identifier: GPL-2.0-or-later
/* Splits a line of the shell or of a script into commands and words. */
#include "tokens.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * Copies one word from @in to *@out without its quotes. Returns what follows
 * it, or NULL with *@reason when it has no end.
 */
static const char *copy_word(const char *in, char **out, const char **reason)
{
	char quote = 0;

	for (; *in && (quote || (!is_blank(*in) && *in != ';')); in++) {
		if (quote && *in == quote) {
			quote = 0;
		} else if (!quote && (*in == '"' || *in == '\'')) {
			quote = *in;
		} else if (*in == '\\' && quote != '\'') {
			if (!*++in) {
				*reason = "nothing follows the last backslash";
				return NULL;
			}
			*(*out)++ = *in;
		} else {
			*(*out)++ = *in;
		}
	}
	if (quote) {
		*reason = quote == '"' ? "a double quote is not closed" :
					 "a single quote is not closed";
		return NULL;
	}
	*(*out)++ = '\0';
	return in;
}

int tokens_next(const char **line, struct tokens *tokens, const char **reason)
{
	const char *in = *line;
	size_t length = strlen(in);
	/*
	 * A word takes no more room than it has in the line: its end needs one
	 * byte, and so did the separator or the end of the line.
	 */
	char *text = malloc(length + 1);
	char **argv = calloc(length / 2 + 2, sizeof(*argv));
	char *out = text;
	int argc = 0;

	*line = NULL;
	if (!text || !argv) {
		free(text);
		free(argv);
		return -ENOMEM;
	}
	for (;;) {
		while (is_blank(*in))
			in++;
		if (!*in || *in == '#')
			break;
		if (*in == ';') {
			*line = in + 1;
			break;
		}
		argv[argc++] = out;
		in = copy_word(in, &out, reason);
		if (!in) {
			free(text);
			free(argv);
			return -EINVAL;
		}
	}
	*tokens = (struct tokens){ .argc = argc, .argv = argv, .text = text };
	return 0;
}

int tokens_check(const char *line, const char **reason)
{
	while (line) {
		struct tokens tokens;
		int err = tokens_next(&line, &tokens, reason);

		if (err)
			return err;
		tokens_release(&tokens);
	}
	return 0;
}

void tokens_release(struct tokens *tokens)
{
	free(tokens->argv);
	free(tokens->text);
	*tokens = (struct tokens){ 0 };
}
