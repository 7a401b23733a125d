// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * device-file ASK-IMAGE: a backend's and a monitor's open file, as hvisor(4) tells
 * of it: blocking and not, whole structures, partial writes, poll, fork, close
 * with mappings, what a successor is given, and the cell's end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "common.h"

#define REGION	1	/* index of the foreign region */
#define REQUEST	sizeof(struct hvisor_request)
#define ANSWER	sizeof(struct hvisor_answer)

static unsigned int cell;
static int control, monitor, virtio, region;

static void expect(const char *what, long long got, long long wanted)
{
	errno = EILSEQ;
	check(what, got == wanted ? 0 : -1, 0);
	if (got != wanted)
		printf("%s: %lld, expected %lld\n", what, got, wanted);
}

static void set_blocking(int fd, bool is_blocking)
{
	fcntl(fd, F_SETFL, is_blocking ? 0 : O_NONBLOCK);
}

static int bind_region(void)
{
	struct hvisor_bind bind = {
		.size = sizeof(bind), .role = HVISOR_ROLE_DEVICE, .cell = cell,
		.device = REGION,
	};
	int fd = open("/dev/hvisor", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (!ioctl(fd, HVISOR_BIND, &bind))
		return fd;
	close(fd);
	return -1;
}

static void declare_region(void)
{
	struct hvisor_device_decl decl = { .size = sizeof(decl) };

	check("declare the region", ioctl(region, HVISOR_DEVICE_DECLARE, &decl), 0);
}

static void create(void)
{
	struct hvisor_device_decl decl = {
		.size = sizeof(decl), .device_id = 2, .nr_queues = 1,
		.features = 1ULL << VIRTIO_F_VERSION_1, .queue_max = { 64 },
	};
	struct request r;

	memory_init();
	request_init(&r);
	strcpy((char *)r.create.name, "file");
	r.create.cpus |= 1ULL << (CELL_CPU - 1);
	control = open_bound(HVISOR_ROLE_CONTROL, 0, 0);
	check("create", ioctl(control, HVISOR_CELL_CREATE, &r.create), 0);
	cell = r.create.id;
	monitor = open_bound(HVISOR_ROLE_MONITOR, cell, 0);
	virtio = open_bound(HVISOR_ROLE_DEVICE, cell, 0);
	region = bind_region();
	check("declare", ioctl(virtio, HVISOR_DEVICE_DECLARE, &decl), 0);
	declare_region();
}

static void load(const char *image)
{
	struct hvisor_cell_op op = { .size = sizeof(op), .id = cell };
	void *memory = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    FD_MEMORY, 0);
	int fd = open(image, O_RDONLY);

	check("load", ioctl(monitor, HVISOR_CELL_LOAD, &op), 0);
	check("image", memory == MAP_FAILED || read(fd, memory, RAM_SIZE) <= 0 ? -1 : 0, 0);
	close(fd);
}

static int start(void)
{
	struct hvisor_cell_start start = {
		.size = sizeof(start), .id = cell, .entry = RAM_IPA,
	};

	return ioctl(monitor, HVISOR_CELL_START, &start);
}

/* In a child, so that the parent is in its read() before. */
static void start_later(void)
{
	if (fork())
		return;
	usleep(500000);
	_exit(start() ? 1 : 0);
}

static void end_child(const char *what)
{
	int status = -1;

	wait(&status);
	expect(what, status, 0);
}

/* Does not wait: a backend can always be written to. */
static short poll_now(int fd)
{
	struct pollfd file = { .fd = fd, .events = POLLIN | POLLOUT };

	poll(&file, 1, 0);
	return file.revents;
}

