/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause) */
/*
 * Hypercalls of root's kernel: SMCCC (Arm DEN 0028) fast 64-bit calls of the
 * vendor specific hypervisor service range, by HVC #0 from EL1.
 *
 * x0 is the number, x1 to x5 are arguments. x0 returns 0 or a positive
 * result, or a negative errno (Linux's numbers); x1 to x3 return what the call
 * says. Calls that take a structure find it in the calling CPU's argument page
 * (struct hvisor_info.args): EL2 copies it once, checks the copy, uses the
 * copy. The caller stays on one CPU from filling the page to the return.
 *
 * Every call is bounded. Calls that have more to do than one bound return
 * -EAGAIN and are made again. From other cells than root each call gives
 * NOT_SUPPORTED (-1) as any unknown SMCCC number does.
 *
 * Errors that all may give: -EINVAL (an argument out of range, a size that
 * does not fit, reserved bits set), -ENOENT (no such cell or device), -EBUSY
 * (the state does not allow it), -ENOMEM (EL2's pool is empty or has no run of
 * pages that long). Calls of a device before its DECLARE: -ENOTCONN.
 *
 * Owner: hypervisor.
 */
#ifndef HVISOR_HYPERCALL_H
#define HVISOR_HYPERCALL_H

#include <hvisor/device.h>

#define HVISOR_HC(nr)			(0xc6000000U + (nr))

/* -> x1: HVISOR_ABI_VERSION, x2: PA of struct hvisor_info, x3: this CPU's number */
#define HVISOR_HC_INFO			HVISOR_HC(1)

/*
 * x1: 32-bit word of root's, kept in the cell's page; args: struct
 * hvisor_cell_desc -> cell id, state CREATED.
 * -EEXIST: the name is taken. -EBUSY: a CPU is not root's, or is on.
 * -ENOSPC: no free id.
 */
#define HVISOR_HC_CELL_CREATE		HVISOR_HC(2)

/*
 * x1: cell; args: struct hvisor_memory_batch -> blocks added, from the first.
 * All are checked, against each other too, before the first is added. CREATED only.
 * -EPERM: a block is not root's RAM. -EBUSY: a block is lent. -EEXIST: the IPA
 * is in use. Blocks are given back by DESTROY only.
 */
#define HVISOR_HC_CELL_ADD_MEMORY	HVISOR_HC(3)

/* x1: cell; args: struct hvisor_device_desc -> device index. CREATED only. */
#define HVISOR_HC_CELL_ADD_DEVICE	HVISOR_HC(4)

/*
 * x1: cell. CREATED (with memory), STOPPED, FAILED or LOADED -> LOADED. Resets
 * all devices. -EAGAIN: a device has not answered QUIESCE yet, x1: its index, or
 * a CPU is still on its way out, x1: ~0.
 * -ENODEV: a device was never declared, x1: its index.
 * After it the cell's memory is root's to write until START.
 */
#define HVISOR_HC_CELL_LOAD		HVISOR_HC(5)

/*
 * x1: cell, x2: entry point (IPA in memory, 4 byte aligned), x3: x0 of the
 * guest. LOADED -> RUNNING. The boot CPU cleans and invalidates the caches of
 * all the cell's memory before it enters the guest.
 */
#define HVISOR_HC_CELL_START		HVISOR_HC(6)

/*
 * x1: cell. RUNNING or PAUSED -> STOPPED; -EAGAIN while a CPU is on its way out.
 * The last CPU to park publishes the state and raises QUIESCE. LOADED, STOPPED
 * or FAILED -> STOPPED at once: a START under way, or one that a monitor has in
 * mind after a reset or a failure, is called off.
 */
#define HVISOR_HC_CELL_STOP		HVISOR_HC(7)

/*
 * x1: cell. Any state -> DYING -> NONE; -EAGAIN while there is more to do.
 * When it returns 0 the CPUs are root's again (off) and so is the memory.
 */
