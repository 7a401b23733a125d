// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The account of what is in flight: a device that dies behind any of its
 * stores. Its successors must serve each request to its end, give it back
 * exactly once, and repeat only what was not given back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* Where a process can die. */
static jmp_buf death;
static unsigned int stores_left;

static void after_store(void)
{
	if (stores_left && !--stores_left)
		longjmp(death, 1);
}

#define SHARED_AFTER_STORE()	after_store()

#include "../../../libshyper/virtio/inflight.c"
#include "../../../libshyper/virtio/queue.c"

#include "driver.h"

#define SIZE		8
#define REQUESTS	40
#define RAM_SIZE	0x20000

/* What has become of each request. */
struct request {
	bool offered;
	unsigned int served;	/* how often the device did it */
	unsigned int returned;	/* how often the driver got it back */
};

struct world {
	uint8_t *ram;
	struct shyper_memory memory;
	struct driver driver;
	struct hvisor_queue_state *state;
	struct hvisor_backend_counters counters;
	struct shyper_queue_setup setup;
	struct shyper_queue queue;
	struct request requests[REQUESTS];
	unsigned int offered, returned, deaths, steps;
	int by_head[SIZE];	/* the driver's: request, or -1 */
	int holding[SIZE];	/* the device's: heads taken, in no order */
	unsigned int nr_holding;
	uint64_t random;
};

/* Deterministic: a failure names its seed and can be run again. */
static unsigned int pick(struct world *w, unsigned int limit)
{
	w->random = w->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (w->random >> 33) % limit;
}

static void world_init(struct world *w, uint64_t seed)
{
	unsigned int n;

	memset(w, 0, sizeof(*w));
	w->random = seed;
	w->ram = aligned_alloc(4096, RAM_SIZE);
	memset(w->ram, 0, RAM_SIZE);
	w->memory.nr_regions = 1;
	w->memory.regions[0] = (struct shyper_memory_region){
		DRIVER_RAM, RAM_SIZE, w->ram, true };
	driver_init(&w->driver, w->ram, 0, SIZE);
	w->state = calloc(1, HVISOR_QUEUE_STATE_STRIDE(SIZE));
	w->setup.memory = &w->memory;
	w->setup.state = w->state;
	w->setup.state_size = SIZE;
	w->setup.counters = &w->counters;
	w->setup.features = 1ULL << VIRTIO_RING_F_EVENT_IDX;
	w->setup.ring = driver_ring(&w->driver, 1);
	for (n = 0; n < SIZE; n++) {
		w->by_head[n] = -1;
		driver_desc(&w->driver.desc[n], DRIVER_RAM + 0x10000, 16, 0, 0);
	}
}

static void world_exit(struct world *w)
{
	free(w->ram);
	free(w->state);
}

static void driver_step(struct world *w)
{
	struct vring_used_elem element;
	unsigned int head;

	while (driver_take(&w->driver, &element)) {
		assert_true(element.id < SIZE);
		assert_int_not_equal(w->by_head[element.id], -1);
		w->requests[w->by_head[element.id]].returned++;
		w->by_head[element.id] = -1;
		w->returned++;
	}
	for (head = 0; head < SIZE && w->offered < REQUESTS; head++) {
		if (w->by_head[head] != -1 || !pick(w, 3))
			continue;
		w->by_head[head] = w->offered;
		w->requests[w->offered++].offered = true;
		driver_offer(&w->driver, head);
	}
}

static void device_step(struct world *w)
{
	struct iovec iov[1];
	struct shyper_chain chain = { .iov = iov, .max_segments = 1 };
	unsigned int n;
	int head, popped;

	if (pick(w, 2)) {
		popped = shyper_queue_pop(&w->queue, &chain);
		assert_true(popped >= 0);
		if (popped)
			w->holding[w->nr_holding++] = chain.head;
		return;
	}
	if (!w->nr_holding)
		return;
	n = pick(w, w->nr_holding);
	head = w->holding[n];
	w->holding[n] = w->holding[--w->nr_holding];
	w->requests[w->by_head[head]].served++;
	shyper_queue_push(&w->queue, head, 0);
}

static void device_start(struct world *w)
{
	unsigned int n;
	uint64_t last = 0;

	w->nr_holding = 0;
	w->counters.in_flight = 0;
	assert_int_equal(shyper_queue_start(&w->queue, &w->setup), 0);
	for (n = 0; n < w->queue.reissued; n++) {
		uint64_t counter = w->state->heads[w->queue.reissue[n]].counter;

		assert_true(counter > last);
		last = counter;
	}
	assert_true(w->state->next_counter > last);
	assert_int_equal(w->counters.in_flight, w->queue.reissued);
}

/* Runs until all is done; the device dies after each @lives[n] stores. */
static void run(struct world *w, const unsigned int *lives)
{
	unsigned int n;

	if (setjmp(death))
		w->deaths++;
	stores_left = *lives ? lives[w->deaths] : 0;
	device_start(w);
	while (w->returned < REQUESTS) {
		driver_step(w);
		device_step(w);
		assert_true(++w->steps < 100000);
	}
	stores_left = 0;
	for (n = 0; n < REQUESTS; n++) {
		assert_int_equal(w->requests[n].returned, 1);
		assert_true(w->requests[n].served >= 1);
		/* Each death can repeat a request once. */
		assert_true(w->requests[n].served <= 1 + w->deaths);
	}
	assert_int_equal(w->counters.in_flight, 0);
}

