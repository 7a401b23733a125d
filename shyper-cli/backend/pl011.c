// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-pl011: a UART in a foreign region, whose other end is a Unix socket.
 * Its registers lie in memory that outlives the process, so a guest does not
 * notice that one was killed.
 */
#include <errno.h>

#include "console.h"
#include "pl011-model.h"
#include "program.h"

/**
 * struct port
 * @uart: outlives the process
 * @is_high: its interrupt, as the guest has it
 */
struct port {
	struct console console;
	struct pl011 *uart;
	bool is_high;
};

_Static_assert(sizeof(struct pl011) <= SHYPER_OPTIONS_SIZE, "no room");

static struct port *port_of(struct shyper_backend *backend)
{
	return shyper_backend_get_data(backend);
}

/* Before an access is answered: a handler that removed the cause is done with it. */
static void update(struct port *port)
{
	bool is_high = pl011_interrupt(port->uart);
	int err;

	if (is_high == port->is_high)
		return;
	err = shyper_backend_set_level(port->console.backend, is_high);
	/* What was not told is told at the next occasion. */
	if (!err || err == -ENODEV)
		port->is_high = is_high;
}

/*
 * What is taken from the socket is in the FIFO at once, which outlives us: what
 * we leave there its writer knows not to have arrived. None is for a guest that
 * has not touched the device since its reset, which discards the FIFO.
 */
static unsigned int input_room(const struct console *console)
{
	const struct port *port = port_of(console->backend);

	if (port->uart->epoch != shyper_backend_get_epoch(console->backend))
		return 0;
	return pl011_room(port->uart);
}

static void input_comes(struct console *console)
{
	struct port *port = port_of(console->backend);
	unsigned int n, count = console->input_length;

	for (n = 0; n < count; n++)
		pl011_receive(port->uart, console->input[n]);
	console_input_taken(console, count);
	pl011_receive_pause(port->uart);
	shyper_backend_count(console->backend, SHYPER_COUNT_READS, 1);
	shyper_backend_count(console->backend, SHYPER_COUNT_READ_BYTES, count);
	update(port);
}

/* Before an access is answered: its driver reads until nothing is there. */
static void refill(struct port *port, unsigned int room_before)
{
	if (input_room(&port->console) > room_before)
		console_input_refill(&port->console);
}

/* The state is of the device as it is since its last reset. */
static void stamp(struct port *port)
{
	port->uart->epoch = shyper_backend_get_epoch(port->console.backend);
}

static uint64_t pl011_access_load(struct shyper_backend *backend, unsigned int cpu,
				  uint32_t offset, uint32_t length)
{
	struct port *port = port_of(backend);
	unsigned int room = input_room(&port->console);
	uint64_t value;

	(void)cpu;
	(void)length;
	stamp(port);
	value = pl011_load(port->uart, offset);
	refill(port, room);
	update(port);
	return value;
}

static void pl011_access_store(struct shyper_backend *backend, unsigned int cpu,
			       uint32_t offset, uint32_t length, uint64_t value)
{
	struct port *port = port_of(backend);
	unsigned int room = input_room(&port->console);
	char text;

	(void)cpu;
	(void)length;
	stamp(port);
	if (pl011_store(port->uart, offset, (uint32_t)value, &text)) {
		console_print(&port->console, &text, 1);
		console_flush(&port->console);
		shyper_backend_count(backend, SHYPER_COUNT_WRITES, 1);
		shyper_backend_count(backend, SHYPER_COUNT_WRITE_BYTES, 1);
	}
	/* It may have been enabled: input may wait for that. */
	refill(port, room);
	update(port);
}

static void pl011_power_on(struct shyper_backend *backend)
{
	struct port *port = port_of(backend);

	pl011_reset(port->uart);
	update(port);
}

/* A predecessor may have died between a character and its interrupt. */
static void pl011_attached(struct shyper_backend *backend)
{
	struct port *port = port_of(backend);

	port->is_high = !pl011_interrupt(port->uart);
	update(port);
}

static const struct shyper_backend_ops pl011_ops = {
	.reset = pl011_power_on,
	.attached = pl011_attached,
	.load = pl011_access_load,
	.store = pl011_access_store,
};

static int pl011_open(struct shyper_backend *backend, const json_t *config)
{
	struct port *port = port_of(backend);

	port->uart = shyper_backend_get_options(backend);
	if (!port->uart) {
		say(SAY_ERROR, "the hypervisor that runs keeps no registers of a region: it is older than ABI 1.3; restart the machine with the one that is installed");
		return SHYPER_EXIT_CONFIG;
	}
	if (!pl011_is_sane(port->uart) ||
	    port->uart->epoch != shyper_backend_get_epoch(backend))
		pl011_reset(port->uart);
	port->console.input_comes = input_comes;
	port->console.input_room = input_room;
	return console_setup(&port->console, backend, config);
}

#ifndef PL011_TEST
int main(int argc, char **argv)
{
	static struct port port;
	static const struct backend_program program = {
		.name = "shyper-pl011",
		.ops = &pl011_ops,
		.data = &port,
		.open = pl011_open,
	};

	return backend_main(argc, argv, &program);
}
#endif
