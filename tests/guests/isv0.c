// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Accesses whose syndrome does not tell the registers (ISV = 0): EL2 cannot
 * emulate them. The guest gets an external abort and lives. Loads of a register
 * page are no accesses to EL2, so they work.
 */
#include "guest.h"

#define DFSC_EXTERNAL	0x10
#define EC_DABT_EL1	0x25
#define MAGIC		0x74726976

void secondary_main(u32 cpu)
{
	(void)cpu;
}

static void expect_abort(const char *what, u32 before)
{
	u64 esr = fault_esr();
	u32 after = faults_expect(false);

	if (after != before + 1)
		not_ok("isv0", "%s: %u exceptions instead of 1", what, (u64)(after - before));
	if (esr >> 26 != EC_DABT_EL1 || (esr & 0x3f) != DFSC_EXTERNAL)
		not_ok("isv0", "%s: ESR 0x%x is no external abort", what, esr);
	print("%s: external abort\n", what);
}

void main(u64 dtb)
{
	u32 low, high, before;

	(void)dtb;
	asm volatile("ldp %w0, %w1, [%2]" : "=r" (low), "=r" (high) : "r" ((u64)VIRTIO_BASE));
	if (low != MAGIC || high != 2)
		not_ok("isv0", "LDP of the register page gave 0x%x 0x%x", (u64)low, (u64)high);

	before = faults_expect(true);
	asm volatile("stp wzr, wzr, [%0]" : : "r" ((u64)VIRTIO_BASE + 0x70) : "memory");
	expect_abort("STP to the register page", before);

	before = faults_expect(true);
	asm volatile("ldp %w0, %w1, [%2]" : "=r" (low), "=r" (high) : "r" ((u64)FOREIGN_BASE));
	expect_abort("LDP from the foreign region", before);
	ok("isv0");
}
