// SPDX-License-Identifier: GPL-2.0-or-later
/* The hardware around the emulated GIC and its guest, see vgic_guest.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vgic_guest.h"

struct vgic vgic;
struct vgic_cpu cpus[NR_CPUS];
struct vgic_irq spis[NR_IRQS - 32];
u64 lpi_maps[NR_CPUS][NR_LPIS / 64];
struct hw_irq hw[NR_CPUS][NR_IRQS];
u64 kicked;
static u8 lpi_priority[NR_LPIS];

static u32 row(const struct vgic_cpu *cpu, u32 intid)
{
	return intid < 32 ? cpu->id : 0;
}

void vgic_hw_enable(struct vgic_cpu *cpu, u32 intid, bool enable)
{
	hw[row(cpu, intid)][intid].enabled = enable;
}

void vgic_hw_set_pending(struct vgic_cpu *cpu, u32 intid, bool pending)
{
	hw[row(cpu, intid)][intid].pending = pending;
}

bool vgic_hw_pending(struct vgic_cpu *cpu, u32 intid)
{
	return hw[row(cpu, intid)][intid].pending;
}

void vgic_hw_set_active(struct vgic_cpu *cpu, u32 intid, bool active)
{
	hw[row(cpu, intid)][intid].active = active;
}

void vgic_hw_config(struct vgic_cpu *cpu, u32 intid, bool edge)
{
	hw[row(cpu, intid)][intid].edge = edge;
}

void vgic_hw_route(u32 intid, struct vgic_cpu *target)
{
	hw[0][intid].route = target->id;
}

void vgic_hw_redist(struct vgic_cpu *cpu, struct mmio_access *access)
{
	(void)cpu;
	if (!access->write)
		access->value = 0x77;
}

void vgic_kick(struct vgic_cpu *cpu)
{
	kicked |= BIT(cpu->id);
}

/* -- what must hold whatever happens -- */

static u32 lr_users(const struct vgic_irq *irq)
{
	u32 c, n, users = 0;

	for (c = 0; c < NR_CPUS; c++)
		for (n = 0; n < NR_LRS; n++)
			users += cpus[c].lr_irq[n] == irq;
	return users;
}

static void check_irq(struct vgic_irq *irq, u32 *ops)
{
	struct vgic_irq *walk;
	u32 c, queues = 0;

	*ops += !!irq->ops;
	assert_int_equal(lr_users(irq), irq->lr != VGIC_NONE);
	for (c = 0; c < NR_CPUS; c++)
		for (walk = cpus[c].queue; walk; walk = walk->next)
			queues += walk == irq;
	assert_int_equal(queues, irq->queued != VGIC_NONE);
	if (irq->lr != VGIC_NONE) {
		assert_ptr_equal(cpus[irq->queued].lr_irq[irq->lr], irq);
		if (irq->hw)
			assert_true((cpus[irq->queued].lr[irq->lr] & VGIC_LR_STATE) !=
				    VGIC_LR_STATE);
	}
}

void check_all(void)
{
	u32 c, n, ops = 0, lpis;

	for (c = 0; c < NR_CPUS; c++) {
		for (n = 0; n < 32; n++)
			check_irq(&cpus[c].priv[n], &ops);
		for (n = 0, lpis = 0; n < NR_LPIS / 64; n++)
			lpis += (u32)__builtin_popcountl(lpi_maps[c][n]);
		assert_int_equal(lpis, cpus[c].lpi_count);
	}
	for (n = 32; n < NR_IRQS; n++)
		check_irq(&spis[n - 32], &ops);
	assert_int_equal(ops, vgic.ops);
	assert_int_equal(vgic.lock.held, 0);
}

/* -- a guest -- */

u32 lr_intid(u64 lr)
{
	return (u32)lr;
}

u32 ack(u32 c)
{
	u64 *best = NULL, *lr;
	u32 n;

	for (n = 0; n < NR_LRS; n++) {
		lr = &cpus[c].lr[n];
		if (!(*lr & VGIC_LR_PENDING) || (*lr & VGIC_LR_ACTIVE))
			continue;
		if (!best || (*lr >> 48 & 0xff) < (*best >> 48 & 0xff))
			best = lr;
	}
	if (!best)
		return 1023;
	*best = (*best & ~VGIC_LR_PENDING) | VGIC_LR_ACTIVE;
	return lr_intid(*best);
}

