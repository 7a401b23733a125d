/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shyper-vhost-user as a process in its jail, between a driver and a back end of
 * the tests' own; it waits for answers for three seconds.
 */
#ifndef TESTS_VIRTIO_VHOST_USER_BRIDGE_H
#define TESTS_VIRTIO_VHOST_USER_BRIDGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "driver.h"

#define OUT	0x200000	/* within the memory: 64 bytes of each head */
#define IN	0x300000

extern struct driver drivers[2];
/* Of the device's configuration. */
extern json_t *device;
extern int queues;	/* 0: none */
extern json_t *direct;	/* the key; NULL: none */
extern json_t *poll_key;	/* likewise: "poll" */

/* A disk that nobody bridges yet, and a back end that listens. */
int set_up(void **state);
int tear_down(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* Another device than a disk. */
void be_device(json_t *which);

/* For el2_backend_start(). */
int serve(void);
/* The exit status of a bridge that is to end by itself. */
int end_status(void);
/* The exit status of one that does not get to declaring. */
int refusal(void);
/* How many files the bridge has. */
unsigned int count_files(void);

/* A request of 16 bytes with an answer of 32. */
void offer(unsigned int queue, uint16_t head);
/* Whether it is answered in twenty seconds, rightly. */
bool answered(unsigned int queue, uint16_t *head);
void assert_answered(unsigned int queue, uint16_t wanted);

void sleep_ms(unsigned int ms);
void wait_taken(unsigned int nr);
void wait_for(volatile unsigned int *number, unsigned int wanted);

/* Starts a bridge and gives three requests to a back end that holds them. */
void hold_three(void);
/* They have gone to the back end again, in their old order. */
void assert_three_answered(void);

#endif /* TESTS_VIRTIO_VHOST_USER_BRIDGE_H */
