/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A backend: the process that serves one device of a cell. A program gives a
 * constant table of operations; binding, mapping, declaring, the event loop,
 * going on after a predecessor's death, and draining before a reset, a queue
 * stop, a stop of the cell or SIGTERM are done here.
 *
 *	shyper_backend_open()	bind, map; what needs privileges
 *	  ... open files, lock, shyper_backend_offer(), _set_config(), jail
 *	shyper_backend_attach()	account, declare
 *	shyper_backend_run()	serve, until SIGTERM or the end of the device
 *	shyper_backend_close()
 *
 * All that return int give 0 or a negative errno. Nothing is printed. From
 * shyper_backend_attach() on SIGTERM, SIGINT and SIGBUS are the library's (the
 * pages of a device that goes away fault: the process then ends as done).
 */
#ifndef SHYPER_VIRTIO_BACKEND_H
#define SHYPER_VIRTIO_BACKEND_H

#include <shyper/virtio/queue.h>

struct shyper_backend;

/* What a backend's exit status tells whoever starts it again. */
#define SHYPER_EXIT_DONE	0	/* stopped, or the device is gone */
#define SHYPER_EXIT_RESTART	1	/* failed: start it again */
#define SHYPER_EXIT_CONFIG	2	/* command line or configuration: would fail again */
#define SHYPER_EXIT_BUSY	3	/* another backend serves the device */

/**
 * struct shyper_device_ops - a device
 * @device_id: virtio device ID; 0: a foreign MMIO region
 * @nr_queues: virtqueues
 * @queue_max: largest size of each; the cell's configuration may lower it
 * @features: offered, beside VERSION_1, INDIRECT_DESC and EVENT_IDX, which
 *	every virtio device has
 * @queue: serve @queue: pop and push. True: it gave up before the queue was
 *	empty and wants to be called again soon. Not called for a broken queue
 *	or while something waits for the device to be quiet.
 * @reset: the driver's queues are forgotten; nothing is in flight
 * @config_store: the driver writes to the configuration space
 * @load: @store: access to a foreign region; @length is 1, 2, 4 or 8
 *
 * All but @device_id are optional.
 */
struct shyper_device_ops {
	uint32_t device_id;
	uint32_t nr_queues;
	uint32_t queue_max;
	uint64_t features;
	bool (*queue)(struct shyper_backend *backend, struct shyper_queue *queue);
	void (*reset)(struct shyper_backend *backend);
	void (*config_store)(struct shyper_backend *backend, uint32_t offset,
			     uint32_t length, uint64_t value);
	uint64_t (*load)(struct shyper_backend *backend, unsigned int cpu,
			 uint32_t offset, uint32_t length);
	void (*store)(struct shyper_backend *backend, unsigned int cpu,
		      uint32_t offset, uint32_t length, uint64_t value);
};

/**
 * shyper_backend_open - bind to the device @name (say "cell1.blk0") and map it
 * @data: for shyper_backend_data()
 *
 * -ENODEV: no such device; -EBUSY: another backend is bound; -EPERM;
 * -EPROTO: the device is of another kind than @ops.
 */
int shyper_backend_open(struct shyper_backend **backend, const char *name,
			const struct shyper_device_ops *ops, void *data);

/* Offer more features; until attached. */
void shyper_backend_offer(struct shyper_backend *backend, uint64_t features);

/* Set the configuration space, up to HVISOR_MAX_CONFIG bytes; until attached. */
int shyper_backend_set_config(struct shyper_backend *backend, const void *config,
			      size_t length);

/**
 * shyper_backend_attach - take over the account, declare the device, tell the
 *	service manager that it is ready
 *
 * All I/O of a predecessor must have ended: whoever does I/O that can outlive
 * its process holds a lock on the very descriptor and takes it before this.
 */
int shyper_backend_attach(struct shyper_backend *backend);

/* Serve. 0: SIGTERM, drained; -ENODEV: the device is gone; else an error. */
int shyper_backend_run(struct shyper_backend *backend);

void shyper_backend_close(struct shyper_backend *backend);

const char *shyper_backend_name(const struct shyper_backend *backend);
void *shyper_backend_data(const struct shyper_backend *backend);
struct hvisor_backend_counters *
shyper_backend_counters(const struct shyper_backend *backend);
unsigned int shyper_backend_nr_cpus(const struct shyper_backend *backend);
/* Largest size that the driver can give a queue. */
unsigned int shyper_backend_queue_max(const struct shyper_backend *backend);
/* What the driver has accepted; valid while a queue is ready. */
uint64_t shyper_backend_driver_features(const struct shyper_backend *backend);
/* Chains of a dead predecessor that are served again. */
unsigned int shyper_backend_reissued(const struct shyper_backend *backend);
/* Descriptor of /dev/hvisor, for a jail. */
int shyper_backend_fd(const struct shyper_backend *backend);

/* A queue, or NULL while the driver has not made it ready. */
struct shyper_queue *shyper_backend_queue(struct shyper_backend *backend,
					  unsigned int index);

/* Have @ops->queue called for a queue: there is something new for it. */
void shyper_backend_kick(struct shyper_backend *backend, unsigned int index);

/* Interrupt the driver if it wants to know of what was pushed. */
void shyper_backend_notify(struct shyper_backend *backend, struct shyper_queue *queue);

/* Add to a counter that sysfs shows. */
static inline void shyper_count(__u64 *counter, uint64_t more)
{
	__atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

/**
 * struct shyper_watch - a descriptor in the event loop; its memory is the caller's
 * @fd: to be watched
 * @ready: called with the EPOLL* bits
 * @data: the caller's
 */
struct shyper_watch {
	int fd;
	void (*ready)(struct shyper_backend *backend, struct shyper_watch *watch,
		      uint32_t events);
	void *data;
};

int shyper_backend_watch(struct shyper_backend *backend, struct shyper_watch *watch,
			 uint32_t events);
int shyper_backend_rewatch(struct shyper_backend *backend,
			   struct shyper_watch *watch, uint32_t events);
void shyper_backend_unwatch(struct shyper_backend *backend,
			    struct shyper_watch *watch);

#endif /* SHYPER_VIRTIO_BACKEND_H */
