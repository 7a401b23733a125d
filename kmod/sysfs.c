// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of control and of the cells; docs/ABI/testing/sysfs-class-hvisor
 * tells each one.
 *
 *   control/  abi_version pool_free pool_pages
 *   cellN/    config cpus failure id interrupts intid irq memory memory_regions
 *             memory_blocks (sysfs-memory.c) monitor_pid name orphaned rate_limited
 *             reason restarts starts state uptime_ms
 *             statistics/  sysfs-statistics.c
 *             virtio/      one file for each device, pending
 *   cellN.X/  sysfs-device.c, sysfs-queue.c
 */
#include "hvisor.h"

#include <linux/kdev_t.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/arch_timer.h>

static ssize_t abi_version_show(struct device *dev, struct device_attribute *attr,
				char *buf)
{
	u32 version = hvisor.info->version;

	return sysfs_emit(buf, "%u.%u\n", version >> 16, version & 0xffff);
}
static DEVICE_ATTR_RO(abi_version);

static ssize_t pool_pages_show(struct device *dev, struct device_attribute *attr,
			       char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(hvisor.info->pool_pages));
}
static DEVICE_ATTR_RO(pool_pages);

static ssize_t pool_free_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(hvisor.info->pool_free));
}
static DEVICE_ATTR_RO(pool_free);

static struct attribute *control_attrs[] = {
	&dev_attr_abi_version.attr,
	&dev_attr_pool_free.attr,
	&dev_attr_pool_pages.attr,
	NULL
};

static const struct attribute_group control_group = {
	.attrs = control_attrs,
};

const struct attribute_group *hvisor_control_groups[] = {
	&control_group,
	NULL
};

static ssize_t id_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", to_hvisor_cell(dev)->id);
}
static DEVICE_ATTR_RO(id);

static ssize_t name_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_hvisor_cell(dev)->name);
}
static DEVICE_ATTR_RO(name);

static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct hvisor_cell_status status;

	hvisor_cell_read_status(to_hvisor_cell(dev), &status);
	return sysfs_emit(buf, "%s\n", hvisor_state_name(status.state));
}
static DEVICE_ATTR_RO(state);

static ssize_t reason_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct hvisor_cell_status status;

	hvisor_cell_read_status(to_hvisor_cell(dev), &status);
	return sysfs_emit(buf, "%s\n", hvisor_reason_name(status.reason));
}
static DEVICE_ATTR_RO(reason);

static ssize_t starts_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct hvisor_cell_status status;

	hvisor_cell_read_status(to_hvisor_cell(dev), &status);
	return sysfs_emit(buf, "%llu\n", status.starts);
}
static DEVICE_ATTR_RO(starts);

static ssize_t restarts_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct hvisor_cell_status status;

	hvisor_cell_read_status(to_hvisor_cell(dev), &status);
	return sysfs_emit(buf, "%llu\n", status.starts ? status.starts - 1 : 0);
}
static DEVICE_ATTR_RO(restarts);

u64 hvisor_ticks_to_ms(u64 ticks)
{
	u32 rate = arch_timer_get_cntfrq() / 1000;

	return rate ? ticks / rate : 0;
}

static ssize_t uptime_ms_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	struct hvisor_cell_status status;
	u64 ticks = 0;

	hvisor_cell_read_status(to_hvisor_cell(dev), &status);
	if (status.state == HVISOR_CELL_RUNNING)
		ticks = arch_timer_read_counter() - status.state_since;
	return sysfs_emit(buf, "%llu\n", hvisor_ticks_to_ms(ticks));
}
static DEVICE_ATTR_RO(uptime_ms);

static ssize_t cpus_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct hvisor_info *info = hvisor.info;
	u32 i, id = to_hvisor_cell(dev)->id;
	struct cpumask *cpus;
	ssize_t ret;
	int cpu;

	cpus = kzalloc(sizeof(*cpus), GFP_KERNEL);
	if (!cpus)
		return -ENOMEM;
	for (i = 0; i < info->nr_cpus; i++) {
		cpu = hvisor_cpu_from_el2(i);
		if (cpu >= 0 && READ_ONCE(info->cpus[i].owner) == id)
			cpumask_set_cpu(cpu, cpus);
	}
	ret = cpumap_print_to_pagebuf(true, buf, cpus);
	kfree(cpus);
	return ret;
}
static DEVICE_ATTR_RO(cpus);

