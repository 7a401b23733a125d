// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulated GIC: hypervisor/drivers/irqchip/vgic.c and vgic-mmio.c. The
 * hardware is played here: physical enable, pending and active bits, and a
 * guest that acknowledges and ends what is in its list registers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vgic.h"

#define NR_CPUS		3
#define NR_IRQS		128
#define NR_LRS		4
#define NR_LPIS		256
#define HW_SPI		40	/* to 63 */
#define SOFT_SPI	64	/* to 95; above: not owned */
#define TIMER		27

static struct vgic vgic;
static struct vgic_cpu cpus[NR_CPUS];
static struct vgic_irq spis[NR_IRQS - 32];
static u64 lpi_maps[NR_CPUS][NR_LPIS / 64];
static u8 lpi_priority[NR_LPIS];

static struct {
	bool enabled, pending, active, edge;
	u32 route;
} hw[NR_CPUS][NR_IRQS];		/* SPIs in [0] */
static u64 kicked;

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

static void check_all(void)
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

static void sync(u32 c)
{
	vgic_lock(&vgic);
	vgic_cpu_sync(&vgic, &cpus[c]);
	vgic_unlock(&vgic);
	check_all();
}

static u32 lr_intid(u64 lr)
{
	return (u32)lr;
}

/* Acknowledges the most urgent pending interrupt; 1023: none. */
static u32 ack(u32 c)
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

static void eoi(u32 c, u32 intid)
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

static struct vgic_irq *irq_of(u32 c, u32 intid)
{
	return intid < 32 ? &cpus[c].priv[intid] : &spis[intid - 32];
}

static void pend(u32 c, u32 intid)
{
	struct vgic_irq *irq = irq_of(c, intid);

	if (irq->hw)
		hw[row(&cpus[c], intid)][intid].active = true;
	vgic_lock(&vgic);
	vgic_set_pending(&vgic, irq);
	vgic_unlock(&vgic);
}

static void set_line(u32 intid, bool high)
{
	vgic_lock(&vgic);
	vgic_set_line(&vgic, irq_of(0, intid), high);
	vgic_unlock(&vgic);
}

static enum mmio_result dist(u32 c, u64 offset, u8 size, bool write, u64 *value)
{
	struct mmio_access access = { .addr = offset, .size = size, .write = write,
				      .value = *value };
	enum mmio_result result = vgic_dist_access(&vgic, &cpus[c], &access);

	*value = access.value;
	return result;
}

static enum mmio_result redist(u32 c, u64 offset, u8 size, bool write, u64 *value)
{
	struct mmio_access access = { .addr = offset, .size = size, .write = write,
				      .value = *value };
	enum mmio_result result = vgic_redist_access(&vgic, &cpus[c], &access);

	*value = access.value;
	return result;
}

static void dist_write(u64 offset, u8 size, u64 value)
{
	assert_int_equal(dist(0, offset, size, true, &value), MMIO_HANDLED);
}

static u64 dist_read(u64 offset, u8 size)
{
	u64 value = 0;

	assert_int_equal(dist(0, offset, size, false, &value), MMIO_HANDLED);
	return value;
}

static void redist_write(u32 c, u64 offset, u8 size, u64 value)
{
	assert_int_equal(redist(c, c * 0x20000 + offset, size, true, &value), MMIO_HANDLED);
}

static u64 redist_read(u32 c, u64 offset, u8 size)
{
	u64 value = 0;

	assert_int_equal(redist(c, c * 0x20000 + offset, size, false, &value), MMIO_HANDLED);
	return value;
}

static void enable(u32 c, u32 intid, u8 priority)
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

static int setup(void **state)
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

/* -- tests -- */

static void an_sgi_comes_without_hw_bit(void **state)
{
	(void)state;
	enable(1, 3, 0xa0);
	vgic_send_sgi(&vgic, &cpus[0], 3UL << 24 | BIT(1), true);
	assert_true(kicked & BIT(1));
	sync(1);
	assert_int_equal(cpus[1].lr[0], 3 | VGIC_LR_PENDING | VGIC_LR_GROUP1 | 0xa0UL << 48);
	assert_int_equal(ack(1), 3);
	eoi(1, 3);
	sync(1);
	assert_int_equal(cpus[1].lr[0], 0);
	assert_null(cpus[1].queue);
}

static void a_physical_interrupt_is_deactivated_by_the_guest(void **state)
{
	(void)state;
	enable(2, TIMER, 0x80);
	assert_true(hw[2][TIMER].enabled);
	assert_false(hw[0][TIMER].enabled);
	pend(2, TIMER);
	sync(2);
	assert_true(cpus[2].lr[0] & VGIC_LR_HW);
	assert_int_equal(cpus[2].lr[0] >> 32 & 0x1fff, TIMER);
	assert_int_equal(ack(2), TIMER);
	eoi(2, TIMER);
	assert_false(hw[2][TIMER].active);
	sync(2);
	pend(2, TIMER);
	sync(2);
	assert_int_equal(ack(2), TIMER);
}

