// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A backend: life and event loop.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "backend.h"
#include "shared.h"
#include "vhost.h"

_Static_assert(SHYPER_OPTIONS_SIZE ==
	       sizeof(((struct hvisor_device_state *)0)->driver_options),
	       "the options of the driver are all of their room");

#define MAX_DEVICE_ID	63	/* of a declaration */

#define COMMON_FEATURES	((1ULL << VIRTIO_F_VERSION_1) | \
			 (1ULL << VIRTIO_RING_F_INDIRECT_DESC) | \
			 (1ULL << VIRTIO_RING_F_EVENT_IDX))

const char *shyper_backend_get_name(const struct shyper_backend *backend)
{
	return backend->name;
}

void *shyper_backend_get_data(const struct shyper_backend *backend)
{
	return backend->data;
}

void shyper_backend_count(struct shyper_backend *backend,
			  enum shyper_counter counter, uint64_t more)
{
	struct hvisor_backend_counters *counters = backend->counters;
	__u64 *const places[] = {
		[SHYPER_COUNT_READS] = &counters->reads,
		[SHYPER_COUNT_READ_BYTES] = &counters->read_bytes,
		[SHYPER_COUNT_WRITES] = &counters->writes,
		[SHYPER_COUNT_WRITE_BYTES] = &counters->write_bytes,
		[SHYPER_COUNT_FLUSHES] = &counters->flushes,
		[SHYPER_COUNT_OTHERS] = &counters->others,
		[SHYPER_COUNT_ERRORS] = &counters->errors,
	};

	if ((unsigned int)counter < ARRAY_SIZE(places))
		shared_count(places[counter], more);
}

unsigned int shyper_backend_get_nr_cpus(const struct shyper_backend *backend)
{
	return backend->info.nr_cpus;
}

unsigned int shyper_backend_get_queue_max(const struct shyper_backend *backend)
{
	return backend->decl.queue_max[0];
}

uint64_t shyper_backend_get_driver_features(const struct shyper_backend *backend)
{
	return shared_load(&backend->page->driver_features);
}

int shyper_backend_get_fd(const struct shyper_backend *backend)
{
	return backend->link.fd;
}

unsigned int shyper_backend_get_reissued(const struct shyper_backend *backend)
{
	unsigned int n, nr = 0;

	for (n = 0; n < backend->decl.nr_queues; n++)
		nr += backend->queues[n].reissued;
	return nr;
}

uint32_t shyper_backend_get_epoch(const struct shyper_backend *backend)
{
	return shared_load(&backend->page->epoch);
}

struct shyper_queue *shyper_backend_get_queue(struct shyper_backend *backend,
					      unsigned int index)
{
	if (index >= backend->decl.nr_queues || !backend->queues[index].started)
		return NULL;
	return &backend->queues[index];
}

void *shyper_backend_get_options(struct shyper_backend *backend)
{
	return backend->state ? backend->state->driver_options : NULL;
}

/* On some machines nothing can come while a CPU looks; whoever runs one says so. */
static bool polling_is_allowed(void)
{
	const char *word = getenv("SHYPER_POLL");

	return !word || strcmp(word, "0");
}

void shyper_backend_set_polling(struct shyper_backend *backend, bool on)
{
	backend->poll.on = on && polling_is_allowed();
}

void shyper_backend_offer(struct shyper_backend *backend, uint64_t features)
{
	backend->decl.features |= features;
}

int shyper_backend_set_config(struct shyper_backend *backend, const void *config,
			      size_t length)
{
	if (length > sizeof(backend->decl.config))
		return -E2BIG;
	memcpy(backend->decl.config, config, length);
	backend->decl.config_len = length;
	return 0;
}

size_t shyper_backend_read_config(const struct shyper_backend *backend, void *config,
				  size_t size)
{
	const struct hvisor_device_page *page = backend->page;
	size_t length = shared_load(&page->declared) ? shared_load(&page->config_len) : 0;

	if (length > sizeof(page->config))
		return 0;
	if (size > length)
		size = length;
	memcpy(config, page->config, size);
	return length;
}

int shyper_backend_watch(struct shyper_backend *backend, struct shyper_watch *watch,
			 uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(backend->epoll, EPOLL_CTL_ADD, watch->fd, &event) ? -errno : 0;
}

