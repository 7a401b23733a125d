/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Root's side of hvisor: internal interface of the module's files.
 *
 * Locks, outermost first:
 *
 *   hvisor_admin     mutex  Creating and destroying cells, one at a time. Held
 *                           over CPU hotplug, so neither a hotplug callback
 *                           nor a sysfs file nor an interrupt takes it.
 *   hvisor_file.lock mutex  The role of an open file; what it was given.
 *   hvisor_cell.lock mutex  The monitor's file.
 *   hvisor_device.lock mutex The backend's file, process and eventfds.
 *   hvisor_srcu      SRCU   Readers: whoever touches a page of EL2 or names a
 *                           cell to EL2, after a look at hvisor_cell.dead.
 *                           Writer: hvisor_cell_kill(), after which EL2 may
 *                           take its pages and its cell number back. Readers
 *                           touch no user memory, take no lock and are short.
 *                           Taken in page faults too (inside mmap_lock).
 *
 * The interrupt handler and the timer of a cell take no lock; they end before
 * the pages that they touch are unmapped (free_irq, hrtimer_cancel). So do the
 * sysfs files of a device (device_del waits for them).
 */
#ifndef HVISOR_KMOD_H
#define HVISOR_KMOD_H

#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <hvisor/hypercall.h>
#include <hvisor/ioctl.h>

#include "compat.h"

#define HVISOR_MAX_CONFIG_TEXT	65536
#define HVISOR_DEFAULT_TIMEOUT	5000	/* ms */

/**
 * struct hvisor - what there is once; constant after the probe
 * @dev: the platform device
 * @info: EL2's information page
 * @log: EL2's own log
 * @args: argument pages, by EL2's CPU number
 * @log_size: bytes of text in @log
 */
struct hvisor {
	struct platform_device *pdev;
	const struct hvisor_info *info;
	const struct hvisor_log *log;
	void *args;
	u32 log_size;
};

/**
 * struct hvisor_memory - a region of a cell's memory
 * @region: as root's user space gave it
 * @file: the memfd, held as long as the cell lives
 * @blocks: the 2 MiB pages that this module pinned
 * @nr_blocks: how many of them are pinned
 */
struct hvisor_memory {
	struct hvisor_memory_region region;
	struct file *file;
	struct page **blocks;
	u32 nr_blocks;
};

/* The state of a cell as it is told to listeners: a part of its page. */
struct hvisor_cell_status {
	u32 state;
	u32 reason;
	u64 starts;
	u64 state_since;
};

/**
 * struct hvisor_cell - a cell
 * @dev: cellN in sysfs; its reference count is the structure's
 * @id: EL2's number for it
 * @name: of the configuration
 * @is_built: EL2 knows it
 * @dead: destroy has begun: nothing of EL2 may be touched (hvisor_srcu)
 * @page: what EL2 publishes of it; @last once it is dead
 * @mapped: the mapping of EL2's page
 * @last: last words, taken by hvisor_cell_kill()
 * @bell: where EL2 tells that it wants something; NULL for root
 * @log: of the guest's early console
 * @log_size: bytes of text in @log
 * @irq: Linux's number of its interrupt, 0: none
 * @irq_notify: affinity changes, after which the bell page is looked at again
 * @timer: looks at the bell page later
 * @window: begin of the time in which looks at the bell page are counted
 * @window_runs: those in vain, weighed (irq.c)
 * @window_spent: what all took, in ns
 * @rest_until: behind looks that took long, when the next may be
 * @rate_limited: how often an interrupt was put off
 * @is_put_off: one is; the timer looks for it
 * @wait: the monitor, and who waits for a state
 * @state_work: tells user space that the state changed
 * @told: the state that user space was told last
 * @stops: how often it was to be stopped; who loads it looks at that
 * @lock: for @monitor and @monitor_pid
 * @monitor: the file that is bound as its monitor
 * @monitor_pid: the process that bound it last, and may have closed it
 * @cpus: Linux's CPUs that it has
 * @cpus_online: those that were online before
 * @nr_cpus: of the cell
 * @nr_memory: entries of @memory; written last (release) in a cell that is seen
 * @memory: its memory
 * @orphaned: it was there before the module, and nobody has told yet what its
 *	files and devices are: @memory, @config and the devices' own are missing
 * @kept: @nr_kept: pages that a former module pinned for it
 * @nr_devices: entries of @devices
 * @devices: its devices
 * @config: JSON text
 * @config_len: bytes of @config; written last (release)
 * @virtio_group: the files of virtio/
 * @groups: for sysfs: @virtio_group
 * @statistics: the folder of that name
 * @cpu_statistics: those in it
 */
