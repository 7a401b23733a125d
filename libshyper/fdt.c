// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The guest's device tree. It is written in one pass by libfdt's sequential
 * calls; the first failure is kept and the rest does nothing, so that the
 * writers below read like the tree that they make.
 */
#include "boot.h"

#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#define PHANDLE_GIC	1
#define PHANDLE_CLOCK	2

/* Cells of an interrupt specifier (Linux bindings: arm,gic-v3). */
#define GIC_SPI		0
#define GIC_PPI		1
#define IRQ_EDGE_RISING	1
#define IRQ_LEVEL_HIGH	4

struct writer {
	void *fdt;
	int err;
};

static void keep(struct writer *w, int err)
{
	if (!w->err)
		w->err = err;
}

static void node_begin(struct writer *w, const char *name)
{
	keep(w, fdt_begin_node(w->fdt, name));
}

static void node_begin_at(struct writer *w, const char *name, uint64_t ipa)
{
	char full[48];

	snprintf(full, sizeof(full), "%s@%llx", name, (unsigned long long)ipa);
	node_begin(w, full);
}

static void node_end(struct writer *w)
{
	keep(w, fdt_end_node(w->fdt));
}

static void put_empty(struct writer *w, const char *name)
{
	keep(w, fdt_property(w->fdt, name, NULL, 0));
}

static void put_text(struct writer *w, const char *name, const char *text)
{
	keep(w, fdt_property_string(w->fdt, name, text));
}

static void put_u32(struct writer *w, const char *name, uint32_t value)
{
	keep(w, fdt_property_u32(w->fdt, name, value));
}

static void put_u64(struct writer *w, const char *name, uint64_t value)
{
	keep(w, fdt_property_u64(w->fdt, name, value));
}

static void put_cells(struct writer *w, const char *name,
		      const uint32_t *cells, size_t count)
{
	fdt32_t *out;
	void *room;
	size_t i;
	int err;

	err = fdt_property_placeholder(w->fdt, name, (int)(count * 4), &room);
	keep(w, err);
	if (err)
		return;
	out = room;
	for (i = 0; i < count; i++)
		out[i] = cpu_to_fdt32(cells[i]);
}

static void put_reg(struct writer *w, uint64_t ipa, uint64_t length)
{
	const uint32_t cells[] = {
		(uint32_t)(ipa >> 32), (uint32_t)ipa,
		(uint32_t)(length >> 32), (uint32_t)length,
	};

	put_cells(w, "reg", cells, ARRAY_SIZE(cells));
}

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);
	const char *at = text;

	while ((at = strstr(at, word))) {
		if ((at == text || at[-1] == ' ') &&
		    (!at[length] || at[length] == ' ' || at[length] == '='))
			return true;
		at += length;
	}
	return false;
}

/* The first UART; the early console can only be written to. */
static uint64_t stdout_address(const struct shyper_config *config)
{
	const struct device_config *device = config->devices;

	for (; device < config->devices + config->nr_devices; device++) {
		if (device->type == DEVICE_PL011)
			return device->ipa;
	}
	return config->earlycon_ipa;
}

static void write_chosen(struct writer *w, const struct shyper_config *config,
			 const struct guest_boot *boot)
{
	const char *user = config->cmdline ? config->cmdline : "";
	char cmdline[CONFIG_MAX_CMDLINE], path[48];

	snprintf(cmdline, sizeof(cmdline), "%s%s", user,
		 has_word(user, "earlycon") ? "" : *user ? " earlycon" : "earlycon");
	snprintf(path, sizeof(path), "/serial@%llx",
		 (unsigned long long)stdout_address(config));
	node_begin(w, "chosen");
	put_text(w, "bootargs", cmdline);
	put_text(w, "stdout-path", path);
	if (boot->initrd_end > boot->initrd_start) {
		put_u64(w, "linux,initrd-start", boot->initrd_start);
		put_u64(w, "linux,initrd-end", boot->initrd_end);
	}
	keep(w, fdt_property(w->fdt, "rng-seed", boot->rng_seed,
			     sizeof(boot->rng_seed)));
	/* Linux on arm64 randomizes its address if and only if this is there. */
	if (config->has_kaslr)
		put_u64(w, "kaslr-seed", boot->kaslr_seed);
	node_end(w);
}

static void write_memory(struct writer *w, const struct shyper_config *config)
{
	node_begin_at(w, "memory", config->memory_ipa);
	put_text(w, "device_type", "memory");
	put_reg(w, config->memory_ipa, config->memory);
	node_end(w);
}

static void write_cpus(struct writer *w, const struct shyper_config *config)
{
	unsigned int i;

	node_begin(w, "cpus");
	put_u32(w, "#address-cells", 1);
	put_u32(w, "#size-cells", 0);
	for (i = 0; i < config->nr_cpus; i++) {
		node_begin_at(w, "cpu", i);
		put_text(w, "device_type", "cpu");
		put_text(w, "compatible", "arm,armv8");
		put_text(w, "enable-method", "psci");
		put_u32(w, "reg", i);
		node_end(w);
	}
	node_end(w);
}

static void write_psci(struct writer *w)
{
	static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";

	node_begin(w, "psci");
	keep(w, fdt_property(w->fdt, "compatible", compatible, sizeof(compatible)));
	put_text(w, "method", "hvc");
	node_end(w);
}

static void write_gic(struct writer *w, const struct shyper_config *config)
{
	const uint32_t reg[] = {
		0, LAYOUT_GICD_IPA, 0, LAYOUT_GICD_SIZE,
		0, LAYOUT_GICR_IPA, 0, config->nr_cpus * LAYOUT_GICR_SIZE,
	};

	node_begin_at(w, "interrupt-controller", LAYOUT_GICD_IPA);
	put_text(w, "compatible", "arm,gic-v3");
	put_u32(w, "#address-cells", 0);
	put_u32(w, "#interrupt-cells", 3);
	put_empty(w, "interrupt-controller");
	put_cells(w, "reg", reg, ARRAY_SIZE(reg));
	put_u32(w, "phandle", PHANDLE_GIC);
	node_end(w);
}