static void test_no_death(void **state)
{
	static const unsigned int lives[1] = { 0 };
	struct world w;

	(void)state;
	world_init(&w, 1);
	run(&w, lives);
	assert_int_equal(w.counters.reissued, 0);
	world_exit(&w);
}

/* Dies behind every store that the run makes, one run for each. */
static void test_death_at_each_store(void **state)
{
	unsigned int lives[2] = { 1, 0 }, seed;
	static struct world w;
	unsigned int repeated = 0;

	(void)state;
	for (seed = 1; seed <= 4; seed++) {
		for (lives[0] = 1; ; lives[0]++) {
			world_init(&w, seed);
			run(&w, lives);
			world_exit(&w);
			repeated += w.counters.reissued;
			if (!w.deaths)
				break;
		}
		/* Some 40 requests with some 9 stores each. */
		assert_true(lives[0] > 300);
	}
	assert_true(repeated > 0);
}

/* Many deaths in a row, some while the account is being put in order. */
static void test_death_after_death(void **state)
{
	unsigned int lives[65], n;
	static struct world w;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 1000; seed++) {
		world_init(&w, seed);
		for (n = 0; n < 64; n++)
			lives[n] = 1 + pick(&w, 24);
		lives[64] = 0;
		run(&w, lives);
		world_exit(&w);
	}
}

/* A reset makes what was in flight before it void. */
static void test_other_epoch(void **state)
{
	struct iovec iov[1];
	struct shyper_chain chain = { .iov = iov, .max_segments = 1 };
	static struct world w;

	(void)state;
	stores_left = 0;
	world_init(&w, 1);
	device_start(&w);
	driver_offer(&w.driver, 2);
	driver_offer(&w.driver, 4);
	assert_int_equal(shyper_queue_pop(&w.queue, &chain), 1);
	assert_int_equal(shyper_queue_pop(&w.queue, &chain), 1);
	/* Goes on: both are still in flight. */
	device_start(&w);
	assert_int_equal(w.queue.reissued, 2);
	/* Goes on after a reset: neither is. */
	driver_init(&w.driver, w.ram, 0, SIZE);
	w.setup.ring = driver_ring(&w.driver, 2);
	device_start(&w);
	assert_int_equal(w.queue.reissued, 0);
	assert_int_equal(shyper_queue_pop(&w.queue, &chain), 0);
	assert_int_equal(w.state->epoch, 2);
	world_exit(&w);
}

/* A chain that the guest has spoilt since a death breaks the queue, no more. */
static void test_reissued_chain_spoilt(void **state)
{
	struct iovec iov[1];
	struct shyper_chain chain = { .iov = iov, .max_segments = 1 };
	static struct world w;

	(void)state;
	stores_left = 0;
	world_init(&w, 1);
	device_start(&w);
	driver_offer(&w.driver, 2);
	assert_int_equal(shyper_queue_pop(&w.queue, &chain), 1);
	device_start(&w);
	w.driver.desc[2].addr = 0;
	assert_int_equal(shyper_queue_pop(&w.queue, &chain), -EPROTO);
	assert_true(w.queue.broken);
	assert_int_equal(w.queue.in_flight, 0);
	assert_int_equal(w.counters.in_flight, 0);
	shyper_queue_stop(&w.queue);
	world_exit(&w);
}

/* Rubbish in the account, left by a predecessor that was taken over. */
static void test_rubbish_account(void **state)
{
	struct iovec iov[1];
	struct shyper_chain chain = { .iov = iov, .max_segments = 1 };
	static struct world w;
	unsigned int n, round;

	(void)state;
	stores_left = 0;
	for (round = 0; round < 2000; round++) {
		world_init(&w, round);
		for (n = 0; n < HVISOR_QUEUE_STATE_STRIDE(SIZE); n++)
			((uint8_t *)w.state)[n] = pick(&w, 256);
		w.state->epoch = 1;
		if (round % 2)
			w.state->used_idx = -(round % 4 / 2);
		w.state->last_head = pick(&w, SIZE * 2);
		for (n = 0; n < SIZE; n++)
			w.state->heads[n].epoch = pick(&w, 2);
		if (!shyper_queue_start(&w.queue, &w.setup))
			while (shyper_queue_pop(&w.queue, &chain) > 0)
				shyper_queue_push(&w.queue, chain.head, 0);
		world_exit(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_death),
		cmocka_unit_test(test_death_at_each_store),
		cmocka_unit_test(test_death_after_death),
		cmocka_unit_test(test_other_epoch),
		cmocka_unit_test(test_reissued_chain_spoilt),
		cmocka_unit_test(test_rubbish_account),
	};

	return cmocka_run_group_tests_name("virtio/inflight", tests, NULL, NULL);
}
