// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that /dev/hvisor and EL2 have to refuse while a cell is there: roles,
 * sizes, answers, declarations, mappings, states. Nothing of root's changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hvisor/hypercall.h>

#include "common.h"

#define VERSION_1	(1ULL << 32)	/* VIRTIO_F_VERSION_1 */
#define RING_PACKED	(1ULL << 34)

/* Nothing is mapped there; volatile, or the compiler would tell. */
static void *volatile nowhere = (void *)8;
static unsigned int cell;
static int control;

static int open_free(void)
{
	return open("/dev/hvisor", O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static int bind_to(int fd, unsigned int role, unsigned int id, unsigned int device)
{
	struct hvisor_bind bind = {
		.size = sizeof(bind), .role = role, .cell = id, .device = device,
	};

	return ioctl(fd, HVISOR_BIND, &bind);
}

static void try_bind(const char *what, int error, unsigned int role,
		     unsigned int id, unsigned int device)
{
	int fd = open_free();

	check(what, bind_to(fd, role, id, device), error);
	close(fd);
}

/* The right to bind is that of the one who binds, not of the one who opened. */
static void try_unprivileged(void)
{
	int status = 0, fd = open_free();
	pid_t child = fork();

	if (!child) {
		if (setresuid(65534, 65534, 65534))
			_exit(1);
		_exit(bind_to(fd, HVISOR_ROLE_CONTROL, 0, 0) && errno == EPERM ? 0 : 1);
	}
	errno = EILSEQ;
	check("bind without privilege",
	      waitpid(child, &status, 0) == child && !status ? 0 : -1, 0);
	close(fd);
}

static void try_binds(void)
{
	int device = open_bound(HVISOR_ROLE_DEVICE, cell, 0);
	int monitor = open_bound(HVISOR_ROLE_MONITOR, cell, 0);

	try_bind("role 0", EINVAL, 0, 0, 0);
	try_bind("role 4", EINVAL, 4, 0, 0);
	try_bind("control of a cell", EINVAL, HVISOR_ROLE_CONTROL, cell, 0);
	try_bind("control of a device", EINVAL, HVISOR_ROLE_CONTROL, 0, 1);
	try_bind("monitor of root", EINVAL, HVISOR_ROLE_MONITOR, 0, 0);
	try_bind("monitor of no cell", ENODEV, HVISOR_ROLE_MONITOR, 16, 0);
	try_bind("monitor of cell 4 billion", ENODEV, HVISOR_ROLE_MONITOR, ~0U, 0);
	try_bind("monitor of a device", EINVAL, HVISOR_ROLE_MONITOR, cell, 1);
	try_bind("a second monitor", EBUSY, HVISOR_ROLE_MONITOR, cell, 0);
	try_bind("device of root", EINVAL, HVISOR_ROLE_DEVICE, 0, 0);
	try_bind("device of no cell", ENODEV, HVISOR_ROLE_DEVICE, 16, 0);
	try_bind("no such device", ENODEV, HVISOR_ROLE_DEVICE, cell, 3);
	try_bind("device 4 billion", ENODEV, HVISOR_ROLE_DEVICE, cell, ~0U);
	try_bind("a second backend", EBUSY, HVISOR_ROLE_DEVICE, cell, 0);
	check("bound twice", bind_to(control, HVISOR_ROLE_CONTROL, 0, 0), EALREADY);
	check("bound to another role", bind_to(device, HVISOR_ROLE_MONITOR, cell, 0),
	      EALREADY);
	try_unprivileged();
	close(device);
	close(monitor);
}

/* Each call by a file of another role, with what would be right else. */
static void try_roles(void)
{
	static const struct {
		const char *what;
		unsigned long number;
		bool control, monitor, device;
	} calls[] = {
		{ "create", HVISOR_CELL_CREATE, true, false, false },
		{ "adopt", HVISOR_CELL_ADOPT, false, true, false },
		{ "load", HVISOR_CELL_LOAD, false, true, false },
		{ "start", HVISOR_CELL_START, false, true, false },
		{ "stop", HVISOR_CELL_STOP, true, false, false },
		{ "pause", HVISOR_CELL_PAUSE, true, false, false },
		{ "resume", HVISOR_CELL_RESUME, true, false, false },
		{ "destroy", HVISOR_CELL_DESTROY, true, false, false },
		{ "log", HVISOR_LOG_READ, true, false, false },
		{ "info", HVISOR_DEVICE_INFO, false, false, true },
		{ "declare", HVISOR_DEVICE_DECLARE, false, false, true },
		{ "config", HVISOR_DEVICE_CONFIG, false, false, true },
		{ "interrupt", HVISOR_DEVICE_INTERRUPT, false, false, true },
		{ "fail", HVISOR_DEVICE_FAIL, false, false, true },
		{ "ioeventfd", HVISOR_IOEVENTFD, false, false, true },
		{ "irqfd", HVISOR_IRQFD, false, false, true },
		{ "keep", HVISOR_DEVICE_KEEP, false, false, true },
		{ "memory", HVISOR_CELL_MEMORY, true, true, true },
	};
	int nobody = open_free();
	int device = open_bound(HVISOR_ROLE_DEVICE, cell, 0);
	int monitor = open_bound(HVISOR_ROLE_MONITOR, cell, 0);
	__u32 arg[256] = { 64, cell };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		check(calls[i].what, ioctl(nobody, calls[i].number, arg), EBADF);
		if (!calls[i].control)
			check(calls[i].what, ioctl(control, calls[i].number, arg), EBADF);
		if (!calls[i].monitor)
			check(calls[i].what, ioctl(monitor, calls[i].number, arg), EBADF);
		if (!calls[i].device)
			check(calls[i].what, ioctl(device, calls[i].number, arg), EBADF);
	}
	check("read by nobody", read(nobody, arg, sizeof(arg)), EBADF);
	check("read by control", read(control, arg, sizeof(arg)), EBADF);
	check("write by control", write(control, arg, sizeof(struct hvisor_answer)), EBADF);
	check("write by the monitor", write(monitor, arg, sizeof(struct hvisor_answer)), EBADF);
	check("no such number", ioctl(control, _IOW(HVISOR_IOC, 0x60, int), arg), ENOTTY);
	check("another's number", ioctl(control, _IOW('x', 0x40, int), arg), ENOTTY);
	check("panic where it is not allowed", ioctl(control, HVISOR_PANIC), EPERM);
	close(nobody);
	close(device);
	close(monitor);
}

static void try_sizes(void)
{
	struct { struct hvisor_cell_op op; __u64 more[2]; } call = {
		.op = { .id = 16, .timeout_ms = 1 },
	};

	call.op.size = 0;
	check("size 0", ioctl(control, HVISOR_CELL_STOP, &call), EINVAL);
	call.op.size = 7;
	check("size 7", ioctl(control, HVISOR_CELL_STOP, &call), EINVAL);
	call.op.size = sizeof(call);
	check("larger, zero beyond", ioctl(control, HVISOR_CELL_STOP, &call), ENODEV);
	call.more[1] = 1;
	check("larger, not zero beyond", ioctl(control, HVISOR_CELL_STOP, &call), E2BIG);
	call.op.size = 4097;
	check("larger than a page", ioctl(control, HVISOR_CELL_STOP, &call), E2BIG);
	call.op.size = 8;
	check("smaller", ioctl(control, HVISOR_CELL_STOP, &call), ENODEV);
	check("nowhere", ioctl(control, HVISOR_CELL_STOP, nowhere), EFAULT);
	check("in the kernel", ioctl(control, HVISOR_CELL_STOP, (void *)-4096L), EFAULT);
}

static int op(int fd, unsigned long number, unsigned int id)
{
	struct hvisor_cell_op op = {
		.size = sizeof(op), .id = id,
		.timeout_ms = number == HVISOR_CELL_LOAD ? 300 : 0,
	};

	return ioctl(fd, number, &op);
}

static int start(int fd, unsigned int id, __u64 entry)
{
	struct hvisor_cell_start start = {
		.size = sizeof(start), .id = id, .entry = entry,
	};

	return ioctl(fd, HVISOR_CELL_START, &start);
}

static int memory(int fd, unsigned int id, unsigned int index, unsigned int reserved)
{
	struct hvisor_cell_memory memory = {
		.size = sizeof(memory), .id = id, .index = index, .reserved = reserved,
	};
	int result = ioctl(fd, HVISOR_CELL_MEMORY, &memory);

	if (!result)
		close(memory.fd);
	return result;
}

static int log_read(unsigned int id, void *buffer, unsigned int reserved)
{
	struct hvisor_log_read log = {
		.size = sizeof(log), .id = id, .buffer = (uintptr_t)buffer,
		.length = 64, .reserved = reserved,
	};

	return ioctl(control, HVISOR_LOG_READ, &log);
}

static void try_cells(void)
{
	int monitor = open_bound(HVISOR_ROLE_MONITOR, cell, 0);
	struct hvisor_request request;
	char text[64];

	check("stop root", op(control, HVISOR_CELL_STOP, 0), EPERM);
	check("destroy root", op(control, HVISOR_CELL_DESTROY, 0), EPERM);
	check("stop nobody", op(control, HVISOR_CELL_STOP, 9), ENODEV);
	check("destroy nobody", op(control, HVISOR_CELL_DESTROY, 99), ENODEV);
	check("stop what never ran", op(control, HVISOR_CELL_STOP, cell), EBUSY);
	check("load another", op(monitor, HVISOR_CELL_LOAD, cell + 1), EINVAL);
	check("load without backends", op(monitor, HVISOR_CELL_LOAD, cell), ETIMEDOUT);
	check("start another", start(monitor, cell + 1, RAM_IPA), EINVAL);
	check("start what is not loaded", start(monitor, cell, RAM_IPA), EBUSY);
	check("memory of another", memory(monitor, cell + 1, 0, 0), EINVAL);
	check("memory of nobody", memory(control, 9, 0, 0), ENODEV);
	check("memory of root", memory(control, 0, 0, 0), ENOENT);
	check("no more memory", memory(monitor, cell, 2, 0), ENOENT);
	check("memory, reserved", memory(monitor, cell, 0, 1), EINVAL);
	check("memory", memory(monitor, cell, 1, 0), 0);
	check("log of nobody", log_read(9, text, 0), ENODEV);
	check("log to nowhere", log_read(0, nowhere, 0), EFAULT);
	check("log, reserved", log_read(0, text, 1), EINVAL);
	check("read too little", read(monitor, text, sizeof(request) - 1), EINVAL);
	check("first state", read(monitor, &request, sizeof(request)), 0);
	check("no other state", read(monitor, &request, sizeof(request)), EAGAIN);
	check("map by the monitor", mmap(NULL, 4096, PROT_READ, MAP_SHARED, monitor, 0) ==
	      MAP_FAILED ? -1 : 0, EBADF);
	close(monitor);
}

static const struct hvisor_device_decl right = {
	.size = sizeof(right), .device_id = 2, .nr_queues = 1,
	.features = VERSION_1, .queue_max = { 64 }, .config_len = 8,
};

#define DECLARE(what, error, ...) do {					\
	struct hvisor_device_decl decl = right;				\
	__VA_ARGS__;							\
	check(what, ioctl(fd, HVISOR_DEVICE_DECLARE, &decl), error);	\
} while (0)

