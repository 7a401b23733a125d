// SPDX-License-Identifier: GPL-2.0-or-later
/* Which words can follow: for the shell's TAB key and for "shyper complete". */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "sink.h"

/* The verb's word number @argc, if its words before that are @argv. */
static bool next_word(const struct command *command, int argc,
		      char *const *argv, char *word, size_t size)
{
	const char *words = command->words;

	for (int i = 0; i < argc; i++) {
		size_t length = strcspn(words, " ");

		if (strlen(argv[i]) != length ||
		    memcmp(argv[i], words, length) || !words[length])
			return false;
		words += length + 1;
	}
	snprintf(word, size, "%.*s", (int)strcspn(words, " "), words);
	return true;
}

static void complete_verb(int argc, char *const *argv, const struct sink *sink)
{
	const struct command *c;
	char word[32], last[32] = "";

	/* Verbs with the same first word stand together in their table. */
	for (size_t i = 0; (c = command_at(i)); i++) {
		if (c->hidden || !next_word(c, argc, argv, word, sizeof(word)) ||
		    !strcmp(word, last))
			continue;
		strcpy(last, word);
		offer(sink, word);
	}
}

static void complete_option(const struct command *command,
			    const struct sink *sink)
{
	const struct option_desc *o = command->options;
	static const char *const common[] = { "--json", "--quiet", "--help" };
	char word[40];

	for (; o < command->options + COMMAND_MAX_OPTIONS && o->name; o++) {
		snprintf(word, sizeof(word), "--%s", o->name);
		offer(sink, word);
	}
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		offer(sink, common[i]);
}

/* Options before the command; those of the program alone are main.c's. */
static void complete_first_option(const struct session *session,
				  const struct sink *sink)
{
	static const char *const words[] = {
		"--json", "--quiet", "--help", "--command", "--batch",
		"--force", "--version",
	};
	size_t count = session->interactive ? 2 :
					      sizeof(words) / sizeof(words[0]);

	for (size_t i = 0; i < count; i++)
		offer(sink, words[i]);
}

static const struct argument *argument_at(const struct command *command,
					  int position)
{
	const struct argument *a = command->arguments;

	for (; a < command->arguments + COMMAND_MAX_ARGUMENTS && a->name; a++) {
		if (!position-- || a->many)
			return a;
	}
	return NULL;
}

/* Whether the word after this option is the option's value. */
static bool takes_value(const struct command *command, const char *word)
{
	const struct option_desc *o = command->options;
	bool is_long = word[0] == '-' && word[1] == '-';

	for (; o < command->options + COMMAND_MAX_OPTIONS && o->name; o++) {
		if (o->kind != OPTION_FLAG &&
		    (is_long ? !strcmp(word + 2, o->name) :
			       o->letter && word[0] == '-' &&
				       word[1] == o->letter && !word[2]))
			return true;
	}
	return false;
}

/* Options of "help" may stand before the words that it is to explain. */
static void complete_explained(int argc, char *const *argv, const struct sink *sink)
{
	for (; argc && argv[0][0] == '-'; argc--)
		argv++;
	complete_verb(argc, argv, sink);
}

/* As command_complete(), with the words behind the verb. */
static bool complete_argument(struct session *session,
			      const struct command *command, int argc,
			      char *const *argv, const struct sink *sink)
{
	const struct argument *argument;
	const char *before = NULL;
	int position = 0;

	for (int i = 0; i < argc; i++) {
		if (takes_value(command, argv[i])) {
			if (++i == argc)
				return false;
		} else if (argv[i][0] != '-') {
			before = argv[i];
			position++;
		}
	}
	argument = argument_at(command, position);
	if (!argument)
		return false;
	if (argument->kind == ARGUMENT_COMMAND)
		complete_explained(argc, argv, sink);
	else
		names_complete(session, argument->kind, before, sink);
	return argument->kind == ARGUMENT_FILE ||
	       argument->kind == ARGUMENT_CONFIG;
}

bool command_complete(struct session *session, int argc, char *const *argv,
		      const char *prefix, command_add add, void *data)
{
	const struct sink sink = { prefix, add, data };
	const struct command *command;
	const char *last = NULL;
	int taken;

	for (; argc && argv[0][0] == '-'; argc--)
		last = *argv++;
	if (!argc && last && !session->interactive &&
	    (!strcmp(last, "-b") || !strcmp(last, "--batch"))) {
		names_complete(session, ARGUMENT_FILE, NULL, &sink);
		return true;
	}
	if (!argc && prefix[0] == '-')
		complete_first_option(session, &sink);
	command = command_find(argc, argv, &taken);
	complete_verb(argc, argv, &sink);
	if (!command || command->hidden)
		return false;
	if (prefix[0] == '-') {
		complete_option(command, &sink);
		return false;
	}
	return complete_argument(session, command, argc - taken, argv + taken,
				 &sink);
}
