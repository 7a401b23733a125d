// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual devices with the rest of EL2 played by this file: what creation
 * refuses and gives back, what root's calls do, who waits and what ends that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cell.h"
#include "control.h"
#include "device.h"
#include "doorbell.h"
#include "errno.h"
#include "irqchip.h"
#include "log.h"
#include "mem.h"
#include "percpu.h"
#include "timer.h"

#define IPA	0x0a000000UL
#define RAM	0x40000000UL
#define IRQ	48

struct cell root_cell;
static struct cell cell;
static struct hvisor_cell_page cell_page;
static struct vcpu vcpus[2];
static struct percpu cpus[3];		/* 0: root's */
static struct percpu *running;
static struct vgic_irq irqs[256];

/* What the world did, for the tests to look at. */
static struct {
	int pages;		/* of the pool, in use */
	int shared;
	int alloc_left;		/* allocations before the pool is empty */
	int share_left;
	int mapped;		/* register pages that the guest sees */
	int max_mapped;
	int root_irqs;
	int guest_irqs;
	bool line;
	int withdrawn;
	int events[3];		/* SGIs, by CPU */
	u64 now;
	u64 armed;
	u8 args[4096];
	void (*while_waiting)(void);
	int waits;
	bool synced;		/* list registers, since the last wait */
} world;

/* -- the rest of EL2 -- */

void *mem_alloc(unsigned int pages, unsigned int align)
{
	(void)align;
	if (!world.alloc_left)
		return NULL;
	world.alloc_left--;
	world.pages += pages;
	return calloc(pages, PAGE_SIZE);
}

void mem_free(void *addr, unsigned int pages)
{
	assert_non_null(addr);
	world.pages -= pages;
	free(addr);
}

int mem_share_with_root(u64 pa, bool writable)
{
	(void)pa;
	(void)writable;
	if (!world.share_left)
		return -ENOMEM;
	world.share_left--;
	world.shared++;
	return 0;
}

int mem_unshare_with_root(u64 pa)
{
	(void)pa;
	world.shared--;
	return 0;
}

struct hvisor_log *log_create(unsigned int pages)
{
	struct hvisor_log *log = mem_alloc(pages, 1);

	if (log)
		log->size = 64;
	return log;
}

void log_write(struct hvisor_log *log, const char *text, size_t len)
{
	while (len--)
		log->text[log->head++ % log->size] = *text++;
}

struct cell *cell_get(u32 id)
{
	return id == cell.id ? &cell : NULL;
}

int hypercall_copy_args(void *dst, u32 size)
{
	u32 claimed;

	memcpy(dst, world.args, size);
	memcpy(&claimed, dst, 4);
	return claimed == size ? 0 : -EINVAL;
}

struct percpu *this_cpu(void)
{
	return running;
}

void irqchip_send_event(const struct percpu *cpu)
{
	world.events[cpu - cpus]++;
}

int irqchip_inject_irq(struct cell *to, u32 intid)
{
	if (to == &root_cell) {
		assert_int_equal(intid, 1000 + cell.id);
		world.root_irqs++;
	} else {
		assert_int_equal(intid, IRQ);
		world.guest_irqs++;
	}
	return 0;
}

int irqchip_set_line(struct cell *to, u32 intid, bool high)
{
	assert_ptr_equal(to, &cell);
	assert_int_equal(intid, IRQ);
	world.line = high;
	return 0;
}

u32 irqchip_root_spi(u32 id)
{
	return 1000 + id;
}

enum irq_kind irqchip_handle_irqs(struct percpu *cpu)
{
	assert_ptr_equal(cpu, running);
	return (enum irq_kind)0;
}

void cpu_handle_requests(struct percpu *cpu)
{
	assert_ptr_equal(cpu, running);
}

void irqchip_sync(struct vcpu *vcpu)
{
	assert_ptr_equal(vcpu, running->vcpu);
	world.synced = true;
}

void vgic_lock(struct vgic *vgic)
{
	spin_lock(&vgic->lock);
}

void vgic_unlock(struct vgic *vgic)
{
	spin_unlock(&vgic->lock);
}

void vgic_own(struct vgic *vgic, u32 intid, bool hw)
{
	assert_true(vgic->lock.held && !hw);
	irqs[intid].owned = true;
}

struct vgic_irq *vgic_irq_get(struct vgic *vgic, struct vgic_cpu *cpu, u32 intid)
{
	assert_true(vgic->lock.held && !cpu);
	return irqs[intid].owned ? &irqs[intid] : NULL;
}

void vgic_clear_pending(struct vgic *vgic, struct vgic_irq *irq)
{
	(void)vgic;
	assert_ptr_equal(irq, &irqs[IRQ]);
	world.withdrawn++;
}

u64 timer_now(void)
{
	return world.now;
}

u64 timer_ticks(u64 ms)
{
	return ms;
}

u64 timer_ns(u64 ticks)
{
	return ticks;
}

void timer_arm(u64 when)
{
	world.armed = when;
}

void timer_disarm(void)
{
	world.armed = 0;
}

volatile u32 *arch_regs_alloc(void)
{
	return mem_alloc(1, 1);
}

