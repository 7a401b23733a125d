// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * eventfds KICK-IMAGE: the backend of the payload kick, which answers its kicks by
 * eventfds while it takes them away and gives them back all the time. The guest
 * waits for each answer: one notification or interrupt that gets lost, and it
 * waits for ever. Its storm at the end is to cost root little.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include <hvisor/hypercall.h>

#include "common.h"

/* The guest is at the same kick for so long: something got lost. */
#define STALL_MS	20000
#define MAX_IRQFDS	17
#define MAX_WAKERS	4000
/* Notifications, as kick.c has it: a first part by eventfd, at least a last one by nobody. */
#define STORM		2000000
#define STORM_FIRST	100000
#define STORM_LAST	30000
#define TRIES		6

static unsigned int cell;
static int control, monitor, device, echo;
static int kick, call;
static unsigned int by_read, by_eventfd;
static bool has_ioeventfd, has_irqfd;
static bool is_last;	/* queue 1 was notified */

static int ioeventfd(int file, unsigned int flags, int fd, unsigned int queue)
{
	struct hvisor_ioeventfd arg = {
		.size = sizeof(arg), .flags = flags, .fd = fd, .queue = queue,
	};

	return ioctl(file, HVISOR_IOEVENTFD, &arg);
}

static int irqfd(int file, unsigned int flags, int fd, unsigned int bits)
{
	struct hvisor_irqfd arg = {
		.size = sizeof(arg), .flags = flags, .fd = fd, .bits = bits,
	};

	return ioctl(file, HVISOR_IRQFD, &arg);
}

static void try_ioeventfds(void)
{
	int other = eventfd(0, EFD_CLOEXEC);

	check("ioeventfd, unknown flag", ioeventfd(device, 2, kick, 0), EINVAL);
	check("ioeventfd, no such queue", ioeventfd(device, 0, kick, 2), EINVAL);
	check("ioeventfd, queue 4 billion", ioeventfd(device, 0, kick, ~0U), EINVAL);
	check("ioeventfd of a region", ioeventfd(echo, 0, kick, 0), EINVAL);
	check("ioeventfd, not open", ioeventfd(device, 0, 999, 0), EBADF);
	check("ioeventfd, -1", ioeventfd(device, 0, -1, 0), EBADF);
	check("ioeventfd, no eventfd", ioeventfd(device, 0, device, 0), EINVAL);
	check("ioeventfd by control", ioeventfd(control, 0, kick, 0), EBADF);
	check("no ioeventfd to take", ioeventfd(device, 1, kick, 0), ENOENT);
	check("ioeventfd", ioeventfd(device, 0, kick, 0), 0);
	check("a second ioeventfd", ioeventfd(device, 0, other, 0), EBUSY);
	check("the same ioeventfd", ioeventfd(device, 0, kick, 0), EBUSY);
	check("the same of another queue", ioeventfd(device, 0, kick, 1), 0);
	check("take another's ioeventfd", ioeventfd(device, 1, other, 0), ENOENT);
	check("take the ioeventfd", ioeventfd(device, 1, kick, 0), 0);
	check("take it of the other queue", ioeventfd(device, 1, kick, 1), 0);
	check("it has been taken", ioeventfd(device, 1, kick, 1), ENOENT);
	close(other);
}

