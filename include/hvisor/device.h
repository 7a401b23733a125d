/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause) */
/*
 * The device path: pages through which EL2, root's kernel and a backend serve
 * a cell's device. docs/theory-device-path.md tells the protocol.
 *
 *   page                       EL2    root kernel   backend      guest
 *   register page (not here)   write  -             -            read, device memory
 *   struct hvisor_device_page  write  read          read (mmap)  -
 *   struct hvisor_bell_page    set    clear         -            -
 *   struct hvisor_device_state init   read          read, write  -
 *
 * EL2 decides nothing by what it reads in the last two.
 *
 * Owner: hypervisor.
 */
#ifndef HVISOR_DEVICE_H
#define HVISOR_DEVICE_H

#include <hvisor/cell.h>

/**
 * struct hvisor_device_decl - what a backend declares its device to be
 *	(HVISOR_HC_DEVICE_DECLARE)
 * @size: sizeof(struct hvisor_device_decl)
 * @device_id: virtio device ID (virtio 1.2, 5), 1 to 63; 0 for HVISOR_DEVICE_MMIO
 * @vendor_id: anything
 * @nr_queues: 1 to the number in the descriptor; 0 for HVISOR_DEVICE_MMIO
 * @features: offered; must hold VIRTIO_F_VERSION_1 and may not hold
 *	RING_PACKED, NOTIFICATION_DATA, RING_RESET, SR_IOV, ADMIN_VQ
 * @queue_max: QueueNumMax for each queue, power of two, at most the queue_size
 *	of the descriptor
 * @config_len: bytes of @config, 0 to 256
 * @config: initial device configuration space
 *
 * A later declaration must agree with the first in all but @config.
 */
struct hvisor_device_decl {
	__u32 size;
	__u32 device_id;
	__u32 vendor_id;
	__u32 nr_queues;
	__aligned_u64 features;
	__u16 queue_max[HVISOR_MAX_QUEUES];
	__u32 config_len;
	__u32 reserved;
	__u8 config[HVISOR_MAX_CONFIG];
};

/* struct hvisor_device_slot.state and struct hvisor_device_control.state */
#define HVISOR_SLOT_IDLE	0
#define HVISOR_SLOT_PENDING	1

/* struct hvisor_device_slot.op */
#define HVISOR_OP_LOAD		1	/* MMIO: answer with the value */
#define HVISOR_OP_STORE		2	/* MMIO: answer when done */
#define HVISOR_OP_RESET		3	/* VIRTIO: Status = 0 */
#define HVISOR_OP_QUEUE_STOP	4	/* VIRTIO: QueueReady 1 -> 0, queue in @value */
#define HVISOR_OP_CONFIG_STORE	5	/* VIRTIO: @offset within the config space */
/* struct hvisor_device_control.op */
#define HVISOR_OP_QUIESCE	6	/* the cell was stopped: forget all that its guest did */

/**
 * struct hvisor_device_slot - the one blocking request that a CPU can have
 *
 * Writer: @state = IDLE, store barrier, the fields, @seq, @state = PENDING
 * (release). Reader: @state (acquire), @seq, copy, load barrier, @seq and
 * @state again: if either changed it copies again. IDLE does not tell an
 * answered request from a cancelled one; EL2 keeps that to itself.
 *
 * @seq: counts up with each request of this slot, never starts again, 0: none yet
 * @since: CNTVCT when the CPU began to wait
 * @value: of a store; the low @size bytes count
 * @offset: within the device's region
 * @state: HVISOR_SLOT_*, written last (release)
 * @op: HVISOR_OP_*
 * @length: 1, 2, 4 or 8 bytes
 */
struct hvisor_device_slot {
	__aligned_u64 seq;
	__aligned_u64 since;
	__aligned_u64 value;
	__u32 offset;
	__u32 state;
	__u32 op;
	__u32 length;
	__aligned_u64 reserved[3];
};

/**
 * struct hvisor_device_control - the device's own request, raised by EL2
 *	without a guest CPU
 */
struct hvisor_device_control {
	__aligned_u64 seq;
	__aligned_u64 since;
	__u32 op;
	__u32 state;
	__aligned_u64 reserved[5];
};

/**
 * struct hvisor_device_queue - a virtqueue as the driver set it up
 * @max: QueueNumMax
 * @size: QueueNum
 * @ready: QueueReady; nothing else changes while it is 1; written last (release)
 * @epoch: counts resets of the device and QueueReady 1 -> 0 of this queue: in-flight
 *	entries of another epoch are of no account
 * @desc: descriptor table, IPA, 16 byte aligned
 * @driver: available ring, IPA, 2 byte aligned
 * @device: used ring, IPA, 4 byte aligned
 */
