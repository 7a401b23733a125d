// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of a device, cellN.NAME/, and what is shown of the devices in
 * their cell's virtio/; docs/ABI/testing/sysfs-class-hvisor tells each one.
 *
 *   cellN.NAME/  cell type name index config backend_pid, and those of VALUES
 *   cellN/virtio/NAME     all of them but config, as KEY=value, and the queues
 *   cellN/virtio/pending  who waits for a backend
 *
 * The files of a device end before its pages are unmapped (device_del waits);
 * those in virtio/ outlive them and look at hvisor_cell.dead.
 */
#include "hvisor.h"

#include <linux/ctype.h>
#include <linux/pid.h>

#include <asm/arch_timer.h>

/* The backend's counters are its own: any number may stand there. */
#define BACKEND(device, name) \
	((device)->state ? READ_ONCE((device)->state->counters.name) : 0)
#define PAGE(device, name)	READ_ONCE((device)->page->name)
#define EL2(device, name)	READ_ONCE((device)->page->counters.name)

/* Name, how it is written, what it is. */
#define VALUES(V)							\
	V(index, "%llu", device->index)					\
	V(address, "0x%llx", device->setup.desc.ipa)			\
	V(irq, "%llu", device->setup.desc.irq)				\
	V(device_id, "%llu", PAGE(device, device_id))			\
	V(status, "0x%llx", PAGE(device, status))			\
	V(features, "0x%llx", PAGE(device, features))			\
	V(driver_features, "0x%llx", PAGE(device, driver_features))	\
	V(attached, "%llu", PAGE(device, attached))			\
	V(backend_pid, "%llu", device_pid(device))			\
	V(failed, "%llu", PAGE(device, failed))				\
	V(epoch, "%llu", PAGE(device, epoch))				\
	V(requests, "%llu", BACKEND(device, reads) +			\
			    BACKEND(device, writes) +			\
			    BACKEND(device, flushes))			\
	V(bytes, "%llu", BACKEND(device, read_bytes) +			\
			 BACKEND(device, write_bytes))			\
	V(reads, "%llu", BACKEND(device, reads))			\
	V(read_bytes, "%llu", BACKEND(device, read_bytes))		\
	V(writes, "%llu", BACKEND(device, writes))			\
	V(write_bytes, "%llu", BACKEND(device, write_bytes))		\
	V(flushes, "%llu", BACKEND(device, flushes))			\
	V(errors, "%llu", BACKEND(device, errors))			\
	V(bad_chains, "%llu", BACKEND(device, bad_chains))		\
	V(reissued, "%llu", BACKEND(device, reissued))			\
	V(in_flight, "%llu", BACKEND(device, in_flight))		\
	V(in_flight_max, "%llu", BACKEND(device, in_flight_max))	\
	V(attaches, "%llu", BACKEND(device, attaches))			\
	V(notifications, "%llu", EL2(device, notifications))		\
	V(coalesced, "%llu", EL2(device, coalesced))			\
	V(interrupts, "%llu", EL2(device, interrupts))			\
	V(acks, "%llu", EL2(device, acks))				\
	V(blocking, "%llu", EL2(device, requests))			\
	V(timeouts, "%llu", EL2(device, timeouts))			\
	V(resets, "%llu", EL2(device, resets))				\
	V(refused, "%llu", EL2(device, refused))

static u64 device_pid(struct hvisor_device *device)
{
	u64 pid;

	mutex_lock(&device->lock);
	pid = pid_vnr(device->pid);
	mutex_unlock(&device->lock);
	return pid;
}

#define VALUE_FILE(name, format, value)						\
static ssize_t name##_show(struct device *dev, struct device_attribute *attr,	\
			   char *buf)						\
{										\
	struct hvisor_device *device = to_hvisor_device(dev);			\
										\
	return sysfs_emit(buf, format "\n", (u64)(value));			\
}										\
static DEVICE_ATTR_RO(name);
VALUES(VALUE_FILE)

static ssize_t cell_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", to_hvisor_device(dev)->cell->id);
}
static DEVICE_ATTR_RO(cell);

static ssize_t type_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_hvisor_device(dev)->setup.type);
}
static DEVICE_ATTR_RO(type);