static void try_declarations(int fd)
{
	DECLARE("device 0", EINVAL, decl.device_id = 0);
	DECLARE("device 64", EINVAL, decl.device_id = 64);
	DECLARE("no queue", EINVAL, decl.nr_queues = 0);
	DECLARE("more queues than described", EINVAL,
		decl.nr_queues = 3, decl.queue_max[1] = decl.queue_max[2] = 64);
	DECLARE("queues by the billion", EINVAL, decl.nr_queues = ~0U);
	DECLARE("an old device", EINVAL, decl.features = 0);
	DECLARE("packed rings", EINVAL, decl.features |= RING_PACKED);
	DECLARE("queue of 0", EINVAL, decl.queue_max[0] = 0);
	DECLARE("queue of 48", EINVAL, decl.queue_max[0] = 48);
	DECLARE("queue larger than described", EINVAL, decl.queue_max[0] = 128);
	DECLARE("configuration too long", EINVAL, decl.config_len = 257);
	DECLARE("reserved", EINVAL, decl.reserved = 1);
	DECLARE("larger, not zero beyond", E2BIG, decl.size = 4097);
	DECLARE("the right one", 0, (void)decl);
	DECLARE("declared twice", EBUSY, (void)decl);
}

/* A later backend has to be what the first was. */
static void try_successors(int fd)
{
	DECLARE("another type", EINVAL, decl.device_id = 1);
	DECLARE("another vendor", EINVAL, decl.vendor_id = 7);
	DECLARE("other features", EINVAL, decl.features |= 1);
	DECLARE("other queues", EINVAL, decl.nr_queues = 2, decl.queue_max[1] = 64);
	DECLARE("another queue's size", EINVAL, decl.queue_max[0] = 32);
	DECLARE("another length", EINVAL, decl.config_len = 4);
	DECLARE("another configuration", 0, decl.config[0] = 7);
}

