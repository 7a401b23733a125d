// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: disk-back-end SOCKET IMAGE: a disk as a back end of vhost-user that keeps an
 * account of what it has taken (INFLIGHT_SHMFD), as none in Debian 12 does.
 *
 * It does what was taken last first, so that only the account tells what is left.
 * From SIGUSR1 to its next connection it takes requests and does none. It tells how
 * many it has found in the account. One connection at a time, one queue.
 */
#include <endian.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#define BIT(n)		(1ULL << (n))
#define FEATURES	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
			 BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(30) | \
			 BIT(VIRTIO_BLK_F_SEG_MAX) | BIT(VIRTIO_BLK_F_FLUSH))
/* REPLY_ACK, CONFIG, INFLIGHT_SHMFD */
#define PROTOCOL	(BIT(3) | BIT(9) | BIT(12))
#define MAX_SEGMENTS	128
#define MAX_SIZE	1024

struct message {
	uint32_t request, flags, size;
	union {
		uint64_t number;
		uint32_t words[128];
		struct {
			uint32_t index, flags;
			uint64_t desc, used, avail, log;
		} address;
		struct {
			uint32_t nr, padding;
			struct { uint64_t ipa, size, user, offset; } regions[8];
		} table;
		struct {
			uint64_t length, offset;
			uint16_t queues, size;
			uint32_t padding;
		} inflight;
	} payload;
	int fds[8];
};

/* The protocol's QueueRegionSplit. */
struct account {
	uint64_t features;
	uint16_t version, desc_num, last_batch_head, used_idx;
	struct {
		uint8_t inflight, padding[5];
		uint16_t next;
		uint64_t counter;
	} desc[];
};

static struct { uint64_t ipa, size; uint8_t *host; } regions[8];
static unsigned int nr_regions;
static struct account *account;
static int image, kick = -1, call = -1;
static uint64_t image_size;
static volatile sig_atomic_t holds;

static struct {
	unsigned int size;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	bool runs;
	uint16_t next;		/* of the available ring */
	uint64_t counter;
	unsigned int nr_taken;
	uint16_t taken[MAX_SIZE];
} ring;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The guest is not trusted: nothing but its memory. */
static void *translate(uint64_t ipa, uint64_t length)
{
	unsigned int n;

	for (n = 0; n < nr_regions; n++)
		if (ipa >= regions[n].ipa && ipa - regions[n].ipa < regions[n].size &&
		    length <= regions[n].size - (ipa - regions[n].ipa))
			return regions[n].host + (ipa - regions[n].ipa);
	fprintf(stderr, "no memory at 0x%llx\n", (unsigned long long)ipa);
	exit(1);
}

static unsigned int load_chain(uint16_t head, struct iovec *iov)
{
	const struct vring_desc *table = ring.desc;
	unsigned int n, size = ring.size, next = head;

	for (n = 0; n < MAX_SEGMENTS && next < size; ) {
		struct vring_desc desc = table[next];

		if (desc.flags & VRING_DESC_F_INDIRECT) {
			size = desc.len / sizeof(desc);
			table = translate(desc.addr, desc.len);
			next = 0;
			continue;
		}
		iov[n].iov_base = translate(desc.addr, desc.len);
		iov[n++].iov_len = desc.len;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return n;
		next = desc.next;
	}
	fprintf(stderr, "a chain without end\n");
	exit(1);
}

/* Bytes written, with the status; the first and the last segment are not data. */
static uint32_t carry_out(uint16_t head)
{
	struct iovec iov[MAX_SEGMENTS];
	unsigned int nr = load_chain(head, iov);
	const struct virtio_blk_outhdr *request = iov[0].iov_base;
	uint8_t *status = iov[nr - 1].iov_base;
	off_t offset = le64toh(request->sector) * 512;
	ssize_t done = 0;

	*status = VIRTIO_BLK_S_OK;
	switch (le32toh(request->type)) {
	case VIRTIO_BLK_T_IN:
		done = preadv(image, iov + 1, nr - 2, offset);
		break;
	case VIRTIO_BLK_T_OUT:
		done = pwritev(image, iov + 1, nr - 2, offset);
		break;
	case VIRTIO_BLK_T_FLUSH:
		done = fsync(image);
		break;
	default:
		*status = VIRTIO_BLK_S_UNSUPP;
	}
	if (done < 0)
		*status = VIRTIO_BLK_S_IOERR;
	return le32toh(request->type) == VIRTIO_BLK_T_IN && done > 0 ? done + 1 : 1;
}

