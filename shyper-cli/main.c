// SPDX-License-Identifier: GPL-2.0-or-later
/* shyper: one command, many, or the shell. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "context.h"
#include "output.h"
#include "shell.h"

struct arguments {
	const char *line;	/* -c */
	const char *script;	/* -b */
	bool go_on;
	bool help;
	bool version;
};

/* Options before the command. Negative: wrong; else where the command begins. */
static int parse(struct session *session, struct arguments *arguments, int argc,
		 char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "command", required_argument, NULL, 'c' },
		{ "batch", required_argument, NULL, 'b' },
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	int option;

	opterr = 0;
	/* '+': the first word that is no option is the command. */
	while ((option = getopt_long(argc, argv, "+jqc:b:fhV", options,
				     NULL)) >= 0) {
		switch (option) {
		case 'j':
			session->json = true;
			break;
		case 'q':
			session->quiet = true;
			break;
		case 'c':
			arguments->line = optarg;
			break;
		case 'b':
			arguments->script = optarg;
			break;
		case 'f':
			arguments->go_on = true;
			break;
		case 'h':
			arguments->help = true;
			break;
		case 'V':
			arguments->version = true;
			break;
		default:
			cli_error(session, argv[optind - 1], "see --help",
				  option == '?' && optopt && strchr("cb", optopt) ?
					  "a value is missing" :
					  "no such option");
			return -1;
		}
	}
	return optind;
}

static enum cli_status run(struct session *session,
			   const struct arguments *arguments, int argc,
			   char **argv)
{
	if (arguments->help)
		return command_run_line(session, "help");
	if (arguments->version && session->json)
		return command_run_line(session, "system version");
	if (arguments->version) {
		puts("shyper " SHYPER_VERSION);
		return CLI_DONE;
	}
	if ((arguments->line || arguments->script) && argc) {
		cli_error(session, argv[0], "see 'shyper help'",
			  "a command beside -c or -b");
		return CLI_USAGE;
	}
	if (arguments->line)
		return command_run_line(session, arguments->line);
	if (arguments->script)
		return batch_run(session, arguments->script, arguments->go_on);
	if (argc)
		return command_run(session, argc, argv);
	if (isatty(STDIN_FILENO))
		return shell_run(session);
	return batch_run(session, "-", arguments->go_on);
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct session session = { 0 };
	enum cli_status status;
	int first;

	/* A line is one write(): those of several that run at once do not mix. */
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	first = parse(&session, &arguments, argc, argv);
	if (first < 0)
		exit(CLI_USAGE);
	status = run(&session, &arguments, argc - first, argv + first);
	shyper_ctx_destroy(session.ctx);
	if (!output_finish()) {
		cli_error(&session, "standard output", NULL,
			  "not all could be written");
		if (!status)
			status = CLI_FAILED;
	}
	exit(status);
}