void arch_regs_free(volatile u32 *regs)
{
	if (regs)
		mem_free((void *)(uintptr_t)regs, 1);
}

int arch_regs_map(struct cell *to, u64 ipa, volatile u32 *regs)
{
	assert_non_null(regs);
	assert_ptr_equal(to, &cell);
	assert_int_equal(ipa % PAGE_SIZE, 0);
	world.mapped++;
	return 0;
}

void arch_regs_unmap(struct cell *from, u64 ipa)
{
	(void)from;
	(void)ipa;
	world.mapped--;
	assert_true(world.mapped >= 0);
}

void arch_regs_sync(void)
{
}

int arch_ipa_check(const struct cell *of, u64 ipa, u64 size)
{
	(void)of;
	return ranges_overlap(ipa, size, RAM, 0x200000) ? -EEXIST : 0;
}

bool arch_memory_reachable(const struct cell *of, u64 ipa, u64 size, bool write)
{
	(void)of;
	(void)write;
	return ipa >= RAM && ipa + size <= RAM + 0x200000;
}

/* The backend and time go on while the CPU sleeps. */
void arch_vcpu_wait(void)
{
	assert_true(++world.waits < 10);
	/* A sibling's read of interrupt state may have been waiting for it. */
	assert_true(world.synced);
	world.synced = false;
	assert_non_null(world.while_waiting);
	world.while_waiting();
}

/* -- fixture -- */

static struct hvisor_device_desc virtio_desc(void)
{
	struct hvisor_device_desc desc = {
		.size = sizeof(desc),
		.kind = HVISOR_DEVICE_VIRTIO,
		.name = "blk0",
		.ipa = IPA,
		.length = PAGE_SIZE,
		.irq = IRQ,
		.nr_queues = 2,
		.queue_size = 256,
	};

	return desc;
}

static struct hvisor_device_desc foreign_desc(void)
{
	struct hvisor_device_desc desc = {
		.size = sizeof(desc),
		.kind = HVISOR_DEVICE_MMIO,
		.name = "echo0",
		.ipa = 0x0b000000,
		.length = 0x10000,
	};

	return desc;
}

static struct hvisor_device_decl virtio_decl(void)
{
	struct hvisor_device_decl decl = {
		.size = sizeof(decl),
		.device_id = 2,
		.nr_queues = 1,
		.features = VIRTIO_F_VERSION_1,
		.queue_max = { 256 },
		.config_len = 8,
		.config = { 1, 2, 3 },
	};

	return decl;
}

static s64 call(s64 (*handler)(struct hypercall *), u64 device, u64 a3, u64 a4, u64 a5)
{
	struct hypercall hc = { .arg = { 0, cell.id, device, a3, a4, a5 } };
	struct percpu *before = running;
	s64 result;

	running = &cpus[0];
	result = handler(&hc);
	running = before;
	return result;
}

static s64 declare(u64 device, const struct hvisor_device_decl *decl)
{
	memcpy(world.args, decl, sizeof(*decl));
	return call(hc_device_declare, device, 0, 0, 0);
}

static s64 add(const struct hvisor_device_desc *desc)
{
	memcpy(world.args, desc, sizeof(*desc));
	return call(hc_cell_add_device, 0, 0, 0, 0);
}

static int setup(void **state)
{
	u32 n;

	(void)state;
	memset(&world, 0, sizeof(world));
	memset(&cell, 0, sizeof(cell));
	memset(&cell_page, 0, sizeof(cell_page));
	memset(irqs, 0, sizeof(irqs));
	memset(cpus, 0, sizeof(cpus));
	world.alloc_left = world.share_left = 1000;
	world.now = 1000;
	cell.id = 3;
	cell.page = &cell_page;
	cell.state = HVISOR_CELL_CREATED;
	cell.nr_vcpus = 2;
	for (n = 0; n < 2; n++) {
		vcpus[n] = (struct vcpu){ .cell = &cell, .cpu = &cpus[n + 1], .id = n };
		cell.vcpus[n] = &vcpus[n];
		cpus[n + 1].vcpu = &vcpus[n];
	}
	running = &cpus[1];
	return devices_cell_init(&cell);
}

static int teardown(void **state)
{
	(void)state;
	devices_cell_exit(&cell);
	if (world.pages || world.shared || world.mapped || cell.mmio.count)
		return -1;
	return 0;
}

/* A virtio device with backend and driver, queue 0 ready. */
static struct device *driven_device(u32 deadline, u32 policy)
{
	struct hvisor_device_desc desc = virtio_desc();
	struct hvisor_device_decl decl = virtio_decl();
	struct device *device;

	desc.deadline_ms = deadline;
	desc.policy = policy;
	assert_int_equal(add(&desc), 0);
	assert_int_equal(declare(0, &decl), 0);
	device = &devices_of(&cell)->devices[0];
	device->page->driver_features = VIRTIO_F_VERSION_1;
	device->page->status = 0xf;
	device->page->queues[0].ready = 1;
	virtio_mmio_render(&device->vm);
	device->quiet = false;
	return device;
}

static struct device *foreign_device(u32 deadline, u32 policy)
{
	struct hvisor_device_desc desc = foreign_desc();
	struct hvisor_device_decl decl = { .size = sizeof(decl) };

