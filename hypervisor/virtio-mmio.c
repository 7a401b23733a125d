// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Device-independent state machine of a virtio-mmio device: what a store does
 * and what the register page shows (virtio 1.2, 2.1 and 4.2.2). No locks, no
 * hardware: it runs on the host too.
 *
 * The driver is an attacker. A store against the rules changes nothing and is
 * counted; nothing of a queue changes while it is ready.
 */
#include "virtio-mmio.h"

#include <hvisor/hypercall.h>

#include "errno.h"

#define STATUS_DRIVER_BITS \
	(VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | \
	 VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_FEATURES_OK | \
	 VIRTIO_STATUS_FAILED)

/* EL2 or the register layout would have to know more for these. */
#define FEATURES_FORBIDDEN \
	(VIRTIO_F_RING_PACKED | VIRTIO_F_SR_IOV | VIRTIO_F_NOTIFICATION_DATA | \
	 VIRTIO_F_RING_RESET | VIRTIO_F_ADMIN_VQ)

#define MAX_DEVICE_ID	63

static void set_reg(struct virtio_mmio *vm, u32 offset, u32 value)
{
	vm->regs[offset / 4] = value;
}

static void refuse(struct virtio_mmio *vm)
{
	vm->page->counters.refused++;
}

/* The selected queue; NULL: there is none with that number. */
static struct hvisor_device_queue *selected_queue(struct virtio_mmio *vm)
{
	if (vm->queue_sel >= vm->page->nr_queues)
		return NULL;
	return &vm->page->queues[vm->queue_sel];
}

static u32 feature_word(u64 features, u32 sel)
{
	return sel < 2 ? (u32)(features >> (32 * sel)) : 0;
}

static void render_features(struct virtio_mmio *vm)
{
	set_reg(vm, VIRTIO_MMIO_DEVICE_FEATURES,
		feature_word(vm->page->features, vm->device_features_sel));
}

static void render_queue(struct virtio_mmio *vm)
{
	const struct hvisor_device_queue *queue = selected_queue(vm);

	set_reg(vm, VIRTIO_MMIO_QUEUE_NUM_MAX, queue ? queue->max : 0);
	set_reg(vm, VIRTIO_MMIO_QUEUE_READY, queue ? queue->ready : 0);
}

static void render_status(struct virtio_mmio *vm)
{
	set_reg(vm, VIRTIO_MMIO_INTERRUPT_STATUS, vm->page->interrupt_status);
	set_reg(vm, VIRTIO_MMIO_STATUS, vm->page->status);
}

static void render_config(struct virtio_mmio *vm)
{
	const u8 *c = vm->page->config;
	u32 i;

	/* Words, low byte first: a byte load of the guest finds its byte. */
	for (i = 0; i < HVISOR_MAX_CONFIG; i += 4)
		set_reg(vm, VIRTIO_MMIO_CONFIG + i,
			c[i] | c[i + 1] << 8 | c[i + 2] << 16 | (u32)c[i + 3] << 24);
	set_reg(vm, VIRTIO_MMIO_CONFIG_GENERATION, vm->page->config_generation);
}

u32 virtio_mmio_ready_queues(const struct virtio_mmio *vm)
{
	u32 i, bits = 0;

	for (i = 0; i < vm->page->nr_queues; i++)
		if (vm->page->queues[i].ready)
			bits |= 1U << i;
	return bits;
}

/* After a change of DRIVER_OK or of what is ready. Partner: virtio_mmio_is_live(). */
static void update_live(struct virtio_mmio *vm)
{
	u32 live = virtio_mmio_driver_ok(vm) ? virtio_mmio_ready_queues(vm) : 0;

	__atomic_store_n(&vm->live, live, __ATOMIC_RELEASE);
}

void virtio_mmio_render(struct virtio_mmio *vm)
{
	update_live(vm);
	set_reg(vm, VIRTIO_MMIO_MAGIC, VIRTIO_MMIO_MAGIC_VALUE);
	set_reg(vm, VIRTIO_MMIO_VERSION, 2);
	set_reg(vm, VIRTIO_MMIO_DEVICE_ID, vm->page->device_id);
	set_reg(vm, VIRTIO_MMIO_VENDOR_ID, vm->page->vendor_id);
	/* No shared memory regions: length -1 (virtio 1.2, 4.2.2). */
	set_reg(vm, VIRTIO_MMIO_SHM_LEN_LOW, ~0U);
	set_reg(vm, VIRTIO_MMIO_SHM_LEN_HIGH, ~0U);
	set_reg(vm, VIRTIO_MMIO_SHM_BASE_LOW, ~0U);
	set_reg(vm, VIRTIO_MMIO_SHM_BASE_HIGH, ~0U);
	render_features(vm);
	render_queue(vm);
	render_status(vm);
	render_config(vm);
}

