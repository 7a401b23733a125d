/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A backend: the process that serves one device of a cell. A program gives a
 * constant table of operations; binding, mapping, declaring, the event loop,
 * going on after a predecessor's death, and draining before a reset, a queue
 * stop, a stop of the cell, SIGTERM or SIGHUP are done here.
 *
 *	shyper_backend_open()	bind, map; what needs privileges
 *	  ... open files, lock, shyper_backend_offer(), _set_config(), jail
 *	shyper_backend_attach()	account, declare
 *	shyper_backend_run()	serve, until a signal or the end of the device
 *	shyper_backend_close()
 *
 * docs/libshyper.md builds one in ten steps.
 *
 * The rules of shyper/ctx.h hold, with three exceptions. A process has one
 * backend. From shyper_backend_open() on SIGBUS is the library's: the pages of a
 * device that goes away fault, and the process then ends as done
 * (SHYPER_EXIT_DONE); from shyper_backend_attach() on SIGTERM, SIGINT and SIGHUP
 * are blocked and read by the loop, and SIGPIPE is ignored. And only
 * shyper_backend_open(), _attach(), _run() leave a report in the context. All is
 * called from one thread; operations are called from within shyper_backend_run().
 */
#ifndef SHYPER_VIRTIO_BACKEND_H
#define SHYPER_VIRTIO_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shyper/ctx.h>
#include <shyper/virtio/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shyper_backend;

/* What a backend's exit status tells whoever starts it again. */
#define SHYPER_EXIT_DONE	0	/* stopped, or the device is gone */
#define SHYPER_EXIT_RESTART	1	/* failed: start it again */
#define SHYPER_EXIT_CONFIG	2	/* command line or configuration: would fail again */
#define SHYPER_EXIT_BUSY	3	/* another backend serves the device */

/**
 * struct shyper_backend_ops - a device
 * @device_id: virtio device ID (virtio 1.2, 5); 0: a foreign MMIO region
 * @nr_queues: virtqueues, at most as many as the cell's configuration says (16)
 * @queue_max: largest size of each, a power of two up to 1024; the cell's
 *	configuration may lower it
 * @features: offered, beside VERSION_1, INDIRECT_DESC and EVENT_IDX, which
 *	every virtio device has
 * @queue: serve @queue: pop and push. True: it gave up before the queue was
 *	empty and wants to be called again soon. Not called for a broken queue
 *	or while something waits for the device to be quiet.
 * @driver_ok: the driver is ready, and what it has accepted stays until @reset;
 *	also for a backend that comes when it is
 * @drain: the queues of a mask are to end, which waits for what is in flight in
 *	them: chains that wait for an event may be pushed, empty, or left
 * @queue_stop: whoever queue @index was given to (shyper/virtio/vhost.h,
 *	shyper_backend_lend()) is to touch it no more after the return
 * @reset: the driver's queues are forgotten; nothing is in flight. Of a foreign
 *	region: the cell was stopped, the device is as after power-on from now on
 * @config_store: the driver writes to the configuration space, and waits for
 *	the return; the space stays as it is, unless it is changed by
 *	shyper_backend_change_config()
 * @load: @store: access to a foreign region by CPU number @cpu of the cell,
 *	which waits for the return; @length is 1, 2, 4 or 8. Without them loads
 *	give 0 and stores are dropped.
 * @attached: the device is declared: what a predecessor has left undone can be
 *	done, its interrupt raised
 * @reserved: NULL
 *
 * All but @device_id are optional. The table is used, not copied.
 */
struct shyper_backend_ops {
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
	void (*driver_ok)(struct shyper_backend *backend);
	void (*queue_stop)(struct shyper_backend *backend, unsigned int index);
	void (*attached)(struct shyper_backend *backend);
	void (*drain)(struct shyper_backend *backend, uint32_t queues);
	void (*reserved[3])(void);
};

