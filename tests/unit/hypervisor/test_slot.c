// SPDX-License-Identifier: GPL-2.0-or-later
/* Blocking requests: sequence, answer, cancel, deadline, a reader beside. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "errno.h"
#include "slot.h"

static const struct slot_request load = {
	.op = HVISOR_OP_LOAD,
	.offset = 0x18,
	.length = 8,
};

static void test_answer_ends_the_wait(void **state)
{
	struct hvisor_device_slot slot = {0};
	struct slot_wait wait = {0};

	(void)state;
	slot_post(&slot, &wait, &load, 77);
	assert_int_equal(slot.state, HVISOR_SLOT_PENDING);
	assert_int_equal(slot.seq, 1);
	assert_int_equal(slot.since, 77);
	assert_int_equal(slot.op, HVISOR_OP_LOAD);
	assert_int_equal(slot.offset, 0x18);
	assert_int_equal(slot.length, 8);
	assert_int_equal(slot_result(&wait), SLOT_WAITING);
	assert_int_equal(slot_answer(&slot, &wait, 1, 0x1234), 0);
	assert_int_equal(slot_result(&wait), SLOT_ANSWERED);
	assert_int_equal(wait.value, 0x1234);
	assert_int_equal(slot.state, HVISOR_SLOT_IDLE);
}

static void test_wrong_seq_is_stale(void **state)
{
	struct hvisor_device_slot slot = {0};
	struct slot_wait wait = {0};

	(void)state;
	assert_int_equal(slot_answer(&slot, &wait, 0, 1), -ESTALE);
	slot_post(&slot, &wait, &load, 0);
	assert_int_equal(slot_answer(&slot, &wait, 0, 1), -ESTALE);
	assert_int_equal(slot_answer(&slot, &wait, 2, 1), -ESTALE);
	assert_int_equal(slot_answer(&slot, &wait, ~0UL, 1), -ESTALE);
	assert_int_equal(slot_result(&wait), SLOT_WAITING);
	assert_int_equal(slot_answer(&slot, &wait, 1, 1), 0);
	assert_int_equal(slot_answer(&slot, &wait, 1, 1), -ESTALE);
}

static void test_answer_after_cancel_is_stale(void **state)
{
	struct hvisor_device_slot slot = {0};
	struct slot_wait wait = {0};

	(void)state;
	slot_post(&slot, &wait, &load, 0);
	slot_cancel(&slot, &wait, ~0UL);
	assert_int_equal(slot_result(&wait), SLOT_CANCELLED);
	assert_int_equal(wait.value, ~0UL);
	assert_int_equal(slot_answer(&slot, &wait, 1, 5), -ESTALE);
	assert_int_equal(wait.value, ~0UL);
	/* the old answer does not fit the next request either */
	slot_post(&slot, &wait, &load, 0);
	assert_int_equal(slot.seq, 2);
	assert_int_equal(slot_answer(&slot, &wait, 1, 5), -ESTALE);
	assert_int_equal(slot_result(&wait), SLOT_WAITING);
}

static void test_cancel_of_nothing_changes_nothing(void **state)
{
	struct hvisor_device_slot slot = {0};
	struct slot_wait wait = {0};

	(void)state;
	slot_cancel(&slot, &wait, 1);
	assert_int_equal(slot_result(&wait), SLOT_NONE);
	slot_post(&slot, &wait, &load, 0);
	slot_answer(&slot, &wait, 1, 9);
	slot_cancel(&slot, &wait, 1);
	assert_int_equal(slot_result(&wait), SLOT_ANSWERED);
	assert_int_equal(wait.value, 9);
}

static void test_deadline(void **state)
{
	(void)state;
	assert_false(slot_expired(0, ~0UL, 0));
	assert_false(slot_expired(100, 199, 100));
	assert_true(slot_expired(100, 200, 100));
	assert_true(slot_expired(~0UL - 5, 94, 100));
}

static void test_control_request_is_answered_once(void **state)
{
	struct hvisor_device_control control = {0};

	(void)state;
	assert_int_equal(slot_answer_control(&control, 0), -ESTALE);
	slot_post_control(&control, HVISOR_OP_QUIESCE, 5);
	assert_int_equal(control.op, HVISOR_OP_QUIESCE);
	assert_int_equal(control.since, 5);
	assert_int_equal(slot_answer_control(&control, 2), -ESTALE);
	assert_int_equal(slot_answer_control(&control, 1), 0);
	assert_int_equal(slot_answer_control(&control, 1), -ESTALE);
	assert_int_equal(control.state, HVISOR_SLOT_IDLE);
}

/* -- root reads while EL2 writes -- */

#define ROUNDS	200000

static struct hvisor_device_slot shared;
static u32 done;

/* A request whose fields tell whether they belong together. */
static void *writer(void *arg)
{
	struct slot_wait wait = {0};
	struct slot_request request = { .op = HVISOR_OP_STORE, .length = 4 };
	u32 i;

	(void)arg;
	for (i = 1; i <= ROUNDS; i++) {
		request.offset = i;
		request.value = i * 3UL;
		slot_post(&shared, &wait, &request, i);
		if (i % 2)
			slot_answer(&shared, &wait, i, 0);
		else
			slot_cancel(&shared, &wait, 0);
	}
	__atomic_store_n(&done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void check_snapshot(void)
{
	u64 seq, value, since;
	u32 offset;

	if (__atomic_load_n(&shared.state, __ATOMIC_ACQUIRE) != HVISOR_SLOT_PENDING)
		return;
	seq = __atomic_load_n(&shared.seq, __ATOMIC_ACQUIRE);
	value = READ_ONCE(shared.value);
	since = READ_ONCE(shared.since);
	offset = READ_ONCE(shared.offset);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&shared.state, __ATOMIC_RELAXED) != HVISOR_SLOT_PENDING ||
	    READ_ONCE(shared.seq) != seq)
		return;
	assert_int_equal(offset, seq);
	assert_int_equal(value, seq * 3);
	assert_int_equal(since, seq);
}

static void test_reader_never_sees_half_a_request(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, writer, NULL), 0);
	while (!__atomic_load_n(&done, __ATOMIC_SEQ_CST))
		check_snapshot();
	pthread_join(thread, NULL);
	assert_int_equal(shared.seq, ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_ends_the_wait),
		cmocka_unit_test(test_wrong_seq_is_stale),
		cmocka_unit_test(test_answer_after_cancel_is_stale),
		cmocka_unit_test(test_cancel_of_nothing_changes_nothing),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_control_request_is_answered_once),
		cmocka_unit_test(test_reader_never_sees_half_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
