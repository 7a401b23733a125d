// SPDX-License-Identifier: GPL-2.0-or-later
/* help, exit, and the hidden "complete" that serves the completion of bash. */
#include <stdio.h>
#include <string.h>

#include "output.h"

#define LINE_WIDTH	79
#define COMMAND_WIDTH	31	/* of the column of commands */

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

/* The rest of a line whose first @column columns are printed, broken at blanks. */
static void print_wrapped(const char *text, int column)
{
	int left = LINE_WIDTH - column;

	while (*text) {
		int length = (int)strcspn(text, " ");

		if (length > left) {
			printf("\n%*s", column, "");
			left = LINE_WIDTH - column;
		}
		printf("%.*s", length, text);
		left -= length + 1;
		text += length;
		if (*text && (int)strcspn(text + 1, " ") <= left)
			putchar(' ');
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void print_option(char letter, const char *name, const char *value,
			 const char *help)
{
	char text[64];

	snprintf(text, sizeof(text), "--%s%s%s", name, value ? " " : "",
		 value ? value : "");
	printf("  %c%c %-20s  ", letter ? '-' : ' ', letter ? letter : ' ',
	       text);
	print_wrapped(help, 27);
}

static void print_details(const struct command *c)
{
	const struct option_desc *o = c->options;
	char usage[200];

	command_usage(c, usage, sizeof(usage));
	printf("usage: ");
	print_wrapped(usage, 7);
	snprintf(usage, sizeof(usage), "%s.", c->help);
	print_wrapped(usage, 0);
	putchar('\n');
	for (; o < c->options + COMMAND_MAX_OPTIONS && o->name; o++)
		print_option(o->letter, o->name, o->value, o->help);
	print_option('j', "json", NULL, "print JSON");
	print_option('q', "quiet", NULL, "no hints, no progress");
}

/* A line of the list: the options are left to the help of the command alone. */
static void print_brief(const struct command *c)
{
	char synopsis[200];

	command_synopsis(c, synopsis, sizeof(synopsis));
	printf("%-*s", COMMAND_WIDTH, synopsis);
	if (strlen(synopsis) >= COMMAND_WIDTH)
		printf("\n%*s", COMMAND_WIDTH, "");
	print_wrapped(c->help, COMMAND_WIDTH);
}

static void print_general(void)
{
	puts("\n"
	     "`help COMMAND` tells its options. -j (--json) prints JSON, -q (--quiet) leaves\n"
	     "hints out; both before or after the command. `shyper` alone is a shell;\n"
	     "-c 'COMMAND; COMMAND' and -b FILE carry out many, a pipe into it likewise.\n"
	     "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 not found,\n"
	     "4 no hypervisor or module, 5 time-out, 6 not permitted.\n"
	     "\n"
	     "Which cell failed?             cell list; why: cell show CELL\n"
	     "Which CPU waits for what?      cell show CELL, or top\n"
	     "What does a disk cost?         stat DEVICE\n"
	     "Who holds a cell's memory?     cell show CELL, or system status");
}

static json_t *describe_command(const struct command *c)
{
	char usage[200];

	command_usage(c, usage, sizeof(usage));
	return json_pack("{s:s s:s s:s s:o}", "command", c->words, "usage",
			 usage, "help", c->help, "options",
			 describe_options(c));
}

static enum cli_status cmd_help(const struct invocation *invocation)
{
	const struct command *c, *found[COMMAND_MAX];
	json_t *list;
	size_t count = 0;

	for (size_t i = 0; (c = command_at(i)) && count < COMMAND_MAX; i++) {
		if (!c->hidden &&
		    has_words(c->words, invocation->argc, invocation->argv))
			found[count++] = c;
	}
	if (!count) {
		cli_error(invocation->session, invocation->argv[0],
			  "see 'shyper help'", "no such command");
		return CLI_USAGE;
	}
	if (invocation->json) {
		list = json_array();
		for (size_t i = 0; i < count; i++)
			json_array_append_new(list, describe_command(found[i]));
		return output_value(invocation, list, NULL);
	}
	if (count == 1) {
		print_details(found[0]);
		return CLI_DONE;
	}
	for (size_t i = 0; i < count; i++)
		print_brief(found[i]);
	if (!invocation->argc)
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
	  .arguments = { { "COMMAND", ARGUMENT_COMMAND, true, true } },
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