static void try_irqfds(void)
{
	int fds[MAX_IRQFDS];

	check("irqfd, unknown flag", irqfd(device, 2, call, 1), EINVAL);
	check("irqfd for nothing", irqfd(device, 0, call, 0), EINVAL);
	check("irqfd of unknown kind", irqfd(device, 0, call, 4), EINVAL);
	check("irqfd of a region", irqfd(echo, 0, call, 1), EINVAL);
	check("irqfd, not open", irqfd(device, 0, 999, 1), EBADF);
	check("irqfd, no eventfd", irqfd(device, 0, device, 1), EINVAL);
	check("irqfd by the monitor", irqfd(monitor, 0, call, 1), EBADF);
	check("no irqfd to take", irqfd(device, 1, call, 1), ENOENT);
	for (int i = 0; i < MAX_IRQFDS; i++) {
		fds[i] = eventfd(0, EFD_CLOEXEC);
		check("irqfd", irqfd(device, 0, fds[i], 1), 0);
	}
	check("one irqfd more", irqfd(device, 0, call, 1), ENOSPC);
	check("the same irqfd", irqfd(device, 0, fds[0], 1), EBUSY);
	check("take an irqfd", irqfd(device, 1, fds[1], 1), 0);
	check("irqfd in its place", irqfd(device, 0, call, 1), 0);
	check("take it", irqfd(device, 1, call, 1), 0);
	/* The others are closed while they are assigned, and go with the file. */
	for (int i = 0; i < MAX_IRQFDS; i++)
		close(fds[i]);
}

static int keep(int file, unsigned int flags, int *fd)
{
	struct hvisor_device_keep arg = {
		.size = sizeof(arg), .flags = flags, .fd = *fd,
	};
	int ret = ioctl(file, HVISOR_DEVICE_KEEP, &arg);

	*fd = arg.fd;
	return ret;
}

/* What is kept is there when the file has gone that gave it. */
static void try_keep(void)
{
	int none = -1, closed = 999, memory = memfd_create("kept", MFD_CLOEXEC), got = -1;
	char byte = 0;

	check("nothing is kept", keep(device, 1, &got), ENOENT);
	check("keep, unknown flag", keep(device, 2, &memory), EINVAL);
	check("keep an eventfd", keep(device, 0, &kick), EINVAL);
	check("keep the device", keep(device, 0, &device), EINVAL);
	check("keep, not open", keep(device, 0, &closed), EBADF);
	check("keep for the monitor", keep(monitor, 0, &memory), EBADF);
	check("keep", keep(device, 0, &memory), 0);
	check("of another device", keep(echo, 1, &got), ENOENT);
	check("write to it", write(memory, "x", 1) == 1 ? 0 : -1, 0);
	close(memory);
	close(device);
	device = open_bound(HVISOR_ROLE_DEVICE, cell, 0);
	check("get", keep(device, 1, &got), 0);
	check("its content", pread(got, &byte, 1, 0) == 1 && byte == 'x' ? 0 : -1, 0);
	check("its flags", fcntl(got, F_GETFD) == FD_CLOEXEC ? 0 : -1, 0);
	close(got);
	check("keep nothing", keep(device, 0, &none), 0);
	check("nothing any more", keep(device, 1, &got), ENOENT);
	memory = memfd_create("goes with the cell", MFD_CLOEXEC);
	check("keep until the end", keep(device, 0, &memory), 0);
	close(memory);
}

static void declare(void)
{
	struct hvisor_device_decl region = { .size = sizeof(region) };
	struct hvisor_device_decl decl = {
		.size = sizeof(decl), .device_id = 2, .nr_queues = 2,
		.features = 1ULL << VIRTIO_F_VERSION_1, .queue_max = { 64, 64 },
	};

	check("declare", ioctl(device, HVISOR_DEVICE_DECLARE, &decl), 0);
	check("declare the region", ioctl(echo, HVISOR_DEVICE_DECLARE, &region), 0);
}

/* What a successor finds is as with a predecessor that never had eventfds. */
static void try_release(void)
{
	check("ioeventfd", ioeventfd(device, 0, kick, 0), 0);
	close(device);
	device = open_bound(HVISOR_ROLE_DEVICE, cell, 0);
	check("gone with the file", ioeventfd(device, 1, kick, 0), ENOENT);
}

static void start(const char *image)
{
	struct hvisor_cell_op load = { .size = sizeof(load), .id = cell };
	struct hvisor_cell_start start = {
		.size = sizeof(start), .id = cell, .entry = RAM_IPA,
	};
	int fd = open(image, O_RDONLY);
	void *memory = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    FD_MEMORY, 0);

	check("load", ioctl(monitor, HVISOR_CELL_LOAD, &load), 0);
	check("image", memory == MAP_FAILED || read(fd, memory, RAM_SIZE) <= 0 ? -1 : 0, 0);
	check("start", ioctl(monitor, HVISOR_CELL_START, &start), 0);
	close(fd);
}

