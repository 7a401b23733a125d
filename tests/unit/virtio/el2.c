// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A stand-in for EL2 and hvisor.ko.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../libshyper/virtio/link.h"
#include "../../../libshyper/virtio/memory.h"

#include "el2.h"

#define PAGE_OFFSET	0x0
#define STATE_OFFSET	0x100000

struct el2 el2;

static uint64_t state_size(void)
{
	return HVISOR_DEVICE_STATE_SIZE(HVISOR_MAX_QUEUES, EL2_QUEUE_SIZE);
}

static void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

/* What the backend gives to the module comes to the test, which plays the module. */
enum event_kind { KICK, KICK_AWAY, CALL, KEEP };

struct event {
	enum event_kind kind;
	uint32_t queue;
};

union one_file {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_event(enum event_kind kind, uint32_t queue, int fd)
{
	struct event event = { kind, queue };
	union one_file control = { .header = {
		CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS,
	} };
	struct iovec iov = { &event, sizeof(event) };
	struct msghdr header = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(el2.events[1], &header, 0) < 0 ? -errno : 0;
}

static void replace(int *place, int fd)
{
	if (*place >= 0)
		close(*place);
	*place = fd;
}

static void take_event(const struct event *event, int fd)
{
	switch (event->kind) {
	case KICK:
		replace(&el2.kicks[event->queue], fd);
		break;
	case KICK_AWAY:
		replace(&el2.kicks[event->queue], -1);
		close(fd);
		break;
	case CALL:
		assert_true(el2.nr_calls < HVISOR_MAX_QUEUES);
		el2.calls[el2.nr_calls++] = fd;
		break;
	case KEEP:
		replace(&el2.kept, fd);
		break;
	}
}

static void collect(void)
{
	struct event event;
	union one_file control;
	struct iovec iov = { &event, sizeof(event) };
	int fd;

	for (;;) {
		struct msghdr header = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = &control, .msg_controllen = sizeof(control),
		};

		if (recvmsg(el2.events[0], &header, MSG_DONTWAIT) != sizeof(event))
			return;
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
		take_event(&event, fd);
	}
}

/* They go with the file that is bound; what is kept does not. */
static void forget_events(void)
{
	unsigned int n;

	for (n = 0; n < HVISOR_MAX_QUEUES; n++)
		replace(&el2.kicks[n], -1);
	while (el2.nr_calls)
		close(el2.calls[--el2.nr_calls]);
}

void el2_init(uint32_t kind, struct driver *drivers, unsigned int nr_queues)
{
	unsigned int n;

	memset(&el2, 0, sizeof(el2));
	el2.config = "{}";
	el2.page = shared(sizeof(*el2.page));
	el2.state = shared(state_size());
	el2.level_error = shared(sizeof(*el2.level_error));
	el2.ram_fd = memfd_create("ram", MFD_CLOEXEC);
	assert_int_equal(ftruncate(el2.ram_fd, DRIVER_RAM_SIZE), 0);
	el2.ram = mmap(NULL, DRIVER_RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		       el2.ram_fd, 0);
	assert_ptr_not_equal(el2.ram, MAP_FAILED);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, el2.link), 0);
	assert_int_equal(pipe2(el2.interrupt, O_NONBLOCK), 0);
	assert_int_equal(pipe2(el2.declared, 0), 0);
	assert_int_equal(pipe2(el2.failed, O_NONBLOCK), 0);
	assert_int_equal(pipe2(el2.changed, O_NONBLOCK), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, el2.events), 0);
	el2.kept = -1;
	for (n = 0; n < HVISOR_MAX_QUEUES; n++)
		el2.kicks[n] = -1;
	el2.page->kind = kind;
	el2.page->queue_size = EL2_QUEUE_SIZE;
	el2.page->status = VIRTIO_CONFIG_S_DRIVER_OK;
	el2.page->driver_features = 1ULL << VIRTIO_F_VERSION_1 |
				    1ULL << VIRTIO_RING_F_EVENT_IDX |
				    1ULL << VIRTIO_RING_F_INDIRECT_DESC;
	for (n = 0; n < nr_queues; n++) {
		driver_init(&drivers[n], el2.ram, n * DRIVER_RINGS_SIZE, EL2_QUEUE_SIZE);
		el2.page->queues[n] = driver_ring(&drivers[n], 1);
	}
}

void el2_exit(void)
{
	if (el2.backend)
		el2_backend_stop(SIGKILL);
	munmap(el2.page, sizeof(*el2.page));
	munmap(el2.state, state_size());
	munmap(el2.level_error, sizeof(*el2.level_error));
	munmap(el2.ram, DRIVER_RAM_SIZE);
	close(el2.ram_fd);
	close(el2.link[0]);
	close(el2.link[1]);
	close(el2.interrupt[0]);
	close(el2.interrupt[1]);
	close(el2.declared[0]);
	close(el2.declared[1]);
	close(el2.failed[0]);
	close(el2.failed[1]);
	close(el2.changed[0]);
	close(el2.changed[1]);
	collect();
	forget_events();
	close(el2.events[0]);
	close(el2.events[1]);
	if (el2.kept >= 0)
		close(el2.kept);
}

