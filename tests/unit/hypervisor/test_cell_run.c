// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a cell runs and comes to an end: hypervisor/cell-run.c, with CPUs that
 * park when the test says so.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cell.h"
#include "control.h"
#include "device.h"
#include "mem.h"
#include "panic.h"
#include "percpu.h"
#include "printk.h"

#define NR	3

static struct {
	u32 events;
	u32 quiesced;
	u32 state_at_quiesce;
	u32 loads;
	int load_result;
	u32 resets;
	u32 cleaned;
	bool code_synced;
	u32 blocks;
	u32 stop_after;
	jmp_buf gone;
} world;

struct cell root_cell;
static struct cell cell;
static struct vcpu vcpus[NR];
static struct hvisor_cell_page cell_page;
static struct percpu cpus[NR + 1];	/* the last one is root's */
static struct percpu *running;

struct percpu *this_cpu(void)
{
	return running;
}

/* -- the rest of EL2, played -- */

void cell_page_begin(struct cell *of)
{
	of->page->seq++;
}

void cell_page_end(struct cell *of)
{
	of->page->seq++;
}

void cell_set_state(struct cell *of, u32 state, u32 reason)
{
	of->state = state;
	of->page->state = state;
	of->page->reason = reason;
	world.events++;
}

void vcpu_set_state(struct vcpu *vcpu, enum vcpu_state state)
{
	vcpu->state = state;
}

void cpu_request(struct percpu *cpu, u32 requests)
{
	cpu->requests |= requests;
}

void vcpu_stop_self(void)
{
	longjmp(world.gone, 1);
}

void arch_system_off(void)
{
	longjmp(world.gone, 2);
}

void arch_system_reset(void)
{
	longjmp(world.gone, 3);
}

void panic(const char *fmt __maybe_unused, ...)
{
	longjmp(world.gone, 4);
}

void printk_level(enum log_level level __maybe_unused, const char *fmt __maybe_unused, ...)
{
}

int devices_load(struct cell *of __maybe_unused, u32 *which)
{
	world.loads++;
	if (world.load_result)
		*which = 5;
	return world.load_result;
}

void devices_quiesce(struct cell *of)
{
	world.quiesced++;
	world.state_at_quiesce = of->state;
}

void vgic_lock(struct vgic *vgic __maybe_unused)
{
}

void vgic_unlock(struct vgic *vgic __maybe_unused)
{
}

void vgic_reset(struct vgic *vgic __maybe_unused)
{
	world.resets++;
}

bool arch_memory_reachable(const struct cell *of __maybe_unused, u64 ipa, u64 size,
			   bool write __maybe_unused)
{
	return ipa >= 0x40000000 && ipa + size <= 0x50000000;
}

void arch_failure_fill(struct hvisor_failure *failure,
		       const struct trap_frame *frame __maybe_unused)
{
	failure->pc = 0x1234;
}

u64 paging_walk(const struct paging *pg __maybe_unused, u64 virt, u64 walk[PAGING_LEVELS])
{
	walk[1] = virt;
	return 0;
}

u64 mem_next(unsigned int id, u64 pa)
{
	assert_int_equal(id, cell.id);
	pa = pa ? pa : BLOCK_SIZE;
	return pa <= world.blocks * BLOCK_SIZE ? pa : ~0UL;
}

void arch_block_clean(u64 pa)
{
	world.cleaned++;
	assert_int_equal(pa, world.cleaned * BLOCK_SIZE);
	if (world.cleaned == world.stop_after)
		running->requests |= CPU_REQ_STOP;
}

void arch_code_sync(void)
{
	world.code_synced = true;
}

/* -- helpers -- */

static int setup(void **state)
{
	u32 n;

	(void)state;
	memset(&world, 0, sizeof(world));
	memset(&cell, 0, sizeof(cell));
	memset(&cell_page, 0, sizeof(cell_page));
	memset(cpus, 0, sizeof(cpus));
	cell.id = 2;
	cell.page = &cell_page;
	cell_page.memory_blocks = 4;
	cell.nr_vcpus = NR;
	cell.state = HVISOR_CELL_CREATED;
	for (n = 0; n < NR; n++) {
		vcpus[n] = (struct vcpu){ .cell = &cell, .cpu = &cpus[n], .id = n };
		cell.vcpus[n] = &vcpus[n];
		cpus[n].vcpu = &vcpus[n];
	}
	running = &cpus[NR];
	return 0;
}