	desc.deadline_ms = deadline;
	desc.policy = policy;
	assert_int_equal(add(&desc), 0);
	assert_int_equal(declare(0, &decl), 0);
	return &devices_of(&cell)->devices[0];
}

static enum mmio_result store(u32 offset, u64 value)
{
	struct mmio_access access = {
		.addr = IPA + offset, .value = value, .size = 4, .write = true,
	};

	return mmio_handle_access(&cell.mmio, &access);
}

static enum mmio_result load(u64 ipa, u8 size, u64 *value)
{
	struct mmio_access access = { .addr = ipa, .size = size };
	enum mmio_result result = mmio_handle_access(&cell.mmio, &access);

	*value = access.value;
	return result;
}

static struct hvisor_bell_page *bell(void)
{
	return devices_of(&cell)->bell;
}

/* -- creation -- */

static void test_create_publishes_the_device(void **state)
{
	struct hvisor_device_desc desc = virtio_desc();
	struct hvisor_device_page *page;

	(void)state;
	assert_int_equal(add(&desc), 0);
	page = devices_of(&cell)->devices[0].page;
	assert_int_equal(cell_page.nr_devices, 1);
	assert_int_equal(cell_page.devices[0], (u64)page);
	assert_int_equal(cell_page.bell, (u64)bell());
	assert_string_equal((char *)page->name, "blk0");
	assert_int_equal(page->irq, IRQ);
	assert_int_equal(page->state_pages * PAGE_SIZE,
			 ALIGN_UP(HVISOR_DEVICE_STATE_SIZE(2U, 256U), PAGE_SIZE));
	assert_int_equal(world.mapped, 1);
	assert_true(irqs[IRQ].owned);
	/* bell, 4 of log, device page, state */
	assert_int_equal(world.shared, 1 + 4 + 1 + (int)page->state_pages);
}

#define assert_desc_refused(error, make, change) do { \
	struct hvisor_device_desc desc = make(); \
	int pages = world.pages, shared = world.shared; \
	desc.change; \
	assert_int_equal(add(&desc), error); \
	assert_int_equal(world.pages, pages); \
	assert_int_equal(world.shared, shared); \
} while (0)

static void test_broken_descriptors_are_refused(void **state)
{
	(void)state;
	assert_desc_refused(-EINVAL, virtio_desc, size = 8);
	assert_desc_refused(-EINVAL, virtio_desc, kind = 0);
	assert_desc_refused(-EINVAL, virtio_desc, kind = 4);
	assert_desc_refused(-EINVAL, virtio_desc, name[0] = 0);
	assert_desc_refused(-EINVAL, virtio_desc, name[1] = '/');
	assert_desc_refused(-EINVAL, virtio_desc, name[1] = '.');
	assert_desc_refused(-EINVAL, virtio_desc, name[8] = 'x');
	assert_desc_refused(-EINVAL, virtio_desc, ipa = IPA + 1);
	assert_desc_refused(-EINVAL, virtio_desc, ipa = ~0xfffUL);
	assert_desc_refused(-EINVAL, virtio_desc, length = 0);
	assert_desc_refused(-EINVAL, virtio_desc, length = 8192);
	assert_desc_refused(-EINVAL, virtio_desc, irq = 0);
	assert_desc_refused(-EINVAL, virtio_desc, irq = 31);
	assert_desc_refused(-EINVAL, virtio_desc, irq = 256);
	assert_desc_refused(-EINVAL, virtio_desc, nr_queues = 0);
	assert_desc_refused(-EINVAL, virtio_desc, nr_queues = 17);
	assert_desc_refused(-EINVAL, virtio_desc, queue_size = 0);
	assert_desc_refused(-EINVAL, virtio_desc, queue_size = 1);
	assert_desc_refused(-EINVAL, virtio_desc, queue_size = 100);
	assert_desc_refused(-EINVAL, virtio_desc, queue_size = 2048);
	assert_desc_refused(-EINVAL, virtio_desc, policy = 3);
	assert_desc_refused(-EINVAL, foreign_desc, length = 0x11000);
	assert_desc_refused(-EINVAL, foreign_desc, length = 100);
	assert_desc_refused(-EINVAL, foreign_desc, nr_queues = 1);
	assert_desc_refused(-EINVAL, foreign_desc, queue_size = 2);
	assert_desc_refused(-EEXIST, virtio_desc, ipa = RAM);
	assert_desc_refused(-EEXIST, foreign_desc, ipa = RAM - 0x1000);
	assert_int_equal(cell_page.nr_devices, 0);
}

static void test_clash_with_another_device_is_refused(void **state)
{
	struct hvisor_device_desc desc = virtio_desc();

	(void)state;
	assert_int_equal(add(&desc), 0);
	assert_desc_refused(-EEXIST, virtio_desc, name[0] = 'x');
	assert_desc_refused(-EEXIST, virtio_desc, ipa = IPA + PAGE_SIZE);
	assert_desc_refused(-EEXIST, foreign_desc, ipa = IPA - PAGE_SIZE);
	assert_desc_refused(-EEXIST, foreign_desc, irq = IRQ);
	assert_int_equal(cell_page.nr_devices, 1);
}

