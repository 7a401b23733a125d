// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How cells interrupt root: not by a lock of root's, and whatever its CPUs do
 * meanwhile. Root has three CPUs with a real vGIC; a fourth is a cell's.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cell.h"
#include "doorbell.h"
#include "irqchip.h"
#include "percpu.h"

#define ROOT_CPUS	3
#define CELL_CPU	ROOT_CPUS
#define NR_CPUS		(ROOT_CPUS + 1)
#define NR_IRQS		64
#define FIRST_SPI	40
#define GICD_ICFGR	0xc00
#define GICD_IROUTER	0x6000

#define SGI_EVENT	1U
#define SGI_RAISE	2U

struct cell root_cell;
struct percpu *percpus[HVISOR_MAX_CPUS];

static struct percpu cpus[NR_CPUS];
static struct vcpu vcpus[NR_CPUS];
static struct cell cell = { .id = 1 };
static struct vgic_irq spis[NR_IRQS - VGIC_NR_PRIVATE];
static u32 sgis[NR_CPUS];		/* SGI_*: pending */
static _Thread_local struct percpu *running;

/* -- the rest of EL2 -- */

struct percpu *this_cpu(void)
{
	return running;
}

u32 irqchip_root_spi(u32 id)
{
	return FIRST_SPI + id - 1;
}

void irqchip_send_raise(const struct percpu *cpu)
{
	__atomic_fetch_or(&sgis[cpu - cpus], SGI_RAISE, __ATOMIC_SEQ_CST);
}

void vgic_kick(struct vgic_cpu *cpu)
{
	if (&cpus[cpu->id] != running)
		__atomic_fetch_or(&sgis[cpu->id], SGI_EVENT, __ATOMIC_SEQ_CST);
}

/* None of these interrupts is physical. */
void vgic_hw_enable(struct vgic_cpu *cpu, u32 intid, bool enable)
{
	(void)cpu;
	(void)intid;
	(void)enable;
	abort();
}

void vgic_hw_set_pending(struct vgic_cpu *cpu, u32 intid, bool pending)
{
	vgic_hw_enable(cpu, intid, pending);
}

void vgic_hw_set_active(struct vgic_cpu *cpu, u32 intid, bool active)
{
	vgic_hw_enable(cpu, intid, active);
}

void vgic_hw_config(struct vgic_cpu *cpu, u32 intid, bool edge)
{
	vgic_hw_enable(cpu, intid, edge);
}

void vgic_hw_route(u32 intid, struct vgic_cpu *target)
{
	vgic_hw_enable(target, intid, true);
}

/* -- root -- */

static u32 take_sgis(u32 n)
{
	return __atomic_exchange_n(&sgis[n], 0, __ATOMIC_SEQ_CST);
}

static void route(u32 id, u32 n)
{
	struct vgic *vgic = &root_cell.vgic;

	vgic_lock(vgic);
	vgic_set_route(vgic, vgic_irq_get(vgic, NULL, irqchip_root_spi(id)), n);
	vgic_unlock(vgic);
}

static void go_online(u32 n)
{
	vgic_lock(&root_cell.vgic);
	vgic_cpu_online(&root_cell.vgic, &vcpus[n].vgic);
	vgic_unlock(&root_cell.vgic);
}

/* As irqchip_vcpu_exit(). */
static void go_offline(u32 n)
{
	vgic_lock(&root_cell.vgic);
	vgic_cpu_offline(&root_cell.vgic, &vcpus[n].vgic);
	irqchip_raise_elsewhere(n);
	vgic_unlock(&root_cell.vgic);
}

static void sync_lrs(u32 n)
{
	vgic_lock(&root_cell.vgic);
	vgic_cpu_sync(&root_cell.vgic, &vcpus[n].vgic);
	vgic_unlock(&root_cell.vgic);
}

/* State in the CPU's list register of the interrupt for cell @id. */
static u64 lr_state(u32 n, u32 id)
{
	const struct vgic_cpu *cpu = &vcpus[n].vgic;
	u32 i;

	for (i = 0; i < cpu->nr_lr; i++)
		if (cpu->lr[i] && (u32)cpu->lr[i] == irqchip_root_spi(id))
			return cpu->lr[i] & VGIC_LR_STATE;
	return 0;
}

static bool pending(u32 id)
{
	return spis[irqchip_root_spi(id) - VGIC_NR_PRIVATE].pending;
}

/* As root's driver does it at boot: an edge, enabled. */
static void enable(u32 id)
{
	struct vgic_irq *irq = &spis[irqchip_root_spi(id) - VGIC_NR_PRIVATE];

	irq->edge = true;
	vgic_set_enabled(&root_cell.vgic, irq, true);
}