static ssize_t memory_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u32 blocks;

	hvisor_cell_read(to_hvisor_cell(dev), &blocks,
			 offsetof(struct hvisor_cell_page, memory_blocks),
			 sizeof(blocks));
	return sysfs_emit(buf, "%llu\n", (u64)blocks * HVISOR_BLOCK_SIZE);
}
static DEVICE_ATTR_RO(memory);

/* Device and inode as in /proc/PID/maps, where whoever has it mapped is found. */
static int emit_region(const struct hvisor_memory *memory, u32 index, char *buf, int at)
{
	const struct hvisor_memory_region *region = &memory->region;
	const struct inode *inode = file_inode(memory->file);
	dev_t dev = inode->i_sb->s_dev;

	return sysfs_emit_at(buf, at, "REGION%u=0x%llx,0x%llx,%s,root,%02x:%02x,%lu\n",
			     index, region->ipa, region->length,
			     region->flags & HVISOR_MEMORY_READ_ONLY ? "ro" : "rw",
			     MAJOR(dev), MINOR(dev), inode->i_ino);
}

static int emit_regions(const struct hvisor_cell *cell, char *buf)
{
	int n = 0;
	u32 i;

	/* Pairs with the release when a cell is adopted. */
	for (i = 0; i < smp_load_acquire(&cell->nr_memory); i++)
		n += emit_region(&cell->memory[i], i, buf, n);
	return n;
}

static ssize_t memory_regions_show(struct device *dev, struct device_attribute *attr,
				   char *buf)
{
	struct hvisor_cell *cell = to_hvisor_cell(dev);
	int idx, n = 0;

	idx = srcu_read_lock(&hvisor_srcu);
	if (!READ_ONCE(cell->dead))
		n = emit_regions(cell, buf);
	srcu_read_unlock(&hvisor_srcu, idx);
	return n;
}
static DEVICE_ATTR_RO(memory_regions);

static ssize_t irq_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_hvisor_cell(dev)->irq));
}
static DEVICE_ATTR_RO(irq);

static ssize_t intid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u32 intid;

	hvisor_cell_read(to_hvisor_cell(dev), &intid,
			 offsetof(struct hvisor_cell_page, irq), sizeof(intid));
	return sysfs_emit(buf, "%u\n", intid);
}
static DEVICE_ATTR_RO(intid);

/* Of what user space gave, so it is there as long as the cell's folder. */
static ssize_t interrupts_show(struct device *dev, struct device_attribute *attr,
			       char *buf)
{
	struct hvisor_cell *cell = to_hvisor_cell(dev);
	const struct hvisor_device_desc *desc;
	int n = 0;
	u32 i;

	for (i = 0; i < cell->nr_devices; i++) {
		desc = &cell->devices[i]->setup.desc;
		if (desc->irq)
			n += sysfs_emit_at(buf, n, "INTID%u=%s\n", desc->irq, desc->name);
	}
	return n;
}
static DEVICE_ATTR_RO(interrupts);

static ssize_t monitor_pid_show(struct device *dev, struct device_attribute *attr,
				char *buf)
{
	struct hvisor_cell *cell = to_hvisor_cell(dev);
	pid_t pid = 0;

	/* A monitor has its file open only now and then, but it lives. */
	mutex_lock(&cell->lock);
	if (cell->monitor_pid && pid_has_task(cell->monitor_pid, PIDTYPE_TGID))
		pid = pid_vnr(cell->monitor_pid);
	mutex_unlock(&cell->lock);
	return sysfs_emit(buf, "%d\n", pid);
}
static DEVICE_ATTR_RO(monitor_pid);

static ssize_t orphaned_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_hvisor_cell(dev)->orphaned));
}
static DEVICE_ATTR_RO(orphaned);

static ssize_t rate_limited_show(struct device *dev, struct device_attribute *attr,
				 char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(to_hvisor_cell(dev)->rate_limited));
}
static DEVICE_ATTR_RO(rate_limited);

