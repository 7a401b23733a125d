// SPDX-License-Identifier: GPL-2.0-or-later
/* What monitors, backends and the daemon share: readiness, log lines. */
#include "service.h"

#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <virtio/notify.h>

void service_ready(void)
{
	struct notify notify;

	notify_open(&notify);
	notify_ready(&notify);
}

void service_ready_and_wait(void)
{
	struct notify notify;

	notify_open(&notify);
	notify_ready_and_wait(&notify);
}

void service_log(int level, const char *subject, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s: %s\n", level, subject, text);
	else
		fprintf(stderr, "%s: %s\n", subject, text);
}

int service_make_folder(void)
{
	return mkdir(SERVICE_RUN_FOLDER, 0755) && errno != EEXIST ? -errno : 0;
}

void service_remove_files(const char *sysname, const char *ending)
{
	char pattern[128];
	glob_t found;
	size_t n;

	snprintf(pattern, sizeof(pattern), SERVICE_RUN_FOLDER "/%s%s", sysname, ending);
	if (glob(pattern, 0, NULL, &found))
		return;
	for (n = 0; n < found.gl_pathc; n++)
		unlink(found.gl_pathv[n]);
	globfree(&found);
}
