// SPDX-License-Identifier: GPL-2.0-only
/*
 * A cell's interrupt in root: EL2 says that the bell page is worth a look.
 *
 * EL2 sets bits, then exchanges "told" with 1 after a full barrier and raises
 * the interrupt if it was 0. Root clears "told", then, after a full barrier,
 * takes the bits. One of the two sees the other's store, so no bit is left
 * unseen (docs/theory-device-path.md, Doorbells).
 *
 * A look is in vain if it finds nothing but doorbells whose earlier wake-up
 * nobody has read yet. After too many of these "told" stays 1, so that EL2
 * raises nothing more, and a timer looks a millisecond later: a storm of kicks
 * costs its sender. Work that is read in time never counts, and an eventfd, of
 * which nobody can tell, a sixteenth. And whoever waits decides how long it takes
 * to wake him: behind looks that took a quarter of their time the cell rests for
 * thrice what they took, so that it has a quarter of this CPU at most. A look that
 * was itself kept waiting, by a thread of higher priority or whoever else has this
 * CPU, does not make the cell pay for all of that.
 *
 * Neither the handler nor the timer insists on interrupt context: PREEMPT_RT runs
 * them in threads, and there the locks of wait queues and eventfds sleep.
 *
 * An interrupt can get lost in root when its affinity moves or its CPU goes
 * offline (the flow handler drops what arrives while another CPU still handles
 * it). Both are seen here and followed by one more look.
 */
#include "hvisor.h"

#include <linux/bitops.h>
#include <linux/irq.h>
#include <linux/moduleparam.h>

#define WINDOW_MS	10
#define PUT_OFF_MS	1
#define RESCAN_MS	10
#define LONG_LOOKS_NS	(WINDOW_MS * NSEC_PER_MSEC / 4)
#define LONGEST_LOOK_NS	(10 * WINDOW_MS * NSEC_PER_MSEC)
/* Where a look that only signalled eventfds is 1. */
#define VAIN_WEIGHT	16U

static unsigned int storm_runs = 64;
module_param(storm_runs, uint, 0644);
MODULE_PARM_DESC(storm_runs, "vain interrupts of a cell in 10 ms after which it is put off");

/* What a look at a device, or at all of them, was good for: the more the greater. */
enum look {
	LOOK_VAIN,
	LOOK_SIGNAL,	/* eventfds were signalled; nobody knows who reads them */
	LOOK_USEFUL,
};

static enum look device_look(struct hvisor_device *device, bool is_request)
{
	enum look look = hvisor_ioeventfd_signal(device) ? LOOK_SIGNAL : LOOK_VAIN;

	if (look == LOOK_SIGNAL && !is_request && !hvisor_doorbell_peek(device))
		return look;
	if (is_request || !READ_ONCE(device->is_woken))
		look = LOOK_USEFUL;
	if (!is_request)
		WRITE_ONCE(device->is_woken, true);
	wake_up(&device->wait);
	return look;
}

/* A look that began at @start. */
static void window_count(struct hvisor_cell *cell, ktime_t start, u32 weight)
{
	ktime_t now = ktime_get();

	if (ktime_ms_delta(start, cell->window) >= WINDOW_MS) {
		cell->window = start;
		cell->window_runs = 0;
		cell->window_spent = 0;
	}
	cell->window_runs += weight;
	cell->window_spent += min_t(s64, ktime_sub(now, start), LONGEST_LOOK_NS);
	if (cell->window_spent > LONG_LOOKS_NS) {
		cell->rest_until = ktime_add(now, 3 * cell->window_spent);
		cell->window_spent = 0;
	}
}

static bool window_is_full(const struct hvisor_cell *cell, ktime_t now)
{
	return cell->window_runs / VAIN_WEIGHT > READ_ONCE(storm_runs) &&
	       ktime_ms_delta(now, cell->window) < WINDOW_MS;
}

/* For how long the cell is to be left alone, 0: it is to be looked at now. */
static ktime_t put_off(const struct hvisor_cell *cell, ktime_t now)
{
	ktime_t rest = ktime_sub(cell->rest_until, now);

	if (ktime_compare(rest, 0) <= 0)
		rest = 0;
	return window_is_full(cell, now) ? max(rest, ms_to_ktime(PUT_OFF_MS)) : rest;
}

