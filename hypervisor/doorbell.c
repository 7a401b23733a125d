// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Doorbells: bits that EL2 sets and root takes, in a page that both write.
 *
 *	EL2: bits |= x; barrier; if (!exchange(told, 1)) raise
 *	root: told = 0; barrier; take bits
 *
 * Each side stores first and then looks at what the other has stored. With a
 * full barrier (DMB ISH, Arm ARM DDI 0487, B2.3.12) in between on both sides
 * not both can miss the other's store: either root's look finds the bit, or EL2
 * finds told = 0. A weaker one, acquire and release, would not do.
 *
 * Root may write anything here. It can lose its own wake-ups by that, no more:
 * EL2 decides nothing else by this page.
 */
#include "doorbell.h"

bool doorbell_set(struct hvisor_bell_page *bell, u32 device, u32 bits, u64 now)
{
	struct hvisor_doorbell *doorbell = &bell->doorbells[device];
	u32 old;

	/* Of two that are first at once either will do. */
	if (!READ_ONCE(doorbell->bits))
		WRITE_ONCE(doorbell->since, now);

	/* Who takes the bits sees what the guest wrote before, and since when (release). */
	old = __atomic_fetch_or(&doorbell->bits, bits, __ATOMIC_SEQ_CST);
	if ((old & bits) == bits)
		return false;
	__atomic_fetch_or(&bell->bells, 1U << device, __ATOMIC_SEQ_CST);
	return true;
}

void doorbell_clear(struct hvisor_bell_page *bell, u32 device, u32 bits)
{
	__atomic_fetch_and(&bell->doorbells[device].bits, ~bits, __ATOMIC_SEQ_CST);
}

void doorbell_request(struct hvisor_bell_page *bell, u32 device)
{
	__atomic_fetch_or(&bell->requests, 1U << device, __ATOMIC_SEQ_CST);
}

void doorbell_event(struct hvisor_bell_page *bell, u32 events)
{
	__atomic_fetch_or(&bell->events, events, __ATOMIC_SEQ_CST);
}

bool doorbell_tell(struct hvisor_bell_page *bell)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !__atomic_exchange_n(&bell->told, 1, __ATOMIC_SEQ_CST);
}
