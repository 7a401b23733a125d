// SPDX-License-Identifier: GPL-2.0-only
/*
 * The roles CONTROL and MONITOR: whole cells.
 */
#include "hvisor.h"

#include <linux/file.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define LOG_MAX_READ	65536
/* What EL2 may be writing while its head still tells of what was before. */
#define LOG_LINE	256

static bool monitor_is_ready(struct hvisor_file *file)
{
	struct hvisor_cell_status status;

	if (READ_ONCE(file->cell->dead))
		return true;
	hvisor_cell_read_status(file->cell, &status);
	return memcmp(&status, &file->status, sizeof(status));
}

static int monitor_collect(struct hvisor_file *file,
			   struct hvisor_request *requests, u32 max)
{
	struct hvisor_cell_status status;

	if (READ_ONCE(file->cell->dead))
		return -ENODEV;
	hvisor_cell_read_status(file->cell, &status);
	/* It has died since. */
	if (status.state == HVISOR_CELL_DYING)
		return -ENODEV;
	if (!memcmp(&status, &file->status, sizeof(status)))
		return 0;
	file->status = status;
	requests[0].type = HVISOR_REQUEST_STATE;
	requests[0].op = status.state;
	requests[0].cpu = status.reason;
	requests[0].seq = status.starts;
	return 1;
}

static void monitor_release(struct hvisor_file *file)
{
	mutex_lock(&file->cell->lock);
	file->cell->monitor = NULL;
	mutex_unlock(&file->cell->lock);
}

int hvisor_monitor_bind(struct hvisor_call *call, struct hvisor_cell *cell)
{
	int err = 0;

	mutex_lock(&cell->lock);
	if (READ_ONCE(cell->dead))
		err = -ENODEV;
	else if (cell->monitor)
		err = -EBUSY;
	if (!err) {
		cell->monitor = call->filp;
		put_pid(cell->monitor_pid);
		cell->monitor_pid = get_pid(task_tgid(current));
	}
	mutex_unlock(&cell->lock);
	call->file->wait = &cell->wait;
	return err;
}

const struct hvisor_role hvisor_monitor_role = {
	.is_ready = monitor_is_ready,
	.collect = monitor_collect,
	.release = monitor_release,
};

const struct hvisor_role hvisor_control_role = {
};

int hvisor_ioctl_cell_create(struct hvisor_call *call)
{
	return hvisor_cell_create(&call->arg.create);
}

/**
 * struct load - HVISOR_CELL_LOAD under way
 * @hypercall: made again until nobody is waited for
 * @stops: of the cell when it began
 */
struct load {
	struct hvisor_hypercall hypercall;
	int stops;
};

/* Who stops the cell meanwhile is told that it is stopped: then that it stays. */
static bool load_is_cancelled(const struct hvisor_cell *cell, const struct load *load)
{
	return atomic_read(&cell->stops) != load->stops;
}

/* -ENODEV: a device was never declared; its backend may still come. */
static bool load_is_unfinished(const struct hvisor_cell *cell, int err)
{
	return err == -EAGAIN || (err == -ENODEV && !READ_ONCE(cell->dead));
}

static bool load_is_again(struct hvisor_cell *cell, const struct hvisor_hypercall *call,
			  int err)
{
	return load_is_unfinished(cell, err) &&
	       !load_is_cancelled(cell, container_of(call, struct load, hypercall));
}

static int cell_load(struct hvisor_cell *cell, struct load *load, u32 timeout_ms)
{
	int err;

	load->stops = atomic_read(&cell->stops);
	err = hvisor_cell_retry(cell, &load->hypercall, timeout_ms, load_is_again);
	if ((err && !load_is_unfinished(cell, err)) || !load_is_cancelled(cell, load))
		return err;
	/* It may have been stopped before the last try, which has loaded it. */
	if (!err)
		hvisor_cell_stop(cell, timeout_ms);
	return -ECANCELED;
}

static bool monitor_is_of(const struct hvisor_call *call, u32 id)
{
	return call->file->cell->id == id;
}

