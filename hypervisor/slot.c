// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocking requests. Root reads a slot while EL2 writes it: the state is IDLE
 * while the fields change, so who finds PENDING and one sequence number before
 * and after its reads has one whole request.
 *
 * Release and acquire are STLR and LDAR, the fence is DMB ISH (Arm ARM DDI
 * 0487, B2.3.11 and C6.2): EL2 and root share these pages Inner Shareable.
 */
#include "slot.h"

#include "errno.h"

static void set_state(__u32 *state, u32 value)
{
	__atomic_store_n(state, value, __ATOMIC_RELEASE);
}

void slot_post(struct hvisor_device_slot *slot, struct slot_wait *wait,
	       const struct slot_request *request, u64 now)
{
	wait->value = 0;
	wait->late = false;
	wait->result = SLOT_WAITING;
	/* IDLE before any of these: a reader of the last request will notice. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	WRITE_ONCE(slot->since, now);
	WRITE_ONCE(slot->value, request->value);
	WRITE_ONCE(slot->offset, request->offset);
	WRITE_ONCE(slot->op, request->op);
	WRITE_ONCE(slot->length, request->length);
	WRITE_ONCE(slot->seq, slot->seq + 1);
	set_state(&slot->state, HVISOR_SLOT_PENDING);
}

static void finish(struct hvisor_device_slot *slot, struct slot_wait *wait, u32 result,
		   u64 value)
{
	set_state(&slot->state, HVISOR_SLOT_IDLE);
	wait->value = value;
	__atomic_store_n(&wait->result, result, __ATOMIC_RELEASE);
}

int slot_answer(struct hvisor_device_slot *slot, struct slot_wait *wait, u64 seq, u64 value)
{
	if (slot->state != HVISOR_SLOT_PENDING || slot->seq != seq)
		return -ESTALE;
	finish(slot, wait, SLOT_ANSWERED, value);
	return 0;
}

void slot_cancel(struct hvisor_device_slot *slot, struct slot_wait *wait, u64 value)
{
	if (slot->state == HVISOR_SLOT_PENDING)
		finish(slot, wait, SLOT_CANCELLED, value);
}

void slot_post_control(struct hvisor_device_control *control, u32 op, u64 now)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	WRITE_ONCE(control->since, now);
	WRITE_ONCE(control->op, op);
	WRITE_ONCE(control->seq, control->seq + 1);
	set_state(&control->state, HVISOR_SLOT_PENDING);
}

int slot_answer_control(struct hvisor_device_control *control, u64 seq)
{
	if (control->state != HVISOR_SLOT_PENDING || control->seq != seq)
		return -ESTALE;
	set_state(&control->state, HVISOR_SLOT_IDLE);
	return 0;
}
