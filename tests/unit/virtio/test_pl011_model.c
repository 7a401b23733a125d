// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registers of the UART: FIFO, trigger levels, interrupts, and what a guest
 * may do in no order at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pl011-model.h"

#define DR	0x00
#define RSR	0x04
#define FR	0x18
#define LCR_H	0x2c
#define CR	0x30
#define IFLS	0x34
#define IMSC	0x38
#define RIS	0x3c
#define MIS	0x40
#define ICR	0x44

#define FEN	0x10
#define ENABLED	0x301
#define LBE	0x80

#define INT_RX	0x10
#define INT_TX	0x20
#define INT_RT	0x40
#define INT_OE	0x400

#define RXFE	0x10
#define RXFF	0x40

static struct pl011 uart;

static int setup(void **state)
{
	(void)state;
	pl011_reset(&uart);
	return 0;
}

static uint32_t get(uint32_t offset)
{
	return pl011_load(&uart, offset);
}

static void set(uint32_t offset, uint32_t value)
{
	char text;

	assert_false(pl011_store(&uart, offset, value, &text));
}

static void type(const char *text)
{
	while (*text) {
		assert_true(pl011_room(&uart));
		pl011_receive(&uart, *text++);
	}
}

static void test_reset_values(void **state)
{
	static const uint8_t id[] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	unsigned int n;

	(void)state;
	assert_int_equal(get(FR) & (RXFE | RXFF | 0xa8), RXFE | 0x80);
	assert_int_equal(get(CR), ENABLED);
	assert_int_equal(get(IFLS), 0x12);
	assert_int_equal(get(IMSC) | get(RIS) | get(MIS) | get(LCR_H), 0);
	for (n = 0; n < sizeof(id); n++)
		assert_int_equal(get(0xfe0 + 4 * n), id[n]);
	assert_true(pl011_is_sane(&uart));
}

static void test_registers_keep_their_bits(void **state)
{
	static const struct {
		uint32_t offset, mask;
	} registers[] = {
		{ 0x20, 0xff }, { 0x24, 0xffff }, { 0x28, 0x3f }, { LCR_H, 0xff },
		{ CR, 0xff87 }, { IFLS, 0x3f }, { IMSC, 0x7ff }, { 0x48, 7 },
		/* not to be written */
		{ FR, 0 }, { RIS, 0 }, { MIS, 0 }, { ICR, 0 }, { 0xfe0, 0 }, { 0x4c, 0 },
	};
	uint32_t before;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(registers) / sizeof(registers[0]); n++) {
		pl011_reset(&uart);
		before = get(registers[n].offset);
		set(registers[n].offset, ~0U);
		if (!registers[n].mask)
			assert_int_equal(get(registers[n].offset), before);
		else
			assert_int_equal(get(registers[n].offset), registers[n].mask);
	}
}

static void test_transmit(void **state)
{
	char text = 0;

	(void)state;
	assert_int_equal(get(RIS), 0);
	assert_true(pl011_store(&uart, DR, 0x141, &text));
	assert_int_equal(text, 'A');
	/* The FIFO went through its level. */
	assert_int_equal(get(RIS), INT_TX);
	assert_false(pl011_interrupt(&uart));
	set(IMSC, INT_TX);
	assert_true(pl011_interrupt(&uart));
	set(ICR, INT_TX);
	assert_false(pl011_interrupt(&uart));
	set(CR, 0x201);
	assert_false(pl011_store(&uart, DR, 'B', &text));
	set(CR, 0x300);
	assert_false(pl011_store(&uart, DR, 'B', &text));
	assert_int_equal(get(RIS), 0);
}

static void test_holding_register(void **state)
{
	(void)state;
	assert_int_equal(pl011_room(&uart), 1);
	type("a");
	pl011_receive_pause(&uart);
	assert_int_equal(pl011_room(&uart), 0);
	assert_int_equal(get(RIS), INT_RX);
	assert_int_equal(get(FR) & (RXFE | RXFF), RXFF);
	assert_int_equal(get(DR), 'a');
	assert_int_equal(get(RIS), 0);
	assert_int_equal(get(FR) & (RXFE | RXFF), RXFE);
	assert_int_equal(get(DR), 0);
}

static void test_trigger_levels(void **state)
{
	static const unsigned int levels[] = { 2, 4, 8, 12, 14 };
	unsigned int level, n;

	(void)state;
	for (level = 0; level < 5; level++) {
		pl011_reset(&uart);
		set(LCR_H, FEN);
		set(IFLS, level << 3);
		set(IMSC, INT_RX);
		for (n = 1; n <= PL011_FIFO; n++) {
			type("x");
			assert_int_equal(pl011_interrupt(&uart), n >= levels[level]);
		}
		assert_int_equal(pl011_room(&uart), 0);
		assert_int_equal(get(FR) & RXFF, RXFF);
		for (n = PL011_FIFO; n; n--) {
			assert_int_equal(pl011_interrupt(&uart), n >= levels[level]);
			assert_int_equal(get(DR), 'x');
		}
		assert_int_equal(get(FR) & RXFE, RXFE);
	}
}

