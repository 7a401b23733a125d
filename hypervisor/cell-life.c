// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cells come and go: the hypercalls CREATE and DESTROY.
 *
 * All that a cell takes is reserved before anything of it can be seen: when
 * CREATE fails nothing has happened. DESTROY goes the same way back in steps,
 * each bounded, and waits for CPUs by asking to be called again.
 */
#include "cell.h"

#include <asm/atomic.h>
#include <asm/mmu.h>

#include "cell-check.h"
#include "control.h"
#include "device.h"
#include "errno.h"
#include "irqchip.h"
#include "mem.h"
#include "percpu.h"
#include "printk.h"
#include "stats.h"
#include "string.h"
#include "timer.h"

#define BLOCKS_PER_STEP	256

static spinlock_t life_lock;	/* which cells there are; above cell->lock */

/* -- create -- */

/* Root's own of a physical CPU; they are in the order of EL2's numbers. */
static struct vcpu *root_vcpu(const struct percpu *cpu)
{
	return root_cell.vcpus[cpu->id];
}

static bool name_taken(const u8 *name)
{
	const struct cell *cell;
	u32 id;

	for (id = 0; id < HVISOR_MAX_CELLS; id++) {
		cell = cell_get(id);
		if (cell && !memcmp(cell->page->name, name, HVISOR_CELL_NAME_LEN))
			return true;
	}
	return false;
}

/* Lowest free one; 0: none. */
static u32 free_id(void)
{
	u32 id;

	for (id = 1; id < HVISOR_MAX_CELLS; id++)
		if (!cell_get(id))
			return id;
	return 0;
}

static int add_vcpu(struct cell *cell, struct percpu *cpu)
{
	struct vcpu *vcpu = mem_alloc(1, 1);
	u32 id = cell->nr_vcpus;

	if (!vcpu)
		return -ENOMEM;
	vcpu->cell = cell;
	vcpu->cpu = cpu;
	vcpu->id = id;
	vcpu->vmpidr = id | BIT(31);
	vcpu->stats = &cell->page->stats[id];
	cell->page->cpus[id] = cpu->id;
	cell->vcpus[cell->nr_vcpus++] = vcpu;
	return 0;
}

static int add_vcpus(struct cell *cell, u64 cpus)
{
	int err;

	for (; cpus; cpus &= cpus - 1) {
		err = add_vcpu(cell, percpus[__builtin_ctzl(cpus)]);
		if (err)
			return err;
	}
	cell->page->nr_cpus = cell->nr_vcpus;
	return 0;
}

static bool cpu_claimable(const struct percpu *cpu)
{
	return cpu->online && READ_ONCE(cpu->vcpu) == root_vcpu(cpu) &&
	       root_vcpu(cpu)->state == VCPU_OFF;
}

/* All or none. Root's lock keeps root from starting one meanwhile. */
static int claim_cpus(struct cell *cell)
{
	int err = 0;
	u32 n;

	spin_lock(&root_cell.lock);
	for (n = 0; n < cell->nr_vcpus; n++)
		if (!cpu_claimable(cell->vcpus[n]->cpu))
			err = -EBUSY;
	for (n = 0; !err && n < cell->nr_vcpus; n++) {
		/* Behind all that the CPU, which looks at it from EL2, finds there. */
		__atomic_store_n(&cell->vcpus[n]->cpu->vcpu, cell->vcpus[n], __ATOMIC_RELEASE);
		stats_cpu_update(cell->vcpus[n]);
	}
	spin_unlock(&root_cell.lock);
	return err;
}

static void cell_reset(struct cell *cell, u32 id)
{
	cell->id = id;
	cell->end_state = HVISOR_CELL_NONE;
	cell->pausing = false;
	cell->dead = 0;
	cell->next_block = 0;
	cell->nr_vcpus = 0;
	memset(&cell->s2, 0, sizeof(cell->s2));
	memset(&cell->mmio, 0, sizeof(cell->mmio));
	memset(&cell->vgic, 0, sizeof(cell->vgic));
}

static void fill_page(struct cell *cell, const struct hvisor_cell_desc *desc, u32 root_word)
{
	struct hvisor_cell_page *page = cell->page;

	page->id = cell->id;
	page->root_word = root_word;
	memcpy(page->name, desc->name, sizeof(page->name));
	page->state = HVISOR_CELL_CREATED;
	page->state_since = timer_now();
	page->irq = irqchip_root_spi(cell->id);
}

static void free_pages(struct cell *cell)
{
	u32 n;

	for (n = 0; n < cell->nr_vcpus; n++)
		mem_free(cell->vcpus[n], 1);
	cell->nr_vcpus = 0;
	mem_unshare_with_root((u64)cell->page, 1);
	mem_free(cell->page, 1);
	cell->page = NULL;
}

