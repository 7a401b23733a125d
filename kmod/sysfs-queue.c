// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtqueues of a device, cellN.NAME/queueM/: as the driver set them up, and how
 * far they got by the backend's own account (the state area), which nobody
 * trusts. No memory of the guest is looked at.
 */
#include "hvisor.h"

struct position {
	u16 next_avail;
	u16 used_idx;
	u32 in_flight;
};

static const struct hvisor_queue_state *queue_state(const struct hvisor_device *device,
						    u32 index)
{
	return (const void *)device->state +
	       HVISOR_QUEUE_STATE_OFFSET(index, device->setup.desc.queue_size);
}

/* The account of the queue as it is now; NULL: there is none. */
static const struct hvisor_queue_state *queue_account(const struct hvisor_device *device,
						      u32 index)
{
	const struct hvisor_device_queue *queue = &device->page->queues[index];
	const struct hvisor_queue_state *state;

	if (!device->state || !READ_ONCE(queue->ready))
		return NULL;
	state = queue_state(device, index);
	return READ_ONCE(state->epoch) == READ_ONCE(queue->epoch) ? state : NULL;
}

u32 hvisor_queue_in_flight(const struct hvisor_device *device, u32 index)
{
	const struct hvisor_inflight *head = queue_state(device, index)->heads;
	u32 epoch = READ_ONCE(device->page->queues[index].epoch);
	u32 i, count = 0;

	for (i = 0; i < device->setup.desc.queue_size; i++, head++)
		if (READ_ONCE(head->in_flight) && READ_ONCE(head->epoch) == epoch)
			count++;
	return count;
}

static struct position queue_position(const struct hvisor_device *device, u32 index)
{
	const struct hvisor_queue_state *state = queue_account(device, index);
	struct position position = { };

	if (!state)
		return position;
	position.used_idx = READ_ONCE(state->used_idx);
	position.in_flight = hvisor_queue_in_flight(device, index);
	position.next_avail = position.used_idx + position.in_flight;
	return position;
}

static u64 read_queue32(const struct hvisor_folder *folder, size_t offset)
{
	const struct hvisor_device *device = folder->owner;

	return READ_ONCE(*(const u32 *)((const void *)
			   &device->page->queues[folder->index] + offset));
}

static u64 read_queue64(const struct hvisor_folder *folder, size_t offset)
{
	const struct hvisor_device *device = folder->owner;

	return READ_ONCE(*(const u64 *)((const void *)
			   &device->page->queues[folder->index] + offset));
}

static u64 read_next_avail(const struct hvisor_folder *folder, size_t offset)
{
	return queue_position(folder->owner, folder->index).next_avail;
}

static u64 read_used_idx(const struct hvisor_folder *folder, size_t offset)
{
	return queue_position(folder->owner, folder->index).used_idx;
}

static u64 read_in_flight(const struct hvisor_folder *folder, size_t offset)
{
	return queue_position(folder->owner, folder->index).in_flight;
}

#define NUMBER(field, address, where, function)				\
static struct hvisor_number number_##field = {					\
	.attr = { .name = #field, .mode = 0444 },				\
	.is_address = address,							\
	.offset = where,							\
	.read = function,							\
}
#define QUEUE32(field) \
	NUMBER(field, false, offsetof(struct hvisor_device_queue, field), read_queue32)
#define QUEUE64(field) \
	NUMBER(field, true, offsetof(struct hvisor_device_queue, field), read_queue64)

QUEUE32(max);
QUEUE32(size);
QUEUE32(ready);
QUEUE64(desc);
QUEUE64(driver);
QUEUE64(device);
NUMBER(next_avail, false, 0, read_next_avail);
NUMBER(used_idx, false, 0, read_used_idx);
NUMBER(in_flight, false, 0, read_in_flight);

static struct attribute *queue_attrs[] = {
	&number_max.attr,
	&number_size.attr,
	&number_ready.attr,
	&number_desc.attr,
	&number_driver.attr,
	&number_device.attr,
	&number_next_avail.attr,
	&number_used_idx.attr,
	&number_in_flight.attr,
	NULL
};
ATTRIBUTE_GROUPS(queue);

static const struct kobj_type queue_type = {
	.release = hvisor_folder_release,
	.sysfs_ops = &hvisor_folder_ops,
	.default_groups = queue_groups,
};

int hvisor_queues_init(struct hvisor_device *device)
{
	struct hvisor_folder *folder;
	char name[16];
	u32 i;

	for (i = 0; i < device->setup.desc.nr_queues; i++) {
		if (device->queues[i])
			continue;
		snprintf(name, sizeof(name), "queue%u", i);
		folder = hvisor_folder_create(&queue_type, &device->dev.kobj, device, i,
					      name);
		if (IS_ERR(folder))
			return PTR_ERR(folder);
		device->queues[i] = folder;
	}
	return 0;
}

void hvisor_queues_exit(struct hvisor_device *device)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(device->queues); i++) {
		hvisor_folder_destroy(device->queues[i]);
		device->queues[i] = NULL;
	}
}

/*
 * What is of interest while the device works: 16 queues shall fit in a page
 * together with all the rest.
 */
int hvisor_queues_emit(const struct hvisor_device *device, char *buf, int at)
{
	u32 i, count = min(device->setup.desc.nr_queues, READ_ONCE(device->page->nr_queues));
	const struct hvisor_device_queue *queue = device->page->queues;
	struct position position;
	int n = at;

	for (i = 0; i < count; i++, queue++) {
		n += sysfs_emit_at(buf, n, "QUEUE%u_READY=%u\n", i, READ_ONCE(queue->ready));
		if (!READ_ONCE(queue->ready))
			continue;
		position = queue_position(device, i);
		n += sysfs_emit_at(buf, n, "QUEUE%u_SIZE=%u\n", i, READ_ONCE(queue->size));
		n += sysfs_emit_at(buf, n, "QUEUE%u_NEXT_AVAIL=%u\n", i, position.next_avail);
		n += sysfs_emit_at(buf, n, "QUEUE%u_USED_IDX=%u\n", i, position.used_idx);
		n += sysfs_emit_at(buf, n, "QUEUE%u_IN_FLIGHT=%u\n", i, position.in_flight);
	}
	return n - at;
}
