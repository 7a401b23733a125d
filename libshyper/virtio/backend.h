/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside of a backend.
 *
 *	backend.c	life and event loop
 *	serve.c		requests of EL2, queues
 *	withhold.c	features that are not offered
 *	lend.c		queues that somebody else serves
 *	vhost.c		the kernel
 *	poll.c		how long to look before it sleeps
 *	link.c		the bound file
 */
#ifndef VIRTIO_BACKEND_H
#define VIRTIO_BACKEND_H

#include <jansson.h>

#include <shyper/virtio/backend.h>

#include "../internal.h"
#include "link.h"
#include "memory.h"
#include "notify.h"
#include "poll.h"
#include "queue.h"

/* One for each CPU, and the device's own. */
#define MAX_HELD	(HVISOR_MAX_CELL_CPUS + 1)

/**
 * struct shyper_backend
 * @page: as EL2 shows the device
 * @state: what outlives us
 * @counters: in @state, or @no_counters if an old EL2 gives a region none
 * @decl: what the device is declared to be
 * @withheld: by their names, features that the configuration keeps from being offered
 * @pending: bit n: queue n is to be served
 * @first_queue: that is served first: behind the last one that took anything
 * @given: of each queue: eventfd of whoever else serves it, or -1
 * @lent: bit n: it is a process that serves queue n, which can make a write to its
 *	eventfd block
 * @vhosts: list of workers
 * @poll: how long it looks at its queues before it sleeps
 * @held: @nr_held requests that are answered once their queues are quiet
 * @manager: the service manager, until it was told that we are ready
 * @attached: declared
 * @failed: the driver broke a queue: it was told, and nothing new is taken from
 *	any queue until it has reset the device; who was given another one goes on
 * @stopping: a signal came: take nothing new
 * @replaced: it was SIGHUP: to be started again
 * @left: bit n: what is in flight in queue n is left to a successor
 * @error: ends the loop
 */
struct shyper_backend {
	struct shyper_ctx *ctx;
	char name[64];
	const struct shyper_backend_ops *ops;
	void *data;
	struct hvisor_device_info info;
	const struct hvisor_device_page *page;
	struct hvisor_device_state *state;
	struct hvisor_backend_counters *counters;
	struct hvisor_backend_counters no_counters;
	struct hvisor_device_decl decl;
	json_t *withheld;
	struct shyper_memory memory;
	struct shyper_queue queues[HVISOR_MAX_QUEUES];
	int given[HVISOR_MAX_QUEUES];
	uint32_t lent;
	struct shyper_vhost *vhosts;
	uint32_t pending;
	unsigned int first_queue;
	struct hvisor_request held[MAX_HELD];
	unsigned int nr_held;
	struct poll poll;
	int epoll;
	struct notify manager;
	struct shyper_watch link;
	struct shyper_watch signals;
	bool attached;
	bool failed;
	bool stopping;
	bool replaced;
	uint32_t left;
	int error;
};

/* Reads what the device may not offer, and does not offer it; both leave a report. */
int backend_read_withheld(struct shyper_backend *backend);
int backend_withhold(struct shyper_backend *backend);

/* Of a queue, in the state area. */
struct hvisor_queue_state *backend_queue_state(const struct shyper_backend *backend,
					       unsigned int index);

/* Whether the driver has made a queue ready, and itself. */
bool backend_is_ready(const struct shyper_backend *backend, unsigned int index);

/* Whether the driver or EL2 waits for the end of a queue already. */
bool backend_end_pending(const struct shyper_backend *backend, unsigned int index);

/* Takes up a queue as the page shows it. False: there is none to serve. */
bool backend_adopt(struct shyper_backend *backend, unsigned int index);

/* The driver broke a queue. */
void backend_fail(struct shyper_backend *backend);

/* Doorbell and interrupt of a queue are eventfds; of several queues one @call will do. */
int backend_connect(struct shyper_backend *backend, unsigned int index, int kick, int call);

/* Takes a queue back that somebody else serves, who is made to leave it. */
void backend_take_back(struct shyper_backend *backend, unsigned int index);

/* Takes up each queue that the driver has made ready, with what is in flight. */
void backend_adopt_all(struct shyper_backend *backend);

/* Tells EL2 that the driver broke a queue, if it did and EL2 does not know. */
void backend_tell_failure(struct shyper_backend *backend);

/* Runs queues that have something to do, then answers what has become quiet. */
void backend_serve(struct shyper_backend *backend);

/* Whether backend_serve() has anything to run. */
bool backend_runnable(const struct shyper_backend *backend);

/*
 * Looks at queues that were found empty; what has something is to be served. True:
 * there is one.
 */
bool backend_look(struct shyper_backend *backend);
/* The same, and a queue that waits for more than there is waits no longer. */
void backend_look_for_any(struct shyper_backend *backend);

/*
 * Has their driver notify from now on. True: one has something already. *@ret_held:
 * of one not with the next chain: it has to be looked at in time.
 */
bool backend_arm(struct shyper_backend *backend, bool *ret_held);

/* Chains in flight in the queues of a mask. */
unsigned int backend_in_flight(const struct shyper_backend *backend, uint32_t queues);

/* The bound file can be read. */
void backend_requested(struct shyper_backend *backend, struct shyper_watch *watch,
		       uint32_t events);

void backend_signalled(struct shyper_backend *backend, struct shyper_watch *watch,
		       uint32_t events);

#endif /* VIRTIO_BACKEND_H */
