// SPDX-License-Identifier: GPL-2.0-only
/*
 * struct hvisor_cell: the table of cells, what EL2 publishes of them, their
 * end. cell-create.c and cell-adopt.c tell their beginning.
 *
 * Destroy can be interrupted or meet its deadline while EL2 still has the
 * cell; the cell then stays, dead, and the next destroy goes on where this one
 * stopped. Its order: nobody may touch EL2's pages any more (kill), the mappings
 * go, EL2 takes everything apart, and only then memory is unpinned and CPUs
 * return.
 */
#include "hvisor.h"

#include <linux/ctype.h>
#include <linux/delay.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

DEFINE_MUTEX(hvisor_admin);
/* Writers hold hvisor_admin. */
static struct hvisor_cell __rcu *cells[HVISOR_MAX_CELLS];

static const char * const state_names[] = {
	[HVISOR_CELL_NONE] = "none", [HVISOR_CELL_CREATED] = "created",
	[HVISOR_CELL_LOADED] = "loaded", [HVISOR_CELL_RUNNING] = "running",
	[HVISOR_CELL_PAUSED] = "paused", [HVISOR_CELL_STOPPED] = "stopped",
	[HVISOR_CELL_FAILED] = "failed", [HVISOR_CELL_DYING] = "dying",
};

static const char * const reason_names[] = {
	[HVISOR_REASON_NONE] = "none", [HVISOR_REASON_STOP] = "stop",
	[HVISOR_REASON_OFF] = "off", [HVISOR_REASON_RESET] = "reset",
	[HVISOR_REASON_UNMAPPED] = "unmapped",
	[HVISOR_REASON_EXCEPTION] = "exception",
	[HVISOR_REASON_DEVICE] = "device", [HVISOR_REASON_SERROR] = "serror",
};

const char *hvisor_state_name(u32 state)
{
	return state < ARRAY_SIZE(state_names) ? state_names[state] : "unknown";
}

const char *hvisor_reason_name(u32 reason)
{
	return reason < ARRAY_SIZE(reason_names) ? reason_names[reason] : "unknown";
}

bool hvisor_name_is_valid(const u8 *name, size_t size)
{
	size_t i, length = strnlen(name, size);

	for (i = 0; i < length; i++)
		if (!isascii(name[i]) ||
		    (!isalnum(name[i]) && name[i] != '_' && name[i] != '-'))
			return false;
	return length && length < size;
}

struct hvisor_cell *hvisor_cell_get(u32 id)
{
	struct hvisor_cell *cell = NULL;
	int idx;

	idx = srcu_read_lock(&hvisor_srcu);
	if (id < HVISOR_MAX_CELLS)
		cell = srcu_dereference(cells[id], &hvisor_srcu);
	if (cell)
		get_device(&cell->dev);
	srcu_read_unlock(&hvisor_srcu, idx);
	return cell;
}

void hvisor_cell_put(struct hvisor_cell *cell)
{
	if (cell)
		put_device(&cell->dev);
}

void hvisor_cells_for_each(void (*function)(struct hvisor_cell *cell))
{
	struct hvisor_cell *cell;
	u32 id;

	for (id = 0; id < HVISOR_MAX_CELLS; id++) {
		cell = hvisor_cell_get(id);
		if (!cell)
			continue;
		function(cell);
		hvisor_cell_put(cell);
	}
}

void hvisor_cell_read(struct hvisor_cell *cell, void *to, size_t offset, size_t size)
{
	const struct hvisor_cell_page *page;
	int idx, tries = 1000;
	u32 seq;

	idx = srcu_read_lock(&hvisor_srcu);
	page = srcu_dereference(cell->page, &hvisor_srcu);
	do {
		/* Pairs with EL2's release of an even count after the data. */
		seq = smp_load_acquire(&page->seq);
		memcpy(to, (const void *)page + offset, size);
		smp_rmb();	/* data before the second look at the count */
	} while ((seq & 1 || READ_ONCE(page->seq) != seq) && tries--);
	srcu_read_unlock(&hvisor_srcu, idx);
}

void hvisor_cell_read_status(struct hvisor_cell *cell,
			     struct hvisor_cell_status *ret_status)
{
	/* struct hvisor_cell_status mirrors this part of the page. */
	BUILD_BUG_ON(offsetof(struct hvisor_cell_page, state_since) -
		     offsetof(struct hvisor_cell_page, state) !=
		     offsetof(struct hvisor_cell_status, state_since));
	hvisor_cell_read(cell, ret_status, offsetof(struct hvisor_cell_page, state),
			 sizeof(*ret_status));
}

