// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of a device, cellN.NAME/, and what is shown of the devices in
 * their cell's virtio/; docs/ABI/testing/sysfs-class-hvisor tells each one.
 *
 *   cellN.NAME/           config, and those of VALUES
 *   cellN.NAME/queueM/    sysfs-queue.c
 *   cellN/virtio/NAME     VALUES as KEY=value, and the queues
 *   cellN/virtio/pending  who waits for a backend
 *
 * The files of a device end before its pages are unmapped (device_del waits);
 * those in virtio/ outlive them and look at hvisor_cell.dead.
 *
 * A summary shall fit in one page, with 16 queues and whatever counts. So what
 * is added here is weighed by the case sysfs-abi.
 */
#include "hvisor.h"

#include <linux/ctype.h>
#include <linux/pid.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include <asm/arch_timer.h>

/* The backend's counters are its own: any number may stand there. */
#define BACKEND(device, name) \
	((device)->state ? READ_ONCE((device)->state->counters.name) : 0)
#define PAGE(device, name)	READ_ONCE((device)->page->name)
#define EL2(device, name)	READ_ONCE((device)->page->counters.name)
#define QUEUES(device, name)	(queue_counters(device).name)

/*
 * N: name, how it is written, what it is. T: name of what emit_NAME() writes.
 * All are taken under the device's lock.
 */
#define VALUES(N, T)							\
	N(cell, "%llu", device->cell->id)				\
	T(type)								\
	T(name)								\
	N(index, "%llu", device->index)					\
	N(address, "0x%llx", device->setup.desc.ipa)			\
	N(length, "%llu", device->setup.desc.length)			\
	N(irq, "%llu", device->setup.desc.irq)				\
	N(device_id, "%llu", PAGE(device, device_id))			\
	N(status, "0x%llx", PAGE(device, status))			\
	T(driver_status)						\
	N(features, "0x%llx", PAGE(device, features))			\
	N(driver_features, "0x%llx", PAGE(device, driver_features))	\
	N(interrupt_status, "0x%llx", PAGE(device, interrupt_status))	\
	N(config_generation, "%llu", PAGE(device, config_generation))	\
	N(epoch, "%llu", PAGE(device, epoch))				\
	N(failed, "%llu", PAGE(device, failed))				\
	N(attached, "%llu", PAGE(device, attached))			\
	N(backend_pid, "%llu", pid_vnr(device->pid))			\
	N(backend_age_ms, "%llu", backend_age_ms(device))		\
	N(attaches, "%llu", BACKEND(device, attaches))			\
	N(requests, "%llu", BACKEND(device, reads) +			\
			    BACKEND(device, writes) +			\
			    BACKEND(device, flushes))			\
	N(bytes, "%llu", BACKEND(device, read_bytes) +			\
			 BACKEND(device, write_bytes))			\
	N(reads, "%llu", BACKEND(device, reads))			\
	N(read_bytes, "%llu", BACKEND(device, read_bytes))		\
	N(writes, "%llu", BACKEND(device, writes))			\
	N(write_bytes, "%llu", BACKEND(device, write_bytes))		\
	N(flushes, "%llu", BACKEND(device, flushes))			\
	N(others, "%llu", BACKEND(device, others))			\
	N(errors, "%llu", BACKEND(device, errors))			\
	N(bad_chains, "%llu", BACKEND(device, bad_chains))		\
	N(reissued, "%llu", BACKEND(device, reissued))			\
	N(in_flight, "%llu", BACKEND(device, in_flight))		\
	N(in_flight_max, "%llu", BACKEND(device, in_flight_max))	\
	N(polls_found, "%llu", BACKEND(device, polls_found))		\
	N(sleeps, "%llu", BACKEND(device, sleeps))			\
	N(kicks_avoided, "%llu", BACKEND(device, kicks_avoided))	\
	N(exits, "%llu", EL2(device, stores) + EL2(device, loads) +	\
			 QUEUES(device, notifications))			\
	N(notifications, "%llu", EL2(device, notifications) +		\
				 QUEUES(device, notifications))		\
	N(coalesced, "%llu", EL2(device, coalesced) +			\
			     QUEUES(device, coalesced))			\
	N(rate_limited, "%llu", READ_ONCE(device->rate_limited))	\
	N(interrupts, "%llu", EL2(device, interrupts))			\
	N(acks, "%llu", EL2(device, acks))				\
	N(blocking, "%llu", EL2(device, requests))			\
	N(timeouts, "%llu", EL2(device, timeouts))			\
	N(resets, "%llu", EL2(device, resets))				\
	N(refused, "%llu", EL2(device, refused))			\
	T(blocking_ns)							\
	T(notification_ns)

