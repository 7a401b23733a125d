/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the long-running processes (monitors, backends) and those who start them
 * (systemd's units, the daemon) agree on.
 */
#ifndef SHYPER_CLI_SERVICE_H
#define SHYPER_CLI_SERVICE_H

/* Tests have folders of their own. */
#ifndef SERVICE_FOLDER
#define SERVICE_FOLDER		"/usr/libexec/shyper"
#endif
#ifndef SERVICE_RUN_FOLDER
#define SERVICE_RUN_FOLDER	"/run/shyper"
#endif

/*
 * Environment: file to be read in place of the device's configuration in sysfs;
 * the daemon sets it for devices that mediated-cfg.json overrides.
 */
#define SERVICE_CONFIG_VARIABLE	"SHYPER_DEVICE_CONFIG"

/*
 * Exit status of monitors and, as SHYPER_EXIT_*, of backends. After
 * MISCONFIGURED it makes no sense to start the same again
 * (RestartPreventExitStatus= of the units).
 */
enum service_status {
	SERVICE_ENDED = 0,		/* its cell or device has gone, or SIGTERM */
	SERVICE_FAILED = 1,		/* to be started again */
	SERVICE_MISCONFIGURED = 2,	/* wrong command line or configuration */
	SERVICE_SERVED = 3,		/* another process has this role: EBUSY */
};

/* sd_notify(3): tells who waits at NOTIFY_SOCKET, if anybody, that all is ready. */
void service_ready(void);
/* The same before an end that is no failure: see notify_ready_and_wait(). */
void service_ready_and_wait(void);

/*
 * One line on stderr: "SUBJECT: text", with the level's prefix (sd-daemon(3))
 * where stderr is the journal's.
 */
__attribute__((format(printf, 3, 4)))
void service_log(int level, const char *subject, const char *format, ...);

/* Makes SERVICE_RUN_FOLDER where no unit has: 0 or -errno. */
int service_make_folder(void);
/* Removes from there what is called @sysname and @ending, a pattern of glob(3). */
void service_remove_files(const char *sysname, const char *ending);

#endif /* SHYPER_CLI_SERVICE_H */
