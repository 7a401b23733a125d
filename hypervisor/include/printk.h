/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formatted output: %s %c %d %u %x %p %% with width, 0 and l/ll/z. Lines go
 * to the log ring, and to the UART until root owns it (panic always).
 */
#ifndef HV_PRINTK_H
#define HV_PRINTK_H

#include "types.h"

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

/* Formats into @buf, always terminated; returns the length without the cut. */
size_t vsnprintk(char *buf, size_t size, const char *fmt, va_list ap);
size_t snprintk(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

void printk_level(enum log_level level, const char *fmt, ...) __printf(2, 3);

#define pr_error(...)	printk_level(LOG_ERROR, __VA_ARGS__)
#define pr_warn(...)	printk_level(LOG_WARN, __VA_ARGS__)
#define pr_info(...)	printk_level(LOG_INFO, __VA_ARGS__)
#define pr_debug(...)	printk_level(LOG_DEBUG, __VA_ARGS__)

void printk_set_level(enum log_level level);
/* From here on only panic writes to the UART: it is root's. */
void printk_uart_release(void);

#endif /* HV_PRINTK_H */