static void test_only_a_cell_being_assembled_takes_devices(void **state)
{
	struct hvisor_device_desc desc = virtio_desc();

	(void)state;
	cell.state = HVISOR_CELL_LOADED;
	assert_int_equal(add(&desc), -EBUSY);
	cell.state = HVISOR_CELL_RUNNING;
	assert_int_equal(add(&desc), -EBUSY);
}

static void test_too_many_devices(void **state)
{
	struct hvisor_device_desc desc = foreign_desc();
	u32 i;

	(void)state;
	desc.length = PAGE_SIZE;
	for (i = 0; i < HVISOR_MAX_DEVICES; i++) {
		desc.name[0] = 'a' + i % 26;
		desc.name[1] = 'a' + i / 26;
		desc.ipa += PAGE_SIZE;
		assert_int_equal(add(&desc), i);
	}
	desc.name[0] = 'Z';
	desc.ipa += PAGE_SIZE;
	assert_int_equal(add(&desc), -ENOSPC);
}

/* However little the pool has, nothing is left behind. */
static void test_empty_pool_is_undone(void **state)
{
	struct hvisor_device_desc desc = virtio_desc();
	int pages = world.pages, shared = world.shared, left;

	(void)state;
	for (left = 0; ; left++) {
		world.alloc_left = left;
		if (add(&desc) == 0)
			break;
		assert_int_equal(world.pages, pages);
		assert_int_equal(world.shared, shared);
	}
	assert_int_equal(left, 3);
	devices_cell_exit(&cell);
	for (left = 0; ; left++) {
		world.alloc_left = left;
		if (devices_cell_init(&cell) == 0)
			break;
		assert_int_equal(world.pages, 0);
	}
	pages = world.pages;
	world.alloc_left = 1000;
	/* device page, three of the state area */
	for (left = 0; left < 1 + 3; left++) {
		world.share_left = left;
		assert_int_equal(add(&desc), -ENOMEM);
		assert_int_equal(world.pages, pages);
	}
}

/* -- declaration -- */

static void test_calls_before_the_declaration(void **state)
{
	struct hvisor_device_desc desc = virtio_desc();
	struct hvisor_device_decl decl = virtio_decl();

	(void)state;
	assert_int_equal(declare(0, &decl), -ENOENT);
	assert_int_equal(add(&desc), 0);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), -ENOTCONN);
	assert_int_equal(call(hc_device_interrupt, 0, 1, 0, 0), -ENOTCONN);
	assert_int_equal(call(hc_device_fail, 0, 0, 0, 0), -ENOTCONN);
	memcpy(world.args, &decl, sizeof(decl));
	decl.config_len = 0;
	memcpy(world.args, &decl, sizeof(decl));
	assert_int_equal(call(hc_device_config, 0, 0, 0, 0), -ENOTCONN);
	assert_int_equal(call(hc_device_answer, 1, 0, 1, 0), -ENOENT);
	assert_int_equal(call(hc_device_answer, 32, 0, 1, 0), -ENOENT);
	assert_int_equal(call(hc_device_answer, ~0UL, 0, 1, 0), -ENOENT);
}

static void test_one_backend_at_a_time(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_decl decl = virtio_decl();

	(void)state;
	assert_int_equal(declare(0, &decl), -EBUSY);
	assert_int_equal(call(hc_device_release, 0, 0, 0, 0), 0);
	assert_int_equal(device->page->attached, 0);
	decl.features |= 1;
	assert_int_equal(declare(0, &decl), -EINVAL);
	assert_int_equal(device->page->attached, 0);
}

static void test_new_backend_is_told_everything(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_decl decl = virtio_decl();

	(void)state;
	call(hc_device_release, 0, 0, 0, 0);
	slot_post(&device->page->slots[1], &device->waits[1],
		  &(struct slot_request){ .op = HVISOR_OP_RESET }, 0);
	memset(bell(), 0, PAGE_SIZE);
	/* a bit that the dead one never took counts too */
	bell()->doorbells[0].bits = 1;
	world.root_irqs = world.guest_irqs = 0;
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(bell()->requests, 1);
	assert_int_equal(bell()->bells, 1);
	assert_int_equal(bell()->doorbells[0].bits, HVISOR_BELL_DRIVER_OK | 1);
	assert_int_equal(world.root_irqs, 1);
	assert_int_equal(world.guest_irqs, 1);
	assert_int_equal(device->page->interrupt_status, HVISOR_INTERRUPT_USED);
}

static void test_config_changes_out_of_sight(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_decl decl = virtio_decl();
	u32 generation = device->page->config_generation;

	(void)state;
	decl.config[0] = 0x77;
	memcpy(world.args, &decl, sizeof(decl));
	assert_int_equal(call(hc_device_config, 0, 0, 0, 0), 0);
	assert_int_equal(world.mapped, 1);
	assert_int_equal(device->page->config_generation, generation + 1);
	assert_int_equal(device->vm.regs[VIRTIO_MMIO_CONFIG / 4] & 0xff, 0x77);
	assert_int_equal(device->page->interrupt_status, HVISOR_INTERRUPT_CONFIG);
	assert_int_equal(world.guest_irqs, 1);
	decl.config_len = 4;
	memcpy(world.args, &decl, sizeof(decl));
	assert_int_equal(call(hc_device_config, 0, 0, 0, 0), -EINVAL);
}

