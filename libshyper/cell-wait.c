// SPDX-License-Identifier: LGPL-2.1-or-later
/* Waiting for a state of a cell. */
#include "cell-internal.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

/* A file of sysfs wakes who polls it when it changes, but not when it goes. */
#define LOOK_MS	500

/*
 * The file is read before the state is looked at: from there on each change
 * wakes the poll.
 */
static int look(struct shyper_cell *cell, int fd)
{
	char word[32];
	ssize_t got = pread(fd, word, sizeof(word), 0);
	int err = got < 0 ? -errno : 0, gone = cell_refresh(cell);

	/* Another one may have its number and name. */
	return err && !gone ? cell_explain(cell, err) : gone;
}

static int explain_timeout(struct shyper_cell *cell, unsigned int timeout_ms)
{
	char subject[64];

	return error_set(cell->ctx, -ETIMEDOUT,
			 cell_subject(cell->name, subject, sizeof(subject)), NULL,
			 "is still \"%s\" after %u ms",
			 shyper_cell_state_name(cell->state), timeout_ms);
}

static int wait_at(struct shyper_cell *cell, int fd, unsigned int states,
		   unsigned int timeout_ms)
{
	uint64_t now, deadline = timeout_ms == SHYPER_FOREVER ?
				 UINT64_MAX : now_ms() + timeout_ms;
	struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };
	int err;

	for (;;) {
		err = look(cell, fd);
		if (err || states & 1U << cell->state)
			return err;
		now = now_ms();
		if (now >= deadline)
			return explain_timeout(cell, timeout_ms);
		if (deadline - now > LOOK_MS)
			now = deadline - LOOK_MS;
		if (poll(&poll_fd, 1, (int)(deadline - now)) < 0)
			return error_set(cell->ctx, -errno, cell->name, NULL, "%s",
					 strerror(errno));
	}
}

int shyper_cell_wait(struct shyper_cell *cell, unsigned int states,
		     unsigned int timeout_ms)
{
	int fd, err;

	ctx_begin(cell->ctx);
	fd = sysfs_open(cell->ctx, cell->sysname, "state");
	if (fd < 0)
		return cell_explain(cell, fd);
	err = wait_at(cell, fd, states,
		      timeout_ms ? timeout_ms : DEFAULT_TIMEOUT_MS);
	close(fd);
	return err;
}