static int setup(void **state)
{
	struct vgic *vgic = &root_cell.vgic;
	u32 n;

	(void)state;
	memset(&root_cell, 0, sizeof(root_cell));
	memset(vcpus, 0, sizeof(vcpus));
	memset(sgis, 0, sizeof(sgis));
	vgic_init(vgic, NR_IRQS, spis);
	for (n = 0; n < NR_CPUS; n++) {
		percpus[n] = &cpus[n];
		cpus[n].vcpu = &vcpus[n];
		vcpus[n].cell = n < ROOT_CPUS ? &root_cell : &cell;
		if (n < ROOT_CPUS)
			vgic_add_cpu(vgic, &vcpus[n].vgic, n, 4);
	}
	for (n = 1; n < HVISOR_MAX_CELLS; n++)
		vgic_own(vgic, irqchip_root_spi(n), false);
	vgic_lock(vgic);
	vgic_set_ctlr(vgic, VGIC_CTLR_GRP1);
	for (n = 1; n < HVISOR_MAX_CELLS; n++)
		enable(n);
	vgic_unlock(vgic);
	for (n = 0; n < ROOT_CPUS; n++)
		go_online(n);
	/* What the last test has left, and whom it has found. */
	irqchip_fold_raised();
	for (n = 1; n < HVISOR_MAX_CELLS; n++) {
		route(n, 0);
		spis[irqchip_root_spi(n) - VGIC_NR_PRIVATE].pending = false;
	}
	for (n = 1; n < NR_CPUS; n++)
		irqchip_raise_elsewhere(n);
	for (n = 0; n < ROOT_CPUS; n++)
		sync_lrs(n);
	memset(sgis, 0, sizeof(sgis));
	running = &cpus[CELL_CPU];
	return 0;
}

/* -- one after the other -- */

/* The lock aborts who takes it twice. */
static void raising_takes_no_lock_of_roots(void **state)
{
	(void)state;
	vgic_lock(&root_cell.vgic);
	irqchip_raise_root(1);
	assert_int_equal(take_sgis(0), SGI_RAISE);
	/* Somebody is on the way already. */
	irqchip_raise_root(1);
	assert_int_equal(take_sgis(0), 0);
	irqchip_raise_root(2);
	assert_int_equal(take_sgis(0), SGI_RAISE);
	vgic_unlock(&root_cell.vgic);
	assert_false(pending(1));
	irqchip_fold_raised();
	assert_true(pending(1) && pending(2));
	assert_false(pending(3));
}

/* The next one goes where root has its interrupt. */
static void any_cpu_folds(void **state)
{
	(void)state;
	route(1, 2);
	take_sgis(2);
	irqchip_raise_root(1);
	assert_int_equal(take_sgis(0), SGI_RAISE);
	irqchip_fold_raised();
	assert_int_equal(take_sgis(2), SGI_EVENT);
	sync_lrs(2);
	assert_int_equal(lr_state(2, 1), VGIC_LR_PENDING);
	irqchip_raise_root(1);
	assert_int_equal(take_sgis(0), 0);
	assert_int_equal(take_sgis(2), SGI_RAISE);
	/* It needs nobody's kick. */
	running = &cpus[2];
	irqchip_fold_raised();
	assert_int_equal(take_sgis(2), 0);
	assert_true(vcpus[2].vgic.dirty);
}

static void raised_while_active_comes_again(void **state)
{
	struct vgic_cpu *cpu = &vcpus[0].vgic;

	(void)state;
	irqchip_raise_root(1);
	irqchip_fold_raised();
	sync_lrs(0);
	assert_int_equal(lr_state(0, 1), VGIC_LR_PENDING);
	cpu->lr[0] ^= VGIC_LR_PENDING | VGIC_LR_ACTIVE;
	irqchip_raise_root(1);
	irqchip_fold_raised();
	sync_lrs(0);
	assert_int_equal(lr_state(0, 1), VGIC_LR_PENDING | VGIC_LR_ACTIVE);
}

static void root_needs_no_sgi(void **state)
{
	(void)state;
	running = &cpus[0];
	irqchip_raise_root(1);
	assert_true(pending(1));
	assert_int_equal(take_sgis(0), 0);
}

static void a_cpu_that_leaves_root_loses_nothing(void **state)
{
	(void)state;
	route(1, 2);
	route(2, 2);
	irqchip_raise_root(1);
	irqchip_raise_root(2);
	irqchip_fold_raised();
	memset(sgis, 0, sizeof(sgis));
	irqchip_raise_root(1);
	/* The SGI is on its way to a CPU that folds as another cell's. */
	go_offline(2);
	cpus[2].vcpu = &vcpus[CELL_CPU];
	running = &cpus[2];
	assert_int_equal(take_sgis(2), SGI_RAISE);
	irqchip_fold_raised();
	assert_true(pending(1));
	/* No more of root's is sent there, whether it was folded since or not. */
	irqchip_raise_root(1);
	assert_int_equal(take_sgis(0), SGI_RAISE);
	irqchip_raise_root(2);
	assert_int_equal(take_sgis(0), SGI_RAISE);
	assert_int_equal(take_sgis(2), 0);
	irqchip_fold_raised();
	irqchip_raise_root(1);
	assert_int_equal(take_sgis(0), SGI_RAISE);
	irqchip_fold_raised();
	/* Root moves it. */
	route(1, 1);
	sync_lrs(1);
	assert_int_equal(lr_state(1, 1), VGIC_LR_PENDING);
}