/* -- interrupts and notifications -- */

static void test_interrupt_is_raised_even_if_it_was(void **state)
{
	struct device *device = driven_device(0, 0);

	(void)state;
	assert_int_equal(call(hc_device_interrupt, 0, 1, 0, 0), 0);
	assert_int_equal(call(hc_device_interrupt, 0, 1, 0, 0), 0);
	assert_int_equal(world.guest_irqs, 2);
	assert_int_equal(device->page->counters.interrupts, 2);
	assert_int_equal(call(hc_device_interrupt, 0, 4, 0, 0), -EINVAL);
	device->page->status = 0;
	assert_int_equal(call(hc_device_interrupt, 0, 1, 0, 0), -ENOTCONN);
	assert_int_equal(world.guest_irqs, 2);
}

static void test_notifications_coalesce(void **state)
{
	struct device *device = driven_device(0, 0);

	(void)state;
	memset(bell(), 0, PAGE_SIZE);
	world.root_irqs = 0;
	assert_int_equal(store(VIRTIO_MMIO_QUEUE_NOTIFY, 0), MMIO_HANDLED);
	assert_int_equal(store(VIRTIO_MMIO_QUEUE_NOTIFY, 0), MMIO_HANDLED);
	assert_int_equal(world.root_irqs, 1);
	assert_int_equal(device->page->counters.notifications, 2);
	assert_int_equal(device->page->counters.coalesced, 1);
	/* root looks and takes */
	bell()->told = bell()->bells = bell()->doorbells[0].bits = 0;
	store(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(world.root_irqs, 2);
}

/* -- requests -- */

static void answer_reset(void)
{
	assert_int_equal(devices_of(&cell)->devices[0].page->status, 0xf);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), 0);
}

static void test_reset_waits_for_the_backend(void **state)
{
	struct device *device = driven_device(0, 0);
	u32 epoch = device->page->epoch;

	(void)state;
	bell()->told = 0;
	world.while_waiting = answer_reset;
	assert_int_equal(store(VIRTIO_MMIO_STATUS, 0), MMIO_HANDLED);
	assert_int_equal(world.waits, 1);
	assert_int_equal(device->page->status, 0);
	assert_int_equal(device->page->epoch, epoch + 1);
	assert_int_equal(bell()->doorbells[0].bits, 0);
	assert_int_equal(world.withdrawn, 1);
	assert_int_equal(world.events[1], 1);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), -ESTALE);
}

static void test_one_reset_ends_all_waits_for_one(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_page *page = device->page;

	(void)state;
	slot_post(&page->slots[0], &device->waits[0],
		  &(struct slot_request){ .op = HVISOR_OP_RESET }, 0);
	slot_post(&page->slots[1], &device->waits[1],
		  &(struct slot_request){ .op = HVISOR_OP_QUEUE_STOP }, 0);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), 0);
	assert_int_equal(slot_result(&device->waits[0]), SLOT_ANSWERED);
	assert_int_equal(slot_result(&device->waits[1]), SLOT_ANSWERED);
	assert_int_equal(world.events[1], 1);
	assert_int_equal(world.events[2], 1);
	assert_int_equal(call(hc_device_answer, 0, 1, 1, 0), -ESTALE);
}

static void test_queue_stop_ends_waits_for_that_queue(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_page *page = device->page;

	(void)state;
	slot_post(&page->slots[0], &device->waits[0],
		  &(struct slot_request){ .op = HVISOR_OP_QUEUE_STOP, .value = 0 }, 0);
	slot_post(&page->slots[1], &device->waits[1],
		  &(struct slot_request){ .op = HVISOR_OP_QUEUE_STOP, .value = 1 }, 0);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), 0);
	assert_int_equal(page->queues[0].ready, 0);
	assert_int_equal(slot_result(&device->waits[0]), SLOT_ANSWERED);
	assert_int_equal(slot_result(&device->waits[1]), SLOT_WAITING);
	assert_int_equal(call(hc_device_answer, 0, 2, 1, 0), -EINVAL);
	assert_int_equal(call(hc_device_answer, 0, 1, 2, 0), -ESTALE);
}

static void answer_load(void)
{
	struct hvisor_device_slot *slot = devices_of(&cell)->devices[0].page->slots;

	assert_int_equal(slot->op, HVISOR_OP_LOAD);
	assert_int_equal(slot->offset, 0x28);
	assert_int_equal(slot->length, 8);
	assert_int_equal(bell()->requests, 1);
	assert_int_equal(call(hc_device_answer, 0, 0, slot->seq, 0xabcdef), 0);
}

static void test_foreign_load_gives_the_answer(void **state)
{
	struct device *device = foreign_device(0, 0);
	u64 value;

	(void)state;
	world.while_waiting = answer_load;
	assert_int_equal(load(0x0b000028, 8, &value), MMIO_HANDLED);
	assert_int_equal(value, 0xabcdef);
	assert_int_equal(device->page->counters.requests, 1);
	assert_int_equal(world.armed, 0);
}