static bool readable(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, ms) == 1;
}

struct shyper_backend *el2_backend_open(const char *name,
					const struct shyper_backend_ops *ops, void *data)
{
	/* Of the process, which ends with it. */
	static struct shyper_ctx *ctx;
	struct shyper_backend *backend;

	if (shyper_ctx_create(&ctx) ||
	    shyper_backend_open(ctx, name, ops, data, &backend))
		return NULL;
	return backend;
}

void el2_backend_start(int (*serve)(void))
{
	char byte;

	collect();
	forget_events();
	el2.backend = fork();
	assert_true(el2.backend >= 0);
	if (!el2.backend) {
		/* The test's own end: so that its closing is the device's end. */
		close(el2.link[0]);
		/* Not _exit(): the sanitizers' does more than a jail allows. */
		syscall(SYS_exit_group, serve());
	}
	assert_true(readable(el2.declared[0], 10000));
	assert_int_equal(read(el2.declared[0], &byte, 1), 1);
}

int el2_backend_wait(void)
{
	int status = 0;

	assert_int_equal(waitpid(el2.backend, &status, 0), el2.backend);
	el2.backend = 0;
	return status;
}

int el2_backend_stop(int signal)
{
	kill(el2.backend, signal);
	return el2_backend_wait();
}

void el2_notify(uint32_t bits)
{
	struct hvisor_request request = {
		.type = HVISOR_REQUEST_NOTIFY,
		.bits = bits,
	};

	assert_int_equal(write(el2.link[0], &request, sizeof(request)), sizeof(request));
}

void el2_kick(unsigned int queue)
{
	collect();
	if (el2.kicks[queue] < 0)
		el2_notify(1U << queue);
	else
		assert_int_equal(write(el2.kicks[queue], &(uint64_t){ 1 }, 8), 8);
}

bool el2_called(int ms)
{
	struct pollfd fds[HVISOR_MAX_QUEUES];
	uint64_t count;
	unsigned int n;

	collect();
	for (n = 0; n < el2.nr_calls; n++)
		fds[n] = (struct pollfd){ .fd = el2.calls[n], .events = POLLIN };
	if (poll(fds, el2.nr_calls, ms) <= 0)
		return false;
	for (n = 0; n < el2.nr_calls; n++)
		if (fds[n].revents & POLLIN)
			assert_int_equal(read(fds[n].fd, &count, 8), 8);
	return true;
}

void el2_post(uint32_t op, int cpu, uint32_t offset, uint32_t length, uint64_t value)
{
	struct hvisor_request request = {
		.type = cpu < 0 ? HVISOR_REQUEST_CONTROL : HVISOR_REQUEST_SLOT,
		.op = op,
		.cpu = cpu < 0 ? 0 : cpu,
		.length = length,
		.offset = offset,
		.seq = ++el2.seq,
		.value = value,
	};

	assert_int_equal(write(el2.link[0], &request, sizeof(request)), sizeof(request));
}

bool el2_answered(int cpu, uint64_t *value, int ms)
{
	struct hvisor_answer answer;

	if (!readable(el2.link[0], ms))
		return false;
	assert_int_equal(read(el2.link[0], &answer, sizeof(answer)), sizeof(answer));
	assert_int_equal(answer.seq, el2.seq);
	assert_int_equal(answer.type, cpu < 0 ? HVISOR_REQUEST_CONTROL : HVISOR_REQUEST_SLOT);
	assert_int_equal(answer.cpu, cpu < 0 ? 0 : cpu);
	if (value)
		*value = answer.value;
	return true;
}

static bool take_byte(int fd, int ms)
{
	char byte;

	return readable(fd, ms) && read(fd, &byte, 1) == 1;
}

bool el2_interrupted(int ms)
{
	return take_byte(el2.interrupt[0], ms);
}

bool el2_failed(int ms)
{
	return take_byte(el2.failed[0], ms);
}

/* A file that has no page where it is mapped: a read is SIGBUS. */
static void make_fault(void *address, size_t size)
{
	int fd = memfd_create("gone", MFD_CLOEXEC);

	assert_ptr_equal(mmap(address, size, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED, fd, 0), address);
	close(fd);
}

void el2_take_away(void)
{
	make_fault(el2.page, sizeof(*el2.page));
	make_fault(el2.state, state_size());
}

bool el2_changed(int ms)
{
	return take_byte(el2.changed[0], ms);
}

/* What link.c does, as the backend's process sees it. */