struct hvisor_cell {
	struct device dev;
	u32 id;
	char name[HVISOR_CELL_NAME_LEN];
	bool is_built;
	bool dead;

	const struct hvisor_cell_page __rcu *page;
	const struct hvisor_cell_page *mapped;
	struct hvisor_cell_page *last;
	struct hvisor_bell_page *bell;
	const struct hvisor_log *log;
	u32 log_size;

	int irq;
	struct irq_affinity_notify irq_notify;
	struct hrtimer timer;
	ktime_t window;
	u32 window_runs;
	s64 window_spent;
	ktime_t rest_until;
	u64 rate_limited;
	bool is_put_off;

	wait_queue_head_t wait;
	struct work_struct state_work;
	struct hvisor_cell_status told;
	atomic_t stops;

	struct mutex lock;
	struct file *monitor;
	struct pid *monitor_pid;

	struct cpumask cpus;
	struct cpumask cpus_online;
	u32 nr_cpus;
	u32 nr_memory;
	struct hvisor_memory *memory;
	bool orphaned;
	struct page **kept;
	u32 nr_kept;
	u32 nr_devices;
	struct hvisor_device *devices[HVISOR_MAX_DEVICES];
	void *config;
	u32 config_len;

	struct attribute_group virtio_group;
	const struct attribute_group *groups[2];
	struct hvisor_folder *statistics;
	struct hvisor_folder *cpu_statistics[HVISOR_MAX_CELL_CPUS];
};

/**
 * struct hvisor_device - a device of a cell
 * @dev: cellN.NAME in sysfs; its reference count is the structure's
 * @cell: holds a reference
 * @index: of the device in its cell
 * @setup: what user space and EL2 were told of it
 * @config: JSON text
 * @page: what EL2 publishes of it
 * @page_pa: its physical address
 * @state: the state area, written by the backend; NULL: none
 * @state_pa: its physical address
 * @state_pages: its size
 * @mmap_base: where its pages begin in the offsets of /dev/hvisor; unlike that
 *	of every other device, so that they can be zapped alone
 * @wait: its backend
 * @is_woken: the backend was woken for its doorbell and has not read it since
 * @ioeventfds: of each queue; found under RCU
 * @ioeventfd_mask: bit n: queue n has one
 * @irqfds: @nr_irqfds of them, see irqfd.c
 * @kept: what a backend has left for its successors; NULL: nothing
 * @rate_limited: how often its doorbell was looked at late, since the cell's
 *	interrupt was put off
 * @notification_ns: latencies from the doorbell to the read
 * @lock: for @file, @pid, @bound, @kept and the eventfds, and held while a change is
 *	announced
 * @file: the file that is bound to it
 * @pid: the process that bound it
 * @bound: when
 * @summary: its file in the cell's virtio/
 * @queues: its folders queueN
 */
struct hvisor_device {
	struct device dev;
	struct hvisor_cell *cell;
	u32 index;
	struct hvisor_device_setup setup;
	void *config;

	const struct hvisor_device_page *page;
	phys_addr_t page_pa;
	struct hvisor_device_state *state;
	phys_addr_t state_pa;
	u32 state_pages;
	u64 mmap_base;