static bool has_said(const char *text)
{
	static char buffer[16384];
	struct hvisor_log_read log = {
		.size = sizeof(log), .id = cell, .buffer = (uintptr_t)buffer,
		.length = sizeof(buffer) - 1,
	};

	if (ioctl(control, HVISOR_LOG_READ, &log))
		return false;
	buffer[log.length] = '\0';
	return strstr(buffer, text);
}

/* By the eventfd or, while that is away, by the call. */
static void answer(void)
{
	struct hvisor_device_notify notify = {
		.size = sizeof(notify), .bits = HVISOR_INTERRUPT_USED,
	};

	if (has_irqfd)
		eventfd_write(call, 1);
	else
		ioctl(device, HVISOR_DEVICE_INTERRUPT, &notify);
}

/* Bits of queues that read() has given; DRIVER_OK is none. */
static unsigned int read_queues(void)
{
	struct hvisor_request request[4];
	unsigned int bits = 0;
	ssize_t got = read(device, request, sizeof(request));

	for (ssize_t i = 0; i < got / (ssize_t)sizeof(request[0]); i++)
		if (request[i].type == HVISOR_REQUEST_NOTIFY)
			bits |= request[i].bits & HVISOR_BELL_QUEUES;
	return bits;
}

/* One round: waits for a kick, however it comes. */
static bool serve_one(void)
{
	struct pollfd fds[] = {
		{ .fd = device, .events = POLLIN },
		{ .fd = kick, .events = POLLIN },
	};
	unsigned int bits = 0;
	eventfd_t count = 0;

	if (poll(fds, 2, STALL_MS) <= 0)
		return false;
	if (fds[0].revents & POLLIN)
		bits = read_queues();
	is_last |= bits & 2;
	if (has_ioeventfd && bits & 1)
		check("queue 0 by read()", -1, 0);
	if (fds[1].revents & POLLIN)
		eventfd_read(kick, &count);
	by_read += !!(bits & 1);
	by_eventfd += !!count;
	if (bits || count)
		answer();
	return !(fds[0].revents & (POLLERR | POLLHUP));
}

static void flip(bool *has, int result)
{
	check(*has ? "take away" : "assign", result, 0);
	*has = !*has;
}

/* @name: what follows the cell's name in the class of sysfs */
static unsigned long long counter(const char *name)
{
	unsigned long long count = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/hvisor/cell%u%s", cell, name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%llu", &count) != 1)
		check(path, -1, 0);
	if (file)
		fclose(file);
	return count;
}

/* The cell's line in /proc/interrupts, of all CPUs. */
static unsigned long long root_interrupts(void)
{
	unsigned long long sum = 0;
	char line[512], name[16], *end = line, *word;
	FILE *file = fopen("/proc/interrupts", "r");

	snprintf(name, sizeof(name), " cell%u\n", cell);
	while (file && fgets(line, sizeof(line), file) && !strstr(line, name))
		line[0] = '\0';
	check("line in /proc/interrupts", strstr(line, name) ? 0 : -1, 0);
	for (word = strchr(line, ':') ?: line; *word && word != end; word = end)
		sum += strtoull(word + (*word == ':'), &end, 10);
	if (file)
		fclose(file);
	return sum;
}

struct counters {
	unsigned long long notifications, coalesced, late, put_off, interrupts;
};

/* The storm goes on meanwhile: what is counted first is the smaller by that. */
static struct counters counters_now(void)
{
	struct counters now = { .coalesced = counter(".dev0/coalesced") };

	now.notifications = counter(".dev0/notifications");
	now.late = counter(".dev0/rate_limited");
	now.put_off = counter("/rate_limited");
	now.interrupts = root_interrupts();
	return now;
}

