// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the loader's device tree says of the machine, into struct platform.
 * Runs once, on the boot CPU, before anything that is not trusted does.
 */
#include "boot.h"

#include <libfdt.h>

#include <asm/mmu.h>

#include "panic.h"
#include "printk.h"
#include "string.h"

#define IMAGE_MAGIC	0x644d5241	/* "ARM\x64" at 56 */

struct platform platform = {
	.pool_size = 16UL << 20,
};

extern char _start[];

struct range boot_image_block(void)
{
	return (struct range){ (u64)_start, BLOCK_SIZE };
}

static int parent_cells(const void *fdt, int node, int *size_cells)
{
	int parent = fdt_parent_offset(fdt, node);

	*size_cells = fdt_size_cells(fdt, parent);
	return fdt_address_cells(fdt, parent);
}

static u64 read_cells(const fdt32_t *prop, int cells)
{
	u64 value = 0;

	while (cells-- > 0)
		value = value << 32 | fdt32_to_cpu(*prop++);
	return value;
}

/* @addr of a bus @node in its parent's address space, by "ranges". */
static u64 translate_once(const void *fdt, int node, u64 addr)
{
	int len, na = fdt_address_cells(fdt, node), ns = fdt_size_cells(fdt, node), unused;
	int pa = parent_cells(fdt, node, &unused), n;
	const fdt32_t *ranges = fdt_getprop(fdt, node, "ranges", &len);
	u64 child, size;

	for (n = 0; ranges && n + na + pa + ns <= len / 4; n += na + pa + ns) {
		child = read_cells(ranges + n, na);
		size = read_cells(ranges + n + na + pa, ns);
		if (addr >= child && addr - child < size)
			return read_cells(ranges + n + na, pa) + (addr - child);
	}
	return addr;		/* empty "ranges": identity */
}

/* Entry @index of "reg", as a physical range. */
static bool read_reg(const void *fdt, int node, int index, struct range *range)
{
	int len, ns, na = parent_cells(fdt, node, &ns), bus;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &len);

	if (!reg || na < 1 || ns < 0 || (index + 1) * (na + ns) > len / 4)
		return false;
	reg += index * (na + ns);
	range->base = read_cells(reg, na);
	range->size = read_cells(reg + na, ns);
	for (bus = fdt_parent_offset(fdt, node); bus > 0; bus = fdt_parent_offset(fdt, bus))
		range->base = translate_once(fdt, bus, range->base);
	return true;
}

static bool string_is(const void *fdt, int node, const char *name, const char *value)
{
	int len;
	const char *prop = fdt_getprop(fdt, node, name, &len);

	return prop && (size_t)len == strlen(value) + 1 && !memcmp(prop, value, (size_t)len);
}

/* Interrupt @index of three cells; -1: none. */
static int read_ppi(const void *fdt, int node, int index)
{
	int len;
	const fdt32_t *prop = fdt_getprop(fdt, node, "interrupts", &len);

	if (!prop || (index + 1) * 12 > len || fdt32_to_cpu(prop[index * 3]) != 1)
		return -1;
	return (int)(16 + (fdt32_to_cpu(prop[index * 3 + 1]) & 0xf));
}

/* The console first: what goes wrong from then on can be said. */
static void parse_uart(const void *fdt)
{
	int len, node, chosen = fdt_path_offset(fdt, "/chosen");
	const char *path = fdt_getprop(fdt, chosen, "stdout-path", &len);
	const char *end;

	if (!path)
		return;
	end = strchr(path, ':');
	node = fdt_path_offset_namelen(fdt, path, end ? (int)(end - path) : (int)strlen(path));
	if (node < 0 || fdt_node_check_compatible(fdt, node, "arm,pl011"))
		return;
	read_reg(fdt, node, 0, &platform.uart);
}

void boot_parse_uart(const void *fdt)
{
	if (fdt_check_header(fdt))
		return;
	parse_uart(fdt);
}

static void parse_memory(const void *fdt)
{
	struct range range;
	int node, n;

	fdt_for_each_subnode(node, fdt, 0) {
		if (!string_is(fdt, node, "device_type", "memory"))
			continue;
		for (n = 0; read_reg(fdt, node, n, &range); n++) {
			if (!range.size)
				continue;
			if (platform.nr_banks == BOOT_MAX_BANKS)
				panic("more than %u banks of RAM", BOOT_MAX_BANKS);
			if (range.base + range.size > 1UL << s2_bits())
				panic("RAM [0x%lx-0x%lx] is beyond stage 2's %u bits", range.base,
				      range.base + range.size - 1, s2_bits());
			platform.ram[platform.nr_banks++] = range;
		}
	}
	if (!platform.nr_banks)
		panic("the device tree has no /memory");
}

