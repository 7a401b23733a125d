/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of shyper-vhost-user (docs/theory-vhost-user.md).
 *
 *	vhost-user.c		the device: chains of the guest to the back end and back
 *	vhost-user-open.c	what comes before the jail
 *	vhost-user-link.c	the connection: messages of the protocol
 *	vhost-user-shadow.c	rings between the bridge and the back end
 *	vhost-user-direct.c	the guest's rings, for those that keep an account
 */
#ifndef BACKEND_VHOST_USER_H
#define BACKEND_VHOST_USER_H

#include <jansson.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include <shyper/virtio/backend.h>

#define VU_MAX_QUEUES	16
#define VU_MAX_QUEUE_SIZE	1024
#define VU_MAX_REGIONS	17	/* of the cell, and the shadow rings */
#define VU_MAX_CONFIG	256
/* How long a back end may take to answer. */
#ifndef ANSWER_SECONDS
#define ANSWER_SECONDS	10
#endif
/* Virtio 1.2, 2.2: those of the device type; the others are of the rings. */
#define VU_DEVICE_FEATURES	(((1ULL << 24) - 1) | ~((1ULL << 50) - 1))

/* Of the rings: what the guest may have taken. */
#define VU_RING_FEATURES	(1ULL << VIRTIO_F_VERSION_1 | \
				 1ULL << VIRTIO_RING_F_INDIRECT_DESC | \
				 1ULL << VIRTIO_RING_F_EVENT_IDX)

/* Feature bit by which a back end says that it knows protocol features. */
#define VU_F_PROTOCOL_FEATURES	30

#define VU_PROTOCOL_MQ			0
#define VU_PROTOCOL_REPLY_ACK		3
#define VU_PROTOCOL_CONFIG		9
#define VU_PROTOCOL_INFLIGHT_SHMFD	12
#define VU_PROTOCOL_CONFIGURE_MEM_SLOTS	15

/**
 * struct vu_link - a connection to a back end
 * @fd: its socket
 * @features: of the device, as the back end offers them
 * @protocol: protocol features that both sides have
 */
struct vu_link {
	int fd;
	uint64_t features;
	uint64_t protocol;
};

/* Memory that the back end maps; addresses for rings are guest addresses, too. */
struct vu_region {
	uint64_t address;
	uint64_t length;
	uint64_t offset;
	int fd;
};

/*
 * A ring, by guest addresses, where in it to begin, and the eventfds of its two
 * directions.
 */
struct vu_ring {
	unsigned int index;
	unsigned int size;
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
	uint16_t base;
	int kick;
	int call;
};

/*
 * All return 0 or a negative errno: -EPROTO: the back end breaks the protocol,
 * -EPIPE: it has gone, -ETIMEDOUT: it does not answer, -EACCES: it refuses.
 */

/*
 * Learns what the back end has, and takes of it what we know, and with @direct an
 * account of its own if it can serve the guest's rings.
 */
int vu_begin(struct vu_link *link, bool direct);
int vu_get_queues(struct vu_link *link, uint64_t *nr);
/* @length bytes of its configuration space from the beginning on. */
int vu_get_config(struct vu_link *link, void *config, uint32_t length);
int vu_set_config(struct vu_link *link, uint32_t offset, const void *bytes,
		  uint32_t length);
/* -E2BIG: the back end cannot map so many. */
int vu_set_memory(struct vu_link *link, const struct vu_region *regions,
		  unsigned int nr);
int vu_set_features(struct vu_link *link, uint64_t features);

/* The region in which a back end notes what it has taken, for so many rings. */
struct vu_account {
	uint64_t length;
	unsigned int queues;
	unsigned int queue_size;
};

/* Asks for its length. */
int vu_size_account(struct vu_link *link, struct vu_account *account);
int vu_set_account(struct vu_link *link, const struct vu_account *account, int fd);
int vu_set_call(struct vu_link *link, unsigned int index, int fd);
int vu_ring_start(struct vu_link *link, const struct vu_ring *ring);
/* When it returns the back end does not look at the ring any more. */
int vu_ring_stop(struct vu_link *link, unsigned int index);

