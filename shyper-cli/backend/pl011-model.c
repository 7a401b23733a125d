// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registers of a PL011 (Arm DDI 0183).
 *
 * What is sent is gone at once: the transmit FIFO is empty at all times, and a
 * store to it runs through its trigger level. There is no time of a bit either:
 * the receive time-out (2.4.3) comes when no more characters follow. Characters
 * that find no room wait where they come from, so nothing is overrun but in
 * loop-back, and lines of a modem are all asserted.
 */
#include "pl011-model.h"

#include <string.h>

#define FORMAT		1

/* Offsets (3.2). */
#define DR		0x000
#define RSR		0x004
#define FR		0x018
#define ILPR		0x020
#define IBRD		0x024
#define FBRD		0x028
#define LCR_H		0x02c
#define CR		0x030
#define IFLS		0x034
#define IMSC		0x038
#define RIS		0x03c
#define MIS		0x040
#define ICR		0x044
#define DMACR		0x048
#define ID		0xfe0

#define DR_OE		0x800		/* with the character, 3.3.1 */
#define RSR_OE		0x008
#define FR_CTS		0x001
#define FR_DSR		0x002
#define FR_DCD		0x004
#define FR_RXFE		0x010
#define FR_RXFF		0x040
#define FR_TXFE		0x080
#define LCR_H_FEN	0x010
#define CR_UARTEN	0x001
#define CR_LBE		0x080
#define CR_TXE		0x100
#define CR_RXE		0x200
#define IFLS_RESET	0x012

#define INT_RX		0x010
#define INT_TX		0x020
#define INT_RT		0x040
#define INT_OE		0x400
#define INT_ALL		0x7ff

void pl011_reset(struct pl011 *uart)
{
	/*
	 * Drivers that only send (earlycon) rely on firmware for it to be enabled,
	 * and a cell has none: so UARTEN is set.
	 */
	*uart = (struct pl011){
		.format = FORMAT,
		.cr = CR_UARTEN | CR_TXE | CR_RXE,
		.ifls = IFLS_RESET,
	};
}

bool pl011_is_sane(const struct pl011 *uart)
{
	return uart->format == FORMAT && uart->count <= PL011_FIFO;
}

static bool enabled(const struct pl011 *uart, uint16_t direction)
{
	return (uart->cr & (CR_UARTEN | direction)) == (CR_UARTEN | direction);
}

/* Without FEN the FIFO is a register of one character. */
static unsigned int depth(const struct pl011 *uart)
{
	return uart->lcr_h & LCR_H_FEN ? PL011_FIFO : 1;
}

/* 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO (3.3.9); the rest is reserved. */
static unsigned int trigger(const struct pl011 *uart)
{
	static const uint8_t levels[] = { 2, 4, 8, 12, 14, 14, 14, 14 };

	return uart->lcr_h & LCR_H_FEN ? levels[uart->ifls >> 3 & 7] : 1;
}

static uint32_t load_data(struct pl011 *uart)
{
	uint32_t data = uart->fifo[0];

	if (!uart->count)
		return 0;
	uart->count--;
	memmove(uart->fifo, uart->fifo + 1, uart->count * sizeof(uart->fifo[0]));
	uart->rsr = data & DR_OE ? RSR_OE : 0;
	if (uart->count < trigger(uart))
		uart->ris &= ~INT_RX;
	if (!uart->count)
		uart->ris &= ~INT_RT;
	return data;
}

static uint32_t load_flags(const struct pl011 *uart)
{
	return FR_TXFE | FR_CTS | FR_DSR | FR_DCD | (uart->count ? 0 : FR_RXFE) |
	       (uart->count >= depth(uart) ? FR_RXFF : 0);
}

uint32_t pl011_load(struct pl011 *uart, uint32_t offset)
{
	/* Part number 0x011, designer 0x41, revision 1; PCellID (3.3.14, 3.3.15). */
	static const uint8_t id[] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	switch (offset) {
	case DR:
		return load_data(uart);
	case RSR:
		return uart->rsr;
	case FR:
		return load_flags(uart);
	case ILPR:
		return uart->ilpr;
	case IBRD:
		return uart->ibrd;
	case FBRD:
		return uart->fbrd;
	case LCR_H:
		return uart->lcr_h;
	case CR:
		return uart->cr;
	case IFLS:
		return uart->ifls;
	case IMSC:
		return uart->imsc;
	case RIS:
		return uart->ris;
	case MIS:
		return uart->ris & uart->imsc;
	case DMACR:
		return uart->dmacr;
	}
	if (offset < ID || offset >= ID + 4 * sizeof(id) || offset % 4)
		return 0;
	return id[(offset - ID) / 4];
}

static bool store_data(struct pl011 *uart, uint32_t value, char *ret_text)
{
	if (!enabled(uart, CR_TXE))
		return false;
	uart->ris |= INT_TX;
	if (!(uart->cr & CR_LBE)) {
		*ret_text = (char)value;
		return true;
	}
	/* Back to itself, where there may be no room. */
	if (!enabled(uart, CR_RXE))
		return false;
	if (uart->count < depth(uart)) {
		pl011_receive(uart, (char)value);
		pl011_receive_pause(uart);
	} else {
		/* Told with the newest character; the one that was lost is not. */
		uart->fifo[uart->count - 1] |= DR_OE;
		uart->ris |= INT_OE;
	}
	return false;
}

bool pl011_store(struct pl011 *uart, uint32_t offset, uint32_t value, char *ret_text)
{
	switch (offset) {
	case DR:
		return store_data(uart, value, ret_text);
	case RSR:	/* ECR: any value */
		uart->rsr = 0;
		break;
	case ILPR:
		uart->ilpr = value & 0xff;
		break;
	case IBRD:
		uart->ibrd = value & 0xffff;
		break;
	case FBRD:
		uart->fbrd = value & 0x3f;
		break;
	case LCR_H:
		uart->lcr_h = value & 0xff;
		break;
	case CR:
		uart->cr = value & 0xff87;
		break;
	case IFLS:
		uart->ifls = value & 0x3f;
		break;
	case IMSC:
		uart->imsc = value & INT_ALL;
		break;
	case ICR:
		uart->ris &= ~(value & INT_ALL);
		break;
	case DMACR:
		uart->dmacr = value & 0x7;
		break;
	}
	return false;
}

unsigned int pl011_room(const struct pl011 *uart)
{
	if (!enabled(uart, CR_RXE) || uart->cr & CR_LBE || uart->count >= depth(uart))
		return 0;
	return depth(uart) - uart->count;
}

void pl011_receive(struct pl011 *uart, char text)
{
	if (uart->count >= PL011_FIFO)
		return;
	uart->fifo[uart->count++] = (uint8_t)text;
	if (uart->count >= trigger(uart))
		uart->ris |= INT_RX;
}

void pl011_receive_pause(struct pl011 *uart)
{
	if (uart->count && uart->lcr_h & LCR_H_FEN)
		uart->ris |= INT_RT;
}

bool pl011_interrupt(const struct pl011 *uart)
{
	return uart->ris & uart->imsc;
}
