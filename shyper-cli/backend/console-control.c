// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-console: the control queues (virtio 1.2, 5.3.6.2). What the driver is to
 * be told is kept as bits, where it outlives the process: a message is cleared
 * when it was pushed, and may come twice, but is never lost.
 */
#include <endian.h>
#include <string.h>

#include "ports.h"

/**
 * struct message - what is told of a port
 * @length: bytes of it from @header on, with what follows
 */
struct message {
	size_t length;
	struct virtio_console_control header;
	union {
		struct {
			__le16 columns;
			__le16 rows;
		} size;
		char name[16];
	};
};

static void message_header(struct message *message, unsigned int port, uint16_t event)
{
	message->header.id = htole32(port);
	message->header.event = htole16(event);
	message->header.value = htole16(1);
	message->length = sizeof(message->header);
}

static void message_make(const struct ports *ports, unsigned int port, unsigned int what,
			 struct message *message)
{
	const char *name = ports->consoles[port].port;

	switch (what) {
	case TELL_ADD:
		message_header(message, port, VIRTIO_CONSOLE_PORT_ADD);
		break;
	case TELL_CONSOLE:
		message_header(message, port, VIRTIO_CONSOLE_CONSOLE_PORT);
		break;
	case TELL_NAME:
		message_header(message, port, VIRTIO_CONSOLE_PORT_NAME);
		memcpy(message->name, name, strlen(name));
		message->length += strlen(name);
		break;
	case TELL_SIZE:
		message_header(message, port, VIRTIO_CONSOLE_RESIZE);
		message->size.columns = htole16(ports->state->columns);
		message->size.rows = htole16(ports->state->rows);
		message->length += sizeof(message->size);
		break;
	case TELL_OPEN:
		message_header(message, port, VIRTIO_CONSOLE_PORT_OPEN);
		break;
	}
}

/* False: no buffer, or none that the driver may give. */
static bool tell(const struct ports *ports, struct shyper_queue *queue, unsigned int port,
		 unsigned int what)
{
	struct iovec segments[QUEUE_SIZE];
	struct shyper_chain chain = { .iov = segments, .max_segments = QUEUE_SIZE };
	struct message message;

	if (shyper_queue_pop(queue, &chain) <= 0)
		return false;
	message_make(ports, port, what, &message);
	if (shyper_iov_write(chain.iov + chain.nr_out, chain.nr_in, 0, &message.header,
			     message.length) != message.length) {
		shyper_queue_break(queue, chain.head);
		return false;
	}
	shyper_queue_push(queue, chain.head, message.length);
	return true;
}

bool control_receive(struct shyper_backend *backend, struct shyper_queue *queue)
{
	const struct ports *ports = shyper_backend_get_data(backend);
	struct ports_state *state = ports_state(backend);
	unsigned int port, what;

	for (port = 0; port < ports->nr; port++) {
		while (state->untold[port]) {
			what = state->untold[port] & -state->untold[port];
			if (!tell(ports, queue, port, what))
				return false;
			if (what == TELL_ADD)
				state->added |= 1U << port;
			state->untold[port] &= ~what;
		}
	}
	return false;
}

/* The driver has the port: now it can be told what it is. */
static void port_ready(const struct shyper_backend *backend, struct ports_state *state,
		       unsigned int port)
{
	state->untold[port] |= TELL_OPEN | (port ? TELL_NAME : TELL_CONSOLE);
	if (port)
		return;
	state->knows_size = ports_has_size(backend);
	if (state->knows_size && state->columns)
		state->untold[port] |= TELL_SIZE;
}

static void port_opened(struct shyper_backend *backend, struct ports_state *state,
			unsigned int port, bool is_open)
{
	state->open &= ~(1U << port);
	state->open |= is_open << port;
	if (is_open)
		shyper_backend_kick(backend, port_queue(port));
}

/* What makes no sense is dropped: it is the driver's loss. */
static void heard(struct shyper_backend *backend, const struct virtio_console_control *header)
{
	const struct ports *ports = shyper_backend_get_data(backend);
	struct ports_state *state = ports_state(backend);
	uint32_t port = le32toh(header->id);
	bool value = header->value;
	unsigned int n;

	if (le16toh(header->event) == VIRTIO_CONSOLE_DEVICE_READY) {
		for (n = 0; value && n < ports->nr; n++)
			if (!(state->added & 1U << n))
				state->untold[n] |= TELL_ADD;
	} else if (port >= ports->nr) {
		return;
	} else if (le16toh(header->event) == VIRTIO_CONSOLE_PORT_READY && value) {
		port_ready(backend, state, port);
	} else if (le16toh(header->event) == VIRTIO_CONSOLE_PORT_OPEN) {
		port_opened(backend, state, port, value);
	}
}

bool control_transmit(struct shyper_backend *backend, struct shyper_queue *queue)
{
	struct iovec segments[QUEUE_SIZE];
	struct shyper_chain chain = { .iov = segments, .max_segments = QUEUE_SIZE };
	struct virtio_console_control header;
	unsigned int left;

	for (left = shyper_queue_get_size(queue); left; left--) {
		if (shyper_queue_pop(queue, &chain) <= 0)
			break;
		if (shyper_iov_read(chain.iov, chain.nr_out, 0, &header,
				    sizeof(header)) != sizeof(header)) {
			shyper_queue_break(queue, chain.head);
			break;
		}
		heard(backend, &header);
		shyper_backend_count(backend, SHYPER_COUNT_OTHERS, 1);
		shyper_queue_push(queue, chain.head, 0);
	}
	shyper_backend_kick(backend, CONTROL_RECEIVE);
	return !left;
}