static void run_all(void)
{
	u32 n;

	cell.state = HVISOR_CELL_RUNNING;
	for (n = 0; n < NR; n++)
		vcpus[n].state = VCPU_ON;
}

/* What vcpu_stop_self() does of it. */
static void park(u32 n)
{
	vcpus[n].state = VCPU_OFF;
	vcpus[n].paused = false;
	cpus[n].requests = 0;
	cell_cpu_parked(&cell);
}

/* Runs @call, which does not come back; tells where it went. */
#define AWAY(call) ({ int __where = setjmp(world.gone); if (!__where) call; __where; })

/* -- tests -- */

static void load_wants_memory_and_devices(void **state)
{
	u32 which;

	(void)state;
	cell_page.memory_blocks = 0;
	assert_int_equal(cell_load(&cell, &which), -EBUSY);
	assert_int_equal(world.loads, 0);
	cell_page.memory_blocks = 1;
	world.load_result = -ENODEV;
	assert_int_equal(cell_load(&cell, &which), -ENODEV);
	assert_int_equal(which, 5);
	assert_int_equal(cell.state, HVISOR_CELL_CREATED);
	assert_int_equal(world.resets, 0);
	world.load_result = 0;
	assert_int_equal(cell_load(&cell, &which), 0);
	assert_int_equal(which, ~0U);
	assert_int_equal(cell.state, HVISOR_CELL_LOADED);
	assert_int_equal(world.resets, 1);
	assert_int_equal(world.events, 1);
}

static void start_wants_an_entry_in_memory(void **state)
{
	(void)state;
	assert_int_equal(cell_start(&cell, 0x40000000, 0), -EBUSY);
	cell.state = HVISOR_CELL_LOADED;
	assert_int_equal(cell_start(&cell, 0x40000002, 0), -EINVAL);
	assert_int_equal(cell_start(&cell, 0x30000000, 0), -EINVAL);
	assert_int_equal(cell_start(&cell, 0x50000000, 0), -EINVAL);
	assert_int_equal(cell.state, HVISOR_CELL_LOADED);
	assert_int_equal(cell_start(&cell, 0x40000000, 7), 0);
	assert_int_equal(cell.state, HVISOR_CELL_RUNNING);
	assert_int_equal(vcpus[0].state, VCPU_ON_PENDING);
	assert_int_equal(vcpus[0].context, 7);
	assert_true(vcpus[0].clean);
	assert_int_equal(vcpus[1].state, VCPU_OFF);
}

static void the_last_cpu_to_park_makes_the_end(void **state)
{
	u32 which;

	(void)state;
	run_all();
	assert_int_equal(cell_stop(&cell), -EAGAIN);
	assert_int_equal(cpus[0].requests & cpus[1].requests & cpus[2].requests, CPU_REQ_STOP);
	park(1);
	park(0);
	assert_int_equal(cell.state, HVISOR_CELL_RUNNING);
	assert_int_equal(cell_stop(&cell), -EAGAIN);
	assert_int_equal(cell_load(&cell, &which), -EAGAIN);
	assert_int_equal(which, ~0U);
	assert_int_equal(world.quiesced, 0);
	park(2);
	assert_int_equal(cell.state, HVISOR_CELL_STOPPED);
	assert_int_equal(cell_page.reason, HVISOR_REASON_STOP);
	assert_int_equal(world.quiesced, 1);
	assert_int_equal(world.state_at_quiesce, HVISOR_CELL_STOPPED);
	assert_int_equal(cell_stop(&cell), 0);
	assert_int_equal(world.events, 1);
}

static void stop_takes_back_a_start(void **state)
{
	(void)state;
	cell.state = HVISOR_CELL_LOADED;
	assert_int_equal(cell_start(&cell, 0x40000000, 0), 0);
	assert_int_equal(cell_stop(&cell), 0);
	assert_int_equal(vcpus[0].state, VCPU_OFF);
	assert_int_equal(cell.state, HVISOR_CELL_STOPPED);
	/* Nothing is left of the stop for the next life. */
	assert_int_equal(cell.end_state, HVISOR_CELL_NONE);
}

