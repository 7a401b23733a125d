/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause) */
/*
 * Cells: what root hands to EL2 to make one (descriptors, copied from the
 * argument page and then checked), and what EL2 publishes of one (pages).
 *
 * Owner: hypervisor.
 */
#ifndef HVISOR_CELL_H
#define HVISOR_CELL_H

#include <hvisor/abi.h>

/**
 * struct hvisor_cell_desc - argument of HVISOR_HC_CELL_CREATE
 * @size: sizeof(struct hvisor_cell_desc)
 * @flags: must be zero
 * @name: unique among the cells
 * @cpus: bit n: EL2 CPU number n; each must be root's and off; 1 to 16 bits.
 *	The lowest is the boot CPU; virtual MPIDRs count 0, 1, 2 ... in Aff0.
 * @gicd_ipa: distributor, 64 KiB aligned
 * @gicr_ipa: redistributors, 128 KiB for each CPU, contiguous, 64 KiB aligned
 */
struct hvisor_cell_desc {
	__u32 size;
	__u32 flags;
	__u8 name[HVISOR_CELL_NAME_LEN];
	__aligned_u64 cpus;
	__aligned_u64 gicd_ipa;
	__aligned_u64 gicr_ipa;
};

/* A block of 2 MiB of root's memory, lent to a cell. */
struct hvisor_memory_block {
	__aligned_u64 pa;
	__aligned_u64 ipa;
};

#define HVISOR_MEMORY_BATCH	64

/**
 * struct hvisor_memory_batch - argument of HVISOR_HC_CELL_ADD_MEMORY, result of
 *	HVISOR_HC_CELL_LIST_MEMORY
 * @size: sizeof(struct hvisor_memory_batch)
 * @count: used entries of @blocks
 * @flags: HVISOR_MEMORY_*
 */
struct hvisor_memory_batch {
	__u32 size;
	__u32 count;
	__u32 flags;
	__u32 reserved;
	struct hvisor_memory_block blocks[HVISOR_MEMORY_BATCH];
};

#define HVISOR_MEMORY_READ_ONLY	(1U << 0)	/* the guest may not write */

/* What kind of device EL2 emulates the front of. */
#define HVISOR_DEVICE_VIRTIO	1	/* virtio-mmio, one page */
#define HVISOR_DEVICE_MMIO	2	/* foreign region: each access blocks */
#define HVISOR_DEVICE_EARLYCON	3	/* PL011-shaped, stores go to the cell's log */

/**
 * struct hvisor_device_desc - argument of HVISOR_HC_CELL_ADD_DEVICE
 * @size: sizeof(struct hvisor_device_desc)
 * @kind: HVISOR_DEVICE_*
 * @name: unique in the cell
 * @ipa: page aligned, in no memory and no other device of the cell
 * @length: 4096 for VIRTIO and EARLYCON; up to 64 KiB, page aligned, for MMIO
 * @irq: INTID of the guest's SPI (32 to 255); 0: none (not for VIRTIO). Of
 *	VIRTIO an edge, of MMIO a level, active high
 * @nr_queues: VIRTIO: 1 to 16; else 0
 * @queue_size: VIRTIO: power of two, 2 to 1024: QueueNumMax of each queue
 *	and room in the backend's state area; else 0
 * @deadline_ms: after which a blocking request meets @policy; 0: never
 * @policy: HVISOR_POLICY_*
 */
struct hvisor_device_desc {
	__u32 size;
	__u32 kind;
	__u8 name[HVISOR_DEVICE_NAME_LEN];
	__aligned_u64 ipa;
	__u32 length;
	__u32 irq;
	__u32 nr_queues;
	__u32 queue_size;
	__u32 deadline_ms;
	__u32 policy;
};

#define HVISOR_POLICY_WAIT	0	/* keep waiting, visibly */
/*
 * DEVICE_NEEDS_RESET; loads give ~0, stores are dropped. Not for a reset or a
 * queue stop: the backend may still own the guest's buffers, so these go on
 * waiting, with DEVICE_NEEDS_RESET shown.
 */
#define HVISOR_POLICY_FAIL_DEVICE	1
#define HVISOR_POLICY_STOP_CELL	2	/* the cell fails, HVISOR_REASON_DEVICE */

