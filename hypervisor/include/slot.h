/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocking requests: one slot for each CPU of a cell in each device's page,
 * and one control request for the device itself. A CPU waits for one request
 * at most, so its slot is free whenever it needs it.
 */
#ifndef HV_SLOT_H
#define HV_SLOT_H

#include <hvisor/device.h>

#include "types.h"

enum slot_result {
	SLOT_NONE,		/* the CPU waits for nothing */
	SLOT_WAITING,
	SLOT_ANSWERED,
	SLOT_CANCELLED,		/* by deadline, stop or failure */
};

/**
 * struct slot_wait - EL2's side of a slot
 * @result: written last (release); the waiting CPU reads it without a lock
 * @late: the deadline was met and counted, but the policy is to wait on
 * @value: answer to a load
 */
struct slot_wait {
	u32 result;
	bool late;
	u64 value;
};

/**
 * struct slot_request - what to ask the backend
 */
struct slot_request {
	u32 op;
	u32 offset;
	u32 length;
	u64 value;
};

/*
 * Context of all: the device's lock is held.
 */
void slot_post(struct hvisor_device_slot *slot, struct slot_wait *wait,
	       const struct slot_request *request, u64 now);
/* -ESTALE: @seq is not the pending request. */
int slot_answer(struct hvisor_device_slot *slot, struct slot_wait *wait, u64 seq, u64 value);
/* The CPU gets @value where it waited for a load. Nothing if none waits. */
void slot_cancel(struct hvisor_device_slot *slot, struct slot_wait *wait, u64 value);

void slot_post_control(struct hvisor_device_control *control, u32 op, u64 now);
int slot_answer_control(struct hvisor_device_control *control, u64 seq);

/* Has the request waited for @ticks? 0: it may wait for ever. */
static inline bool slot_expired(u64 since, u64 now, u64 ticks)
{
	return ticks && now - since >= ticks;
}

static inline u32 slot_result(const struct slot_wait *wait)
{
	return __atomic_load_n(&wait->result, __ATOMIC_ACQUIRE);
}

#endif /* HV_SLOT_H */
