// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-net: packets between the guest's queues and the tap. Both carry the
 * same header (virtio 1.2, 5.1.6), so that what is offloaded stays so.
 *
 * Each packet is handed back to the guest at once: when the process is killed one
 * packet of each queue at most is sent twice, and no buffer of the guest's is
 * lost. What the tap has not given yet is lost with the tap, as on any network.
 */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net.h"

/* Packets for a wake-up; then other queues and requests get their turn. */
#define BATCH	64

static bool accepted(const struct shyper_backend *backend, uint64_t feature)
{
	return shyper_backend_get_driver_features(backend) & feature;
}

/**
 * struct delivery - a packet on its way into buffers of the guest
 * @done: bytes of it that are in them
 * @nr: buffers taken
 * @heads: @lengths: of each
 * @count: where the guest finds their number
 */
struct delivery {
	size_t done;
	unsigned int nr;
	uint16_t heads[QUEUE_SIZE];
	uint32_t lengths[QUEUE_SIZE];
	struct iovec count[sizeof(__le16)];
	unsigned int nr_count;
};

enum delivered { DELIVERED, NO_BUFFERS, TOO_LARGE, BROKEN };

static void undo(struct shyper_queue *queue, struct delivery *delivery)
{
	while (delivery->nr)
		shyper_queue_unpop(queue, delivery->heads[--delivery->nr]);
}

/* Fills a buffer. False: it is none. */
static bool fill(struct delivery *delivery, const struct shyper_chain *chain,
		 const struct net_pair *pair)
{
	const struct iovec *iov = chain->iov + chain->nr_out;
	uint32_t length;

	/* 5.1.6.3: each has room for a header at the least, and is written only. */
	if (chain->nr_out || chain->in_length < HEADER_SIZE)
		return false;
	length = shyper_iov_write(iov, chain->nr_in, 0, pair->packet + delivery->done,
				  pair->length - delivery->done);
	if (!delivery->nr)
		delivery->nr_count = shyper_iov_slice(
			delivery->count, iov, chain->nr_in,
			offsetof(struct virtio_net_hdr_v1, num_buffers), sizeof(__le16));
	delivery->heads[delivery->nr] = chain->head;
	delivery->lengths[delivery->nr++] = length;
	delivery->done += length;
	return true;
}

/* 5.1.6.4.1: the number of buffers comes first, and they come at once. */
static void hand_over(struct shyper_queue *queue, const struct delivery *delivery)
{
	__le16 count = htole16(delivery->nr);
	unsigned int n;

	shyper_iov_write(delivery->count, delivery->nr_count, 0, &count, sizeof(count));
	for (n = 0; n < delivery->nr; n++)
		shyper_queue_push(queue, delivery->heads[n], delivery->lengths[n]);
}

static enum delivered deliver(struct shyper_queue *queue, const struct net_pair *pair,
			      bool merge)
{
	unsigned int most = merge ? shyper_queue_get_size(queue) : 1;
	struct iovec segments[QUEUE_SIZE];
	struct shyper_chain chain = { .iov = segments, .max_segments = QUEUE_SIZE };
	struct delivery delivery = { 0 };
	int result;

	while (delivery.done < pair->length) {
		result = delivery.nr < most ? shyper_queue_pop(queue, &chain) : -E2BIG;
		if (result > 0 && fill(&delivery, &chain, pair))
			continue;
		if (result > 0) {
			undo(queue, &delivery);
			shyper_queue_break(queue, chain.head);
			return BROKEN;
		}
		undo(queue, &delivery);
		return result == -E2BIG ? TOO_LARGE : result ? BROKEN : NO_BUFFERS;
	}
	hand_over(queue, &delivery);
	return DELIVERED;
}

/* The next packet, if there is none that waits. False: there is none. */
static bool fetch(struct net_pair *pair)
{
	ssize_t length;

	if (pair->length)
		return true;
	length = read(pair->watch.fd, pair->packet, sizeof(pair->packet));
	if (length < (ssize_t)HEADER_SIZE)
		return false;
	pair->length = length;
	return true;
}