/* A monitor waits before it starts a cell again: it is to hear of the stop. */
static void stop_calls_off_what_would_follow(void **state)
{
	static const u32 states[] = {
		HVISOR_CELL_LOADED, HVISOR_CELL_STOPPED, HVISOR_CELL_FAILED,
	};
	u32 n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(states); n++) {
		cell.state = states[n];
		cell_page.reason = HVISOR_REASON_RESET;
		world.events = 0;
		assert_int_equal(cell_stop(&cell), 0);
		assert_int_equal(cell.state, HVISOR_CELL_STOPPED);
		assert_int_equal(cell_page.reason, HVISOR_REASON_STOP);
		assert_int_equal(world.events, 1);
		assert_int_equal(cell_start(&cell, 0x40000000, 0), -EBUSY);
	}
	cell.state = HVISOR_CELL_CREATED;
	assert_int_equal(cell_stop(&cell), -EBUSY);
}

static void cpu_off_of_the_last_is_a_power_off(void **state)
{
	(void)state;
	run_all();
	park(0);
	park(2);
	assert_int_equal(cell.state, HVISOR_CELL_RUNNING);
	/* One that is on its way counts. */
	vcpus[0].state = VCPU_ON_PENDING;
	park(1);
	assert_int_equal(cell.state, HVISOR_CELL_RUNNING);
	park(0);
	assert_int_equal(cell.state, HVISOR_CELL_STOPPED);
	assert_int_equal(cell_page.reason, HVISOR_REASON_OFF);
}

static void a_guest_switches_itself_off(void **state)
{
	(void)state;
	run_all();
	running = &cpus[1];
	assert_int_equal(AWAY(cell_system_reset(&cell)), 1);
	assert_int_equal(cpus[0].requests, CPU_REQ_STOP);
	assert_int_equal(cpus[1].requests, 0);
	/* Another CPU's wish comes too late. */
	running = &cpus[2];
	assert_int_equal(AWAY(cell_system_off(&cell)), 1);
	park(0);
	park(1);
	park(2);
	assert_int_equal(cell.state, HVISOR_CELL_STOPPED);
	assert_int_equal(cell_page.reason, HVISOR_REASON_RESET);
}

static void root_switches_the_machine_off(void **state)
{
	(void)state;
	assert_int_equal(AWAY(cell_system_off(&root_cell)), 2);
	assert_int_equal(AWAY(cell_system_reset(&root_cell)), 3);
}

static void the_first_failure_is_kept(void **state)
{
	const struct hvisor_failure *failure = &cell_page.failure;
	u32 n;

	(void)state;
	run_all();
	running = &cpus[1];
	running->exit_head = 11;
	for (n = 0; n < HVISOR_NR_EXITS; n++)
		running->exits[n].pc = n;
	assert_int_equal(AWAY(cell_fail(HVISOR_REASON_UNMAPPED, NULL, 1, 2, 3)), 1);
	running = &cpus[2];
	assert_int_equal(AWAY(cell_fail(HVISOR_REASON_SERROR, NULL, 4, 5, ~0UL)), 1);
	assert_int_equal(failure->reason, HVISOR_REASON_UNMAPPED);
	assert_int_equal(failure->cpu, 1);
	assert_int_equal(failure->esr, 1);
	assert_int_equal(failure->far, 2);
	assert_int_equal(failure->ipa, 3);
	assert_int_equal(failure->walk[1], 3);
	assert_int_equal(failure->pc, 0x1234);
	assert_int_equal(failure->count, 1);
	assert_int_equal(failure->exits[0].pc, 3);	/* the oldest */
	assert_int_equal(failure->exits[7].pc, 2);
	assert_int_equal(cell_page.seq % 2, 0);
	for (n = 0; n < NR; n++)
		park(n);
	assert_int_equal(cell.state, HVISOR_CELL_FAILED);
	assert_int_equal(cell_page.reason, HVISOR_REASON_UNMAPPED);
	assert_int_equal(AWAY(cell_fail(HVISOR_REASON_DEVICE, NULL, 0, 0, ~0UL)), 1);
	assert_int_equal(failure->count, 2);
	assert_int_equal(failure->walk[1], 0);
	root_cell.page = &cell_page;
	running->vcpu = &(struct vcpu){ .cell = &root_cell };
	assert_int_equal(AWAY(cell_fail(HVISOR_REASON_DEVICE, NULL, 0, 0, ~0UL)), 4);
}

