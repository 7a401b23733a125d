/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Consoles of cells. Many programs can read one at a time; one of them writes,
 * the first that came, and after its end the oldest of the others. What the
 * guest printed before comes first, as far as the console's backend has kept it
 * (256 KiB).
 *
 * Lines "[shyper: ...]" in what is read are the backend's: that this reader
 * does not write, that it begins to, that it was too slow and lost something.
 */
#ifndef SHYPER_CONSOLE_H
#define SHYPER_CONSOLE_H

#include <stddef.h>

#include <shyper/cell.h>
#include <shyper/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shyper_console;

/**
 * shyper_console_open - connect to a console
 * @device: its name ("con0"), or that of a port of it ("con0.agent"); NULL: the
 *	cell's first console
 * @timeout_ms: that its backend has to begin; 0: 30 s
 * @ret_console: freed by shyper_console_close(); independent of @cell
 *
 * -ENOENT: the cell has no such device, or none that is a console, or has gone;
 * -EINVAL: the device is no console; -EPERM; -ETIMEDOUT: it has no backend.
 */
SHYPER_API int shyper_console_open(struct shyper_cell *cell, const char *device,
				   unsigned int timeout_ms,
				   struct shyper_console **ret_console);
SHYPER_API void shyper_console_close(struct shyper_console *console);

/* Whose it is: "cell1.con0", or of a port "cell1.con0.agent". */
SHYPER_API const char *shyper_console_get_name(const struct shyper_console *console);

/*
 * For poll(): POLLIN: shyper_console_read() has something; POLLOUT:
 * shyper_console_write() takes something.
 */
SHYPER_API int shyper_console_get_fd(const struct shyper_console *console);

/*
 * Puts up to @size bytes in @buffer and returns their number; 0: nothing for
 * now. -ENODEV: the backend has ended; the console can be opened again if the
 * cell is still there. Never blocks.
 */
SHYPER_API int shyper_console_read(struct shyper_console *console, char *buffer,
				   size_t size);

/*
 * Takes up to @size bytes for the guest and returns their number; 0: no more
 * for now, since the guest does not read. What a reader sends that does not
 * write is dropped. Errors as above. Never blocks.
 */
SHYPER_API int shyper_console_write(struct shyper_console *console,
				    const char *data, size_t size);

/*
 * The guest's terminal is to have this size, in characters, while this program
 * is the one that writes; 0: not known. -EOPNOTSUPP: this console has no size;
 * -EAGAIN: its backend has not yet taken the sizes before. Never blocks.
 */
SHYPER_API int shyper_console_set_size(struct shyper_console *console,
				       unsigned short rows, unsigned short columns);

#ifdef __cplusplus
}
#endif

#endif /* SHYPER_CONSOLE_H */