static int notify(int fd, unsigned long number, unsigned int bits)
{
	struct hvisor_device_notify notify = { .size = sizeof(notify), .bits = bits };

	return ioctl(fd, number, &notify);
}

static int answer(int fd, unsigned int type, unsigned int cpu, __u64 seq, __u64 value)
{
	struct hvisor_answer answer = {
		.type = type, .cpu = cpu, .seq = seq, .value = value,
	};

	return write(fd, &answer, sizeof(answer)) == sizeof(answer) ? 0 : -1;
}

static void try_answers(int fd)
{
	struct hvisor_answer two[2] = { { .type = 9 } };

	check("answer of type 0", answer(fd, 0, 0, 1, 0), EINVAL);
	check("answer a doorbell", answer(fd, HVISOR_REQUEST_NOTIFY, 0, 1, 0), EINVAL);
	check("answer of no CPU", answer(fd, HVISOR_REQUEST_SLOT, 1, 1, 0), EINVAL);
	check("answer of CPU 4 billion", answer(fd, HVISOR_REQUEST_SLOT, ~0U, 1, 0), EINVAL);
	check("answer nobody", answer(fd, HVISOR_REQUEST_SLOT, 0, 1, 0), ESTALE);
	check("answer request 0", answer(fd, HVISOR_REQUEST_SLOT, 0, 0, 0), ESTALE);
	check("answer no control request", answer(fd, HVISOR_REQUEST_CONTROL, 0, 1, 0), ESTALE);
	check("control with a value", answer(fd, HVISOR_REQUEST_CONTROL, 0, 1, 1), EINVAL);
	check("control with a CPU", answer(fd, HVISOR_REQUEST_CONTROL, 1, 1, 0), EINVAL);
	check("no answer", write(fd, two, 0), EINVAL);
	check("half an answer", write(fd, two, sizeof(two[0]) / 2), EINVAL);
	check("one answer and a half", write(fd, two, sizeof(two[0]) * 3 / 2), EINVAL);
	check("two bad answers", write(fd, two, sizeof(two)), EINVAL);
	check("answer from nowhere", write(fd, nowhere, sizeof(two)), EFAULT);
	check("nothing to read", read(fd, two, 48), EAGAIN);
	check("read too little", read(fd, two, 8), EINVAL);
}

