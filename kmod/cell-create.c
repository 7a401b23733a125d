// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creating a cell: one transaction.
 *
 * Each step leaves what it did in struct hvisor_cell, and
 * hvisor_cell_dismantle() undoes any prefix of them: it is the way back of a
 * create that fails, and it is destroy.
 *
 * Everything is read from user space and checked, memory pinned and CPUs taken
 * before EL2 hears of the cell, and user space hears of it when nothing can
 * fail any more.
 */
#include "hvisor.h"

#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static int cell_copy_config(struct hvisor_cell *cell,
			    const struct hvisor_cell_create *create)
{
	void *config;

	if (create->config_len > HVISOR_MAX_CONFIG_TEXT)
		return -EINVAL;
	if (!create->config_len)
		return 0;
	config = vmemdup_user(u64_to_user_ptr(create->config), create->config_len);
	if (IS_ERR(config))
		return PTR_ERR(config);
	cell->config = config;
	cell->config_len = create->config_len;
	return 0;
}

static int cell_prepare_memory(struct hvisor_cell *cell,
			       struct hvisor_cell_create *create)
{
	struct hvisor_memory_region __user *user = u64_to_user_ptr(create->regions);
	struct hvisor_memory *memory;
	int err;
	u32 i;

	create->where = HVISOR_WHERE_CELL;
	if (!create->nr_regions || create->nr_regions > HVISOR_MAX_REGIONS)
		return -EINVAL;
	cell->memory = kcalloc(create->nr_regions, sizeof(*memory), GFP_KERNEL);
	if (!cell->memory)
		return -ENOMEM;
	for (i = 0; i < create->nr_regions; i++) {
		create->where = HVISOR_WHERE_REGION + i;
		memory = &cell->memory[i];
		if (copy_from_user(&memory->region, &user[i], sizeof(*user)))
			return -EFAULT;
		cell->nr_memory = i + 1;
		err = hvisor_memory_pin(memory);
		if (err)
			return err;
	}
	return 0;
}

static int cell_prepare_devices(struct hvisor_cell *cell,
				struct hvisor_cell_create *create)
{
	struct hvisor_device_setup __user *user = u64_to_user_ptr(create->devices);
	struct hvisor_device_setup setup;
	struct hvisor_device *device;
	u32 i;

	if (create->nr_devices > HVISOR_MAX_DEVICES)
		return -EINVAL;
	for (i = 0; i < create->nr_devices; i++) {
		create->where = HVISOR_WHERE_DEVICE + i;
		if (copy_from_user(&setup, &user[i], sizeof(setup)))
			return -EFAULT;
		device = hvisor_device_alloc(cell, i, &setup);
		if (IS_ERR(device))
			return PTR_ERR(device);
		cell->devices[i] = device;
		cell->nr_devices = i + 1;
	}
	return hvisor_virtio_group_init(cell);
}

static int cell_prepare(struct hvisor_cell *cell, struct hvisor_cell_create *create)
{
	create->where = HVISOR_WHERE_CELL;
	if (create->flags || create->reserved || !create->cpus ||
	    hweight64(create->cpus) > HVISOR_MAX_CELL_CPUS ||
	    !hvisor_name_is_valid(create->name, sizeof(create->name)))
		return -EINVAL;
	memcpy(cell->name, create->name, sizeof(cell->name));
	cell->nr_cpus = hweight64(create->cpus);
	return cell_copy_config(cell, create) ?:
	       cell_prepare_devices(cell, create) ?:
	       cell_prepare_memory(cell, create);
}

static int cell_take_cpus(struct hvisor_cell *cell, struct hvisor_cell_create *create)
{
	u32 cpu = 0;
	int err;

	err = hvisor_cpus_take(cell, create->cpus, &cpu);
	if (err)
		create->where = HVISOR_WHERE_CPU + cpu;
	return err;
}

static int cell_build_empty(struct hvisor_cell *cell,
			    struct hvisor_cell_create *create)
{
	struct hvisor_cell_desc desc = {
		.size = sizeof(desc),
		.gicd_ipa = create->gicd_ipa,
		.gicr_ipa = create->gicr_ipa,
	};
	struct hvisor_hypercall call = {
		.nr = HVISOR_HC_CELL_CREATE, .arg = &desc, .arg_size = sizeof(desc),
	};
	unsigned int cpu;
	int ret;

	create->where = HVISOR_WHERE_CELL;
	memcpy(desc.name, create->name, sizeof(desc.name));
	for_each_cpu(cpu, &cell->cpus)
		desc.cpus |= BIT_ULL(hvisor_cpu_to_el2(cpu));
	ret = hvisor_hypercall(&call);
	if (ret < 0)
		return ret;
	create->id = ret;
	return hvisor_cell_insert(cell, ret);
}

static int cell_build_device(struct hvisor_device *device)
{
	struct hvisor_hypercall call = {
		.nr = HVISOR_HC_CELL_ADD_DEVICE,
		.arg = &device->setup.desc, .arg_size = sizeof(device->setup.desc),
	};
	int ret;

	ret = hvisor_cell_hypercall(device->cell, &call);
	if (ret < 0)
		return ret;
	if (ret != device->index)
		return -EPROTO;
	return dev_set_name(&device->dev, "cell%u.%s", device->cell->id,
			    device->setup.desc.name);
}

static int cell_build(struct hvisor_cell *cell, struct hvisor_cell_create *create)
{
	int err;
	u32 i;

	err = cell_build_empty(cell, create);
	for (i = 0; !err && i < cell->nr_memory; i++) {
		create->where = HVISOR_WHERE_REGION + i;
		err = hvisor_memory_lend(cell, &cell->memory[i]);
	}
	for (i = 0; !err && i < cell->nr_devices; i++) {
		create->where = HVISOR_WHERE_DEVICE + i;
		err = cell_build_device(cell->devices[i]);
	}
	if (err)
		return err;
	create->where = HVISOR_WHERE_CELL;
	return hvisor_cell_map(cell);
}

/* User space hears of the cell when nothing can fail any more. */
static int cell_publish(struct hvisor_cell *cell)
{
	int err;
	u32 i;

	hvisor_cell_read_status(cell, &cell->told);
	err = hvisor_add(&cell->dev) ?: hvisor_statistics_init(cell);
	for (i = 0; !err && i < cell->nr_devices; i++)
		err = hvisor_add(&cell->devices[i]->dev) ?:
		      hvisor_queues_init(cell->devices[i]);
	if (err)
		return err;
	hvisor_tell(&cell->dev);
	for (i = 0; i < cell->nr_devices; i++)
		hvisor_tell(&cell->devices[i]->dev);
	return 0;
}

int hvisor_cell_create(struct hvisor_cell_create *create)
{
	struct hvisor_cell *cell;
	int err, undone;

	if (mutex_lock_killable(&hvisor_admin))
		return -EINTR;
	cell = hvisor_cell_alloc();
	if (!cell) {
		mutex_unlock(&hvisor_admin);
		return -ENOMEM;
	}
	err = cell_prepare(cell, create) ?:
	      cell_take_cpus(cell, create) ?:
	      cell_build(cell, create) ?:
	      hvisor_irq_init(cell) ?:
	      cell_publish(cell);
	if (err) {
		undone = hvisor_cell_dismantle(cell, 0);
		if (undone)
			dev_err(&hvisor.pdev->dev, "cell %u: not created (%d), and EL2 does not let go of it (%d): destroy it again\n",
				cell->id, err, undone);
	}
	mutex_unlock(&hvisor_admin);
	return err;
}
