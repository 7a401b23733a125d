/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause) */
/*
 * /dev/hvisor.
 *
 * An open file is nobody until it is bound, once, to one of three roles; to
 * bind needs CAP_SYS_ADMIN. Calls of another role give -EBADF. Each structure
 * begins with its size: a smaller one is taken as zero-extended, a larger one
 * must be zero beyond what the module knows (-E2BIG). Reserved fields and
 * unknown flags must be zero (-EINVAL). Unknown numbers give -ENOTTY. After
 * the cell or device has gone calls give -ENODEV and poll EPOLLHUP | EPOLLERR.
 *
 *   CONTROL  creates, stops and destroys cells; any number of files
 *   MONITOR  one for each cell: loads and starts it, reads its events, adopts it
 *   DEVICE   one for each device: the backend
 *
 * read() returns whole struct hvisor_request, as many as fit (buffer smaller
 * than one: -EINVAL); it blocks unless O_NONBLOCK (-EAGAIN). poll() gives
 * EPOLLIN when read() would not block. write() takes whole struct hvisor_answer
 * and returns the bytes of those that were taken; an error only if the first failed.
 *
 * Owner: kmod.
 */
#ifndef HVISOR_IOCTL_H
#define HVISOR_IOCTL_H

#include <linux/ioctl.h>

#include <hvisor/device.h>

/* struct hvisor_bind.role */
#define HVISOR_ROLE_CONTROL	1
#define HVISOR_ROLE_MONITOR	2
#define HVISOR_ROLE_DEVICE	3

/**
 * struct hvisor_bind - HVISOR_BIND
 * @size: sizeof(struct hvisor_bind)
 * @role: HVISOR_ROLE_*
 * @cell: id; not for CONTROL
 * @device: index; DEVICE only
 *
 * -EALREADY: the file is bound. -EBUSY: another file has this role.
 * -ENODEV: no such cell or device. -EPERM: no CAP_SYS_ADMIN.
 */
struct hvisor_bind {
	__u32 size;
	__u32 role;
	__u32 cell;
	__u32 device;
};

/**
 * struct hvisor_memory_region - memory of a cell, given to HVISOR_CELL_CREATE
 * @ipa: 2 MiB aligned
 * @length: multiple of 2 MiB
 * @offset: within the file, multiple of 2 MiB
 * @fd: a hugetlb memfd of 2 MiB pages, fully allocated, sealed
 *	SHRINK | GROW | SEAL
 * @flags: HVISOR_MEMORY_*
 */
struct hvisor_memory_region {
	__aligned_u64 ipa;
	__aligned_u64 length;
	__aligned_u64 offset;
	__s32 fd;
	__u32 flags;
};

/**
 * struct hvisor_device_setup - a device of a cell, given to HVISOR_CELL_CREATE
 * @desc: as EL2 takes it; its @size is sizeof(struct hvisor_device_desc)
 * @type: word for udev and sysfs: blk, console, vhost-user ... [a-z0-9_-]+
 * @config: user address of the device's JSON text, opaque to the kernel
 * @config_len: up to 64 KiB
 */
struct hvisor_device_setup {
	struct hvisor_device_desc desc;
	__u8 type[16];
	__aligned_u64 config;
	__u32 config_len;
	__u32 reserved;
};

/**
 * struct hvisor_cell_create - HVISOR_CELL_CREATE (CONTROL)
 * @size: sizeof(struct hvisor_cell_create)
 * @flags: must be zero
 * @name: of the cell
 * @cpus: bit n: root's (Linux's) CPU n, taken offline if it is online
 * @gicd_ipa: @gicr_ipa: as in struct hvisor_cell_desc
 * @regions: user address of @nr_regions struct hvisor_memory_region, 1 to 16
 * @devices: user address of @nr_devices struct hvisor_device_setup, up to 32
 * @config: user address of the cell's JSON text, opaque to the kernel
 * @config_len: up to 64 KiB
 * @id: returned
 * @where: on failure: which entry was refused; see HVISOR_WHERE_*
 *
 * All or nothing: when it fails CPUs, memory and sysfs are as before.
 */
