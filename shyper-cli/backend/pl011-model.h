/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of a PrimeCell UART, PL011 (Arm DDI 0183), of revision r1p4:
 * FIFOs of 16. Pure: characters go in and out by calls.
 */
#ifndef BACKEND_PL011_MODEL_H
#define BACKEND_PL011_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define PL011_FIFO	16

/**
 * struct pl011 - all that the driver can have changed; kept where a successor
 *	of the process finds it, so of a fixed layout
 * @format: of this structure; 0: nothing is in it
 * @epoch: of the device, that this is the state of
 * @ris: raw interrupt status
 * @rsr: receive status
 * @count: characters in @fifo, the oldest in @fifo[0]
 */
struct pl011 {
	uint32_t format;
	uint32_t epoch;
	uint16_t ilpr;
	uint16_t ibrd;
	uint16_t fbrd;
	uint16_t lcr_h;
	uint16_t cr;
	uint16_t ifls;
	uint16_t imsc;
	uint16_t ris;
	uint16_t dmacr;
	uint16_t rsr;
	uint16_t count;
	uint16_t fifo[PL011_FIFO];
	uint16_t reserved;
};

/* As after power-on and after firmware that has enabled it. */
void pl011_reset(struct pl011 *uart);
/* Whether it is what pl011_reset() and the calls below can have left. */
bool pl011_is_sane(const struct pl011 *uart);

uint32_t pl011_load(struct pl011 *uart, uint32_t offset);
/* True: @ret_text is to be sent. */
bool pl011_store(struct pl011 *uart, uint32_t offset, uint32_t value, char *ret_text);

/* How many characters it takes now. */
unsigned int pl011_room(const struct pl011 *uart);
/* A character has come in, for which there is room. */
void pl011_receive(struct pl011 *uart, char text);
/* No more come for now: what is in the FIFO is not to wait for others. */
void pl011_receive_pause(struct pl011 *uart);

/* UARTINTR: whether an interrupt is asserted. */
bool pl011_interrupt(const struct pl011 *uart);

#endif /* BACKEND_PL011_MODEL_H */
