// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs leaving root and coming back.
 *
 * A CPU that a cell wants is taken offline by Linux's own hotplug; its CPU_OFF
 * ends in EL2, which may then give it away. While it is lent, a hotplug
 * callback keeps root from trying to take it back. CPU 0 always stays.
 */
#include "hvisor.h"

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/of.h>

static int cpu_to_el2[NR_CPUS];			/* constant after the probe */
static int cpu_from_el2[HVISOR_MAX_CPUS];
static struct cpumask cpus_lent;		/* changed by atomic operations */
static int hotplug_state;

int hvisor_cpu_to_el2(unsigned int cpu)
{
	return cpu_to_el2[cpu];
}

int hvisor_cpu_from_el2(unsigned int number)
{
	return cpu_from_el2[number];
}

static int hotplug_startup(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, &cpus_lent) ? -EBUSY : 0;
}

/* A CPU that has gone may have taken an interrupt with it. */
static int hotplug_teardown(unsigned int cpu)
{
	hvisor_cells_for_each(hvisor_irq_rescan);
	return 0;
}

/* The node's "reg" is MPIDR_EL1's affinity, as in struct hvisor_cpu_info. */
static int cpu_find(unsigned int cpu)
{
	struct device_node *node = of_get_cpu_node(cpu, NULL);
	const __be32 *reg;
	u64 mpidr = ~0ULL;
	u32 i;

	reg = node ? of_get_property(node, "reg", NULL) : NULL;
	if (reg)
		mpidr = of_read_number(reg, of_n_addr_cells(node));
	of_node_put(node);
	for (i = 0; i < hvisor.info->nr_cpus; i++)
		if (hvisor.info->cpus[i].mpidr == mpidr)
			return i;
	return -1;
}

int hvisor_cpus_init(void)
{
	unsigned int cpu;
	int number, ret;

	memset(cpu_from_el2, -1, sizeof(cpu_from_el2));
	for_each_possible_cpu(cpu) {
		number = cpu_find(cpu);
		if (number < 0) {
			dev_err(&hvisor.pdev->dev, "EL2 does not know CPU %u\n", cpu);
			return -ENODEV;
		}
		cpu_to_el2[cpu] = number;
		cpu_from_el2[number] = cpu;
		/* Cells may have been there before us. */
		if (hvisor.info->cpus[number].owner != HVISOR_ROOT_CELL)
			cpumask_set_cpu(cpu, &cpus_lent);
	}
	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "hvisor:cells",
					hotplug_startup, hotplug_teardown);
	if (ret < 0)
		return ret;
	hotplug_state = ret;
	return 0;
}

void hvisor_cpus_exit(void)
{
	cpuhp_remove_state_nocalls(hotplug_state);
}

u32 hvisor_cpus_word(const struct hvisor_cell *cell)
{
	u32 number, index = 0, word = 0;
	int cpu;

	/* EL2 numbers a cell's CPUs in the order of its own. */
	for (number = 0; number < hvisor.info->nr_cpus; number++) {
		cpu = cpu_from_el2[number];
		if (cpu < 0 || !cpumask_test_cpu(cpu, &cell->cpus))
			continue;
		if (cpumask_test_cpu(cpu, &cell->cpus_online))
			word |= BIT(index);
		index++;
	}
	return word;
}

void hvisor_cpus_find(struct hvisor_cell *cell)
{
	u32 i, word = cell->mapped->root_word;
	int cpu;

	cell->nr_cpus = min_t(u32, cell->mapped->nr_cpus, HVISOR_MAX_CELL_CPUS);
	for (i = 0; i < cell->nr_cpus; i++) {
		cpu = cpu_from_el2[cell->mapped->cpus[i] % HVISOR_MAX_CPUS];
		if (cpu < 0)
			continue;
		cpumask_set_cpu(cpu, &cell->cpus);
		if (word & BIT(i))
			cpumask_set_cpu(cpu, &cell->cpus_online);
	}
}

static int cpu_take(struct hvisor_cell *cell, unsigned int cpu)
{
	int ret;

	/* remove_cpu() of a CPU that is not possible is a NULL dereference. */
	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -EINVAL;
	if (!cpu)
		return -EPERM;
	if (cpumask_test_and_set_cpu(cpu, &cpus_lent))
		return -EBUSY;
	ret = remove_cpu(cpu);
	if (ret < 0) {
		cpumask_clear_cpu(cpu, &cpus_lent);
		return ret;
	}
	cpumask_set_cpu(cpu, &cell->cpus);
	if (!ret)	/* 1: it was offline already */
		cpumask_set_cpu(cpu, &cell->cpus_online);
	return 0;
}

int hvisor_cpus_take(struct hvisor_cell *cell, u64 cpus, u32 *ret_cpu)
{
	unsigned int cpu;
	int err;

	for (cpu = 0; cpu < 64; cpu++) {
		if (!(cpus & BIT_ULL(cpu)))
			continue;
		err = cpu_take(cell, cpu);
		if (err) {
			*ret_cpu = cpu;
			return err;
		}
	}
	return 0;
}

void hvisor_cpus_return(struct hvisor_cell *cell)
{
	unsigned int cpu;
	int ret;

	for_each_cpu(cpu, &cell->cpus) {
		cpumask_clear_cpu(cpu, &cpus_lent);
		if (!cpumask_test_cpu(cpu, &cell->cpus_online))
			continue;
		ret = add_cpu(cpu);
		if (ret < 0)
			dev_err(&hvisor.pdev->dev, "CPU %u does not come back online (%d)\n",
				cpu, ret);
	}
	cpumask_clear(&cell->cpus);
	cpumask_clear(&cell->cpus_online);
}