/**
 * shyper_backend_open - bind to a device and map its pages and its cell's memory
 * @name: "cell1.blk0"
 * @data: for shyper_backend_get_data()
 * @ret_backend: freed by shyper_backend_close()
 *
 * Waits up to 5 s for a predecessor that is dying. Needs CAP_SYS_ADMIN.
 *
 * -ENODEV: no such device, or no module; -EBUSY: another backend is bound;
 * -EPERM; -EPROTO: the device is of another kind than @ops, or has fewer
 * queues; -EINVAL: @ops breaks a limit; -ENOMEM.
 */
SHYPER_API int shyper_backend_open(struct shyper_ctx *ctx, const char *name,
				   const struct shyper_backend_ops *ops, void *data,
				   struct shyper_backend **ret_backend);

/*
 * Offer more features; until attached. What the cell's configuration withholds by
 * its key "features" is not offered, whoever wants to.
 */
SHYPER_API void shyper_backend_offer(struct shyper_backend *backend,
				     uint64_t features);

/*
 * Serve @nr queues, not @ops->nr_queues; until attached. -EINVAL: a device has no
 * more than 16; -EPROTO: the cell's configuration gives the device fewer.
 */
SHYPER_API int shyper_backend_set_queues(struct shyper_backend *backend,
					 unsigned int nr);

/*
 * Be the device of this virtio device ID, not of @ops->device_id; until
 * attached. -EINVAL: there is no such ID.
 */
SHYPER_API int shyper_backend_set_device_id(struct shyper_backend *backend,
					    uint32_t device_id);

/*
 * Go on looking at the queues for a while before each sleep, within a budget of
 * CPU time, so that a driver that is busy need not notify; until attached. Off by
 * default, and with SHYPER_POLL=0 in the environment whatever @on says. For a device
 * that takes all that comes to its queues, or puts it back by shyper_queue_unpop().
 */
SHYPER_API void shyper_backend_set_polling(struct shyper_backend *backend, bool on);

/*
 * Set the device's configuration space, @length up to 256 bytes of @config,
 * which is copied; until attached. -E2BIG: it is longer. A successor's may have
 * other content, which the driver is told of, but must have the same length.
 */
SHYPER_API int shyper_backend_set_config(struct shyper_backend *backend,
					 const void *config, size_t length);

/**
 * shyper_backend_change_config - change @length bytes at @offset of what
 *	shyper_backend_set_config() has set
 *
 * Once attached the driver is told of it by a new generation and an interrupt,
 * and sees all of the change or nothing of it. What is the same already is not
 * told. To take over what a driver has written call it from @config_store.
 *
 * -EINVAL: beyond the configuration space. -ENODEV: the device is gone.
 * Nothing has changed then.
 */
SHYPER_API int shyper_backend_change_config(struct shyper_backend *backend,
					    size_t offset, const void *bytes,
					    size_t length);

/*
 * Copy to @config, up to @size bytes, what the driver sees: for a successor what
 * its predecessor has left. Returns the length of the configuration space, 0 as
 * long as the device was never declared.
 */
SHYPER_API size_t shyper_backend_read_config(const struct shyper_backend *backend,
					     void *config, size_t size);

/**
 * shyper_backend_attach - take over the account, declare the device, tell the
 *	service manager (NOTIFY_SOCKET) that it is ready
 *
 * All I/O of a predecessor must have ended: whoever does I/O that can outlive
 * its process holds a lock on the very descriptor and takes it before this.
 *
 * -EINVAL: the device was declared before, and differently: what the driver has
 * seen stays; or the key "features" has what such a device does not. -ENODEV: the
 * device is gone.
 */
SHYPER_API int shyper_backend_attach(struct shyper_backend *backend);

/*
 * Serve. 0: SIGTERM or SIGINT came and nothing is in flight any more but what was
 * left by shyper_backend_leave(); 1: the same of SIGHUP: a successor is wanted
 * (SHYPER_EXIT_RESTART); -ENODEV: the device is gone; else an error.
 */
SHYPER_API int shyper_backend_run(struct shyper_backend *backend);

