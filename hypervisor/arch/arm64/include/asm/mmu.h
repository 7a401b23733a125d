/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translation regimes, caches and TLBs. */
#ifndef ASM_MMU_H
#define ASM_MMU_H

#include "paging.h"
#include "types.h"

#include <asm/pgtable.h>
#include <asm/sysreg.h>

/* EL2's own stage 1. */
extern struct paging hv_paging;

/* Before the MMU is on: image and device tree. */
void mmu_boot_init(u64 image, u64 fdt);
/* The loader's tree has been read: root's memory is not EL2's to see. */
void mmu_unmap_fdt(u64 fdt);
/* Maps the pool and hands it to mem.c; from here on tables come from it. */
void mmu_pool_init(u64 base, u64 size);
/* Maps device registers at VA = PA. Panics. */
void mmu_map_device(u64 base, u64 size);
/* Memory of root's that EL2 writes while it boots, and not after. Panics. */
void mmu_map_ram(u64 base, u64 size);
void mmu_unmap(u64 base, u64 size);
/* Maps zeroed pool pages as a per-CPU area, gives its address. */
void *mmu_map_percpu(u32 cpu);

/* Tables for all windows. Panics. */
void mmu_window_init(void);
/* One block of RAM, Normal Write-Back, in this CPU's window; no other CPU's. */
void *mmu_window_map(u64 pa);
void mmu_window_unmap(void);

/* Clean, or clean and invalidate, to the point of coherency. */
void dcache_clean(const void *start, u64 size);
void dcache_clean_invalidate(const void *start, u64 size);

/* Input size of all stage 2 regimes, VTCR_EL2 to match. */
u32 s2_bits(void);
u64 s2_vtcr(void);
/* An empty regime for a VMID. -ENOMEM. */
int s2_init(struct paging *pg, u16 vmid);
u64 s2_vttbr(const struct paging *pg);
/* Nothing of the regime's VMID is in any TLB after the return. */
void s2_flush_all(const struct paging *pg);

/* Stage 1 translation alone, as the guest would, for mmio_fault_ipa(). */
u64 mmu_translate_guest(u64 va, bool write, bool user);

#endif /* ASM_MMU_H */
