// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: poll-file FILE WORD
 *
 * Prints what FILE, an attribute of sysfs, holds, and again whenever poll() says
 * that it has changed, until it is WORD. Status 1: nothing changed for 20 s.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct pollfd file = { .events = POLLPRI | POLLERR };
	char text[64];
	ssize_t length;

	if (argc != 3)
		return 2;
	file.fd = open(argv[1], O_RDONLY);
	setlinebuf(stdout);
	for (;;) {
		length = pread(file.fd, text, sizeof(text) - 1, 0);
		if (length <= 0)
			return 1;
		text[length] = '\0';
		text[strcspn(text, "\n")] = '\0';
		puts(text);
		if (!strcmp(text, argv[2]))
			return 0;
		if (poll(&file, 1, 20000) != 1)
			return 1;
	}
}
