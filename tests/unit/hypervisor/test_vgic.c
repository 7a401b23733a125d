// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulated GIC: how events and levels come through list registers, the most
 * urgent first, and how the guest ends them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vgic_guest.h"

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
		TEST(lpis_queue_by_priority_and_merge),
		TEST(a_group_that_is_off_delivers_nothing),
		TEST(a_level_comes_again_until_it_is_low),
		TEST(a_level_that_falls_early_is_never_seen),
		TEST(the_guest_cannot_clear_a_level),
		TEST(as_an_edge_a_line_counts_once),
		TEST(a_line_outlives_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