/* Backends look at @ready first (acquire), then at the rest. */
static void set_ready(struct hvisor_device_queue *queue, u32 ready)
{
	__atomic_store_n(&queue->ready, ready, __ATOMIC_RELEASE);
}

static void queue_clear(struct hvisor_device_queue *queue)
{
	set_ready(queue, 0);
	queue->epoch++;
	queue->size = 0;
	queue->desc = 0;
	queue->driver = 0;
	queue->device = 0;
}

void virtio_mmio_reset(struct virtio_mmio *vm)
{
	struct hvisor_device_page *page = vm->page;
	u32 i;

	page->status = 0;
	update_live(vm);
	for (i = 0; i < page->nr_queues; i++)
		queue_clear(&page->queues[i]);
	page->interrupt_status = 0;
	page->driver_features = 0;
	vm->config_changed = false;
	page->epoch++;
	page->counters.resets++;
	vm->device_features_sel = 0;
	vm->driver_features_sel = 0;
	vm->queue_sel = 0;
	render_features(vm);
	render_queue(vm);
	render_status(vm);
}

void virtio_mmio_queue_stop(struct virtio_mmio *vm, u32 queue)
{
	struct hvisor_device_queue *queues = vm->page->queues;

	if (queue >= vm->page->nr_queues || !queues[queue].ready)
		return;
	set_ready(&queues[queue], 0);
	update_live(vm);
	queues[queue].epoch++;
	render_queue(vm);
}

void virtio_mmio_fail(struct virtio_mmio *vm)
{
	vm->page->status |= VIRTIO_STATUS_NEEDS_RESET;
	vm->page->interrupt_status |= HVISOR_INTERRUPT_CONFIG;
	render_status(vm);
}

int virtio_mmio_interrupt(struct virtio_mmio *vm, u64 bits)
{
	if (!bits || bits & ~(u64)(HVISOR_INTERRUPT_USED | HVISOR_INTERRUPT_CONFIG))
		return -EINVAL;
	if (!virtio_mmio_driver_ok(vm))
		return -ENOTCONN;
	vm->page->interrupt_status |= bits;
	set_reg(vm, VIRTIO_MMIO_INTERRUPT_STATUS, vm->page->interrupt_status);
	return 0;
}

/* -- stores -- */

static void store_reset(struct virtio_mmio *vm, struct virtio_mmio_action *act)
{
	/* From DRIVER_OK on a backend may be at work on the rings. */
	if (virtio_mmio_driver_ok(vm)) {
		act->block = HVISOR_OP_RESET;
		act->offset = VIRTIO_MMIO_STATUS;
		return;
	}
	virtio_mmio_reset(vm);
	act->reset = true;
}

static bool features_acceptable(const struct hvisor_device_page *page)
{
	return !(page->driver_features & ~page->features) &&
	       page->driver_features & VIRTIO_F_VERSION_1;
}

/* It may have read the configuration before it could be told of a change. */
static void tell_config_change(struct virtio_mmio *vm, struct virtio_mmio_action *act)
{
	if (!vm->config_changed)
		return;
	vm->config_changed = false;
	vm->page->interrupt_status |= HVISOR_INTERRUPT_CONFIG;
	act->interrupt = true;
}

static void store_status(struct virtio_mmio *vm, u32 value, struct virtio_mmio_action *act)
{
	struct hvisor_device_page *page = vm->page;
	u32 old = page->status & ~VIRTIO_STATUS_NEEDS_RESET;
	u32 new = value & ~VIRTIO_STATUS_NEEDS_RESET;
	u32 added = new & ~old;

	if (!value) {
		store_reset(vm, act);
		return;
	}
	if (new & ~STATUS_DRIVER_BITS || old & ~new) {
		refuse(vm);
		return;
	}
	if (added & VIRTIO_STATUS_FEATURES_OK &&
	    (!(new & VIRTIO_STATUS_DRIVER) || !features_acceptable(page)))
		new &= ~VIRTIO_STATUS_FEATURES_OK;
	if (added & VIRTIO_STATUS_DRIVER_OK && !(new & VIRTIO_STATUS_FEATURES_OK))
		new &= ~VIRTIO_STATUS_DRIVER_OK;
	if (added & ~new)
		refuse(vm);
	page->status |= new;
	update_live(vm);
	/* Notifications of before are among these. */
	if (new & ~old & VIRTIO_STATUS_DRIVER_OK) {
		act->ring = HVISOR_BELL_DRIVER_OK | virtio_mmio_ready_queues(vm);
		tell_config_change(vm, act);
	}
	render_status(vm);
}

