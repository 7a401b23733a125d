// SPDX-License-Identifier: GPL-2.0-or-later
/* EL2 around the devices of a cell, see device_world.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control.h"
#include "device_world.h"
#include "errno.h"
#include "irqchip.h"
#include "log.h"
#include "mem.h"
#include "percpu.h"
#include "timer.h"

struct world world;
struct cell cell;
struct hvisor_cell_page cell_page;
struct vgic_irq irqs[256];
static struct vcpu vcpus[2];
static struct percpu cpus[3];		/* 0: root's */
static struct percpu *running;

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

int mem_share_with_root(u64 pa, u32 pages, bool writable)
{
	(void)pa;
	(void)writable;
	if (world.share_left < (int)pages)
		return -ENOMEM;
	world.share_left -= pages;
	world.shared += pages;
	return 0;
}

int mem_unshare_with_root(u64 pa, u32 pages)
{
	(void)pa;
	world.shared -= pages;
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
	assert_ptr_equal(to, &cell);
	assert_int_equal(intid, IRQ);
	world.guest_irqs++;
	return 0;
}

void irqchip_raise_root(u32 id)
{
	assert_int_equal(id, cell.id);
	world.root_irqs++;
}

int irqchip_set_line(struct cell *to, u32 intid, bool high)
{
	assert_ptr_equal(to, &cell);
	assert_int_equal(intid, IRQ);
	world.line = high;
	return 0;
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

struct hvisor_device_desc virtio_desc(void)
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

struct hvisor_device_desc foreign_desc(void)
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

struct hvisor_device_decl virtio_decl(void)
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

s64 call(s64 (*handler)(struct hypercall *), u64 device, u64 a3, u64 a4, u64 a5)
{
	struct hypercall hc = { .arg = { 0, cell.id, device, a3, a4, a5 } };
	struct percpu *before = running;
	s64 result;

	running = &cpus[0];
	result = handler(&hc);
	running = before;
	return result;
}

s64 declare(u64 device, const struct hvisor_device_decl *decl)
{
	memcpy(world.args, decl, sizeof(*decl));
	return call(hc_device_declare, device, 0, 0, 0);
}

s64 add(const struct hvisor_device_desc *desc)
{
	memcpy(world.args, desc, sizeof(*desc));
	return call(hc_cell_add_device, 0, 0, 0, 0);
}

int setup(void **state)
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

int teardown(void **state)
{
	(void)state;
	devices_cell_exit(&cell);
	if (world.pages || world.shared || world.mapped || cell.mmio.count)
		return -1;
	return 0;
}

struct device *driven_device(u32 deadline, u32 policy)
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

struct device *foreign_device(u32 deadline, u32 policy)
{
	struct hvisor_device_desc desc = foreign_desc();
	struct hvisor_device_decl decl = { .size = sizeof(decl) };

	desc.deadline_ms = deadline;
	desc.policy = policy;
	assert_int_equal(add(&desc), 0);
	assert_int_equal(declare(0, &decl), 0);
	return &devices_of(&cell)->devices[0];
}

enum mmio_result store(u32 offset, u64 value)
{
	struct mmio_access access = {
		.addr = IPA + offset, .value = value, .size = 4, .write = true,
	};

	return mmio_handle_access(&cell.mmio, &access);
}

enum mmio_result load(u64 ipa, u8 size, u64 *value)
{
	struct mmio_access access = { .addr = ipa, .size = size };
	enum mmio_result result = mmio_handle_access(&cell.mmio, &access);

	*value = access.value;
	return result;
}

struct hvisor_bell_page *bell(void)
{
	return devices_of(&cell)->bell;
}

void answer_load(void)
{
	struct hvisor_device_slot *slot = devices_of(&cell)->devices[0].page->slots;

	assert_int_equal(slot->op, HVISOR_OP_LOAD);
	assert_int_equal(slot->offset, 0x28);
	assert_int_equal(slot->length, 8);
	assert_int_equal(bell()->requests, 1);
	assert_int_equal(call(hc_device_answer, 0, 0, slot->seq, 0xabcdef), 0);
}
