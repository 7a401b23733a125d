// SPDX-License-Identifier: GPL-2.0-or-later
/* help, exit, and the hidden "complete" that serves the completion of bash. */
#include <stdio.h>
#include <string.h>

#include "output.h"

static const struct output_field help_columns[] = {
	{ "usage", "COMMAND", OUTPUT_PLAIN, NULL },
	{ "help", "WHAT IT DOES", OUTPUT_PLAIN, NULL },
	{ 0 }
};

/* @text begins with the words @argv. */
static bool has_words(const char *text, int argc, char *const *argv)
{
	for (int i = 0; i < argc; i++) {
		size_t length = strlen(argv[i]);

		if (strncmp(text, argv[i], length) ||
		    (text[length] && text[length] != ' '))
			return false;
		text += length + (text[length] == ' ');
	}
	return true;
}

static json_t *describe_options(const struct command *c)
{
	const struct option_desc *o = c->options;
	json_t *list = json_array();

	for (; o < c->options + COMMAND_MAX_OPTIONS && o->name; o++) {
		json_t *option = json_pack("{s:s s:s}", "name", o->name,
					   "help", o->help);

		if (o->letter)
			json_object_set_new(option, "letter",
					    json_stringn(&o->letter, 1));
		if (o->value)
			json_object_set_new(option, "value",
					    json_string(o->value));
		json_array_append_new(list, option);
	}
	return list;
}

static void print_details(const struct command *c)
{
	const struct option_desc *o = c->options;
	char usage[200], name[64];

	command_usage(c, usage, sizeof(usage));
	printf("usage: %s\n%s.\n\n", usage, c->help);
	for (; o < c->options + COMMAND_MAX_OPTIONS && o->name; o++) {
		snprintf(name, sizeof(name), "--%s%s%s", o->name,
			 o->value ? " " : "", o->value ? o->value : "");
		printf("  %c%c %-20s  %s\n", o->letter ? '-' : ' ',
		       o->letter ? o->letter : ' ', name, o->help);
	}
	printf("  -j %-20s  print JSON\n", "--json");
	printf("  -q %-20s  no hints, no progress\n", "--quiet");
}

static void print_general(void)
{
	puts("\n"
	     "-j (--json) prints JSON, -q (--quiet) leaves hints out; before or after the\n"
	     "command. `help COMMAND` tells its options.\n"
	     "`shyper` alone is a shell; -c 'COMMAND; COMMAND' and -b FILE carry out many.\n"
	     "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 not found,\n"
	     "4 no hypervisor or module, 5 time-out, 6 not permitted.");
}

static enum cli_status cmd_help(const struct invocation *invocation)
{
	const struct command *c, *exact = NULL;
	json_t *list = json_array();
	char usage[200];
	int count = 0;

	for (size_t i = 0; (c = command_at(i)); i++) {
		if (c->hidden ||
		    !has_words(c->words, invocation->argc, invocation->argv))
			continue;
		exact = c;
		count++;
		command_usage(c, usage, sizeof(usage));
		json_array_append_new(
			list, json_pack("{s:s s:s s:s s:o}", "command",
					c->words, "usage", usage, "help",
					c->help, "options",
					describe_options(c)));
	}
	if (!count) {
		json_decref(list);
		cli_error(invocation->session, invocation->argv[0],
			  "see 'shyper help'", "no such command");
		return CLI_USAGE;
	}
	if (count == 1 && !invocation->json) {
		json_decref(list);
		print_details(exact);
		return CLI_DONE;
	}
	output_value(invocation, list, help_columns);
	if (!invocation->argc && !invocation->json)
		print_general();
	return CLI_DONE;
}

static enum cli_status cmd_exit(const struct invocation *invocation)
{
	invocation->session->ended = true;
	return CLI_DONE;
}

static void print_word(void *data, const char *word)
{
	(void)data;
	puts(word);
}

/* complete WORD... : candidates for the last of them, one a line. */
static enum cli_status cmd_complete(const struct invocation *invocation)
{
	int argc = invocation->argc;
	const char *prefix = argc ? invocation->argv[--argc] : "";

	command_complete(invocation->session, argc, invocation->argv, prefix,
			 print_word, NULL);
	return CLI_DONE;
}

const struct command general_commands[] = {
	{ .words = "help",
	  .help = "List the commands, or tell about some of them",
	  .arguments = { { "COMMAND", ARGUMENT_WORD, true, true } },
	  .run = cmd_help },
	{ .words = "exit", .help = "Leave the shell or the script",
	  .run = cmd_exit },
	{ .words = "quit", .help = "Leave the shell or the script",
	  .run = cmd_exit },
	{ .words = "complete", .help = "List the words that can follow",
	  .arguments = { { "WORD", ARGUMENT_WORD, true, true } },
	  .run = cmd_complete, .hidden = true, .raw = true },
	{ 0 }
};