static void a_new_event_of_an_active_one_waits_in_its_list_register(void **state)
{
	(void)state;
	enable(0, SOFT_SPI, 0xa0);
	pend(0, SOFT_SPI);
	sync(0);
	assert_int_equal(ack(0), SOFT_SPI);
	pend(0, SOFT_SPI);
	pend(0, SOFT_SPI);
	sync(0);
	assert_int_equal(cpus[0].lr[0] & VGIC_LR_STATE, VGIC_LR_STATE);
	assert_int_equal(cpus[0].lr[1], 0);
	eoi(0, SOFT_SPI);
	sync(0);
	assert_int_equal(ack(0), SOFT_SPI);
	eoi(0, SOFT_SPI);
	sync(0);
	assert_int_equal(ack(0), 1023);
}

static void the_most_urgent_go_first_and_none_is_lost(void **state)
{
	u32 n, intid, last = 0;

	(void)state;
	for (n = 0; n < 10; n++)
		enable(0, SOFT_SPI + n, (u8)((10 - n) * 8));
	for (n = 0; n < 10; n++)
		pend(0, SOFT_SPI + n);
	sync(0);
	assert_int_equal(cpus[0].hcr & VGIC_HCR_NPIE, VGIC_HCR_NPIE);
	for (n = 0; n < 10; n++) {
		intid = ack(0);
		assert_int_equal(intid, SOFT_SPI + 9 - n);
		last = intid;
		eoi(0, intid);
		sync(0);
	}
	assert_int_equal(last, SOFT_SPI);
	assert_int_equal(cpus[0].hcr, 0);
	assert_int_equal(ack(0), 1023);
}

static void an_urgent_one_takes_the_place_of_a_less_urgent_one(void **state)
{
	u64 seen = 0;
	u32 n;

	(void)state;
	for (n = 0; n < 5; n++)
		enable(0, SOFT_SPI + n, n == 4 ? 0x10 : 0xa0);
	for (n = 0; n < 4; n++)
		pend(0, SOFT_SPI + n);
	sync(0);
	assert_int_equal(cpus[0].hcr, 0);
	pend(0, SOFT_SPI + 4);
	sync(0);
	assert_int_not_equal(cpus[0].hcr, 0);
	assert_int_equal(ack(0), SOFT_SPI + 4);
	eoi(0, SOFT_SPI + 4);
	sync(0);
	/* Equal ones in any order. */
	for (n = 0; n < 4; n++)
		seen |= BIT(ack(0) - SOFT_SPI);
	assert_int_equal(seen, 0xf);
}

static void full_of_active_ones_asks_for_underflow(void **state)
{
	u32 n;

	(void)state;
	for (n = 0; n < 6; n++)
		enable(0, SOFT_SPI + n, (u8)(0xf0 - n * 8));
	for (n = 0; n < 4; n++) {
		pend(0, SOFT_SPI + n);
		sync(0);
		assert_int_equal(ack(0), SOFT_SPI + n);
	}
	pend(0, SOFT_SPI + 4);
	sync(0);
	assert_int_equal(cpus[0].hcr & (VGIC_HCR_UIE | VGIC_HCR_NPIE), VGIC_HCR_UIE);
	for (n = 4; n > 0; n--)
		eoi(0, SOFT_SPI + n - 1);
	sync(0);
	assert_int_equal(ack(0), SOFT_SPI + 4);
}

static void an_eoi_without_list_register_ends_the_active_one(void **state)
{
	(void)state;
	enable(0, HW_SPI, 0x20);
	dist_write(0x300 + HW_SPI / 32 * 4, 4, 1U << HW_SPI % 32);
	assert_true(hw[0][HW_SPI].active);
	assert_true(spis[HW_SPI - 32].active);
	cpus[0].eoi_count = 2;
	sync(0);
	assert_false(spis[HW_SPI - 32].active);
	assert_false(hw[0][HW_SPI].active);
	assert_null(cpus[0].queue);
}

static void disabling_pulls_it_back_from_another_cpu(void **state)
{
	(void)state;
	enable(1, SOFT_SPI, 0xa0);
	pend(1, SOFT_SPI);
	sync(1);
	assert_int_equal(lr_intid(cpus[1].lr[0]), SOFT_SPI);
	kicked = 0;
	dist_write(0x180 + SOFT_SPI / 32 * 4, 4, 1);
	assert_true(kicked & BIT(1));
	assert_true(dist_read(0, 4) & BIT(31));		/* RWP */
	sync(1);
	assert_false(dist_read(0, 4) & BIT(31));
	assert_int_equal(ack(1), 1023);
	assert_int_equal(dist_read(0x200 + SOFT_SPI / 32 * 4, 4), 1);
	dist_write(0x100 + SOFT_SPI / 32 * 4, 4, 1);
	sync(1);
	assert_int_equal(ack(1), SOFT_SPI);
}