int hvisor_ioctl_cell_load(struct hvisor_call *call)
{
	struct load load = { .hypercall = { .nr = HVISOR_HC_CELL_LOAD } };
	struct hvisor_cell_op *op = &call->arg.op;
	struct hvisor_cell *cell = call->file->cell;
	int err;

	op->device = ~0U;
	if (!monitor_is_of(call, op->id))
		return -EINVAL;
	/* Nobody could write its images. */
	if (READ_ONCE(cell->orphaned))
		return -EOWNERDEAD;
	/* The end of the last run first; then no state is left out. */
	hvisor_cell_flush_state(cell);
	err = cell_load(cell, &load, op->timeout_ms);
	if (err == -ETIMEDOUT)
		op->device = load.hypercall.x[0];
	hvisor_cell_flush_state(cell);
	return err;
}

int hvisor_ioctl_cell_start(struct hvisor_call *call)
{
	const struct hvisor_cell_start *start = &call->arg.start;
	struct hvisor_hypercall hypercall = {
		.nr = HVISOR_HC_CELL_START,
		.x = { 0, start->entry, start->argument },
	};

	if (!monitor_is_of(call, start->id))
		return -EINVAL;
	if (READ_ONCE(call->file->cell->orphaned))
		return -EOWNERDEAD;
	return hvisor_cell_hypercall(call->file->cell, &hypercall);
}

/* A hypercall that is made again until the cell's CPUs have done it. */
static int cell_operate(struct hvisor_cell *cell, u64 nr, u32 timeout_ms)
{
	struct hvisor_hypercall hypercall = { .nr = nr };

	return hvisor_cell_retry(cell, &hypercall, timeout_ms, hvisor_is_again);
}

/*
 * A pause that nobody waits for any more is taken back. One that somebody else has
 * taken back meanwhile is not begun anew.
 */
static int cell_pause(struct hvisor_cell *cell, u32 timeout_ms)
{
	struct hvisor_hypercall begin = { .nr = HVISOR_HC_CELL_PAUSE };
	struct hvisor_hypercall go_on = { .nr = HVISOR_HC_CELL_PAUSE, .x = { 0, 1 } };
	int err = hvisor_cell_hypercall(cell, &begin);

	if (err == -EAGAIN)
		err = hvisor_cell_retry(cell, &go_on, timeout_ms, hvisor_is_again);
	if (err == -ETIMEDOUT || err == -EINTR)
		cell_operate(cell, HVISOR_HC_CELL_RESUME, timeout_ms);
	return err;
}

static int cell_resume(struct hvisor_cell *cell, u32 timeout_ms)
{
	return cell_operate(cell, HVISOR_HC_CELL_RESUME, timeout_ms);
}

static int call_cell_op(struct hvisor_call *call,
			int (*function)(struct hvisor_cell *cell, u32 timeout_ms))
{
	struct hvisor_cell_op *op = &call->arg.op;
	struct hvisor_cell *cell;
	int err;

	op->device = ~0U;
	if (op->id == HVISOR_ROOT_CELL)
		return -EPERM;
	cell = hvisor_cell_get(op->id);
	if (!cell)
		return -ENODEV;
	hvisor_cell_flush_state(cell);
	err = function(cell, op->timeout_ms);
	hvisor_cell_put(cell);
	return err;
}

int hvisor_ioctl_cell_stop(struct hvisor_call *call)
{
	return call_cell_op(call, hvisor_cell_stop);
}

int hvisor_ioctl_cell_pause(struct hvisor_call *call)
{
	return call_cell_op(call, cell_pause);
}

int hvisor_ioctl_cell_resume(struct hvisor_call *call)
{
	return call_cell_op(call, cell_resume);
}

int hvisor_ioctl_cell_destroy(struct hvisor_call *call)
{
	struct hvisor_cell_op *op = &call->arg.op;

	op->device = ~0U;
	return hvisor_cell_destroy(op->id, op->timeout_ms);
}

/* The region's file, held; NULL: none. The cell's death empties the list. */
static int memory_find(struct hvisor_cell *cell, u32 index,
		       struct hvisor_memory_region *ret_region, struct file **ret_file)
{
	int idx, err = -ENOENT;

