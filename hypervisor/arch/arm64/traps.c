// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exits from guests: a table by exception class, aborts to emulated regions,
 * and exceptions handed to EL1.
 *
 * Interrupts stay masked at EL2 and nothing nests: whatever comes meanwhile is
 * taken as soon as the guest runs again.
 */
#include <asm/traps.h>

#include <asm/mmu.h>
#include <asm/pgtable.h>
#include <asm/sysreg.h>

#include "cell.h"
#include "control.h"
#include "device.h"
#include "errno.h"
#include "irqchip.h"
#include "panic.h"
#include "percpu.h"

#define ESR_EC_SHIFT	26
#define SCTLR_SPAN	BIT(23)
#define SCTLR_DSSBS	BIT(44)
#define PSR_SSBS	BIT(12)
#define PSR_NZCV	GENMASK(31, 28)
#define PSR_DIT		BIT(24)
#define PSR_TCO		BIT(25)

void trap_skip(struct trap_frame *frame, u64 esr)
{
	u64 it = (frame->spsr >> 8 & 0xfc) | (frame->spsr >> 25 & 3);

	frame->elr += esr & ESR_IL ? 4 : 2;
	/* A guest that steps has stepped: the exception comes now (D2.12.4). */
	frame->spsr &= ~PSR_SS;
	if (!(frame->spsr & PSR_MODE_AARCH32))
		return;
	/* ITAdvance(): the condition's last bit comes out of the mask. */
	it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
	frame->spsr &= ~(PSR_A32_IT_HIGH | PSR_A32_IT_LOW);
	frame->spsr |= (it & 0xfc) << 8 | (it & 3) << 25;
}

/* Where the guest's vectors take it, and in which state (D1.3.1, D1.3.6). */
static void enter_el1_vector(struct trap_frame *frame, u64 esr)
{
	u64 mode = frame->spsr & PSR_MODE_MASK, offset;
	u64 spsr = PSR_MODE_EL1H | PSR_DAIF | (frame->spsr & (PSR_NZCV | PSR_DIT));
	u64 sctlr = read_sysreg(sctlr_el1);

	if (frame->spsr & PSR_MODE_AARCH32)
		offset = 0x600;
	else if (mode == PSR_MODE_EL0T)
		offset = 0x400;
	else
		offset = mode == PSR_MODE_EL1H ? 0x200 : 0x000;
	/* SPAN = 0: PAN is set by the exception; else it stays. */
	if (sctlr & SCTLR_SPAN)
		spsr |= frame->spsr & PSR_PAN;
	else if (read_sysreg(id_aa64mmfr1_el1) & GENMASK(23, 20))
		spsr |= PSR_PAN;
	if (sctlr & SCTLR_DSSBS)
		spsr |= PSR_SSBS;
	write_sysreg(esr, esr_el1);
	write_sysreg(frame->elr, elr_el1);
	write_sysreg(frame->spsr, spsr_el1);
	frame->elr = read_sysreg(vbar_el1) + offset;
	frame->spsr = spsr;
}

void inject_undefined(struct trap_frame *frame)
{
	enter_el1_vector(frame, (u64)EC_UNKNOWN << ESR_EC_SHIFT | ESR_IL);
}

void inject_abort(struct trap_frame *frame, bool instruction, u32 fsc, u64 esr, u64 far)
{
	bool user = (frame->spsr & (PSR_MODE_MASK & ~PSR_MODE_AARCH32)) == PSR_MODE_EL0T;
	u64 ec = instruction ? EC_IABT_LOWER : EC_DABT_LOWER;
	u64 iss = fsc;

	if (!instruction)
		iss |= esr & (ESR_ABT_WNR | ESR_ABT_CM);
	if (!user)
		ec++;			/* from the same level */
	write_sysreg(far, far_el1);
	enter_el1_vector(frame, ec << ESR_EC_SHIFT | ESR_IL | iss);
}

static bool from_user(const struct trap_frame *frame)
{
	return (frame->spsr & 0xf) == PSR_MODE_EL0T;
}

/* Nothing is mapped at @ipa: root gets its fault, another cell fails. */
static void unmapped(struct vcpu *vcpu, struct trap_frame *frame, u64 esr, u64 far, u64 ipa)
{
	bool instruction = ESR_EC(esr) == EC_IABT_LOWER;

	if (!cell_is_root(vcpu->cell))
		cell_fail(HVISOR_REASON_UNMAPPED, frame, esr, far, ipa);
	/*
	 * Linux gives a process SIGBUS for an external abort; a translation
	 * fault of a page that is there would be retried for ever. In the
	 * kernel it is the other way: exception tables (copy_from_user()) know
	 * translation faults only, an external abort is an oops.
	 */
	inject_abort(frame, instruction,
		     from_user(frame) ? FSC_EXTERNAL : FSC_TRANSLATION | 3, esr, far);
}

