// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The direct mode: a back end that keeps an account of what it has taken has the
 * guest's rings, and its events are the module's (docs/theory-vhost-user.md).
 *
 * The account is in memory that the module keeps. We look at none of it, but empty a
 * queue's part before another queue than the one that it is about begins.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"
#include "vhost-user.h"

/* Of a split queue: before its entries, and in it, and each of them (QueueRegionSplit). */
#define HEAD		16
#define USED_IDX	14
#define ENTRY		16
/* More than any layout takes for a queue of the largest size. */
#define MAX_PART	(1U << 20)

/**
 * struct record - in the device's options, which outlive us
 * @epochs: of each queue, complemented: whose requests its part of the region is
 *	about
 */
struct record {
	uint32_t epochs[VU_MAX_QUEUES];
};

_Static_assert(sizeof(struct record) <= SHYPER_OPTIONS_SIZE, "they are all of its room");

static bool is_of(const struct record *record, unsigned int index, uint32_t epoch)
{
	return __atomic_load_n(&record->epochs[index], __ATOMIC_ACQUIRE) == ~epoch;
}

/* A module that is older does not. */
static bool module_keeps(const struct shyper_backend *backend)
{
	int fd, err = shyper_backend_get_kept(backend, &fd);

	if (!err)
		close(fd);
	return err != -ENOTTY;
}

void direct_look(struct shyper_backend *backend, struct bridge *bridge)
{
	const struct record *record = shyper_backend_get_options(backend);
	struct direct *direct = &bridge->direct;
	bool is_otherwise = false;
	struct shyper_ring ring;
	unsigned int n;

	for (n = 0; n < bridge->nr_queues; n++) {
		/* One that is about to end binds nobody: it is not begun again. */
		if (shyper_backend_get_ring(backend, n, &ring) || ring.is_ending)
			continue;
		if (ring.in_flight)
			is_otherwise = true;
		if (!is_of(record, n, ring.epoch))
			continue;
		direct->must_be = true;
		direct->is_owed |= ring.is_lent;
	}
	direct->is_wanted = direct->must_be ||
			    (direct->is_allowed && !is_otherwise && module_keeps(backend));
}

static int failed(int err)
{
	say(SAY_ERROR, "account of requests: %s", strerror(-err));
	return SHYPER_EXIT_RESTART;
}

/* 0 or SHYPER_EXIT_*, and has said why. */
static int make_region(struct shyper_backend *backend, uint64_t length, int *ret_fd)
{
	int err = 0, fd = memfd_create("in flight", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return failed(-errno);
	/* As of the shadow rings. */
	if (ftruncate(fd, length) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		err = -errno;
	if (!err)
		err = shyper_backend_keep(backend, fd);
	if (err) {
		close(fd);
		return failed(err);
	}
	*ret_fd = fd;
	return 0;
}

/*
 * A region that begins on rings that do not: nothing was left in the one before, or
 * else nobody knows what, since what was answered need not be what came first.
 */
static int make_region_anew(struct shyper_backend *backend, const struct bridge *bridge,
			    uint64_t length, int *ret_fd)
{
	struct record *record = shyper_backend_get_options(backend);

	if (bridge->direct.is_owed) {
		say(SAY_ERROR, "the account of the last back end is gone, and what that had not answered cannot be known: restart the cell");
		return SHYPER_EXIT_RESTART;
	}
	memset(record, 0, sizeof(*record));
	return make_region(backend, length, ret_fd);
}

/* The predecessor's, if the driver's requests are in it; 0 or SHYPER_EXIT_*. */
static int find_region(struct shyper_backend *backend, const struct bridge *bridge,
		       uint64_t length, int *ret_fd)
{
	struct stat status;
	int err;

	if (!bridge->direct.must_be)
		return make_region(backend, length, ret_fd);
	err = shyper_backend_get_kept(backend, ret_fd);
	if (err == -ENOENT)
		return make_region_anew(backend, bridge, length, ret_fd);
	if (err)
		return failed(err);
	if (!fstat(*ret_fd, &status) && (uint64_t)status.st_size == length)
		return 0;
	close(*ret_fd);
	say(SAY_ERROR, "the back end keeps another account than the one before: start that one again, or restart the cell");
	return SHYPER_EXIT_RESTART;
}

/*
 * DPDK makes a queue when it first hears of it, and only those that it has get
 * their part.
 */
static int announce(struct bridge *bridge, const struct vu_account *account, int fd)
{
	unsigned int n;
	int err = 0;

	for (n = 0; !err && n < account->queues; n++)
		err = vu_set_call(&bridge->link, n, bridge->queues[n].call.fd);
	return err ? err : vu_set_account(&bridge->link, account, fd);
}

static bool has_known_layout(const struct vu_account *account)
{
	uint64_t part = account->length / account->queues;

	return account->length % account->queues == 0 && part <= MAX_PART &&
	       part >= HEAD + ENTRY * (uint64_t)account->queue_size;
}

static int open_region(struct bridge *bridge, const struct vu_account *account, int fd)
{
	struct direct *direct = &bridge->direct;

	direct->part = account->length / account->queues;
	direct->region = mmap(NULL, account->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return direct->region == MAP_FAILED ? -errno : announce(bridge, account, fd);
}

int direct_open(struct shyper_backend *backend, struct bridge *bridge)
{
	struct vu_account account = {
		.queues = bridge->nr_queues,
		.queue_size = shyper_backend_get_queue_max(backend),
	};
	int fd, status, err = vu_size_account(&bridge->link, &account);

	if (err)
		return failed(err);
	if (!has_known_layout(&account)) {
		say(SAY_ERROR, "the back end keeps an account of requests that is not as the protocol says; set \"direct\" to false");
		return SHYPER_EXIT_CONFIG;
	}
	status = find_region(backend, bridge, account.length, &fd);
	if (status)
		return status;
	err = open_region(bridge, &account, fd);
	close(fd);
	return err ? failed(err) : 0;
}

/* What another driver's queue had in flight lies in memory that is this one's now. */
static void begin_part(struct shyper_backend *backend, const struct direct *direct,
		       unsigned int index, const struct shyper_ring *ring)
{
	struct record *record = shyper_backend_get_options(backend);
	uint8_t *part = direct->region + index * direct->part;
	uint16_t used_idx = htole16(ring->used_idx);

	if (is_of(record, index, ring->epoch))
		return;
	memset(part + HEAD, 0, direct->part - HEAD);
	/* As long as nothing is in the account no back end takes it from the ring. */
	memcpy(part + USED_IDX, &used_idx, sizeof(used_idx));
	__atomic_store_n(&record->epochs[index], ~ring->epoch, __ATOMIC_RELEASE);
}

int direct_begin(struct shyper_backend *backend, struct bridge *bridge,
		 unsigned int index)
{
	const struct bridge_queue *queue = &bridge->queues[index];
	struct shyper_ring place;
	struct vu_ring ring;
	int err = shyper_backend_get_ring(backend, index, &place);

	if (err)
		return err;
	begin_part(backend, &bridge->direct, index, &place);
	err = shyper_backend_lend(backend, index, queue->kick, queue->call.fd);
	if (err)
		return err;
	ring = (struct vu_ring){
		.index = index, .size = place.size, .base = place.used_idx,
		.desc = place.desc, .avail = place.driver, .used = place.device,
		.kick = queue->kick, .call = queue->call.fd,
	};
	return vu_ring_start(&bridge->link, &ring);
}
