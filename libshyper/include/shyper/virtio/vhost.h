/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queues of a device that a worker of root's kernel serves (vhost): the driver's
 * notifications reach it, and its completions interrupt the driver, without any
 * process. A backend that has one
 *
 *	opens it, before it gives up privileges;
 *	in @driver_ok: shyper_vhost_start() for each queue, then has the worker
 *	  begin by the ioctl() of its kind on shyper_vhost_get_fd();
 *	in @queue_stop: has it end. The library does the rest;
 *	in @queue, of such a queue: the driver has made it ready later, or once more:
 *	  as in @driver_ok, then shyper_backend_kick(), so that the worker looks at it.
 *
 * For devices whose chains end in the order in which they were taken: where a
 * worker begins is where the used ring ends, whoever served the queue before.
 *
 * That the worker of a killed backend is gone before a successor begins: it
 * keeps the process' memory, which holds the bound file (docs/libshyper.md).
 */
#ifndef SHYPER_VIRTIO_VHOST_H
#define SHYPER_VIRTIO_VHOST_H

#include <shyper/virtio/backend.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shyper_vhost;

/* Of one worker; of its queues. */
#define SHYPER_VHOST_RINGS	2

/**
 * shyper_vhost_open - make a worker that sees the cell's memory
 * @path: "/dev/vhost-net" and the like
 * @ret_vhost: closed with the backend
 *
 * The negative errno of what failed; -EOPNOTSUPP: it lacks features that each
 * driver may use.
 */
SHYPER_API int shyper_vhost_open(struct shyper_backend *backend, const char *path,
				 struct shyper_vhost **ret_vhost);

SHYPER_API int shyper_vhost_get_fd(const struct shyper_vhost *vhost);

/* What it can offer to the driver, as bits of the device's features. */
SHYPER_API uint64_t shyper_vhost_get_features(const struct shyper_vhost *vhost);

/*
 * The numbers of ioctl() that shyper_vhost_start() makes, for a jail: a list within
 * braces. Needs <linux/vhost.h>.
 */
#define SHYPER_VHOST_CALLS \
	VHOST_SET_FEATURES, VHOST_SET_VRING_NUM, VHOST_SET_VRING_BASE, \
	VHOST_SET_VRING_ADDR, VHOST_SET_VRING_ERR, VHOST_SET_VRING_CALL, \
	VHOST_SET_VRING_KICK

/**
 * shyper_vhost_start - give a queue to a worker
 * @ring: which of its own it is to the worker, below SHYPER_VHOST_RINGS
 * @queue: of the device
 *
 * From here on @ops->queue is not called for it. -ENOENT: the driver has not
 * made it ready; else the negative errno of what failed, and it is as before.
 */
SHYPER_API int shyper_vhost_start(struct shyper_vhost *vhost, unsigned int ring,
				  unsigned int queue);

#ifdef __cplusplus
}
#endif

#endif /* SHYPER_VIRTIO_VHOST_H */