void eoi(u32 c, u32 intid)
{
	u32 n;

	for (n = 0; n < NR_LRS; n++) {
		if (lr_intid(cpus[c].lr[n]) != intid || !(cpus[c].lr[n] & VGIC_LR_ACTIVE))
			continue;
		cpus[c].lr[n] &= ~VGIC_LR_ACTIVE;
		if (cpus[c].lr[n] & VGIC_LR_HW)
			hw[row(&cpus[c], intid)][intid].active = false;
		return;
	}
	cpus[c].eoi_count++;
}

bool eoi_is_maintenance(u32 c, u32 intid)
{
	u32 n;

	for (n = 0; n < NR_LRS; n++)
		if (lr_intid(cpus[c].lr[n]) == intid)
			return cpus[c].lr[n] & VGIC_LR_EOI;
	return false;
}

struct vgic_irq *irq_of(u32 c, u32 intid)
{
	return intid < 32 ? &cpus[c].priv[intid] : &spis[intid - 32];
}

void pend(u32 c, u32 intid)
{
	struct vgic_irq *irq = irq_of(c, intid);

	if (irq->hw)
		hw[row(&cpus[c], intid)][intid].active = true;
	vgic_lock(&vgic);
	vgic_set_pending(&vgic, irq);
	vgic_unlock(&vgic);
}

void set_line(u32 intid, bool high)
{
	vgic_lock(&vgic);
	vgic_set_line(&vgic, irq_of(0, intid), high);
	vgic_unlock(&vgic);
}

enum mmio_result dist(u32 c, u64 offset, u8 size, bool write, u64 *value)
{
	struct mmio_access access = { .addr = offset, .size = size, .write = write,
				      .value = *value };
	enum mmio_result result = vgic_dist_access(&vgic, &cpus[c], &access);

	*value = access.value;
	return result;
}

enum mmio_result redist(u32 c, u64 offset, u8 size, bool write, u64 *value)
{
	struct mmio_access access = { .addr = offset, .size = size, .write = write,
				      .value = *value };
	enum mmio_result result = vgic_redist_access(&vgic, &cpus[c], &access);

	*value = access.value;
	return result;
}

void dist_write(u64 offset, u8 size, u64 value)
{
	assert_int_equal(dist(0, offset, size, true, &value), MMIO_HANDLED);
}

u64 dist_read(u64 offset, u8 size)
{
	u64 value = 0;

	assert_int_equal(dist(0, offset, size, false, &value), MMIO_HANDLED);
	return value;
}

void redist_write(u32 c, u64 offset, u8 size, u64 value)
{
	assert_int_equal(redist(c, c * 0x20000 + offset, size, true, &value), MMIO_HANDLED);
}

u64 redist_read(u32 c, u64 offset, u8 size)
{
	u64 value = 0;

	assert_int_equal(redist(c, c * 0x20000 + offset, size, false, &value), MMIO_HANDLED);
	return value;
}

void enable(u32 c, u32 intid, u8 priority)
{
	if (intid < 32) {
		redist_write(c, 0x10400 + intid, 1, priority);
		redist_write(c, 0x10100, 4, 1U << intid);
	} else {
		dist_write(0x400 + intid, 1, priority);
		dist_write(0x6000 + intid * 8UL, 8, c);
		dist_write(0x100 + intid / 32 * 4, 4, 1U << intid % 32);
	}
}

int setup(void **state)
{
	u32 n;

	(void)state;
	memset(&vgic, 0, sizeof(vgic));
	memset(cpus, 0, sizeof(cpus));
	memset(hw, 0, sizeof(hw));
	memset(lpi_maps, 0, sizeof(lpi_maps));
	kicked = 0;
	vgic_init(&vgic, NR_IRQS, spis);
	vgic.nr_lpis = NR_LPIS;
	vgic.lpi_priority = lpi_priority;
	for (n = 0; n < NR_CPUS; n++) {
		vgic_add_cpu(&vgic, &cpus[n], n, NR_LRS);
		cpus[n].lpi_map = lpi_maps[n];
	}
	vgic_own(&vgic, TIMER, true);
	for (n = HW_SPI; n < SOFT_SPI; n++)
		vgic_own(&vgic, n, true);
	for (; n < SOFT_SPI + 32; n++)
		vgic_own(&vgic, n, false);
	vgic_lock(&vgic);
	for (n = 0; n < NR_CPUS; n++)
		vgic_cpu_online(&vgic, &cpus[n]);
	vgic_unlock(&vgic);
	for (n = 0; n < NR_CPUS; n++)
		sync(n);
	dist_write(0, 4, 3);
	return 0;
}