/* Their sum; an EL2 of before ABI 1.5 has left them 0. */
static struct hvisor_queue_counters queue_counters(const struct hvisor_device *device)
{
	const struct hvisor_queue_counters *queue = device->page->queue_counters;
	struct hvisor_queue_counters sum = {};
	u32 i;

	for (i = 0; i < HVISOR_MAX_QUEUES; i++, queue++) {
		sum.notifications += READ_ONCE(queue->notifications);
		sum.coalesced += READ_ONCE(queue->coalesced);
	}
	return sum;
}

static u64 backend_age_ms(const struct hvisor_device *device)
{
	return device->file ? ktime_ms_delta(ktime_get(), device->bound) : 0;
}

static int emit_type(struct hvisor_device *device, char *buf, int at)
{
	return sysfs_emit_at(buf, at, "%s", device->setup.type);
}

static int emit_name(struct hvisor_device *device, char *buf, int at)
{
	return sysfs_emit_at(buf, at, "%s", device->setup.desc.name);
}

/* The bits of Status in the order in which a driver sets them. */
static int emit_driver_status(struct hvisor_device *device, char *buf, int at)
{
	static const struct {
		u32 bit;
		const char *word;
	} bits[] = {
		{ VIRTIO_CONFIG_S_ACKNOWLEDGE, "acknowledge" },
		{ VIRTIO_CONFIG_S_DRIVER, "driver" },
		{ VIRTIO_CONFIG_S_FEATURES_OK, "features-ok" },
		{ VIRTIO_CONFIG_S_DRIVER_OK, "driver-ok" },
		{ VIRTIO_CONFIG_S_NEEDS_RESET, "needs-reset" },
		{ VIRTIO_CONFIG_S_FAILED, "failed" },
	};
	u32 i, status = PAGE(device, status);
	int n = at;

	for (i = 0; i < ARRAY_SIZE(bits); i++)
		if (status & bits[i].bit)
			n += sysfs_emit_at(buf, n, "%s%s", n > at ? " " : "",
					   bits[i].word);
	return n - at;
}

/* LOG2:COUNT of each bucket that has any. */
static int emit_bucket(char *buf, int begin, int at, u32 bucket, u64 count)
{
	if (!count)
		return 0;
	return sysfs_emit_at(buf, at, "%s%u:%llu", at > begin ? " " : "", bucket, count);
}

static int emit_blocking_ns(struct hvisor_device *device, char *buf, int at)
{
	int n = at;
	u32 i;

	for (i = 0; i < HVISOR_NR_BUCKETS; i++)
		n += emit_bucket(buf, at, n, i, PAGE(device, blocking_ns[i]));
	return n - at;
}

static int emit_notification_ns(struct hvisor_device *device, char *buf, int at)
{
	int n = at;
	u32 i;

	for (i = 0; i < HVISOR_NR_BUCKETS; i++)
		n += emit_bucket(buf, at, n, i,
				 atomic64_read(&device->notification_ns[i]));
	return n - at;
}

#define EMIT(name, format, value)						\
static int emit_##name(struct hvisor_device *device, char *buf, int at)	\
{										\
	return sysfs_emit_at(buf, at, format, (u64)(value));			\
}
#define NO_EMIT(name)
VALUES(EMIT, NO_EMIT)

static ssize_t value_show(struct device *dev, char *buf,
			  int (*emit)(struct hvisor_device *device, char *buf, int at))
{
	struct hvisor_device *device = to_hvisor_device(dev);
	int n;

	mutex_lock(&device->lock);
	n = emit(device, buf, 0);
	mutex_unlock(&device->lock);
	return n + sysfs_emit_at(buf, n, "\n");
}

#define VALUE_FILE(name, ...)							\
static ssize_t name##_show(struct device *dev, struct device_attribute *attr,	\
			   char *buf)						\
{										\
	return value_show(dev, buf, emit_##name);				\
}										\
static DEVICE_ATTR_RO(name);
VALUES(VALUE_FILE, VALUE_FILE)

static ssize_t config_read(struct file *file, struct kobject *kobj,
			   struct bin_attribute *attr, char *buf, loff_t offset,
			   size_t count)
{
	struct hvisor_device *device = to_hvisor_device(kobj_to_dev(kobj));

	return memory_read_from_buffer(buf, count, &offset, device->config,
				       device->setup.config_len);
}
static BIN_ATTR(config, 0400, config_read, NULL, 0);

#define VALUE_ATTR(name, ...)	&dev_attr_##name.attr,
static struct attribute *device_attrs[] = {
	VALUES(VALUE_ATTR, VALUE_ATTR)
	NULL
};

static struct bin_attribute *device_bin_attrs[] = {
	&bin_attr_config,
	NULL
};

static const struct attribute_group device_group = {
	.attrs = device_attrs,
	.bin_attrs = device_bin_attrs,
};

const struct attribute_group *hvisor_device_groups[] = {
	&device_group,
	NULL
};

#define VALUE_LINE(name, ...)	{ #name, emit_##name },
static const struct {
	const char *name;
	int (*emit)(struct hvisor_device *device, char *buf, int at);
} lines[] = {
	VALUES(VALUE_LINE, VALUE_LINE)
};

static int emit_key(char *buf, int at, const char *name)
{
	int n = at;

	for (; *name; name++)
		n += sysfs_emit_at(buf, n, "%c", toupper(*name));
	return n - at + sysfs_emit_at(buf, n, "=");
}

static int emit_summary(struct hvisor_device *device, char *buf)
{
	int n = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		n += emit_key(buf, n, lines[i].name);
		n += lines[i].emit(device, buf, n);
		n += sysfs_emit_at(buf, n, "\n");
	}
	return n + hvisor_queues_emit(device, buf, n);
}

