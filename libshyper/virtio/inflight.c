// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The account of what is in flight. A process can die behind each store; what
 * its successor finds must tell, for every head, whether it was completed.
 *
 * @used_idx of the state follows used.idx last of all, so the two differ only
 * between the publication of a completion and the end of its book-keeping,
 * and @last_head says whose completion that is.
 */
#include <errno.h>

#include "inflight.h"
#include "shared.h"

static void count_in_flight(struct shyper_queue *queue, int change)
{
	struct hvisor_backend_counters *counters = queue->counters;
	uint64_t now = counters->in_flight + (int64_t)change;

	shared_store(&counters->in_flight, now);
	if (now > counters->in_flight_max)
		shared_store(&counters->in_flight_max, now);
}

bool inflight_test(const struct shyper_queue *queue, uint16_t head)
{
	return shared_load(&queue->state->heads[head].in_flight);
}

void inflight_take(struct shyper_queue *queue, uint16_t head)
{
	struct hvisor_inflight *entry = &queue->state->heads[head];
	uint64_t counter = queue->state->next_counter;

	shared_store(&entry->counter, counter);
	shared_store(&entry->epoch, queue->epoch);
	shared_store_release(&entry->in_flight, 1);
	shared_store(&queue->state->next_counter, counter + 1);
	count_in_flight(queue, 1);
}

void inflight_complete(struct shyper_queue *queue, uint16_t head)
{
	shared_store_release(&queue->state->last_head, head);
}

void inflight_completed(struct shyper_queue *queue, uint16_t head)
{
	/* Release: not before used.idx, which makes it true. */
	shared_store_release(&queue->state->heads[head].in_flight, 0);
	shared_store_release(&queue->state->used_idx, queue->used_idx);
	count_in_flight(queue, -1);
}

void inflight_clear(struct shyper_queue *queue, uint16_t head)
{
	shared_store_release(&queue->state->heads[head].in_flight, 0);
	count_in_flight(queue, -1);
}

struct resumed {
	uint64_t counter;
	uint16_t head;
};

/*
 * Puts an entry in its place by counter. No qsort(): from 1 KiB on glibc's asks
 * for the size of memory, by a system call that no jail expects.
 */
static void resumed_insert(struct resumed *list, unsigned int nr,
			   const struct hvisor_inflight *entry, uint16_t head)
{
	for (; nr && list[nr - 1].counter > entry->counter; nr--)
		list[nr] = list[nr - 1];
	list[nr].counter = entry->counter;
	list[nr].head = head;
}

void shyper_queue_state_clear(struct hvisor_queue_state *state,
			      unsigned int state_size)
{
	unsigned int n;

	for (n = 0; n < state_size; n++)
		shared_store(&state->heads[n].in_flight, 0);
}

/* The account is of a queue that is no more: a new one, its epoch last. */
static void account_begin(struct shyper_queue *queue)
{
	struct hvisor_queue_state *state = queue->state;

	shyper_queue_state_clear(state, queue->state_size);
	shared_store(&state->used_idx, queue->used_idx);
	shared_store(&state->next_counter, 1);
	shared_store_release(&state->epoch, queue->epoch);
}

/* Ends the book-keeping of a completion that was published. */
static int account_settle(struct shyper_queue *queue)
{
	struct hvisor_queue_state *state = queue->state;
	uint16_t behind = queue->used_idx - state->used_idx;

	if (!behind)
		return 0;
	if (behind > 1 || state->last_head >= queue->size)
		return -EPROTO;
	shared_store_release(&state->heads[state->last_head].in_flight, 0);
	shared_store_release(&state->used_idx, queue->used_idx);
	return 0;
}

static unsigned int account_list(const struct shyper_queue *queue,
				 struct resumed *list)
{
	const struct hvisor_inflight *heads = queue->state->heads;
	unsigned int n, nr = 0;

	for (n = 0; n < queue->size; n++) {
		if (!heads[n].in_flight || heads[n].epoch != queue->epoch)
			continue;
		resumed_insert(list, nr++, &heads[n], n);
	}
	return nr;
}

unsigned int inflight_count(const struct hvisor_queue_state *state, unsigned int size,
			    uint32_t epoch)
{
	unsigned int n, nr = 0;

	for (n = 0; state->epoch == epoch && n < size; n++)
		nr += state->heads[n].in_flight && state->heads[n].epoch == epoch;
	return nr;
}

int inflight_resume(struct shyper_queue *queue)
{
	struct hvisor_queue_state *state = queue->state;
	struct resumed list[HVISOR_MAX_QUEUE_SIZE];
	unsigned int n, nr;
	uint64_t next;

	if (state->epoch != queue->epoch)
		account_begin(queue);
	else if (account_settle(queue))
		return -EPROTO;
	nr = account_list(queue, list);
	for (n = 0; n < nr; n++)
		queue->reissue[n] = list[n].head;
	queue->reissued = nr;

	/* The death may have come between an entry and the counter's step. */
	next = nr ? list[nr - 1].counter + 1 : 1;
	if (next > state->next_counter)
		shared_store(&state->next_counter, next);
	count_in_flight(queue, nr);
	shared_store(&queue->counters->reissued, queue->counters->reissued + nr);
	return 0;
}

void inflight_abandon(struct shyper_queue *queue)
{
	unsigned int left = queue->reissued - queue->next_reissue;

	/* Of no queue first: a successor that finds it so begins a new one. */
	shared_store_release(&queue->state->epoch, ~queue->epoch);
	shyper_queue_state_clear(queue->state, queue->state_size);
	count_in_flight(queue, -(int)(left + queue->in_flight));
	queue->reissued = queue->next_reissue = queue->in_flight = 0;
}

void inflight_lend(struct shyper_queue *queue)
{
	struct hvisor_inflight *entry = &queue->state->heads[0];

	inflight_abandon(queue);
	shared_store(&entry->epoch, queue->epoch);
	shared_store_release(&entry->in_flight, 1);
}

bool inflight_is_lent(const struct hvisor_queue_state *state, uint32_t epoch)
{
	return state->epoch != epoch && state->heads[0].in_flight &&
	       state->heads[0].epoch == epoch;
}

void inflight_return(struct shyper_queue *queue)
{
	shared_store_release(&queue->state->heads[0].in_flight, 0);
}

void inflight_recall(struct shyper_queue *queue)
{
	inflight_return(queue);
	account_begin(queue);
}

void inflight_forget(struct shyper_queue *queue)
{
	unsigned int left = queue->reissued - queue->next_reissue;

	shyper_queue_state_clear(queue->state, queue->state_size);
	count_in_flight(queue, -(int)(left + queue->in_flight));
}
