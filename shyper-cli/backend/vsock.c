// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-vsock: a virtio socket device (virtio 1.2, 5.10). Programs of root and
 * of the guest talk to each other without any network; the kernel of root moves
 * what they say (vhost-vsock), and only events are this process'.
 */
#include <endian.h>
#include <errno.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <shyper/virtio/vhost.h>

#include "program.h"

#define VHOST_PATH	"/dev/vhost-vsock"
#define QUEUE_SIZE	256
/* 0 to 2 are taken: hypervisor, loopback, root (vsock(7)). */
#define FIRST_CID	3

enum { RECEIVE, TRANSMIT, EVENT, NR_QUEUES };

/**
 * struct vsock
 * @given: bit n: the worker has queue n
 * @lost: the driver has to be told that its connections are gone
 */
struct vsock {
	struct shyper_vhost *vhost;
	unsigned int given;
	bool lost;
};

static int set_running(const struct vsock *vsock, int running)
{
	return ioctl(shyper_vhost_get_fd(vsock->vhost), VHOST_VSOCK_SET_RUNNING, &running) ?
	       -errno : 0;
}

static int give_queue(struct vsock *vsock, unsigned int index)
{
	int err;

	if (vsock->given & 1U << index)
		return 0;
	err = shyper_vhost_start(vsock->vhost, index, index);
	if (!err)
		vsock->given |= 1U << index;
	return err;
}

static void give_queues(struct shyper_backend *backend)
{
	struct vsock *vsock = shyper_backend_get_data(backend);
	int err = give_queue(vsock, RECEIVE);

	if (!err)
		err = give_queue(vsock, TRANSMIT);
	if (!err)
		err = set_running(vsock, 1);
	/* A driver of half of the queues talks to nobody, and may. */
	if (err == -ENOENT)
		return;
	if (err) {
		say(SAY_ERROR, VHOST_PATH ": %s", strerror(-err));
		_exit(SHYPER_EXIT_RESTART);
	}
	/* It has seen no doorbell while it stood still. */
	shyper_backend_kick(backend, RECEIVE);
	shyper_backend_kick(backend, TRANSMIT);
}

/* 5.10.6.7: connections end with the worker that knew them. */
static bool vsock_queue(struct shyper_backend *backend, struct shyper_queue *queue)
{
	static const struct virtio_vsock_event event = {
		.id = VIRTIO_VSOCK_EVENT_TRANSPORT_RESET,
	};
	struct vsock *vsock = shyper_backend_get_data(backend);
	struct iovec segments[QUEUE_SIZE];
	struct shyper_chain chain = { .iov = segments, .max_segments = QUEUE_SIZE };

	/* Made ready later than the driver, or once more. */
	if (shyper_queue_get_index(queue) != EVENT) {
		give_queues(backend);
		return false;
	}
	if (!vsock->lost || shyper_queue_pop(queue, &chain) <= 0)
		return false;
	if (chain.in_length < sizeof(event)) {
		shyper_queue_break(queue, chain.head);
		return false;
	}
	shyper_iov_write(chain.iov + chain.nr_out, chain.nr_in, 0, &event, sizeof(event));
	shyper_backend_count(backend, SHYPER_COUNT_OTHERS, 1);
	shyper_queue_push(queue, chain.head, sizeof(event));
	vsock->lost = false;
	return false;
}

static void vsock_driver_ok(struct shyper_backend *backend)
{
	give_queues(backend);
}

static void vsock_queue_stop(struct shyper_backend *backend, unsigned int index)
{
	struct vsock *vsock = shyper_backend_get_data(backend);

	/* Both of them: a device of one queue serves nobody. */
	set_running(vsock, 0);
	vsock->given &= ~(1U << index);
}

static void vsock_reset(struct shyper_backend *backend)
{
	struct vsock *vsock = shyper_backend_get_data(backend);

	vsock->lost = false;
}

static const struct shyper_backend_ops vsock_ops = {
	.device_id = VIRTIO_ID_VSOCK,
	.nr_queues = NR_QUEUES,
	.queue_max = QUEUE_SIZE,
	.queue = vsock_queue,
	.driver_ok = vsock_driver_ok,
	.queue_stop = vsock_queue_stop,
	.reset = vsock_reset,
};

/* The number of the guest; 2 more than the cell's, if none is given. */
static int read_cid(uint64_t *cid, const char *device, const json_t *config)
{
	unsigned int number = FIRST_CID - 1 + atoi(device + strlen("cell"));

	if (config_range(config, "cid", FIRST_CID, UINT32_MAX - 1, &number))
		return -EINVAL;
	*cid = number;
	return 0;
}

static int open_worker(struct shyper_backend *backend, struct vsock *vsock, uint64_t cid)
{
	int err = shyper_vhost_open(backend, VHOST_PATH, &vsock->vhost);

	if (err) {
		say(SAY_ERROR, VHOST_PATH ": %s; load it by 'modprobe vhost_vsock'",
		    strerror(-err));
		return SHYPER_EXIT_CONFIG;
	}
	if (!ioctl(shyper_vhost_get_fd(vsock->vhost), VHOST_VSOCK_SET_GUEST_CID, &cid))
		return 0;
	say(SAY_ERROR, "cid %llu: %s", (unsigned long long)cid,
	    errno == EADDRINUSE ? "is that of another device" : strerror(errno));
	return SHYPER_EXIT_CONFIG;
}

static int vsock_open(struct shyper_backend *backend, const json_t *config)
{
	struct vsock *vsock = shyper_backend_get_data(backend);
	struct virtio_vsock_config space;
	uint64_t cid;
	int status;

	if (read_cid(&cid, shyper_backend_get_name(backend), config))
		return SHYPER_EXIT_CONFIG;
	status = open_worker(backend, vsock, cid);
	if (status)
		return status;
	space.guest_cid = htole64(cid);
	shyper_backend_set_config(backend, &space, sizeof(space));
	shyper_backend_offer(backend, shyper_vhost_get_features(vsock->vhost) &
			     1ULL << VIRTIO_VSOCK_F_SEQPACKET);
	/* A driver that is there already had another worker. */
	vsock->lost = shyper_backend_get_driver_features(backend) &
		      1ULL << VIRTIO_F_VERSION_1;
	return 0;
}

int main(int argc, char **argv)
{
	static struct vsock vsock;
	static const unsigned long calls[] = {
		SHYPER_VHOST_CALLS, VHOST_VSOCK_SET_RUNNING, 0
	};
	static const struct backend_program program = {
		.name = "shyper-vsock",
		.ops = &vsock_ops,
		.data = &vsock,
		.calls = calls,
		.open = vsock_open,
	};

	return backend_main(argc, argv, &program);
}