/* Until the guest has said so. Nothing is taken away in a storm, the second part. */
static void serve(const char *until, bool is_storm)
{
	unsigned int round;

	for (round = 0; (round % 64 && !is_last) || !has_said(until); round++) {
		if (!is_storm && round % 7 == 3)
			flip(&has_ioeventfd, ioeventfd(device, has_ioeventfd, kick, 0));
		else if (!is_storm && round % 5 == 3)
			flip(&has_irqfd, irqfd(device, has_irqfd, call, 1));
		if (serve_one())
			continue;
		/* It may have ended since it was looked at last. */
		errno = ETIMEDOUT;
		check(until, has_said(until) ? 0 : -1, 0);
		return;
	}
}

/* What the storm has cost since @then, which is @now then. */
static struct counters storm_cost(struct counters *then, const char *who)
{
	struct counters now = counters_now(), cost = {
		.notifications = now.notifications - then->notifications,
		.coalesced = now.coalesced - then->coalesced,
		.late = now.late - then->late,
		.put_off = now.put_off - then->put_off,
		.interrupts = now.interrupts - then->interrupts,
	};

	printf("%s: %llu notifications, %llu coalesced, %llu interrupts, "
	       "put off %llu, looked at late %llu\n", who, cost.notifications,
	       cost.coalesced, cost.interrupts, cost.put_off, cost.late);
	*then = now;
	return cost;
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Interrupts in so long: in 10 ms 16 that signal eventfds for each of storm_runs. */
static unsigned long long let_pass(long long ms)
{
	FILE *file = fopen("/sys/module/hvisor/parameters/storm_runs", "r");
	unsigned int runs = 0;

	check("storm_runs", file && fscanf(file, "%u", &runs) == 1 ? 0 : -1, 0);
	if (file)
		fclose(file);
	return (ms / 10 + 2) * (runs + 2) * 16ULL;
}

static void set_storm_runs(unsigned int runs)
{
	FILE *file = fopen("/sys/module/hvisor/parameters/storm_runs", "w");

	check("storm_runs", file && fprintf(file, "%u\n", runs) > 0 && !fclose(file) ? 0 : -1, 0);
}

/* What root's CPU 0, which has the cell's interrupt, gets done in 300 ms. */
static unsigned long long progress(void)
{
	long long end = now_ms() + 300;
	unsigned long long runs;

	for (runs = 0; now_ms() < end; runs++)
		;
	return runs;
}

static long long kick_ns(void)
{
	struct timespec from, to;
	long long least = STALL_MS * 1000000LL, ns;

	for (int i = 0; i < 5; i++) {
		clock_gettime(CLOCK_MONOTONIC, &from);
		eventfd_write(kick, 1);
		clock_gettime(CLOCK_MONOTONIC, &to);
		ns = (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec;
		least = ns < least ? ns : least;
	}
	return least;
}

/*
 * Who waits for an eventfd decides how long it takes to wake him. Not so long that one
 * look at the cell would be remarkable: many of them must not take root's CPU.
 */
static void slow_wakers(struct counters *then)
{
	struct rlimit limit = { .rlim_cur = MAX_WAKERS + 100, .rlim_max = MAX_WAKERS + 100 };
	struct epoll_event event = { .events = EPOLLIN };
	unsigned long long quick, slow = 0;
	static int wakers[MAX_WAKERS];
	cpu_set_t all, first;
	int n = 0;

	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	check("CPU 0", sched_setaffinity(0, sizeof(first), &first), 0);
	check("limit", setrlimit(RLIMIT_NOFILE, &limit), 0);
	set_storm_runs(1000000);
	quick = progress();
	storm_cost(then, "by eventfd, not put off");
	while (n < MAX_WAKERS && (n % 16 || kick_ns() < 700000)) {
		wakers[n] = epoll_create1(EPOLL_CLOEXEC);
		check("waker", epoll_ctl(wakers[n], EPOLL_CTL_ADD, kick, &event), 0);
		n++;
	}
	storm_cost(then, "meanwhile");
	/* Others have the host's CPUs, too: one measure of some may do. */
	for (int i = 0; i < TRIES && 2 * slow <= quick; i++) {
		slow = progress();
		storm_cost(then, "by eventfd, slowly woken");
		printf("%d wakers: CPU 0 gets %llu done, was %llu\n", n, slow, quick);
	}
	check("root's CPU gets on", 2 * slow > quick ? 0 : -1, 0);
	while (n)
		close(wakers[--n]);
	set_storm_runs(0);
	sched_setaffinity(0, sizeof(all), &all);
}

/*
 * Of who has an eventfd nobody knows whether he reads it: the interrupt is put off.
 * While a backend does not read its file there is nothing to tell. This one looks
 * seldom: what it does while it is awake is time in which nobody is put off.
 */
static void storm(void)
{
	struct counters then = counters_now(), cost;
	unsigned long long part = then.notifications + STORM_FIRST;
	long long since = now_ms();
	eventfd_t count;
	int ms;

	if (!has_ioeventfd)
		flip(&has_ioeventfd, ioeventfd(device, 0, kick, 0));
	for (ms = 0; ms < STALL_MS && counter(".dev0/notifications") < part; ms += 10) {
		usleep(10000);
		by_eventfd += !eventfd_read(kick, &count);
	}
	cost = storm_cost(&then, "by eventfd");
	check("the cell is put off", cost.put_off > 10 ? 0 : -1, 0);
	check("its device is looked at late", cost.late > 10 ? 0 : -1, 0);
	check("notifications coalesce", cost.coalesced >= cost.put_off ? 0 : -1, 0);
	check("no more interrupts than are let pass",
	      cost.interrupts <= let_pass(now_ms() - since) ? 0 : -1, 0);

	slow_wakers(&then);
	flip(&has_ioeventfd, ioeventfd(device, 1, kick, 0));
	storm_cost(&then, "meanwhile");
	for (ms = 0; ms < STALL_MS && !has_said("storm ends"); ms += 10)
		usleep(10000);
	cost = storm_cost(&then, "by nobody");
	check("it goes on", cost.notifications > STORM_LAST ? 0 : -1, 0);
	/* But for one of each queue, and what was under way. */
	check("hardly an interrupt", cost.interrupts <= 4 ? 0 : -1, 0);
	check("all coalesce", cost.coalesced + 4 >= cost.notifications ? 0 : -1, 0);
	flip(&has_ioeventfd, ioeventfd(device, 0, kick, 0));
}

static void create(void)
{
	struct request r;

	memory_init();
	request_init(&r);
	strcpy((char *)r.create.name, "eventfds");
	control = open_bound(HVISOR_ROLE_CONTROL, 0, 0);
	check("create", ioctl(control, HVISOR_CELL_CREATE, &r.create), 0);
	cell = r.create.id;
	monitor = open_bound(HVISOR_ROLE_MONITOR, cell, 0);
	device = open_bound(HVISOR_ROLE_DEVICE, cell, 0);
	echo = open_bound(HVISOR_ROLE_DEVICE, cell, 1);
	kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void destroy(void)
{
	struct hvisor_cell_op op = { .size = sizeof(op), .id = cell };

	check("destroy", ioctl(control, HVISOR_CELL_DESTROY, &op), 0);
	check("signal what has no cell", eventfd_write(call, 1), 0);
	check("ioeventfd without cell", ioeventfd(device, 0, kick, 1), ENODEV);
	check("irqfd without cell", irqfd(device, 0, kick, 1), ENODEV);
	check("take away without cell", ioeventfd(device, 1, kick, 0), 0);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	create();
	try_ioeventfds();
	try_irqfds();
	try_release();
	try_keep();
	declare();
	start(argv[1]);
	serve("storm begins", false);
	storm();
	serve("ok kick", true);
	printf("kicks by read() %u, by eventfd %u\n", by_read, by_eventfd);
	check("kicks by read()", by_read > 100 ? 0 : -1, 0);
	check("kicks by eventfd", by_eventfd > 100 ? 0 : -1, 0);
	destroy();
	return check_end();
}
