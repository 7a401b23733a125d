// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds, parses and runs the commands of the tables in cmd-*.c. */
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokens.h"

static const struct command *const tables[] = {
	cell_commands, device_commands, watch_commands, system_commands,
	general_commands,
};

#define NR_TABLES	(sizeof(tables) / sizeof(tables[0]))

/* Options that every command knows; they set a bool of the invocation. */
static const struct {
	const char *name;
	char letter;
	size_t offset;
} common_options[] = {
	{ "json", 'j', offsetof(struct invocation, json) },
	{ "quiet", 'q', offsetof(struct invocation, quiet) },
};

#define NR_COMMON	(sizeof(common_options) / sizeof(common_options[0]))

void cli_error(const struct session *session, const char *subject,
	       const char *hint, const char *reason, ...)
{
	va_list args;

	fflush(stdout);
	fputs("shyper: ", stderr);
	if (session && session->where)
		fprintf(stderr, "%s: ", session->where);
	if (subject)
		fprintf(stderr, "%s: ", subject);
	va_start(args, reason);
	vfprintf(stderr, reason, args);
	va_end(args);
	if (hint && !(session && session->quiet))
		fprintf(stderr, "; %s", hint);
	fputc('\n', stderr);
}

const struct command *command_at(size_t index)
{
	for (size_t t = 0; t < NR_TABLES; t++) {
		for (const struct command *c = tables[t]; c->words; c++) {
			if (!index--)
				return c;
		}
	}
	return NULL;
}

/* Number of words of @words if @argv begins with them, else 0. */
static int match_words(const char *words, int argc, char *const *argv)
{
	int taken = 0;

	while (*words) {
		size_t length = strcspn(words, " ");

		if (taken == argc || strlen(argv[taken]) != length ||
		    memcmp(argv[taken], words, length))
			return 0;
		taken++;
		words += length;
		words += strspn(words, " ");
	}
	return taken;
}

const struct command *command_find(int argc, char *const *argv, int *taken)
{
	const struct command *c, *best = NULL;

	*taken = 0;
	for (size_t i = 0; (c = command_at(i)); i++) {
		int words = match_words(c->words, argc, argv);

		if (words > *taken) {
			*taken = words;
			best = c;
		}
	}
	return best;
}

static const struct option_desc *find_option(const struct command *command,
					     const char *name, size_t length,
					     char letter)
{
	const struct option_desc *o = command->options;

	for (; o < command->options + COMMAND_MAX_OPTIONS && o->name; o++) {
		if (letter ? o->letter == letter :
			     strlen(o->name) == length &&
				     !memcmp(o->name, name, length))
			return o;
	}
	return NULL;
}

static bool set_common(struct invocation *invocation, const char *name,
		       char letter)
{
	for (size_t i = 0; i < NR_COMMON; i++) {
		if (letter ? common_options[i].letter == letter :
			     !strcmp(common_options[i].name, name)) {
			*(bool *)((char *)invocation +
				  common_options[i].offset) = true;
			return true;
		}
	}
	return false;
}

static bool parse_number(const char *text, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, text[1] == 'x' ? 16 : 10);
	return !errno && !*end;
}

/* Seconds with up to three decimals, in milliseconds. */
static bool parse_seconds(const char *text, uint64_t *ms)
{
	unsigned int factor = 100;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ms = strtoull(text, &end, 10);
	if (errno || *ms > UINT32_MAX)
		return false;
	*ms *= 1000;
	if (*end == '.')
		end++;
	for (; *end >= '0' && *end <= '9' && factor; end++, factor /= 10)
		*ms += (uint64_t)(*end - '0') * factor;
	return !*end;
}

static bool parse_value(const struct option_desc *option, const char *text,
			uint64_t *number)
{
	return option->kind == OPTION_SECONDS ? parse_seconds(text, number) :
						parse_number(text, number);
}

static enum cli_status set_option(struct invocation *invocation,
				  const struct option_desc *option,
				  const char *value)
{
	struct option_value *slot =
		&invocation->options[option - invocation->command->options];

	slot->given = true;
	if (option->kind == OPTION_FLAG)
		return CLI_DONE;
	if (parse_value(option, value, &slot->number))
		return CLI_DONE;
	cli_error(invocation->session, invocation->command->words, NULL,
		  "--%s wants a number%s, not '%s'", option->name,
		  option->kind == OPTION_SECONDS ? " of seconds" : "", value);
	return CLI_USAGE;
}

/*
 * Reads the option at argv[*i], which begins with a dash; *i is left at the
 * last word that belongs to it.
 */
static enum cli_status parse_option(struct invocation *invocation, int argc,
				    char **argv, int *i)
{
	const char *word = argv[*i];
	bool is_long = word[1] == '-';
	const char *name = is_long ? word + 2 : word + 1;
	size_t length = is_long ? strcspn(name, "=") : 1;
	const char *rest = name + length;
	const struct option_desc *option;

	if (!*rest && set_common(invocation, name, is_long ? 0 : *name))
		return CLI_DONE;
	option = find_option(invocation->command, name, length,
			     is_long ? 0 : *name);
	if (!option || (option->kind == OPTION_FLAG && *rest)) {
		cli_error(invocation->session, invocation->command->words,
			  "see --help", "no option %s", word);
		return CLI_USAGE;
	}
	if (option->kind != OPTION_FLAG) {
		if (is_long && *rest == '=')
			rest++;
		else if (!*rest && *i + 1 < argc)
			rest = argv[++*i];
	}
	return set_option(invocation, option, rest);
}

static enum cli_status check_count(const struct invocation *invocation)
{
	const struct argument *a = invocation->command->arguments;
	char usage[200];
	int least = 0, most = 0;

