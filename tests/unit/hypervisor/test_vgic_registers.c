// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulated GIC: what the registers of distributor and redistributors say and
 * do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vgic_guest.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(disabling_pulls_it_back_from_another_cpu),
		TEST(a_disabled_edge_stays_pending_in_the_hardware),
		TEST(a_disabled_level_is_left_to_the_device),
		TEST(clearing_and_setting_state_is_not_swapped),
		TEST(clearing_reaches_the_list_register_of_another_cpu),
		TEST(two_orders_for_one_interrupt_count_once),
		TEST(state_in_another_cpus_list_register_is_asked_for),
		TEST(accesses_of_all_sizes_mean_the_same),
		TEST(what_the_cell_does_not_own_is_raz_wi),
		TEST(identification_is_that_of_a_gicv3),
		TEST(reset_forgets_all_but_ownership),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