static ssize_t answer(unsigned int cpu, __u64 seq, __u64 value)
{
	struct hvisor_answer answer = {
		.type = HVISOR_REQUEST_SLOT, .cpu = cpu, .seq = seq, .value = value,
	};

	return write(region, &answer, sizeof(answer));
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void try_idle(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct hvisor_request request;

	expect("poll of an idle backend", poll_now(region), POLLOUT);
	check("no request", read(region, &request, REQUEST), EAGAIN);
	check("less than a request", read(region, &request, REQUEST - 1), EINVAL);
	check("nothing", read(region, &request, 0), EINVAL);
	check("seek", lseek(region, 0, SEEK_SET), ESPIPE);
	check("read somewhere", pread(region, &request, REQUEST, 0), ESPIPE);
	set_blocking(region, true);
	sigaction(SIGALRM, &action, NULL);
	/* Again and again: the first may come before read() is there to be ended. */
	ualarm(200000, 200000);
	check("a read that a signal ends", read(region, &request, REQUEST), EINTR);
	ualarm(0, 0);
}

/* The parent waits in read(); a request is given once, and to a successor again. */
static __u64 try_first(void)
{
	struct hvisor_request request = { 0 }, again = { 0 };

	start_later();
	expect("blocking read", read(region, &request, REQUEST), REQUEST);
	end_child("start");
	expect("type", request.type, HVISOR_REQUEST_SLOT);
	expect("op", request.op, HVISOR_OP_LOAD);
	expect("CPU", request.cpu, 0);
	expect("length", request.length, 4);
	expect("offset", request.offset, 0);
	set_blocking(region, false);
	check("given once", read(region, &again, REQUEST), EAGAIN);
	return request.seq;
}

/* The role goes with the last reference to the file, whatever that is. */
static void try_references(void)
{
	int other = dup(region), lasting[2];
	struct hvisor_device_info info = { .size = sizeof(info) };
	void *page;
	pid_t child;

	check("info", ioctl(region, HVISOR_DEVICE_INFO, &info), 0);
	close(region);
	check("while another descriptor is open", bind_region(), EBUSY);
	page = mmap(NULL, info.page_length, PROT_READ, MAP_SHARED, other,
		    (off_t)info.page_offset);
	check("map", page == MAP_FAILED ? -1 : 0, 0);
	check("make it writable", mprotect(page, info.page_length, PROT_READ | PROT_WRITE),
	      EACCES);
	check("make it executable", mprotect(page, info.page_length, PROT_READ | PROT_EXEC),
	      EACCES);
	close(other);
	check("while it is mapped", bind_region(), EBUSY);
	check("pipe", pipe(lasting), 0);
	child = fork();
	if (!child) {
		/* Until the parent ends the pipe. */
		close(lasting[1]);
		_exit(read(lasting[0], &other, 1) ||
		      ((struct hvisor_device_page *)page)->index != REGION);
	}
	close(lasting[0]);
	munmap(page, info.page_length);
	check("while a child has it mapped", bind_region(), EBUSY);
	close(lasting[1]);
	end_child("child");
	region = bind_region();
	check("when all have gone", region, 0);
}

static void try_successor(__u64 seq)
{
	struct hvisor_request request = { 0 };

	check("answer before it is declared", answer(0, seq, 1), ENOTCONN);
	declare_region();
	expect("poll of a successor", poll_now(region), POLLIN | POLLOUT);
	expect("what was not answered", read(region, &request, REQUEST), REQUEST);
	expect("the same", request.seq, seq);
	check("another's answer", answer(0, seq + 1, 1), ESTALE);
	expect("answer", answer(0, seq, 0x11111111), ANSWER);
	check("answer twice", answer(0, seq, 2), ESTALE);
}

/* Two CPUs ask; @seqs by CPU. */
static void read_two(__u64 *seqs)
{
	char buffer[2 * REQUEST - 1];
	struct hvisor_request *request = (void *)buffer;

	for (int i = 0; i < 2; i++) {
		set_blocking(region, true);
		expect("one request and a half", read(region, buffer, sizeof(buffer)), REQUEST);
		set_blocking(region, false);
		expect("offset of the CPU", request->offset, request->cpu ? 0x20 : 0x10);
		seqs[request->cpu & 1] = request->seq;
	}
}

static void try_partial_writes(const __u64 *seqs)
{
	const size_t page = 4096;
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct hvisor_answer *last = (void *)(pages + page - ANSWER);
	struct hvisor_answer answers[3] = {
		{ .type = 9 },
		{ .type = HVISOR_REQUEST_SLOT, .cpu = 0, .seq = seqs[0], .value = 0x22 },
		{ .type = HVISOR_REQUEST_SLOT, .cpu = 0, .seq = seqs[0], .value = 0x33 },
	};

	check("a bad answer first", write(region, answers, sizeof(answers)), EINVAL);
	expect("the second one is stale", write(region, answers + 1, 2 * ANSWER), ANSWER);
	munmap(pages + page, page);
	*last = answers[1];
	last->cpu = 1;
	last->seq = seqs[1];
	last->value = 0x44;
	expect("the second one is nowhere", write(region, last, 2 * ANSWER), ANSWER);
	munmap(pages, page);
}

static void try_store(void)
{
	struct hvisor_request request = { 0 };

	set_blocking(region, true);
	expect("a store", read(region, &request, REQUEST), REQUEST);
	set_blocking(region, false);
	expect("its op", request.op, HVISOR_OP_STORE);
	expect("its offset", request.offset, 4);
	expect("its value", request.value, 0x12345678);
	expect("its answer", answer(request.cpu, request.seq, 0), ANSWER);
}

/* Each read gives a state, the newest; the last one is never missed. */
static void try_monitor(void)
{
	struct hvisor_request request = { 0 };

	set_blocking(monitor, true);
	for (int i = 0; i < 8 && request.op != HVISOR_CELL_STOPPED; i++) {
		expect("a state", read(monitor, &request, REQUEST), REQUEST);
		expect("its type", request.type, HVISOR_REQUEST_STATE);
	}
	expect("the last state", request.op, HVISOR_CELL_STOPPED);
	expect("its reason", request.cpu, HVISOR_REASON_OFF);
	expect("its starts", request.seq, 1);
	expect("poll of a monitor", poll_now(monitor), 0);
}

/* A region that the guest made use of is to be as after power-on. */
static void try_quiesce(void)
{
	struct hvisor_request request = { 0 };
	struct hvisor_answer answer = { .type = HVISOR_REQUEST_CONTROL };

	set_blocking(region, true);
	expect("what the end of a guest asks for", read(region, &request, REQUEST), REQUEST);
	set_blocking(region, false);
	expect("its type", request.type, HVISOR_REQUEST_CONTROL);
	expect("its op", request.op, HVISOR_OP_QUIESCE);
	answer.seq = request.seq;
	expect("its answer", write(region, &answer, sizeof(answer)), ANSWER);
	check("its answer twice", write(region, &answer, sizeof(answer)), ESTALE);
}

static void compare_log(void)
{
	static char text[4096];
	struct hvisor_log_read log = {
		.size = sizeof(log), .id = cell, .buffer = (uintptr_t)text,
		.length = sizeof(text) - 1,
	};

	check("log", ioctl(control, HVISOR_LOG_READ, &log), 0);
	errno = EILSEQ;
	check("what the guest was answered",
	      strstr(text, "one 0x11111111\n") && strstr(text, "two 0x22 0x44\n") &&
	      strstr(text, "ok ask\n") ? 0 : -1, 0);
}

static void try_memory(void)
{
	struct hvisor_cell_memory memory = { .size = sizeof(memory), .id = cell };

	check("memory", ioctl(region, HVISOR_CELL_MEMORY, &memory), 0);
	expect("it goes with exec", fcntl(memory.fd, F_GETFD), FD_CLOEXEC);
	close(memory.fd);
}

/* Children that wait when the cell ends, and how they shall. */
static int wait_in_read(void)
{
	struct hvisor_request request;

	set_blocking(region, true);
	return read(region, &request, REQUEST) >= 0 || errno != ENODEV;
}

static int wait_in_read_of_monitor(void)
{
	struct hvisor_request request;

	return read(monitor, &request, REQUEST) >= 0 || errno != ENODEV;
}

static int wait_in_poll(void)
{
	struct pollfd file = { .fd = virtio, .events = POLLIN };

	return poll(&file, 1, 20000) != 1 || file.revents != (POLLHUP | POLLERR);
}

static void try_end(void)
{
	static const struct {
		const char *what;
		int (*wait)(void);
	} waits[] = {
		{ "who waited in read", wait_in_read },
		{ "who waited in the monitor's read", wait_in_read_of_monitor },
		{ "who waited in poll", wait_in_poll },
	};
	pid_t children[3];
	struct hvisor_device_info info = { .size = sizeof(info) };
	struct hvisor_cell_op op = { .size = sizeof(op), .id = cell };
	struct hvisor_request request;
	volatile char *state;
	int status = 0;

	check("info", ioctl(virtio, HVISOR_DEVICE_INFO, &info), 0);
	state = mmap(NULL, info.state_length, PROT_READ | PROT_WRITE, MAP_SHARED, virtio,
		     (off_t)info.state_offset);
	state[0] = 1;
	for (size_t i = 0; i < 3; i++) {
		children[i] = fork();
		if (!children[i])
			_exit(waits[i].wait());
	}
	usleep(500000);
	check("destroy", ioctl(control, HVISOR_CELL_DESTROY, &op), 0);
	for (size_t i = 0; i < 3; i++) {
		status = -1;
		waitpid(children[i], &status, 0);
		expect(waits[i].what, status, 0);
	}
	if (!fork())
		_exit(state[0]);
	wait(&status);
	expect("what was mapped", WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGBUS);
	check("read", read(region, &request, REQUEST), ENODEV);
	check("write", answer(0, 1, 1), ENODEV);
	check("info", ioctl(virtio, HVISOR_DEVICE_INFO, &info), ENODEV);
	expect("poll", poll_now(region), POLLHUP | POLLERR);
	expect("poll of the monitor", poll_now(monitor), POLLHUP | POLLERR);
}

int main(int argc, char **argv)
{
	__u64 seqs[2] = { 0 };

	if (argc != 2)
		return 2;
	/* What was found until then is to be seen if one of these does not end. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	create();
	load(argv[1]);
	try_idle();
	seqs[0] = try_first();
	try_references();
	try_successor(seqs[0]);
	read_two(seqs);
	try_partial_writes(seqs);
	try_store();
	try_monitor();
	try_quiesce();
	compare_log();
	try_memory();
	try_end();
	return check_end();
}