static void a_disabled_edge_stays_pending_in_the_hardware(void **state)
{
	u32 bit = 1U << HW_SPI % 32;

	(void)state;
	dist_write(0xc00 + HW_SPI / 16 * 4, 4, 2U << HW_SPI % 16 * 2);
	assert_true(hw[0][HW_SPI].edge);
	enable(0, HW_SPI, 0xa0);
	pend(0, HW_SPI);
	sync(0);
	dist_write(0x180 + HW_SPI / 32 * 4, 4, bit);
	sync(0);
	assert_false(hw[0][HW_SPI].enabled);
	assert_true(hw[0][HW_SPI].pending);
	assert_false(hw[0][HW_SPI].active);
	assert_false(spis[HW_SPI - 32].pending);
	assert_int_equal(dist_read(0x200 + HW_SPI / 32 * 4, 4), bit);
}

static void a_disabled_level_is_left_to_the_device(void **state)
{
	(void)state;
	enable(0, HW_SPI, 0xa0);
	pend(0, HW_SPI);
	dist_write(0x180 + HW_SPI / 32 * 4, 4, 1U << HW_SPI % 32);
	assert_false(hw[0][HW_SPI].pending);
	assert_false(hw[0][HW_SPI].active);
	sync(0);
	assert_int_equal(ack(0), 1023);
}

static void a_new_route_takes_the_pending_one_along(void **state)
{
	(void)state;
	enable(0, HW_SPI, 0xa0);
	pend(0, HW_SPI);
	sync(0);
	dist_write(0x6000 + HW_SPI * 8, 8, 2);
	assert_int_equal(hw[0][HW_SPI].route, 2);
	sync(0);
	sync(2);
	assert_int_equal(ack(0), 1023);
	assert_int_equal(ack(2), HW_SPI);
}

static void an_active_one_stays_until_its_end_when_the_route_changes(void **state)
{
	(void)state;
	enable(0, SOFT_SPI, 0xa0);
	pend(0, SOFT_SPI);
	sync(0);
	assert_int_equal(ack(0), SOFT_SPI);
	dist_write(0x6000 + SOFT_SPI * 8, 8, 1);
	sync(0);
	pend(0, SOFT_SPI);
	sync(0);
	sync(1);
	assert_int_equal(ack(1), 1023);
	eoi(0, SOFT_SPI);
	sync(0);
	sync(1);
	assert_int_equal(ack(0), 1023);
	assert_int_equal(ack(1), SOFT_SPI);
}

static void routed_to_nobody_it_waits(void **state)
{
	(void)state;
	enable(0, SOFT_SPI, 0xa0);
	dist_write(0x6000 + SOFT_SPI * 8, 8, 0x123);
	pend(0, SOFT_SPI);
	sync(0);
	assert_int_equal(ack(0), 1023);
	dist_write(0x6000 + SOFT_SPI * 8, 8, 1UL << 31);	/* 1 of N is RES0 */
	assert_int_equal(dist_read(0x6000 + SOFT_SPI * 8, 8), 0);
	sync(0);
	assert_int_equal(ack(0), SOFT_SPI);
}

static void a_cpu_that_goes_loses_nothing(void **state)
{
	(void)state;
	enable(1, SOFT_SPI, 0xa0);
	enable(1, SOFT_SPI + 1, 0xa0);
	enable(1, TIMER, 0xa0);
	pend(1, SOFT_SPI);
	pend(1, SOFT_SPI + 1);
	pend(1, TIMER);
	vgic_lock(&vgic);
	vgic_set_lpi_pending(&vgic, &cpus[1], VGIC_LPI_BASE + 9, 0xa0);
	vgic_set_lpi_pending(&vgic, &cpus[1], VGIC_LPI_BASE + 70, 0x80);
	vgic_unlock(&vgic);
	sync(1);
	vgic_lock(&vgic);
	vgic_cpu_offline(&vgic, &cpus[1]);
	vgic_unlock(&vgic);
	check_all();
	assert_false(hw[1][TIMER].enabled);
	assert_false(hw[1][TIMER].active);
	sync(0);
	assert_int_equal(ack(0), VGIC_LPI_BASE + 70);
	assert_int_equal(ack(0), VGIC_LPI_BASE + 9);
	/* SPIs: one is routed elsewhere, one waits for the CPU to come back. */
	dist_write(0x6000 + SOFT_SPI * 8, 8, 2);
	sync(2);
	assert_int_equal(ack(2), SOFT_SPI);
	vgic_lock(&vgic);
	vgic_cpu_online(&vgic, &cpus[1]);
	vgic_unlock(&vgic);
	sync(1);
	assert_int_equal(ack(1), SOFT_SPI + 1);
	assert_int_equal(ack(1), 1023);
}

