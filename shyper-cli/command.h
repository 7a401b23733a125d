/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of shyper. One constant table feeds one-shot use, the shell,
 * scripts, help and completion, so that the same words mean the same
 * everywhere. Each group of verbs has its own table (cmd-*.c); a new verb is
 * a new entry there and nothing else.
 */
#ifndef SHYPER_CLI_COMMAND_H
#define SHYPER_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit status of the program and result of each handler. */
enum cli_status {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NOT_FOUND = 3,
	CLI_NO_HYPERVISOR = 4,
	CLI_TIMEOUT = 5,
	CLI_PERMISSION = 6,
};

#define COMMAND_MAX		64
#define COMMAND_MAX_ARGUMENTS	4
#define COMMAND_MAX_OPTIONS	8

/* What an argument names: for completion. */
enum argument_kind {
	ARGUMENT_NONE,
	ARGUMENT_WORD,
	ARGUMENT_FILE,
	ARGUMENT_CELL,		/* name or cellN */
	ARGUMENT_DEVICE,	/* cellN.NAME or CELL.NAME */
	ARGUMENT_TARGET,	/* a cell or a device */
	ARGUMENT_CONSOLE,	/* NAME or NAME.PORT, of the cell before it */
	ARGUMENT_STATE,		/* of a cell */
	ARGUMENT_CONFIG,	/* file, or name of a file in /etc/shyper/cells */
	ARGUMENT_COMMAND,	/* words of a verb */
};

struct argument {
	const char *name;	/* in capitals, NULL ends the list */
	enum argument_kind kind;
	bool optional;
	bool many;		/* last only: any number of them */
};

enum option_kind {
	OPTION_FLAG,
	OPTION_NUMBER,		/* decimal or 0x */
	OPTION_SECONDS,		/* "2", "0.5": the number is in milliseconds */
};

struct option_desc {
	const char *name;	/* without dashes, NULL ends the list */
	char letter;		/* 0: none */
	enum option_kind kind;
	const char *value;	/* what help calls it, NULL: FLAG */
	const char *help;
};

struct option_value {
	bool given;
	uint64_t number;
};

struct shyper_ctx;

/**
 * struct session - what lasts from one command to the next
 * @ctx: the library's context, opened when first wanted
 * @where: FILE:LINE of the script's line that is carried out, or NULL
 * @json: print JSON; @quiet: no hints, no progress. Set for all commands.
 * @interactive: typed at the shell's prompt
 * @ended: "exit" was met
 */
struct session {
	struct shyper_ctx *ctx;
	const char *where;
	bool json;
	bool quiet;
	bool interactive;
	bool ended;
};

struct command;

/**
 * struct invocation - a command as typed
 * @session: it runs in
 * @json: @quiet: of the session or of this command
 */
struct invocation {
	struct session *session;
	const struct command *command;
	bool json;
	bool quiet;
	int argc;
	char **argv;
	struct option_value options[COMMAND_MAX_OPTIONS];
};

/**
 * struct command - a verb
 * @words: as typed, one blank between two words
 * @help: one line, begins with a verb, without a full stop
 * @arguments: in order
 * @options: beside the common ones (--json, --quiet, --help)
 * @run: handler
 * @hidden: not in help and completion
 * @raw: arguments are not looked at: options in them are the handler's
 */
struct command {
	const char *words;
	const char *help;
	struct argument arguments[COMMAND_MAX_ARGUMENTS];
	struct option_desc options[COMMAND_MAX_OPTIONS];
	enum cli_status (*run)(const struct invocation *invocation);
	bool hidden;
	bool raw;
};

/* The tables, ended by an entry without words. */
extern const struct command cell_commands[];
extern const struct command device_commands[];
extern const struct command watch_commands[];
extern const struct command system_commands[];
extern const struct command general_commands[];

/* All commands in order, NULL after the last. */
const struct command *command_at(size_t index);

/*
 * The command whose words begin @argv; *@taken: how many words it has.
 * NULL if there is none.
 */
const struct command *command_find(int argc, char *const *argv, int *taken);

/*
 * Reads the common options before the verb, the verb, its options and its
 * arguments into *@invocation, which keeps @argv's strings and reorders
 * @argv. On a fault says so on stderr and returns CLI_USAGE.
 */
enum cli_status command_parse(struct session *session, int argc, char **argv,
			      struct invocation *invocation);

/* Parses and carries out one command. No words at all: CLI_DONE. */
enum cli_status command_run(struct session *session, int argc, char **argv);

/* Carries out the commands of a line; ends with the first that fails. */
enum cli_status command_run_line(struct session *session, const char *line);

/* Value of the command's own option @name. */
bool option_given(const struct invocation *invocation, const char *name);
uint64_t option_number(const struct invocation *invocation, const char *name,
		       uint64_t otherwise);

/* "cell create CONFIG" into @buffer; with its options: "... [--dry-run]". */
void command_synopsis(const struct command *command, char *buffer, size_t size);
void command_usage(const struct command *command, char *buffer, size_t size);

/*
 * Calls @add with each word that can stand after @argv and begins with
 * @prefix. True: names of files are among them; folders end with a slash.
 */
typedef void (*command_add)(void *data, const char *word);
bool command_complete(struct session *session, int argc, char *const *argv,
		      const char *prefix, command_add add, void *data);

/*
 * Names of cells, devices, states, files ... for completion (names.c). @before:
 * the argument before this one; NULL: it is the first.
 */
struct sink;
void names_complete(struct session *session, enum argument_kind kind,
		    const char *before, const struct sink *sink);

/*
 * One line on stderr: "shyper: [FILE:LINE: ]SUBJECT: REASON[; HINT]". The hint
 * is left out with --quiet; @subject and @hint may be NULL.
 */
__attribute__((format(printf, 4, 5)))
void cli_error(const struct session *session, const char *subject,
	       const char *hint, const char *reason, ...);

#endif /* SHYPER_CLI_COMMAND_H */
