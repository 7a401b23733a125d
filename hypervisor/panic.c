// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Last words, on the UART whoever owns it and in the log, then the machine
 * stops: a hypervisor that does not know its own state may not go on.
 */
#include "panic.h"

#include <asm/traps.h>

#include "control.h"
#include "log.h"
#include "percpu.h"
#include "printk.h"
#include "uart.h"

/* For libfdt.a, which Debian builds with the stack protector, and for us. */
u64 __stack_chk_guard = 0x5368e97b0ac1d2f4UL;

static u32 panicking;	/* set by the first CPU that comes here */

/* Called by the compiler's own code. */
void __noreturn __stack_chk_fail(void);
extern u64 __stack_chk_guard;

static void say(const char *fmt, ...) __printf(1, 2);

static void say(const char *fmt, ...)
{
	char line[240];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = vsnprintk(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (len >= sizeof(line))
		len = sizeof(line) - 1;
	uart_write(line, len);
}

static void begin(void)
{
	/* Others that fail meanwhile are silent: the first reason counts. */
	if (__atomic_exchange_n(&panicking, 1, __ATOMIC_SEQ_CST))
		arch_halt();
	/* A guest may have left the UART in the middle of a line. */
	say("\n");
}

static void __noreturn end(void)
{
	arch_system_off();
}

void panic(const char *fmt, ...)
{
	char text[200];
	va_list ap;

	begin();
	va_start(ap, fmt);
	vsnprintk(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("hvisor: panic: %s\n", text);
	say("hvisor: panic on CPU %u, called from 0x%lx\n", this_cpu()->id,
	    (u64)__builtin_return_address(0));
	end();
}

void panic_regs(const struct trap_frame *frame, u64 esr, u64 far, const char *what)
{
	u32 n;

	begin();
	say("hvisor: panic: %s\n", what);
	say("hvisor: CPU %u ESR 0x%lx FAR 0x%lx PC 0x%lx PSTATE 0x%lx\n", this_cpu()->id, esr,
	    far, frame->elr, frame->spsr);
	for (n = 0; n < 30; n += 3)
		say("hvisor: x%02u 0x%016lx x%02u 0x%016lx x%02u 0x%016lx\n", n, frame->x[n],
		    n + 1, frame->x[n + 1], n + 2, frame->x[n + 2]);
	say("hvisor: SP 0x%lx\n", frame->x[30]);
	end();
}

void __noreturn __stack_chk_fail(void)
{
	panic("stack smashed");
}