	for (; a < invocation->command->arguments + COMMAND_MAX_ARGUMENTS &&
	       a->name; a++) {
		least += !a->optional;
		most = a->many ? INT32_MAX : most + 1;
	}
	if (invocation->argc >= least && invocation->argc <= most)
		return CLI_DONE;
	command_usage(invocation->command, usage, sizeof(usage));
	cli_error(invocation->session, invocation->command->words, NULL,
		  "too %s arguments; usage: %s",
		  invocation->argc < least ? "few" : "many", usage);
	return CLI_USAGE;
}

static enum cli_status no_command(const struct session *session, int argc,
				  char *const *argv)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++) {
		size_t length = strlen(argv[0]);

		if (c->hidden || strncmp(c->words, argv[0], length) ||
		    c->words[length] != ' ')
			continue;
		if (argc > 1 && argv[1][0] != '-')
			cli_error(session, argv[0], "see 'shyper help'",
				  "no verb '%s'", argv[1]);
		else
			cli_error(session, argv[0], "see 'shyper help'",
				  "a verb is missing");
		return CLI_USAGE;
	}
	cli_error(session, argv[0], "see 'shyper help'", "no such command");
	return CLI_USAGE;
}

/* "help WORDS" in place of "WORDS --help". */
static void turn_into_help(struct invocation *invocation, int taken,
			   char **argv)
{
	char *help[] = { (char *)"help", NULL };
	int words;

	invocation->command = command_find(1, help, &words);
	invocation->argc = taken;
	invocation->argv = argv;
}

enum cli_status command_parse(struct session *session, int argc, char **argv,
			      struct invocation *invocation)
{
	bool only_arguments = false;
	int taken, i;

	*invocation = (struct invocation){ .session = session,
					   .json = session->json,
					   .quiet = session->quiet };
	for (; argc && argv[0][0] == '-'; argc--, argv++) {
		const char *word = argv[0];
		bool is_long = word[1] == '-';

		if ((!is_long && word[1] && word[2]) ||
		    !set_common(invocation, is_long ? word + 2 : word,
				is_long ? 0 : word[1])) {
			cli_error(session, word, "see 'shyper help'",
				  "no such option");
			return CLI_USAGE;
		}
	}
	if (!argc) {
		cli_error(session, NULL, "see 'shyper help'",
			  "a command is missing");
		return CLI_USAGE;
	}
	invocation->command = command_find(argc, argv, &taken);
	if (!invocation->command)
		return no_command(session, argc, argv);
	invocation->argv = argv + taken;
	if (invocation->command->raw) {
		invocation->argc = argc - taken;
		return CLI_DONE;
	}
	for (i = taken; i < argc; i++) {
		enum cli_status status;

		if (only_arguments || argv[i][0] != '-' || !argv[i][1]) {
			invocation->argv[invocation->argc++] = argv[i];
			continue;
		}
		if (!strcmp(argv[i], "--")) {
			only_arguments = true;
			continue;
		}
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			turn_into_help(invocation, taken, argv);
			return CLI_DONE;
		}
		status = parse_option(invocation, argc, argv, &i);
		if (status)
			return status;
	}
	return check_count(invocation);
}

enum cli_status command_run(struct session *session, int argc, char **argv)
{
	struct invocation invocation;
	enum cli_status status;

	if (!argc)
		return CLI_DONE;
	status = command_parse(session, argc, argv, &invocation);
	if (status)
		return status;
	return invocation.command->run(&invocation);
}

enum cli_status command_run_line(struct session *session, const char *line)
{
	enum cli_status status = CLI_DONE;
	const char *reason = "out of memory";

	/* A line with an open quote is refused before its first command runs. */
	if (tokens_check(line, &reason)) {
		cli_error(session, NULL, NULL, "%s", reason);
		return CLI_USAGE;
	}
	while (line && !status && !session->ended) {
		struct tokens tokens;

		if (tokens_next(&line, &tokens, &reason)) {
			cli_error(session, NULL, NULL, "%s", reason);
			return CLI_FAILED;
		}
		status = command_run(session, tokens.argc, tokens.argv);
		tokens_release(&tokens);
	}
	return status;
}

static const struct option_value *
option_value(const struct invocation *invocation, const char *name)
{
	const struct option_desc *option = find_option(
		invocation->command, name, strlen(name), 0);

	return &invocation->options[option - invocation->command->options];
}

bool option_given(const struct invocation *invocation, const char *name)
{
	return option_value(invocation, name)->given;
}

uint64_t option_number(const struct invocation *invocation, const char *name,
		       uint64_t otherwise)
{
	const struct option_value *value = option_value(invocation, name);

	return value->given ? value->number : otherwise;
}

void command_synopsis(const struct command *command, char *buffer, size_t size)
{
	const struct argument *a = command->arguments;
	size_t used = (size_t)snprintf(buffer, size, "%s", command->words);

	for (; used < size && a < command->arguments + COMMAND_MAX_ARGUMENTS &&
	       a->name; a++)
		used += (size_t)snprintf(buffer + used, size - used,
					 a->optional ? " [%s%s]" : " %s%s",
					 a->name, a->many ? "..." : "");
}

void command_usage(const struct command *command, char *buffer, size_t size)
{
	const struct option_desc *o = command->options;
	size_t used;

	command_synopsis(command, buffer, size);
	used = strlen(buffer);
	for (; used < size && o < command->options + COMMAND_MAX_OPTIONS &&
	       o->name; o++)
		used += (size_t)snprintf(buffer + used, size - used,
					 " [--%s%s%s]", o->name,
					 o->value ? " " : "",
					 o->value ? o->value : "");
}
