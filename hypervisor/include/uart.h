/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The early console. */
#ifndef HV_UART_H
#define HV_UART_H

#include "types.h"

/* @base: mapped as device memory; 0 before it is known. */
void uart_init(u64 base);
void uart_write(const char *text, size_t len);

#endif /* HV_UART_H */