int shyper_backend_rewatch(struct shyper_backend *backend,
			   struct shyper_watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(backend->epoll, EPOLL_CTL_MOD, watch->fd, &event) ? -errno : 0;
}

void shyper_backend_unwatch(struct shyper_backend *backend,
			    struct shyper_watch *watch)
{
	epoll_ctl(backend->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

static int map_pages(struct shyper_backend *backend)
{
	struct hvisor_device_info *info = &backend->info;
	int err;

	err = link_info(backend->link.fd, info);
	if (err)
		return err;
	if (info->page_length < sizeof(*backend->page))
		return -EPROTO;
	err = link_map(backend->link.fd, info->page_offset, info->page_length, false,
		       (void **)&backend->page);
	if (err)
		return err;
	/* Before ABI 1.3 a region has no state area. */
	if (!info->state_length && backend->page->kind == HVISOR_DEVICE_MMIO) {
		backend->counters = &backend->no_counters;
		return 0;
	}
	err = link_map(backend->link.fd, info->state_offset, info->state_length, true,
		       (void **)&backend->state);
	if (!err)
		backend->counters = &backend->state->counters;
	return err;
}

int shyper_backend_set_device_id(struct shyper_backend *backend, uint32_t device_id)
{
	if (!device_id || device_id > MAX_DEVICE_ID || !backend->ops->device_id)
		return -EINVAL;
	backend->decl.device_id = device_id;
	return 0;
}

int shyper_backend_get_region(struct shyper_backend *backend, unsigned int index,
			      struct shyper_cell_region *ret_region)
{
	const struct shyper_memory_region *region = &backend->memory.regions[index];
	struct hvisor_cell_memory memory;
	int err;

	if (index >= backend->memory.nr_regions)
		return -ENOENT;
	err = link_region(backend->link.fd, backend->info.cell, index, &memory);
	if (err)
		return err;
	*ret_region = (struct shyper_cell_region){
		.ipa = region->ipa,
		.length = region->length,
		.host = region->host,
		.fd = memory.fd,
		.offset = memory.offset,
		.is_readonly = !region->writable,
	};
	return 0;
}

int shyper_backend_set_queues(struct shyper_backend *backend, unsigned int nr)
{
	struct hvisor_device_decl *decl = &backend->decl;
	unsigned int n, max = backend->ops->queue_max;

	if (nr > HVISOR_MAX_QUEUES)
		return -EINVAL;
	if (nr && backend->info.state_length <
	    HVISOR_DEVICE_STATE_SIZE(nr, backend->page->queue_size))
		return -EPROTO;
	if (max > backend->page->queue_size)
		max = backend->page->queue_size;
	for (n = 0; n < HVISOR_MAX_QUEUES; n++)
		decl->queue_max[n] = n < nr ? max : 0;
	decl->nr_queues = nr;
	return 0;
}

/* What does not depend on the program's configuration. */
static int declare_prepare(struct shyper_backend *backend)
{
	const struct shyper_backend_ops *ops = backend->ops;
	const struct hvisor_device_page *page = backend->page;
	struct hvisor_device_decl *decl = &backend->decl;

	if (page->kind != (ops->device_id ? HVISOR_DEVICE_VIRTIO : HVISOR_DEVICE_MMIO))
		return -EPROTO;
	decl->device_id = ops->device_id;
	if (ops->device_id)
		decl->features = COMMON_FEATURES | ops->features;
	return shyper_backend_set_queues(backend, ops->nr_queues);
}

static struct shyper_backend *faulting;

static bool within(const void *address, const void *begin, uint64_t length)
{
	return begin && (uintptr_t)address - (uintptr_t)begin < length;
}

/*
 * For systemd a service that ends before it is ready has failed, with whatever
 * status. That its device has gone is no failure. For signal handlers, too.
 */
static void tell_gone(struct shyper_backend *backend)
{
	notify_ready_and_wait(&backend->manager);
}

/* EL2's pages are taken away when the cell is destroyed, whatever we do then. */
static void bus_error(int signal, siginfo_t *info, void *context)
{
	struct shyper_backend *backend = faulting;
	const void *address = info->si_addr;

	(void)signal;
	(void)context;
	if (!within(address, backend->page, backend->info.page_length) &&
	    !within(address, backend->state, backend->info.state_length))
		_exit(SHYPER_EXIT_RESTART);
	tell_gone(backend);
	_exit(SHYPER_EXIT_DONE);
}

static void watch_faults(struct shyper_backend *backend)
{
	struct sigaction action = {
		.sa_sigaction = bus_error,
		.sa_flags = SA_SIGINFO,
	};

	faulting = backend;
	sigaction(SIGBUS, &action, NULL);
}

static int watch_signals(struct shyper_backend *backend)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &mask, NULL))
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	backend->signals.fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (backend->signals.fd < 0)
		return -errno;
	backend->signals.ready = backend_signalled;
	return shyper_backend_watch(backend, &backend->signals, EPOLLIN);
}