/* The device is without backend then, which its driver does not see. */
SHYPER_API void shyper_backend_close(struct shyper_backend *backend);

/* As given to shyper_backend_open(). */
SHYPER_API const char *
shyper_backend_get_name(const struct shyper_backend *backend);
SHYPER_API void *shyper_backend_get_data(const struct shyper_backend *backend);
/* CPUs of the cell. */
SHYPER_API unsigned int
shyper_backend_get_nr_cpus(const struct shyper_backend *backend);
/* Largest size that the driver can give a queue. */
SHYPER_API unsigned int
shyper_backend_get_queue_max(const struct shyper_backend *backend);
/* What the driver has accepted; valid while a queue is ready. */
SHYPER_API uint64_t
shyper_backend_get_driver_features(const struct shyper_backend *backend);
/*
 * SHYPER_OPTIONS_SIZE bytes for what the driver has set through the device (a
 * filter, a mode, registers): they outlive the process, are zero when the cell is
 * created, and are otherwise the backend's alone. Nobody clears them when the
 * device is reset; by the epoch, which counts resets, a successor can tell
 * whether they are void. NULL: of a foreign region, whose hypervisor is older than
 * ABI 1.3 (control/abi_version in sysfs).
 */
#define SHYPER_OPTIONS_SIZE	256
SHYPER_API void *shyper_backend_get_options(struct shyper_backend *backend);
SHYPER_API uint32_t shyper_backend_get_epoch(const struct shyper_backend *backend);
/* Chains of a dead predecessor that are served again; once attached. */
SHYPER_API unsigned int
shyper_backend_get_reissued(const struct shyper_backend *backend);

/**
 * struct shyper_cell_region - a part of the cell's memory
 * @ipa: @length: as the guest sees it
 * @host: where it is mapped in this process
 * @fd: @offset: where it is in a memfd; the descriptor is the caller's to close
 * @is_readonly: the guest may not write to it
 */
struct shyper_cell_region {
	uint64_t ipa;
	uint64_t length;
	void *host;
	int fd;
	uint64_t offset;
	bool is_readonly;
};

/*
 * Region @index of the cell's memory, from 0, for those to whom a part of the
 * backend's work is given. -ENOENT: there are no more.
 */
SHYPER_API int shyper_backend_get_region(struct shyper_backend *backend,
					 unsigned int index,
					 struct shyper_cell_region *ret_region);

/* The bound descriptor of /dev/hvisor, for a jail; stays the backend's. */
SHYPER_API int shyper_backend_get_fd(const struct shyper_backend *backend);

/* A queue, or NULL while the driver has not made it ready. */
SHYPER_API struct shyper_queue *
shyper_backend_get_queue(struct shyper_backend *backend, unsigned int index);

/*
 * Have @ops->queue called for queue @index, below 16: there is something new
 * for it that is not the driver's (input, a completion).
 */
SHYPER_API void shyper_backend_kick(struct shyper_backend *backend,
				    unsigned int index);

/*
 * For @ops->drain. True: a signal ends this process, not the queue: what is in
 * flight in queue @index stays so, is not waited for, and is popped again by a
 * successor; nobody may touch it in between. False: the queue is to end for its
 * driver, too.
 */
SHYPER_API bool shyper_backend_leave(struct shyper_backend *backend,
				     unsigned int index);

/**
 * struct shyper_ring - a queue, for whoever is to serve it in our place
 * @size: entries
 * @epoch: differs for each queue that a driver has made ready under this index
 * @desc: @driver: @device: descriptor table, available and used ring, guest addresses
 * @in_flight: chains in the library's account
 * @used_idx: of the used ring, when the queue was taken up
 * @is_ending: driver or hypervisor wait for its end already: it will not be served
 * @is_lent: a process died that had lent it, and had not taken it back; until it is
 *	taken up
 */
struct shyper_ring {
	uint32_t size;
	uint32_t epoch;
	uint64_t desc;
	uint64_t driver;
	uint64_t device;
	uint32_t in_flight;
	uint16_t used_idx;
	uint8_t is_ending;
	uint8_t is_lent;
};