#define HVISOR_HC_CELL_DESTROY		HVISOR_HC(8)

/*
 * x1: cell, x2: device; args: struct hvisor_device_decl. The backend is
 * attached from here on: requests that are pending are raised anew, each
 * ready queue's doorbell is set once and the guest is interrupted once.
 * -EINVAL: not what was declared at first. -EBUSY: attached already.
 */
#define HVISOR_HC_DEVICE_DECLARE	HVISOR_HC(9)

/*
 * x1: cell, x2: device, x3: CPU of the cell whose slot is answered, or
 * HVISOR_ANSWER_CONTROL; x4: seq of the request; x5: value (of a load).
 * -ESTALE: no such request is pending.
 */
#define HVISOR_HC_DEVICE_ANSWER		HVISOR_HC(10)
#define HVISOR_ANSWER_CONTROL		0xffffU

/*
 * x1: cell, x2: device, x3: HVISOR_INTERRUPT_*. -ENOTCONN: the driver has not
 * set DRIVER_OK; nothing happened.
 * Of HVISOR_DEVICE_MMIO x3 is HVISOR_INTERRUPT_LEVEL, its interrupt is asserted
 * from now on, or 0: it is not. -EINVAL: it has none.
 */
#define HVISOR_HC_DEVICE_INTERRUPT	HVISOR_HC(11)
#define HVISOR_INTERRUPT_USED		(1U << 0)	/* VIRTIO_MMIO_INT_VRING */
#define HVISOR_INTERRUPT_CONFIG		(1U << 1)	/* VIRTIO_MMIO_INT_CONFIG */
#define HVISOR_INTERRUPT_LEVEL		(1U << 2)	/* not for VIRTIO */

/*
 * x1: cell, x2: device, x3: HVISOR_RELEASE_QUIET or 0. The backend's last file is
 * gone: not attached any more, requests wait for the next backend. QUIET: by the
 * account of the state area nothing was in flight, so nothing can touch the
 * rings: a QUIESCE, pending or raised before the next DECLARE, counts as answered.
 */
#define HVISOR_RELEASE_QUIET		(1U << 0)
#define HVISOR_HC_DEVICE_RELEASE	HVISOR_HC(12)

/*
 * x1: cell, x2: device; args: struct hvisor_device_decl, of which config_len
 * and config count: new configuration, generation + 1, interrupt.
 */
#define HVISOR_HC_DEVICE_CONFIG		HVISOR_HC(13)

/* x1: cell, x2: device. Sets DEVICE_NEEDS_RESET and interrupts. */
#define HVISOR_HC_DEVICE_FAIL		HVISOR_HC(14)

/*
 * x1: cell, x2: 0, or 1 after -EAGAIN. RUNNING -> PAUSED: its CPUs stay where they
 * are, with all their state, and wait at EL2; -EAGAIN while one is still in the
 * guest. Interrupts are kept for them, requests to backends stay pending, time and
 * deadlines go on. With 1 it begins no pause: -EBUSY if a RESUME or an end of the
 * cell came in between.
 */
#define HVISOR_HC_CELL_PAUSE		HVISOR_HC(17)

/*
 * x1: cell. PAUSED -> RUNNING; takes back a PAUSE that is on its way. Not
 * counted as a start.
 */
#define HVISOR_HC_CELL_RESUME		HVISOR_HC(18)

/* Panics EL2. Only with the option "selftest", else -EPERM. */
#define HVISOR_HC_PANIC			HVISOR_HC(15)

/*
 * x1: cell, x2: IPA -> args: struct hvisor_memory_batch: blocks that the cell was
 * lent, with the same flags, in ascending order from that IPA on (maybe none);
 * x1: IPA to go on from, ~0: there are no more. Not of a cell that is DYING.
 */
#define HVISOR_HC_CELL_LIST_MEMORY	HVISOR_HC(16)

#endif /* HVISOR_HYPERCALL_H */
