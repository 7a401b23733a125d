// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-console: a virtio console (virtio 1.2, 5.3) of one port, whose other
 * end is a Unix socket.
 */
#include <endian.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <stddef.h>

#include "console.h"
#include "program.h"

#define QUEUE_SIZE	256
#define FEATURE(name)	(1ULL << VIRTIO_CONSOLE_F_##name)

enum { RECEIVE, TRANSMIT, NR_QUEUES };

/**
 * struct terminal - the console, and what the driver knows of its size
 * @columns: @rows: of the writer's terminal; 0: not known
 * @has_printed: since its reset
 */
struct terminal {
	struct console console;
	uint16_t columns;
	uint16_t rows;
	bool has_printed;
};

static void tell_size(struct shyper_backend *backend, uint16_t columns, uint16_t rows)
{
	struct virtio_console_config space = {
		.cols = htole16(columns),
		.rows = htole16(rows),
	};

	shyper_backend_change_config(backend, 0, &space,
				     offsetof(struct virtio_console_config, max_nr_ports));
}

/*
 * Linux looks at the size only when it is told of a change, and has nothing to
 * apply it to before its terminal is there, which its output shows.
 */
static void printed(struct terminal *terminal)
{
	if (!terminal->has_printed)
		tell_size(terminal->console.backend, terminal->columns, terminal->rows);
	terminal->has_printed = true;
}

/* Only the end of it can ever be seen. */
static void transmit(struct console *console, const struct shyper_chain *chain)
{
	uint32_t offset = 0;
	char text[4096];
	size_t length;

	if (chain->out_length > SCROLLBACK_SIZE && console->log < 0)
		offset = chain->out_length - SCROLLBACK_SIZE;
	while ((length = shyper_iov_read(chain->iov, chain->nr_out, offset,
					 text, sizeof(text)))) {
		console_print(console, text, length);
		offset += length;
	}
}

/* Empties a queue. True: it was given up for now. */
static bool queue_serve(struct shyper_backend *backend, struct shyper_queue *queue)
{
	struct terminal *terminal = shyper_backend_get_data(backend);
	struct console *console = &terminal->console;
	struct iovec segments[QUEUE_SIZE];
	struct shyper_chain chain = { .iov = segments, .max_segments = QUEUE_SIZE };
	unsigned int index = shyper_queue_get_index(queue), left;
	uint32_t length;

	for (left = shyper_queue_get_size(queue); left; left--) {
		if (index == RECEIVE && !console->input_length)
			return false;
		if (shyper_queue_pop(queue, &chain) <= 0)
			return false;
		length = 0;
		if (index == RECEIVE) {
			length = shyper_iov_write(chain.iov + chain.nr_out, chain.nr_in, 0,
						  console->input, console->input_length);
			console_input_taken(console, length);
			shyper_backend_count(backend, SHYPER_COUNT_READS, 1);
			shyper_backend_count(backend, SHYPER_COUNT_READ_BYTES, length);
		} else {
			transmit(console, &chain);
			printed(terminal);
			shyper_backend_count(backend, SHYPER_COUNT_WRITES, 1);
			shyper_backend_count(backend, SHYPER_COUNT_WRITE_BYTES,
					     chain.out_length);
		}
		shyper_queue_push(queue, chain.head, length);
	}
	return true;
}

static bool console_queue(struct shyper_backend *backend, struct shyper_queue *queue)
{
	struct terminal *terminal = shyper_backend_get_data(backend);
	bool more = queue_serve(backend, queue);

	if (shyper_queue_get_index(queue) == TRANSMIT)
		console_flush(&terminal->console);
	return more;
}

static void console_reset(struct shyper_backend *backend)
{
	struct terminal *terminal = shyper_backend_get_data(backend);

	terminal->has_printed = false;
	tell_size(backend, 0, 0);
}

static const struct shyper_backend_ops console_ops = {
	.device_id = VIRTIO_ID_CONSOLE,
	.nr_queues = NR_QUEUES,
	.queue_max = QUEUE_SIZE,
	.features = FEATURE(SIZE),
	.queue = console_queue,
	.reset = console_reset,
};

static void receive(struct console *console)
{
	shyper_backend_kick(console->backend, RECEIVE);
}

static void resized(struct console *console, const struct winsize *size)
{
	struct terminal *terminal = shyper_backend_get_data(console->backend);

	terminal->columns = size->ws_col;
	terminal->rows = size->ws_row;
	if (terminal->has_printed)
		tell_size(console->backend, terminal->columns, terminal->rows);
}

/* The size is what a predecessor has told. */
static void declare(struct shyper_backend *backend, struct terminal *terminal)
{
	struct virtio_console_config space = {};

	shyper_backend_read_config(backend, &space, sizeof(space));
	space.max_nr_ports = htole32(1);
	shyper_backend_set_config(backend, &space,
				  offsetof(struct virtio_console_config, emerg_wr));
	terminal->columns = le16toh(space.cols);
	terminal->rows = le16toh(space.rows);
	terminal->has_printed = space.cols;
}

static int console_open(struct shyper_backend *backend, const json_t *config)
{
	struct terminal *terminal = shyper_backend_get_data(backend);

	terminal->console.input_comes = receive;
	terminal->console.resized = resized;
	declare(backend, terminal);
	return console_setup(&terminal->console, backend, config);
}

#ifndef CONSOLE_TEST
int main(int argc, char **argv)
{
	static struct terminal terminal;
	static const struct backend_program program = {
		.name = "shyper-console",
		.ops = &console_ops,
		.data = &terminal,
		.open = console_open,
	};

	return backend_main(argc, argv, &program);
}
#endif
