/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cell that is right in all, to be spoilt; what calls gave; the machine's state. */
#ifndef PROGRAMS_COMMON_H
#define PROGRAMS_COMMON_H

#include <stdbool.h>
#include <stddef.h>

#include <hvisor/ioctl.h>

#define GICD_IPA	0x08000000ULL
#define GICR_IPA	0x080a0000ULL
#define EARLYCON_IPA	0x09000000ULL
#define VIRTIO_IPA	0x0a000000ULL
#define ECHO_IPA	0x0b000000ULL
#define RAM_IPA		0x40000000ULL
#define RAM_SIZE	0x800000ULL	/* of each of two regions, in one file */
#define CELL_CPU	3

/* Order matters to one test: what follows @create is not zero. */
struct request {
	struct hvisor_cell_create create;
	struct hvisor_memory_region regions[2];
	struct hvisor_device_setup devices[3];
};

/* Descriptors that are open from memory_init() on. */
enum {
	FD_MEMORY = 100,	/* right: both regions lie in it */
	FD_UNSEALED,
	FD_HALF_SEALED,
	FD_ORDINARY,		/* a memfd, but not of huge pages */
	FD_DEVICE,		/* no memory at all */
	FD_READ_ONLY,		/* FD_MEMORY, opened to be read */
	FD_OTHER,		/* as right as FD_MEMORY, but another */
	FD_SPARSE,		/* sealed, larger than the machine has pages */
	FD_CLOSED,
};
#define SPARSE_SIZE	(1ULL << 32)

void memory_init(void);
void request_init(struct request *r);
int open_bound(unsigned int role, unsigned int cell, unsigned int device);

/* What a call that is refused may not change; static storage. */
const char *machine_state(void);

/* Counts, and tells what is not as it should be; @error 0: success. */
void check(const char *what, int result, int error);
int check_end(void);

#endif /* PROGRAMS_COMMON_H */