static void try_map(int fd, const char *what, int error, __u64 offset, size_t length,
		    int prot, int flags)
{
	void *at = mmap(NULL, length, prot, flags, fd, (off_t)offset);

	check(what, at == MAP_FAILED ? -1 : 0, error);
	if (at != MAP_FAILED)
		munmap(at, length);
}

static void try_maps(int fd)
{
	struct hvisor_device_info info = { .size = sizeof(info) };
	__u64 page, state, length;

	check("info", ioctl(fd, HVISOR_DEVICE_INFO, &info), 0);
	page = info.page_offset;
	state = info.state_offset;
	length = info.state_length;
	try_map(fd, "page", 0, page, 4096, PROT_READ, MAP_SHARED);
	try_map(fd, "page to write", EPERM, page, 4096, PROT_READ | PROT_WRITE, MAP_SHARED);
	try_map(fd, "page to execute", EINVAL, page, 4096, PROT_READ | PROT_EXEC, MAP_SHARED);
	try_map(fd, "page, privately", EINVAL, page, 4096, PROT_READ, MAP_PRIVATE);
	try_map(fd, "two pages", EINVAL, page, 8192, PROT_READ, MAP_SHARED);
	try_map(fd, "behind the page", EINVAL, page + 4096, 4096, PROT_READ, MAP_SHARED);
	try_map(fd, "state", 0, state, length, PROT_READ | PROT_WRITE, MAP_SHARED);
	try_map(fd, "more than the state", EINVAL, state, length + 4096, PROT_READ, MAP_SHARED);
	try_map(fd, "in the state", EINVAL, state + 4096, 4096, PROT_READ, MAP_SHARED);
	try_map(fd, "far away", EINVAL, 1ULL << 40, 4096, PROT_READ, MAP_SHARED);
}