struct hvisor_cell_create {
	__u32 size;
	__u32 flags;
	__u8 name[HVISOR_CELL_NAME_LEN];
	__aligned_u64 cpus;
	__aligned_u64 gicd_ipa;
	__aligned_u64 gicr_ipa;
	__aligned_u64 regions;
	__aligned_u64 devices;
	__aligned_u64 config;
	__u32 nr_regions;
	__u32 nr_devices;
	__u32 config_len;
	__u32 id;
	__u32 where;
	__u32 reserved;
};

/* struct hvisor_cell_create.where, struct hvisor_cell_adopt.where: kind in the high half, index in the low */
#define HVISOR_WHERE_CELL	0x00000U
#define HVISOR_WHERE_CPU	0x10000U	/* + Linux CPU number */
#define HVISOR_WHERE_REGION	0x20000U	/* + index */
#define HVISOR_WHERE_DEVICE	0x30000U	/* + index */

/**
 * struct hvisor_cell_op - HVISOR_CELL_STOP, _PAUSE, _RESUME, _DESTROY (CONTROL),
 *	_LOAD (MONITOR)
 * @size: sizeof(struct hvisor_cell_op)
 * @id: cell; MONITOR: must be its own
 * @timeout_ms: how long to wait for CPUs and devices; 0: 5000
 * @device: on -ETIMEDOUT of LOAD: the device that has not answered or was
 *	never declared; ~0: a CPU is still on its way out
 *
 * -ECANCELED of LOAD: while it waited somebody stopped the cell.
 */
struct hvisor_cell_op {
	__u32 size;
	__u32 id;
	__u32 timeout_ms;
	__u32 device;
};

/**
 * struct hvisor_cell_adopt - HVISOR_CELL_ADOPT (MONITOR): a cell that was there
 *	before the module gets its files and texts again
 * @size: sizeof(struct hvisor_cell_adopt)
 * @id: the monitor's cell
 * @regions: @nr_regions: @devices: @nr_devices: @config: @config_len: as they were
 *	in struct hvisor_cell_create
 * @where: on failure: HVISOR_WHERE_*
 * @flags: must be zero
 *
 * -EBUSY: the cell is not orphaned. -EPERM: the files are not the memory that
 * the cell was lent, or a device is not what was created.
 */
