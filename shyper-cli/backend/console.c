// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-console: a virtio console (virtio 1.2, 5.3) of one port, whose other
 * end is a Unix socket.
 */
#include <linux/virtio_ids.h>

#include "console.h"
#include "program.h"

#define QUEUE_SIZE	256

enum { RECEIVE, TRANSMIT, NR_QUEUES };

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
	struct console *console = shyper_backend_get_data(backend);
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
	bool more = queue_serve(backend, queue);

	if (shyper_queue_get_index(queue) == TRANSMIT)
		console_flush(shyper_backend_get_data(backend));
	return more;
}

static const struct shyper_backend_ops console_ops = {
	.device_id = VIRTIO_ID_CONSOLE,
	.nr_queues = NR_QUEUES,
	.queue_max = QUEUE_SIZE,
	.queue = console_queue,
};

static void receive(struct console *console)
{
	shyper_backend_kick(console->backend, RECEIVE);
}

static int console_open(struct shyper_backend *backend, const json_t *config)
{
	struct console *console = shyper_backend_get_data(backend);

	console->input_comes = receive;
	return console_setup(console, backend, config);
}

#ifndef CONSOLE_TEST
int main(int argc, char **argv)
{
	static struct console console;
	static const struct backend_program program = {
		.name = "shyper-console",
		.ops = &console_ops,
		.data = &console,
		.open = console_open,
	};

	return backend_main(argc, argv, &program);
}
#endif