/**
 * struct shadow - rings of ours, for the chains of one queue
 * @size: entries, as of the guest's queue
 * @address: of the memory, for the back end
 * @heads: for each head of the guest's queue, whose number its chain has here,
 *	too: bytes that may be written, and whether it is with the back end
 */
struct shadow {
	unsigned int size;
	uint64_t address;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct vring_desc *tables;
	uint16_t avail_idx;
	uint16_t used_idx;
	struct {
		uint32_t in_length;
		bool is_out;
	} heads[VU_MAX_QUEUE_SIZE];
};

/* Bytes of memory for rings of @size. */
size_t shadow_length(unsigned int size);
/* Empty rings in @memory, which the back end has at @address. */
void shadow_init(struct shadow *shadow, void *memory, uint64_t address,
		 unsigned int size);
/* Addresses of the rings for @ring. */
void shadow_describe(const struct shadow *shadow, struct vu_ring *ring);
/* Hands a chain to the back end; @segments are its parts by guest addresses. */
struct shadow_segment {
	uint64_t address;
	uint32_t length;
};
void shadow_add(struct shadow *shadow, const struct shyper_chain *chain,
		const struct shadow_segment *segments);
/* Whether the back end wants a kick for what was added. */
bool shadow_wants_kick(const struct shadow *shadow);
/* 1: @head is back, @length bytes were written; 0: nothing; -EPROTO: nonsense. */
int shadow_take(struct shadow *shadow, uint16_t *head, uint32_t *length);
/* Takes back a head that the back end, stopped, has not given; false: none. */
bool shadow_withdraw(struct shadow *shadow, uint16_t *head);


/**
 * struct direct - guest's rings that the back end has itself
 * @is_allowed: the configuration lets it be so
 * @must_be: the running driver's queues have begun so
 * @is_owed: and what a back end had in flight of them was not given back
 * @is_wanted: the first, and nothing is in flight in shadow rings, or the second
 * @is_on: the back end can
 * @part: bytes of each queue in @region, which is where it notes what it has taken
 */
struct direct {
	bool is_allowed;
	bool must_be;
	bool is_owed;
	bool is_wanted;
	bool is_on;
	size_t part;
	uint8_t *region;
};

/**
 * struct bridge_queue - a queue of the device
 * @shadow: its rings towards the back end, in @memory; not in the direct mode
 * @call: eventfd by which the back end tells that it has used some
 * @kick: eventfd by which we tell that there are more
 * @running: the back end has the rings
 * @ending: the guest's queue is about to end: the next one begins with new rings
 */
struct bridge_queue {
	struct shadow shadow;
	uint8_t *memory;
	uint64_t address;
	struct shyper_watch call;
	int kick;
	bool running;
	bool ending;
};

/**
 * struct bridge
 * @device: virtio device ID
 * @tag: of a file system
 * @poll: the queues are looked at for a while before it sleeps
 * @regions: of the cell's memory; the last one is empty
 * @patience: timer: how long a queue that is to end may wait for its chains
 * @direct: whether the back end has the guest's rings
 * @negotiated: the back end was told the features of this driver
 * @segments: @parts: of the chain at hand
 */
struct bridge {
	struct vu_link link;
	struct shyper_watch socket;
	struct shyper_watch patience;
	uint32_t device;
	unsigned int nr_queues;
	char tag[36];
	bool poll;
	struct shyper_cell_region regions[VU_MAX_REGIONS];
	struct direct direct;
	bool negotiated;
	struct bridge_queue queues[VU_MAX_QUEUES];
	struct iovec segments[VU_MAX_QUEUE_SIZE];
	struct shadow_segment parts[VU_MAX_QUEUE_SIZE];
};

/* Opens all; 0 or SHYPER_EXIT_*, and has said why. */
int bridge_open(struct shyper_backend *backend, const json_t *config);

/* Whether what the driver has in flight binds us to a mode. */
void direct_look(struct shyper_backend *backend, struct bridge *bridge);
/* Finds or makes the region; 0 or SHYPER_EXIT_*, and has said why. */
int direct_open(struct shyper_backend *backend, struct bridge *bridge);
/* Gives a queue to the back end; 0 or a negative errno. */
int direct_begin(struct shyper_backend *backend, struct bridge *bridge,
		 unsigned int index);

#endif /* BACKEND_VHOST_USER_H */