	wait_queue_head_t wait;
	bool is_woken;
	struct eventfd_ctx __rcu *ioeventfds[HVISOR_MAX_QUEUES];
	u32 ioeventfd_mask;
	struct list_head irqfds;
	u32 nr_irqfds;
	struct file *kept;
	u64 rate_limited;
	atomic64_t notification_ns[HVISOR_NR_BUCKETS];
	struct mutex lock;
	struct file *file;
	struct pid *pid;
	ktime_t bound;

	struct device_attribute summary;
	struct hvisor_folder *queues[HVISOR_MAX_QUEUES];
};

#define HVISOR_MMAP_STATE	0x100000	/* of the state area from mmap_base */
#define HVISOR_MMAP_STRIDE	0x200000

/**
 * struct hvisor_folder - a folder of numbers in sysfs, below a cell or device
 * @kobj: holds a reference to the one that it is below
 * @owner: the cell or device
 * @index: which of its folders this is
 */
struct hvisor_folder {
	struct kobject kobj;
	void *owner;
	u32 index;
};

/**
 * struct hvisor_number - a file of such a folder
 * @is_address: to be written hexadecimal
 * @offset: for @read
 * @read: its value
 */
struct hvisor_number {
	struct attribute attr;
	bool is_address;
	size_t offset;
	u64 (*read)(const struct hvisor_folder *folder, size_t offset);
};

struct hvisor_file;

/**
 * struct hvisor_role - what a bound file can do
 * @is_ready: collect() has something or fails; may not sleep
 * @collect: takes up to @max requests; -ENODEV
 * @answer: takes one answer
 * @mmap: maps pages of EL2
 * @release: the last reference to the file has gone
 */
struct hvisor_role {
	bool (*is_ready)(struct hvisor_file *file);
	int (*collect)(struct hvisor_file *file, struct hvisor_request *requests,
		       u32 max);
	int (*answer)(struct hvisor_file *file, const struct hvisor_answer *answer);
	int (*mmap)(struct hvisor_file *file, struct vm_area_struct *vma);
	void (*release)(struct hvisor_file *file);
};

/**
 * struct hvisor_file - an open /dev/hvisor
 * @lock: for the change of @role, and for all below but @wait
 * @role: HVISOR_ROLE_*, 0: nobody yet; written last (release)
 * @ops: of the role
 * @cell: MONITOR, DEVICE: holds a reference
 * @device: DEVICE: holds a reference
 * @wait: on which read() and poll() wait
 * @slots: DEVICE: sequence numbers that were given to the reader
 * @control: the same of the control request
 * @status: MONITOR: what the reader was told last
 */
struct hvisor_file {
	struct mutex lock;
	u32 role;
	const struct hvisor_role *ops;
	struct hvisor_cell *cell;
	struct hvisor_device *device;
	wait_queue_head_t *wait;
	u64 slots[HVISOR_MAX_CELL_CPUS];
	u64 control;
	struct hvisor_cell_status status;
};

/**
 * struct hvisor_call - an ioctl under way
 * @filp: the open file
 * @file: what it is to us
 * @install: put into the table of files as @install_fd when all went well
 * @arg: the argument, copied in and, where it returns something, out
 */
struct hvisor_call {
	struct file *filp;
	struct hvisor_file *file;
	struct file *install;
	int install_fd;
	union {
		u32 size;
		struct hvisor_bind bind;
		struct hvisor_cell_create create;
		struct hvisor_cell_adopt adopt;
		struct hvisor_cell_op op;
		struct hvisor_cell_start start;
		struct hvisor_cell_memory memory;
		struct hvisor_log_read log;
		struct hvisor_device_info info;
		struct hvisor_device_notify notify;
		struct hvisor_ioeventfd ioeventfd;
		struct hvisor_irqfd irqfd;
		struct hvisor_device_keep keep;
		struct hvisor_device_decl decl;
	} arg;
};

/**
 * struct hvisor_hypercall - registers and argument of a hypercall
 * @nr: HVISOR_HC_*
 * @x: @x[0] is x1 and so on; of @x[0] to @x[2] the values that EL2 returned
 * @arg: copied to the argument page; NULL: none
 * @ret_arg: gets what EL2 left there, if the call succeeds; NULL: nothing
 * @arg_size: of it
 */