/* In window_runs. */
static u32 weight_of(enum look look)
{
	if (look == LOOK_USEFUL)
		return 0;
	return look == LOOK_SIGNAL ? 1 : VAIN_WEIGHT;
}

static void bell_scan(struct hvisor_cell *cell, ktime_t start)
{
	struct hvisor_bell_page *bell = cell->bell;
	unsigned long requests, bells, devices;
	enum look look = LOOK_VAIN;
	unsigned int i;
	u32 events;

	WRITE_ONCE(bell->told, 0);
	/* Pairs with EL2's barrier between its bits and its look at told. */
	smp_mb();
	events = xchg(&bell->events, 0);
	requests = xchg(&bell->requests, 0);
	bells = xchg(&bell->bells, 0);

	devices = requests | bells;
	for_each_set_bit(i, &devices, cell->nr_devices)
		look = max(look, device_look(cell->devices[i], requests & BIT(i)));
	if (events & HVISOR_EVENT_STATE) {
		wake_up(&cell->wait);
		schedule_work(&cell->state_work);
		look = LOOK_USEFUL;
	}
	window_count(cell, start, weight_of(look));
}

static irqreturn_t irq_handler(int irq, void *data)
{
	struct hvisor_cell *cell = data;
	ktime_t now = ktime_get(), delay = put_off(cell, now);

	if (!delay) {
		bell_scan(cell, now);
		return IRQ_HANDLED;
	}
	WRITE_ONCE(cell->rate_limited, cell->rate_limited + 1);
	WRITE_ONCE(cell->is_put_off, true);
	hrtimer_start(&cell->timer, delay, HRTIMER_MODE_REL);
	return IRQ_HANDLED;
}

/* Devices whose doorbells were left alone meanwhile. */
static void late_count(struct hvisor_cell *cell)
{
	unsigned long bells = READ_ONCE(cell->bell->bells);
	unsigned int i;

	for_each_set_bit(i, &bells, cell->nr_devices)
		cell->devices[i]->rate_limited++;
}

static enum hrtimer_restart timer_handler(struct hrtimer *timer)
{
	struct hvisor_cell *cell = container_of(timer, struct hvisor_cell, timer);

	if (xchg(&cell->is_put_off, false))
		late_count(cell);
	bell_scan(cell, ktime_get());
	return HRTIMER_NORESTART;
}

void hvisor_irq_rescan(struct hvisor_cell *cell)
{
	int idx = srcu_read_lock(&hvisor_srcu);

	/* What is armed looks anyway, and when it may. */
	if (!READ_ONCE(cell->dead) && READ_ONCE(cell->irq) && !hrtimer_is_queued(&cell->timer))
		hrtimer_start(&cell->timer, ms_to_ktime(RESCAN_MS), HRTIMER_MODE_REL);
	srcu_read_unlock(&hvisor_srcu, idx);
}

static void affinity_notify(struct irq_affinity_notify *notify,
			    const cpumask_t *mask)
{
	hvisor_irq_rescan(container_of(notify, struct hvisor_cell, irq_notify));
}

/* The cell outlives its notifier: hvisor_irq_exit() waits for it. */
static void affinity_release(struct kref *kref)
{
}

int hvisor_irq_init(struct hvisor_cell *cell)
{
	int irq, err;

	hrtimer_setup(&cell->timer, timer_handler, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	/* Entry n - 1 of the node is cell n's. */
	irq = platform_get_irq_optional(hvisor.pdev, cell->id - 1);
	if (irq < 0)
		return irq;
	err = request_irq(irq, irq_handler, 0, dev_name(&cell->dev), cell);
	if (err)
		return err;
	WRITE_ONCE(cell->irq, irq);
	cell->irq_notify.notify = affinity_notify;
	cell->irq_notify.release = affinity_release;
	err = irq_set_affinity_notifier(irq, &cell->irq_notify);
	/* What was told before the handler was there is looked at now. */
	hrtimer_start(&cell->timer, 0, HRTIMER_MODE_REL);
	return err;
}

void hvisor_irq_exit(struct hvisor_cell *cell)
{
	if (!cell->irq)
		return;
	irq_set_affinity_notifier(cell->irq, NULL);
	free_irq(cell->irq, cell);
	hrtimer_cancel(&cell->timer);
	WRITE_ONCE(cell->irq, 0);
	cancel_work_sync(&cell->state_work);
}