static int explain(struct shyper_backend *backend, int err, const char *what)
{
	switch (err) {
	case -ENODEV:
		tell_gone(backend);
		return error_set(backend->ctx, err, backend->name, NULL,
				 "the device is gone");
	case -EPROTO:
		return error_set(backend->ctx, err, backend->name, NULL,
				 "the device is of another kind than this backend serves");
	default:
		return error_set(backend->ctx, err, backend->name, NULL, "%s: %s",
				 what, strerror(-err));
	}
}

static int backend_bind(struct shyper_backend *backend)
{
	int err;

	notify_open(&backend->manager);
	backend->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (backend->epoll < 0)
		return explain(backend, -errno, "no event loop");
	err = link_open(backend->ctx, backend->name, &backend->link.fd);
	if (!err)
		err = backend_read_withheld(backend);
	if (err == -ENODEV)
		tell_gone(backend);
	if (err)
		return err;
	watch_faults(backend);
	err = map_pages(backend);
	if (!err)
		err = declare_prepare(backend);
	if (!err)
		err = link_memory(backend->link.fd, backend->info.cell,
				  &backend->memory);
	return err ? explain(backend, err, "cannot be mapped") : 0;
}

static int check_ops(struct shyper_ctx *ctx, const char *name,
		     const struct shyper_backend_ops *ops)
{
	unsigned int n, max = ops->queue_max;

	for (n = 0; n < ARRAY_SIZE(ops->reserved); n++) {
		if (ops->reserved[n])
			return error_set(ctx, -EINVAL, name, NULL,
					 "the backend was made for a newer libshyper");
	}
	if (ops->nr_queues > HVISOR_MAX_QUEUES)
		return error_set(ctx, -EINVAL, name, NULL,
				 "the backend has %u queues, expected at most %d",
				 ops->nr_queues, HVISOR_MAX_QUEUES);
	if (ops->nr_queues && (!max || max & (max - 1) || max > HVISOR_MAX_QUEUE_SIZE))
		return error_set(ctx, -EINVAL, name, NULL,
				 "the backend has queues of %u, expected a power of two up to %d",
				 max, HVISOR_MAX_QUEUE_SIZE);
	return 0;
}

int shyper_backend_open(struct shyper_ctx *ctx, const char *name,
			const struct shyper_backend_ops *ops, void *data,
			struct shyper_backend **ret_backend)
{
	struct shyper_backend *backend;
	unsigned int n;
	int err;

	ctx_begin(ctx);
	err = check_ops(ctx, name, ops);
	if (err)
		return err;
	backend = calloc(1, sizeof(*backend));
	if (!backend)
		return error_no_memory(ctx);
	/* One that does not fit is found nowhere. */
	text_copy(backend->name, sizeof(backend->name), name);
	backend->ctx = ctx;
	backend->ops = ops;
	backend->data = data;
	backend->link.fd = -1;
	backend->signals.fd = -1;
	for (n = 0; n < HVISOR_MAX_QUEUES; n++)
		backend->given[n] = -1;
	err = backend_bind(backend);
	if (err) {
		shyper_backend_close(backend);
		return err;
	}
	*ret_backend = backend;
	return 0;
}

void shyper_backend_close(struct shyper_backend *backend)
{
	int saved = errno;
	unsigned int n;

	if (!backend)
		return;
	for (n = 0; n < HVISOR_MAX_QUEUES; n++)
		backend_take_back(backend, n);
	if (faulting == backend) {
		signal(SIGBUS, SIG_DFL);
		faulting = NULL;
	}
	vhost_close_all(backend);
	shyper_memory_unmap(&backend->memory);
	if (backend->state)
		munmap(backend->state, backend->info.state_length);
	if (backend->page)
		munmap((void *)backend->page, backend->info.page_length);
	close_keep_errno(backend->signals.fd);
	close_keep_errno(backend->link.fd);
	close_keep_errno(backend->epoll);
	notify_close(&backend->manager);
	json_decref(backend->withheld);
	free(backend);
	errno = saved;
}