/**
 * struct hvisor_cpu_stats - exits of one CPU of a cell, since cell creation
 *
 * Names and meaning follow the files under statistics/ in sysfs. @total counts
 * each entry to EL2 from the guest once; of the others exactly one is counted
 * with it.
 */
struct hvisor_cpu_stats {
	__aligned_u64 total;
	__aligned_u64 mmio;		/* data aborts: emulated pages */
	__aligned_u64 management;	/* EL2's own SGI */
	__aligned_u64 hypercall;	/* HVC that is not PSCI or SMCCC */
	__aligned_u64 maintenance;	/* GIC maintenance interrupt */
	__aligned_u64 virt_irq;		/* a physical interrupt for this cell */
	__aligned_u64 virt_sgi;		/* ICC_SGI*R_EL1 trapped */
	__aligned_u64 psci;
	__aligned_u64 smccc;		/* other SMCCC calls, by HVC or SMC */
	__aligned_u64 sysreg;		/* other trapped system registers */
	__aligned_u64 other;
	__aligned_u64 reserved[5];
};

/**
 * struct hvisor_exit - one of a CPU's last exits
 * @esr: ESR_EL2
 * @far: FAR_EL2, where the class has one
 * @pc: ELR_EL2
 */
struct hvisor_exit {
	__aligned_u64 esr;
	__aligned_u64 far;
	__aligned_u64 pc;
};

#define HVISOR_NR_EXITS	8

/**
 * struct hvisor_failure - what was known when a cell failed; kept until the
 *	next failure or destroy
 * @reason: HVISOR_REASON_*, 0: never failed
 * @cpu: index of the CPU within the cell
 * @ipa: faulting intermediate physical address, ~0: none
 * @walk: stage-2 descriptors met for @ipa, level 0..3; 0 where there is none
 * @exits: the CPU's last exits, oldest first
 */
struct hvisor_failure {
	__u32 reason;
	__u32 cpu;
	__aligned_u64 x[31];
	__aligned_u64 sp_el0;
	__aligned_u64 sp_el1;
	__aligned_u64 pc;
	__aligned_u64 pstate;
	__aligned_u64 esr;
	__aligned_u64 far;
	__aligned_u64 ipa;
	__aligned_u64 walk[4];
	__aligned_u64 count;
	struct hvisor_exit exits[HVISOR_NR_EXITS];
};

/**
 * struct hvisor_cell_page - what EL2 publishes of a cell; read-only to root
 * @seq: odd while EL2 changes @state to @cpu_on or @failure; a reader that
 *	wants them to fit together reads it before and after (acquire)
 * @id: cell id
 * @name: as created
 * @state: HVISOR_CELL_*
 * @reason: HVISOR_REASON_*, of STOPPED and FAILED
 * @starts: how often the cell was started
 * @state_since: CNTVCT of root's clock at the last change of state
 * @cpu_on: bit n: the guest's CPU n is on
 * @nr_cpus: CPUs of the cell
 * @nr_devices: entries of @devices in use
 * @memory_blocks: 2 MiB blocks lent
 * @irq: INTID of root's SPI for this cell; 0 for root itself
 * @cpus: EL2 CPU number of each CPU (root: of its first 16, and so @stats)
 * @bell: physical address of struct hvisor_bell_page; 0 for root
 * @log: physical address of the cell's struct hvisor_log; 0 for root
 * @log_pages: its size
 * @root_word: what root gave with HVISOR_HC_CELL_CREATE; EL2 makes nothing of it
 * @devices: physical address of each struct hvisor_device_page
 */
struct hvisor_cell_page {
	__u32 seq;
	__u32 id;
	__u8 name[HVISOR_CELL_NAME_LEN];
	__u32 state;
	__u32 reason;
	__aligned_u64 starts;
	__aligned_u64 state_since;
	__aligned_u64 cpu_on;
	__u32 nr_cpus;
	__u32 nr_devices;
	__u32 memory_blocks;
	__u32 irq;
	__u32 cpus[HVISOR_MAX_CELL_CPUS];
	__aligned_u64 bell;
	__aligned_u64 log;
	__u32 log_pages;
	__u32 root_word;
	__aligned_u64 devices[HVISOR_MAX_DEVICES];
	struct hvisor_failure failure;
	struct hvisor_cpu_stats stats[HVISOR_MAX_CELL_CPUS];
};

#endif /* HVISOR_CELL_H */