int link_open(struct shyper_ctx *ctx, const char *name, int *ret_fd)
{
	(void)ctx;
	(void)name;
	*ret_fd = dup(el2.link[1]);
	fcntl(*ret_fd, F_SETFL, O_NONBLOCK);
	return 0;
}

int link_config_text(struct shyper_ctx *ctx, const char *name, char **ret_text)
{
	(void)ctx;
	(void)name;
	*ret_text = strdup(el2.config);
	return *ret_text ? (int)strlen(el2.config) : -ENOMEM;
}

int link_info(int fd, struct hvisor_device_info *info)
{
	(void)fd;
	info->nr_cpus = 2;
	info->page_offset = PAGE_OFFSET;
	info->page_length = sizeof(*el2.page);
	info->state_offset = STATE_OFFSET;
	info->state_length = el2.is_old ? 0 : state_size();
	return 0;
}

int link_map(int fd, uint64_t offset, uint64_t length, bool write, void **page)
{
	(void)fd;
	(void)write;
	/* As mmap() does. */
	if (!length)
		return -EINVAL;
	*page = offset == PAGE_OFFSET ? (void *)el2.page : (void *)el2.state;
	if (el2.going)
		el2_take_away();
	return 0;
}

int link_region(int fd, uint32_t cell, uint32_t index,
		struct hvisor_cell_memory *region)
{
	(void)fd;
	(void)cell;
	assert_int_equal(index, 0);
	*region = (struct hvisor_cell_memory){
		.ipa = DRIVER_RAM,
		.length = DRIVER_RAM_SIZE,
		.fd = dup(el2.ram_fd),
	};
	return 0;
}

int link_memory(int fd, uint32_t cell, struct shyper_memory *memory)
{
	(void)fd;
	(void)cell;
	return shyper_memory_map(memory, DRIVER_RAM, DRIVER_RAM_SIZE, el2.ram_fd, 0, true);
}

static int put_byte(int fd)
{
	return write(fd, "", 1) == 1 || errno == EAGAIN ? 0 : -errno;
}

int link_declare(int fd, struct hvisor_device_decl *decl)
{
	(void)fd;
	if (el2.untouched && el2.untouched->flags != htole16(VRING_USED_F_NO_NOTIFY))
		return -EIO;
	el2.page->attached = 1;
	el2.page->declared = 1;
	el2.page->features = decl->features;
	el2.page->device_id = decl->device_id;
	el2.page->config_len = decl->config_len;
	memcpy(el2.page->config, decl->config, sizeof(decl->config));
	return put_byte(el2.declared[1]);
}

int link_config(int fd, struct hvisor_device_decl *decl)
{
	(void)fd;
	if (!el2.page->declared)
		return -ENODEV;
	if (!el2.page->attached)
		return -ENOTCONN;
	if (decl->config_len != el2.page->config_len)
		return -EINVAL;
	memcpy(el2.page->config, decl->config, sizeof(decl->config));
	el2.page->config_generation++;
	return put_byte(el2.changed[1]);
}

static int set_level(uint32_t bits)
{
	int err = *el2.level_error;

	assert_int_equal(bits & ~HVISOR_INTERRUPT_LEVEL, 0);
	*el2.level_error = 0;
	if (!err)
		el2.page->interrupt_status = bits;
	return err;
}

int link_interrupt(int fd, uint32_t bits)
{
	(void)fd;
	if (el2.page->kind == HVISOR_DEVICE_MMIO)
		return set_level(bits);
	assert_int_equal(bits, HVISOR_INTERRUPT_USED);
	return put_byte(el2.interrupt[1]);
}

/* The module signals once what is assigned, or interrupts. */
int link_ioeventfd(int fd, int event, uint32_t queue, bool on)
{
	(void)fd;
	if (!el2.has_eventfds)
		return on ? -EOPNOTSUPP : 0;
	if (on)
		(void)!write(event, &(uint64_t){ 1 }, 8);
	return send_event(on ? KICK : KICK_AWAY, queue, event);
}

int link_irqfd(int fd, int event, uint32_t bits)
{
	(void)fd;
	assert_int_equal(bits, HVISOR_INTERRUPT_USED);
	if (!el2.has_eventfds)
		return -EOPNOTSUPP;
	(void)!write(event, &(uint64_t){ 1 }, 8);
	return send_event(CALL, 0, event);
}

int link_keep(int fd, int file)
{
	(void)fd;
	return el2.has_eventfds ? send_event(KEEP, 0, file) : -ENOTTY;
}

int link_kept(int fd, int *ret_file)
{
	(void)fd;
	if (!el2.has_eventfds)
		return -ENOTTY;
	if (el2.kept < 0)
		return -ENOENT;
	*ret_file = dup(el2.kept);
	return 0;
}

int link_fail(int fd)
{
	(void)fd;
	if (!el2.page->attached)
		return -ENOTCONN;
	return put_byte(el2.failed[1]);
}