static void test_foreign_interrupt_is_a_level(void **state)
{
	struct hvisor_device_desc desc = foreign_desc();
	struct hvisor_device_decl decl = { .size = sizeof(decl) };
	struct hvisor_device_page *page;

	(void)state;
	desc.irq = IRQ;
	assert_int_equal(add(&desc), 0);
	page = devices_of(&cell)->devices[0].page;
	assert_int_equal(page->state_pages, 1);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), -ENOTCONN);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_USED, 0, 0), -EINVAL);
	assert_int_equal(call(hc_device_interrupt, 0, 1ULL << 34 | 4, 0, 0), -EINVAL);
	assert_false(world.line);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), 0);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), 0);
	assert_true(world.line);
	assert_int_equal(page->counters.interrupts, 1);
	assert_int_equal(call(hc_device_interrupt, 0, 0, 0, 0), 0);
	assert_false(world.line);
	assert_int_equal(page->counters.interrupts, 1);
}

static void test_region_without_interrupt_has_no_level(void **state)
{
	(void)state;
	foreign_device(0, 0);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), -EINVAL);
	assert_int_equal(call(hc_device_interrupt, 0, 0, 0, 0), -EINVAL);
}

/* -- latencies -- */

static void answer_late(void)
{
	world.now += 5000;
	answer_load();
}

static u64 nr_blocking(const struct device *device)
{
	u64 sum = 0;
	u32 n;

	for (n = 0; n < HVISOR_NR_BUCKETS; n++)
		sum += device->page->blocking_ns[n];
	return sum;
}

static void test_answers_are_timed(void **state)
{
	struct device *device = foreign_device(0, 0);
	struct hvisor_device_page *page = device->page;
	u64 value;

	(void)state;
	world.while_waiting = answer_late;
	load(0x0b000028, 8, &value);
	/* 4096 to 8191 */
	assert_int_equal(page->blocking_ns[12], 1);
	assert_int_equal(page->counters.loads, 1);
	assert_int_equal(page->counters.stores, 0);
	/* what is cancelled has no answer */
	slot_post(&page->slots[1], &device->waits[1],
		  &(struct slot_request){ .op = HVISOR_OP_LOAD }, 0);
	device_cancel_all(device);
	assert_int_equal(nr_blocking(device), 1);
}

static void test_one_reset_is_timed_for_all_who_wait(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_page *page = device->page;
	const struct slot_request reset = { .op = HVISOR_OP_RESET };

	(void)state;
	world.now = 9000;
	slot_post(&page->slots[0], &device->waits[0], &reset, 0);
	slot_post(&page->slots[1], &device->waits[1], &reset, 8999);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), 0);
	assert_int_equal(page->blocking_ns[13], 1);
	assert_int_equal(page->blocking_ns[0], 1);
	assert_int_equal(nr_blocking(device), 2);
}

static void test_doorbell_tells_since_when(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_decl decl = virtio_decl();

	(void)state;
	memset(bell(), 0, PAGE_SIZE);
	world.now = 2000;
	store(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	world.now = 3000;
	store(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	assert_int_equal(bell()->doorbells[0].since, 2000);
	assert_int_equal(device->page->counters.coalesced, 1);
	/* the next backend is asked anew */
	call(hc_device_release, 0, 0, 0, 0);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(bell()->doorbells[0].since, 3000);
}

/* -- deadlines -- */

static void pass_time(void)
{
	assert_int_equal(world.armed, 1050);
	world.now = world.armed;
}

static void test_deadline_fails_the_device(void **state)
{
	struct device *device = foreign_device(50, HVISOR_POLICY_FAIL_DEVICE);
	struct hvisor_device_decl decl = { .size = sizeof(decl) };
	u64 value;

	(void)state;
	world.while_waiting = pass_time;
	assert_int_equal(load(0x0b000000, 4, &value), MMIO_HANDLED);
	assert_int_equal(value, ~0UL);
	assert_int_equal(device->page->failed, 1);
	assert_int_equal(device->page->counters.timeouts, 1);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), -ESTALE);
	/* no waiting from here on */
	assert_int_equal(load(0x0b000000, 4, &value), MMIO_HANDLED);
	assert_int_equal(value, ~0UL);
	assert_int_equal(world.waits, 1);
	assert_int_equal(world.armed, 0);
	/* until the next backend */
	call(hc_device_release, 0, 0, 0, 0);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(device->page->failed, 0);
}

/* A handler that reads all ones would never end it. */
static void test_deadline_takes_the_level_back(void **state)
{
	struct hvisor_device_desc desc = foreign_desc();
	struct hvisor_device_decl decl = { .size = sizeof(decl) };
	u64 value;

	(void)state;
	desc.irq = IRQ;
	desc.deadline_ms = 50;
	desc.policy = HVISOR_POLICY_FAIL_DEVICE;
	assert_int_equal(add(&desc), 0);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), 0);
	assert_true(world.line);
	world.while_waiting = pass_time;
	assert_int_equal(load(0x0b000000, 4, &value), MMIO_HANDLED);
	assert_false(world.line);
	/* Its backend comes to itself, too late. */
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), 0);
	assert_false(world.line);
	call(hc_device_release, 0, 0, 0, 0);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), 0);
	assert_true(world.line);
}