/* While it is off its CPU may be another's: what is stored then waits. */
static void a_cpu_that_comes_has_its_own_ppis(void **state)
{
	(void)state;
	vgic_lock(&vgic);
	vgic_cpu_offline(&vgic, &cpus[1]);
	vgic_unlock(&vgic);
	redist_write(1, 0x10100, 4, 1U << TIMER);
	redist_write(1, 0x10c04, 4, 2U << (TIMER - 16) * 2);
	redist_write(2, 0x10100, 4, 1U << TIMER);
	/* The next owner of CPU 1 and of CPU 2 chose otherwise. */
	hw[1][TIMER].enabled = false;
	hw[1][TIMER].edge = false;
	vgic_lock(&vgic);
	vgic_cpu_online(&vgic, &cpus[1]);
	vgic_cpu_offline(&vgic, &cpus[2]);
	hw[2][TIMER].edge = true;
	vgic_cpu_online(&vgic, &cpus[2]);
	vgic_unlock(&vgic);
	assert_true(hw[1][TIMER].enabled);
	assert_true(hw[1][TIMER].edge);
	assert_false(hw[2][TIMER].enabled);
	assert_false(hw[2][TIMER].edge);
}

static void lpis_queue_by_priority_and_merge(void **state)
{
	u32 n, intid;

	(void)state;
	vgic_lock(&vgic);
	for (n = 0; n < 9; n++)
		vgic_set_lpi_pending(&vgic, &cpus[0], VGIC_LPI_BASE + n * 7, (u8)(0x90 - n * 8));
	vgic_set_lpi_pending(&vgic, &cpus[0], VGIC_LPI_BASE, 0x90);
	vgic_set_lpi_pending(&vgic, &cpus[0], VGIC_LPI_BASE + NR_LPIS, 0);
	vgic_unlock(&vgic);
	assert_int_equal(cpus[0].lpi_count, 9);
	sync(0);
	for (n = 9; n-- > 0;) {
		intid = ack(0);
		assert_int_equal(intid, VGIC_LPI_BASE + n * 7);
		vgic_lock(&vgic);
		if (n == 4)
			vgic_set_lpi_pending(&vgic, &cpus[0], intid, 0x70);
		vgic_unlock(&vgic);
		sync(0);
		eoi(0, intid);
		sync(0);
		if (n == 4) {
			assert_int_equal(ack(0), intid);
			eoi(0, intid);
			sync(0);
		}
	}
	assert_int_equal(ack(0), 1023);
}

static void clearing_and_setting_state_is_not_swapped(void **state)
{
	u64 word = SOFT_SPI / 32 * 4;

	(void)state;
	enable(0, SOFT_SPI, 0xa0);
	dist_write(0x200 + word, 4, 1);
	assert_int_equal(dist_read(0x200 + word, 4), 1);
	assert_int_equal(dist_read(0x280 + word, 4), 1);
	dist_write(0x280 + word, 4, 1);
	assert_int_equal(dist_read(0x200 + word, 4), 0);
	dist_write(0x300 + word, 4, 1);
	assert_int_equal(dist_read(0x300 + word, 4), 1);
	assert_int_equal(dist_read(0x380 + word, 4), 1);
	dist_write(0x380 + word, 4, 1);
	assert_int_equal(dist_read(0x300 + word, 4), 0);
	assert_int_equal(dist_read(0x100 + word, 4), 1);
	dist_write(0x100 + word, 4, 0);
	assert_int_equal(dist_read(0x100 + word, 4), 1);
	dist_write(0x180 + word, 4, 1);
	assert_int_equal(dist_read(0x100 + word, 4), 0);
	assert_int_equal(dist_read(0x180 + word, 4), 0);
}

static void clearing_reaches_the_list_register_of_another_cpu(void **state)
{
	u64 word = SOFT_SPI / 32 * 4;

	(void)state;
	enable(1, SOFT_SPI, 0xa0);
	pend(1, SOFT_SPI);
	sync(1);
	dist_write(0x280 + word, 4, 1);
	pend(1, SOFT_SPI);	/* after the clear: must come */
	sync(1);
	assert_int_equal(ack(1), SOFT_SPI);
	dist_write(0x380 + word, 4, 1);
	sync(1);
	assert_false(spis[SOFT_SPI - 32].active);
	assert_int_equal(cpus[1].lr[0], 0);
}

