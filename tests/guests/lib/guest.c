// SPDX-License-Identifier: GPL-2.0-or-later
/* Console, verdicts, PSCI, faults and time for bare-metal payloads. */
#include "guest.h"

#define PL011_DR	0x00
#define PL011_FR	0x18
#define PL011_FR_TXFF	0x20

static void put(char c)
{
	while (read32(EARLYCON_BASE + PL011_FR) & PL011_FR_TXFF)
		;
	write8(EARLYCON_BASE + PL011_DR, (u8)c);
}

static void put_string(const char *s)
{
	while (*s)
		put(*s++);
}

static void put_number(u64 value, u32 base)
{
	char digits[21];
	u32 n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n)
		put(digits[--n]);
}

static void put_signed(s64 value)
{
	if (value < 0)
		put('-');
	put_number(value < 0 ? -(u64)value : (u64)value, 10);
}

static void vprint(const char *fmt, va_list ap)
{
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		switch (*++fmt) {
		case 's':
			put_string(va_arg(ap, const char *));
			break;
		case 'd':
			put_signed(va_arg(ap, s64));
			break;
		case 'u':
			put_number(va_arg(ap, u64), 10);
			break;
		case 'x':
			put_number(va_arg(ap, u64), 16);
			break;
		default:
			put(*fmt);
		}
	}
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
}

void ok(const char *name)
{
	print("ok %s\n", name);
}

void not_ok(const char *name, const char *fmt, ...)
{
	va_list ap;

	print("not ok %s: ", name);
	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
	put('\n');
	system_off();
}

/* -- PSCI -- */

s64 psci(u64 function, u64 a, u64 b, u64 c)
{
	register u64 x0 asm("x0") = function;
	register u64 x1 asm("x1") = a;
	register u64 x2 asm("x2") = b;
	register u64 x3 asm("x3") = c;

	/* SMCCC (DEN 0028): x4 to x17 may be lost with version 1.0. */
	asm volatile("hvc #0"
		     : "+r" (x0), "+r" (x1), "+r" (x2), "+r" (x3)
		     : : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
			 "x13", "x14", "x15", "x16", "x17", "memory");
	/* A 32-bit function gives a 32-bit result. */
	return function & 0x40000000 ? (s64)x0 : (int32_t)x0;
}

void system_off(void)
{
	psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		;
}

void system_reset(void)
{
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
	for (;;)
		;
}

void cpu_off(void)
{
	psci(PSCI_CPU_OFF, 0, 0, 0);
	for (;;)
		;
}

extern char secondary_start[];

s64 cpu_on(u32 cpu)
{
	return psci(PSCI_CPU_ON, cpu, (u64)secondary_start, cpu);
}

u32 cpu_index(void)
{
	return read_sysreg(mpidr_el1) & 0xff;
}

u32 cpu_count(void)
{
	u32 n = 0;

	/* GICR_TYPER.Last (IHI 0069, 12.11.35) */
	while (!(read64(GICR_BASE + n * GICR_STRIDE + 8) & 0x10) && n < MAX_CPUS - 1)
		n++;
	return n + 1;
}

/* -- faults -- */

struct frame {
	u64 x[20];
	u64 elr;
	u64 spsr;
};

static struct {
	bool expected;
	u32 count;
	u64 esr;
} faults;

void handle_sync(struct frame *frame);
void handle_serror(struct frame *frame);
void handle_unexpected(struct frame *frame);

void handle_sync(struct frame *frame)
{
	u64 esr = read_sysreg(esr_el1);

	if (!faults.expected)
		not_ok("exception", "ESR %x PC %x FAR %x", esr, frame->elr,
		       read_sysreg(far_el1));
	faults.count++;
	faults.esr = esr;
	frame->elr += 4;
}

void handle_serror(struct frame *frame)
{
	not_ok("exception", "SError ESR %x PC %x", read_sysreg(esr_el1), frame->elr);
}

void handle_unexpected(struct frame *frame)
{
	not_ok("exception", "unexpected vector, ESR %x PC %x", read_sysreg(esr_el1),
	       frame->elr);
}

u32 faults_expect(bool expected)
{
	faults.expected = expected;
	return faults.count;
}

u64 fault_esr(void)
{
	return faults.esr;
}

/* -- time -- */

u64 ticks(void)
{
	asm volatile("isb" : : : "memory");
	return read_sysreg(cntvct_el0);
}

u64 ticks_of_ms(u64 ms)
{
	return ms * read_sysreg(cntfrq_el0) / 1000;
}

void spin_ms(u64 ms)
{
	u64 end = ticks() + ticks_of_ms(ms);

	while (ticks() < end)
		;
}