static void cell_announce_state(struct hvisor_cell *cell, u32 state, u32 reason)
{
	char event_var[40], reason_var[40];
	char *env[] = { event_var, reason_var, NULL };

	snprintf(event_var, sizeof(event_var), "HVISOR_EVENT=%s",
		 hvisor_state_name(state));
	snprintf(reason_var, sizeof(reason_var), "HVISOR_REASON=%s",
		 hvisor_reason_name(reason));
	kobject_uevent_env(&cell->dev.kobj, KOBJ_CHANGE, env);
}

static void cell_announce(struct hvisor_cell *cell)
{
	struct hvisor_cell_status status;

	hvisor_cell_read_status(cell, &status);
	if (!device_is_registered(&cell->dev) ||
	    !memcmp(&status, &cell->told, sizeof(status)))
		return;
	/* It ran, and so shortly that this is the first look at it. */
	if (status.starts != cell->told.starts && status.state != HVISOR_CELL_RUNNING)
		cell_announce_state(cell, HVISOR_CELL_RUNNING, HVISOR_REASON_NONE);
	cell->told = status;
	sysfs_notify(&cell->dev.kobj, NULL, "state");
	cell_announce_state(cell, status.state, status.reason);
}

static void state_work(struct work_struct *work)
{
	cell_announce(container_of(work, struct hvisor_cell, state_work));
}

void hvisor_cell_flush_state(struct hvisor_cell *cell)
{
	int idx;

	idx = srcu_read_lock(&hvisor_srcu);
	/* Of the dead hvisor_cell_dismantle() tells. */
	if (!READ_ONCE(cell->dead))
		schedule_work(&cell->state_work);
	srcu_read_unlock(&hvisor_srcu, idx);
	flush_work(&cell->state_work);
}

static int cell_uevent(COMPAT_CONST struct device *dev, struct kobj_uevent_env *env)
{
	struct hvisor_cell *cell = to_hvisor_cell(dev);

	/* Its remove tells that the module goes, and the cell does not. */
	if (READ_ONCE(cell->dead) && cell->last->state != HVISOR_CELL_DYING &&
	    add_uevent_var(env, "HVISOR_REASON=module"))
		return -ENOMEM;
	return add_uevent_var(env, "HVISOR_CELL_ID=%u", cell->id) ?:
	       add_uevent_var(env, "HVISOR_CELL_NAME=%s", cell->name);
}

static void cell_release(struct device *dev)
{
	struct hvisor_cell *cell = to_hvisor_cell(dev);

	hvisor_virtio_group_exit(cell);
	put_pid(cell->monitor_pid);
	kvfree(cell->config);
	kfree(cell->last);
	kfree(cell);
}

const struct device_type hvisor_cell_type = {
	.name = "cell",
	.groups = hvisor_cell_groups,
	.uevent = cell_uevent,
	.release = cell_release,
};

struct hvisor_cell *hvisor_cell_alloc(void)
{
	struct hvisor_cell *cell;

	cell = kzalloc(sizeof(*cell), GFP_KERNEL_ACCOUNT);
	if (!cell)
		return NULL;
	cell->last = kzalloc(sizeof(*cell->last), GFP_KERNEL_ACCOUNT);
	if (!cell->last) {
		kfree(cell);
		return NULL;
	}
	rcu_assign_pointer(cell->page, cell->last);
	device_initialize(&cell->dev);
	cell->dev.class = &hvisor_class;
	cell->dev.type = &hvisor_cell_type;
	init_waitqueue_head(&cell->wait);
	mutex_init(&cell->lock);
	INIT_WORK(&cell->state_work, state_work);
	return cell;
}

static int cell_map_log(struct hvisor_cell *cell)
{
	size_t size = (size_t)cell->mapped->log_pages * HVISOR_PAGE_SIZE;

	if (!cell->mapped->log)
		return 0;
	cell->log = hvisor_map(cell->mapped->log, size);
	if (!cell->log)
		return -EIO;
	cell->log_size = cell->log->size;
	return cell->log_size <= size - sizeof(*cell->log) ? 0 : -EPROTO;
}