static int failure_print(const struct hvisor_failure *failure, char *buf)
{
	int i, n;

	n = sysfs_emit(buf, "REASON=%s\nCPU=%u\nPC=0x%llx\nPSTATE=0x%llx\n",
		       hvisor_reason_name(failure->reason), failure->cpu,
		       failure->pc, failure->pstate);
	n += sysfs_emit_at(buf, n, "ESR=0x%llx\nFAR=0x%llx\nIPA=0x%llx\n",
			   failure->esr, failure->far, failure->ipa);
	for (i = 0; i < ARRAY_SIZE(failure->walk); i++)
		n += sysfs_emit_at(buf, n, "WALK%d=0x%llx\n", i, failure->walk[i]);
	for (i = 0; i < ARRAY_SIZE(failure->x); i++)
		n += sysfs_emit_at(buf, n, "X%d=0x%llx\n", i, failure->x[i]);
	n += sysfs_emit_at(buf, n, "SP_EL0=0x%llx\nSP_EL1=0x%llx\nCOUNT=%llu\n",
			   failure->sp_el0, failure->sp_el1, failure->count);
	for (i = 0; i < ARRAY_SIZE(failure->exits); i++)
		n += sysfs_emit_at(buf, n, "EXIT%d=0x%llx,0x%llx,0x%llx\n", i,
				   failure->exits[i].esr, failure->exits[i].far,
				   failure->exits[i].pc);
	return n;
}

static ssize_t failure_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct hvisor_failure *failure;
	ssize_t ret = 0;

	failure = kmalloc(sizeof(*failure), GFP_KERNEL);
	if (!failure)
		return -ENOMEM;
	hvisor_cell_read(to_hvisor_cell(dev), failure,
			 offsetof(struct hvisor_cell_page, failure),
			 sizeof(*failure));
	if (failure->reason)
		ret = failure_print(failure, buf);
	kfree(failure);
	return ret;
}
/* Registers of a guest may hold its secrets. */
static DEVICE_ATTR_ADMIN_RO(failure);

static ssize_t config_read(struct file *file, struct kobject *kobj,
			   struct bin_attribute *attr, char *buf, loff_t offset,
			   size_t count)
{
	struct hvisor_cell *cell = to_hvisor_cell(kobj_to_dev(kobj));

	/* Pairs with the release when a cell is adopted. */
	u32 length = smp_load_acquire(&cell->config_len);

	return memory_read_from_buffer(buf, count, &offset, cell->config, length);
}
static BIN_ATTR(config, 0400, config_read, NULL, 0);

static struct attribute *cell_attrs[] = {
	&dev_attr_cpus.attr,
	&dev_attr_failure.attr,
	&dev_attr_id.attr,
	&dev_attr_interrupts.attr,
	&dev_attr_intid.attr,
	&dev_attr_irq.attr,
	&dev_attr_memory.attr,
	&dev_attr_memory_regions.attr,
	&dev_attr_monitor_pid.attr,
	&dev_attr_name.attr,
	&dev_attr_orphaned.attr,
	&dev_attr_rate_limited.attr,
	&dev_attr_reason.attr,
	&dev_attr_restarts.attr,
	&dev_attr_starts.attr,
	&dev_attr_state.attr,
	&dev_attr_uptime_ms.attr,
	NULL
};

static struct bin_attribute *cell_bin_attrs[] = {
	&bin_attr_config,
	&hvisor_memory_blocks_attr,
	NULL
};

static const struct attribute_group cell_group = {
	.attrs = cell_attrs,
	.bin_attrs = cell_bin_attrs,
};

const struct attribute_group *hvisor_cell_groups[] = {
	&cell_group,
	NULL
};

static struct device_attribute dev_attr_pending =
	__ATTR(pending, 0444, hvisor_pending_show, NULL);

int hvisor_virtio_group_init(struct hvisor_cell *cell)
{
	struct attribute **attrs;
	u32 i;

	attrs = kcalloc(cell->nr_devices + 2, sizeof(*attrs), GFP_KERNEL);
	if (!attrs)
		return -ENOMEM;
	for (i = 0; i < cell->nr_devices; i++)
		attrs[i] = &cell->devices[i]->summary.attr;
	attrs[i] = &dev_attr_pending.attr;
	cell->virtio_group.name = "virtio";
	cell->virtio_group.attrs = attrs;
	cell->groups[0] = &cell->virtio_group;
	cell->dev.groups = cell->groups;
	return 0;
}

void hvisor_virtio_group_exit(struct hvisor_cell *cell)
{
	kfree(cell->virtio_group.attrs);
}