	idx = srcu_read_lock(&hvisor_srcu);
	/* Pairs with the release when a cell is adopted. */
	if (READ_ONCE(cell->dead)) {
		err = -ENODEV;
	} else if (READ_ONCE(cell->orphaned)) {
		err = -EOWNERDEAD;
	} else if (index < smp_load_acquire(&cell->nr_memory)) {
		*ret_region = cell->memory[index].region;
		*ret_file = get_file(cell->memory[index].file);
		err = 0;
	}
	srcu_read_unlock(&hvisor_srcu, idx);
	return err;
}

static int memory_give(struct hvisor_call *call, struct hvisor_cell *cell)
{
	struct hvisor_cell_memory *memory = &call->arg.memory;
	struct hvisor_memory_region region;
	struct file *file;
	int err;

	err = memory_find(cell, memory->index, &region, &file);
	if (!err)
		err = hvisor_call_give_file(call, file);
	if (err)
		return err;
	memory->fd = call->install_fd;
	memory->ipa = region.ipa;
	memory->length = region.length;
	memory->offset = region.offset;
	memory->flags = region.flags;
	return 0;
}

int hvisor_ioctl_cell_memory(struct hvisor_call *call)
{
	struct hvisor_cell_memory *memory = &call->arg.memory;
	struct hvisor_cell *cell;
	int err;

	if (memory->reserved)
		return -EINVAL;
	if (call->file->cell)
		return monitor_is_of(call, memory->id) ?
		       memory_give(call, call->file->cell) : -EINVAL;
	cell = hvisor_cell_get(memory->id);
	if (!cell)
		return -ENODEV;
	err = memory_give(call, cell);
	hvisor_cell_put(cell);
	return err;
}

/* Returns the bytes copied; *position is moved where older ones are lost. */
static u32 log_copy(const struct hvisor_log *log, u32 size, void *to, u32 length,
		    u64 *position)
{
	u64 head = smp_load_acquire(&log->head);	/* text before its count */
	u64 room = size - LOG_LINE, lost;
	u32 done, at, first;

	if (*position > head)
		*position = head;
	if (head - *position > room)
		*position = head - room;
	done = min_t(u64, length, head - *position);
	at = *position % size;
	first = min(done, size - at);
	memcpy(to, log->text + at, first);
	memcpy(to + first, log->text, done - first);
	smp_rmb();	/* text before the second look at the count */
	head = READ_ONCE(log->head);
	lost = head - *position > room ? head - room - *position : 0;
	lost = min_t(u64, lost, done);
	memmove(to, to + lost, done - lost);
	*position += lost;
	return done - lost;
}

static int log_read(struct hvisor_cell *cell, struct hvisor_log_read *read, void *to)
{
	const struct hvisor_log *log;
	int idx, err = -ENODEV;
	u32 size;

	idx = srcu_read_lock(&hvisor_srcu);
	log = cell->id == HVISOR_ROOT_CELL ? hvisor.log : cell->log;
	size = cell->id == HVISOR_ROOT_CELL ? hvisor.log_size : cell->log_size;
	if (!READ_ONCE(cell->dead) && log && size > LOG_LINE) {
		read->length = log_copy(log, size, to, read->length, &read->position);
		err = 0;
	}
	srcu_read_unlock(&hvisor_srcu, idx);
	return err;
}

int hvisor_ioctl_log_read(struct hvisor_call *call)
{
	struct hvisor_log_read *read = &call->arg.log;
	struct hvisor_cell *cell;
	void *buffer;
	int err;

	if (read->reserved)
		return -EINVAL;
	read->length = min_t(u32, read->length, LOG_MAX_READ);
	buffer = kvmalloc(read->length ?: 1, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	cell = hvisor_cell_get(read->id);
	err = cell ? log_read(cell, read, buffer) : -ENODEV;
	hvisor_cell_put(cell);
	if (!err && copy_to_user(u64_to_user_ptr(read->buffer), buffer, read->length))
		err = -EFAULT;
	kvfree(buffer);
	return err;
}

int hvisor_ioctl_panic(struct hvisor_call *call)
{
	struct hvisor_hypercall hypercall = { .nr = HVISOR_HC_PANIC };

	return hvisor_hypercall(&hypercall);
}
