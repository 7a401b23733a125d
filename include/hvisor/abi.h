/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause) */
/*
 * What every side of the ABI must agree on first: version, limits, states,
 * and the information page, from which root finds everything else.
 *
 * All pages named here belong to EL2 and come from its pool. Root maps them
 * Normal Write-Back Inner Shareable, as EL2 does (Arm ARM DDI 0487, B2.8:
 * mismatched attributes lose coherence), read-only unless said otherwise.
 *
 * Owner: hypervisor.
 */
#ifndef HVISOR_ABI_H
#define HVISOR_ABI_H

#include <hvisor/types.h>

/* Major: incompatible change, the module refuses. Minor: additions only. */
#define HVISOR_ABI_MAJOR		1
#define HVISOR_ABI_MINOR		5
#define HVISOR_ABI_VERSION		((HVISOR_ABI_MAJOR << 16) | HVISOR_ABI_MINOR)

#define HVISOR_PAGE_SIZE		4096
/* Granule in which memory is lent to a cell. */
#define HVISOR_BLOCK_SIZE		0x200000

#define HVISOR_ROOT_CELL		0
#define HVISOR_MAX_CELLS		17	/* root and 16 others */
#define HVISOR_MAX_CPUS			64	/* of the machine */
#define HVISOR_MAX_CELL_CPUS		16
#define HVISOR_MAX_REGIONS		16	/* memory regions of a cell */
#define HVISOR_MAX_DEVICES		32	/* of a cell */
#define HVISOR_MAX_QUEUES		16	/* of a device */
#define HVISOR_MAX_QUEUE_SIZE		1024	/* power of two */
#define HVISOR_MAX_CONFIG		256	/* bytes of virtio config space */

/* Names: [A-Za-z0-9_-]+, NUL-terminated, zero-padded. */
#define HVISOR_CELL_NAME_LEN		32
#define HVISOR_DEVICE_NAME_LEN		16

/*
 * State of a cell.
 *
 *   CREATED --LOAD--> LOADED --START--> RUNNING --STOP/off/reset--> STOPPED
 *      ^                ^                  |                           |
 *      |                |                  +------fault------> FAILED  |
 *    CREATE             +---------------------LOAD---------------+-----+
 *
 * RUNNING --PAUSE--> PAUSED --RESUME--> RUNNING; STOP ends PAUSED as RUNNING.
 * DESTROY is accepted in every state: it stops the CPUs first.
 */
#define HVISOR_CELL_NONE		0	/* no such cell */
#define HVISOR_CELL_CREATED		1	/* being assembled */
#define HVISOR_CELL_LOADED		2	/* devices reset, images may be written */
#define HVISOR_CELL_RUNNING		3
#define HVISOR_CELL_PAUSED		4
#define HVISOR_CELL_STOPPED		5
#define HVISOR_CELL_FAILED		6
#define HVISOR_CELL_DYING		7	/* destroy has begun */

/* Why a cell is STOPPED or FAILED. */
#define HVISOR_REASON_NONE		0
#define HVISOR_REASON_STOP		1	/* root asked */
#define HVISOR_REASON_OFF		2	/* PSCI SYSTEM_OFF of the guest */
#define HVISOR_REASON_RESET		3	/* PSCI SYSTEM_RESET of the guest */
#define HVISOR_REASON_UNMAPPED		4	/* access to an unmapped address */
#define HVISOR_REASON_EXCEPTION		5	/* exception EL2 cannot answer */
#define HVISOR_REASON_DEVICE		6	/* a device's deadline policy */
#define HVISOR_REASON_SERROR		7	/* SError caused by the guest */

/* Owner of a physical CPU, in struct hvisor_cpu_info.state. */
#define HVISOR_CPU_OFF			0	/* waits at EL2 */
#define HVISOR_CPU_ON			1	/* runs its owner */

#define HVISOR_INFO_MAGIC		0x53495648	/* "HVIS" */

/**
 * struct hvisor_cpu_info - a physical CPU
 * @mpidr: MPIDR_EL1 affinity fields, the "reg" of its device tree node
 * @owner: cell id
 * @state: HVISOR_CPU_*
 */
struct hvisor_cpu_info {
	__aligned_u64 mpidr;
	__u32 owner;
	__u32 state;
};

/**
 * struct hvisor_info - one page that says what runs below; read-only to root
 * @magic: HVISOR_INFO_MAGIC
 * @version: HVISOR_ABI_VERSION
 * @size: bytes that are valid of this structure
 * @nr_cpus: entries of @cpus
 * @args: physical address of the argument pages, one for each CPU in the
 *	order of @cpus, contiguous; root reads and writes them
 * @log: physical address of EL2's log, see struct hvisor_log
 * @log_pages: its size in pages
 * @root_memory_start: lowest address of RAM that may be lent
 * @pool_pages: size of EL2's pool
 * @pool_free: pages of it that are free now
 * @cells: physical address of each cell's struct hvisor_cell_page, 0: none.
 *	Entry 0 is root's.
 * @cpus: the CPUs; the index is the EL2 CPU number that hypercalls take
 */
struct hvisor_info {
	__u32 magic;
	__u32 version;
	__u32 size;
	__u32 nr_cpus;
	__aligned_u64 args;
	__aligned_u64 log;
	__u32 log_pages;
	__u32 reserved;
	__aligned_u64 root_memory_start;
	__aligned_u64 pool_pages;
	__aligned_u64 pool_free;
	__aligned_u64 cells[HVISOR_MAX_CELLS];
	struct hvisor_cpu_info cpus[HVISOR_MAX_CPUS];
};

/**
 * struct hvisor_log - a text ring; read-only to root
 * @size: bytes of @text
 * @head: bytes ever written; the newest is text[(head - 1) % size]. Written
 *	with release after the text; a reader loads it (acquire), copies, loads
 *	it again and drops what was overwritten meanwhile.
 */
struct hvisor_log {
	__u32 size;
	__u32 reserved;
	__aligned_u64 head;
	__u8 text[];
};

#endif /* HVISOR_ABI_H */