/*
 * A permission fault where no device is: a store to read-only memory, also of
 * the walker that updates a descriptor there. What a bus would say; not an end
 * of the cell, which may map such memory as it likes. Where stage 2 allows the
 * access AT has met another stage 1 than the access did: the guest tries again.
 */
static void denied(struct vcpu *vcpu, struct trap_frame *frame, u64 esr, u64 far, u64 ipa)
{
	bool instruction = ESR_EC(esr) == EC_IABT_LOWER;
	u64 leaf = paging_walk(&vcpu->cell->s2, ipa, NULL);
	bool refused = instruction ? leaf & S2_XN : (esr & ESR_ABT_WNR) && !(leaf & S2_WRITE);

	if (!(esr & ESR_ABT_S1PTW) && (!leaf || !refused))
		return;
	/* Nothing is dirty in a cache over what cannot be written. */
	if (!instruction && (esr & ESR_ABT_CM) && !(esr & ESR_ABT_S1PTW))
		trap_skip(frame, esr);
	else if (cell_is_root(vcpu->cell))
		unmapped(vcpu, frame, esr, far, ipa);
	else
		inject_abort(frame, instruction, FSC_EXTERNAL, esr, far);
}

static void outside(struct vcpu *vcpu, struct trap_frame *frame, u64 esr, u64 far, u64 ipa)
{
	if (ESR_ABT_TYPE(esr) == FSC_PERMISSION)
		denied(vcpu, frame, esr, far, ipa);
	else
		unmapped(vcpu, frame, esr, far, ipa);
}

static void handle_mmio(struct vcpu *vcpu, struct trap_frame *frame, u64 esr, u64 far, u64 ipa)
{
	struct mmio_access access = { .addr = ipa };
	enum mmio_result result;

	if (!mmio_region_find(&vcpu->cell->mmio, ipa)) {
		outside(vcpu, frame, esr, far, ipa);
		return;
	}
	/* Cache maintenance by VA on a device's page: nothing is cached. */
	if ((esr & ESR_ABT_CM) && !(esr & ESR_ABT_S1PTW)) {
		trap_skip(frame, esr);
		return;
	}
	/*
	 * Readable memory that is out for a moment: no instruction to emulate.
	 * Another fault than that, as of an exclusive load, would come again.
	 */
	if (!(esr & (ESR_ABT_WNR | ESR_ABT_S1PTW)) && ESR_ABT_TYPE(esr) == FSC_TRANSLATION &&
	    device_read_retry(vcpu->cell, ipa))
		return;
	if ((esr & ESR_ABT_S1PTW) || mmio_decode(esr, &access)) {
		inject_abort(frame, false, FSC_EXTERNAL, esr, far);
		return;
	}
	if (access.write && access.reg < 31)
		access.value = frame->x[access.reg];
	if (access.size < 8)
		access.value &= BIT(access.size * 8) - 1;
	result = mmio_handle_access(&vcpu->cell->mmio, &access);
	if (result == MMIO_RETRY)
		return;
	if (result == MMIO_FAIL)
		cell_fail(HVISOR_REASON_DEVICE, frame, esr, far, ipa);
	if (result != MMIO_HANDLED) {
		inject_abort(frame, false, FSC_EXTERNAL, esr, far);
		return;
	}
	if (!access.write && access.reg < 31)
		frame->x[access.reg] = mmio_load_value(&access);
	trap_skip(frame, esr);
}

static void handle_data_abort(struct vcpu *vcpu, struct trap_frame *frame, u64 esr)
{
	u64 far = read_sysreg(far_el2), ipa;

	vcpu->stats->mmio++;
	if (mmio_fault_ipa(esr, far, read_sysreg(hpfar_el2), from_user(frame),
			   mmu_translate_guest, &ipa))
		return;			/* stage 1 has changed: again */
	handle_mmio(vcpu, frame, esr, far, ipa);
}

