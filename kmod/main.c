// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvisor.ko: root's kernel side of the hypervisor.
 *
 * EL2 writes a node into root's device tree; it loads this module (by its
 * alias) and lists the interrupts of the cells. Without the node nobody may
 * make a hypercall, so the module then does not stay.
 */
#include "hvisor.h"

#include <linux/module.h>
#include <linux/of.h>
#include <linux/reboot.h>

struct hvisor hvisor;

struct class hvisor_class = {
	.name = "hvisor",
};

static int reboot_notify(struct notifier_block *block, unsigned long action,
			 void *data)
{
	/* Lent memory is root's: no cell may run while root is taken down. */
	hvisor_cells_stop();
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = {
	.notifier_call = reboot_notify,
};

static void pages_exit(void)
{
	hvisor_unmap(hvisor.log);
	hvisor_unmap(hvisor.args);
	hvisor_unmap(hvisor.info);
}

static int pages_init(phys_addr_t pa)
{
	const struct hvisor_info *info;
	size_t log_size;

	BUILD_BUG_ON(sizeof(*info) > HVISOR_PAGE_SIZE);
	info = hvisor_map(pa, HVISOR_PAGE_SIZE);
	hvisor.info = info;
	if (!info || info->magic != HVISOR_INFO_MAGIC ||
	    info->size < sizeof(*info) || info->nr_cpus > HVISOR_MAX_CPUS)
		goto refuse;
	hvisor.args = hvisor_map(info->args, info->nr_cpus * HVISOR_PAGE_SIZE);
	log_size = (size_t)info->log_pages * HVISOR_PAGE_SIZE;
	hvisor.log = hvisor_map(info->log, log_size);
	if (!hvisor.args || !hvisor.log)
		goto refuse;
	hvisor.log_size = hvisor.log->size;
	if (hvisor.log_size > log_size - sizeof(*hvisor.log))
		goto refuse;
	return 0;

refuse:
	dev_err(&hvisor.pdev->dev, "EL2's information page at %pa makes no sense\n", &pa);
	pages_exit();
	return -EPROTO;
}

/* Root's /proc/iomem then tells where EL2's memory is: the names are the tree's. */
static int claim_regions(struct platform_device *pdev)
{
	struct resource *region;
	int i;

	for (i = 0; (region = platform_get_resource(pdev, IORESOURCE_MEM, i)); i++) {
		if (devm_request_mem_region(&pdev->dev, region->start,
					    resource_size(region), region->name))
			continue;
		dev_err(&pdev->dev, "EL2's memory %pR belongs to somebody else\n", region);
		return -EBUSY;
	}
	return 0;
}

static int __init hvisor_probe(struct platform_device *pdev)
{
	phys_addr_t info;
	int err;

	hvisor.pdev = pdev;
	err = claim_regions(pdev) ?: hvisor_handshake(&info) ?: pages_init(info);
	if (err)
		return err;
	err = class_register(&hvisor_class);
	if (err)
		goto pages;
	err = hvisor_cpus_init();
	if (err)
		goto class;
	err = hvisor_root_init();
	if (err)
		goto cpus;
	err = hvisor_cells_find();
	if (err)
		goto cells;
	err = register_reboot_notifier(&reboot_block);
	if (err)
		goto cells;
	err = hvisor_chardev_init();
	if (err)
		goto reboot;
	return 0;

reboot:
	unregister_reboot_notifier(&reboot_block);
cells:
	hvisor_cells_leave();
	hvisor_root_exit();
cpus:
	hvisor_cpus_exit();
class:
	class_unregister(&hvisor_class);
pages:
	pages_exit();
	dev_err(&pdev->dev, "cannot start (%d)\n", err);
	return err;
}

static const struct of_device_id hvisor_of_match[] = {
	{ .compatible = "shyper,hvisor" },
	{ }
};
MODULE_DEVICE_TABLE(of, hvisor_of_match);

/* platform_driver_probe() leaves nothing to unbind, so there is no remove. */
static struct platform_driver hvisor_driver = {
	.driver = {
		.name = "hvisor",
		.of_match_table = hvisor_of_match,
	},
};

static int __init hvisor_init(void)
{
	struct device_node *node = of_find_matching_node(NULL, hvisor_of_match);

	if (!node) {
		pr_err("hvisor: no hypervisor below this kernel: the device tree has no node \"shyper,hvisor\"; boot through hvisor.img\n");
		return -ENODEV;
	}
	of_node_put(node);
	return platform_driver_probe(&hvisor_driver, hvisor_probe);
}
module_init(hvisor_init);

/* A module with open files, or a cell half destroyed, does not come here. */
static void __exit hvisor_exit(void)
{
	/* First to go, last to come: while it is there all cells are. */
	hvisor_chardev_exit();
	unregister_reboot_notifier(&reboot_block);
	hvisor_cells_leave();
	hvisor_root_exit();
	hvisor_cpus_exit();
	class_unregister(&hvisor_class);
	pages_exit();
	platform_driver_unregister(&hvisor_driver);
}
module_exit(hvisor_exit);

MODULE_DESCRIPTION("Cells of the hvisor hypervisor and their devices");
MODULE_LICENSE("GPL");
