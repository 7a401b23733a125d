// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the first C on the boot CPU to root's first instruction. Each step
 * needs those before it; what fails here is a panic, there is no guest yet.
 */
#include <hvisor/abi.h>

#include <asm/atomic.h>
#include <asm/mmu.h>
#include <asm/setup.h>

#include "boot.h"
#include "cell.h"
#include "control.h"
#include "hypercall.h"
#include "irqchip.h"
#include "log.h"
#include "mem.h"
#include "panic.h"
#include "percpu.h"
#include "printk.h"
#include "stats.h"
#include "uart.h"

struct percpu *percpus[HVISOR_MAX_CPUS];
u32 nr_cpus;

static const void *loader_fdt;	/* boot CPU, until root runs */
static u64 root_fdt;		/* the 2 MiB block below the pool */

static void setup_memory(void)
{
	u64 base = boot_place_pool(loader_fdt, platform.pool_size + BLOCK_SIZE);
	u32 n;

	root_fdt = base;
	mmu_pool_init(base + BLOCK_SIZE, platform.pool_size);
	if (log_init())
		panic("no memory for the log");
	for (n = 0; n < platform.nr_banks; n++)
		if (mem_add_bank(platform.ram[n].base, platform.ram[n].size))
			panic("no memory for the owner table");
	mem_reserve(boot_image_block().base, boot_image_block().size);
	mem_reserve(mem_pool_base(), mem_pool_size());
}

/* The boot CPU is EL2's number 0, whatever the tree's order. */
static void setup_percpus(void)
{
	u64 mpidr, self = arch_mpidr();
	u32 n, id, next = 1;

	for (n = 0; n < platform.nr_cpus; n++) {
		mpidr = platform.mpidr[n];
		id = mpidr == self ? 0 : next++;
		if (id == platform.nr_cpus)
			panic("the boot CPU, MPIDR 0x%lx, is not in /cpus", self);
		percpus[id] = mmu_map_percpu(id);
		percpus[id]->id = id;
		percpus[id]->mpidr = mpidr;
	}
	nr_cpus = platform.nr_cpus;
	mmu_window_init();
}

static void __noreturn start_root(void)
{
	struct range pool = { mem_pool_base(), mem_pool_size() };

	mmu_map_ram(root_fdt, BLOCK_SIZE);
	boot_make_root_fdt(loader_fdt, (void *)root_fdt, BLOCK_SIZE, boot_image_block(), pool,
			   irqchip_root_spi(1));
	/* Root reads it with its MMU off, past the caches (D8.2.10). */
	dcache_clean((void *)root_fdt, BLOCK_SIZE);
	mmu_unmap(root_fdt, BLOCK_SIZE);
	mmu_unmap_fdt((u64)loader_fdt);

	pr_info("root: kernel 0x%lx, initrd 0x%lx, device tree 0x%lx, %u CPUs",
		platform.kernel.base, platform.initrd.base, root_fdt, nr_cpus);
	printk_uart_release();
	if (vcpu_start(root_cell.vcpus[0], platform.kernel.base, root_fdt))
		panic("cannot start root");
	cpu_park();
}

/* On the boot CPU's own stack. */
static void setup_machine(void)
{
	struct percpu *cpu = this_cpu();
	u32 n, online = 1;

	arch_cpu_init(cpu);
	irqchip_init();
	irqchip_cpu_init(cpu);
	store_release(&cpu->online, 1);
	for (n = 1; n < nr_cpus; n++)
		online += !arch_cpu_boot(percpus[n]);
	cell_root_init();
	if (hypercall_init())
		panic("no memory for argument pages");
	stats_init();
	pr_info("%u of %u CPUs, GICv3 with %u interrupts, pool 0x%lx: %lu of %lu pages free",
		online, nr_cpus, irqchip_nr_irqs(), mem_pool_base(), mem_pages_free(),
		mem_pages_total());
	start_root();
}

void setup_boot_cpu(const void *fdt)
{
	loader_fdt = fdt;
	arch_cpu_init(this_cpu());
	boot_parse_uart(fdt);
	if (platform.uart.size) {
		mmu_map_device(platform.uart.base, platform.uart.size);
		uart_init(platform.uart.base);
	}
	pr_info("shyper EL2, ABI %u.%u, image 0x%lx", HVISOR_ABI_MAJOR, HVISOR_ABI_MINOR,
		boot_image_block().base);
	boot_parse(fdt);
	setup_memory();
	setup_percpus();
	boot_switch_stack(percpus[0], setup_machine);
}

/* Secondary CPUs: what is theirs, then the wait for a vcpu to run. */
void setup_secondary_cpu(void)
{
	struct percpu *cpu = this_cpu();

	arch_cpu_init(cpu);
	irqchip_cpu_init(cpu);
	/* Partner: arch_cpu_boot(). */
	store_release(&cpu->online, 1);
	cpu_park();
}