/* -ENOENT: the driver has made no queue @index, below 16, ready. */
SHYPER_API int shyper_backend_get_ring(const struct shyper_backend *backend,
				       unsigned int index,
				       struct shyper_ring *ret_ring);

/**
 * shyper_backend_lend - give queue @index to another process
 * @kick: eventfd: the driver's notifications; signalled once now
 * @call: eventfd: interrupts the driver, now and whenever it is signalled
 *
 * From @queue, where it is called, until @queue_stop the queue is that process'
 * alone; both eventfds stay the caller's, and open. What it has in flight it must
 * itself leave to a successor. As long as it is not taken back the device
 * counts as one that may be worked on, even when this process has died: the cell is not
 * started again before a successor has taken it up, who must know by then that
 * whoever had the queue has left it.
 *
 * -EBUSY: the library knows of chains in flight, or it is given away already;
 * -ENOENT: the driver has not made it ready; -EINVAL: there is no @queue_stop.
 */
SHYPER_API int shyper_backend_lend(struct shyper_backend *backend, unsigned int index,
				   int kick, int call);

/*
 * Keep a memfd with the device, in place of the one before, or, with -1, none: it
 * outlives this process and goes with the cell. -ENOTTY: the module is older.
 */
SHYPER_API int shyper_backend_keep(struct shyper_backend *backend, int fd);

/* A new descriptor of it, the caller's. -ENOENT: none is kept. */
SHYPER_API int shyper_backend_get_kept(const struct shyper_backend *backend,
				       int *ret_fd);

/*
 * Interrupt the driver if it wants to know of what was pushed; NULL: nothing.
 * Wanted only for what is pushed outside of @ops->queue.
 */
SHYPER_API void shyper_backend_notify(struct shyper_backend *backend,
				      struct shyper_queue *queue);

/*
 * The interrupt of a foreign region, a level: it is asserted, or not, until the
 * next call or the device's reset; once attached. -EINVAL: it has none, or the
 * hypervisor is older than ABI 1.3.
 */
SHYPER_API int shyper_backend_set_level(struct shyper_backend *backend, bool high);

/* What a backend counts, for sysfs; since the cell was created. */
enum shyper_counter {
	SHYPER_COUNT_READS,	/* blk: read requests; net, console: buffers to the guest */
	SHYPER_COUNT_READ_BYTES,
	SHYPER_COUNT_WRITES,
	SHYPER_COUNT_WRITE_BYTES,
	SHYPER_COUNT_FLUSHES,
	SHYPER_COUNT_OTHERS,
	SHYPER_COUNT_ERRORS,	/* answered with an error */
};

/* Adds @more to a counter. */
SHYPER_API void shyper_backend_count(struct shyper_backend *backend,
				     enum shyper_counter counter, uint64_t more);

/**
 * struct shyper_watch - a descriptor in the event loop; its memory is the
 *	caller's, and must stay while it is watched
 * @fd: to be watched; stays the caller's
 * @ready: called with the EPOLL* bits
 * @data: the caller's
 */
struct shyper_watch {
	int fd;
	void (*ready)(struct shyper_backend *backend, struct shyper_watch *watch,
		      uint32_t events);
	void *data;
};

/*
 * Begin to watch, watch for other events, end. @events: EPOLL* bits, level
 * triggered unless they say otherwise. The negative errno of epoll_ctl().
 */
SHYPER_API int shyper_backend_watch(struct shyper_backend *backend,
				    struct shyper_watch *watch, uint32_t events);
SHYPER_API int shyper_backend_rewatch(struct shyper_backend *backend,
				      struct shyper_watch *watch,
				      uint32_t events);
SHYPER_API void shyper_backend_unwatch(struct shyper_backend *backend,
				       struct shyper_watch *watch);

#ifdef __cplusplus
}
#endif

#endif /* SHYPER_VIRTIO_BACKEND_H */