static void store_driver_features(struct virtio_mmio *vm, u32 value)
{
	struct hvisor_device_page *page = vm->page;
	u32 shift = 32 * vm->driver_features_sel;

	if (page->status & VIRTIO_STATUS_FEATURES_OK || vm->driver_features_sel > 1) {
		refuse(vm);
		return;
	}
	page->driver_features &= ~(0xffffffffULL << shift);
	page->driver_features |= (u64)value << shift;
}

/* The selected queue, if it may be changed now. */
static struct hvisor_device_queue *mutable_queue(struct virtio_mmio *vm)
{
	struct hvisor_device_queue *queue = selected_queue(vm);

	if (!queue || queue->ready || !(vm->page->status & VIRTIO_STATUS_FEATURES_OK)) {
		refuse(vm);
		return NULL;
	}
	return queue;
}

static void store_queue_num(struct virtio_mmio *vm, u32 value)
{
	struct hvisor_device_queue *queue = mutable_queue(vm);

	if (queue)
		queue->size = value;
}

static void set_half(__u64 *address, bool high, u32 value)
{
	if (high)
		*address = (*address & 0xffffffffULL) | (u64)value << 32;
	else
		*address = (*address & ~0xffffffffULL) | value;
}

static void store_queue_address(struct virtio_mmio *vm, u32 offset, u32 value)
{
	struct hvisor_device_queue *queue = mutable_queue(vm);
	bool high = offset & 4;

	if (!queue)
		return;
	if (offset < VIRTIO_MMIO_QUEUE_DRIVER_LOW)
		set_half(&queue->desc, high, value);
	else if (offset < VIRTIO_MMIO_QUEUE_DEVICE_LOW)
		set_half(&queue->driver, high, value);
	else
		set_half(&queue->device, high, value);
}

static bool area_valid(struct virtio_mmio *vm, u64 ipa, u64 size, u64 align, bool write)
{
	return IS_ALIGNED(ipa, align) && ipa + size > ipa &&
	       vm->reachable(vm->arg, ipa, size, write);
}

/* Sizes and alignments: virtio 1.2, 2.7; with used_event and avail_event. */
static bool queue_valid(struct virtio_mmio *vm, const struct hvisor_device_queue *queue)
{
	u64 n = queue->size;

	return n && n <= queue->max && !(n & (n - 1)) &&
	       area_valid(vm, queue->desc, 16 * n, 16, false) &&
	       area_valid(vm, queue->driver, 6 + 2 * n, 2, false) &&
	       area_valid(vm, queue->device, 6 + 8 * n, 4, true);
}

static void queue_start(struct virtio_mmio *vm, struct hvisor_device_queue *queue,
			struct virtio_mmio_action *act)
{
	if (!queue_valid(vm, queue)) {
		refuse(vm);
		virtio_mmio_fail(vm);
		act->interrupt = true;
		return;
	}
	set_ready(queue, 1);
	update_live(vm);
	if (virtio_mmio_driver_ok(vm))
		act->ring = 1U << vm->queue_sel;
	render_queue(vm);
}

static void store_queue_ready(struct virtio_mmio *vm, u32 value, struct virtio_mmio_action *act)
{
	struct hvisor_device_queue *queue = selected_queue(vm);

	if (!queue || value > 1 || !(vm->page->status & VIRTIO_STATUS_FEATURES_OK)) {
		/* A driver that cleans up writes 0 to what was never ready. */
		if (value || !queue)
			refuse(vm);
	} else if (value && !queue->ready) {
		queue_start(vm, queue, act);
	} else if (!value && queue->ready && virtio_mmio_driver_ok(vm)) {
		act->block = HVISOR_OP_QUEUE_STOP;
		act->offset = VIRTIO_MMIO_QUEUE_READY;
		act->value = vm->queue_sel;
	} else if (!value && queue->ready) {
		virtio_mmio_queue_stop(vm, vm->queue_sel);
		act->stopped = 1U << vm->queue_sel;
	}
}

static void store_queue_notify(struct virtio_mmio *vm, u32 value, struct virtio_mmio_action *act)
{
	if (value >= vm->page->nr_queues || !vm->page->queues[value].ready) {
		refuse(vm);
		return;
	}
	vm->page->counters.notifications++;
	/* Before DRIVER_OK nobody listens; setting it rings for all queues. */
	if (virtio_mmio_driver_ok(vm))
		act->ring = 1U << value;
}

static void store_interrupt_ack(struct virtio_mmio *vm, u32 value, struct virtio_mmio_action *act)
{
	vm->page->counters.acks++;
	vm->page->interrupt_status &= ~value;
	set_reg(vm, VIRTIO_MMIO_INTERRUPT_STATUS, vm->page->interrupt_status);
	/* The line is edge: what is left would never be seen otherwise. */
	act->interrupt = vm->page->interrupt_status;
}