static int backend_attach(struct shyper_backend *backend)
{
	int err;

	err = watch_signals(backend);
	if (err)
		return err;
	backend->link.ready = backend_requested;
	err = shyper_backend_watch(backend, &backend->link, EPOLLIN);
	if (err)
		return err;
	shared_store(&backend->counters->in_flight, 0);
	shared_count(&backend->counters->attaches, 1);
	err = link_declare(backend->link.fd, &backend->decl);
	if (err)
		return err;
	/*
	 * Only now: until it is declared EL2 may take the device for quiet, as our
	 * predecessor has left it, and give the rings to the guest's next start.
	 */
	backend_adopt_all(backend);
	backend->attached = true;
	backend_tell_failure(backend);
	if (backend->ops->attached)
		backend->ops->attached(backend);
	notify_ready(&backend->manager);
	return 0;
}

int shyper_backend_attach(struct shyper_backend *backend)
{
	int err;

	ctx_begin(backend->ctx);
	err = backend_withhold(backend);
	if (err)
		return err;
	err = backend_attach(backend);
	if (err == -EINVAL)
		return error_set(backend->ctx, err, backend->name, NULL,
				 "it was declared before, and differently");
	return err ? explain(backend, err, "cannot be declared") : 0;
}

/* Waits for @ns, -1: for ever. Returns how many there were. */
static int take_events(struct shyper_backend *backend, int64_t ns)
{
	const struct timespec limit = { .tv_nsec = ns };
	struct epoll_event events[16];
	int n, nr;

	nr = epoll_pwait2(backend->epoll, events, 16, ns < 0 ? NULL : &limit, NULL);
	if (nr < 0)
		return errno == EINTR ? 0 : -errno;
	for (n = 0; n < nr; n++) {
		struct shyper_watch *watch = events[n].data.ptr;

		watch->ready(backend, watch, events[n].events);
	}
	return nr;
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* Returns a positive number if there is something to do. */
static int poll_events(struct shyper_backend *backend)
{
	uint64_t begin = now_ns(), left = poll_begin(&backend->poll, begin), spent;
	int found, nr;

	/*
	 * Once in any case: completions that are there already need no sleep. Events
	 * are taken even if something was found: a driver may see to it that always is.
	 */
	do {
		found = backend_look(backend);
		nr = take_events(backend, 0);
		if (nr < 0)
			return nr;
		found |= nr;
		spent = now_ns() - begin;
	} while (!found && spent < left);
	poll_end(&backend->poll, spent, found);
	if (found)
		shared_count(&backend->counters->polls_found, 1);
	return found;
}

static int sleep_events(struct shyper_backend *backend)
{
	struct poll *poll = &backend->poll;
	bool held = false;
	int nr;

	/* What came while notifications were asked for was not told. */
	if (poll->on && backend_arm(backend, &held) && backend_runnable(backend))
		return 0;
	shared_count(&backend->counters->sleeps, 1);
	if (!poll->on)
		return take_events(backend, -1);
	poll_sleep(poll, now_ns());
	nr = take_events(backend, held ? (int64_t)poll->hold : -1);
	poll_woken(poll, now_ns());
	poll->expired = held && !nr;
	return nr;
}

static int wait_events(struct shyper_backend *backend)
{
	int err;

	if (backend_runnable(backend))
		return take_events(backend, 0);
	/* What is about to end, or broken, is not served, whatever comes to it. */
	if (backend->poll.on && !backend->nr_held && !backend->stopping &&
	    !backend->failed) {
		err = poll_events(backend);
		if (err)
			return err;
	}
	return sleep_events(backend);
}

int shyper_backend_run(struct shyper_backend *backend)
{
	int err;

	ctx_begin(backend->ctx);
	for (;;) {
		backend_serve(backend);
		err = backend->error;
		if (err)
			break;
		if (backend->stopping && !backend_in_flight(backend, ~backend->left))
			return backend->replaced;
		err = wait_events(backend);
		if (err < 0)
			break;
		/* A batch is waited for asleep alone: its timer begins anew each time. */
		if (backend->poll.on)
			backend_look_for_any(backend);
	}
	return explain(backend, err, "cannot be served any more");
}