/* Else GICD_CTLR.RWP would never read 0 again. */
static void two_orders_for_one_interrupt_count_once(void **state)
{
	u64 bit = 1UL << (SOFT_SPI % 32);

	(void)state;
	enable(1, SOFT_SPI, 0xa0);
	pend(1, SOFT_SPI);
	sync(1);
	dist_write(0x300 + SOFT_SPI / 8, 4, bit);
	dist_write(0x300 + SOFT_SPI / 8, 4, bit);
	dist_write(0x380 + SOFT_SPI / 8, 4, bit);
	assert_int_equal(vgic.ops, 1);
	assert_true(dist_read(0, 4) & BIT(31));
	sync(1);
	assert_false(dist_read(0, 4) & BIT(31));
	assert_int_equal(cpus[1].lr[0] & VGIC_LR_STATE, VGIC_LR_PENDING);
}

static void state_in_another_cpus_list_register_is_asked_for(void **state)
{
	u64 word = 0x300 + SOFT_SPI / 32 * 4, value;

	(void)state;
	enable(1, SOFT_SPI, 0xa0);
	enable(2, SOFT_SPI + 1, 0xa0);
	pend(1, SOFT_SPI);
	pend(2, SOFT_SPI + 1);
	sync(1);
	sync(2);
	assert_int_equal(ack(1), SOFT_SPI);
	kicked = 0;
	assert_int_equal(dist(0, word, 4, false, &value), MMIO_RETRY);
	assert_int_equal(kicked, BIT(1) | BIT(2));
	assert_int_equal(dist(0, word, 4, false, &value), MMIO_RETRY);
	kicked = 0;
	sync(2);
	assert_int_equal(dist(0, word, 4, false, &value), MMIO_RETRY);
	sync(1);
	assert_true(kicked & BIT(0));
	assert_int_equal(dist(0, word, 4, false, &value), MMIO_HANDLED);
	assert_int_equal(value, 1);
	/* A CPU that goes answers too. */
	assert_int_equal(dist(0, word, 4, false, &value), MMIO_RETRY);
	vgic_lock(&vgic);
	vgic_cpu_offline(&vgic, &cpus[1]);
	vgic_cpu_offline(&vgic, &cpus[2]);
	vgic_unlock(&vgic);
	assert_int_equal(dist(0, word, 4, false, &value), MMIO_HANDLED);
}

static void accesses_of_all_sizes_mean_the_same(void **state)
{
	(void)state;
	dist_write(0x400 + SOFT_SPI, 4, 0x40302010);
	assert_int_equal(dist_read(0x400 + SOFT_SPI + 1, 1), 0x20);
	assert_int_equal(dist_read(0x400 + SOFT_SPI + 2, 2), 0x4030);
	dist_write(0x400 + SOFT_SPI + 1, 1, 0xff);
	assert_int_equal(dist_read(0x400 + SOFT_SPI, 4), 0x4030f810);
	assert_int_equal(dist_read(0x400 + SOFT_SPI, 8), 0x4030f810);
	dist_write(0x6000 + SOFT_SPI * 8 + 4, 4, 0x1ff);
	dist_write(0x6000 + SOFT_SPI * 8, 4, 0x10203);
	assert_int_equal(dist_read(0x6000 + SOFT_SPI * 8, 8), 0xff00010203);
	assert_int_equal(dist_read(0x6000 + SOFT_SPI * 8 + 4, 4), 0xff);
	redist_write(1, 0x10400 + 4, 4, 0x08101820);
	assert_int_equal(redist_read(1, 0x10400 + 6, 1), 0x10);
	assert_int_equal(redist_read(2, 0x10400 + 4, 4), 0);
	assert_int_equal(redist_read(1, 0x0008, 8) >> 32, 1);
	assert_int_equal(redist_read(1, 0x000c, 4), 1);
}

static void what_the_cell_does_not_own_is_raz_wi(void **state)
{
	u64 value = ~0UL;
	u32 reg;

	(void)state;
	for (reg = 0x80; reg < 0x400; reg += 0x80) {
		dist_write(reg + 32 / 8, 4, 0xff);	/* INTIDs 32-39 */
		assert_int_equal(dist_read(reg + 32 / 8, 4) & 0xff, 0);
		dist_write(reg, 4, ~0U);		/* private: not here */
		assert_int_equal(dist_read(reg, 4), 0);
		redist_write(0, 0x10000 + reg, 4, ~(u32)(1U << TIMER | 0xffff));
		assert_int_equal(redist_read(0, 0x10000 + reg, 4) & 0xffff0000 &
				 ~(1U << TIMER), 0);
	}
	dist_write(0x6000 + 33 * 8, 8, 2);
	assert_int_equal(dist_read(0x6000 + 33 * 8, 8), 0);
	assert_int_equal(dist_read(0x6000 + 1019 * 8, 8), 0);
	assert_int_equal(redist(0, NR_CPUS * 0x20000, 4, false, &value), MMIO_HANDLED);
	assert_int_equal(value, 0);
	for (reg = 0; reg < NR_IRQS; reg++)
		assert_false(hw[0][reg].enabled);
}

