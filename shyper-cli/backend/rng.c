// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-rng: a virtio entropy device (virtio 1.2, 5.4) with the random numbers
 * of root's kernel. How many a second is limited: each takes root's time.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "program.h"

#define QUEUE_SIZE	64
#define MAX_BYTES	4096	/* for a buffer: the others shall not wait for one */
#define DEFAULT_RATE	(1024 * 1024)
#define MIN_RATE	1024
#define MAX_RATE	(1024 * 1024 * 1024)
/* A second has so many periods, each with its share of what a second may have. */
#define PERIODS		10

/**
 * struct rng
 * @timer: ends the period that began with the first bytes of it
 * @share: bytes for each period
 * @left: of these, in the current period
 * @waiting: buffers wait for the next period
 */
struct rng {
	struct shyper_watch timer;
	uint32_t share;
	uint32_t left;
	bool waiting;
};

static void period_begin(const struct rng *rng)
{
	const struct itimerspec once = { .it_value.tv_nsec = 1000000000 / PERIODS };

	timerfd_settime(rng->timer.fd, 0, &once, NULL);
}

static void period_ended(struct shyper_backend *backend, struct shyper_watch *watch,
			 uint32_t events)
{
	struct rng *rng = watch->data;
	uint64_t count;

	(void)events;
	if (read(watch->fd, &count, sizeof(count)) != sizeof(count))
		return;
	rng->left = rng->share;
	if (rng->waiting)
		shyper_backend_kick(backend, 0);
	rng->waiting = false;
}

static uint32_t smallest(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t fill(struct rng *rng, const struct shyper_chain *chain)
{
	uint32_t wanted = smallest(smallest(chain->in_length, MAX_BYTES), rng->left);
	char bytes[MAX_BYTES];
	ssize_t got = getrandom(bytes, wanted, 0);

	if (got < 0)
		return 0;
	if (rng->left == rng->share)
		period_begin(rng);
	rng->left -= got;
	return shyper_iov_write(chain->iov + chain->nr_out, chain->nr_in, 0, bytes, got);
}

static bool rng_queue(struct shyper_backend *backend, struct shyper_queue *queue)
{
	struct rng *rng = shyper_backend_get_data(backend);
	struct iovec iov[QUEUE_SIZE];
	struct shyper_chain chain = { .iov = iov, .max_segments = QUEUE_SIZE };
	uint32_t length;

	while (rng->left) {
		if (shyper_queue_pop(queue, &chain) <= 0)
			return false;
		/* 5.4.6.1: buffers that the device reads are not allowed. */
		if (chain.nr_out || !chain.nr_in) {
			shyper_queue_break(queue, chain.head);
			return false;
		}
		length = fill(rng, &chain);
		shyper_backend_count(backend, SHYPER_COUNT_READS, 1);
		shyper_backend_count(backend, SHYPER_COUNT_READ_BYTES, length);
		shyper_queue_push(queue, chain.head, length);
	}
	/* Its other requests have their turn, too, until the period has ended. */
	rng->waiting = true;
	return false;
}

static void rng_reset(struct shyper_backend *backend)
{
	struct rng *rng = shyper_backend_get_data(backend);

	rng->waiting = false;
}

static const struct shyper_backend_ops rng_ops = {
	.device_id = VIRTIO_ID_RNG,
	.nr_queues = 1,
	.queue_max = QUEUE_SIZE,
	.queue = rng_queue,
	.reset = rng_reset,
};

static int rng_open(struct shyper_backend *backend, const json_t *config)
{
	struct rng *rng = shyper_backend_get_data(backend);
	unsigned int rate = DEFAULT_RATE;
	int err;

	if (config_range(config, "rate", MIN_RATE, MAX_RATE, &rate))
		return SHYPER_EXIT_CONFIG;
	rng->share = rng->left = rate / PERIODS;
	rng->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	rng->timer.ready = period_ended;
	rng->timer.data = rng;
	err = rng->timer.fd < 0 ? -errno :
	      shyper_backend_watch(backend, &rng->timer, EPOLLIN);
	if (!err)
		return 0;
	say(SAY_ERROR, "timer: %s", strerror(-err));
	return SHYPER_EXIT_RESTART;
}

#ifndef RNG_TEST
int main(int argc, char **argv)
{
	static struct rng rng;
	static const struct backend_program program = {
		.name = "shyper-rng",
		.ops = &rng_ops,
		.data = &rng,
		.open = rng_open,
	};

	return backend_main(argc, argv, &program);
}
#endif
