/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest finds when it starts: its images and its device tree. */
#ifndef LIBSHYPER_BOOT_H
#define LIBSHYPER_BOOT_H

#include "cell-config.h"

/**
 * struct guest_boot - what of a start goes into the device tree
 * @initrd_start: @initrd_end: IPAs; equal: there is none
 * @rng_seed: @kaslr_seed: fresh random numbers
 */
struct guest_boot {
	uint64_t initrd_start;
	uint64_t initrd_end;
	uint8_t rng_seed[64];
	uint64_t kaslr_seed;
};

/* Writes the tree, packed. -ENOSPC: @size is too little. */
int fdt_build(const struct shyper_config *config, const struct guest_boot *boot,
	      void *buffer, size_t size);

/* The tree as source text, which the caller frees. */
int dts_print(const void *fdt, char **ret_text);

/*
 * Puts kernel, initrd and device tree into @memory, the cell's whole RAM, and
 * files into the regions, which follow it.
 * Returns the IPA of the first instruction and the guest's x0.
 */
int boot_load(struct shyper_ctx *ctx, const struct shyper_config *config,
	      void *memory, uint64_t *ret_entry, uint64_t *ret_argument);

#endif /* LIBSHYPER_BOOT_H */