struct hvisor_device_queue {
	__u32 max;
	__u32 size;
	__u32 ready;
	__u32 epoch;
	__aligned_u64 desc;
	__aligned_u64 driver;
	__aligned_u64 device;
	__aligned_u64 reserved2[3];
};

/*
 * Latencies are counted in buckets: number n has those of 2^n to 2^(n+1) - 1 ns,
 * number 0 also those of 0, the last one all that are longer.
 */
#define HVISOR_NR_BUCKETS	32

/*
 * Counted by EL2, since the cell was created. A notification is counted here,
 * among @stores too, or in its queue's struct hvisor_queue_counters.
 */
struct hvisor_device_counters {
	__aligned_u64 stores;		/* register stores that trapped */
	__aligned_u64 requests;		/* blocking requests posted */
	__aligned_u64 notifications;	/* QueueNotify stores */
	__aligned_u64 coalesced;	/* of these: the bit was still set */
	__aligned_u64 interrupts;	/* made pending in the guest */
	__aligned_u64 acks;		/* InterruptACK stores */
	__aligned_u64 resets;
	__aligned_u64 refused;		/* stores against the state machine's rules */
	__aligned_u64 timeouts;		/* blocking requests that met their deadline */
	__aligned_u64 loads;		/* of a foreign region: each one trapped */
	__aligned_u64 reserved[6];
};

/**
 * struct hvisor_queue_counters - notifications that were a matter of one queue
 *	alone, in a cache line of their own: the queue was ready and DRIVER_OK set.
 *	Each is an exit, too. Since ABI 1.5; before, and else, they are counted for
 *	the device.
 * @notifications: QueueNotify stores
 * @coalesced: of these: the bit was still set
 */
struct hvisor_queue_counters {
	__aligned_u64 notifications;
	__aligned_u64 coalesced;
	__aligned_u64 reserved[6];
};

/**
 * struct hvisor_device_page - a device, as EL2 knows it; read-only to all others
 * @kind: HVISOR_DEVICE_*
 * @index: of the device in its cell: bit and doorbell number
 * @name: as created
 * @ipa: @length: @irq: as created
 * @declared: 1 once a backend has said what it is
 * @attached: 1 while a backend is bound and has declared
 * @device_id: @vendor_id: @nr_queues: as declared
 * @queue_size: as created: the stride of the state area
 * @features: offered
 * @driver_features: accepted by the driver; valid with FEATURES_OK in @status
 * @status: the virtio Status register
 * @interrupt_status: the virtio InterruptStatus register
 * @epoch: counts resets of the device
 * @config_generation: as the guest sees it
 * @config_len: bytes of @config
 * @state_area: physical address of struct hvisor_device_state, 0 for EARLYCON
 * @state_pages: its size; contiguous
 * @failed: 1 after a deadline with HVISOR_POLICY_FAIL_DEVICE: loads give ~0, stores
 *	are dropped until the next DECLARE or LOAD of the cell, and its level is low
 * @blocking_ns: latencies of blocking requests, from the trap to the answer;
 *	those that were cancelled do not count
 * @queue_counters: of each queue
 */
struct hvisor_device_page {
	__u32 kind;
	__u32 index;
	__u8 name[HVISOR_DEVICE_NAME_LEN];
	__aligned_u64 ipa;
	__u32 length;
	__u32 irq;
	__u32 declared;
	__u32 attached;
	__u32 device_id;
	__u32 vendor_id;
	__u32 nr_queues;
	__u32 queue_size;
	__aligned_u64 features;
	__aligned_u64 driver_features;
	__u32 status;
	__u32 interrupt_status;
	__u32 epoch;
	__u32 config_generation;
	__u32 config_len;
	__u32 state_pages;
	__aligned_u64 state_area;
	__u32 failed;
	__u32 reserved0;
	__aligned_u64 reserved[3];
	struct hvisor_device_counters counters;
	struct hvisor_device_control control;
	struct hvisor_device_slot slots[HVISOR_MAX_CELL_CPUS];
	struct hvisor_device_queue queues[HVISOR_MAX_QUEUES];
	__u8 config[HVISOR_MAX_CONFIG];
	__aligned_u64 blocking_ns[HVISOR_NR_BUCKETS];
	__aligned_u64 reserved2[6];
	struct hvisor_queue_counters queue_counters[HVISOR_MAX_QUEUES];
};

/* Doorbell word: bits 0..15 are queues. */
#define HVISOR_BELL_QUEUES	0xffffU
#define HVISOR_BELL_DRIVER_OK	(1U << 16)	/* the driver has set DRIVER_OK */

