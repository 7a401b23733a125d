// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folders of numbers below a cell or a device that attribute groups cannot
 * make: statistics/cpuN/ lies in a folder itself, and how many queueN/ a device
 * has is known when it is created.
 */
#include "hvisor.h"

#include <linux/slab.h>

static ssize_t folder_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct hvisor_folder *folder = container_of(kobj, struct hvisor_folder, kobj);
	struct hvisor_number *number = container_of(attr, struct hvisor_number, attr);
	u64 value = number->read(folder, number->offset);

	return number->is_address ? sysfs_emit(buf, "0x%llx\n", value) :
				    sysfs_emit(buf, "%llu\n", value);
}

const struct sysfs_ops hvisor_folder_ops = {
	.show = folder_show,
};

void hvisor_folder_release(struct kobject *kobj)
{
	kfree(container_of(kobj, struct hvisor_folder, kobj));
}

struct hvisor_folder *hvisor_folder_create(const struct kobj_type *type,
					   struct kobject *parent, void *owner,
					   u32 index, const char *name)
{
	struct hvisor_folder *folder;
	int err;

	folder = kzalloc(sizeof(*folder), GFP_KERNEL_ACCOUNT);
	if (!folder)
		return ERR_PTR(-ENOMEM);
	folder->owner = owner;
	folder->index = index;
	err = kobject_init_and_add(&folder->kobj, type, parent, "%s", name);
	if (err) {
		kobject_put(&folder->kobj);
		return ERR_PTR(err);
	}
	return folder;
}

void hvisor_folder_destroy(struct hvisor_folder *folder)
{
	if (!folder)
		return;
	kobject_del(&folder->kobj);
	kobject_put(&folder->kobj);
}