static void test_deadline_stops_the_cell(void **state)
{
	u64 value;

	(void)state;
	foreign_device(50, HVISOR_POLICY_STOP_CELL);
	world.while_waiting = pass_time;
	assert_int_equal(load(0x0b000000, 4, &value), MMIO_FAIL);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), -ESTALE);
}

static void pass_time_then_answer(void)
{
	if (world.waits == 1) {
		pass_time();
		return;
	}
	assert_int_equal(devices_of(&cell)->devices[0].page->counters.timeouts, 1);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 7), 0);
}

static void test_deadline_keeps_waiting(void **state)
{
	u64 value;

	(void)state;
	foreign_device(50, HVISOR_POLICY_WAIT);
	world.while_waiting = pass_time_then_answer;
	assert_int_equal(load(0x0b000000, 4, &value), MMIO_HANDLED);
	assert_int_equal(value, 7);
	assert_int_equal(world.waits, 2);
}

/* The old backend may still write to buffers that a reset would give back. */
static void test_reset_never_ends_by_deadline(void **state)
{
	struct device *device = driven_device(50, HVISOR_POLICY_FAIL_DEVICE);

	(void)state;
	world.while_waiting = pass_time_then_answer;
	assert_int_equal(store(VIRTIO_MMIO_STATUS, 0), MMIO_HANDLED);
	assert_int_equal(world.waits, 2);
	assert_int_equal(world.guest_irqs, 1);
	assert_int_equal(device->page->status, 0);
	assert_int_equal(device->page->failed, 0);
}

/* -- stop and load -- */

static void test_stop_cancels_and_asks_to_quiesce(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_page *page = device->page;
	u32 which = 99;

	(void)state;
	slot_post(&page->slots[0], &device->waits[0],
		  &(struct slot_request){ .op = HVISOR_OP_RESET }, 0);
	memset(bell(), 0, PAGE_SIZE);
	devices_quiesce(&cell);
	assert_int_equal(slot_result(&device->waits[0]), SLOT_CANCELLED);
	assert_int_equal(call(hc_device_answer, 0, 0, 1, 0), -ESTALE);
	assert_int_equal(page->control.state, HVISOR_SLOT_PENDING);
	assert_int_equal(page->control.op, HVISOR_OP_QUIESCE);
	assert_int_equal(bell()->requests, 1);
	assert_int_equal(devices_load(&cell, &which), -EAGAIN);
	assert_int_equal(which, 0);
	assert_int_equal(call(hc_device_answer, 0, HVISOR_ANSWER_CONTROL, 9, 0), -ESTALE);
	assert_int_equal(call(hc_device_answer, 0, HVISOR_ANSWER_CONTROL, 1, 0), 0);
	assert_int_equal(page->status, 0);
	assert_int_equal(devices_load(&cell, &which), 0);
}

static void test_release_answers_only_if_quiet(void **state)
{
	struct device *device = driven_device(0, 0);
	struct hvisor_device_page *page = device->page;
	struct hvisor_device_decl decl = virtio_decl();

	(void)state;
	assert_int_equal(call(hc_device_release, 0, 2, 0, 0), -EINVAL);
	devices_quiesce(&cell);
	assert_int_equal(call(hc_device_release, 0, 0, 0, 0), 0);
	assert_int_equal(page->control.state, HVISOR_SLOT_PENDING);
	/* its successor holds the lock on the disk: it may answer */
	memset(bell(), 0, PAGE_SIZE);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(bell()->requests, 1);
	assert_int_equal(call(hc_device_release, 0, HVISOR_RELEASE_QUIET, 0, 0), 0);
	assert_int_equal(page->control.state, HVISOR_SLOT_IDLE);
	assert_int_equal(page->status, 0);
}

static void test_quiet_device_needs_nobody(void **state)
{
	struct device *device = driven_device(0, 0);

	(void)state;
	call(hc_device_release, 0, HVISOR_RELEASE_QUIET, 0, 0);
	devices_quiesce(&cell);
	assert_int_equal(device->page->control.state, HVISOR_SLOT_IDLE);
	assert_int_equal(device->page->status, 0);
}

static void test_load_needs_declarations(void **state)
{
	struct hvisor_device_desc desc = virtio_desc();
	u32 which = 99;

	(void)state;
	assert_int_equal(add(&desc), 0);
	assert_int_equal(devices_load(&cell, &which), -ENODEV);
	assert_int_equal(which, 0);
}