/* struct hvisor_bell_page.events */
#define HVISOR_EVENT_STATE	(1U << 0)	/* the cell's state changed */

/**
 * struct hvisor_doorbell - one cache line, so that two devices share none
 * @bits: set by EL2, taken (exchanged with 0) by root
 * @since: CNTVCT when the first of @bits was set, written before it by who sets
 *	it. It is for statistics alone: where root takes the bits while EL2 sets one,
 *	it may be that of the bits before.
 */
struct hvisor_doorbell {
	__u32 bits;
	__u32 reserved;
	__aligned_u64 since;
	__aligned_u64 reserved2[6];
};

/**
 * struct hvisor_bell_page - how EL2 tells root's kernel that a cell wants
 *	something; both read and write, by atomic operations only
 * @told: 1: the cell's SPI was raised and root has not looked since. EL2: set
 *	bits, full barrier, exchange @told with 1, raise if it was 0. Root:
 *	set @told to 0, full barrier, then take the bits.
 * @events: HVISOR_EVENT_*, set by EL2, taken (exchanged with 0) by root
 * @requests: bit n: device n has a slot or control request to be looked at
 * @bells: bit n: doorbell n has bits set
 * @doorbells: one for each device
 */
struct hvisor_bell_page {
	__u32 told;
	__u32 reserved[15];
	__u32 events;
	__u32 requests;
	__u32 bells;
	__u32 reserved2[13];
	struct hvisor_doorbell doorbells[HVISOR_MAX_DEVICES];
};

/**
 * struct hvisor_inflight - one descriptor head that the backend has taken
 * @counter: order in which heads were taken, from 1
 * @epoch: the queue's epoch when it was taken
 * @in_flight: 1 from before the I/O until the used element is published
 */
struct hvisor_inflight {
	__aligned_u64 counter;
	__u32 epoch;
	__u32 in_flight;
};

/**
 * struct hvisor_queue_state - what outlives a backend, for each queue
 * @next_counter: the next &struct hvisor_inflight.counter
 * @used_idx: used.idx as of the last completion that was brought to its end
 * @last_head: head that is being completed
 * @epoch: of the queue, whose account this is; written last when it is cleared
 * @heads: indexed by descriptor head, queue_size entries
 *
 * The order of stores is in docs/theory-device-path.md.
 */
struct hvisor_queue_state {
	__aligned_u64 next_counter;
	__u16 used_idx;
	__u16 last_head;
	__u32 epoch;
	__aligned_u64 reserved[6];
	struct hvisor_inflight heads[];
};

/* Counted by the backend, since the cell was created. */
struct hvisor_backend_counters {
	__aligned_u64 reads;		/* blk: read requests; net, console: buffers to the guest */
	__aligned_u64 read_bytes;
	__aligned_u64 writes;
	__aligned_u64 write_bytes;
	__aligned_u64 flushes;
	__aligned_u64 others;
	__aligned_u64 errors;		/* answered with an error */
	__aligned_u64 bad_chains;	/* hostile or broken descriptor chains */
	__aligned_u64 reissued;		/* after a backend died */
	__aligned_u64 in_flight;	/* now */
	__aligned_u64 in_flight_max;
	__aligned_u64 attaches;
	__aligned_u64 polls_found;	/* looks before a sleep that found something to do */
	__aligned_u64 sleeps;
	__aligned_u64 kicks_avoided;	/* came to an empty queue when no notification was wanted */
	__aligned_u64 reserved[1];
};

/**
 * struct hvisor_device_state - head of the state area; EL2 zeroes it when the
 *	cell is created and then never looks at it
 * @driver_options: whatever the driver has set through the device (write
 *	cache, MAC filter, registers of a foreign region), in the backend's own format
 *
 * Queue n's struct hvisor_queue_state begins at
 * HVISOR_QUEUE_STATE_OFFSET(n, queue_size).
 */
struct hvisor_device_state {
	struct hvisor_backend_counters counters;
	__u8 driver_options[256];
	__u8 reserved[640];
};

#define HVISOR_QUEUE_STATE_STRIDE(queue_size)	(64U + 16U * (queue_size))
#define HVISOR_QUEUE_STATE_OFFSET(queue, queue_size) \
	(1024U + (queue) * HVISOR_QUEUE_STATE_STRIDE(queue_size))
#define HVISOR_DEVICE_STATE_SIZE(nr_queues, queue_size) \
	HVISOR_QUEUE_STATE_OFFSET(nr_queues, queue_size)

#endif /* HVISOR_DEVICE_H */