static void complete(uint16_t head)
{
	uint16_t old = ring.used->idx;

	ring.used->ring[old % ring.size] = (struct vring_used_elem){ head, carry_out(head) };
	account->desc[head].next = account->last_batch_head;
	account->last_batch_head = head;
	__atomic_store_n(&ring.used->idx, old + 1, __ATOMIC_SEQ_CST);
	account->desc[head].inflight = 0;
	__atomic_store_n(&account->used_idx, old + 1, __ATOMIC_SEQ_CST);
	if (vring_need_event(ring.avail->ring[ring.size], old + 1, old))
		(void)!write(call, &(uint64_t){ 1 }, 8);
}

static void take(uint16_t head)
{
	if (head >= ring.size || ring.nr_taken == ring.size)
		exit(1);
	ring.taken[ring.nr_taken++] = head;
}

static void take_all(void)
{
	uint16_t head, *event = (uint16_t *)&ring.used->ring[ring.size];

	/* Once more after the driver was told to kick (virtio 1.2, 2.7.10). */
	do {
		while (__atomic_load_n(&ring.avail->idx, __ATOMIC_ACQUIRE) != ring.next) {
			head = ring.avail->ring[ring.next % ring.size];
			take(head);
			account->desc[head].counter = ring.counter++;
			__atomic_store_n(&account->desc[head].inflight, 1, __ATOMIC_SEQ_CST);
			ring.next++;
		}
		__atomic_store_n(event, ring.next, __ATOMIC_SEQ_CST);
	} while (__atomic_load_n(&ring.avail->idx, __ATOMIC_SEQ_CST) != ring.next);
}

/* The protocol's "When reconnecting". */
static void resume(void)
{
	uint16_t batch = ring.used->idx - account->used_idx, head = account->last_batch_head;
	unsigned int n, first;

	/* As libvhost-user does it: of one that has just begun the used_idx stays. */
	for (; account->version && batch && head < ring.size; batch--) {
		account->desc[head].inflight = 0;
		head = account->desc[head].next;
	}
	if (account->version)
		account->used_idx = ring.used->idx;
	account->version = 1;
	ring.nr_taken = ring.counter = 0;
	do {
		for (n = 0, first = ring.size; n < ring.size; n++)
			if (account->desc[n].inflight && account->desc[n].counter >= ring.counter &&
			    (first == ring.size ||
			     account->desc[n].counter < account->desc[first].counter))
				first = n;
		if (first < ring.size) {
			take(first);
			ring.counter = account->desc[first].counter + 1;
		}
	} while (first < ring.size);
	ring.next = ring.used->idx + ring.nr_taken;
	printf("begins with %u\n", ring.nr_taken);
	fflush(stdout);
	/* The oldest first, this time. */
	for (n = 0; n < ring.nr_taken; n++)
		complete(ring.taken[n]);
	ring.nr_taken = 0;
	ring.runs = true;
	holds = 0;
}

static void map_memory(const struct message *message)
{
	unsigned int n;

	nr_regions = message->payload.table.nr;
	for (n = 0; n < nr_regions; n++) {
		uint64_t offset = message->payload.table.regions[n].offset;

		regions[n].ipa = message->payload.table.regions[n].ipa;
		regions[n].size = message->payload.table.regions[n].size;
		regions[n].host = mmap(NULL, regions[n].size, PROT_READ | PROT_WRITE, MAP_SHARED,
				       message->fds[n], offset);
		if (regions[n].host == MAP_FAILED)
			die("memory of the cell");
		close(message->fds[n]);
	}
}

static void map_account(const struct message *message)
{
	account = mmap(NULL, message->payload.inflight.length, PROT_READ | PROT_WRITE, MAP_SHARED,
		       message->fds[0], message->payload.inflight.offset);
	if (account == MAP_FAILED)
		die("account");
	close(message->fds[0]);
}

