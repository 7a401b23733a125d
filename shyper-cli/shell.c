// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The prompt: a line editor with history and completion around the same
 * commands as everywhere. The only file that knows readline.
 *
 * While a line is edited the terminal is readline's and SIGINT clears the line;
 * while a command runs the terminal is as it was found, and SIGINT interrupts
 * what the command waits for, not the shell.
 */
#include "shell.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "context.h"
#include "tokens.h"

#define PROMPT		"shyper> "
#define HISTORY_LINES	1000

static struct session *the_session;	/* readline's callbacks take no argument */
static struct shyper_events *events;	/* NULL: nothing is told */
static char *entered;
static bool has_entered;
static volatile sig_atomic_t interrupted;

struct matches {
	char **words;
	size_t count;
};

static void add_match(void *data, const char *word)
{
	struct matches *m = data;
	char **words = realloc(m->words, (m->count + 2) * sizeof(*words));

	if (!words)
		return;
	m->words = words;
	words[m->count] = strdup(word);
	if (words[m->count])
		m->count++;
	words[m->count] = NULL;
}

/* Words of the last command of the line that stand before the cursor's word. */
static struct matches find_matches(const char *text, int start)
{
	struct matches m = { 0 };
	struct tokens tokens = { 0 };
	const char *reason, *rest;
	char *before = strndup(rl_line_buffer, (size_t)start);

	if (!before)
		return m;
	for (rest = before; rest;) {
		tokens_release(&tokens);
		if (tokens_next(&rest, &tokens, &reason)) {
			free(before);
			return m;
		}
	}
	/* Then readline quotes them, and sets a slash behind a folder. */
	rl_filename_completion_desired =
		command_complete(the_session, tokens.argc, tokens.argv, text,
				 add_match, &m);
	tokens_release(&tokens);
	free(before);
	return m;
}

/* readline asks for one match after the other; it frees them. */
static char *next_match(const char *text, int state)
{
	static struct matches m;
	static size_t next;

	if (!state) {
		m = find_matches(text, rl_point - (int)strlen(text));
		next = 0;
	}
	if (next < m.count)
		return m.words[next++];
	free(m.words);
	m = (struct matches){ 0 };
	next = 0;
	return NULL;
}

/* Readline itself offers nothing: where a cell is wanted a file is no help. */
static char **complete(const char *text, int start, int end)
{
	(void)start;
	(void)end;
	rl_attempted_completion_over = 1;
	return rl_completion_matches(text, next_match);
}

static void on_line(char *line)
{
	entered = line;
	has_entered = true;
	/* The command that follows gets the terminal as it was. */
	rl_callback_handler_remove();
}

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void clear_line(void)
{
	interrupted = 0;
	rl_callback_sigcleanup();
	rl_free_line_state();
	rl_replace_line("", 1);
	rl_crlf();
	rl_on_new_line();
	rl_redisplay();
}

static bool is_failure(const struct shyper_event *event)
{
	return event->type == SHYPER_EVENT_CELL_CHANGED &&
	       event->state == SHYPER_CELL_FAILED;
}

static void tell_failure(const struct shyper_event *event)
{
	rl_clear_visible_line();
	printf("%s %s: failed (%s); see 'cell show %s'\n", event->sysname,
	       event->name, event->reason, event->sysname);
	fflush(stdout);
	rl_forced_update_display();
}

/* Above the prompt; the line that is being edited stands below as it was. */
static void tell_events(void)
{
	struct shyper_event event;
	int ret;

	while ((ret = shyper_events_read(events, &event)) > 0) {
		if (is_failure(&event))
			tell_failure(&event);
	}
	if (ret >= 0)
		return;
	shyper_events_close(events);
	events = NULL;
}

/* SIGINT is let in only while it waits, so that none is missed before. */
static void edit_line(const sigset_t *mask)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};

	rl_callback_handler_install(PROMPT, on_line);
	if (events)
		tell_events();
	while (!has_entered) {
		int ready;

		fds[1].fd = events ? shyper_events_get_fd(events) : -1;
		ready = ppoll(fds, 2, NULL, mask);
		if (interrupted)
			clear_line();
		else if (ready < 0 && errno != EINTR)
			on_line(NULL);
		else if (ready > 0 && fds[1].revents)
			tell_events();
		else if (ready > 0)
			rl_callback_read_char();
	}
}

/* Waits for a line: NULL at the end of the input. To be freed. */
static char *read_line(void)
{
	sigset_t block, mask;

	has_entered = false;
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, &mask);
	edit_line(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return entered;
}

/* ~/.local/state/shyper/history, by the XDG rules; "": no history. */
static void history_path(char *path, size_t size)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	size_t length;

	path[0] = '\0';
	if (state && state[0] == '/')
		snprintf(path, size, "%s/shyper/history", state);
	else if (home && home[0] == '/')
		snprintf(path, size, "%s/.local/state/shyper/history", home);
	length = strlen(path);
	for (size_t i = 1; i < length; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		if (mkdir(path, 0700) && errno != EEXIST) {
			path[0] = '\0';
			return;
		}
		path[i] = '/';
	}
}

static void remember(const char *line)
{
	const HIST_ENTRY *last = history_get(history_base + history_length - 1);

	if (line[strspn(line, " \t")] && (!last || strcmp(last->line, line)))
		add_history(line);
}

static void set_up(struct session *session, const char *history)
{
	the_session = session;
	session->interactive = true;
	rl_readline_name = "shyper";
	rl_catch_signals = 0;
	rl_attempted_completion_function = complete;
	rl_completer_word_break_characters = (char *)" \t\n;\"'";
	rl_completer_quote_characters = "\"'";
	rl_filename_quote_characters = " \t\n;\"'\\#";
	/* Its escape sequences confuse serial terminals and those who watch them. */
	rl_variable_bind("enable-bracketed-paste", "off");
	if (history[0])
		read_history(history);
	stifle_history(HISTORY_LINES);
	/* Without events the shell is as good but for what it tells by itself. */
	if (!session->ctx && shyper_ctx_create(&session->ctx))
		return;
	if (shyper_events_open(session->ctx, &events))
		events = NULL;
}

enum cli_status shell_run(struct session *session)
{
	struct sigaction action = { .sa_handler = on_interrupt }, saved;
	char history[4096];
	char *line;

	history_path(history, sizeof(history));
	set_up(session, history);
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, &saved);
	while (!session->ended && (line = read_line())) {
		remember(line);
		interrupted = 0;
		command_run_line(session, line);
		fflush(stdout);
		interrupted = 0;
		free(line);
	}
	if (!session->ended)
		putchar('\n');
	sigaction(SIGINT, &saved, NULL);
	shyper_events_close(events);
	events = NULL;
	if (history[0] && !write_history(history))
		chmod(history, 0600);
	session->interactive = false;
	return CLI_DONE;
}
