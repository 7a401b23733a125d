// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A back end of vhost-user for tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_back_end.h"

#define MAX_RINGS	16
#define MAX_PAYLOAD	512

struct fake *fake;
static struct sockaddr_un address;
static pid_t process;

struct message {
	uint32_t request, flags, size;
	uint8_t payload[MAX_PAYLOAD];
	int fds[8];
	unsigned int nr_fds;
};

static struct {
	uint64_t address, size;
	uint8_t *host;
} regions[8];
static unsigned int nr_regions;

/* As the protocol has it (QueueRegionSplit). */
struct account {
	uint64_t features;
	uint16_t version, desc_num, last_batch_head, used_idx;
	struct {
		uint8_t inflight, padding[5];
		uint16_t next;
		uint64_t counter;
	} desc[];
};

static uint8_t *accounts;
static uint64_t account_length;

static struct ring {
	unsigned int size;
	uint64_t desc, avail, used;
	uint16_t last_avail;
	int call;
	int kick;
	bool running;
	struct account *account;
	uint64_t counter;
	unsigned int nr_held;
	uint16_t held[1024];
} rings[MAX_RINGS];

static void *translate(uint64_t at)
{
	unsigned int n;

	for (n = 0; n < nr_regions; n++)
		if (at - regions[n].address < regions[n].size)
			return regions[n].host + (at - regions[n].address);
	abort();
}

/* Fills what may be written from what can be read; returns the bytes. */
static uint32_t carry_out(const struct vring_desc *table, unsigned int nr)
{
	uint8_t *from = NULL, *to;
	uint32_t n, length = 0, done = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!(table[i].flags & VRING_DESC_F_WRITE)) {
			from = translate(table[i].addr);
			length = table[i].len;
			continue;
		}
		to = translate(table[i].addr);
		for (n = 0; n < table[i].len; n++)
			to[n] = from ? (uint8_t)~from[n % length] : 0xff;
		done += table[i].len;
	}
	return done;
}

static void use(struct ring *ring, uint32_t head, uint32_t length)
{
	struct vring_used *used = translate(ring->used);
	uint16_t index = used->idx;

	if (fake->mode == FAKE_USED_ID)
		head = ring->size;
	if (fake->mode == FAKE_USED_LENGTH)
		length++;
	used->ring[index % ring->size] = (struct vring_used_elem){ head, length };
	if (ring->account) {
		ring->account->desc[head].next = ring->account->last_batch_head;
		ring->account->last_batch_head = head;
	}
	if (fake->mode == FAKE_USED_TWICE)
		used->ring[++index % ring->size] = (struct vring_used_elem){ head, length };
	if (fake->mode == FAKE_USED_INDEX)
		index += ring->size;
	__atomic_store_n(&used->idx, (uint16_t)(index + 1), __ATOMIC_RELEASE);
	if (fake->mode == FAKE_DIES)
		raise(SIGKILL);
	if (ring->account) {
		ring->account->desc[head].inflight = 0;
		ring->account->used_idx = index + 1;
	}
	if (fake->mode != FAKE_SILENT)
		(void)!write(ring->call, &(uint64_t){ 1 }, 8);
}

/* A chain of the guest's own, or what lies behind its one descriptor. */
static void carry_out_chain(struct ring *ring, uint16_t head)
{
	const struct vring_desc *desc = translate(ring->desc);
	struct vring_desc table[16];
	unsigned int nr = 0;
	uint16_t next = head;

	fake->heads_taken[fake->taken++ % 8] = head;
	if (desc[head].flags & VRING_DESC_F_INDIRECT) {
		use(ring, head, carry_out(translate(desc[head].addr),
					  desc[head].len / sizeof(*desc)));
		return;
	}
	do {
		table[nr++] = desc[next];
		next = desc[next].next;
	} while (table[nr - 1].flags & VRING_DESC_F_NEXT && nr < 16);
	use(ring, head, carry_out(table, nr));
}

static void hold(struct ring *ring, uint16_t head)
{
	if (ring->nr_held == ring->size)
		abort();
	ring->held[ring->nr_held++] = head;
}

