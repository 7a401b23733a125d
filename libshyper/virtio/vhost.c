// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Workers of root's kernel that serve queues.
 *
 * Doorbell to eventfd to worker, worker to eventfd to interrupt: both ways stay
 * in the kernel (docs/theory-device-path.md, eventfds). What is left to the
 * process is to begin, to end, and to hear of a driver that broke a ring.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "backend.h"
#include "inflight.h"
#include "vhost.h"

/* The driver may use these at the rings themselves: a worker must know them. */
#define RING_FEATURES	(1ULL << VIRTIO_F_VERSION_1 | \
			 1ULL << VIRTIO_RING_F_INDIRECT_DESC | \
			 1ULL << VIRTIO_RING_F_EVENT_IDX)

/**
 * struct shyper_vhost
 * @fd: the worker's
 * @features: that it knows
 * @kicks: a queue's doorbell, -1: none
 * @call: interrupts the driver
 * @error: the driver broke a ring
 * @next: of the backend's
 */
struct shyper_vhost {
	struct shyper_backend *backend;
	int fd;
	uint64_t features;
	int kicks[SHYPER_VHOST_RINGS];
	int call;
	struct shyper_watch error;
	struct shyper_vhost *next;
};

int shyper_vhost_get_fd(const struct shyper_vhost *vhost)
{
	return vhost->fd;
}

uint64_t shyper_vhost_get_features(const struct shyper_vhost *vhost)
{
	return vhost->features;
}

static void vhost_close(struct shyper_vhost *vhost)
{
	unsigned int n;

	close_keep_errno(vhost->fd);
	for (n = 0; n < SHYPER_VHOST_RINGS; n++)
		close_keep_errno(vhost->kicks[n]);
	close_keep_errno(vhost->call);
	close_keep_errno(vhost->error.fd);
	free(vhost);
}

void vhost_close_all(struct shyper_backend *backend)
{
	while (backend->vhosts) {
		struct shyper_vhost *vhost = backend->vhosts;

		backend->vhosts = vhost->next;
		vhost_close(vhost);
	}
}

static int call(const struct shyper_vhost *vhost, unsigned long number, void *argument)
{
	return ioctl(vhost->fd, number, argument) ? -errno : 0;
}

/* The memory as this process has it mapped: that is where the worker looks. */
static int set_memory(const struct shyper_vhost *vhost)
{
	const struct shyper_memory *memory = &vhost->backend->memory;
	struct {
		struct vhost_memory head;
		struct vhost_memory_region regions[HVISOR_MAX_REGIONS];
	} table = { .head = { .nregions = memory->nr_regions } };
	unsigned int n;

	for (n = 0; n < memory->nr_regions; n++) {
		table.regions[n].guest_phys_addr = memory->regions[n].ipa;
		table.regions[n].memory_size = memory->regions[n].length;
		table.regions[n].userspace_addr = (uintptr_t)memory->regions[n].host;
	}
	return call(vhost, VHOST_SET_MEM_TABLE, &table);
}

static void vhost_failed(struct shyper_backend *backend, struct shyper_watch *watch,
			 uint32_t events)
{
	eventfd_t count;

	(void)events;
	eventfd_read(watch->fd, &count);
	backend_fail(backend);
}

