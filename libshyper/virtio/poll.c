// SPDX-License-Identifier: LGPL-2.1-or-later
/* How long a backend goes on looking at its queues before it sleeps. */
#include "poll.h"

uint64_t poll_begin(struct poll *poll, uint64_t now)
{
	poll->budget += (now - poll->filled) / POLL_SHARE;
	if (poll->budget > POLL_BUDGET_MAX)
		poll->budget = POLL_BUDGET_MAX;
	poll->filled = now;
	return poll->window < poll->budget ? poll->window : poll->budget;
}

void poll_end(struct poll *poll, uint64_t spent, bool found)
{
	/* One that was preempted took longer than it was to. */
	poll->budget -= spent < poll->budget ? spent : poll->budget;
	if (found)
		return;
	poll->window /= 2;
	if (poll->window < POLL_WINDOW_MIN)
		poll->window = 0;
}

unsigned int poll_batch(unsigned int batch, unsigned int burst, bool expired)
{
	if (burst > batch)
		return expired ? batch : burst;
	if (!expired)
		return batch;
	/* It may have been slower just this once. */
	if (burst < batch / 2)
		return burst ? batch / 2 : 1;
	return burst ? burst : 1;
}

void poll_sleep(struct poll *poll, uint64_t now)
{
	poll->slept = now;
}

void poll_woken(struct poll *poll, uint64_t now)
{
	/*
	 * Twice what the last round took, or rounds before it: one that is short says
	 * little about the next one where CPUs are shared.
	 */
	poll->hold -= poll->hold / 8;
	if (poll->hold < 2 * (now - poll->woke))
		poll->hold = 2 * (now - poll->woke);
	if (poll->hold < POLL_HOLD_MIN)
		poll->hold = POLL_HOLD_MIN;
	if (poll->hold > POLL_HOLD_MAX)
		poll->hold = POLL_HOLD_MAX;
	poll->woke = now;
	/* A longer poll would have found it. */
	if (now - poll->slept >= POLL_WINDOW_MAX)
		return;
	poll->window = poll->window ? 2 * poll->window : POLL_WINDOW_MIN;
	if (poll->window > POLL_WINDOW_MAX)
		poll->window = POLL_WINDOW_MAX;
}