/*
 * The tap is watched edge-triggered: whoever stops for want of buffers is
 * called again when there are some, and reads on.
 */
bool net_receive(struct shyper_backend *backend, struct shyper_queue *queue,
		 struct net_pair *pair)
{
	bool merge = accepted(backend, FEATURE(MRG_RXBUF));
	unsigned int left;

	for (left = BATCH; left && fetch(pair); left--) {
		enum delivered result = deliver(queue, pair, merge);

		if (result == NO_BUFFERS || result == BROKEN)
			return false;
		shyper_backend_count(backend, SHYPER_COUNT_READS, 1);
		if (result == DELIVERED)
			shyper_backend_count(backend, SHYPER_COUNT_READ_BYTES,
					     pair->length - HEADER_SIZE);
		else
			shyper_backend_count(backend, SHYPER_COUNT_ERRORS, 1);
		pair->length = 0;
	}
	return !left;
}

/* The kind of segmentation that a packet may ask for (5.1.6.2.1). */
static bool gso_allowed(uint64_t features, uint8_t type)
{
	bool ecn = type & VIRTIO_NET_HDR_GSO_ECN;

	if (ecn && !(features & FEATURE(HOST_ECN)))
		return false;
	switch (type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return !ecn;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return features & FEATURE(HOST_TSO4);
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return features & FEATURE(HOST_TSO6);
	default:
		return false;
	}
}

/*
 * What the kernel gets is a copy of the header that is within the packet and
 * within what was negotiated.
 */
static bool header_check(struct virtio_net_hdr_v1 *header, size_t length,
			 uint64_t features)
{
	uint32_t start = le16toh(header->csum_start);
	uint32_t offset = le16toh(header->csum_offset);

	if (!gso_allowed(features, header->gso_type))
		return false;
	/* 5.1.6.2.1: the other flags are the device's to set. */
	header->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->num_buffers = 0;
	if (header->flags && (!(features & FEATURE(CSUM)) ||
			      start + offset + sizeof(__le16) > length))
		return false;
	if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		header->gso_size = 0;
		header->hdr_len = 0;
		return true;
	}
	return header->flags && header->gso_size && le16toh(header->hdr_len) <= length;
}

/* Writes a packet out. False: it could not be. */
static bool send_packet(const struct net_pair *pair, const struct shyper_chain *chain,
			uint64_t features)
{
	size_t length = chain->out_length - HEADER_SIZE;
	struct virtio_net_hdr_v1 header;
	struct iovec packet[QUEUE_SIZE + 1] = { { &header, sizeof(header) } };
	unsigned int nr;

	if (length < ETH_HLEN || chain->out_length > PACKET_SIZE)
		return false;
	shyper_iov_read(chain->iov, chain->nr_out, 0, &header, sizeof(header));
	if (!header_check(&header, length, features))
		return false;
	nr = shyper_iov_slice(packet + 1, chain->iov, chain->nr_out, HEADER_SIZE, length);
	return writev(pair->watch.fd, packet, nr + 1) >= 0;
}

bool net_transmit(struct shyper_backend *backend, struct shyper_queue *queue,
		  const struct net_pair *pair, bool link)
{
	uint64_t features = shyper_backend_get_driver_features(backend);
	struct iovec segments[QUEUE_SIZE];
	struct shyper_chain chain = { .iov = segments, .max_segments = QUEUE_SIZE };
	unsigned int left;

	for (left = BATCH; left; left--) {
		if (shyper_queue_pop(queue, &chain) <= 0)
			return false;
		if (chain.out_length < HEADER_SIZE) {
			shyper_queue_break(queue, chain.head);
			return false;
		}
		shyper_backend_count(backend, SHYPER_COUNT_WRITES, 1);
		if (link && send_packet(pair, &chain, features))
			shyper_backend_count(backend, SHYPER_COUNT_WRITE_BYTES,
					     chain.out_length - HEADER_SIZE);
		else
			shyper_backend_count(backend, SHYPER_COUNT_ERRORS, 1);
		shyper_queue_push(queue, chain.head, 0);
	}
	return true;
}