struct hvisor_hypercall {
	u32 nr;
	u64 x[5];
	const void *arg;
	void *ret_arg;
	size_t arg_size;
};

extern struct hvisor hvisor;
extern struct srcu_struct hvisor_srcu;
extern struct mutex hvisor_admin;
extern struct class hvisor_class;

static inline struct hvisor_cell *to_hvisor_cell(const struct device *dev)
{
	return container_of(dev, struct hvisor_cell, dev);
}

static inline struct hvisor_device *to_hvisor_device(const struct device *dev)
{
	return container_of(dev, struct hvisor_device, dev);
}

/* hypercall.c. Both return EL2's result, >= 0 or a negative errno. */
int hvisor_hypercall(struct hvisor_hypercall *call);
/* Sets x1 to the cell's id; -ENODEV when it is dead. */
int hvisor_cell_hypercall(struct hvisor_cell *cell, struct hvisor_hypercall *call);
int hvisor_handshake(phys_addr_t *ret_info);

/* cpu.c */
int hvisor_cpus_init(void);
void hvisor_cpus_exit(void);
/* -1: EL2 has no such CPU. */
int hvisor_cpu_to_el2(unsigned int cpu);
int hvisor_cpu_from_el2(unsigned int number);
/* May sleep for long; on failure *@ret_cpu is the one that was refused. */
int hvisor_cpus_take(struct hvisor_cell *cell, u64 cpus, u32 *ret_cpu);
void hvisor_cpus_return(struct hvisor_cell *cell);
/*
 * What root tells EL2 of the CPUs of a new cell, and would have forgotten after
 * its module came anew: bit n: the cell's CPU n was online.
 */
u32 hvisor_cpus_word(const struct hvisor_cell *cell);
/* The CPUs that a cell has by EL2's account. */
void hvisor_cpus_find(struct hvisor_cell *cell);

/* mem.c */
/* Maps pages of EL2; NULL if they are root's or cannot be mapped. */
void *hvisor_map(phys_addr_t pa, size_t size);
void hvisor_unmap(const void *address);
/*
 * @count regions as user space gives them, checked, their files held; an error
 * pointer, *@ret_where then tells which one was refused.
 */
struct hvisor_memory *hvisor_memory_open(u64 regions, u32 count, u32 *ret_where);
/* Leaves pins as they are. */
void hvisor_memory_close(struct hvisor_memory *memory, u32 count);
int hvisor_memory_pin(struct hvisor_memory *memory);
/* Is the (pinned) page the file's at block @index of the region? */
bool hvisor_memory_is_block(const struct hvisor_memory *memory, u32 index,
			    struct page *page);
int hvisor_memory_lend(struct hvisor_cell *cell, const struct hvisor_memory *memory);
/* Only when EL2 has given the blocks back, or never had them. */
void hvisor_memory_unpin(struct hvisor_cell *cell);
/* The cell's files and lists go. What is still pinned is so for a successor. */
void hvisor_memory_leave(struct hvisor_cell *cell);
int hvisor_device_mmap(struct hvisor_device *device, struct vm_area_struct *vma);
void hvisor_device_zap(struct hvisor_device *device);

/* irq.c */
int hvisor_irq_init(struct hvisor_cell *cell);
void hvisor_irq_exit(struct hvisor_cell *cell);
/* Looks at the bell page soon, in case an interrupt was lost. */
void hvisor_irq_rescan(struct hvisor_cell *cell);

/* cell.c */
const char *hvisor_state_name(u32 state);
const char *hvisor_reason_name(u32 reason);
bool hvisor_name_is_valid(const u8 *name, size_t size);
/* A reference, or NULL. */
struct hvisor_cell *hvisor_cell_get(u32 id);
void hvisor_cell_put(struct hvisor_cell *cell);
void hvisor_cells_for_each(void (*function)(struct hvisor_cell *cell));
void hvisor_cell_read_status(struct hvisor_cell *cell,
			     struct hvisor_cell_status *ret_status);
