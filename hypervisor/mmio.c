// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Emulated regions and the decoding of accesses to them. Pure: syndrome and
 * registers come in as values, so that all of it is tested on the host, with
 * garbage where the architecture promises nothing.
 */
#include "mmio.h"

#include <asm/sysreg.h>

#include "errno.h"

/* Number of regions that begin at or below @addr. */
static u32 regions_below(const struct mmio_table *table, u64 addr)
{
	u32 low = 0, high = table->count, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (table->regions[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int mmio_region_register(struct mmio_table *table, u64 start, u64 size,
			 mmio_handler handler, void *arg)
{
	u32 at = regions_below(table, start), n;
	struct mmio_region *prev, *next;

	if (!size || start + size < start)
		return -EINVAL;
	if (table->count == MMIO_MAX_REGIONS)
		return -ENOSPC;
	prev = at ? &table->regions[at - 1] : NULL;
	next = at < table->count ? &table->regions[at] : NULL;
	if ((prev && start < prev->start + prev->size) || (next && start + size > next->start))
		return -EEXIST;
	for (n = table->count; n > at; n--)
		table->regions[n] = table->regions[n - 1];
	table->regions[at] = (struct mmio_region){ start, size, handler, arg };
	table->count++;
	return 0;
}

int mmio_region_unregister(struct mmio_table *table, u64 start)
{
	u32 n = regions_below(table, start);

	if (!n || table->regions[n - 1].start != start)
		return -ENOENT;
	for (table->count--; n <= table->count; n++)
		table->regions[n - 1] = table->regions[n];
	return 0;
}

bool mmio_region_overlaps(const struct mmio_table *table, u64 start, u64 size)
{
	u32 n;

	for (n = 0; n < table->count; n++)
		if (ranges_overlap(start, size, table->regions[n].start, table->regions[n].size))
			return true;
	return false;
}

const struct mmio_region *mmio_region_find(const struct mmio_table *table, u64 addr)
{
	u32 n = regions_below(table, addr);
	const struct mmio_region *region = n ? &table->regions[n - 1] : NULL;

	return region && addr - region->start < region->size ? region : NULL;
}

int mmio_decode(u64 esr, struct mmio_access *access)
{
	/* ISS of a data abort (Arm ARM D19.2.37): valid only with ISV. */
	if (!(esr & ESR_ABT_ISV))
		return -EINVAL;
	access->size = (u8)(1 << (esr >> 22 & 3));	/* SAS */
	access->sign = esr & BIT(21);			/* SSE */
	access->reg = esr >> 16 & 0x1f;			/* SRT */
	access->sf = esr & BIT(15);			/* SF */
	access->write = esr & ESR_ABT_WNR;
	return 0;
}

u64 mmio_load_value(const struct mmio_access *access)
{
	u64 value = access->value;
	u32 bits = access->size * 8U;

	if (bits < 64)
		value &= BIT(bits) - 1;
	if (bits < 64 && access->sign && (value & BIT(bits - 1)))
		value |= ~0UL << bits;
	return access->sf ? value : (u32)value;
}

enum mmio_result mmio_handle_access(const struct mmio_table *table, struct mmio_access *access)
{
	const struct mmio_region *region = mmio_region_find(table, access->addr);
	u64 ipa = access->addr;
	enum mmio_result result;

	if (!region)
		return MMIO_UNHANDLED;
	/* Out of the region or not aligned: no device answers that. */
	if (ipa - region->start + access->size > region->size || ipa & (access->size - 1U))
		return MMIO_ABORT;
	access->addr = ipa - region->start;
	result = region->handler(region->arg, access);
	access->addr = ipa;
	return result;
}

/*
 * HPFAR_EL2 (D19.2.55) is written for translation and access flag faults of
 * stage 2 and for any stage 2 fault of a stage 1 table walk. For a permission
 * fault it is UNKNOWN. Cortex-A57 erratum 834220 may report a stage 1
 * translation fault as one of stage 2 when the access crosses a page: HPFAR is
 * wrong then, and the region look-up either finds nothing there, which ends as
 * an abort in the guest, or serves the emulated page that the guest would
 * have reached anyway by aligned accesses.
 */
static bool hpfar_valid(u64 esr)
{
	u32 fsc = ESR_ABT_FSC(esr) & ~3U;

	return (esr & ESR_ABT_S1PTW) || fsc == FSC_TRANSLATION;
}

int mmio_fault_ipa(u64 esr, u64 far, u64 hpfar, bool user, mmio_translate at, u64 *ret_ipa)
{
	u64 par, page = far & (PAGE_SIZE - 1);

	if (hpfar_valid(esr)) {
		*ret_ipa = (hpfar & GENMASK(43, 4)) << 8 | page;
		return 0;
	}
	par = at(far, esr & ESR_ABT_WNR, user);
	if (par & 1)
		return -EAGAIN;
	*ret_ipa = (par & GENMASK(51, 12)) | page;
	return 0;
}
