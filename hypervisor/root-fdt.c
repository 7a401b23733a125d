// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Root's device tree: the loader's without EL2's memory and modules, with
 * root's command line and initrd, and with the node that loads hvisor.ko.
 */
#include <libfdt.h>

#include "boot.h"
#include "panic.h"
#include "string.h"

static void check(int err, const char *what)
{
	if (err < 0)
		panic("root's device tree: %s: %s", what, fdt_strerror(err));
}

/* Appends @range without its part in the holes; they do not overlap. */
static u32 cut(struct range range, const struct range *holes, u32 nr, struct range *out, u32 max)
{
	u64 addr = range.base, end = range.base + range.size, next;
	u32 n, count = 0;

	while (addr < end) {
		next = end;
		for (n = 0; n < nr; n++) {
			if (addr >= holes[n].base && addr < holes[n].base + holes[n].size)
				break;
			if (holes[n].base > addr)
				next = min_u64(next, holes[n].base);
		}
		if (n < nr) {
			addr = holes[n].base + holes[n].size;
			continue;
		}
		if (count == max)
			panic("root's memory has too many pieces");
		out[count++] = (struct range){ addr, next - addr };
		addr = next;
	}
	return count;
}

static void append_number(void *fdt, int node, const char *name, int cells, u64 number)
{
	check(cells == 2 ? fdt_appendprop_u64(fdt, node, name, number) :
			   fdt_appendprop_u32(fdt, node, name, (u32)number), name);
}

static void append_reg(void *fdt, int node, struct range range)
{
	append_number(fdt, node, "reg", fdt_address_cells(fdt, 0), range.base);
	append_number(fdt, node, "reg", fdt_size_cells(fdt, 0), range.size);
}

/* All banks go into the first memory node, the others vanish. */
static void write_memory(void *fdt, const struct range *holes, u32 nr)
{
	struct range pieces[BOOT_MAX_BANKS + 4];
	int node, first = -1;
	u32 n, count = 0;

	for (n = 0; n < platform.nr_banks; n++)
		count += cut(platform.ram[n], holes, nr, pieces + count,
			     (u32)ARRAY_SIZE(pieces) - count);
	for (;;) {
		node = fdt_node_offset_by_prop_value(fdt, first, "device_type", "memory", 7);
		if (node < 0)
			break;
		if (first < 0)
			first = node;
		else
			check(fdt_del_node(fdt, node), "memory");
	}
	check(fdt_delprop(fdt, first, "reg"), "memory");
	for (n = 0; n < count; n++)
		append_reg(fdt, first, pieces[n]);
}

static void write_chosen(void *fdt)
{
	int chosen = fdt_path_offset(fdt, "/chosen"), node, next;

	for (node = fdt_first_subnode(fdt, chosen); node >= 0; node = next) {
		if (fdt_node_check_compatible(fdt, node, "multiboot,module")) {
			next = fdt_next_subnode(fdt, node);
			continue;
		}
		check(fdt_del_node(fdt, node), "module");
		next = fdt_first_subnode(fdt, chosen);
	}
	check(fdt_setprop_string(fdt, chosen, "bootargs", platform.bootargs), "bootargs");
	if (!platform.initrd.size)
		return;
	check(fdt_setprop_u64(fdt, chosen, "linux,initrd-start", platform.initrd.base), "initrd");
	check(fdt_setprop_u64(fdt, chosen, "linux,initrd-end",
			      platform.initrd.base + platform.initrd.size), "initrd");
}

/* Linux names resources by reg-names: they are in root's /proc/iomem. */
static void write_hypervisor(void *fdt, struct range image, struct range pool, u32 spi_base)
{
	static const char names[] = "hypervisor\0hypervisor pool";
	int gic = fdt_node_offset_by_compatible(fdt, -1, "arm,gic-v3"), node;
	u32 phandle = fdt_get_phandle(fdt, gic), n;

	if (!phandle)
		panic("the GIC has no phandle");
	node = fdt_add_subnode(fdt, 0, "hypervisor");
	check(node, "/hypervisor");
	check(fdt_setprop_string(fdt, node, "compatible", "shyper,hvisor"), "compatible");
	append_reg(fdt, node, image);
	append_reg(fdt, node, pool);
	check(fdt_setprop(fdt, node, "reg-names", names, sizeof(names)), "reg-names");
	check(fdt_setprop_u32(fdt, node, "interrupt-parent", phandle), "interrupt-parent");
	for (n = 0; n < HVISOR_MAX_CELLS - 1; n++) {
		check(fdt_appendprop_u32(fdt, node, "interrupts", 0), "interrupts");
		check(fdt_appendprop_u32(fdt, node, "interrupts", spi_base - 32 + n), "interrupts");
		check(fdt_appendprop_u32(fdt, node, "interrupts", 1), "interrupts");
	}
}

void boot_make_root_fdt(const void *fdt, void *buf, u32 size, struct range image,
			struct range pool, u32 spi_base)
{
	const struct range holes[] = { image, pool };

	check(fdt_open_into(fdt, buf, (int)size), "no room");
	write_chosen(buf);
	write_memory(buf, holes, ARRAY_SIZE(holes));
	write_hypervisor(buf, image, pool, spi_base);
	check(fdt_pack(buf), "pack");
}