static void an_serror_that_is_left_behind_is_the_cells(void **state)
{
	const struct hvisor_failure *failure = &cell_page.failure;

	(void)state;
	run_all();
	cell_left_serror(&vcpus[1], 0x80000011);
	assert_int_equal(failure->reason, HVISOR_REASON_SERROR);
	assert_int_equal(failure->cpu, 1);
	assert_int_equal(failure->esr, 0x80000011);
	assert_int_equal(failure->count, 1);
	/* One that comes behind the end changes nothing of it. */
	cell_left_serror(&vcpus[2], 0x80000012);
	assert_int_equal(failure->cpu, 1);
	assert_int_equal(failure->count, 1);
	for (u32 n = 0; n < NR; n++)
		park(n);
	assert_int_equal(cell.state, HVISOR_CELL_FAILED);
}

/* What vcpu_pause_self() does of it, and that it goes on. */
static void wait_at_el2(u32 n)
{
	cpus[n].requests &= ~CPU_REQ_PAUSE;
	vcpus[n].paused = cell.pausing;
	cell_cpu_paused(&cell);
}

static void the_last_cpu_to_wait_makes_the_pause(void **state)
{
	u32 n;

	(void)state;
	run_all();
	assert_int_equal(cell_pause(&cell, false), -EAGAIN);
	assert_int_equal(cpus[0].requests & cpus[1].requests & cpus[2].requests,
			 CPU_REQ_PAUSE);
	wait_at_el2(2);
	/* Asked again, nobody is asked twice. */
	assert_int_equal(cell_pause(&cell, true), -EAGAIN);
	assert_int_equal(cpus[2].requests, 0);
	wait_at_el2(0);
	assert_int_equal(cell.state, HVISOR_CELL_RUNNING);
	wait_at_el2(1);
	assert_int_equal(cell.state, HVISOR_CELL_PAUSED);
	assert_int_equal(cell_page.reason, HVISOR_REASON_NONE);
	assert_int_equal(cell_pause(&cell, true), 0);
	assert_int_equal(world.events, 1);
	assert_int_equal(cell_start(&cell, 0x40000000, 0), -EBUSY);
	assert_int_equal(cell_load(&cell, &n), -EBUSY);
	assert_int_equal(cell_resume(&cell), 0);
	assert_int_equal(cell.state, HVISOR_CELL_RUNNING);
	for (n = 0; n < NR; n++)
		assert_false(vcpus[n].paused);
	assert_int_equal(cell_resume(&cell), -EBUSY);
	assert_int_equal(world.quiesced, 0);
}

/* One that is off or about to start has nothing to keep. */
static void a_pause_waits_for_those_that_run(void **state)
{
	(void)state;
	cell.state = HVISOR_CELL_LOADED;
	assert_int_equal(cell_start(&cell, 0x40000000, 0), 0);
	assert_int_equal(cell_pause(&cell, false), 0);
	assert_int_equal(cell.state, HVISOR_CELL_PAUSED);
	assert_int_equal(vcpus[0].state, VCPU_ON_PENDING);
	assert_true(cell.pausing);
	assert_int_equal(cell_resume(&cell), 0);
	run_all();
	vcpus[1].state = VCPU_OFF;
	assert_int_equal(cell_pause(&cell, false), -EAGAIN);
	wait_at_el2(0);
	/* The other one goes off before it has seen it. */
	park(2);
	assert_int_equal(cell.state, HVISOR_CELL_PAUSED);
}

static void a_pause_that_nobody_waits_for_is_taken_back(void **state)
{
	(void)state;
	run_all();
	assert_int_equal(cell_pause(&cell, false), -EAGAIN);
	wait_at_el2(0);
	assert_int_equal(cell_resume(&cell), 0);
	assert_int_equal(cell.state, HVISOR_CELL_RUNNING);
	assert_false(vcpus[0].paused);
	/* Whoever wanted the pause, and comes again, hears of it. */
	assert_int_equal(cell_pause(&cell, true), -EBUSY);
	assert_false(cell.pausing);
	/* The request that is still under way means nothing any more. */
	wait_at_el2(1);
	assert_false(vcpus[1].paused);
	assert_int_equal(cell.state, HVISOR_CELL_RUNNING);
	assert_int_equal(world.events, 0);
}

