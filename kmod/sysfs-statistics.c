// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of a cell, from the page that EL2 writes.
 *
 *   cellN/statistics/       vmexits_total vmexits_mmio ...: the sums
 *   cellN/statistics/cpuM/  the same of one CPU, M is root's number for it
 */
#include "hvisor.h"

#define ALL_CPUS	~0U

static u64 read_exits(const struct hvisor_folder *folder, size_t offset)
{
	struct hvisor_cell *cell = folder->owner;
	const struct hvisor_cell_page *page;
	u64 sum = 0;
	int idx;
	u32 i;

	idx = srcu_read_lock(&hvisor_srcu);
	page = srcu_dereference(cell->page, &hvisor_srcu);
	for (i = 0; i < ARRAY_SIZE(page->stats); i++)
		if (folder->index == ALL_CPUS || folder->index == i)
			sum += READ_ONCE(*(const u64 *)((const void *)&page->stats[i] +
							offset));
	srcu_read_unlock(&hvisor_srcu, idx);
	return sum;
}

#define EXITS(X)								\
	X(total) X(mmio) X(management) X(hypercall) X(maintenance)		\
	X(virt_irq) X(virt_sgi) X(psci) X(smccc) X(sysreg) X(other)

#define NUMBER(field)								\
static struct hvisor_number number_##field = {					\
	.attr = { .name = "vmexits_" #field, .mode = 0444 },			\
	.offset = offsetof(struct hvisor_cpu_stats, field),			\
	.read = read_exits,							\
};
EXITS(NUMBER)

#define ATTR(field)	&number_##field.attr,
static struct attribute *exits_attrs[] = {
	EXITS(ATTR)
	NULL
};
ATTRIBUTE_GROUPS(exits);

static const struct kobj_type exits_type = {
	.release = hvisor_folder_release,
	.sysfs_ops = &hvisor_folder_ops,
	.default_groups = exits_groups,
};

static int add_cpu_folder(struct hvisor_cell *cell, u32 index)
{
	int cpu = hvisor_cpu_from_el2(cell->mapped->cpus[index]);
	struct hvisor_folder *folder;
	char name[16];

	/* One of root's that Linux was not told of. */
	if (cpu < 0)
		return 0;
	snprintf(name, sizeof(name), "cpu%d", cpu);
	folder = hvisor_folder_create(&exits_type, &cell->statistics->kobj, cell,
				      index, name);
	if (IS_ERR(folder))
		return PTR_ERR(folder);
	cell->cpu_statistics[index] = folder;
	return 0;
}

int hvisor_statistics_init(struct hvisor_cell *cell)
{
	u32 i, count = min_t(u32, cell->mapped->nr_cpus, HVISOR_MAX_CELL_CPUS);
	struct hvisor_folder *folder;
	int err = 0;

	folder = hvisor_folder_create(&exits_type, &cell->dev.kobj, cell, ALL_CPUS,
				      "statistics");
	if (IS_ERR(folder))
		return PTR_ERR(folder);
	cell->statistics = folder;
	for (i = 0; !err && i < count; i++)
		err = add_cpu_folder(cell, i);
	return err;
}

void hvisor_statistics_exit(struct hvisor_cell *cell)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cell->cpu_statistics); i++)
		hvisor_folder_destroy(cell->cpu_statistics[i]);
	hvisor_folder_destroy(cell->statistics);
}
