/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a payload has at hand: console, verdicts, PSCI, registers, GIC. */
#ifndef GUEST_H
#define GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define read_sysreg(r) ({ \
	u64 __v; \
	asm volatile("mrs %0, " #r : "=r" (__v)); \
	__v; \
})
#define write_sysreg(v, r) \
	asm volatile("msr " #r ", %x0\n\tisb" : : "rZ" ((u64)(v)) : "memory")

/* One plain instruction each: the syndrome of a fault tells all of it. */
static inline u8 read8(u64 addr)
{
	u8 v;

	asm volatile("ldrb %w0, [%1]" : "=r" (v) : "r" (addr) : "memory");
	return v;
}

static inline u16 read16(u64 addr)
{
	u16 v;

	asm volatile("ldrh %w0, [%1]" : "=r" (v) : "r" (addr) : "memory");
	return v;
}

static inline u32 read32(u64 addr)
{
	u32 v;

	asm volatile("ldr %w0, [%1]" : "=r" (v) : "r" (addr) : "memory");
	return v;
}

static inline u64 read64(u64 addr)
{
	u64 v;

	asm volatile("ldr %0, [%1]" : "=r" (v) : "r" (addr) : "memory");
	return v;
}

static inline void write8(u64 addr, u8 v)
{
	asm volatile("strb %w0, [%1]" : : "r" (v), "r" (addr) : "memory");
}

static inline void write16(u64 addr, u16 v)
{
	asm volatile("strh %w0, [%1]" : : "r" (v), "r" (addr) : "memory");
}

static inline void write32(u64 addr, u32 v)
{
	asm volatile("str %w0, [%1]" : : "r" (v), "r" (addr) : "memory");
}

static inline void write64(u64 addr, u64 v)
{
	asm volatile("str %0, [%1]" : : "r" (v), "r" (addr) : "memory");
}

/* -- the payload supplies -- */

void main(u64 dtb);
/* Of each CPU that cpu_on() starts; the CPU goes off when it returns. */
void secondary_main(u32 cpu);

/* -- console: boot CPU only; %s %d %u %x (the latter three 64-bit), %% -- */

void print(const char *fmt, ...);
void ok(const char *name);
/* Says why, then switches the cell off. */
void __attribute__((noreturn)) not_ok(const char *name, const char *fmt, ...);

/* -- PSCI (DEN 0022) by HVC -- */

#define PSCI_VERSION		0x84000000
#define PSCI_CPU_OFF		0x84000002
#define PSCI_CPU_ON		0xc4000003
#define PSCI_AFFINITY_INFO	0xc4000004
#define PSCI_SYSTEM_OFF		0x84000008
#define PSCI_SYSTEM_RESET	0x84000009
#define PSCI_INVALID_PARAMETERS	(-2)
#define PSCI_ALREADY_ON		(-4)

s64 psci(u64 function, u64 a, u64 b, u64 c);
void __attribute__((noreturn)) system_off(void);
void __attribute__((noreturn)) system_reset(void);
void __attribute__((noreturn)) cpu_off(void);
/* Starts CPU @cpu of the cell in secondary_main(); PSCI's result. */
s64 cpu_on(u32 cpu);
u32 cpu_index(void);
/* How many CPUs the cell has, by its redistributors. */
u32 cpu_count(void);

/* -- faults -- */

/*
 * Synchronous exceptions from here on are counted and their instructions
 * skipped, on the boot CPU only; gives the number so far.
 */
u32 faults_expect(bool expected);
u64 fault_esr(void);

/* -- time -- */

u64 ticks(void);
u64 ticks_of_ms(u64 ms);
/* Without an exit. */
void spin_ms(u64 ms);

/* -- GICv3 (IHI 0069) -- */

#define TIMER_PPI	27
#define GIC_SPURIOUS	1020

/* The distributor and this CPU's part; interrupts stay masked in PSTATE. */
void gic_init(void);
void gic_cpu_init(u32 cpu);
void gic_enable(u32 cpu, u32 intid);
void gic_send_sgi(u32 cpu, u32 intid);
void irq_unmask(void);
void irq_mask(void);
/* Taken so far on @cpu. */
u64 irq_count(u32 cpu, u32 intid);
void timer_start(u64 ms);

#endif /* GUEST_H */