static void an_end_is_stronger_than_a_pause(void **state)
{
	u32 n;

	(void)state;
	run_all();
	assert_int_equal(cell_pause(&cell, false), -EAGAIN);
	for (n = 0; n < NR; n++)
		wait_at_el2(n);
	assert_int_equal(cell.state, HVISOR_CELL_PAUSED);
	assert_int_equal(cell_stop(&cell), -EAGAIN);
	assert_int_equal(cpus[0].requests & cpus[1].requests & cpus[2].requests,
			 CPU_REQ_STOP);
	assert_int_equal(cell_resume(&cell), -EBUSY);
	assert_int_equal(cell_pause(&cell, false), -EBUSY);
	assert_int_equal(cell_load(&cell, &n), -EAGAIN);
	for (n = 0; n < NR; n++)
		park(n);
	assert_int_equal(cell.state, HVISOR_CELL_STOPPED);
	assert_int_equal(cell_pause(&cell, false), -EBUSY);
	assert_int_equal(cell_resume(&cell), -EBUSY);
	/* Before the last one waits the guest switches itself off. */
	run_all();
	assert_int_equal(cell_pause(&cell, false), -EAGAIN);
	wait_at_el2(0);
	running = &cpus[1];
	assert_int_equal(AWAY(cell_system_off(&cell)), 1);
	wait_at_el2(2);
	assert_int_equal(cell.state, HVISOR_CELL_RUNNING);
	for (n = 0; n < NR; n++)
		park(n);
	assert_int_equal(cell_page.reason, HVISOR_REASON_OFF);
	assert_false(cell.pausing);
	/* The only one that runs goes off: there is nothing to resume. */
	run_all();
	vcpus[1].state = vcpus[2].state = VCPU_OFF;
	assert_int_equal(cell_pause(&cell, false), -EAGAIN);
	park(0);
	assert_int_equal(cell.state, HVISOR_CELL_STOPPED);
	assert_false(cell.pausing);
}

static void destroy_is_stronger_than_any_end(void **state)
{
	(void)state;
	run_all();
	assert_int_equal(cell_stop(&cell), -EAGAIN);
	assert_true(cell_end(&cell, HVISOR_CELL_DYING, HVISOR_REASON_STOP));
	cell.state = HVISOR_CELL_DYING;
	park(0);
	park(1);
	park(2);
	assert_true(cell_parked(&cell));
	assert_int_equal(cell.state, HVISOR_CELL_DYING);
	assert_int_equal(world.quiesced, 0);
}

static void all_memory_is_cleaned_or_the_start_given_up(void **state)
{
	(void)state;
	world.blocks = 10;
	running = &cpus[0];
	cell_clean_memory(&cell);
	assert_int_equal(world.cleaned, 10);
	assert_true(world.code_synced);
	world.cleaned = 0;
	world.code_synced = false;
	world.stop_after = 4;
	assert_int_equal(AWAY(cell_clean_memory(&cell)), 1);
	assert_int_equal(world.cleaned, 4);
	assert_false(world.code_synced);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(load_wants_memory_and_devices, setup),
		cmocka_unit_test_setup(start_wants_an_entry_in_memory, setup),
		cmocka_unit_test_setup(the_last_cpu_to_park_makes_the_end, setup),
		cmocka_unit_test_setup(stop_takes_back_a_start, setup),
		cmocka_unit_test_setup(stop_calls_off_what_would_follow, setup),
		cmocka_unit_test_setup(cpu_off_of_the_last_is_a_power_off, setup),
		cmocka_unit_test_setup(a_guest_switches_itself_off, setup),
		cmocka_unit_test_setup(root_switches_the_machine_off, setup),
		cmocka_unit_test_setup(the_first_failure_is_kept, setup),
		cmocka_unit_test_setup(an_serror_that_is_left_behind_is_the_cells, setup),
		cmocka_unit_test_setup(the_last_cpu_to_wait_makes_the_pause, setup),
		cmocka_unit_test_setup(a_pause_waits_for_those_that_run, setup),
		cmocka_unit_test_setup(a_pause_that_nobody_waits_for_is_taken_back, setup),
		cmocka_unit_test_setup(an_end_is_stronger_than_a_pause, setup),
		cmocka_unit_test_setup(destroy_is_stronger_than_any_end, setup),
		cmocka_unit_test_setup(all_memory_is_cleaned_or_the_start_given_up, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
