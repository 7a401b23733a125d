// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The early console: a page that looks like a PL011 (Arm DDI 0183) to a driver
 * that only writes. Loads do not exit; a store to the data register is a
 * character in the cell's log, other stores do nothing.
 */
#include "cell.h"
#include "device.h"
#include "log.h"

#define UARTDR			0x000
#define UARTFR			0x018
#define UARTFR_RXFE		BIT(4)
#define UARTFR_TXFE		BIT(7)
#define UARTCR			0x030
#define UARTCR_RESET		0x300
#define UART_ID			0xfe0	/* PeripheralID0-3, PCellID0-3 */

void earlycon_render(volatile u32 *regs)
{
	static const u8 id[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	u32 i;

	regs[UARTFR / 4] = UARTFR_RXFE | UARTFR_TXFE;
	regs[UARTCR / 4] = UARTCR_RESET;
	for (i = 0; i < ARRAY_SIZE(id); i++)
		regs[UART_ID / 4 + i] = id[i];
	arch_regs_sync();
}

enum mmio_result earlycon_access(void *arg, struct mmio_access *access)
{
	struct device *device = arg;
	struct cell_devices *devices = devices_of(device->cell);
	char c = (char)access->value;

	if (!access->write)
		return MMIO_RETRY;
	spin_lock(&devices->lock);
	device->page->counters.stores++;
	if (access->addr == UARTDR)
		log_write(devices->log, &c, 1);
	else
		device->page->counters.refused++;
	spin_unlock(&devices->lock);
	return MMIO_HANDLED;
}
