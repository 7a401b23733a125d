// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper system daemon: what udev's rules and systemd's units do, in one
 * process, for systems that have neither.
 *
 * Each cell has a monitor and each device a backend: the same programs with the
 * same argument as in the units, and the same rules for what follows their end:
 *
 *   exit status         then
 *   0                   nothing: its cell or device goes
 *   misconfigured       nothing until the device changes
 *   served              another process has the role: asked again when an event
 *                       tells that something changed there, and now and then
 *   anything else       started again after 100 ms, without limit
 *
 * All state is the list of services; it follows events and SIGCHLD only, both in
 * one loop, so there is no lock.
 */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "mediated.h"
#include "service.h"

#define RESTART_MS	100
#define RETRY_CHANGED_MS	1000
#define RETRY_SERVED_MS	10000
/* A process whose device has gone has this long to end, then after SIGTERM. */
#define GONE_MS		2000
#define TERM_MS		2000

/**
 * struct service - one monitor or backend
 * @pid: 0: not running
 * @present: its cell or device exists
 * @again: it came again before the old process ended
 * @served: another process serves it
 * @start_ms: when to start it, 0: not
 * @kill_ms: when to send @kill_signal, 0: not
 * @config: file that overrides its configuration, or empty
 */
struct service {
	struct service *next;
	char sysname[64];
	char program[96];
	pid_t pid;
	bool present;
	bool again;
	bool served;
	int64_t start_ms;
	int64_t kill_ms;
	int kill_signal;
	char config[128];
};

static const int signals[] = { SIGCHLD, SIGTERM, SIGINT };

#define NR_SIGNALS	(sizeof(signals) / sizeof(signals[0]))

struct supervisor {
	struct shyper_ctx *ctx;
	const struct mediated *mediated;
	struct service *services;
	sigset_t mask;		/* of the time before signals were blocked */
	struct sigaction actions[NR_SIGNALS];
};

static volatile sig_atomic_t terminated;

static void on_signal(int signal)
{
	/* SIGCHLD only ends ppoll(). */
	if (signal != SIGCHLD)
		terminated = 1;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct service *find_service(const struct supervisor *s,
				    const char *sysname)
{
	struct service *service = s->services;

	while (service && strcmp(service->sysname, sysname))
		service = service->next;
	return service;
}

static void child(const struct supervisor *s, const struct service *service)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Out of reach of the terminal's ^C: the daemon ends its children. */
	setpgid(0, 0);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
	unsetenv("NOTIFY_SOCKET");
	if (service->config[0])
		setenv(SERVICE_CONFIG_VARIABLE, service->config, 1);
	execl(service->program, service->program, service->sysname,
	      (char *)NULL);
	service_log(LOG_ERR, service->sysname, "%s: %s", service->program,
		    strerror(errno));
	_exit(SERVICE_MISCONFIGURED);
}

static void start_service(const struct supervisor *s, struct service *service)
{
	pid_t pid;

	service->start_ms = 0;
	service->again = false;
	pid = fork();
	if (!pid)
		child(s, service);
	if (pid < 0) {
		service_log(LOG_ERR, service->sysname, "fork: %s",
			    strerror(errno));
		service->start_ms = now_ms() + RESTART_MS;
		return;
	}
	service->pid = pid;
	if (!service->served)
		service_log(LOG_INFO, service->sysname, "%s started, pid %d",
			    service->program, (int)pid);
	service->served = false;
}

static void forget_service(struct supervisor *s, struct service *service)
{
	struct service **link = &s->services;

	while (*link != service)
		link = &(*link)->next;
	*link = service->next;
	if (service->config[0])
		unlink(service->config);
	free(service);
}

/* Name of the cell that "cell1" or "cell1.blk0" belongs to. */
static bool cell_name(const struct supervisor *s, const char *sysname,
		      char *name, size_t size)
{
	struct shyper_cell *cell;
	char cell_sysname[64];

	snprintf(cell_sysname, sizeof(cell_sysname), "%.*s",
		 (int)strcspn(sysname, "."), sysname);
	if (shyper_cell_open(s->ctx, cell_sysname, &cell))
		return false;
	snprintf(name, size, "%s", shyper_cell_get_name(cell));
	shyper_cell_close(cell);
	return true;
}

/*
 * Puts the device's configuration with the entry's changes into a file. False:
 * it cannot; without the changes it would be served by another disk, say.
 */