static void parse_cpus(const void *fdt)
{
	int node, cpus = fdt_path_offset(fdt, "/cpus");
	int na = fdt_address_cells(fdt, cpus), len;
	const fdt32_t *reg;

	fdt_for_each_subnode(node, fdt, cpus) {
		if (!string_is(fdt, node, "device_type", "cpu"))
			continue;
		if (fdt_getprop(fdt, node, "status", NULL) &&
		    !string_is(fdt, node, "status", "okay"))
			continue;
		reg = fdt_getprop(fdt, node, "reg", &len);
		if (!reg || len < na * 4 || platform.nr_cpus == HVISOR_MAX_CPUS)
			panic("cannot read /cpus");
		platform.mpidr[platform.nr_cpus++] = read_cells(reg, na);
	}
}

static void parse_gic(const void *fdt)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "arm,gic-v3"), len, ppi;
	const fdt32_t *prop;
	u32 n, regions = 1;

	if (node < 0 || !read_reg(fdt, node, 0, &platform.gicd))
		panic("the device tree has no GICv3");
	prop = fdt_getprop(fdt, node, "#redistributor-regions", &len);
	if (prop && len == 4)
		regions = fdt32_to_cpu(*prop);
	if (!regions || regions > BOOT_MAX_GICR)
		panic("%u redistributor regions", regions);
	for (n = 0; n < regions; n++)
		if (!read_reg(fdt, node, (int)n + 1, &platform.gicr[n]))
			panic("cannot read the redistributor regions");
	platform.nr_gicr = regions;
	prop = fdt_getprop(fdt, node, "redistributor-stride", &len);
	if (prop)
		platform.gicr_stride = read_cells(prop, len / 4);
	ppi = read_ppi(fdt, node, 0);
	if (ppi < 0)
		panic("the device tree has no GIC maintenance interrupt");
	platform.maintenance = (u32)ppi;
	platform.hyp_ppis |= 1U << ppi;
}

/* Secure, EL2 physical and EL2 virtual timers are not for guests. */
static void parse_timer(const void *fdt)
{
	static const int indices[] = { 0, 3, 4 };
	int node = fdt_node_offset_by_compatible(fdt, -1, "arm,armv8-timer"), ppi;
	u32 n;

	for (n = 0; n < ARRAY_SIZE(indices); n++) {
		ppi = read_ppi(fdt, node, indices[n]);
		if (ppi >= 0)
			platform.hyp_ppis |= 1U << ppi;
	}
	ppi = read_ppi(fdt, node, 3);
	if (ppi < 0)
		panic("the device tree has no EL2 timer interrupt");
	platform.hyp_timer = (u32)ppi;
}

static void parse_psci(const void *fdt)
{
	int node = fdt_path_offset(fdt, "/psci");

	if (node < 0 || !string_is(fdt, node, "method", "smc"))
		panic("the device tree has no PSCI by smc");
}

/*
 * "reg" of a module. /chosen without #address-cells, as QEMU 7.2 writes it,
 * goes by the root node's cells.
 */
static void read_module(const void *fdt, int chosen, int node, struct range *range)
{
	int from = fdt_getprop(fdt, chosen, "#address-cells", NULL) ? chosen : 0;
	int na = fdt_address_cells(fdt, from), ns = fdt_size_cells(fdt, from), len;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &len);

	if (!reg || na < 1 || ns < 1 || len < (na + ns) * 4)
		panic("cannot read a boot module's reg");
	range->base = read_cells(reg, na);
	range->size = read_cells(reg + na, ns);
}

static void parse_module(const void *fdt, int chosen, int node)
{
	int len;
	const char *args;

	if (fdt_node_check_compatible(fdt, node, "multiboot,module"))
		return;
	if (!fdt_node_check_compatible(fdt, node, "multiboot,ramdisk")) {
		read_module(fdt, chosen, node, &platform.initrd);
		return;
	}
	if (fdt_node_check_compatible(fdt, node, "multiboot,kernel"))
		return;
	read_module(fdt, chosen, node, &platform.kernel);
	args = fdt_getprop(fdt, node, "bootargs", &len);
	if (!args)
		return;
	if ((size_t)len > sizeof(platform.bootargs))
		panic("root's command line has more than %zu characters",
		      sizeof(platform.bootargs) - 1);
	memcpy(platform.bootargs, args, (size_t)len);
}

static u64 parse_size(const char *text)
{
	u64 value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (u64)(*text - '0');
	switch (*text) {
	case 'G':
		return value << 30;
	case 'M':
		return value << 20;
	case 'K':
		return value << 10;
	}
	return value;
}

static void parse_loglevel(const char *name)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	u32 n;

	for (n = 0; n < ARRAY_SIZE(names); n++)
		if (!strcmp(name, names[n]))
			printk_set_level((enum log_level)n);
}