/* What EL2 made for the cell, found again by its number. */
int hvisor_cell_map(struct hvisor_cell *cell)
{
	const struct hvisor_cell_page *page;
	int err;

	BUILD_BUG_ON(sizeof(*page) > HVISOR_PAGE_SIZE);
	page = hvisor_map(hvisor.info->cells[cell->id], HVISOR_PAGE_SIZE);
	if (!page)
		return -EIO;
	cell->mapped = page;
	rcu_assign_pointer(cell->page, page);
	err = cell_map_log(cell);
	if (err)
		return err;
	if (cell->id == HVISOR_ROOT_CELL)
		return 0;
	cell->bell = hvisor_map(page->bell, HVISOR_PAGE_SIZE);
	return cell->bell ? 0 : -EIO;
}

int hvisor_cell_map_devices(struct hvisor_cell *cell)
{
	int err;
	u32 i;

	for (i = 0; i < cell->nr_devices; i++) {
		err = hvisor_device_map(cell->devices[i], cell->mapped->devices[i]);
		if (err)
			return err;
	}
	return 0;
}

/* After hvisor_cell_kill() and without sysfs files of devices. */
static void cell_unmap(struct hvisor_cell *cell)
{
	u32 i;

	for (i = 0; i < cell->nr_devices; i++)
		hvisor_device_unmap(cell->devices[i]);
	hvisor_unmap(cell->bell);
	hvisor_unmap(cell->log);
	hvisor_unmap(cell->mapped);
	cell->bell = NULL;
	cell->log = NULL;
	cell->mapped = NULL;
}

/* From here on every path finds the cell dead and leaves EL2's pages alone. */
static void cell_kill(struct hvisor_cell *cell, bool is_dying)
{
	u32 i;

	if (cell->dead)
		return;
	if (cell->mapped) {
		memcpy(cell->last, cell->mapped, sizeof(*cell->last));
		cell->last->seq &= ~1U;
		if (is_dying)
			cell->last->state = HVISOR_CELL_DYING;
		rcu_assign_pointer(cell->page, cell->last);
	}
	WRITE_ONCE(cell->dead, true);
	wake_up_all(&cell->wait);
	for (i = 0; i < cell->nr_devices; i++)
		wake_up_all(&cell->devices[i]->wait);
	synchronize_srcu(&hvisor_srcu);
	for (i = 0; i < cell->nr_devices; i++)
		hvisor_device_zap(cell->devices[i]);
}

int hvisor_cell_insert(struct hvisor_cell *cell, u32 id)
{
	if (!id || id >= HVISOR_MAX_CELLS || rcu_access_pointer(cells[id]))
		return -EPROTO;
	cell->id = id;
	cell->is_built = true;
	rcu_assign_pointer(cells[id], cell);
	return dev_set_name(&cell->dev, "cell%u", id);
}

bool hvisor_is_again(struct hvisor_cell *cell, const struct hvisor_hypercall *call, int err)
{
	return err == -EAGAIN;
}

static int retry(struct hvisor_cell *cell, struct hvisor_hypercall *call,
		 u32 timeout_ms, hvisor_again_fn *again,
		 int (*make)(struct hvisor_cell *, struct hvisor_hypercall *))
{
	const struct hvisor_hypercall first = *call;
	unsigned long end;
	u32 tries = 0;
	int err;

	end = jiffies + msecs_to_jiffies(timeout_ms ?: HVISOR_DEFAULT_TIMEOUT);
	for (;;) {
		*call = first;
		err = make(cell, call);
		if (!again(cell, call, err))
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		/* At first there is more to do; later somebody to wait for. */
		if (tries++ < 64)
			cond_resched();
		else
			usleep_range(200, 1000);
	}
}

int hvisor_cell_retry(struct hvisor_cell *cell, struct hvisor_hypercall *call,
		      u32 timeout_ms, hvisor_again_fn *again)
{
	return retry(cell, call, timeout_ms, again, hvisor_cell_hypercall);
}

int hvisor_cell_stop(struct hvisor_cell *cell, u32 timeout_ms)
{
	struct hvisor_hypercall call = { .nr = HVISOR_HC_CELL_STOP };

	/* First: a load that EL2 carries out behind this stop sees it. */
	atomic_inc(&cell->stops);
	return hvisor_cell_retry(cell, &call, timeout_ms, hvisor_is_again);
}

/* The dead have no hypercalls but this one; the caller holds hvisor_admin. */
static int cell_call_dead(struct hvisor_cell *cell, struct hvisor_hypercall *call)
{
	call->x[0] = cell->id;
	return hvisor_hypercall(call);
}

