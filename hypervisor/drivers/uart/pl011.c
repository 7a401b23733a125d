// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arm PL011 (DDI 0183), output only, as firmware has set it up.
 */
#include "uart.h"

#include <asm/io.h>

#define UARTDR		0x00
#define UARTFR		0x18
#define FR_TXFF		BIT(5)

/* A UART that does not move must not hang a panic. */
#define MAX_WAIT	1000000

static u64 uart_base;	/* set once, at boot */

void uart_init(u64 base)
{
	uart_base = base;
}

static void put(char c)
{
	u32 n;

	for (n = 0; n < MAX_WAIT && (mmio_read32(uart_base + UARTFR) & FR_TXFF); n++)
		;
	mmio_write32(uart_base + UARTDR, (u8)c);
}

void uart_write(const char *text, size_t len)
{
	if (!uart_base)
		return;
	for (; len; len--, text++) {
		if (*text == '\n')
			put('\r');
		put(*text);
	}
}
