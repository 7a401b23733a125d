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

int hvisor_text_copy(u64 user, u32 length, void **ret_text)
{
	void *text = NULL;

	if (length > HVISOR_MAX_CONFIG_TEXT)
		return -EINVAL;
	if (length)
		text = vmemdup_user(u64_to_user_ptr(user), length);
	if (IS_ERR(text))
		return PTR_ERR(text);
	*ret_text = text;
	return 0;
}

static int cell_copy_config(struct hvisor_cell *cell,
			    const struct hvisor_cell_create *create)
{
	int err = hvisor_text_copy(create->config, create->config_len, &cell->config);

	if (!err)
		cell->config_len = create->config_len;
	return err;
}

static int cell_prepare_memory(struct hvisor_cell *cell,
			       struct hvisor_cell_create *create)
{
	struct hvisor_memory *memory;
	int err;
	u32 i;

	memory = hvisor_memory_open(create->regions, create->nr_regions,
				    &create->where);
	if (IS_ERR(memory))
		return PTR_ERR(memory);
	cell->memory = memory;
	cell->nr_memory = create->nr_regions;
	for (i = 0; i < cell->nr_memory; i++) {
		create->where = HVISOR_WHERE_REGION + i;
		err = hvisor_memory_pin(&cell->memory[i]);
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
	int err;
	u32 i;

	if (create->nr_devices > HVISOR_MAX_DEVICES)
		return -EINVAL;
	for (i = 0; i < create->nr_devices; i++) {
		create->where = HVISOR_WHERE_DEVICE + i;
		if (copy_from_user(&setup, &user[i], sizeof(setup)))
			return -EFAULT;
		device = hvisor_device_alloc(cell, i, &setup.desc);
		if (IS_ERR(device))
			return PTR_ERR(device);
		cell->devices[i] = device;
		cell->nr_devices = i + 1;
		err = hvisor_device_describe(device, &setup);
		if (err)
			return err;
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
		.nr = HVISOR_HC_CELL_CREATE, .x = { hvisor_cpus_word(cell) },
		.arg = &desc, .arg_size = sizeof(desc),
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
	return hvisor_cell_map(cell) ?: hvisor_cell_map_devices(cell);
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