static int cell_dismantle_el2(struct hvisor_cell *cell, u32 timeout_ms)
{
	struct hvisor_hypercall call = { .nr = HVISOR_HC_CELL_DESTROY };
	int err;

	if (!cell->is_built)
		return 0;
	err = retry(cell, &call, timeout_ms, hvisor_is_again, cell_call_dead);
	if (!err)
		cell->is_built = false;
	return err;
}

static void cell_drop(struct hvisor_cell *cell)
{
	u32 i;

	hvisor_statistics_exit(cell);
	if (device_is_registered(&cell->dev))
		device_del(&cell->dev);
	if (cell->id) {
		rcu_assign_pointer(cells[cell->id], NULL);
		synchronize_srcu(&hvisor_srcu);
	}
	for (i = 0; i < cell->nr_devices; i++)
		put_device(&cell->devices[i]->dev);
	put_device(&cell->dev);
}

/* Nobody sees or serves it any more; EL2 and root's kernel still have it. */
static void cell_withdraw(struct hvisor_cell *cell, bool is_dying)
{
	u32 i;

	hvisor_cell_flush_state(cell);
	cell_kill(cell, is_dying);
	for (i = 0; i < cell->nr_devices; i++)
		hvisor_device_unregister(cell->devices[i]);
	hvisor_irq_exit(cell);
	if (is_dying)
		cell_announce(cell);
	cell_unmap(cell);
}

int hvisor_cell_dismantle(struct hvisor_cell *cell, u32 timeout_ms)
{
	int err;

	/* Unfinished, it must not be left to a module that knows nothing of it. */
	if (!cell->dead)
		__module_get(THIS_MODULE);
	cell_withdraw(cell, true);
	err = cell_dismantle_el2(cell, timeout_ms);
	if (err)
		return err;
	hvisor_memory_unpin(cell);
	hvisor_memory_leave(cell);
	hvisor_cpus_return(cell);
	cell_drop(cell);
	module_put(THIS_MODULE);
	return 0;
}

void hvisor_cells_leave(void)
{
	struct hvisor_cell *cell;
	u32 id;

	mutex_lock(&hvisor_admin);
	for (id = 1; id < HVISOR_MAX_CELLS; id++) {
		cell = rcu_dereference_protected(cells[id],
						 lockdep_is_held(&hvisor_admin));
		if (!cell)
			continue;
		cell_withdraw(cell, false);
		hvisor_memory_leave(cell);
		cell_drop(cell);
	}
	mutex_unlock(&hvisor_admin);
}

int hvisor_cell_destroy(u32 id, u32 timeout_ms)
{
	struct hvisor_cell *cell;
	int err = -ENODEV;

	if (id == HVISOR_ROOT_CELL)
		return -EPERM;
	/* Who holds the lock may be giving the number to another cell. */
	cell = hvisor_cell_get(id);
	if (!cell)
		return -ENODEV;
	if (mutex_lock_killable(&hvisor_admin)) {
		err = -EINTR;
		goto put;
	}
	if (rcu_access_pointer(cells[id]) == cell)
		err = hvisor_cell_dismantle(cell, timeout_ms);
	mutex_unlock(&hvisor_admin);
put:
	hvisor_cell_put(cell);
	return err;
}

int hvisor_root_init(void)
{
	struct hvisor_cell *cell;
	int err;

	cell = hvisor_cell_alloc();
	if (!cell)
		return -ENOMEM;
	strscpy(cell->name, "root", sizeof(cell->name));
	rcu_assign_pointer(cells[HVISOR_ROOT_CELL], cell);
	err = dev_set_name(&cell->dev, "cell0") ?:
	      hvisor_cell_map(cell) ?:
	      hvisor_add(&cell->dev) ?:
	      hvisor_statistics_init(cell);
	if (err)
		hvisor_root_exit();
	else
		hvisor_tell(&cell->dev);
	return err;
}

void hvisor_root_exit(void)
{
	struct hvisor_cell *cell;

	cell = rcu_dereference_protected(cells[HVISOR_ROOT_CELL], 1);
	if (!cell)
		return;
	cell_kill(cell, false);
	cell_unmap(cell);
	rcu_assign_pointer(cells[HVISOR_ROOT_CELL], NULL);
	synchronize_srcu(&hvisor_srcu);
	cell_drop(cell);
}

static void cell_stop(struct hvisor_cell *cell)
{
	if (cell->id != HVISOR_ROOT_CELL)
		hvisor_cell_stop(cell, 1000);
}

void hvisor_cells_stop(void)
{
	hvisor_cells_for_each(cell_stop);
}