static int build(struct cell *cell, const struct hvisor_cell_desc *desc)
{
	int err = add_vcpus(cell, desc->cpus);

	if (!err)
		err = s2_init(&cell->s2, (u16)(cell->id + 1));
	if (!err) {
		cell->vttbr = s2_vttbr(&cell->s2);
		err = irqchip_cell_init(cell, desc->gicd_ipa, desc->gicr_ipa);
	}
	if (!err)
		err = devices_cell_init(cell);
	if (!err)
		err = mem_share_with_root((u64)cell->page, 1, false);
	return err ? err : claim_cpus(cell);
}

static void unbuild(struct cell *cell)
{
	devices_cell_exit(cell);
	irqchip_cell_exit(cell);
	arch_s2_exit(cell);
	free_pages(cell);
}

static int create(const struct hvisor_cell_desc *desc, u32 root_word)
{
	struct cell *cell;
	u32 id = free_id();
	int err;

	if (name_taken(desc->name))
		return -EEXIST;
	if (!id)
		return -ENOSPC;
	cell = cell_slot(id);
	cell_reset(cell, id);
	cell->page = mem_alloc(1, 1);
	if (!cell->page)
		return -ENOMEM;
	fill_page(cell, desc, root_word);
	err = build(cell, desc);
	if (err) {
		unbuild(cell);
		return err;
	}
	/* Partner: cell_get(). */
	store_release(&cell->state, HVISOR_CELL_CREATED);
	stats_cell_update(id, (u64)cell->page);
	pr_info("cell %u '%s': created, %u CPUs", id, (const char *)desc->name, cell->nr_vcpus);
	return (int)id;
}

int cell_create(const struct hvisor_cell_desc *desc, u32 root_word)
{
	u64 cpus = nr_cpus == 64 ? ~0UL : BIT(nr_cpus) - 1;
	int result = cell_desc_check(desc, cpus, 1UL << s2_bits());

	if (result)
		return result;
	spin_lock(&life_lock);
	result = create(desc, root_word);
	spin_unlock(&life_lock);
	return result;
}

/* -- destroy: steps, each 0 or -EAGAIN -- */

static int stop_cpus(struct cell *cell)
{
	if (cell->state != HVISOR_CELL_DYING) {
		cell_set_state(cell, HVISOR_CELL_DYING, cell->page->reason);
		cell_end(cell, HVISOR_CELL_DYING, HVISOR_REASON_STOP);
	}
	return cell_parked(cell) ? 0 : -EAGAIN;
}

/*
 * Each CPU takes itself back to root, in its wait: then nothing there looks at
 * a vcpu of the cell any more, and its page can go.
 */
static int return_cpus(struct cell *cell)
{
	struct percpu *cpu;
	int err = 0;
	u32 n;

	for (n = 0; n < cell->nr_vcpus; n++) {
		cpu = cell->vcpus[n]->cpu;
		if (__atomic_load_n(&cpu->vcpu, __ATOMIC_ACQUIRE) != root_vcpu(cpu)) {
			cpu_request(cpu, CPU_REQ_RELEASE);
			err = -EAGAIN;
		}
	}
	if (err)
		return err;
	spin_lock(&root_cell.lock);
	for (n = 0; n < cell->nr_vcpus; n++)
		stats_cpu_update(root_vcpu(cell->vcpus[n]->cpu));
	spin_unlock(&root_cell.lock);
	return 0;
}

static int drop_devices(struct cell *cell)
{
	devices_cell_exit(cell);
	irqchip_cell_exit(cell);
	return 0;
}

static int drop_tables(struct cell *cell)
{
	arch_s2_exit(cell);
	return 0;
}

static int return_memory(struct cell *cell)
{
	u32 n;

	for (n = 0; n < BLOCKS_PER_STEP; n++) {
		cell->next_block = mem_next(cell->id, cell->next_block);
		if (cell->next_block == ~0UL)
			return 0;
		mem_return(cell->id, cell->next_block);
	}
	return -EAGAIN;
}

static int drop_pages(struct cell *cell)
{
	pr_info("cell %u: destroyed", cell->id);
	stats_cell_update(cell->id, 0);
	free_pages(cell);
	WRITE_ONCE(cell->state, HVISOR_CELL_NONE);
	return 0;
}

static int destroy_step(struct cell *cell)
{
	static int (*const steps[])(struct cell *cell) = {
		stop_cpus, return_cpus, drop_devices, drop_tables, return_memory, drop_pages,
	};
	int err;

	if (cell->state == HVISOR_CELL_NONE)
		return -ENOENT;
	err = steps[cell->dead](cell);
	if (err)
		return err;
	return ++cell->dead == ARRAY_SIZE(steps) ? 0 : -EAGAIN;
}

int cell_destroy(struct cell *cell)
{
	int err;

	spin_lock(&life_lock);
	spin_lock(&cell->lock);
	err = destroy_step(cell);
	spin_unlock(&cell->lock);
	spin_unlock(&life_lock);
	return err;
}