ssize_t hvisor_summary_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct hvisor_device *device;
	int idx, n = 0;

	device = container_of(attr, struct hvisor_device, summary);
	mutex_lock(&device->lock);
	idx = srcu_read_lock(&hvisor_srcu);
	if (!READ_ONCE(device->cell->dead))
		n = emit_summary(device, buf);
	srcu_read_unlock(&hvisor_srcu, idx);
	mutex_unlock(&device->lock);
	return n;
}

static u64 age_ms(u64 since)
{
	return hvisor_ticks_to_ms(arch_timer_read_counter() - since);
}

static const char *op_name(u32 op)
{
	static const char * const names[] = {
		[HVISOR_OP_LOAD] = "load", [HVISOR_OP_STORE] = "store",
		[HVISOR_OP_RESET] = "reset",
		[HVISOR_OP_QUEUE_STOP] = "queue-stop",
		[HVISOR_OP_CONFIG_STORE] = "config-store",
		[HVISOR_OP_QUIESCE] = "quiesce",
	};

	return op < ARRAY_SIZE(names) && names[op] ? names[op] : "unknown";
}

/* False: nothing is pending, or not any more. */
static bool slot_copy(const struct hvisor_device_slot *slot,
		      struct hvisor_device_slot *copy)
{
	/* Pairs with EL2's release of the state after all other fields. */
	if (smp_load_acquire(&slot->state) != HVISOR_SLOT_PENDING)
		return false;
	memcpy(copy, slot, sizeof(*copy));
	smp_rmb();	/* the fields before the second look */
	return READ_ONCE(slot->state) == HVISOR_SLOT_PENDING &&
	       READ_ONCE(slot->seq) == copy->seq;
}

/* CPUn=DEVICE,OP,ADDRESS,BYTES,AGE_MS,DIRECTION */
static int emit_slot(const struct hvisor_device *device, u32 cpu, char *buf, int at)
{
	u64 address = device->setup.desc.ipa;
	struct hvisor_device_slot slot;

	if (!slot_copy(&device->page->slots[cpu], &slot))
		return 0;
	address += slot.offset;
	if (slot.op == HVISOR_OP_CONFIG_STORE)
		address += VIRTIO_MMIO_CONFIG;
	return sysfs_emit_at(buf, at, "CPU%u=%s,%s,0x%llx,%u,%llu,%s\n", cpu,
			     device->setup.desc.name, op_name(slot.op), address,
			     slot.length, age_ms(slot.since),
			     slot.op == HVISOR_OP_LOAD ? "load" : "store");
}

/* The slots, and CONTROLn=DEVICE,OP,AGE_MS */
static int emit_pending(struct hvisor_device *device, char *buf, int at)
{
	const struct hvisor_device_control *control = &device->page->control;
	int n = at;
	u32 i;

	for (i = 0; i < device->cell->nr_cpus; i++)
		n += emit_slot(device, i, buf, n);
	if (READ_ONCE(control->state) == HVISOR_SLOT_PENDING)
		n += sysfs_emit_at(buf, n, "CONTROL%u=%s,%s,%llu\n", device->index,
				   device->setup.desc.name,
				   op_name(READ_ONCE(control->op)),
				   age_ms(READ_ONCE(control->since)));
	return n - at;
}

ssize_t hvisor_pending_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct hvisor_cell *cell = to_hvisor_cell(dev);
	int idx, n = 0;
	u32 i;

	idx = srcu_read_lock(&hvisor_srcu);
	for (i = 0; i < cell->nr_devices && !READ_ONCE(cell->dead); i++)
		n += emit_pending(cell->devices[i], buf, n);
	srcu_read_unlock(&hvisor_srcu, idx);
	return n;
}