static bool write_override(const struct supervisor *s, struct service *service,
			   const char *cell, const char *device)
{
	struct shyper_device *opened;
	json_t *config = NULL;
	bool done = false;
	char *text;
	mode_t mask;

	if (shyper_device_open(s->ctx, service->sysname, &opened))
		return false;
	if (shyper_device_read_config(opened, &text) >= 0) {
		config = json_loads(text, 0, NULL);
		free(text);
	}
	shyper_device_close(opened);
	if (config && mediated_override(s->mediated, cell, device, config)) {
		snprintf(service->config, sizeof(service->config),
			 SERVICE_RUN_FOLDER "/%s.json", service->sysname);
		mask = umask(0077);
		done = !json_dump_file(config, service->config, JSON_COMPACT);
		umask(mask);
		if (!done)
			service_log(LOG_ERR, service->sysname,
				    "%s: %s; not served", service->config,
				    strerror(errno));
	} else {
		done = config;
	}
	json_decref(config);
	return done;
}

static bool is_wanted(const struct supervisor *s,
		      const struct shyper_event *event, bool is_cell,
		      char *cell, size_t size)
{
	const char *device = strchr(event->sysname, '.');

	if (!s->mediated)
		return true;
	if (!cell_name(s, event->sysname, cell, size))
		return false;
	return is_cell ? mediated_has_cell(s->mediated, cell) :
			 device && mediated_has_device(s->mediated, cell,
						       device + 1);
}

/* What the service of a cell or device is; false: it is to have none. */
static bool describe_service(struct supervisor *s, struct service *service,
			     const struct shyper_event *event, bool is_cell)
{
	const char *type = is_cell ? "cell" : event->device_type;
	char cell[64];

	if (service->config[0])
		unlink(service->config);
	service->config[0] = '\0';
	snprintf(service->program, sizeof(service->program),
		 SERVICE_FOLDER "/shyper-%s", type);
	/* An early console, say, is served by EL2 alone. */
	if (!is_wanted(s, event, is_cell, cell, sizeof(cell)) ||
	    strchr(type, '/') || access(service->program, X_OK))
		return false;
	return !s->mediated || is_cell ||
	       write_override(s, service, cell, strchr(event->sysname, '.') + 1);
}

/*
 * What comes may have the name of what has just gone, whose process is still to
 * end; it has that in common with it, and nothing else.
 */
static void add_service(struct supervisor *s, const struct shyper_event *event,
			bool is_cell)
{
	struct service *service = find_service(s, event->sysname);

	if (!service) {
		service = calloc(1, sizeof(*service));
		if (!service)
			return;
		snprintf(service->sysname, sizeof(service->sysname), "%s",
			 event->sysname);
		service->next = s->services;
		s->services = service;
	}
	service->present = describe_service(s, service, event, is_cell);
	service->again = service->present && service->pid;
	if (service->pid)
		return;
	if (service->present)
		service->start_ms = now_ms();
	else
		forget_service(s, service);
}

/* It was jailed, and cannot. What begins like a monitor's is of its devices. */
static void remove_sockets(const struct service *service)
{
	service_remove_files(service->sysname,
			     strchr(service->sysname, '.') ? "[.@]*sock" : ".sock");
}

static void remove_service(struct supervisor *s, const char *sysname)
{
	struct service *service = find_service(s, sysname);

	if (!service)
		return;
	service->present = false;
	service->start_ms = 0;
	if (!service->pid) {
		/* Somebody else's process has served it, say an earlier daemon's. */
		remove_sockets(service);
		forget_service(s, service);
		return;
	}
	service->kill_signal = SIGTERM;
	service->kill_ms = now_ms() + GONE_MS;
}

static void change_service(struct supervisor *s, const char *sysname)
{
	struct service *service = find_service(s, sysname);

	/* The other one may have left. It gets the time to come back. */
	if (service && service->served && !service->pid)
		service->start_ms = now_ms() + RETRY_CHANGED_MS;
}

static void handle_event(struct supervisor *s, const struct shyper_event *event)
{
	/* Root has neither images nor a restart policy. */
	if (!strcmp(event->sysname, "cell0"))
		return;
	switch (event->type) {
	case SHYPER_EVENT_CELL_ADDED:
		add_service(s, event, true);
		break;
	case SHYPER_EVENT_DEVICE_ADDED:
		add_service(s, event, false);
		break;
	case SHYPER_EVENT_CELL_REMOVED:
		/* The module goes, not the cell, whose memory the monitor holds. */
		if (strcmp(event->reason, "module"))
			remove_service(s, event->sysname);
		break;
	case SHYPER_EVENT_DEVICE_REMOVED:
		remove_service(s, event->sysname);
		break;
	case SHYPER_EVENT_CELL_CHANGED:
	case SHYPER_EVENT_DEVICE_CHANGED:
		change_service(s, event->sysname);
		break;
	}
}

