// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulated GIC: which CPU gets an interrupt, and that no route, no CPU that
 * goes and no order of operations loses one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vgic_guest.h"

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
	/* Nothing else may bring CPU 0 out of its guest when it ends it. */
	assert_true(eoi_is_maintenance(0, SOFT_SPI));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_route_takes_the_pending_one_along),
		TEST(an_active_one_stays_until_its_end_when_the_route_changes),
		TEST(routed_to_nobody_it_waits),
		TEST(a_cpu_that_goes_loses_nothing),
		TEST(a_cpu_that_comes_has_its_own_ppis),
		TEST(sgis_reach_exactly_their_targets),
		TEST(random_operations_lose_nothing),
		TEST(after_any_disorder_an_event_still_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