static void handle_instruction_abort(struct vcpu *vcpu, struct trap_frame *frame, u64 esr)
{
	u64 far = read_sysreg(far_el2), ipa;

	vcpu->stats->other++;
	if (mmio_fault_ipa(esr, far, read_sysreg(hpfar_el2), from_user(frame),
			   mmu_translate_guest, &ipa))
		return;
	/* Code in device memory: what the bus would say. */
	if (mmio_region_find(&vcpu->cell->mmio, ipa))
		inject_abort(frame, true, FSC_EXTERNAL, esr, far);
	else
		outside(vcpu, frame, esr, far, ipa);
}

static void handle_hvc(struct vcpu *vcpu, struct trap_frame *frame, u64 esr __maybe_unused)
{
	smccc_handle(vcpu, frame, true);
}

static void handle_smc(struct vcpu *vcpu, struct trap_frame *frame, u64 esr)
{
	/* A trapped SMC has ELR at itself, HVC behind (D1.3.1.4). */
	trap_skip(frame, esr);
	smccc_handle(vcpu, frame, false);
}

static void handle_undefined(struct vcpu *vcpu, struct trap_frame *frame,
			     u64 esr __maybe_unused)
{
	vcpu->stats->other++;
	inject_undefined(frame);
}

typedef void (*trap_handler)(struct vcpu *vcpu, struct trap_frame *frame, u64 esr);

/* By ESR_EL2.EC; what is not here does not exist for guests. */
static const trap_handler handlers[64] = {
	[EC_HVC64] = handle_hvc,
	[EC_SMC64] = handle_smc,
	[EC_SYSREG] = sysreg_handle,
	[EC_IABT_LOWER] = handle_instruction_abort,
	[EC_DABT_LOWER] = handle_data_abort,
};

static void record_exit(struct percpu *cpu, const struct trap_frame *frame, u64 esr)
{
	struct hvisor_exit *last = &cpu->exits[cpu->exit_head++ % HVISOR_NR_EXITS];

	last->esr = esr;
	last->far = read_sysreg(far_el2);
	last->pc = frame->elr;
}

void trap_handle_sync(struct trap_frame *frame)
{
	struct percpu *cpu = this_cpu();
	struct vcpu *vcpu = cpu->vcpu;
	u64 esr = read_sysreg(esr_el2);
	trap_handler handler = handlers[ESR_EC(esr)];

	vcpu->stats->total++;
	record_exit(cpu, frame, esr);
	if (!handler)
		handler = handle_undefined;
	handler(vcpu, frame, esr);
	irqchip_sync(vcpu);
}

static void count_irq(struct hvisor_cpu_stats *stats, enum irq_kind kind)
{
	stats->total++;
	switch (kind) {
	case IRQ_EVENT:
		stats->management++;
		return;
	case IRQ_MAINTENANCE:
		stats->maintenance++;
		return;
	case IRQ_GUEST:
		stats->virt_irq++;
		return;
	case IRQ_NONE:
		stats->other++;
	}
}

void trap_handle_irq(struct trap_frame *frame __maybe_unused)
{
	struct percpu *cpu = this_cpu();

	count_irq(cpu->vcpu->stats, irqchip_handle_irqs(cpu));
	cpu_handle_requests(cpu);
	irqchip_sync(cpu->vcpu);
}

/*
 * PSTATE.A is set from exception entry to ERET, so an SError that the guest
 * caused is taken when the guest runs again: from a lower level, and so its
 * own (D1.3.3). EL2 itself touches no device but GIC and UART.
 */
void trap_handle_serror(struct trap_frame *frame)
{
	struct vcpu *vcpu = this_cpu()->vcpu;

	vcpu->stats->total++;
	vcpu->stats->other++;
	if (!cell_is_root(vcpu->cell))
		cell_fail(HVISOR_REASON_SERROR, frame, read_sysreg(esr_el2), 0, ~0UL);
	/* Pending until root unmasks it; cleared by being taken (D1.3.3.4). */
	write_sysreg(read_sysreg(hcr_el2) | HCR_VSE, hcr_el2);
	irqchip_sync(vcpu);
}

void __noreturn trap_fatal(const struct trap_frame *frame, u64 kind)
{
	static const char *const kinds[] = {
		"exception with SP_EL0", "interrupt with SP_EL0", "FIQ with SP_EL0",
		"SError with SP_EL0", "exception at EL2", "interrupt at EL2", "FIQ at EL2",
		"SError at EL2",
	};

	panic_regs(frame, read_sysreg(esr_el2), read_sysreg(far_el2), kinds[kind & 7]);
}
