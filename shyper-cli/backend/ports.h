/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ports of a virtio console (virtio 1.2, 5.3.2): port 0 is the console, the
 * others have names.
 */
#ifndef BACKEND_PORTS_H
#define BACKEND_PORTS_H

#include <linux/virtio_console.h>

#include "console.h"

#define QUEUE_SIZE	256
#define MAX_PORTS	7	/* two queues each, and two of control, of 16 */

#define FEATURE(name)	(1ULL << VIRTIO_CONSOLE_F_##name)

enum { RECEIVE, TRANSMIT, NR_QUEUES, CONTROL_RECEIVE = NR_QUEUES, CONTROL_TRANSMIT };

/* The queue of @port from which it is given buffers; the next one has its output. */
static inline unsigned int port_queue(unsigned int port)
{
	return port ? 2 * port + 2 : RECEIVE;
}

/* What is to be told of a port, in this order. */
enum {
	TELL_ADD	= 1 << 0,
	TELL_CONSOLE	= 1 << 1,
	TELL_NAME	= 1 << 2,
	TELL_SIZE	= 1 << 3,
	TELL_OPEN	= 1 << 4,
};

/**
 * struct ports_state - what outlives the process
 * @columns: @rows: of the console's writer; 0: not known. All else is void if
 *	@epoch is another one than the device's.
 * @knows_size: whether the driver can make use of a size
 * @added: ports that it was told of: once each (virtio 1.2, 5.3.6.2.1)
 * @open: ports that it has opened
 * @untold: of each port: TELL_*
 */
struct ports_state {
	uint16_t columns;
	uint16_t rows;
	uint32_t epoch;
	uint8_t knows_size;
	uint8_t added;
	uint8_t open;
	uint8_t untold[MAX_PORTS];
};

/**
 * struct ports - a device
 * @nr: of @consoles, the ports
 */
struct ports {
	struct ports_state *state;
	unsigned int nr;
	struct console consoles[MAX_PORTS];
};

/* The state of the device as it is since its last reset. */
struct ports_state *ports_state(struct shyper_backend *backend);

/* Whether the driver knows of ports; and of sizes. */
bool ports_has_control(const struct shyper_backend *backend);
bool ports_has_size(const struct shyper_backend *backend);

/* The two queues; true: given up for now. */
bool control_receive(struct shyper_backend *backend, struct shyper_queue *queue);
bool control_transmit(struct shyper_backend *backend, struct shyper_queue *queue);

#endif /* BACKEND_PORTS_H */
