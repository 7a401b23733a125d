// SPDX-License-Identifier: GPL-2.0-or-later
/* Carries out the lines of a file. */
#include "batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum cli_status run_lines(struct session *session, FILE *file,
				 const char *name, bool go_on)
{
	enum cli_status status = CLI_DONE, first = CLI_DONE;
	unsigned int number = 0;
	size_t room = 0;
	char *line = NULL;
	char where[300];
	ssize_t length;

	session->where = where;
	while (!session->ended && (go_on || !first) &&
	       (length = getline(&line, &room, file)) >= 0) {
		snprintf(where, sizeof(where), "%s:%u", name, ++number);
		if (strlen(line) != (size_t)length) {
			cli_error(session, NULL, NULL,
				  "a NUL byte: this is no text");
			status = CLI_USAGE;
		} else {
			status = command_run_line(session, line);
		}
		if (!first)
			first = status;
	}
	session->where = NULL;
	free(line);
	if (ferror(file)) {
		cli_error(session, name, NULL, "%s", strerror(errno));
		return CLI_FAILED;
	}
	return first;
}

enum cli_status batch_run(struct session *session, const char *path,
			  bool go_on)
{
	bool is_stdin = !strcmp(path, "-");
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	enum cli_status status;

	if (!file) {
		cli_error(session, path, NULL, "%s", strerror(errno));
		return errno == ENOENT ? CLI_NOT_FOUND : CLI_FAILED;
	}
	status = run_lines(session, file, is_stdin ? "stdin" : path, go_on);
	if (!is_stdin)
		fclose(file);
	return status;
}
