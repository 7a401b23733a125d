/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the device tree says of the machine; filled once, before any guest. */
#ifndef HV_BOOT_H
#define HV_BOOT_H

#include <hvisor/abi.h>

#include "types.h"

struct range {
	u64 base;
	u64 size;
};

#define BOOT_MAX_BANKS	8
#define BOOT_MAX_GICR	4

/**
 * struct platform - the machine
 * @hyp_ppis: PPIs of EL2's own or nobody's: never a guest's
 * @maintenance: INTID of the GIC's maintenance interrupt
 * @hyp_timer: INTID of the EL2 physical timer
 */
struct platform {
	u32 nr_cpus;
	u64 mpidr[HVISOR_MAX_CPUS];
	u32 nr_banks;
	struct range ram[BOOT_MAX_BANKS];
	struct range uart;
	struct range gicd;
	u32 nr_gicr;
	struct range gicr[BOOT_MAX_GICR];
	u64 gicr_stride;
	u32 hyp_ppis;
	u32 maintenance;
	u32 hyp_timer;
	struct range kernel;
	struct range initrd;
	char bootargs[2048];
	u64 pool_size;
	bool selftest;
};

extern struct platform platform;

/* The console alone, so that what goes wrong afterwards can be said. */
void boot_parse_uart(const void *fdt);
/* Reads the tree. Panics when something that EL2 needs is not there. */
void boot_parse(const void *fdt);

/* Highest free spot for @size bytes, 2 MiB aligned. Panics. */
u64 boot_place_pool(const void *fdt, u64 size);

/* The 2 MiB block that the image was loaded to. */
struct range boot_image_block(void);

/*
 * Writes root's tree to @buf of @size bytes; EL2's memory is [@image] and
 * [@pool]; root's SPI for cell n is @spi_base + n - 1. Panics.
 */
void boot_make_root_fdt(const void *fdt, void *buf, u32 size, struct range image,
			struct range pool, u32 spi_base);

#endif /* HV_BOOT_H */