static void serve_held(struct ring *ring)
{
	unsigned int n;

	if (fake->mode == FAKE_HOLDS || fake->mode == FAKE_LAST ||
	    fake->mode == FAKE_LEAVES) {
		if (fake->mode == FAKE_LAST && ring->nr_held == 3)
			carry_out_chain(ring, ring->held[--ring->nr_held]);
		fake->taken = ring->nr_held;
		return;
	}
	for (n = 0; n < ring->nr_held; n++)
		carry_out_chain(ring, ring->held[n]);
	ring->nr_held = 0;
}

static bool is_kicked(const struct ring *ring)
{
	struct pollfd poll_fd = { .fd = ring->kick, .events = POLLIN };
	uint64_t count;

	/* Whoever writes is to find it full. */
	if (fake->mode == FAKE_BLOCKS)
		return false;
	return poll(&poll_fd, 1, 0) == 1 && read(ring->kick, &count, 8) == 8;
}

static void serve_guest_ring(struct ring *ring)
{
	const struct vring_avail *avail = translate(ring->avail);
	bool looks = is_kicked(ring);
	uint16_t head;

	while (looks && __atomic_load_n(&avail->idx, __ATOMIC_ACQUIRE) != ring->last_avail) {
		head = avail->ring[ring->last_avail++ % ring->size];
		ring->account->desc[head].counter = ring->counter++;
		ring->account->desc[head].inflight = 1;
		hold(ring, head);
	}
	if (ring->nr_held)
		serve_held(ring);
}

/* What the one before has taken and not answered comes first, in its order. */
static void resume_account(struct ring *ring)
{
	struct account *account = ring->account;
	const struct vring_used *used = translate(ring->used);
	uint16_t left = used->idx - account->used_idx, head = account->last_batch_head;
	unsigned int n;

	fake->wrong_bases += ring->last_avail != used->idx;
	for (; account->version && left; left--) {
		account->desc[head].inflight = 0;
		head = account->desc[head].next;
	}
	/* As libvhost-user does it: of one that has just begun the used_idx stays. */
	if (account->version)
		account->used_idx = used->idx;
	account->version = 1;
	ring->counter = ring->nr_held = 0;
	for (;;) {
		int first = -1;

		for (n = 0; n < ring->size; n++)
			if (account->desc[n].inflight == 1 &&
			    account->desc[n].counter >= ring->counter &&
			    (first < 0 || account->desc[n].counter <
			     account->desc[first].counter))
				first = n;
		if (first < 0)
			break;
		ring->counter = account->desc[first].counter + 1;
		hold(ring, first);
	}
	ring->last_avail += ring->nr_held;
}

static void serve_ring(struct ring *ring)
{
	const struct vring_avail *avail = translate(ring->avail);
	const struct vring_desc *desc = translate(ring->desc), *table;
	uint16_t head;

	while (__atomic_load_n(&avail->idx, __ATOMIC_ACQUIRE) != ring->last_avail) {
		if (fake->mode == FAKE_HOLDS) {
			fake->taken = (uint16_t)(avail->idx - ring->last_avail);
			return;
		}
		head = avail->ring[ring->last_avail++ % ring->size];
		if (!(desc[head].flags & VRING_DESC_F_INDIRECT))
			abort();
		table = translate(desc[head].addr);
		fake->heads_taken[fake->taken++ % 8] = head;
		use(ring, head, carry_out(table, desc[head].len / sizeof(*table)));
	}
}

static bool receive(int fd, struct message *message)
{
	char control[CMSG_SPACE(sizeof(message->fds))];
	struct iovec iov = { message, 12 };
	struct msghdr header = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;

	message->nr_fds = 0;
	if (recvmsg(fd, &header, MSG_WAITALL) != 12 || message->size > MAX_PAYLOAD)
		return false;
	cmsg = CMSG_FIRSTHDR(&header);
	if (cmsg) {
		message->nr_fds = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(message->fds, CMSG_DATA(cmsg), message->nr_fds * sizeof(int));
	}
	return !message->size ||
	       recv(fd, message->payload, message->size, MSG_WAITALL) == message->size;
}