static void test_receive_time_out(void **state)
{
	(void)state;
	set(LCR_H, FEN);
	set(IMSC, INT_RT | INT_RX);
	pl011_receive_pause(&uart);
	assert_false(pl011_interrupt(&uart));
	type("ab");
	assert_false(pl011_interrupt(&uart));
	pl011_receive_pause(&uart);
	assert_int_equal(get(MIS), INT_RT);
	assert_int_equal(get(DR), 'a');
	assert_int_equal(get(MIS), INT_RT);
	assert_int_equal(get(DR), 'b');
	assert_int_equal(get(MIS), 0);
	/* Cleared by hand it comes with the next character. */
	type("c");
	pl011_receive_pause(&uart);
	set(ICR, INT_RT);
	assert_false(pl011_interrupt(&uart));
	type("d");
	pl011_receive_pause(&uart);
	assert_true(pl011_interrupt(&uart));
}

static void test_disabled_takes_nothing(void **state)
{
	(void)state;
	set(CR, 0x101);
	assert_int_equal(pl011_room(&uart), 0);
	set(CR, 0x300);
	assert_int_equal(pl011_room(&uart), 0);
	set(CR, ENABLED);
	assert_int_equal(pl011_room(&uart), 1);
}

/* What is in the FIFO when it becomes a register can still be read. */
static void test_fifo_turned_off(void **state)
{
	(void)state;
	set(LCR_H, FEN);
	type("abc");
	set(LCR_H, 0);
	assert_int_equal(pl011_room(&uart), 0);
	assert_int_equal(get(FR) & RXFF, RXFF);
	assert_int_equal(get(DR), 'a');
	assert_int_equal(get(DR), 'b');
	assert_int_equal(get(DR), 'c');
	assert_int_equal(pl011_room(&uart), 1);
}

static void test_loop_back(void **state)
{
	unsigned int n;

	(void)state;
	set(LCR_H, FEN);
	set(CR, ENABLED | LBE);
	assert_int_equal(pl011_room(&uart), 0);
	for (n = 0; n < PL011_FIFO; n++)
		set(DR, 'a' + n);
	assert_int_equal(get(RIS) & INT_OE, 0);
	set(DR, 'z');
	assert_int_equal(get(RIS) & INT_OE, INT_OE);
	for (n = 0; n < PL011_FIFO - 1; n++)
		assert_int_equal(get(DR), 'a' + n);
	assert_int_equal(get(RSR), 0);
	assert_int_equal(get(DR), 0x800 | ('a' + n));
	assert_int_equal(get(RSR), 8);
	set(RSR, 0);
	assert_int_equal(get(RSR), 0);
}

static void test_what_was_left_is_checked(void **state)
{
	(void)state;
	uart.count = PL011_FIFO + 1;
	assert_false(pl011_is_sane(&uart));
	memset(&uart, 0, sizeof(uart));
	assert_false(pl011_is_sane(&uart));
}

/* Any accesses, in any order: no characters from nowhere, none twice. */
static void test_hostile_accesses(void **state)
{
	unsigned char sent = 0, next = 0;
	uint32_t round, offset, value;
	char text;

	(void)state;
	srand(1);
	for (round = 0; round < 300000; round++) {
		offset = rand() % 8 ? (uint32_t)rand() % 0x50 & ~3U : (uint32_t)rand();
		value = (uint32_t)rand() << (rand() % 2 * 8);
		/* Loop-back brings characters of its own. */
		if (offset == CR)
			value &= ~(uint32_t)LBE;
		switch (rand() % 4) {
		case 0:
			pl011_store(&uart, offset, value, &text);
			break;
		case 1:
			if (offset == DR && uart.count)
				assert_int_equal(get(DR), next++);
			else
				get(offset);
			break;
		case 2:
			for (value = pl011_room(&uart); value; value--)
				pl011_receive(&uart, (char)sent++);
			break;
		default:
			pl011_receive_pause(&uart);
		}
		assert_true(pl011_is_sane(&uart));
		assert_int_equal((unsigned char)(sent - next), uart.count);
		assert_int_equal(pl011_interrupt(&uart), !!get(MIS));
		assert_int_equal(!!(get(FR) & RXFE), !uart.count);
		assert_true(pl011_room(&uart) + uart.count <= PL011_FIFO);
	}
	/* It was at work, and still is. */
	set(CR, ENABLED);
	while (uart.count)
		assert_int_equal(get(DR), next++);
	type("!");
	assert_int_equal(get(DR), '!');
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_reset_values),
		TEST(test_registers_keep_their_bits),
		TEST(test_transmit),
		TEST(test_holding_register),
		TEST(test_trigger_levels),
		TEST(test_receive_time_out),
		TEST(test_disabled_takes_nothing),
		TEST(test_fifo_turned_off),
		TEST(test_loop_back),
		TEST(test_what_was_left_is_checked),
		TEST(test_hostile_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
