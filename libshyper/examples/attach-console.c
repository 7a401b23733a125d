// SPDX-License-Identifier: LGPL-2.1-or-later
/* A cell's console, until the input's end. usage: attach-console CELL */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <shyper/shyper.h>

int main(int argc, char **argv)
{
	struct pollfd poll_fds[2] = { { .fd = 0, .events = POLLIN }, { .events = POLLIN } };
	struct shyper_console *console;
	struct shyper_cell *cell;
	struct shyper_ctx *ctx;
	char text[4096];
	ssize_t length;
	int err;

	if (argc != 2 || shyper_ctx_create(&ctx))
		return 2;
	err = shyper_cell_open(ctx, argv[1], &cell);
	if (!err)
		err = shyper_console_open(cell, NULL, 0, &console);
	while (err >= 0) {
		poll_fds[1].fd = shyper_console_get_fd(console);
		poll(poll_fds, 2, -1);
		while ((err = shyper_console_read(console, text, sizeof(text))) > 0)
			if (write(1, text, (size_t)err) < 0)
				return 1;
		if (err < 0 || !poll_fds[0].revents)
			continue;
		length = read(0, text, sizeof(text));
		if (length <= 0)
			return 0;
		err = shyper_console_write(console, text, (size_t)length);
	}
	fprintf(stderr, "%s\n", shyper_ctx_get_error(ctx)->text);
	return 1;
}