/* Copies of the page what EL2 changes under its sequence count. */
void hvisor_cell_read(struct hvisor_cell *cell, void *to, size_t offset, size_t size);
/* The next four: the caller holds hvisor_admin. */
struct hvisor_cell *hvisor_cell_alloc(void);
/* EL2 has made the cell: it can be found by its id. */
int hvisor_cell_insert(struct hvisor_cell *cell, u32 id);
/* EL2's pages of the cell, and then those of its devices. */
int hvisor_cell_map(struct hvisor_cell *cell);
int hvisor_cell_map_devices(struct hvisor_cell *cell);
/* Adds a cell or device to sysfs without an event, which hvisor_tell() sends. */
int hvisor_add(struct device *dev);
void hvisor_tell(struct device *dev);
/* Undoes all of it; frees it unless it fails. */
int hvisor_cell_dismantle(struct hvisor_cell *cell, u32 timeout_ms);
int hvisor_cell_destroy(u32 id, u32 timeout_ms);
/* User space has been told of each state up to now when it returns. */
void hvisor_cell_flush_state(struct hvisor_cell *cell);
typedef bool hvisor_again_fn(struct hvisor_cell *cell, const struct hvisor_hypercall *call,
			     int err);
/* Makes the call while @again says so of what it gave; -ETIMEDOUT, -EINTR. */
int hvisor_cell_retry(struct hvisor_cell *cell, struct hvisor_hypercall *call,
		      u32 timeout_ms, hvisor_again_fn *again);
/* -EAGAIN. */
hvisor_again_fn hvisor_is_again;
/* Ends a load that is under way, too. -ETIMEDOUT, -EINTR. */
int hvisor_cell_stop(struct hvisor_cell *cell, u32 timeout_ms);
/* The module goes, or does not come: no cell has a file, all run on. */
void hvisor_cells_leave(void);
int hvisor_root_init(void);
void hvisor_root_exit(void);
void hvisor_cells_stop(void);
extern const struct device_type hvisor_cell_type;

/* cell-create.c */
int hvisor_cell_create(struct hvisor_cell_create *create);
int hvisor_text_copy(u64 user, u32 length, void **ret_text);

/* cell-adopt.c */
int hvisor_cells_find(void);
int hvisor_ioctl_cell_adopt(struct hvisor_call *call);

/* device.c */
struct hvisor_device *hvisor_device_alloc(struct hvisor_cell *cell, u32 index,
					  const struct hvisor_device_desc *desc);
/* What only user space knows: type and JSON text. It is not in sysfs yet. */
int hvisor_device_describe(struct hvisor_device *device,
			   const struct hvisor_device_setup *setup);
int hvisor_device_map(struct hvisor_device *device, phys_addr_t page_pa);
void hvisor_device_unmap(struct hvisor_device *device);
void hvisor_device_unregister(struct hvisor_device *device);
/* The next two in any context, under hvisor_srcu. The module rings itself. */
void hvisor_notification_begin(struct hvisor_device *device);
/* Bits of the doorbell were taken; how late that was. */
void hvisor_notification_count(struct hvisor_device *device);
/* Heads in flight by the backend's account of the queue as it is now. */
u32 hvisor_queue_in_flight(const struct hvisor_device *device, u32 index);
/* A "change" of the device, unless its cell is dead; the caller has the device's lock. */
void hvisor_device_announce(struct hvisor_device *device, const char *event);
extern const struct device_type hvisor_device_type;

/* chardev.c */
int hvisor_chardev_init(void);
void hvisor_chardev_exit(void);
/* The caller gets @file, whose reference is taken over, as @call->install_fd. */
int hvisor_call_give_file(struct hvisor_call *call, struct file *file);