static void handle_exit(struct supervisor *s, struct service *service,
			int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	service->pid = 0;
	service->kill_ms = 0;
	if (code != SERVICE_SERVED)
		remove_sockets(service);
	if (!service->present) {
		forget_service(s, service);
		return;
	}
	if (service->again) {
		service->start_ms = now_ms();
	} else if (code == SERVICE_SERVED) {
		service->served = true;
		service->start_ms = now_ms() + RETRY_SERVED_MS;
	} else if (code == SERVICE_MISCONFIGURED) {
		service_log(LOG_ERR, service->sysname,
			    "misconfigured, not started again");
	} else if (code != SERVICE_ENDED) {
		service_log(LOG_WARNING, service->sysname,
			    WIFSIGNALED(status) ?
				    "killed by signal %d, starts again" :
				    "ended with %d, starts again",
			    WIFSIGNALED(status) ? WTERMSIG(status) : code);
		service->start_ms = now_ms() + RESTART_MS;
	}
}

static void reap(struct supervisor *s)
{
	struct service *service;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (service = s->services; service; service = service->next) {
			if (service->pid == pid) {
				handle_exit(s, service, status);
				break;
			}
		}
	}
}

/* Does what is due; returns how long nothing will be, -1: for ever. */
static int64_t run_timers(struct supervisor *s)
{
	int64_t now = now_ms(), next = INT64_MAX;

	for (struct service *service = s->services; service;
	     service = service->next) {
		if (service->start_ms && service->start_ms <= now)
			start_service(s, service);
		if (service->kill_ms && service->kill_ms <= now) {
			kill(service->pid, service->kill_signal);
			service->kill_signal = SIGKILL;
			service->kill_ms = now + TERM_MS;
		}
		if (service->start_ms && service->start_ms < next)
			next = service->start_ms;
		if (service->kill_ms && service->kill_ms < next)
			next = service->kill_ms;
	}
	return next == INT64_MAX ? -1 : next - now;
}

static void wait_for(struct supervisor *s, struct pollfd *fds, nfds_t count,
		     int64_t wait)
{
	struct timespec timeout = { .tv_sec = wait / 1000,
				    .tv_nsec = wait % 1000 * 1000000 };

	ppoll(fds, count, wait < 0 ? NULL : &timeout, &s->mask);
}

static int serve(struct supervisor *s, struct shyper_events *events)
{
	struct pollfd input = { .fd = shyper_events_get_fd(events),
				.events = POLLIN };
	struct shyper_event event;
	int ret = 0;

	while (!terminated && ret >= 0) {
		while ((ret = shyper_events_read(events, &event)) > 0)
			handle_event(s, &event);
		reap(s);
		if (ret >= 0)
			wait_for(s, &input, 1, run_timers(s));
	}
	return ret < 0 ? ret : 0;
}

static bool any_running(const struct supervisor *s)
{
	const struct service *service = s->services;

	while (service && !service->pid)
		service = service->next;
	return service;
}

/* SIGTERM to all, SIGKILL to those who do not mind it. */
static void stop_all(struct supervisor *s)
{
	struct service *service;

	for (service = s->services; service; service = service->next) {
		service->present = false;
		service->start_ms = 0;
		service->kill_signal = SIGTERM;
		service->kill_ms = service->pid ? now_ms() : 0;
	}
	for (;;) {
		int64_t wait = run_timers(s);

		reap(s);
		if (!any_running(s))
			break;
		wait_for(s, NULL, 0, wait);
	}
	while (s->services)
		forget_service(s, s->services);
}

static void catch_signals(struct supervisor *s)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t block;

	terminated = 0;
	sigemptyset(&action.sa_mask);
	sigemptyset(&block);
	for (size_t i = 0; i < NR_SIGNALS; i++) {
		sigaddset(&block, signals[i]);
		sigaction(signals[i], &action, &s->actions[i]);
	}
	sigprocmask(SIG_BLOCK, &block, &s->mask);
}

static void release_signals(const struct supervisor *s)
{
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
	for (size_t i = 0; i < NR_SIGNALS; i++)
		sigaction(signals[i], &s->actions[i], NULL);
}

int supervise_run(struct shyper_ctx *ctx, const struct mediated *mediated)
{
	struct supervisor s = { .ctx = ctx, .mediated = mediated };
	struct shyper_events *events;
	int err;

	err = service_make_folder();
	if (err)
		service_log(LOG_WARNING, "daemon", SERVICE_RUN_FOLDER ": %s",
			    strerror(-err));
	err = shyper_events_open(ctx, &events);
	if (err)
		return err;
	catch_signals(&s);
	service_ready();
	err = serve(&s, events);
	stop_all(&s);
	shyper_events_close(events);
	release_signals(&s);
	return err;
}
