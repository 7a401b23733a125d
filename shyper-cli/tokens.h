/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Splits a line of the shell or of a script into commands and words. */
#ifndef SHYPER_CLI_TOKENS_H
#define SHYPER_CLI_TOKENS_H

/**
 * struct tokens - the words of one command
 * @argc: number of words, 0 for an empty command
 * @argv: the words, NULL after the last
 * @text: storage of the words
 */
struct tokens {
	int argc;
	char **argv;
	char *text;
};

/*
 * Takes the next command off *@line (up to ';' or the end) and advances it;
 * *@line is NULL after the last one. Words are parted by blanks; '...' is
 * literal, "..." and bare words know \ before any character; # at the start
 * of a word ends the line. Nothing is expanded.
 *
 * 0; -EINVAL with *@reason set (a constant) when a quote is left open, *@line
 * is NULL then; -ENOMEM. @tokens is to be released after success only.
 */
int tokens_next(const char **line, struct tokens *tokens, const char **reason);

/* Whether all of @line can be split: 0, or as tokens_next(). */
int tokens_check(const char *line, const char **reason);

void tokens_release(struct tokens *tokens);

#endif /* SHYPER_CLI_TOKENS_H */