/* control.c */
extern const struct hvisor_role hvisor_control_role;
extern const struct hvisor_role hvisor_monitor_role;
int hvisor_monitor_bind(struct hvisor_call *call, struct hvisor_cell *cell);
int hvisor_ioctl_cell_create(struct hvisor_call *call);
int hvisor_ioctl_cell_load(struct hvisor_call *call);
int hvisor_ioctl_cell_start(struct hvisor_call *call);
int hvisor_ioctl_cell_stop(struct hvisor_call *call);
int hvisor_ioctl_cell_pause(struct hvisor_call *call);
int hvisor_ioctl_cell_resume(struct hvisor_call *call);
int hvisor_ioctl_cell_destroy(struct hvisor_call *call);
int hvisor_ioctl_cell_memory(struct hvisor_call *call);
int hvisor_ioctl_log_read(struct hvisor_call *call);
int hvisor_ioctl_panic(struct hvisor_call *call);

/* backend.c */
extern const struct hvisor_role hvisor_device_role;
int hvisor_device_bind(struct hvisor_call *call, struct hvisor_device *device);
int hvisor_ioctl_device_info(struct hvisor_call *call);
int hvisor_ioctl_device_declare(struct hvisor_call *call);
int hvisor_ioctl_device_config(struct hvisor_call *call);
int hvisor_ioctl_device_interrupt(struct hvisor_call *call);
int hvisor_ioctl_device_fail(struct hvisor_call *call);

/* ioeventfd.c */
/* Doorbell bits that are read()'s; hvisor_srcu is held, the cell not dead. */
u32 hvisor_doorbell_peek(const struct hvisor_device *device);
u32 hvisor_doorbell_take(const struct hvisor_device *device);
/* Takes the other bits; true: there were some. Interrupt context. */
bool hvisor_ioeventfd_signal(struct hvisor_device *device);
int hvisor_ioctl_ioeventfd(struct hvisor_call *call);
/* This and the next: the caller holds the device's lock. */
void hvisor_ioeventfds_release(struct hvisor_device *device);

/* irqfd.c */
int hvisor_ioctl_irqfd(struct hvisor_call *call);
void hvisor_irqfds_release(struct hvisor_device *device);

/* keep.c */
int hvisor_ioctl_device_keep(struct hvisor_call *call);
/* The device goes. */
void hvisor_keep_release(struct hvisor_device *device);

/* folder.c */
extern const struct sysfs_ops hvisor_folder_ops;
void hvisor_folder_release(struct kobject *kobj);
struct hvisor_folder *hvisor_folder_create(const struct kobj_type *type,
					   struct kobject *parent, void *owner,
					   u32 index, const char *name);
/* Nobody reads in it any more when it returns. NULL: nothing. */
void hvisor_folder_destroy(struct hvisor_folder *folder);

/* sysfs-statistics.c; what exit finds is whatever init has made. */
int hvisor_statistics_init(struct hvisor_cell *cell);
void hvisor_statistics_exit(struct hvisor_cell *cell);

/* sysfs-queue.c */
int hvisor_queues_init(struct hvisor_device *device);
void hvisor_queues_exit(struct hvisor_device *device);
/* Lines of all queues for the device's summary; returns the bytes. */
int hvisor_queues_emit(const struct hvisor_device *device, char *buf, int at);

/* sysfs.c, sysfs-device.c */
/* Ticks of the generic timer as milliseconds, without overflow. */
u64 hvisor_ticks_to_ms(u64 ticks);
extern const struct attribute_group *hvisor_control_groups[];
extern const struct attribute_group *hvisor_cell_groups[];
extern const struct attribute_group *hvisor_device_groups[];
int hvisor_virtio_group_init(struct hvisor_cell *cell);
void hvisor_virtio_group_exit(struct hvisor_cell *cell);
ssize_t hvisor_summary_show(struct device *dev, struct device_attribute *attr,
			    char *buf);
ssize_t hvisor_pending_show(struct device *dev, struct device_attribute *attr,
			    char *buf);

/* sysfs-memory.c */
extern struct bin_attribute hvisor_memory_blocks_attr;

#endif /* HVISOR_KMOD_H */