static void set_addresses(const struct message *message)
{
	ring.desc = translate(message->payload.address.desc, 16ULL * ring.size);
	ring.avail = translate(message->payload.address.avail, 6 + 2ULL * ring.size);
	ring.used = translate(message->payload.address.used, 6 + 8ULL * ring.size);
}

static void replace(int *event, const struct message *message)
{
	if (*event >= 0)
		close(*event);
	*event = message->fds[0];
}

static void complete_all(void)
{
	while (ring.nr_taken)
		complete(ring.taken[--ring.nr_taken]);
}

static void get_config(struct message *message)
{
	struct virtio_blk_config config = {
		.capacity = htole64(image_size / 512), .seg_max = htole32(MAX_SEGMENTS - 2),
	};
	size_t length = message->size - 12;

	if (length <= sizeof(config))
		memcpy(&message->payload.words[3], &config, length);
}

/* What has an answer of its own: true. */
static bool query(struct message *message)
{
	switch (message->request) {
	case 1:
		message->payload.number = FEATURES;
		break;
	case 15:
		message->payload.number = PROTOCOL;
		break;
	case 11:
		/* What is in flight ends before the ring has stopped. */
		complete_all();
		ring.runs = false;
		message->payload.words[1] = ring.next;
		message->size = 8;
		return true;
	case 24:
		get_config(message);
		return true;
	case 31:
		message->payload.inflight.length = message->payload.inflight.queues *
			((sizeof(*account) + 16ULL * message->payload.inflight.size + 63) & ~63ULL);
		return true;
	default:
		return false;
	}
	message->size = 8;
	return true;
}

static void set(const struct message *message)
{
	switch (message->request) {
	case 5:
		map_memory(message);
		break;
	case 8:
		ring.size = message->payload.words[1];
		if (!ring.size || ring.size > MAX_SIZE)
			exit(1);
		break;
	case 9:
		set_addresses(message);
		break;
	case 12:
		replace(&kick, message);
		resume();
		break;
	case 13:
		replace(&call, message);
		break;
	case 32:
		map_account(message);
		break;
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

	if (recvmsg(fd, &header, MSG_WAITALL) != 12 || message->size > sizeof(message->payload))
		return false;
	cmsg = CMSG_FIRSTHDR(&header);
	if (cmsg)
		memcpy(message->fds, CMSG_DATA(cmsg), cmsg->cmsg_len - CMSG_LEN(0));
	return !message->size ||
	       recv(fd, &message->payload, message->size, MSG_WAITALL) == message->size;
}

static bool handle(int fd)
{
	struct message message = { 0 };
	struct iovec iov[2] = { { &message, 12 }, { &message.payload, 0 } };
	bool answers;

	if (!receive(fd, &message))
		return false;
	answers = query(&message);
	if (!answers) {
		set(&message);
		answers = message.flags & 8;
		message.payload.number = 0;
		message.size = 8;
	}
	message.flags = 5;
	iov[1].iov_len = message.size;
	return !answers || writev(fd, iov, 2) > 0;
}

static void session(int fd)
{
	uint64_t count;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = fd, .events = POLLIN },
			{ .fd = ring.runs ? kick : -1, .events = POLLIN },
		};

		poll(fds, 2, ring.nr_taken && !holds ? 0 : -1);
		if (fds[0].revents && !handle(fd))
			break;
		if (!ring.runs)
			continue;
		if (fds[1].revents && read(kick, &count, 8) == 8)
			take_all();
		if (ring.nr_taken && !holds)
			complete(ring.taken[--ring.nr_taken]);
	}
	memset(&ring, 0, sizeof(ring));
	while (nr_regions--)
		munmap(regions[nr_regions].host, regions[nr_regions].size);
	nr_regions = 0;
	close(fd);
}

static void begin_to_hold(int signal)
{
	(void)signal;
	holds = 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat status;
	int listener, fd;

	if (argc != 3 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	image = open(argv[2], O_RDWR);
	if (image < 0 || fstat(image, &status))
		die(argv[2]);
	image_size = status.st_size;
	signal(SIGUSR1, begin_to_hold);
	signal(SIGPIPE, SIG_IGN);
	strcpy(address.sun_path, argv[1]);
	unlink(argv[1]);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 1))
		die(argv[1]);
	while ((fd = accept(listener, NULL, NULL)) >= 0)
		session(fd);
	die("accept");
}
