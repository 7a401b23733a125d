/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs of shyper, with the library, over a recorded /sys in a temporary folder:
 * root, a cell with a disk that waits for its backend, and one that has failed.
 */
#ifndef TESTS_CLI_RECORDED_SYS_H
#define TESTS_CLI_RECORDED_SYS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "command.h"

/* The folder; what the last run has printed. */
extern char root[64];
extern char output[65536], errors[65536];

/* For cmocka_run_group_tests(). */
int make_tree(void **state);
int remove_tree(void **state);

/* Writes a file below the folder, with the folders above it. */
void put(const char *path, const char *text);
void put_cell(const char *sysname, const char *id, const char *name,
	      const char *state, const char *reason);
/* A cell or a device. */
void remove_cell(const char *sysname);

/* Carries out @line, or the script @path, below @below. */
enum cli_status run_below(const char *below, const char *line,
			  const char *path, bool go_on);
/* Carries out @line below the folder. */
enum cli_status run(const char *line);

/* The output; the caller puts it. */
json_t *json_output(void);
size_t count_lines(const char *text);
size_t longest_line(const char *text);

#endif /* TESTS_CLI_RECORDED_SYS_H */