static void try_device(void)
{
	int fd = open_bound(HVISOR_ROLE_DEVICE, cell, 0);

	check("interrupt before it is declared",
	      notify(fd, HVISOR_DEVICE_INTERRUPT, HVISOR_INTERRUPT_USED), ENOTCONN);
	check("fail before it is declared", notify(fd, HVISOR_DEVICE_FAIL, 0), ENOTCONN);
	check("configuration before it is declared",
	      ioctl(fd, HVISOR_DEVICE_CONFIG, &right), ENOTCONN);
	check("answer before it is declared", answer(fd, HVISOR_REQUEST_SLOT, 0, 1, 0),
	      ENOTCONN);
	check("memory of another cell", memory(fd, cell + 1, 0, 0), EINVAL);
	try_declarations(fd);
	check("interrupt without driver",
	      notify(fd, HVISOR_DEVICE_INTERRUPT, HVISOR_INTERRUPT_USED), ENOTCONN);
	check("interrupt for nothing", notify(fd, HVISOR_DEVICE_INTERRUPT, 0), EINVAL);
	check("interrupt of unknown kind", notify(fd, HVISOR_DEVICE_INTERRUPT, 4), EINVAL);
	check("fail with bits", notify(fd, HVISOR_DEVICE_FAIL, 1), EINVAL);
	try_answers(fd);
	try_maps(fd);
	close(fd);
	fd = open_bound(HVISOR_ROLE_DEVICE, cell, 0);
	try_successors(fd);
	close(fd);
}

static void try_early_console(void)
{
	int fd = open_bound(HVISOR_ROLE_DEVICE, cell, 2);
	struct hvisor_device_decl decl = right;

	check("declare the early console", ioctl(fd, HVISOR_DEVICE_DECLARE, &decl), EINVAL);
	close(fd);
}

/* All backends are there: loading succeeds, starting has to be right. */
static void try_start(void)
{
	struct hvisor_device_decl echo = { .size = sizeof(echo) };
	int devices[2] = { open_bound(HVISOR_ROLE_DEVICE, cell, 0),
			   open_bound(HVISOR_ROLE_DEVICE, cell, 1) };
	int monitor = open_bound(HVISOR_ROLE_MONITOR, cell, 0);

	echo.features = VERSION_1;
	check("region with features", ioctl(devices[1], HVISOR_DEVICE_DECLARE, &echo), EINVAL);
	echo.features = 0;
	echo.device_id = 2;
	check("region with a type", ioctl(devices[1], HVISOR_DEVICE_DECLARE, &echo), EINVAL);
	echo.device_id = 0;
	check("region", ioctl(devices[1], HVISOR_DEVICE_DECLARE, &echo), 0);
	check("device", ioctl(devices[0], HVISOR_DEVICE_DECLARE, &right), 0);
	check("load", op(monitor, HVISOR_CELL_LOAD, cell), 0);
	check("entry outside of memory", start(monitor, cell, 0), EINVAL);
	check("entry at the end of memory", start(monitor, cell, RAM_IPA + 2 * RAM_SIZE), EINVAL);
	check("entry in a device", start(monitor, cell, VIRTIO_IPA), EINVAL);
	check("odd entry", start(monitor, cell, RAM_IPA + 2), EINVAL);
	check("entry beyond", start(monitor, cell, -4096ULL), EINVAL);
	close(devices[0]);
	close(devices[1]);
	close(monitor);
}

static void same(const char *what, const char *before)
{
	const char *after = machine_state();

	if (!strcmp(before, after))
		return;
	printf("before:\n%safter:\n%s", before, after);
	errno = EILSEQ;
	check(what, -1, 0);
}

/* A second cell, which wants what the first has. */
static void try_second(void)
{
	struct request r;

	request_init(&r);
	r.create.cpus = 1 << 1;
	check("the same name", ioctl(control, HVISOR_CELL_CREATE, &r.create), EEXIST);
	strcpy((char *)r.create.name, "second");
	check("the same memory", ioctl(control, HVISOR_CELL_CREATE, &r.create), EBUSY);
	r.create.cpus |= 1 << CELL_CPU;
	check("the same CPU", ioctl(control, HVISOR_CELL_CREATE, &r.create), EBUSY);
}

int main(void)
{
	static char before[8192], during[8192];
	struct request r;

	memory_init();
	control = open_bound(HVISOR_ROLE_CONTROL, 0, 0);
	strcpy(before, machine_state());
	request_init(&r);
	check("create", ioctl(control, HVISOR_CELL_CREATE, &r.create), 0);
	cell = r.create.id;
	strcpy(during, machine_state());
	try_binds();
	try_roles();
	try_sizes();
	try_cells();
	try_second();
	try_device();
	try_early_console();
	try_start();
	same("the machine during all this", during);
	check("destroy", op(control, HVISOR_CELL_DESTROY, cell), 0);
	check("destroy again", op(control, HVISOR_CELL_DESTROY, cell), ENODEV);
	same("the machine after all this", before);
	return check_end();
}
