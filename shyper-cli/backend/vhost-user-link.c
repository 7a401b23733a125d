// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The front end's side of vhost-user (docs/interop/vhost-user.rst of QEMU): a
 * message is sent, its reply read, one after the other. A back end is not
 * trusted: a reply is what was asked for, of the length that it must have, in
 * time, and without descriptors, or the connection is given up.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "vhost-user.h"

#define VERSION		1U
#define VERSION_MASK	3U
#define FLAG_REPLY	(1U << 2)
#define FLAG_NEED_REPLY	(1U << 3)

enum {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	GET_CONFIG = 24,
	SET_CONFIG = 25,
	GET_MAX_MEM_SLOTS = 36,
	ADD_MEM_REG = 37,
};

/* In one SET_MEM_TABLE. */
#define TABLE_REGIONS	8

struct header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};

struct region {
	uint64_t guest_address;
	uint64_t size;
	uint64_t user_address;
	uint64_t offset;
};

struct ring_state {
	uint32_t index;
	uint32_t value;
};

/**
 * struct message
 * @header: @payload: are sent as they are, one behind the other
 * @until_ms: when its answer must be complete
 */
struct message {
	struct header header;
	union payload {
		uint64_t number;
		struct ring_state state;
		struct {
			uint32_t index;
			uint32_t flags;
			uint64_t desc;
			uint64_t used;
			uint64_t avail;
			uint64_t log;
		} address;
		struct {
			uint32_t nr;
			uint32_t padding;
			struct region regions[TABLE_REGIONS];
		} table;
		struct {
			uint64_t padding;
			struct region region;
		} slot;
		struct {
			uint32_t offset;
			uint32_t size;
			uint32_t flags;
			uint8_t bytes[VU_MAX_CONFIG];
		} config;
	} payload;
	int64_t until_ms;
};

#define CONFIG_HEAD	12	/* of its payload, before the bytes */

static bool has(const struct vu_link *link, unsigned int feature)
{
	return link->protocol & 1ULL << feature;
}