static void identification_is_that_of_a_gicv3(void **state)
{
	u32 c;

	(void)state;
	assert_int_equal(dist_read(4, 4) & 0x1f, NR_IRQS / 32 - 1);
	assert_int_equal(dist_read(0xffe8, 4) >> 4 & 0xf, 3);
	assert_int_equal(dist_read(0, 4) & (BIT(4) | BIT(6)), BIT(4) | BIT(6));
	for (c = 0; c < NR_CPUS; c++) {
		assert_int_equal(redist_read(c, 0xffe8, 4) >> 4 & 0xf, 3);
		assert_int_equal(!!(redist_read(c, 8, 8) & BIT(4)), c == NR_CPUS - 1);
		assert_int_equal(redist_read(c, 8, 8) >> 8 & 0xffff, c);
	}
	redist_write(1, 0x14, 4, 0);
	assert_int_equal(redist_read(1, 0x14, 4), 0);
	redist_write(1, 0x14, 4, 2);
	assert_int_equal(redist_read(1, 0x14, 4), 6);
	assert_int_equal(redist_read(1, 0x70, 8), 0x77);	/* LPIs: the hardware's */
}

static void sgis_reach_exactly_their_targets(void **state)
{
	static const struct {
		u64 sgir;
		u32 targets;
	} cases[] = {
		{ BIT(0), 1 }, { BIT(1) | BIT(2), 6 }, { 0xffff, 7 }, { BIT(3), 0 },
		{ BIT(40), 6 },			/* all but self (0) */
		{ BIT(0) | 1UL << 16, 0 },	/* Aff1 = 1: nobody */
		{ BIT(0) | 1UL << 32, 0 }, { BIT(0) | 1UL << 48, 0 },
		{ BIT(0) | 1UL << 44, 0 },	/* RS: CPUs 16-31 */
	};
	u32 n, c;

	(void)state;
	for (c = 0; c < NR_CPUS; c++)
		enable(c, 15, 0);
	for (n = 0; n < ARRAY_SIZE(cases); n++) {
		vgic_send_sgi(&vgic, &cpus[0], cases[n].sgir | 15UL << 24, true);
		for (c = 0; c < NR_CPUS; c++) {
			sync(c);
			assert_int_equal(ack(c), cases[n].targets & BIT(c) ? 15 : 1023);
			eoi(c, 15);
			cpus[c].eoi_count = 0;
			sync(c);
		}
	}
	vgic_send_sgi(&vgic, &cpus[0], BIT(0) | 15UL << 24, false);	/* other group */
	sync(0);
	assert_int_equal(ack(0), 1023);
}

static void a_group_that_is_off_delivers_nothing(void **state)
{
	(void)state;
	enable(0, SOFT_SPI, 0xa0);
	dist_write(0, 4, VGIC_CTLR_GRP0);
	pend(0, SOFT_SPI);
	sync(0);
	assert_int_equal(ack(0), 1023);
	dist_write(0, 4, VGIC_CTLR_GRP1);
	sync(0);
	assert_int_equal(ack(0), SOFT_SPI);
	eoi(0, SOFT_SPI);
	dist_write(0x80 + SOFT_SPI / 32 * 4, 4, 0);
	pend(0, SOFT_SPI);
	sync(0);
	assert_int_equal(ack(0), 1023);
	dist_write(0, 4, VGIC_CTLR_GRP0);
	sync(0);
	assert_int_equal(cpus[0].lr[0] & (VGIC_LR_GROUP1 | VGIC_LR_PENDING), VGIC_LR_PENDING);
}

static void reset_forgets_all_but_ownership(void **state)
{
	(void)state;
	enable(1, HW_SPI, 0xa0);
	pend(1, HW_SPI);
	sync(1);
	dist_write(0x180 + HW_SPI / 32 * 4, 4, ~0U);
	vgic_lock(&vgic);
	vgic_reset(&vgic);
	vgic_unlock(&vgic);
	check_all();
	assert_false(hw[0][HW_SPI].active);
	assert_int_equal(vgic.ctlr, 0);
	assert_int_equal(spis[HW_SPI - 32].target, 0);
	assert_true(spis[HW_SPI - 32].owned);
}

