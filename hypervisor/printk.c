// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Formatted output. A line is built on the stack and goes out as a whole, so
 * lines of several CPUs do not mix.
 */
#include "printk.h"

#include "log.h"
#include "spinlock.h"
#include "string.h"
#include "uart.h"

static enum log_level log_level = LOG_INFO;	/* set once, at boot */
static bool uart_is_ours = true;		/* until root runs */
static spinlock_t uart_lock;			/* order of lines on the UART */

struct out {
	char *buf;
	size_t size;
	size_t len;
};

static void put(struct out *out, char c)
{
	if (out->len + 1 < out->size)
		out->buf[out->len] = c;
	out->len++;
}

static void put_padded(struct out *out, const char *s, size_t len, size_t width, char pad)
{
	for (; width > len; width--)
		put(out, pad);
	while (len--)
		put(out, *s++);
}

static void put_number(struct out *out, u64 value, u32 base, bool minus, size_t width, char pad)
{
	char digits[24];
	size_t n = sizeof(digits);

	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (minus)
		digits[--n] = '-';
	put_padded(out, digits + n, sizeof(digits) - n, width, pad);
}

static void put_arg(struct out *out, char conv, bool is_long, size_t width, char pad, va_list *ap)
{
	const char *s;
	s64 value;

	switch (conv) {
	case 's':
		s = va_arg(*ap, const char *);
		put_padded(out, s, strlen(s), width, ' ');
		return;
	case 'c':
		put(out, (char)va_arg(*ap, int));
		return;
	case 'd':
		value = is_long ? va_arg(*ap, s64) : va_arg(*ap, int);
		put_number(out, value < 0 ? -(u64)value : (u64)value, 10, value < 0, width, pad);
		return;
	case 'u':
	case 'x':
		put_number(out, is_long ? va_arg(*ap, u64) : va_arg(*ap, unsigned int),
			   conv == 'u' ? 10 : 16, false, width, pad);
		return;
	case 'p':
		put_padded(out, "0x", 2, 0, ' ');
		put_number(out, (u64)va_arg(*ap, void *), 16, false, 0, ' ');
		return;
	default:
		put(out, conv);
	}
}

size_t vsnprintk(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out out = { .buf = buf, .size = size };
	size_t width;
	bool is_long;
	va_list args;
	char pad;

	va_copy(args, ap);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&out, *fmt);
			continue;
		}
		fmt++;
		pad = *fmt == '0' ? '0' : ' ';
		for (width = 0; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + (size_t)(*fmt - '0');
		for (is_long = false; *fmt == 'l' || *fmt == 'z'; fmt++)
			is_long = true;
		if (!*fmt)
			break;
		put_arg(&out, *fmt, is_long, width, pad, &args);
	}
	va_end(args);
	if (size)
		buf[out.len < size ? out.len : size - 1] = '\0';
	return out.len;
}

size_t snprintk(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = vsnprintk(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

void printk_level(enum log_level level, const char *fmt, ...)
{
	char line[240] = "hvisor: ";
	const size_t head = sizeof("hvisor: ") - 1;
	va_list ap;
	size_t len;

	if (level > log_level)
		return;
	va_start(ap, fmt);
	len = head + vsnprintk(line + head, sizeof(line) - head - 1, fmt, ap);
	va_end(ap);
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	log_system_write(line, len);
	if (!uart_is_ours)
		return;
	spin_lock(&uart_lock);
	uart_write(line, len);
	spin_unlock(&uart_lock);
}

void printk_set_level(enum log_level level)
{
	log_level = level;
}

void printk_uart_release(void)
{
	uart_is_ours = false;
}