/* Secure, physical, virtual and EL2 physical timer: INTID 29, 30, 27, 26. */
static void write_timer(struct writer *w)
{
	static const uint32_t interrupts[] = {
		GIC_PPI, 13, IRQ_LEVEL_HIGH, GIC_PPI, 14, IRQ_LEVEL_HIGH,
		GIC_PPI, 11, IRQ_LEVEL_HIGH, GIC_PPI, 10, IRQ_LEVEL_HIGH,
	};

	node_begin(w, "timer");
	put_text(w, "compatible", "arm,armv8-timer");
	put_cells(w, "interrupts", interrupts, ARRAY_SIZE(interrupts));
	put_empty(w, "always-on");
	node_end(w);
}

/*
 * Without "arm,primecell" no driver binds to it, so it is the early console and
 * nothing else.
 */
static void write_earlycon(struct writer *w, const struct shyper_config *config)
{
	node_begin_at(w, "serial", config->earlycon_ipa);
	put_text(w, "compatible", "arm,pl011");
	put_reg(w, config->earlycon_ipa, LAYOUT_PAGE_SIZE);
	node_end(w);
}

/*
 * What a PL011's baud rate is derived from; Linux asks for one before it looks at
 * any Arm primecell.
 */
static void write_clock(struct writer *w)
{
	node_begin(w, "apb-pclk");
	put_text(w, "compatible", "fixed-clock");
	put_u32(w, "#clock-cells", 0);
	put_u32(w, "clock-frequency", 24000000);
	put_u32(w, "phandle", PHANDLE_CLOCK);
	node_end(w);
}

static void write_pl011(struct writer *w, const struct device_config *device)
{
	static const char compatible[] = "arm,pl011\0arm,primecell";
	static const char clock_names[] = "uartclk\0apb_pclk";
	static const uint32_t clocks[] = { PHANDLE_CLOCK, PHANDLE_CLOCK };
	const uint32_t interrupt[] = { GIC_SPI, device->irq - 32, IRQ_LEVEL_HIGH };

	node_begin_at(w, "serial", device->ipa);
	keep(w, fdt_property(w->fdt, "compatible", compatible, sizeof(compatible)));
	put_reg(w, device->ipa, device->length);
	put_cells(w, "interrupts", interrupt, ARRAY_SIZE(interrupt));
	put_cells(w, "clocks", clocks, ARRAY_SIZE(clocks));
	keep(w, fdt_property(w->fdt, "clock-names", clock_names, sizeof(clock_names)));
	node_end(w);
}

/* It has no alarm, so no interrupt. */
static void write_rtc(struct writer *w, const struct device_config *device)
{
	static const char compatible[] = "arm,pl031\0arm,primecell";

	node_begin_at(w, "rtc", device->ipa);
	keep(w, fdt_property(w->fdt, "compatible", compatible, sizeof(compatible)));
	put_reg(w, device->ipa, device->length);
	put_u32(w, "clocks", PHANDLE_CLOCK);
	put_text(w, "clock-names", "apb_pclk");
	node_end(w);
}

static void write_virtio(struct writer *w, const struct device_config *device)
{
	const uint32_t interrupt[] = { GIC_SPI, device->irq - 32, IRQ_EDGE_RISING };

	node_begin_at(w, "virtio_mmio", device->ipa);
	put_text(w, "compatible", "virtio,mmio");
	put_reg(w, device->ipa, device->length);
	put_cells(w, "interrupts", interrupt, ARRAY_SIZE(interrupt));
	/* The rings are in memory that root's CPUs see through their caches. */
	put_empty(w, "dma-coherent");
	node_end(w);
}

static void write_devices(struct writer *w, const struct shyper_config *config)
{
	const struct device_config *device = config->devices;
	bool has_clock = false;

	for (; device < config->devices + config->nr_devices; device++) {
		if (device->nr_queues)
			write_virtio(w, device);
		if (device->type != DEVICE_PL011 && device->type != DEVICE_RTC)
			continue;
		if (!has_clock)
			write_clock(w);
		has_clock = true;
		if (device->type == DEVICE_PL011)
			write_pl011(w, device);
		else
			write_rtc(w, device);
	}
}

static void write_tree(struct writer *w, const struct shyper_config *config,
		       const struct guest_boot *boot)
{
	node_begin(w, "");
	put_text(w, "compatible", "linux,dummy-virt");
	put_text(w, "model", config->name);
	put_u32(w, "#address-cells", 2);
	put_u32(w, "#size-cells", 2);
	put_u32(w, "interrupt-parent", PHANDLE_GIC);
	write_chosen(w, config, boot);
	write_memory(w, config);
	write_cpus(w, config);
	write_psci(w);
	write_gic(w, config);
	write_timer(w);
	/* Firmware that takes the first PL011 is to find one that can be read. */
	write_devices(w, config);
	write_earlycon(w, config);
	node_end(w);
}

int fdt_build(const struct shyper_config *config, const struct guest_boot *boot,
	      void *buffer, size_t size)
{
	struct writer w = { .fdt = buffer };

	keep(&w, fdt_create(buffer, (int)size));
	keep(&w, fdt_finish_reservemap(buffer));
	if (!w.err)
		write_tree(&w, config, boot);
	keep(&w, fdt_finish(buffer));
	if (!w.err)
		return 0;
	return w.err == -FDT_ERR_NOSPACE ? -ENOSPC : -EINVAL;
}