static int socket_error(ssize_t length)
{
	if (!length || errno == ECONNRESET || errno == EPIPE)
		return -EPIPE;
	return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A back end that sends a byte now and then has no more time than others. */
static int wait_readable(int fd, int64_t until_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int64_t left;
	int ready;

	do {
		left = until_ms - now_ms();
		ready = left > 0 ? poll(&poll_fd, 1, (int)left) : 0;
	} while (ready < 0 && errno == EINTR);
	return ready > 0 ? 0 : ready ? -errno : -ETIMEDOUT;
}

static int receive(int fd, void *buffer, size_t length, int64_t until_ms)
{
	uint8_t *bytes = buffer;
	size_t done = 0;
	ssize_t got;
	int err;

	while (done < length) {
		err = wait_readable(fd, until_ms);
		if (err)
			return err;
		/* Descriptors that come along are never installed by read(). */
		got = read(fd, bytes + done, length - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return socket_error(got);
		done += got;
	}
	return 0;
}

static int transmit(int fd, const struct message *message, const int *fds,
		    unsigned int nr_fds)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(TABLE_REGIONS * sizeof(int))];
	} control = { 0 };
	struct iovec iov[2] = {
		{ (void *)&message->header, sizeof(message->header) },
		{ (void *)&message->payload, message->header.size },
	};
	struct msghdr header = { .msg_iov = iov, .msg_iovlen = 2 };
	struct cmsghdr *cmsg;
	ssize_t sent;

	if (nr_fds) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nr_fds * sizeof(int));
	}
	do {
		sent = sendmsg(fd, &header, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return socket_error(sent);
	/* Messages are far smaller than a socket's buffer. */
	return sent == (ssize_t)(iov[0].iov_len + iov[1].iov_len) ? 0 : -ETIMEDOUT;
}

static void message_begin(struct message *message, uint32_t request, uint32_t size)
{
	memset(message, 0, sizeof(*message));
	message->header.request = request;
	message->header.flags = VERSION;
	message->header.size = size;
	message->until_ms = now_ms() + ANSWER_SECONDS * 1000;
}

/* Puts the reply in the place of the request. @size: that it must have. */
static int receive_reply(const struct vu_link *link, struct message *message,
			 uint32_t size)
{
	uint32_t request = message->header.request;
	int err = receive(link->fd, &message->header, sizeof(message->header),
			  message->until_ms);

	if (err)
		return err;
	if (message->header.request != request || message->header.size != size ||
	    (message->header.flags & VERSION_MASK) != VERSION ||
	    !(message->header.flags & FLAG_REPLY))
		return -EPROTO;
	return receive(link->fd, &message->payload, size, message->until_ms);
}

/* Sends what has no reply of its own, and learns if it can whether it succeeded. */
static int send_checked(const struct vu_link *link, struct message *message,
			const int *fds, unsigned int nr_fds)
{
	bool check = has(link, VU_PROTOCOL_REPLY_ACK);
	int err;

	if (check)
		message->header.flags |= FLAG_NEED_REPLY;
	err = transmit(link->fd, message, fds, nr_fds);
	if (err || !check)
		return err;
	err = receive_reply(link, message, sizeof(message->payload.number));
	return err ? err : message->payload.number ? -EACCES : 0;
}

static int get_number(const struct vu_link *link, uint32_t request, uint64_t *number)
{
	struct message message;
	int err;

	message_begin(&message, request, 0);
	err = transmit(link->fd, &message, NULL, 0);
	if (!err)
		err = receive_reply(link, &message, sizeof(message.payload.number));
	if (!err)
		*number = message.payload.number;
	return err;
}

static int set_number(const struct vu_link *link, uint32_t request, uint64_t number)
{
	struct message message;

	message_begin(&message, request, sizeof(message.payload.number));
	message.payload.number = number;
	return send_checked(link, &message, NULL, 0);
}

static int set_owner(const struct vu_link *link)
{
	struct message message;

	message_begin(&message, SET_OWNER, 0);
	return transmit(link->fd, &message, NULL, 0);
}

int vu_begin(struct vu_link *link)
{
	const uint64_t known = 1ULL << VU_PROTOCOL_MQ | 1ULL << VU_PROTOCOL_REPLY_ACK |
			       1ULL << VU_PROTOCOL_CONFIG |
			       1ULL << VU_PROTOCOL_CONFIGURE_MEM_SLOTS;
	uint64_t protocol = 0;
	int err;

	link->protocol = 0;
	err = get_number(link, GET_FEATURES, &link->features);
	if (!err && link->features & 1ULL << VU_F_PROTOCOL_FEATURES) {
		err = get_number(link, GET_PROTOCOL_FEATURES, &protocol);
		if (!err)
			err = set_number(link, SET_PROTOCOL_FEATURES, protocol & known);
	}
	link->protocol = protocol & known;
	return err ? err : set_owner(link);
}

int vu_get_queues(struct vu_link *link, uint64_t *nr)
{
	*nr = 1;
	return has(link, VU_PROTOCOL_MQ) ? get_number(link, GET_QUEUE_NUM, nr) : 0;
}

static void config_begin(struct message *message, uint32_t request, uint32_t offset,
			 uint32_t length)
{
	message_begin(message, request, CONFIG_HEAD + length);
	message->payload.config.offset = offset;
	message->payload.config.size = length;
}

int vu_get_config(struct vu_link *link, void *config, uint32_t length)
{
	struct message message;
	int err;

	config_begin(&message, GET_CONFIG, 0, length);
	err = transmit(link->fd, &message, NULL, 0);
	/* A back end that refuses replies with nothing, which is too short. */
	if (!err)
		err = receive_reply(link, &message, CONFIG_HEAD + length);
	if (!err && (message.payload.config.offset || message.payload.config.size != length))
		err = -EPROTO;
	if (!err)
		memcpy(config, message.payload.config.bytes, length);
	return err;
}

int vu_set_config(struct vu_link *link, uint32_t offset, const void *bytes,
		  uint32_t length)
{
	struct message message;

	config_begin(&message, SET_CONFIG, offset, length);
	memcpy(message.payload.config.bytes, bytes, length);
	return send_checked(link, &message, NULL, 0);
}

static void describe(struct region *region, const struct vu_region *from)
{
	region->guest_address = from->address;
	region->size = from->length;
	/* In our own addresses, which nobody but this protocol sees. */
	region->user_address = from->address;
	region->offset = from->offset;
}

static int add_region(struct vu_link *link, const struct vu_region *region)
{
	struct message message;

	message_begin(&message, ADD_MEM_REG, sizeof(message.payload.slot));
	describe(&message.payload.slot.region, region);
	return send_checked(link, &message, &region->fd, 1);
}

static int set_table(struct vu_link *link, const struct vu_region *regions,
		     unsigned int nr)
{
	struct message message;
	int fds[TABLE_REGIONS];
	unsigned int n;

	message_begin(&message, SET_MEM_TABLE,
		      offsetof(union payload, table.regions) + nr * sizeof(struct region));
	message.payload.table.nr = nr;
	for (n = 0; n < nr; n++) {
		describe(&message.payload.table.regions[n], &regions[n]);
		fds[n] = regions[n].fd;
	}
	return send_checked(link, &message, fds, nr);
}

int vu_set_memory(struct vu_link *link, const struct vu_region *regions,
		  unsigned int nr)
{
	uint64_t slots = 0;
	unsigned int n;
	int err = 0;

	if (nr <= TABLE_REGIONS)
		return set_table(link, regions, nr);
	if (has(link, VU_PROTOCOL_CONFIGURE_MEM_SLOTS))
		err = get_number(link, GET_MAX_MEM_SLOTS, &slots);
	if (!err && slots < nr)
		return -E2BIG;
	for (n = 0; !err && n < nr; n++)
		err = add_region(link, &regions[n]);
	return err;
}

int vu_set_features(struct vu_link *link, uint64_t features)
{
	if (link->features & 1ULL << VU_F_PROTOCOL_FEATURES)
		features |= 1ULL << VU_F_PROTOCOL_FEATURES;
	return set_number(link, SET_FEATURES, features);
}

static int set_state(struct vu_link *link, uint32_t request, uint32_t index,
		     uint32_t value)
{
	struct message message;

	message_begin(&message, request, sizeof(message.payload.state));
	message.payload.state.index = index;
	message.payload.state.value = value;
	return send_checked(link, &message, NULL, 0);
}

static int set_address(struct vu_link *link, const struct vu_ring *ring)
{
	struct message message;

	message_begin(&message, SET_VRING_ADDR, sizeof(message.payload.address));
	message.payload.address.index = ring->index;
	message.payload.address.desc = ring->desc;
	message.payload.address.avail = ring->avail;
	message.payload.address.used = ring->used;
	return send_checked(link, &message, NULL, 0);
}

static int set_eventfd(struct vu_link *link, uint32_t request, uint32_t index, int fd)
{
	struct message message;

	message_begin(&message, request, sizeof(message.payload.number));
	message.payload.number = index;
	return send_checked(link, &message, &fd, 1);
}

int vu_ring_start(struct vu_link *link, const struct vu_ring *ring)
{
	int err = set_state(link, SET_VRING_NUM, ring->index, ring->size);

	if (!err)
		err = set_state(link, SET_VRING_BASE, ring->index, 0);
	if (!err)
		err = set_address(link, ring);
	/* The kick's eventfd starts the ring, so all else comes before it. */
	if (!err)
		err = set_eventfd(link, SET_VRING_CALL, ring->index, ring->call);
	if (!err)
		err = set_eventfd(link, SET_VRING_KICK, ring->index, ring->kick);
	/* Without protocol features it is enabled by having started. */
	if (!err && link->features & 1ULL << VU_F_PROTOCOL_FEATURES)
		err = set_state(link, SET_VRING_ENABLE, ring->index, 1);
	return err;
}

int vu_ring_stop(struct vu_link *link, unsigned int index)
{
	struct message message;
	int err;

	message_begin(&message, GET_VRING_BASE, sizeof(message.payload.state));
	message.payload.state.index = index;
	err = transmit(link->fd, &message, NULL, 0);
	if (!err)
		err = receive_reply(link, &message, sizeof(message.payload.state));
	return !err && message.payload.state.index != index ? -EPROTO : err;
}
