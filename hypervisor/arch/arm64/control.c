// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What control.h wants of the architecture: starting CPUs and guests, waiting,
 * and the end of the machine.
 */
#include "control.h"

#include <asm/atomic.h>
#include <asm/cpu.h>
#include <asm/mmu.h>
#include <asm/psci.h>
#include <asm/traps.h>

#include "cell.h"
#include "irqchip.h"
#include "percpu.h"
#include "printk.h"
#include "timer.h"

#define SYS_DISR_EL1	s3_0_c12_c1_1

#define PSCI_CPU_ON_64		(PSCI_CPU_ON | SMCCC_64)
#define BOOT_SECONDS		5

extern char secondary_start[];

void arch_cpu_init(struct percpu *cpu __maybe_unused)
{
	cpu_init_el2();
}

int arch_cpu_boot(struct percpu *cpu)
{
	u64 deadline = read_sysreg(cntfrq_el0) * BOOT_SECONDS + read_sysreg(cntpct_el0);
	s64 err;

	err = (s64)(s32)smc_call(PSCI_CPU_ON_64, cpu->mpidr, (u64)secondary_start, cpu->id).x[0];
	while (!err && !load_acquire(&cpu->online) && read_sysreg(cntpct_el0) < deadline)
		asm volatile("yield");
	if (load_acquire(&cpu->online))
		return 0;
	pr_error("CPU %u (MPIDR 0x%lx) does not start: PSCI %ld", cpu->id, cpu->mpidr, err);
	return -1;
}

void arch_vcpu_enter(struct vcpu *vcpu, u64 entry, u64 context)
{
	struct trap_frame frame = { .elr = entry, .spsr = PSR_MODE_EL1H | PSR_DAIF };

	cpu_reset_el1(vcpu);
	irqchip_vcpu_reset(vcpu);
	frame.x[0] = context;
	guest_enter(&frame);
}

/*
 * What the vcpu's last accesses have caused asynchronously is its own, not of
 * who has the CPU next: ESB makes it pending in DISR_EL1 (D1.3.4). Without RAS
 * nothing can say this, and whoever runs next takes it.
 */
static u64 take_serror(void)
{
	u64 disr;

	dsb(sy);
	if (!cpu_has_ras())
		return 0;
	asm volatile("hint #16" : : : "memory");		/* ESB */
	disr = read_sysreg(SYS_DISR_EL1);
	if (disr)
		write_sysreg(0, SYS_DISR_EL1);
	return disr;
}

/*
 * The timers' levels are low before the PPIs are cleared. No translation table
 * of a cell is in use any more, not even by speculation (D8.2.13): what may be
 * walked from here on is root's stage 2, with stage 1 off.
 */
u64 arch_vcpu_exit(void)
{
	u64 serror = take_serror();

	write_sysreg(0, cntv_ctl_el0);
	write_sysreg(0, cntp_ctl_el0);
	timer_disarm();
	write_sysreg(SCTLR_EL1_RESET, sctlr_el1);
	/* Stage 1 is off first, or the cell's tables are walked in root's memory. */
	isb();
	write_sysreg(root_cell.vttbr, vttbr_el2);
	write_sysreg(cpu_hcr(), hcr_el2);
	isb();
	return serror;
}

/*
 * An interrupt that is pending and masked ends the wait (D1.6.2). The DSB
 * completes what was stored before (an SGI's cause, D1.6.2).
 */
void arch_wait(void)
{
	dsb(sy);
	asm volatile("wfi" : : : "memory");
}

void arch_halt(void)
{
	for (;;)
		arch_wait();
}

void arch_system_off(void)
{
	smc_call(PSCI_SYSTEM_OFF, 0, 0, 0);
	arch_halt();
}

void arch_system_reset(void)
{
	smc_call(PSCI_SYSTEM_RESET, 0, 0, 0);
	arch_halt();
}