/* -- all at once -- */

#define CELLS		2
#define ROUNDS		20000
#define PATIENCE	10	/* seconds */

static struct hvisor_bell_page bells[CELLS + 1];
static u64 rung[CELLS + 1], taken[CELLS + 1];
static u32 ringing, stopping;

static void *ringer(void *arg)
{
	u32 id = (u32)(uintptr_t)arg, i;
	struct vcpu vcpu = { .cell = &cell };
	struct percpu cpu = { .vcpu = &vcpu };

	running = &cpu;
	for (i = 0; i < ROUNDS; i++) {
		if (!doorbell_set(&bells[id], i % 4, 1, 0)) {
			sched_yield();
			continue;
		}
		rung[id]++;
		if (doorbell_tell(&bells[id]))
			irqchip_raise_root(id);
	}
	__atomic_fetch_sub(&ringing, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void root_handler(u32 id)
{
	struct hvisor_bell_page *bell = &bells[id];
	u32 bits, device;

	__atomic_store_n(&bell->told, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	bits = __atomic_exchange_n(&bell->bells, 0, __ATOMIC_SEQ_CST);
	for (device = 0; device < 4; device++)
		if (bits & 1U << device)
			__atomic_fetch_add(&taken[id],
					   __atomic_exchange_n(&bell->doorbells[device].bits, 0,
							       __ATOMIC_SEQ_CST),
					   __ATOMIC_RELAXED);
}

static void run_guest(struct vgic_cpu *cpu)
{
	u32 i;

	for (i = 0; i < cpu->nr_lr; i++) {
		if (!(cpu->lr[i] & VGIC_LR_PENDING))
			continue;
		cpu->lr[i] ^= VGIC_LR_PENDING | VGIC_LR_ACTIVE;
		root_handler((u32)cpu->lr[i] - FIRST_SPI + 1);
		cpu->lr[i] &= ~VGIC_LR_ACTIVE;
	}
}

/* An exit, if there is a reason. */
static void take_interrupts(u32 n)
{
	u32 bits = take_sgis(n);

	if (!bits) {
		sched_yield();
		return;
	}
	if (bits & SGI_RAISE)
		irqchip_fold_raised();
	if (vcpus[n].vgic.online && READ_ONCE(vcpus[n].vgic.dirty))
		sync_lrs(n);
}

/* Each goes off now and then, but for CPU 0, which moves the interrupts. */
static void *root_cpu(void *arg)
{
	u32 n = (u32)(uintptr_t)arg, round, i;

	running = &cpus[n];
	for (round = 1; !__atomic_load_n(&stopping, __ATOMIC_SEQ_CST); round++) {
		take_interrupts(n);
		run_guest(&vcpus[n].vgic);
		if (n && round % 64 == 0) {
			go_offline(n);
			for (i = 0; i < round % 7; i++)
				take_interrupts(n);
			go_online(n);
			sync_lrs(n);
		} else if (!n && round % 16 == 0) {
			route(1 + round / 16 % CELLS, round / 32 % ROOT_CPUS);
			sync_lrs(n);
		}
	}
	return NULL;
}

static bool all_taken(void)
{
	u32 id;

	for (id = 1; id <= CELLS; id++)
		if (__atomic_load_n(&taken[id], __ATOMIC_RELAXED) != rung[id])
			return false;
	return true;
}

static void no_wake_up_is_lost(void **state)
{
	pthread_t cells[CELLS], root[ROOT_CPUS];
	time_t deadline;
	u32 i;

	(void)state;
	ringing = CELLS;
	for (i = 0; i < ROOT_CPUS; i++)
		assert_int_equal(pthread_create(&root[i], NULL, root_cpu,
						(void *)(uintptr_t)i), 0);
	for (i = 0; i < CELLS; i++)
		assert_int_equal(pthread_create(&cells[i], NULL, ringer,
						(void *)(uintptr_t)(i + 1)), 0);
	for (i = 0; i < CELLS; i++)
		pthread_join(cells[i], NULL);
	/* A lost one is lost for good: "told" stays set. */
	for (deadline = time(NULL) + PATIENCE; !all_taken() && time(NULL) < deadline; )
		sched_yield();
	__atomic_store_n(&stopping, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < ROOT_CPUS; i++)
		pthread_join(root[i], NULL);
	for (i = 1; i <= CELLS; i++) {
		assert_int_equal(rung[i], taken[i]);
		assert_true(rung[i] > 0);
		assert_int_equal(bells[i].bells, 0);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(raising_takes_no_lock_of_roots),
		TEST(any_cpu_folds),
		TEST(raised_while_active_comes_again),
		TEST(root_needs_no_sgi),
		TEST(a_cpu_that_leaves_root_loses_nothing),
		TEST(no_wake_up_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
