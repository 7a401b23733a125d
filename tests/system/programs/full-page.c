// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A cell whose first device shows as much as a device can: all queues, long
 * names, and a backend that counts without end. Its guest (queues.img, the
 * argument) makes every CPU wait; they are answered when a line comes on stdin.
 * The program says how far it is; at the end of stdin it leaves.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

#define CPUS		0xeULL	/* all but root's own */
#define NR_CPUS		3
#define NR_QUEUES	16
#define QUEUE_SIZE	1024
#define VERSION_1	(1ULL << 32)
#define NR_BACKENDS	2	/* the virtio device and the foreign region */

struct backend {
	int fd;
	struct hvisor_request requests[NR_CPUS];
	unsigned int nr_requests;
};

static struct backend backends[NR_BACKENDS];
static const struct hvisor_device_page *page;
static uint8_t *state;

static void must(int is_true, const char *what)
{
	if (is_true)
		return;
	perror(what);
	exit(1);
}

static void *map(int fd, off_t offset, size_t length, int protection)
{
	void *address = mmap(NULL, length, protection, MAP_SHARED, fd, offset);

	must(address != MAP_FAILED, "mmap");
	return address;
}

static unsigned int create(void)
{
	struct request r;
	int control = open_bound(HVISOR_ROLE_CONTROL, 0, 0);

	request_init(&r);
	strcpy((char *)r.create.name, "wide");
	r.create.cpus = CPUS;
	strcpy((char *)r.devices[0].desc.name, "fifteen-letters");
	strcpy((char *)r.devices[0].type, "fifteen_letters");
	r.devices[0].desc.nr_queues = NR_QUEUES;
	r.devices[0].desc.queue_size = QUEUE_SIZE;
	must(!ioctl(control, HVISOR_CELL_CREATE, &r.create), "create");
	close(control);
	return r.create.id;
}

static void load(const char *path)
{
	uint8_t *memory = map(FD_MEMORY, 0, RAM_SIZE, PROT_READ | PROT_WRITE);
	int fd = open(path, O_RDONLY);

	must(fd >= 0 && read(fd, memory, RAM_SIZE) > 0, path);
	close(fd);
}

static void declare(struct backend *backend, unsigned int cell, unsigned int index)
{
	struct hvisor_device_decl decl = { .size = sizeof(decl) };

	backend->fd = open_bound(HVISOR_ROLE_DEVICE, cell, index);
	if (!index) {
		decl.device_id = 63;
		decl.nr_queues = NR_QUEUES;
		decl.features = VERSION_1 | (~0ULL << 42);
		for (int n = 0; n < NR_QUEUES; n++)
			decl.queue_max[n] = QUEUE_SIZE;
	}
	must(!ioctl(backend->fd, HVISOR_DEVICE_DECLARE, &decl), "declare");
}

static void map_pages(int fd)
{
	struct hvisor_device_info info = { .size = sizeof(info) };

	must(!ioctl(fd, HVISOR_DEVICE_INFO, &info), "info");
	page = map(fd, info.page_offset, info.page_length, PROT_READ);
	state = map(fd, info.state_offset, info.state_length, PROT_READ | PROT_WRITE);
}

/* The largest numbers that a backend can write. */
static void fill_state(void)
{
	memset(state, 0xff, sizeof(struct hvisor_backend_counters));
	for (int n = 0; n < NR_QUEUES; n++) {
		struct hvisor_queue_state *queue = (void *)
			(state + HVISOR_QUEUE_STATE_OFFSET(n, QUEUE_SIZE));

		queue->epoch = page->queues[n].epoch;
		queue->used_idx = 31744;
		for (int i = 0; i < QUEUE_SIZE; i++) {
			queue->heads[i].epoch = queue->epoch;
			queue->heads[i].in_flight = 1;
		}
	}
}

static void start(unsigned int cell)
{
	struct hvisor_cell_op op = { .size = sizeof(op), .id = cell };
	struct hvisor_cell_start start = {
		.size = sizeof(start), .id = cell, .entry = RAM_IPA,
	};
	int monitor = open_bound(HVISOR_ROLE_MONITOR, cell, 0);

	must(!ioctl(monitor, HVISOR_CELL_LOAD, &op), "load");
	must(!ioctl(monitor, HVISOR_CELL_START, &start), "start");
}

static unsigned int take(struct backend *backend)
{
	struct hvisor_request request;

	while (read(backend->fd, &request, sizeof(request)) == sizeof(request)) {
		if (request.type != HVISOR_REQUEST_SLOT)
			continue;
		must(backend->nr_requests < NR_CPUS, "more requests than CPUs");
		backend->requests[backend->nr_requests++] = request;
	}
	must(errno == EAGAIN, "read");
	return backend->nr_requests;
}

static void wait_for_requests(void)
{
	struct pollfd fds[NR_BACKENDS];
	unsigned int n, waiting = 0;

	while (waiting < NR_CPUS) {
		for (n = 0; n < NR_BACKENDS; n++)
			fds[n] = (struct pollfd){ .fd = backends[n].fd, .events = POLLIN };
		must(poll(fds, NR_BACKENDS, 30000) > 0, "poll");
		for (n = waiting = 0; n < NR_BACKENDS; n++)
			waiting += take(&backends[n]);
	}
}

static void answer_all(void)
{
	for (unsigned int n = 0; n < NR_BACKENDS; n++) {
		struct backend *backend = &backends[n];

		for (unsigned int i = 0; i < backend->nr_requests; i++) {
			struct hvisor_answer answer = {
				.type = HVISOR_REQUEST_SLOT,
				.cpu = backend->requests[i].cpu,
				.seq = backend->requests[i].seq,
			};

			must(write(backend->fd, &answer, sizeof(answer)) ==
			     sizeof(answer), "answer");
		}
	}
}

int main(int argc, char **argv)
{
	unsigned int cell, n;
	char line[16];

	must(argc == 2, "usage: full-page IMAGE");
	setlinebuf(stdout);
	memory_init();
	cell = create();
	load(argv[1]);
	for (n = 0; n < NR_BACKENDS; n++)
		declare(&backends[n], cell, n);
	map_pages(backends[0].fd);
	start(cell);
	wait_for_requests();
	fill_state();
	printf("waiting\n");
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	answer_all();
	printf("answered\n");
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