static void reply(int fd, struct message *message, uint32_t size)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { message, 12 + size };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	enum fake_mode mode = message->request == fake->at || !fake->at ? fake->mode : FAKE_SERVES;

	message->size = size;
	message->flags = mode == FAKE_NO_REPLY_FLAG ? 1 : mode == FAKE_WRONG_VERSION ? 6 : 5;
	if (mode == FAKE_WRONG_REQUEST)
		message->request++;
	if (mode == FAKE_WRONG_SIZE)
		message->size--;
	if (mode == FAKE_HUGE_SIZE)
		message->size = 0xffffffff;
	/* Real ones send the memory that they have made. */
	if (mode == FAKE_DESCRIPTORS || message->request == 31) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		control.header = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), &(int){ 0 }, sizeof(int));
	}
	if (mode == FAKE_MUTE || mode == FAKE_TWICE)
		fake->mode = FAKE_SERVES;
	if (mode == FAKE_MUTE)
		return;
	if (mode == FAKE_TWICE)
		sendmsg(fd, &header, MSG_NOSIGNAL);
	if (mode == FAKE_DRIPS) {
		for (size = 0; size < iov.iov_len; size++) {
			send(fd, (uint8_t *)message + size, 1, MSG_NOSIGNAL);
			usleep(900000);
		}
		return;
	}
	sendmsg(fd, &header, MSG_NOSIGNAL);
}

/* What is in flight ends before a ring has stopped. */
static void end_ring(struct ring *ring)
{
	while (ring->running && ring->account && ring->nr_held &&
	       fake->mode != FAKE_LEAVES) {
		if (fake->mode == FAKE_SERVES)
			serve_held(ring);
		usleep(1000);
	}
	ring->running = false;
}

static void reply_account(int fd, struct message *message)
{
	uint16_t queues, size;
	uint64_t length;

	memcpy(&queues, message->payload + 16, 2);
	memcpy(&size, message->payload + 18, 2);
	length = queues * (((sizeof(struct account) + 16ULL * size + 63) & ~63ULL) +
			   fake->more);
	memcpy(message->payload, &length, 8);
	reply(fd, message, 24);
}

static void set_account(const struct message *message)
{
	uint16_t queues;

	if (message->size != 24 || message->nr_fds != 1)
		abort();
	memcpy(&account_length, message->payload, 8);
	memcpy(&queues, message->payload + 16, 2);
	accounts = mmap(NULL, account_length, PROT_READ | PROT_WRITE, MAP_SHARED,
			message->fds[0], 0);
	if (accounts == MAP_FAILED)
		abort();
	account_length /= queues;
	fake->accounts++;
}

static void start_ring(struct ring *ring, int kick)
{
	ring->running = true;
	ring->kick = kick;
	if (!accounts)
		return;
	ring->account = (void *)(accounts + (ring - rings) * account_length);
	resume_account(ring);
	fake->running++;
}

static void reply_number(int fd, struct message *message, uint64_t number)
{
	memcpy(message->payload, &number, 8);
	reply(fd, message, 8);
}

static void map(const struct message *message)
{
	uint64_t words[4];
	unsigned int n;

	memcpy(&nr_regions, message->payload, 4);
	fake->regions = nr_regions;
	if (nr_regions != message->nr_fds || message->size != 8 + nr_regions * 32)
		abort();
	for (n = 0; n < nr_regions; n++) {
		memcpy(words, message->payload + 8 + n * 32, 32);
		regions[n].address = words[0];
		regions[n].size = words[1];
		regions[n].host = mmap(NULL, words[1] + words[3], PROT_READ | PROT_WRITE,
				       MAP_SHARED, message->fds[n], 0);
		if (regions[n].host == MAP_FAILED)
			abort();
		regions[n].host += words[3];
	}
}

