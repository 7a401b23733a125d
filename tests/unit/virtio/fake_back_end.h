/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A back end of vhost-user for tests, a process of its own: it answers each request
 * with the complement of what it has read, and can break each rule. With
 * INFLIGHT_SHMFD it keeps the account of the protocol.
 */
#ifndef TESTS_VIRTIO_FAKE_BACK_END_H
#define TESTS_VIRTIO_FAKE_BACK_END_H

#include <stdbool.h>
#include <stdint.h>

enum fake_mode {
	FAKE_SERVES,
	FAKE_HOLDS,		/* takes requests and does nothing */
	FAKE_LAST,		/* takes three, and does the last of them */
	FAKE_LEAVES,		/* holds, and stops a ring with what it holds in it */
	FAKE_DIES,		/* at used.idx, before its account knows */
	FAKE_SILENT,		/* carries them out and does not call */
	/* What it puts into the used ring. */
	FAKE_USED_ID,
	FAKE_USED_TWICE,
	FAKE_USED_LENGTH,
	FAKE_USED_INDEX,
	FAKE_BLOCKS,		/* whoever kicks it */
	/* How it answers the messages @at; descriptors it sends with all if that is 0. */
	FAKE_WRONG_REQUEST,
	FAKE_WRONG_SIZE,
	FAKE_HUGE_SIZE,
	FAKE_NO_REPLY_FLAG,
	FAKE_WRONG_VERSION,
	FAKE_REFUSES,
	FAKE_DESCRIPTORS,	/* sends some along: no fault, but none may arrive */
	FAKE_MUTE,		/* not at all, once */
	FAKE_TWICE,		/* likewise once */
	FAKE_DRIPS,		/* a byte now and then */
	FAKE_CHATTERS,		/* a message that nobody asked for */
};

struct fake {
	/* Set by the test, at any time. */
	volatile enum fake_mode mode;
	volatile uint32_t at;
	volatile uint64_t features;
	volatile uint64_t protocol;
	volatile uint64_t queues;
	volatile int32_t more;		/* bytes of the account, for each queue */
	uint8_t config[256];
	/* Told by the back end. */
	volatile unsigned int sessions;
	volatile unsigned int taken;
	volatile unsigned int stops;
	volatile unsigned int regions;
	volatile unsigned int accounts;	/* that it was given */
	volatile unsigned int running;	/* rings of the guest */
	volatile unsigned int wrong_bases;
	volatile uint64_t calls_unread;	/* of rings that were stopped */
	volatile uint64_t driver_features;
	volatile uint64_t heads_taken[8];
};

extern struct fake *fake;

void fake_init(const char *path);
void fake_exit(void);
/* Starts it; it listens when this returns. */
void fake_start(void);
void fake_kill(void);

#endif /* TESTS_VIRTIO_FAKE_BACK_END_H */
