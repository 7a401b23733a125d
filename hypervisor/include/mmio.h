/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Emulated regions of a cell, and decoding of the accesses to them. */
#ifndef HV_MMIO_H
#define HV_MMIO_H

#include "types.h"

#define MMIO_MAX_REGIONS	40

enum mmio_result {
	MMIO_HANDLED,		/* go on behind the instruction */
	MMIO_RETRY,		/* make the guest do it again */
	MMIO_ABORT,		/* external abort to the guest */
	MMIO_UNHANDLED,		/* no region there */
	MMIO_FAIL,		/* the cell fails: HVISOR_REASON_DEVICE */
};

/**
 * struct mmio_access - one load or store, decoded
 * @addr: offset in the region (for the handler), IPA before
 * @value: of a store, zero-extended; the handler leaves a load's here
 * @size: 1, 2, 4 or 8
 * @sign: sign-extend a load
 * @sf: to 64 bits, else 32
 * @reg: register number; 31 is XZR
 */
struct mmio_access {
	u64 addr;
	u64 value;
	u8 size;
	u8 reg;
	bool write;
	bool sign;
	bool sf;
};

struct cell;

typedef enum mmio_result (*mmio_handler)(void *arg, struct mmio_access *access);

struct mmio_region {
	u64 start;
	u64 size;
	mmio_handler handler;
	void *arg;
};

/* Sorted by start. Changes only while no CPU of the cell runs. */
struct mmio_table {
	u32 count;
	struct mmio_region regions[MMIO_MAX_REGIONS];
};

/* -EINVAL: empty or overflowing; -EEXIST: overlaps; -ENOSPC: table is full. */
int mmio_region_register(struct mmio_table *table, u64 start, u64 size,
			 mmio_handler handler, void *arg);
int mmio_region_unregister(struct mmio_table *table, u64 start);
bool mmio_region_overlaps(const struct mmio_table *table, u64 start, u64 size);
const struct mmio_region *mmio_region_find(const struct mmio_table *table, u64 addr);

/*
 * Fills all but @addr and @value from the syndrome. -EINVAL: ISV = 0, the
 * instruction cannot be decoded.
 */
int mmio_decode(u64 esr, struct mmio_access *access);

/* What a load of @access leaves in the register. */
u64 mmio_load_value(const struct mmio_access *access);

/* Finds the region that holds all of the access, calls its handler. */
enum mmio_result mmio_handle_access(const struct mmio_table *table, struct mmio_access *access);

/*
 * Translates @va by stage 1 alone as the guest would for the access; gives
 * PAR_EL1 (bit 0: failed).
 */
typedef u64 (*mmio_translate)(u64 va, bool write, bool user);

/*
 * IPA of a data or instruction abort from a lower level. HPFAR_EL2 counts
 * where the architecture says that it is valid, nowhere else. -EAGAIN: stage 1
 * changed under us; the guest shall try again.
 */
int mmio_fault_ipa(u64 esr, u64 far, u64 hpfar, bool user, mmio_translate at, u64 *ret_ipa);

#endif /* HV_MMIO_H */
