// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits of a disk. A request may begin while what was let through before is not
 * more than BURST ahead of an even pace; its cost is known when it was taken from
 * the queue and may then put the disk further ahead, so that a request larger than
 * what comes in a burst passes, too, and the next one waits for longer. What waits
 * stays in the guest's queue. Once one was refused all are until the timer has
 * come, so that each queue has its turn, and not whichever is asked most often.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "blk.h"

#define SECOND	1000000000ULL
#define BURST	(SECOND / 10)

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

/* When the next request may begin; 0: now. */
static uint64_t limit_opens(const struct blk_limit *limit, uint64_t time)
{
	return limit->due > time + BURST ? limit->due - BURST : 0;
}

static void limit_charge(struct blk_limit *limit, uint64_t units)
{
	uint64_t time;

	if (!limit->rate)
		return;
	time = now();
	/* What was not used is not saved. */
	if (limit->due < time)
		limit->due = time;
	/* At most the 16 GiB of a full write zeroes: 2^34 * SECOND < 2^64. */
	limit->due += units * SECOND / limit->rate;
}

bool blk_rate_allows(struct blk_rate *rate)
{
	struct itimerspec timer = {};
	uint64_t time, opens, bytes;

	if (rate->timer.fd < 0)
		return true;
	if (rate->closed)
		return false;
	time = now();
	opens = limit_opens(&rate->requests, time);
	bytes = limit_opens(&rate->bytes, time);
	if (bytes > opens)
		opens = bytes;
	if (!opens)
		return true;
	timer.it_value.tv_sec = opens / SECOND;
	timer.it_value.tv_nsec = opens % SECOND;
	timerfd_settime(rate->timer.fd, TFD_TIMER_ABSTIME, &timer, NULL);
	rate->closed = true;
	return false;
}

void blk_rate_charge_request(struct blk_rate *rate)
{
	limit_charge(&rate->requests, 1);
}

void blk_rate_charge_bytes(struct blk_rate *rate, uint64_t bytes)
{
	limit_charge(&rate->bytes, bytes);
}

static void timer_expired(struct shyper_backend *backend, struct shyper_watch *watch,
			  uint32_t events)
{
	struct blk *blk = shyper_backend_get_data(backend);
	uint64_t times;
	unsigned int n;

	(void)events;
	(void)!read(watch->fd, &times, sizeof(times));
	blk->rate.closed = false;
	for (n = 0; n < blk->nr_queues; n++)
		shyper_backend_kick(backend, n);
}

int blk_rate_open(struct shyper_backend *backend, struct blk_rate *rate)
{
	rate->timer.fd = -1;
	rate->timer.ready = timer_expired;
	if (!rate->requests.rate && !rate->bytes.rate)
		return 0;
	rate->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (rate->timer.fd < 0)
		return -errno;
	return shyper_backend_watch(backend, &rate->timer, EPOLLIN);
}