static ssize_t name_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_hvisor_device(dev)->setup.desc.name);
}
static DEVICE_ATTR_RO(name);

static ssize_t config_read(struct file *file, struct kobject *kobj,
			   struct bin_attribute *attr, char *buf, loff_t offset,
			   size_t count)
{
	struct hvisor_device *device = to_hvisor_device(kobj_to_dev(kobj));

	return memory_read_from_buffer(buf, count, &offset, device->config,
				       device->setup.config_len);
}
static BIN_ATTR(config, 0400, config_read, NULL, 0);

#define VALUE_ATTR(name, format, value)	&dev_attr_##name.attr,
static struct attribute *device_attrs[] = {
	&dev_attr_cell.attr,
	&dev_attr_type.attr,
	&dev_attr_name.attr,
	VALUES(VALUE_ATTR)
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

static int emit_key(char *buf, int n, const char *name)
{
	int first = n;

	for (; *name; name++)
		n += sysfs_emit_at(buf, n, "%c", toupper(*name));
	return n - first + sysfs_emit_at(buf, n, "=");
}

/* QUEUEn=SIZE,READY,DESC,DRIVER,DEVICE */
static int emit_queues(struct hvisor_device *device, char *buf, int n)
{
	u32 i, count = min_t(u32, PAGE(device, nr_queues), HVISOR_MAX_QUEUES);
	const struct hvisor_device_queue *queue = device->page->queues;
	int first = n;

	for (i = 0; i < count; i++, queue++)
		n += sysfs_emit_at(buf, n, "QUEUE%u=%u,%u,0x%llx,0x%llx,0x%llx\n", i,
				   READ_ONCE(queue->size), READ_ONCE(queue->ready),
				   READ_ONCE(queue->desc), READ_ONCE(queue->driver),
				   READ_ONCE(queue->device));
	return n - first;
}

static int emit_summary(struct hvisor_device *device, char *buf)
{
	int n;

	n = sysfs_emit(buf, "CELL=%u\nTYPE=%s\nNAME=%s\n", device->cell->id,
		       device->setup.type, device->setup.desc.name);
#define VALUE_LINE(name, format, value)						\
	n += emit_key(buf, n, #name);						\
	n += sysfs_emit_at(buf, n, format "\n", (u64)(value));
	VALUES(VALUE_LINE)
	return n + emit_queues(device, buf, n);
}

ssize_t hvisor_summary_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct hvisor_device *device;
	int idx, n = 0;

	device = container_of(attr, struct hvisor_device, summary);
	idx = srcu_read_lock(&hvisor_srcu);
	if (!READ_ONCE(device->cell->dead))
		n = emit_summary(device, buf);
	srcu_read_unlock(&hvisor_srcu, idx);
	return n;
}

static u64 age_ms(u64 since)
{
	u64 ticks = arch_timer_read_counter() - since;
	u32 rate = arch_timer_get_cntfrq() / 1000;

	return rate ? ticks / rate : 0;
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

/* CPUn=DEVICE,OP,ADDRESS,BYTES,AGE_MS and CONTROLn=DEVICE,OP,AGE_MS */
static int emit_pending(struct hvisor_device *device, char *buf, int n)
{
	const struct hvisor_device_page *page = device->page;
	const struct hvisor_device_slot *slot = page->slots;
	const char *name = device->setup.desc.name;
	int first = n;
	u32 i;

	for (i = 0; i < device->cell->nr_cpus; i++, slot++)
		if (READ_ONCE(slot->state) == HVISOR_SLOT_PENDING)
			n += sysfs_emit_at(buf, n, "CPU%u=%s,%s,0x%llx,%u,%llu\n", i,
					   name, op_name(READ_ONCE(slot->op)),
					   device->setup.desc.ipa + READ_ONCE(slot->offset),
					   READ_ONCE(slot->length),
					   age_ms(READ_ONCE(slot->since)));
	if (READ_ONCE(page->control.state) == HVISOR_SLOT_PENDING)
		n += sysfs_emit_at(buf, n, "CONTROL%u=%s,%s,%llu\n", device->index, name,
				   op_name(READ_ONCE(page->control.op)),
				   age_ms(READ_ONCE(page->control.since)));
	return n - first;
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
