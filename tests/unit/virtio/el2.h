/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stand-in for EL2 and hvisor.ko: takes the place of libshyper/virtio/link.c.
 * Pages and guest memory are shared mappings, so that a backend can run, and be
 * killed, as a process of its own, and another one can go on.
 */
#ifndef TESTS_VIRTIO_EL2_H
#define TESTS_VIRTIO_EL2_H

#include <sys/types.h>

#include <hvisor/hypercall.h>
#include <hvisor/ioctl.h>

#include <shyper/virtio/backend.h>

#include "driver.h"

#define EL2_QUEUE_SIZE	256

struct el2 {
	struct hvisor_device_page *page;
	struct hvisor_device_state *state;
	uint8_t *ram;
	int ram_fd;
	int link[2];		/* ours, the backend's */
	int interrupt[2];	/* a byte for each: read end, write end */
	int declared[2];	/* likewise */
	int failed[2];
	int changed[2];
	pid_t backend;
	uint64_t seq;
	bool is_old;		/* of ABI 1.2: a region has no state area */
	int *level_error;	/* of the next link_interrupt() of a region, once; shared */
	const struct vring_used *untouched;	/* has NO_NOTIFY until the device is declared */
	bool going;		/* the pages are taken away once they are mapped */
	const char *config;	/* JSON text of the device */
	bool has_eventfds;	/* and keeps a file */
	int events[2];		/* what the backend gives to the module: ours, its */
	int kicks[HVISOR_MAX_QUEUES];	/* eventfds of doorbells, -1: none */
	int calls[HVISOR_MAX_QUEUES];	/* eventfds that interrupt: @nr_calls of them */
	unsigned int nr_calls;
	int kept;		/* -1: nothing */
};

extern struct el2 el2;

/* A device that nobody serves, with DRIVER_OK and the queues of @drivers ready. */
void el2_init(uint32_t kind, struct driver *drivers, unsigned int nr_queues);
void el2_exit(void);

/* A backend of the device with a context of its own; NULL: refused. */
struct shyper_backend *el2_backend_open(const char *name,
					const struct shyper_backend_ops *ops, void *data);
/* Runs @serve as a process and waits until it has declared its device. */
void el2_backend_start(int (*serve)(void));
/* Ends it by @signal; returns its wait status. */
int el2_backend_stop(int signal);
/* Waits for its end. */
int el2_backend_wait(void);

/* Rings the doorbell. */
void el2_notify(uint32_t bits);
/* Rings that of one queue, which may have an eventfd. */
void el2_kick(unsigned int queue);
/* Waits for an interrupt by an eventfd; false: none in @ms. */
bool el2_called(int ms);
/* Posts a request of a CPU, or of the device (cpu -1). */
void el2_post(uint32_t op, int cpu, uint32_t offset, uint32_t length, uint64_t value);
/* Waits for the answer to the last request of a CPU; false: none in @ms. */
bool el2_answered(int cpu, uint64_t *value, int ms);
/* Waits for an interrupt; false: none in @ms. */
bool el2_interrupted(int ms);
/* In the backend's process: the device goes, its pages fault from now on. */
void el2_take_away(void);
/* Waits for DEVICE_FAIL. */
bool el2_failed(int ms);
/* Waits for a change of the configuration space. */
bool el2_changed(int ms);

#endif /* TESTS_VIRTIO_EL2_H */
