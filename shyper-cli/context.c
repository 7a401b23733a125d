// SPDX-License-Identifier: GPL-2.0-or-later
/* How handlers reach the library, and how its failures become an exit status. */
#include "context.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t interrupted;
static struct sigaction old_action;
static sigset_t old_mask;

struct shyper_ctx *context_get(const struct invocation *invocation)
{
	struct session *session = invocation->session;

	if (!session->ctx && shyper_ctx_create(&session->ctx))
		cli_error(session, invocation->command->words, NULL,
			  "out of memory");
	return session->ctx;
}

enum cli_status context_probe(const struct invocation *invocation,
			      struct shyper_ctx **ret_ctx)
{
	struct shyper_ctx *ctx = context_get(invocation);
	int err;

	if (!ctx)
		return CLI_FAILED;
	err = shyper_ctx_probe(ctx);
	if (err)
		return context_fail(invocation, invocation->command->words, err);
	*ret_ctx = ctx;
	return CLI_DONE;
}

static enum cli_status status_of(int err)
{
	switch (err) {
	case -ENOENT:
		return CLI_NOT_FOUND;
	case -ENODEV:
		return CLI_NO_HYPERVISOR;
	case -ETIMEDOUT:
		return CLI_TIMEOUT;
	case -EPERM:
	case -EACCES:
		return CLI_PERMISSION;
	default:
		return CLI_FAILED;
	}
}

enum cli_status context_fail(const struct invocation *invocation,
			     const char *subject, int err)
{
	const struct shyper_error *error =
		shyper_ctx_get_error(invocation->session->ctx);
	const char *hint = error->hint[0] ? error->hint : NULL;

	if (error->subject[0])
		subject = error->subject;
	if (!error->text[0])
		cli_error(invocation->session, subject, hint, "%s",
			  strerror(-err));
	else if (error->location[0])
		cli_error(invocation->session, subject, hint, "%s: %s",
			  error->location, error->text);
	else
		cli_error(invocation->session, subject, hint, "%s",
			  error->text);
	return status_of(err);
}

enum cli_status context_report_findings(const struct invocation *invocation,
					const struct shyper_config *config)
{
	const struct shyper_finding *f;

	for (size_t i = 0; (f = shyper_config_get_finding(config, i)); i++)
		cli_error(invocation->session, shyper_config_get_path(config),
			  NULL, "%s: %s%s", f->path,
			  f->severity == SHYPER_SEVERITY_WARNING ?
				  "warning: " : "", f->text);
	return shyper_config_is_valid(config) ? CLI_DONE : CLI_FAILED;
}

enum cli_status context_open_cell(const struct invocation *invocation,
				  struct shyper_cell **ret_cell)
{
	const char *name = invocation->argv[0];
	enum cli_status status;
	struct shyper_ctx *ctx;
	int err;

	status = context_probe(invocation, &ctx);
	if (status)
		return status;
	err = shyper_cell_open(ctx, name, ret_cell);
	return err ? context_fail(invocation, name, err) : CLI_DONE;
}

enum cli_status context_open_device(const struct invocation *invocation,
				    struct shyper_device **ret_device)
{
	const char *name = invocation->argv[0];
	const char *dot = strrchr(name, '.');
	struct shyper_cell *cell;
	enum cli_status status;
	struct shyper_ctx *ctx;
	char text[128];
	int err;

	status = context_probe(invocation, &ctx);
	if (status)
		return status;
	if (!dot) {
		cli_error(invocation->session, name, "see 'shyper device list'",
			  "a device is named CELL.DEVICE");
		return CLI_USAGE;
	}
	snprintf(text, sizeof(text), "%.*s", (int)(dot - name), name);
	err = shyper_cell_open(ctx, text, &cell);
	if (err)
		return context_fail(invocation, name, err);
	snprintf(text, sizeof(text), "%s%s", shyper_cell_get_sysname(cell),
		 dot);
	shyper_cell_close(cell);
	err = shyper_device_open(ctx, text, ret_device);
	return err ? context_fail(invocation, name, err) : CLI_DONE;
}

enum cli_status context_open_target(const struct invocation *invocation,
				    struct shyper_cell **ret_cell,
				    struct shyper_device **ret_device)
{
	*ret_cell = NULL;
	*ret_device = NULL;
	/* Names of cells have no dots. */
	return strchr(invocation->argv[0], '.') ?
		       context_open_device(invocation, ret_device) :
		       context_open_cell(invocation, ret_cell);
}

int64_t context_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool context_wait(int fd, int64_t ms)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	struct timespec timeout = { .tv_sec = ms / 1000,
				    .tv_nsec = ms % 1000 * 1000000 };

	/* SIGINT is let in only here, so none is missed before the wait. */
	return ppoll(&input, 1, ms < 0 ? NULL : &timeout, &old_mask) > 0;
}

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

void context_catch_interrupt(void)
{
	/* Without SA_RESTART: what waits is to return. */
	struct sigaction action = { .sa_handler = on_interrupt };
	sigset_t block;

	interrupted = 0;
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, &old_action);
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, &old_mask);
}

void context_release_interrupt(void)
{
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
	sigaction(SIGINT, &old_action, NULL);
}

bool context_is_interrupted(void)
{
	return interrupted;
}