/* Any order of operations keeps the invariants and delivers in the end. */
static void random_operations_lose_nothing(void **state)
{
	static const u64 offsets[] = { 0x80, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400,
				       0xc00, 0x6000 };
	u32 round, c, n, intid;
	u64 value, offset;

	(void)state;
	srand(1);
	for (round = 0; round < 20000; round++) {
		c = (u32)rand() % NR_CPUS;
		n = (u32)rand() % 32;
		value = (u64)rand() << 32 | (u64)rand();
		switch (rand() % 11) {
		case 0:
			offset = (offsets[rand() % 10] + (u64)rand() % 128) & ~7UL;
			dist(c, offset, (u8)(1 << rand() % 4), true, &value);
			break;
		case 1:
			offset = 0x10000 + ((offsets[rand() % 9] + (u64)rand() % 16) & ~7UL);
			redist(c, (u64)rand() % NR_CPUS * 0x20000 + offset, 8, true, &value);
			break;
		case 2:
			dist(c, offsets[rand() % 9] + (u64)(rand() % 4) * 8, 8, false, &value);
			break;
		case 3:
			vgic_send_sgi(&vgic, &cpus[c], value, true);
			break;
		case 4:
			pend(c, SOFT_SPI + n);
			break;
		case 5:
			vgic_lock(&vgic);
			vgic_set_lpi_pending(&vgic, &cpus[c], VGIC_LPI_BASE + n, (u8)value);
			vgic_unlock(&vgic);
			break;
		case 6:
			vgic_lock(&vgic);
			if (rand() % 20)
				vgic_cpu_online(&vgic, &cpus[c]);
			else
				vgic_cpu_offline(&vgic, &cpus[c]);
			vgic_unlock(&vgic);
			break;
		case 7:
			intid = ack(c);
			if (intid != 1023 && rand() % 4)
				eoi(c, intid);
			break;
		case 8:
			dist(c, 0, 4, true, &value);
			break;
		case 9:
			vgic_lock(&vgic);
			vgic_set_line(&vgic, irq_of(0, SOFT_SPI + n), value & 1);
			vgic_unlock(&vgic);
			break;
		default:
			if (cpus[c].online)
				sync(c);
		}
		check_all();
	}
}

static void after_any_disorder_an_event_still_arrives(void **state)
{
	u64 arrived = 0;
	u32 n, intid;

	random_operations_lose_nothing(state);
	for (n = 0; n < 32; n++)
		set_line(SOFT_SPI + n, false);
	vgic_lock(&vgic);
	vgic_reset(&vgic);
	for (n = 0; n < NR_CPUS; n++)
		vgic_cpu_online(&vgic, &cpus[n]);
	vgic_unlock(&vgic);
	memset(lpi_maps, 0, sizeof(lpi_maps));
	for (n = 0; n < NR_CPUS; n++)
		cpus[n].lpi_count = 0;
	dist_write(0, 4, 3);
	for (n = 0; n < 32; n++)
		enable(n % NR_CPUS, SOFT_SPI + n, 0x80);
	for (n = 0; n < 32; n++)
		pend(0, SOFT_SPI + n);
	for (n = 0; n < 32; n++) {
		sync(n % NR_CPUS);
		intid = ack(n % NR_CPUS);
		assert_int_equal((intid - SOFT_SPI) % NR_CPUS, n % NR_CPUS);
		arrived |= BIT(intid - SOFT_SPI);
		eoi(n % NR_CPUS, intid);
	}
	assert_int_equal(arrived, 0xffffffff);
}

static void a_level_comes_again_until_it_is_low(void **state)
{
	u32 n;

	(void)state;
	enable(0, SOFT_SPI, 0xa0);
	set_line(SOFT_SPI, true);
	assert_true(kicked & BIT(0));
	for (n = 0; n < 3; n++) {
		sync(0);
		/* Its end brings the CPU back here. */
		assert_true(cpus[0].lr[0] & VGIC_LR_EOI);
		assert_int_equal(ack(0), SOFT_SPI);
		sync(0);
		assert_int_equal(ack(0), 1023);
		eoi(0, SOFT_SPI);
	}
	sync(0);
	assert_int_equal(ack(0), SOFT_SPI);
	/* The handler has found and removed the cause: its end costs no exit. */
	set_line(SOFT_SPI, false);
	sync(0);
	assert_false(cpus[0].lr[0] & VGIC_LR_EOI);
	eoi(0, SOFT_SPI);
	sync(0);
	assert_int_equal(cpus[0].lr[0], 0);
	assert_null(cpus[0].queue);
}