static void parse_option(const char *word)
{
	if (!strncmp(word, "pool=", 5)) {
		platform.pool_size = ALIGN_UP(parse_size(word + 5), BLOCK_SIZE);
		if (platform.pool_size < 2 * BLOCK_SIZE || platform.pool_size > 512UL << 20)
			panic("option %s: 4M to 512M", word);
	} else if (!strncmp(word, "loglevel=", 9)) {
		parse_loglevel(word + 9);
	} else if (!strcmp(word, "selftest")) {
		platform.selftest = true;
	} else {
		pr_warn("unknown option '%s'", word);
	}
}

static void parse_options(const void *fdt, int chosen)
{
	char word[64];
	const char *args = fdt_getprop(fdt, chosen, "bootargs", NULL);
	size_t n;

	while (args && *args) {
		for (n = 0; *args && *args != ' '; args++)
			if (n < sizeof(word) - 1)
				word[n++] = *args;
		word[n] = '\0';
		if (n)
			parse_option(word);
		while (*args == ' ')
			args++;
	}
}

/* Root's kernel must be an Image; its header tells how much room it needs. */
static void check_kernel(void)
{
	struct range *kernel = &platform.kernel;
	u64 page = ALIGN_DOWN(kernel->base, PAGE_SIZE), size;
	const u32 *header;

	if (!kernel->size)
		panic("no root kernel: /chosen has no multiboot,kernel module");
	if (!IS_ALIGNED(kernel->base, BLOCK_SIZE))
		panic("root kernel at 0x%lx is not on a 2 MiB boundary", kernel->base);
	mmu_map_ram(page, PAGE_SIZE);
	header = (const u32 *)kernel->base;
	if (header[14] != IMAGE_MAGIC)
		panic("root kernel at 0x%lx is not an arm64 Image", kernel->base);
	size = *(const u64 *)(const void *)(header + 4);
	mmu_unmap(page, PAGE_SIZE);
	kernel->size = max_u64(kernel->size, size);
	if (platform.initrd.size && ranges_overlap(kernel->base, kernel->size,
						   platform.initrd.base, platform.initrd.size))
		panic("root kernel [0x%lx, size 0x%lx] and initrd [0x%lx] overlap",
		      kernel->base, kernel->size, platform.initrd.base);
}

void boot_parse(const void *fdt)
{
	int chosen, node;

	if (fdt_check_header(fdt))
		panic("no device tree at %p", fdt);
	chosen = fdt_path_offset(fdt, "/chosen");
	parse_options(fdt, chosen);
	parse_memory(fdt);
	parse_cpus(fdt);
	parse_gic(fdt);
	parse_timer(fdt);
	parse_psci(fdt);
	fdt_for_each_subnode(node, fdt, chosen)
		parse_module(fdt, chosen, node);
	check_kernel();
}

/* -- where to put EL2's pool -- */

static bool overlaps(struct range spot, struct range taken, u64 *below)
{
	if (!taken.size || !ranges_overlap(spot.base, spot.size, taken.base, taken.size))
		return false;
	*below = min_u64(*below, taken.base);
	return true;
}

/* Something is at @spot: *@below is where that begins. */
static bool spot_taken(const void *fdt, struct range spot, u64 *below)
{
	int node, parent = fdt_path_offset(fdt, "/reserved-memory"), n;
	struct range tree = { (u64)fdt, fdt_totalsize(fdt) }, range;
	bool taken;

	*below = ~0UL;
	taken = overlaps(spot, boot_image_block(), below);
	taken |= overlaps(spot, platform.kernel, below);
	taken |= overlaps(spot, platform.initrd, below);
	taken |= overlaps(spot, tree, below);
	for (n = 0; n < fdt_num_mem_rsv(fdt); n++)
		if (!fdt_get_mem_rsv(fdt, n, &range.base, &range.size))
			taken |= overlaps(spot, range, below);
	fdt_for_each_subnode(node, fdt, parent)
		for (n = 0; read_reg(fdt, node, n, &range); n++)
			taken |= overlaps(spot, range, below);
	return taken;
}

u64 boot_place_pool(const void *fdt, u64 size)
{
	struct range spot = { .size = size };
	u64 best = 0, top, below;
	u32 n;

	for (n = 0; n < platform.nr_banks; n++) {
		top = platform.ram[n].base + platform.ram[n].size;
		while (top >= platform.ram[n].base + size) {
			spot.base = ALIGN_DOWN(top - size, BLOCK_SIZE);
			if (spot.base < platform.ram[n].base)
				break;
			if (!spot_taken(fdt, spot, &below)) {
				best = max_u64(best, spot.base);
				break;
			}
			top = below;
		}
	}
	if (!best)
		panic("no room for a pool of 0x%lx bytes", size);
	return best;
}
