/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device that is a console: shyper-console and shyper-pl011.
 *
 *	console.c		a virtio console: buffers from and to the guest
 *	console-control.c	its ports, as driver and device tell each other of them
 *	pl011.c			a UART: registers; pl011-model.c is what they mean
 *	console-log.c		configuration, and the file that keeps the output
 *	console-clients.c	the socket: scroll-back, readers, the one writer
 *	console-size.c		sizes of the clients' terminals
 */
#ifndef BACKEND_CONSOLE_H
#define BACKEND_CONSOLE_H

#include <jansson.h>
#include <sys/ioctl.h>
#include <sys/types.h>

#include <shyper/virtio/backend.h>

#define SCROLLBACK_SIZE	(256 * 1024)	/* power of two */
#define INPUT_SIZE	4096
#ifndef LOG_MAX
#define LOG_MAX		(64 << 20)
#endif
#define MAX_CLIENTS	16

struct console;

/**
 * struct client - a connection
 * @console: it belongs to
 * @watch: its socket, fd -1: free
 * @number: counts connections
 * @position: next byte of the scroll-back that it gets
 * @notice: @notice_length bytes of ours, that it gets before that
 * @eof: it sends no more: it is closed once it has all
 * @deaf: it takes no more; what it has sent is still read
 * @unwatched: it has gone, while what it has sent cannot be read yet
 * @pid: the process that connected
 * @size: of its terminal; zeroes: not told
 */
struct client {
	struct console *console;
	struct shyper_watch watch;
	uint64_t number;
	uint64_t position;
	char notice[96];
	unsigned int notice_length;
	bool eof;
	bool deaf;
	bool unwatched;
	pid_t pid;
	struct winsize size;
};

/**
 * struct console
 * @port: its name, if it is a port beside the console of its device, or NULL
 * @scrollback: what the guest has written last; byte n at n % SCROLLBACK_SIZE
 * @written: bytes that the guest has written
 * @input: @input_length bytes that the guest has no buffer for yet
 * @writer: the client whose bytes go to the guest, or NULL
 * @log: file that the guest's output is appended to, up to LOG_MAX bytes, or -1
 * @log_is_full: it has been said
 * @input_comes: there is more of @input for the guest
 * @input_room: bytes that may be taken from the writer now; NULL: as @input has room
 * @resized: the writer's terminal has this size; NULL: nobody wants to know
 */
struct console {
	struct shyper_backend *backend;
	const char *port;
	void (*input_comes)(struct console *console);
	unsigned int (*input_room)(const struct console *console);
	void (*resized)(struct console *console, const struct winsize *size);
	struct shyper_watch listener;
	struct shyper_watch sizes;
	struct client clients[MAX_CLIENTS];
	struct client *writer;
	uint64_t connections;
	uint64_t written;
	unsigned int input_length;
	int log;
	bool log_is_full;
	char input[INPUT_SIZE];
	char scrollback[SCROLLBACK_SIZE];
};

/*
 * Opens what a console's configuration names, and makes its socket; @console is
 * zeroes but for its operations. 0 or SHYPER_EXIT_*, and has said why.
 */
int console_setup(struct console *console, struct shyper_backend *backend,
		  const json_t *config);

/* Output of the guest, for the clients and the log; console_flush() sends it. */
void console_print(struct console *console, const char *text, size_t length);

/* Makes the socket NAME.sock, or NAME.PORT.sock, in a directory; 0 or a negative errno. */
int console_listen(struct console *console, const char *directory);
/* Likewise NAME@size.sock, where clients tell the sizes of their terminals. */
int console_listen_sizes(struct console *console, const char *directory);
/* NAME or NAME.PORT and @ending in a directory, of this type: the socket or a negative errno. */
int console_socket(const struct console *console, const char *directory,
		   const char *ending, int type);
/* Whoever has connected is a client from now on. */
void console_accept(struct console *console);
/* The clients of process @pid have a terminal of this size. */
void console_client_size(struct console *console, pid_t pid, const struct winsize *size);

/* Into the scroll-back. */
void console_output(struct console *console, const char *text, size_t length);
void console_flush(struct console *console);

/* The guest took some of the input: the writer may go on. */
void console_input_taken(struct console *console, unsigned int length);
/* There is more room for input: takes at once what there is of it. */
void console_input_refill(struct console *console);

#endif /* BACKEND_CONSOLE_H */