static int make_event(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static int make_events(struct shyper_vhost *vhost)
{
	unsigned int n;

	for (n = 0; n < SHYPER_VHOST_RINGS; n++) {
		vhost->kicks[n] = make_event();
		if (vhost->kicks[n] < 0)
			return -errno;
	}
	vhost->call = make_event();
	vhost->error.fd = vhost->call < 0 ? -1 : make_event();
	if (vhost->error.fd < 0)
		return -errno;
	vhost->error.ready = vhost_failed;
	return shyper_backend_watch(vhost->backend, &vhost->error, EPOLLIN);
}

static int vhost_set_up(struct shyper_vhost *vhost, const char *path)
{
	int err;

	vhost->fd = open(path, O_RDWR | O_CLOEXEC);
	if (vhost->fd < 0)
		return -errno;
	err = call(vhost, VHOST_SET_OWNER, NULL);
	if (!err)
		err = call(vhost, VHOST_GET_FEATURES, &vhost->features);
	if (!err && (vhost->features & RING_FEATURES) != RING_FEATURES)
		err = -EOPNOTSUPP;
	if (!err)
		err = set_memory(vhost);
	return err ? err : make_events(vhost);
}

int shyper_vhost_open(struct shyper_backend *backend, const char *path,
		      struct shyper_vhost **ret_vhost)
{
	struct shyper_vhost *vhost = calloc(1, sizeof(*vhost));
	int err;

	if (!vhost)
		return -ENOMEM;
	vhost->backend = backend;
	vhost->kicks[0] = vhost->kicks[1] = vhost->call = vhost->error.fd = -1;
	err = vhost_set_up(vhost, path);
	if (err) {
		vhost_close(vhost);
		return err;
	}
	vhost->next = backend->vhosts;
	backend->vhosts = vhost;
	*ret_vhost = vhost;
	return 0;
}

static int set_file(const struct shyper_vhost *vhost, unsigned long number,
		    unsigned int ring, int fd)
{
	struct vhost_vring_file file = { .index = ring, .fd = fd };

	return call(vhost, number, &file);
}

static int set_ring(const struct shyper_vhost *vhost, unsigned int ring,
		    const struct shyper_queue *queue)
{
	uint64_t features = vhost->features &
		shyper_backend_get_driver_features(vhost->backend);
	struct vhost_vring_state size = { ring, queue->size };
	struct vhost_vring_state base = { ring, queue->used_idx };
	struct vhost_vring_addr where = {
		.index = ring,
		.desc_user_addr = (uintptr_t)queue->desc,
		.used_user_addr = (uintptr_t)queue->used,
		.avail_user_addr = (uintptr_t)queue->avail,
	};
	int err;

	err = call(vhost, VHOST_SET_FEATURES, &features);
	if (!err)
		err = call(vhost, VHOST_SET_VRING_NUM, &size);
	if (!err)
		err = call(vhost, VHOST_SET_VRING_BASE, &base);
	if (!err)
		err = call(vhost, VHOST_SET_VRING_ADDR, &where);
	if (!err)
		err = set_file(vhost, VHOST_SET_VRING_ERR, ring, vhost->error.fd);
	if (!err)
		err = set_file(vhost, VHOST_SET_VRING_CALL, ring, vhost->call);
	return err ? err : set_file(vhost, VHOST_SET_VRING_KICK, ring, vhost->kicks[ring]);
}

static int connect_events(const struct shyper_vhost *vhost, unsigned int ring,
			  unsigned int queue)
{
	int link = vhost->backend->link.fd;
	int err = link_irqfd(link, vhost->call, HVISOR_INTERRUPT_USED);

	/* Of both rings there is one. */
	if (err && err != -EBUSY)
		return err;
	return link_ioeventfd(link, vhost->kicks[ring], queue, true);
}

int shyper_vhost_start(struct shyper_vhost *vhost, unsigned int ring, unsigned int queue)
{
	struct shyper_backend *backend = vhost->backend;
	int err;

	if (ring >= SHYPER_VHOST_RINGS || queue >= backend->decl.nr_queues)
		return -EINVAL;
	if (!backend_adopt(backend, queue))
		return -ENOENT;
	err = set_ring(vhost, ring, &backend->queues[queue]);
	if (!err)
		err = connect_events(vhost, ring, queue);
	if (err)
		return err;
	/* The worker keeps no account: whoever comes next goes by the used ring. */
	inflight_abandon(&backend->queues[queue]);
	backend->given[queue] = vhost->kicks[ring];
	return 0;
}

void vhost_stop(struct shyper_backend *backend, unsigned int queue)
{
	if (backend->given[queue] < 0)
		return;
	backend->ops->queue_stop(backend, queue);
	link_ioeventfd(backend->link.fd, backend->given[queue], queue, false);
	backend->given[queue] = -1;
}
