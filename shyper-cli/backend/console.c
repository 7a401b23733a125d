// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-console: a virtio console (virtio 1.2, 5.3); the other end of each of its
 * ports is a Unix socket.
 */
#include <endian.h>
#include <linux/virtio_ids.h>
#include <stddef.h>
#include <string.h>

#include "ports.h"
#include "program.h"

_Static_assert(sizeof(struct ports_state) <= SHYPER_OPTIONS_SIZE,
	       "what the driver was told outlives us");

static void state_void(struct ports_state *state, uint32_t epoch)
{
	*state = (struct ports_state){ .columns = state->columns, .rows = state->rows,
				       .epoch = epoch };
}

/* Of a reset that found no backend nobody heard, but the epoch counts it. */
struct ports_state *ports_state(struct shyper_backend *backend)
{
	const struct ports *ports = shyper_backend_get_data(backend);
	struct ports_state *state = ports->state;
	uint32_t epoch = shyper_backend_get_epoch(backend);

	if (state->epoch != epoch)
		state_void(state, epoch);
	return state;
}

bool ports_has_control(const struct shyper_backend *backend)
{
	return shyper_backend_get_driver_features(backend) & FEATURE(MULTIPORT);
}

bool ports_has_size(const struct shyper_backend *backend)
{
	return shyper_backend_get_driver_features(backend) & FEATURE(SIZE);
}

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
 * Without ports Linux looks at the size only when it is told of a change, and has
 * nothing to apply it to before its terminal is there, which its output shows.
 */
static void printed(struct shyper_backend *backend, unsigned int port)
{
	struct ports_state *state = ports_state(backend);

	if (port || state->knows_size || ports_has_control(backend) ||
	    !ports_has_size(backend))
		return;
	state->knows_size = true;
	tell_size(backend, state->columns, state->rows);
}

static void resized(struct console *console, const struct winsize *size)
{
	struct shyper_backend *backend = console->backend;
	struct ports_state *state = ports_state(backend);

	if (state->columns == size->ws_col && state->rows == size->ws_row)
		return;
	state->columns = size->ws_col;
	state->rows = size->ws_row;
	if (!state->knows_size)
		return;
	if (ports_has_control(backend)) {
		state->untold[0] |= TELL_SIZE;
		shyper_backend_kick(backend, CONTROL_RECEIVE);
	} else {
		tell_size(backend, state->columns, state->rows);
	}
}

/* Of one that is larger than what is kept of all, the end. */
static uint32_t printed_length(const struct shyper_chain *chain)
{
	return chain->out_length < SCROLLBACK_SIZE ? chain->out_length : SCROLLBACK_SIZE;
}

static void transmit(struct console *console, const struct shyper_chain *chain)
{
	uint32_t offset = chain->out_length - printed_length(chain);
	char text[4096];
	size_t length;

	while ((length = shyper_iov_read(chain->iov, chain->nr_out, offset,
					 text, sizeof(text)))) {
		console_print(console, text, length);
		offset += length;
	}
}

/* Linux throws away what comes for a port that nobody has open. */
static bool takes_input(struct shyper_backend *backend, unsigned int port)
{
	return !ports_has_control(backend) || ports_state(backend)->open & 1U << port;
}

static uint32_t receive(struct shyper_backend *backend, struct console *console,
			const struct shyper_chain *chain)
{
	uint32_t length = shyper_iov_write(chain->iov + chain->nr_out, chain->nr_in, 0,
					   console->input, console->input_length);

	console_input_taken(console, length);
	shyper_backend_count(backend, SHYPER_COUNT_READS, 1);
	shyper_backend_count(backend, SHYPER_COUNT_READ_BYTES, length);
	return length;
}