/* True: it was replied to. */
static bool handle_query(int fd, struct message *message)
{
	struct ring *ring = &rings[message->payload[0] % MAX_RINGS];
	uint64_t calls;

	switch (message->request) {
	case 1:
		reply_number(fd, message, fake->features);
		return true;
	case 11:
		end_ring(ring);
		fake->stops++;
		if (read(ring->call, &calls, 8) == 8)
			fake->calls_unread += calls;
		memcpy(message->payload + 4, &(uint32_t){ ring->last_avail }, 4);
		reply(fd, message, 8);
		return true;
	case 15:
		reply_number(fd, message, fake->protocol);
		return true;
	case 17:
		reply_number(fd, message, fake->queues);
		return true;
	case 31:
		reply_account(fd, message);
		return true;
	case 24:
		memcpy(message->payload + 12, fake->config, message->size - 12);
		reply(fd, message, message->size);
		return true;
	}
	return false;
}

static void handle_setting(const struct message *message)
{
	struct ring *ring = &rings[message->payload[0] % MAX_RINGS];
	uint32_t value;

	memcpy(&value, message->payload + 4, 4);
	switch (message->request) {
	case 2:
		memcpy((void *)&fake->driver_features, message->payload, 8);
		break;
	case 5:
		map(message);
		break;
	case 8:
		ring->size = value;
		break;
	case 9:
		memcpy(&ring->desc, message->payload + 8, 8);
		memcpy(&ring->used, message->payload + 16, 8);
		memcpy(&ring->avail, message->payload + 24, 8);
		break;
	case 10:
		ring->last_avail = value;
		break;
	case 32:
		set_account(message);
		break;
	case 12:
		start_ring(ring, message->fds[0]);
		if (fake->mode == FAKE_BLOCKS) {
			(void)!read(message->fds[0], &(uint64_t){ 0 }, 8);
			fcntl(message->fds[0], F_SETFL, 0);
			(void)!write(message->fds[0], &(uint64_t){ -2ULL }, 8);
		}
		break;
	case 13:
		ring->call = message->fds[0];
		break;
	case 25:
		fake->config[message->payload[0]] = message->payload[12];
		break;
	}
}

static bool handle(int fd)
{
	struct message message = { 0 };
	bool refuses;

	if (!receive(fd, &message))
		return false;
	if (handle_query(fd, &message))
		return true;
	refuses = fake->mode == FAKE_REFUSES && message.request == fake->at;
	if (!refuses)
		handle_setting(&message);
	if (message.flags & 8)
		reply_number(fd, &message, refuses);
	return true;
}

static void session(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	unsigned int n;

	memset(rings, 0, sizeof(rings));
	nr_regions = 0;
	accounts = NULL;
	fake->taken = fake->running = 0;
	fake->sessions++;
	for (;;) {
		if (poll(&poll_fd, 1, 2) == 1 && !handle(fd))
			break;
		if (fake->mode == FAKE_CHATTERS && rings[0].running) {
			struct message message = { .request = 1 };

			reply_number(fd, &message, 0);
			fake->mode = FAKE_SERVES;
		}
		for (n = 0; n < MAX_RINGS; n++)
			if (rings[n].running && rings[n].account)
				serve_guest_ring(&rings[n]);
			else if (rings[n].running)
				serve_ring(&rings[n]);
	}
	close(fd);
}

void fake_init(const char *path)
{
	fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(fake, MAP_FAILED);
	address.sun_family = AF_UNIX;
	strcpy(address.sun_path, path);
}

void fake_exit(void)
{
	fake_kill();
	unlink(address.sun_path);
	munmap(fake, sizeof(*fake));
}

void fake_start(void)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(address.sun_path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 4), 0);
	process = fork();
	assert_true(process >= 0);
	/* Of whoever started it, which may be killed. */
	if (!process)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!process) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			syscall(SYS_exit_group, 1);
		session(fd);
	}
	close(listener);
}

void fake_kill(void)
{
	if (!process)
		return;
	kill(process, SIGKILL);
	waitpid(process, NULL, 0);
	process = 0;
}