struct hvisor_cell_adopt {
	__u32 size;
	__u32 id;
	__aligned_u64 regions;
	__aligned_u64 devices;
	__aligned_u64 config;
	__u32 nr_regions;
	__u32 nr_devices;
	__u32 config_len;
	__u32 where;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct hvisor_cell_start - HVISOR_CELL_START (MONITOR)
 * @size: sizeof(struct hvisor_cell_start)
 * @id: the monitor's cell
 * @entry: IPA of the first instruction
 * @argument: x0 of the guest: IPA of its device tree
 */
struct hvisor_cell_start {
	__u32 size;
	__u32 id;
	__aligned_u64 entry;
	__aligned_u64 argument;
};

/**
 * struct hvisor_cell_memory - HVISOR_CELL_MEMORY (all roles)
 * @size: sizeof(struct hvisor_cell_memory)
 * @id: cell; MONITOR, DEVICE: must be their own
 * @index: of the region
 * @fd: returned: the memfd, O_CLOEXEC
 * @ipa: @length: @offset: @flags: returned, as given at creation
 *
 * -ENOENT: no more regions. -EOWNERDEAD: the cell is orphaned, see
 * HVISOR_CELL_ADOPT; so do HVISOR_CELL_LOAD and HVISOR_CELL_START.
 */
struct hvisor_cell_memory {
	__u32 size;
	__u32 id;
	__u32 index;
	__s32 fd;
	__aligned_u64 ipa;
	__aligned_u64 length;
	__aligned_u64 offset;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct hvisor_log_read - HVISOR_LOG_READ (CONTROL)
 * @size: sizeof(struct hvisor_log_read)
 * @id: cell; HVISOR_ROOT_CELL: EL2's own log
 * @position: in: first byte wanted, counted from the beginning of the log;
 *	out: of the first byte returned (later, where older text is lost)
 * @buffer: user address
 * @length: in: its size; out: bytes returned, 0: nothing newer
 */
struct hvisor_log_read {
	__u32 size;
	__u32 id;
	__aligned_u64 position;
	__aligned_u64 buffer;
	__u32 length;
	__u32 reserved;
};

/**
 * struct hvisor_device_info - HVISOR_DEVICE_INFO (DEVICE)
 * @size: sizeof(struct hvisor_device_info)
 * @cell: @device: what the file is bound to
 * @nr_cpus: CPUs of the cell
 * @page_offset: @page_length: for mmap(PROT_READ): struct hvisor_device_page
 * @state_offset: @state_length: for mmap(PROT_READ | PROT_WRITE):
 *	struct hvisor_device_state; length 0 where there is none
 */
struct hvisor_device_info {
	__u32 size;
	__u32 cell;
	__u32 device;
	__u32 nr_cpus;
	__aligned_u64 page_offset;
	__aligned_u64 page_length;
	__aligned_u64 state_offset;
	__aligned_u64 state_length;
};

/**
 * struct hvisor_device_notify - HVISOR_DEVICE_INTERRUPT, HVISOR_DEVICE_FAIL (DEVICE)
 * @size: sizeof(struct hvisor_device_notify)
 * @bits: HVISOR_INTERRUPT_*; FAIL: 0. A region's interrupt is a level, which stays
 *	as it was set last: HVISOR_INTERRUPT_LEVEL or 0
 */
struct hvisor_device_notify {
	__u32 size;
	__u32 bits;
};

/* struct hvisor_ioeventfd.flags, struct hvisor_irqfd.flags */
#define HVISOR_EVENTFD_DEASSIGN	(1U << 0)

/**
 * struct hvisor_ioeventfd - HVISOR_IOEVENTFD (DEVICE): a queue's doorbell -> eventfd
 * @size: sizeof(struct hvisor_ioeventfd)
 * @flags: HVISOR_EVENTFD_DEASSIGN: takes this eventfd away from the queue
 * @fd: an eventfd
 * @queue: of the device
 *
 * While a queue has an eventfd read() does not give its notifications. It is signalled
 * once when it is assigned, and read() gives the queue once when it is taken
 * away, if the queue is ready. All go with the file. -EBUSY: the queue has one.
 * -ENOENT: it has not this one.
 */
struct hvisor_ioeventfd {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 queue;
};

/**
 * struct hvisor_irqfd - HVISOR_IRQFD (DEVICE): eventfd -> the device's interrupt
 * @size: sizeof(struct hvisor_irqfd)
 * @flags: HVISOR_EVENTFD_DEASSIGN: takes this eventfd away
 * @fd: an eventfd
 * @bits: HVISOR_INTERRUPT_*; not zero
 *
 * Each time it is signalled is as HVISOR_DEVICE_INTERRUPT, and so is its assignment, once.
 * Up to 17 eventfds; all go with the file. -EBUSY: it is assigned already.
 * -ENOENT: it is not assigned.
 */
struct hvisor_irqfd {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 bits;
};

/* struct hvisor_device_keep.flags */
#define HVISOR_KEEP_GET		(1U << 0)	/* else: put */

/**
 * struct hvisor_device_keep - HVISOR_DEVICE_KEEP (DEVICE): memory that outlives
 *	the backend
 * @size: sizeof(struct hvisor_device_keep)
 * @flags: HVISOR_KEEP_GET
 * @fd: put: a memfd, kept in the place of what was kept before, or -1: nothing is;
 *	get: out: a new descriptor of it (O_CLOEXEC)
 * @reserved: 0
 *
 * The module keeps one for each device, until the cell is destroyed and its backends
 * have closed it, or the module is unloaded. -EINVAL: @size does not reach @fd; put: no
 * memfd, nor any other regular file of a tmpfs, which are the ones that can refer to
 * nothing. put: -EBADF, -ENODEV: the cell was destroyed. get: -ENOENT: there is none;
 * -EMFILE.
 */
struct hvisor_device_keep {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 reserved;
};

/* struct hvisor_request.type */
#define HVISOR_REQUEST_NOTIFY	1	/* DEVICE: doorbell bits, taken by this read */
#define HVISOR_REQUEST_SLOT	2	/* DEVICE: a CPU waits */
#define HVISOR_REQUEST_CONTROL	3	/* DEVICE: EL2 asks */
#define HVISOR_REQUEST_STATE	4	/* MONITOR: the cell's state changed */

/**
 * struct hvisor_request - what read() returns
 * @type: HVISOR_REQUEST_*
 * @op: SLOT, CONTROL: HVISOR_OP_*; STATE: HVISOR_CELL_*
 * @cpu: SLOT: the cell's CPU; STATE: HVISOR_REASON_*
 * @length: SLOT: bytes of the access
 * @bits: NOTIFY: HVISOR_BELL_*
 * @offset: SLOT: within the device's region or config space
 * @seq: SLOT, CONTROL: to be given back in the answer; STATE: number of starts
 * @value: SLOT: what a store writes
 *
 * Each request is given to a file once; a new backend is given again what is
 * not answered. A monitor is given the state at its first read and then each
 * newest one (intermediate ones may be missed, the last never).
 */
struct hvisor_request {
	__u32 type;
	__u32 op;
	__u32 cpu;
	__u32 length;
	__u32 bits;
	__u32 offset;
	__aligned_u64 seq;
	__aligned_u64 value;
};

/**
 * struct hvisor_answer - what write() takes (DEVICE)
 * @type: HVISOR_REQUEST_SLOT or HVISOR_REQUEST_CONTROL
 * @cpu: of the request
 * @seq: of the request; -ESTALE when it is not pending (answered through another
 *	CPU's reset, or cancelled): a backend takes that as done
 * @value: of a load
 */
struct hvisor_answer {
	__u32 type;
	__u32 cpu;
	__aligned_u64 seq;
	__aligned_u64 value;
};

#define HVISOR_IOC			0xB7
#define HVISOR_BIND			_IOW(HVISOR_IOC, 0x40, struct hvisor_bind)
#define HVISOR_CELL_CREATE		_IOWR(HVISOR_IOC, 0x41, struct hvisor_cell_create)
#define HVISOR_CELL_LOAD		_IOWR(HVISOR_IOC, 0x42, struct hvisor_cell_op)
#define HVISOR_CELL_START		_IOW(HVISOR_IOC, 0x43, struct hvisor_cell_start)
#define HVISOR_CELL_STOP		_IOWR(HVISOR_IOC, 0x44, struct hvisor_cell_op)
#define HVISOR_CELL_DESTROY		_IOWR(HVISOR_IOC, 0x45, struct hvisor_cell_op)
#define HVISOR_CELL_MEMORY		_IOWR(HVISOR_IOC, 0x46, struct hvisor_cell_memory)
#define HVISOR_LOG_READ			_IOWR(HVISOR_IOC, 0x47, struct hvisor_log_read)
#define HVISOR_DEVICE_INFO		_IOWR(HVISOR_IOC, 0x48, struct hvisor_device_info)
#define HVISOR_DEVICE_DECLARE		_IOW(HVISOR_IOC, 0x49, struct hvisor_device_decl)
#define HVISOR_DEVICE_CONFIG		_IOW(HVISOR_IOC, 0x4a, struct hvisor_device_decl)
#define HVISOR_DEVICE_INTERRUPT		_IOW(HVISOR_IOC, 0x4b, struct hvisor_device_notify)
#define HVISOR_DEVICE_FAIL		_IOW(HVISOR_IOC, 0x4c, struct hvisor_device_notify)
#define HVISOR_IOEVENTFD		_IOW(HVISOR_IOC, 0x4d, struct hvisor_ioeventfd)
#define HVISOR_IRQFD			_IOW(HVISOR_IOC, 0x4e, struct hvisor_irqfd)
#define HVISOR_CELL_ADOPT		_IOWR(HVISOR_IOC, 0x4f, struct hvisor_cell_adopt)
#define HVISOR_CELL_PAUSE		_IOWR(HVISOR_IOC, 0x50, struct hvisor_cell_op)
#define HVISOR_CELL_RESUME		_IOWR(HVISOR_IOC, 0x51, struct hvisor_cell_op)
#define HVISOR_DEVICE_KEEP		_IOWR(HVISOR_IOC, 0x52, struct hvisor_device_keep)
/* For tests: makes EL2 panic, if it was booted with "selftest". */
#define HVISOR_PANIC			_IO(HVISOR_IOC, 0x7f)

#endif /* HVISOR_IOCTL_H */