/* What its guest has stored is in the backend, or in what that left behind. */
static void test_a_region_that_was_used_is_reset(void **state)
{
	struct device *device = foreign_device(0, 0);
	struct hvisor_device_decl decl = { .size = sizeof(decl) };
	struct hvisor_device_page *page = device->page;
	u32 which = 99;
	u64 value;

	(void)state;
	devices_quiesce(&cell);
	assert_int_equal(page->control.state, HVISOR_SLOT_IDLE);
	world.while_waiting = answer_load;
	assert_int_equal(load(0x0b000028, 8, &value), MMIO_HANDLED);
	devices_quiesce(&cell);
	assert_int_equal(page->control.op, HVISOR_OP_QUIESCE);
	assert_int_equal(devices_load(&cell, &which), -EAGAIN);
	assert_int_equal(page->epoch, 0);
	assert_int_equal(call(hc_device_answer, 0, HVISOR_ANSWER_CONTROL, 1, 0), 0);
	assert_int_equal(page->epoch, 1);
	assert_int_equal(page->counters.resets, 1);
	assert_int_equal(devices_load(&cell, &which), 0);
	/* Nobody serves it at the stop: its successor learns of it by the epoch. */
	assert_int_equal(load(0x0b000028, 8, &value), MMIO_HANDLED);
	assert_int_equal(call(hc_device_release, 0, HVISOR_RELEASE_QUIET, 0, 0), 0);
	devices_quiesce(&cell);
	assert_int_equal(page->control.state, HVISOR_SLOT_IDLE);
	assert_int_equal(page->epoch, 2);
	assert_int_equal(declare(0, &decl), 0);
	assert_int_equal(devices_load(&cell, &which), 0);
}

static void test_reset_takes_the_level_back(void **state)
{
	struct hvisor_device_desc desc = foreign_desc();
	struct hvisor_device_decl decl = { .size = sizeof(decl) };
	u64 value;

	(void)state;
	desc.irq = IRQ;
	assert_int_equal(add(&desc), 0);
	assert_int_equal(declare(0, &decl), 0);
	world.while_waiting = answer_load;
	assert_int_equal(load(0x0b000028, 8, &value), MMIO_HANDLED);
	assert_int_equal(call(hc_device_interrupt, 0, HVISOR_INTERRUPT_LEVEL, 0, 0), 0);
	devices_quiesce(&cell);
	assert_true(world.line);
	assert_int_equal(call(hc_device_answer, 0, HVISOR_ANSWER_CONTROL, 1, 0), 0);
	assert_false(world.line);
}

/* -- loads of pages, the early console -- */

static void test_load_of_a_register_page_is_retried(void **state)
{
	(void)state;
	driven_device(0, 0);
	assert_true(device_read_retry(&cell, IPA + 0x70));
	assert_false(device_read_retry(&cell, IPA + PAGE_SIZE));
	assert_false(device_read_retry(&cell, RAM));
	assert_int_equal(world.waits, 0);
}

static void test_early_console_writes_the_log(void **state)
{
	struct hvisor_device_desc desc = foreign_desc();
	struct mmio_access access = { .addr = 0x09000000, .size = 1, .write = true };
	struct hvisor_device_decl decl = { .size = sizeof(decl) };
	struct hvisor_log *log;
	const char *c;

	(void)state;
	desc.kind = HVISOR_DEVICE_EARLYCON;
	desc.ipa = 0x09000000;
	desc.length = PAGE_SIZE;
	assert_int_equal(add(&desc), 0);
	assert_int_equal(declare(0, &decl), -EINVAL);
	for (c = "hello"; *c; c++) {
		access.value = (u8)*c;
		assert_int_equal(mmio_handle_access(&cell.mmio, &access), MMIO_HANDLED);
	}
	access.addr = 0x09000030;
	assert_int_equal(mmio_handle_access(&cell.mmio, &access), MMIO_HANDLED);
	log = devices_of(&cell)->log;
	assert_int_equal(log->head, 5);
	assert_memory_equal(log->text, "hello", 5);
	/* transmit FIFO empty, receive FIFO empty: a driver never waits */
	assert_int_equal(devices_of(&cell)->devices[0].vm.regs[0x18 / 4], 0x90);
	assert_true(device_read_retry(&cell, 0x09000018));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_create_publishes_the_device),
		TEST(test_broken_descriptors_are_refused),
		TEST(test_clash_with_another_device_is_refused),
		TEST(test_only_a_cell_being_assembled_takes_devices),
		TEST(test_too_many_devices),
		TEST(test_empty_pool_is_undone),
		TEST(test_calls_before_the_declaration),
		TEST(test_one_backend_at_a_time),
		TEST(test_new_backend_is_told_everything),
		TEST(test_config_changes_out_of_sight),
		TEST(test_interrupt_is_raised_even_if_it_was),
		TEST(test_notifications_coalesce),
		TEST(test_reset_waits_for_the_backend),
		TEST(test_one_reset_ends_all_waits_for_one),
		TEST(test_queue_stop_ends_waits_for_that_queue),
		TEST(test_foreign_load_gives_the_answer),
		TEST(test_foreign_interrupt_is_a_level),
		TEST(test_region_without_interrupt_has_no_level),
		TEST(test_answers_are_timed),
		TEST(test_one_reset_is_timed_for_all_who_wait),
		TEST(test_doorbell_tells_since_when),
		TEST(test_deadline_fails_the_device),
		TEST(test_deadline_takes_the_level_back),
		TEST(test_deadline_stops_the_cell),
		TEST(test_deadline_keeps_waiting),
		TEST(test_reset_never_ends_by_deadline),
		TEST(test_stop_cancels_and_asks_to_quiesce),
		TEST(test_release_answers_only_if_quiet),
		TEST(test_quiet_device_needs_nobody),
		TEST(test_load_needs_declarations),
		TEST(test_a_region_that_was_used_is_reset),
		TEST(test_reset_takes_the_level_back),
		TEST(test_load_of_a_register_page_is_retried),
		TEST(test_early_console_writes_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
