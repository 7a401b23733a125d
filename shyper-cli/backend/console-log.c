// SPDX-License-Identifier: GPL-2.0-or-later
/* What consoles have in common beside their clients: configuration and log. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "console.h"
#include "program.h"

#ifndef RUN_DIRECTORY
#define RUN_DIRECTORY	"/run/shyper"
#endif

/* A full disk, or log, must not stop the guest. */
static void log_failed(struct console *console)
{
	if (errno != EFBIG) {
		say(SAY_WARNING, "log: %s; it ends here", strerror(errno));
		close(console->log);
		console->log = -1;
	} else if (!console->log_is_full) {
		say(SAY_WARNING, "log: it has %d MiB; nothing is added until it is emptied",
		    LOG_MAX >> 20);
		console->log_is_full = true;
	}
}

void console_print(struct console *console, const char *text, size_t length)
{
	console_output(console, text, length);
	if (console->log < 0)
		return;
	if (write(console->log, text, length) < 0)
		log_failed(console);
	else
		console->log_is_full = false;
}

/*
 * The kernel keeps the limit, also for what has opened the file anew: a guest
 * that prints for ever fills no file system of root's.
 */
static int limit_log(void)
{
	const struct rlimit size = { LOG_MAX, LOG_MAX };

	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &size)) {
		say(SAY_ERROR, "log: its size cannot be limited: %s", strerror(errno));
		return SHYPER_EXIT_RESTART;
	}
	return 0;
}

static int open_log(struct console *console, const json_t *config)
{
	const char *log = NULL;

	console->log = -1;
	if (config_string(config, "log", &log))
		return SHYPER_EXIT_CONFIG;
	if (!log)
		return 0;
	console->log = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
			    0640);
	if (console->log >= 0)
		return limit_log();
	say(SAY_ERROR, "log %s: %s", log, strerror(errno));
	return SHYPER_EXIT_CONFIG;
}

int console_setup(struct console *console, struct shyper_backend *backend,
		  const json_t *config)
{
	int err;

	console->backend = backend;
	err = open_log(console, config);
	if (err)
		return err;
	/* First, for who connects tells his size at once. */
	if (console->resized)
		err = console_listen_sizes(console, RUN_DIRECTORY);
	if (!err)
		err = console_listen(console, RUN_DIRECTORY);
	if (!err)
		return 0;
	say(SAY_ERROR, RUN_DIRECTORY "/%s%s%s.sock: %s", shyper_backend_get_name(backend),
	    console->port ? "." : "", console->port ? console->port : "", strerror(-err));
	return SHYPER_EXIT_RESTART;
}