static void store_config(struct virtio_mmio *vm, u32 offset, u32 size, u64 value,
			 struct virtio_mmio_action *act)
{
	offset -= VIRTIO_MMIO_CONFIG;
	if (!IS_ALIGNED(offset, size) || offset + size > vm->page->config_len ||
	    !(vm->page->status & VIRTIO_STATUS_DRIVER)) {
		refuse(vm);
		return;
	}
	act->block = HVISOR_OP_CONFIG_STORE;
	act->offset = offset;
	act->value = value;
}

static void store_register(struct virtio_mmio *vm, u32 offset, u32 value,
			   struct virtio_mmio_action *act)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		vm->device_features_sel = value;
		render_features(vm);
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		vm->driver_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		store_driver_features(vm, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		vm->queue_sel = value;
		render_queue(vm);
		break;
	case VIRTIO_MMIO_QUEUE_NUM:
		store_queue_num(vm, value);
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		store_queue_ready(vm, value, act);
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		store_queue_notify(vm, value, act);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		store_interrupt_ack(vm, value, act);
		break;
	case VIRTIO_MMIO_STATUS:
		store_status(vm, value, act);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
	case VIRTIO_MMIO_QUEUE_DRIVER_LOW:
	case VIRTIO_MMIO_QUEUE_DRIVER_HIGH:
	case VIRTIO_MMIO_QUEUE_DEVICE_LOW:
	case VIRTIO_MMIO_QUEUE_DEVICE_HIGH:
		store_queue_address(vm, offset, value);
		break;
	case VIRTIO_MMIO_SHM_SEL:	/* no region, whatever is selected */
		break;
	default:
		refuse(vm);
	}
}

struct virtio_mmio_action virtio_mmio_store(struct virtio_mmio *vm, u32 offset,
					    u32 size, u64 value)
{
	struct virtio_mmio_action act = {0};

	vm->page->counters.stores++;
	if (offset >= VIRTIO_MMIO_CONFIG)
		store_config(vm, offset, size, value, &act);
	else if (size != 4 || !IS_ALIGNED(offset, 4))
		refuse(vm);
	else
		store_register(vm, offset, (u32)value, &act);
	return act;
}

/* -- what the backend declares -- */

static bool queue_max_valid(u32 max, u32 limit)
{
	return max >= 2 && max <= limit && !(max & (max - 1));
}

static bool decl_valid(const struct hvisor_device_page *page,
		       const struct hvisor_device_decl *decl, u32 max_queues)
{
	u32 i;

	if (decl->size != sizeof(*decl) || decl->reserved ||
	    decl->config_len > HVISOR_MAX_CONFIG)
		return false;
	if (page->kind != HVISOR_DEVICE_VIRTIO)
		return !decl->device_id && !decl->nr_queues && !decl->features &&
		       !decl->config_len;
	if (!decl->device_id || decl->device_id > MAX_DEVICE_ID ||
	    !decl->nr_queues || decl->nr_queues > max_queues ||
	    !(decl->features & VIRTIO_F_VERSION_1) || decl->features & FEATURES_FORBIDDEN)
		return false;
	for (i = 0; i < decl->nr_queues; i++)
		if (!queue_max_valid(decl->queue_max[i], page->queue_size))
			return false;
	return true;
}

static bool decl_agrees(const struct hvisor_device_page *page,
			const struct hvisor_device_decl *decl)
{
	u32 i;

	for (i = 0; i < page->nr_queues; i++)
		if (page->queues[i].max != decl->queue_max[i])
			return false;
	return page->device_id == decl->device_id && page->vendor_id == decl->vendor_id &&
	       page->nr_queues == decl->nr_queues && page->features == decl->features &&
	       page->config_len == decl->config_len;
}

int virtio_mmio_declare(struct virtio_mmio *vm, const struct hvisor_device_decl *decl)
{
	struct hvisor_device_page *page = vm->page;
	u32 i;

	if (!decl_valid(page, decl, vm->max_queues))
		return -EINVAL;
	if (page->declared)
		return decl_agrees(page, decl) ? 0 : -EINVAL;
	page->device_id = decl->device_id;
	page->vendor_id = decl->vendor_id;
	page->nr_queues = decl->nr_queues;
	page->features = decl->features;
	page->config_len = decl->config_len;
	for (i = 0; i < decl->nr_queues; i++)
		page->queues[i].max = decl->queue_max[i];
	page->declared = 1;
	return 0;
}

void virtio_mmio_config(struct virtio_mmio *vm, const u8 *config)
{
	u32 i;

	for (i = 0; i < vm->page->config_len; i++)
		vm->page->config[i] = config[i];
	vm->page->config_generation++;
	vm->config_changed = vm->page->status && !virtio_mmio_driver_ok(vm);
	render_config(vm);
}
