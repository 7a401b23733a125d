// SPDX-License-Identifier: GPL-2.0-only
/*
 * struct hvisor_device: a device of a cell, cellN.NAME in sysfs.
 */
#include "hvisor.h"

#include <linux/ctype.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/arch_timer.h>

int hvisor_add(struct device *dev)
{
	/* Else its files in power/ are there, of which some give errors. */
	device_set_pm_not_required(dev);
	dev_set_uevent_suppress(dev, 1);
	return device_add(dev);
}

void hvisor_tell(struct device *dev)
{
	dev_set_uevent_suppress(dev, 0);
	kobject_uevent(&dev->kobj, KOBJ_ADD);
}

static int device_uevent(COMPAT_CONST struct device *dev,
			 struct kobj_uevent_env *env)
{
	struct hvisor_device *device = to_hvisor_device(dev);

	return add_uevent_var(env, "HVISOR_CELL_ID=%u", device->cell->id) ?:
	       add_uevent_var(env, "HVISOR_CELL_NAME=%s", device->cell->name) ?:
	       add_uevent_var(env, "HVISOR_DEVICE_TYPE=%s", device->setup.type) ?:
	       add_uevent_var(env, "HVISOR_DEVICE_NAME=%s", device->setup.desc.name) ?:
	       add_uevent_var(env, "HVISOR_DEVICE_INDEX=%u", device->index);
}

static void device_release(struct device *dev)
{
	struct hvisor_device *device = to_hvisor_device(dev);

	hvisor_keep_release(device);
	kvfree(device->config);
	hvisor_cell_put(device->cell);
	kfree(device);
}

const struct device_type hvisor_device_type = {
	.name = "device",
	.groups = hvisor_device_groups,
	.uevent = device_uevent,
	.release = device_release,
};

static bool type_is_valid(const u8 *type, size_t size)
{
	size_t i, length = strnlen(type, size);

	for (i = 0; i < length; i++)
		if (!islower(type[i]) && !isdigit(type[i]) && type[i] != '_' &&
		    type[i] != '-')
			return false;
	return length && length < size;
}

static int desc_check(const struct hvisor_cell *cell,
		      const struct hvisor_device_desc *desc)
{
	u32 i;

	if (desc->size != sizeof(*desc) ||
	    !hvisor_name_is_valid(desc->name, sizeof(desc->name)))
		return -EINVAL;
	/* In virtio/ each device has a file of its name beside this one. */
	if (!strcmp(desc->name, "pending"))
		return -EINVAL;
	for (i = 0; i < cell->nr_devices; i++)
		if (!strcmp(desc->name, cell->devices[i]->setup.desc.name))
			return -EEXIST;
	return 0;
}

static void device_init(struct hvisor_device *device, struct hvisor_cell *cell)
{
	device_initialize(&device->dev);
	device->dev.class = &hvisor_class;
	device->dev.type = &hvisor_device_type;
	get_device(&cell->dev);
	device->cell = cell;
	init_waitqueue_head(&device->wait);
	mutex_init(&device->lock);
	INIT_LIST_HEAD(&device->irqfds);
	sysfs_attr_init(&device->summary.attr);
	device->summary.attr.name = device->setup.desc.name;
	device->summary.attr.mode = 0444;
	device->summary.show = hvisor_summary_show;
}

struct hvisor_device *hvisor_device_alloc(struct hvisor_cell *cell, u32 index,
					  const struct hvisor_device_desc *desc)
{
	struct hvisor_device *device;
	int err;

	err = desc_check(cell, desc);
	if (err)
		return ERR_PTR(err);
	device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	if (!device)
		return ERR_PTR(-ENOMEM);
	device->index = index;
	device->setup.desc = *desc;
	device_init(device, cell);
	return device;
}

int hvisor_device_describe(struct hvisor_device *device,
			   const struct hvisor_device_setup *setup)
{
	void *config;
	int err;

	if (setup->reserved || !type_is_valid(setup->type, sizeof(setup->type)))
		return -EINVAL;
	err = hvisor_text_copy(setup->config, setup->config_len, &config);
	if (err)
		return err;
	kvfree(device->config);
	device->config = config;
	/* Its file in virtio/ may be read meanwhile: the type always has an end. */
	device->setup = *setup;
	return 0;
}

static int device_map_state(struct hvisor_device *device)
{
	u32 pages = device->page->state_pages;

	device->state_pa = device->page->state_area;
	if (!device->state_pa)
		return 0;
	if (pages > HVISOR_MMAP_STATE / HVISOR_PAGE_SIZE)
		return -EPROTO;
	device->state = hvisor_map(device->state_pa, pages * HVISOR_PAGE_SIZE);
	if (!device->state)
		return -EIO;
	device->state_pages = pages;
	return 0;
}

int hvisor_device_map(struct hvisor_device *device, phys_addr_t page_pa)
{
	static u64 next_base;	/* hvisor_admin */

	device->mmap_base = next_base;
	next_base += HVISOR_MMAP_STRIDE;
	device->page_pa = page_pa;
	device->page = hvisor_map(page_pa, HVISOR_PAGE_SIZE);
	return device->page ? device_map_state(device) : -EIO;
}

void hvisor_device_unmap(struct hvisor_device *device)
{
	hvisor_unmap(device->state);
	hvisor_unmap(device->page);
	device->state = NULL;
	device->page = NULL;
}

void hvisor_device_unregister(struct hvisor_device *device)
{
	hvisor_queues_exit(device);
	if (device_is_registered(&device->dev))
		device_del(&device->dev);
}

void hvisor_device_announce(struct hvisor_device *device, const char *event)
{
	char variable[32], backend[32];
	char *env[] = { variable, backend, NULL };

	snprintf(variable, sizeof(variable), "HVISOR_EVENT=%s", event);
	/*
	 * Never behind the "remove", where a listener would take it for a new
	 * device: hvisor_device_zap() has the lock between the cell's death and
	 * the device's removal.
	 */
	lockdep_assert_held(&device->lock);
	snprintf(backend, sizeof(backend), "HVISOR_BACKEND_PID=%d", pid_nr(device->pid));
	if (!READ_ONCE(device->cell->dead))
		kobject_uevent_env(&device->dev.kobj, KOBJ_CHANGE, env);
}

void hvisor_notification_begin(struct hvisor_device *device)
{
	WRITE_ONCE(device->cell->bell->doorbells[device->index].since,
		   arch_timer_read_counter());
}

void hvisor_notification_count(struct hvisor_device *device)
{
	u64 since = READ_ONCE(device->cell->bell->doorbells[device->index].since);
	u64 ns;
	int bucket;

	if (!since)
		return;
	/* Another bit may have been set meanwhile, and stamped ahead of this look. */
	ns = max_t(s64, arch_timer_read_counter() - since, 0);
	ns = mul_u64_u32_div(ns, NSEC_PER_SEC, arch_timer_get_cntfrq());
	bucket = min(fls64(ns | 1) - 1, HVISOR_NR_BUCKETS - 1);
	atomic64_inc(&device->notification_ns[bucket]);
}