static void a_level_that_falls_early_is_never_seen(void **state)
{
	(void)state;
	enable(1, SOFT_SPI, 0xa0);
	set_line(SOFT_SPI, true);
	sync(1);
	assert_true(cpus[1].lr[0] & VGIC_LR_PENDING);
	kicked = 0;
	set_line(SOFT_SPI, false);
	assert_true(kicked & BIT(1));
	sync(1);
	assert_int_equal(ack(1), 1023);
	/* Nor if it was never in a list register. */
	set_line(SOFT_SPI, true);
	set_line(SOFT_SPI, false);
	sync(1);
	assert_int_equal(ack(1), 1023);
}

static void the_guest_cannot_clear_a_level(void **state)
{
	(void)state;
	enable(0, SOFT_SPI, 0xa0);
	set_line(SOFT_SPI, true);
	sync(0);
	dist_write(0x280 + SOFT_SPI / 32 * 4, 4, 1U << SOFT_SPI % 32);
	sync(0);
	assert_int_equal(ack(0), SOFT_SPI);
	/* Ended by a store to the distributor, in a list register and without. */
	dist_write(0x380 + SOFT_SPI / 32 * 4, 4, 1U << SOFT_SPI % 32);
	sync(0);
	assert_int_equal(ack(0), SOFT_SPI);
	eoi(0, SOFT_SPI);
	set_line(SOFT_SPI, false);
	sync(0);
	assert_int_equal(ack(0), 1023);
}

static void as_an_edge_a_line_counts_once(void **state)
{
	(void)state;
	dist_write(0xc00 + SOFT_SPI / 16 * 4, 4, 2U << SOFT_SPI % 16 * 2);
	enable(0, SOFT_SPI, 0xa0);
	set_line(SOFT_SPI, true);
	set_line(SOFT_SPI, false);
	sync(0);
	assert_false(cpus[0].lr[0] & VGIC_LR_EOI);
	assert_int_equal(ack(0), SOFT_SPI);
	eoi(0, SOFT_SPI);
	set_line(SOFT_SPI, true);
	sync(0);
	assert_int_equal(ack(0), SOFT_SPI);
	eoi(0, SOFT_SPI);
	sync(0);
	assert_int_equal(ack(0), 1023);
	/* Made a level while it is high. */
	dist_write(0xc00 + SOFT_SPI / 16 * 4, 4, 0);
	sync(0);
	assert_int_equal(ack(0), SOFT_SPI);
}

static void a_line_outlives_a_reset(void **state)
{
	(void)state;
	set_line(SOFT_SPI, true);
	vgic_lock(&vgic);
	vgic_reset(&vgic);
	vgic_cpu_online(&vgic, &cpus[0]);
	vgic_unlock(&vgic);
	dist_write(0, 4, 3);
	enable(0, SOFT_SPI, 0xa0);
	sync(0);
	assert_int_equal(ack(0), SOFT_SPI);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_sgi_comes_without_hw_bit),
		TEST(a_physical_interrupt_is_deactivated_by_the_guest),
		TEST(a_new_event_of_an_active_one_waits_in_its_list_register),
		TEST(the_most_urgent_go_first_and_none_is_lost),
		TEST(an_urgent_one_takes_the_place_of_a_less_urgent_one),
		TEST(full_of_active_ones_asks_for_underflow),
		TEST(an_eoi_without_list_register_ends_the_active_one),
		TEST(disabling_pulls_it_back_from_another_cpu),
		TEST(a_disabled_edge_stays_pending_in_the_hardware),
		TEST(a_disabled_level_is_left_to_the_device),
		TEST(a_new_route_takes_the_pending_one_along),
		TEST(an_active_one_stays_until_its_end_when_the_route_changes),
		TEST(routed_to_nobody_it_waits),
		TEST(a_cpu_that_goes_loses_nothing),
		TEST(a_cpu_that_comes_has_its_own_ppis),
		TEST(lpis_queue_by_priority_and_merge),
		TEST(clearing_and_setting_state_is_not_swapped),
		TEST(clearing_reaches_the_list_register_of_another_cpu),
		TEST(two_orders_for_one_interrupt_count_once),
		TEST(state_in_another_cpus_list_register_is_asked_for),
		TEST(accesses_of_all_sizes_mean_the_same),
		TEST(what_the_cell_does_not_own_is_raz_wi),
		TEST(identification_is_that_of_a_gicv3),
		TEST(sgis_reach_exactly_their_targets),
		TEST(a_group_that_is_off_delivers_nothing),
		TEST(reset_forgets_all_but_ownership),
		TEST(a_level_comes_again_until_it_is_low),
		TEST(a_level_that_falls_early_is_never_seen),
		TEST(the_guest_cannot_clear_a_level),
		TEST(as_an_edge_a_line_counts_once),
		TEST(a_line_outlives_a_reset),
		TEST(random_operations_lose_nothing),
		TEST(after_any_disorder_an_event_still_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