/* Empties a queue of a port. True: it was given up for now. */
static bool port_serve(struct shyper_backend *backend, struct shyper_queue *queue,
		       unsigned int port, bool is_input)
{
	struct ports *ports = shyper_backend_get_data(backend);
	struct console *console = &ports->consoles[port];
	struct iovec segments[QUEUE_SIZE];
	struct shyper_chain chain = { .iov = segments, .max_segments = QUEUE_SIZE };
	unsigned int chains_left = shyper_queue_get_size(queue);
	uint32_t length, printed_bytes = 0;

	/* Others shall have their turn, whatever the guest puts into one chain. */
	while (chains_left-- && printed_bytes < SCROLLBACK_SIZE) {
		if (is_input && (!console->input_length || !takes_input(backend, port)))
			return false;
		if (shyper_queue_pop(queue, &chain) <= 0)
			return false;
		length = is_input ? receive(backend, console, &chain) : 0;
		if (!is_input) {
			transmit(console, &chain);
			printed_bytes += printed_length(&chain);
			printed(backend, port);
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
	struct ports *ports = shyper_backend_get_data(backend);
	unsigned int index = shyper_queue_get_index(queue);
	unsigned int port = index < NR_QUEUES ? 0 : index / 2 - 1;
	bool more;

	if (index == CONTROL_RECEIVE)
		return control_receive(backend, queue);
	if (index == CONTROL_TRANSMIT)
		return control_transmit(backend, queue);
	more = port_serve(backend, queue, port, index % 2 == RECEIVE);
	if (index % 2 == TRANSMIT)
		console_flush(&ports->consoles[port]);
	return more;
}

static void console_reset(struct shyper_backend *backend)
{
	const struct ports *ports = shyper_backend_get_data(backend);

	state_void(ports->state, shyper_backend_get_epoch(backend));
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

static void input_comes(struct console *console)
{
	const struct ports *ports = shyper_backend_get_data(console->backend);

	shyper_backend_kick(console->backend, port_queue(console - ports->consoles));
}

/* "ports": the names of those beside the console. */
static int read_ports(struct ports *ports, const json_t *config)
{
	const json_t *list = json_object_get(config, "ports");
	const json_t *name;
	size_t n;

	ports->nr = 1 + json_array_size(list);
	if ((list && !json_is_array(list)) || ports->nr > MAX_PORTS) {
		say(SAY_ERROR, "configuration: \"ports\" is no list of up to %d names",
		    MAX_PORTS - 1);
		return SHYPER_EXIT_CONFIG;
	}
	json_array_foreach((json_t *)list, n, name) {
		const char *text = json_string_value(name);

		if (!text || !*text || strlen(text) > 15 || strchr(text, '/')) {
			say(SAY_ERROR, "configuration: \"ports\" has what is no name");
			return SHYPER_EXIT_CONFIG;
		}
		ports->consoles[n + 1].port = strdup(text);
	}
	return 0;
}

/* The size is what a predecessor has told. */
static int declare(struct shyper_backend *backend, const struct ports *ports)
{
	const struct ports_state *state = ports_state(backend);
	bool is_told = state->knows_size && !ports_has_control(backend);
	struct virtio_console_config space = {
		.cols = htole16(is_told ? state->columns : 0),
		.rows = htole16(is_told ? state->rows : 0),
		.max_nr_ports = htole32(ports->nr),
	};

	shyper_backend_set_config(backend, &space,
				  offsetof(struct virtio_console_config, emerg_wr));
	if (ports->nr == 1)
		return 0;
	shyper_backend_offer(backend, FEATURE(MULTIPORT));
	if (!shyper_backend_set_queues(backend, 2 * ports->nr + 2))
		return 0;
	say(SAY_ERROR, "configuration: the device has too few queues for its \"ports\"");
	return SHYPER_EXIT_CONFIG;
}

static int console_open(struct shyper_backend *backend, const json_t *config)
{
	struct ports *ports = shyper_backend_get_data(backend);
	unsigned int n;
	int status;

	ports->state = shyper_backend_get_options(backend);
	/* A predecessor that its guest had taken over may have left anything. */
	for (n = 0; n < MAX_PORTS; n++)
		ports->state->untold[n] &= n ? TELL_ADD | TELL_NAME | TELL_OPEN :
			TELL_ADD | TELL_CONSOLE | TELL_SIZE | TELL_OPEN;
	ports->consoles[0].resized = resized;
	status = read_ports(ports, config);
	if (!status)
		status = declare(backend, ports);
	for (n = 0; !status && n < ports->nr; n++) {
		ports->consoles[n].input_comes = input_comes;
		status = console_setup(&ports->consoles[n], backend, n ? NULL : config);
	}
	return status;
}

#ifndef CONSOLE_TEST
int main(int argc, char **argv)
{
	static struct ports ports;
	static const struct backend_program program = {
		.name = "shyper-console",
		.ops = &console_ops,
		.data = &ports,
		.open = console_open,
	};

	return backend_main(argc, argv, &program);
}
#endif
