/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long a backend goes on looking at its queues before it sleeps; the rule is
 * in docs/theory-device-path.md, "Polling". Times are of CLOCK_MONOTONIC, in ns.
 */
#ifndef VIRTIO_POLL_H
#define VIRTIO_POLL_H

#include <stdbool.h>
#include <stdint.h>

#define POLL_WINDOW_MIN	25000U
#define POLL_WINDOW_MAX	200000U
#define POLL_BUDGET_MAX	5000000U
#define POLL_HOLD_MIN	100000U
#define POLL_HOLD_MAX	10000000U
/* Of the time that passes one part in so many may be polled. */
#define POLL_SHARE	4

/**
 * struct poll - of a backend
 * @on: it polls at all
 * @window: how long the next poll lasts at most; 0: not at all
 * @budget: what may be polled, as of @filled
 * @slept: when it went to sleep
 * @woke: when it woke up
 * @hold: how long it waits at most for as much as came at once lately
 * @expired: it did so in vain
 */
struct poll {
	bool on;
	uint64_t window;
	uint64_t budget;
	uint64_t filled;
	uint64_t slept;
	uint64_t woke;
	uint64_t hold;
	bool expired;
};

/* How long to poll now, at most; 0: not at all. */
uint64_t poll_begin(struct poll *poll, uint64_t now);
/* It took @spent; @found: there was something to do before its end. */
void poll_end(struct poll *poll, uint64_t spent, bool found);
/* Goes to sleep; and was woken. */
void poll_sleep(struct poll *poll, uint64_t now);
void poll_woken(struct poll *poll, uint64_t now);

/*
 * For how many chains to wait next, after @batch was waited for and @burst came at
 * once; @expired: within the time there was no such number.
 */
unsigned int poll_batch(unsigned int batch, unsigned int burst, bool expired);

#endif /* VIRTIO_POLL_H */
