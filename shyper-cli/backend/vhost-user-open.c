// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the bridge does before it is in its jail: it finds the back end, waits for
 * it if need be, learns what the device is, and shows it the cell's memory.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "program.h"
#include "vhost-user.h"

#define CONNECT_MS	100
/* Beyond every address that a cell can have: 40 bits. */
#define SHADOW_ADDRESS	(1ULL << 40)
#define PAGE		4096
#define BIT(n)		(1ULL << (n))
#define FS_TAG_SIZE	sizeof(((struct virtio_fs_config *)0)->tag)

/* Devices by name, and how much of their configuration space a back end knows. */
static const struct {
	const char *name;
	uint32_t id;
	unsigned int config;
	unsigned int queues;
} devices[] = {
	/* Up to write_zeroes_may_unmap: what came later no back end must know. */
	{ "blk", VIRTIO_ID_BLOCK, 60, 1 },
	{ "net", VIRTIO_ID_NET, 12, 2 },
	/* None of the back end's: it has no tag. */
	{ "fs", VIRTIO_ID_FS, 0, 2 },
	{ NULL, VIRTIO_ID_SCSI, 36, 3 },
	{ NULL, VIRTIO_ID_INPUT, 136, 2 },
	{ NULL, VIRTIO_ID_VSOCK, 8, 3 },
	{ NULL, VIRTIO_ID_GPIO, 8, 1 },
	{ NULL, VIRTIO_ID_SOUND, 12, 4 },
};

#define NR_DEVICES	(sizeof(devices) / sizeof(devices[0]))

static unsigned int config_length(uint32_t id)
{
	unsigned int n;

	for (n = 0; n < NR_DEVICES; n++)
		if (devices[n].id == id)
			return devices[n].config;
	return 0;
}

static int refuse(const char *key, const char *what)
{
	say(SAY_ERROR, "configuration: \"%s\" %s", key, what);
	return SHYPER_EXIT_CONFIG;
}

/* 0 or SHYPER_EXIT_CONFIG. */
static int read_device(struct bridge *bridge, const json_t *config)
{
	const json_t *item = json_object_get(config, "device");
	const char *name = json_string_value(item);
	unsigned int n;

	bridge->nr_queues = 1;
	bridge->direct.is_allowed = true;
	if (json_is_integer(item))
		bridge->device = json_integer_value(item);
	for (n = 0; n < NR_DEVICES; n++) {
		if (name ? !devices[n].name || strcmp(name, devices[n].name) :
			   devices[n].id != bridge->device)
			continue;
		bridge->device = devices[n].id;
		bridge->nr_queues = devices[n].queues;
	}
	return bridge->device ? 0 :
	       refuse("device", "is no device: \"blk\", \"net\", \"fs\" or a number");
}

static int read_keys(struct bridge *bridge, const json_t *config,
		     struct sockaddr_un *address)
{
	const char *path = NULL, *tag = "";

	bridge->poll = true;
	if (config_string(config, "socket", &path) || config_string(config, "tag", &tag))
		return SHYPER_EXIT_CONFIG;
	if (read_device(bridge, config) ||
	    config_range(config, "queues", 1, VU_MAX_QUEUES, &bridge->nr_queues) ||
	    config_flag(config, "direct", &bridge->direct.is_allowed) ||
	    config_flag(config, "poll", &bridge->poll))
		return SHYPER_EXIT_CONFIG;
	if (!path || path[0] != '/' || strlen(path) >= sizeof(address->sun_path))
		return refuse("socket", "is no absolute path of at most 107 bytes");
	if (bridge->device == VIRTIO_ID_FS && !*tag)
		return refuse("tag", "is missing");
	if (strlen(tag) > FS_TAG_SIZE)
		return refuse("tag", "is too long");
	memcpy(bridge->tag, tag, strlen(tag));
	address->sun_family = AF_UNIX;
	strcpy(address->sun_path, path);
	return 0;
}

static int connect_once(struct bridge *bridge, const struct sockaddr_un *address)
{
	const struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int err, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	bridge->link.fd = fd;
	err = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;
	if (!err)
		err = vu_begin(&bridge->link, bridge->direct.is_wanted);
	if (err)
		close(fd);
	return err;
}

/* Whether it is only a matter of time. */
static bool may_come(int err)
{
	switch (err) {
	case -ENOENT:
	case -ECONNREFUSED:
	case -EAGAIN:
	case -EPIPE:
	case -ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/*
 * One that is not there yet, has just died, or still serves our predecessor's
 * connection is waited for, as long as it takes: the guest waits, too.
 */
static int find_back_end(struct shyper_backend *backend, struct bridge *bridge,
			 const struct sockaddr_un *address)
{
	struct pollfd device = { .fd = shyper_backend_get_fd(backend) };
	bool said = false;
	int err;

	while ((err = connect_once(bridge, address))) {
		if (!may_come(err)) {
			say(SAY_ERROR, "%s: %s", address->sun_path,
			    err == -EPROTO ? "the back end does not speak vhost-user" :
			    strerror(-err));
			return SHYPER_EXIT_RESTART;
		}
		if (!said)
			say(SAY_INFO, "waits for the back end at %s", address->sun_path);
		said = true;
		poll(&device, 1, CONNECT_MS);
		if (device.revents & (POLLHUP | POLLERR))
			return SHYPER_EXIT_RESTART;
	}
	if (said)
		say(SAY_INFO, "the back end at %s has come", address->sun_path);
	return 0;
}

static int refuse_back_end(const char *what)
{
	say(SAY_ERROR, "the back end %s", what);
	return SHYPER_EXIT_CONFIG;
}

static int failed(const char *what, int err)
{
	say(SAY_ERROR, "%s: %s", what, strerror(-err));
	return SHYPER_EXIT_RESTART;
}

/*
 * As many requests at once and as many parts of each as the queues can hold; and
 * as the last driver has left what drivers may change.
 */
static int adapt_disk(struct shyper_backend *backend, struct bridge *bridge,
		      struct virtio_blk_config *config)
{
	const unsigned int max = shyper_backend_get_queue_max(backend);
	struct virtio_blk_config last;
	size_t length;

	if (le32toh(config->seg_max) > max - 2 && max > 2)
		config->seg_max = htole32(max - 2);
	if (le16toh(config->num_queues) > bridge->nr_queues)
		config->num_queues = htole16(bridge->nr_queues);
	length = shyper_backend_read_config(backend, &last, sizeof(last));
	if (length <= offsetof(struct virtio_blk_config, wce) || last.wce == config->wce)
		return 0;
	config->wce = last.wce;
	return vu_set_config(&bridge->link, offsetof(struct virtio_blk_config, wce),
			     &config->wce, sizeof(config->wce));
}

static int set_config(struct shyper_backend *backend, struct bridge *bridge)
{
	unsigned int length = config_length(bridge->device);
	union {
		struct virtio_blk_config blk;
		struct virtio_fs_config fs;
		uint8_t bytes[VU_MAX_CONFIG];
	} config = { 0 };
	int err = 0;

	if (!(bridge->link.protocol & BIT(VU_PROTOCOL_CONFIG)))
		length = 0;
	if (length)
		err = vu_get_config(&bridge->link, &config, length);
	if (!err && bridge->device == VIRTIO_ID_BLOCK)
		err = adapt_disk(backend, bridge, &config.blk);
	if (err)
		return err;
	if (bridge->device == VIRTIO_ID_FS) {
		length = sizeof(config.fs);
		memcpy(config.fs.tag, bridge->tag, FS_TAG_SIZE);
		/* The first one is for what has priority. */
		config.fs.num_request_queues = htole32(bridge->nr_queues - 1);
	}
	return shyper_backend_set_config(backend, &config, length);
}

static int check_back_end(struct bridge *bridge)
{
	uint64_t features = bridge->link.features, queues = 0;
	int err;

	if (!(features & BIT(VIRTIO_F_VERSION_1)))
		return refuse_back_end("serves legacy devices only");
	if (!(features & BIT(VIRTIO_RING_F_INDIRECT_DESC)))
		return refuse_back_end("knows no indirect descriptors, in which it would get its requests");
	if (bridge->device == VIRTIO_ID_BLOCK &&
	    !(bridge->link.protocol & BIT(VU_PROTOCOL_CONFIG)))
		return refuse_back_end("does not tell the size of its disk");
	bridge->direct.is_on = bridge->link.protocol & BIT(VU_PROTOCOL_INFLIGHT_SHMFD);
	if (bridge->direct.must_be && !bridge->direct.is_on) {
		say(SAY_ERROR, "the back end keeps no account of its requests (INFLIGHT_SHMFD), as the one before did: start that one again, or restart the cell");
		return SHYPER_EXIT_RESTART;
	}
	err = vu_get_queues(&bridge->link, &queues);
	if (err)
		return failed("number of queues", err);
	/* Without MQ it has what its device has at least. */
	if (bridge->link.protocol & BIT(VU_PROTOCOL_MQ) && queues < bridge->nr_queues)
		return refuse_back_end("has fewer \"queues\"");
	return 0;
}

/*
 * A network card's control queue is never the back end's, so what takes one is not
 * offered, of those that virtio 1.2 does not know, either (50 to 52); nor what shows in
 * a configuration space that nobody has, or not so much of.
 */
static uint64_t card_features(const struct bridge *bridge)
{
	const uint64_t never = BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) |
		BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_RX) |
		BIT(VIRTIO_NET_F_CTRL_VLAN) | BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) |
		BIT(VIRTIO_NET_F_GUEST_ANNOUNCE) | BIT(VIRTIO_NET_F_MQ) |
		BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) | BIT(VIRTIO_NET_F_HASH_REPORT) |
		BIT(VIRTIO_NET_F_RSS) | BIT(VIRTIO_NET_F_SPEED_DUPLEX) |
		BIT(50) | BIT(51) | BIT(52) | BIT(VIRTIO_NET_F_NOTF_COAL);
	const uint64_t config = BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_MAC) |
		BIT(VIRTIO_NET_F_STATUS);
	uint64_t features = bridge->link.features & VU_DEVICE_FEATURES & ~never;

	return bridge->link.protocol & BIT(VU_PROTOCOL_CONFIG) ? features :
	       features & ~config;
}

static uint64_t device_features(const struct bridge *bridge)
{
	switch (bridge->device) {
	case VIRTIO_ID_NET:
		return card_features(bridge);
	case VIRTIO_ID_BLOCK:
		/* What came later has more configuration space than we ask for. */
		return bridge->link.features & (BIT(VIRTIO_BLK_F_WRITE_ZEROES + 1) - 1);
	case VIRTIO_ID_FS:
	case VIRTIO_ID_SOUND:
		/* The one that each has makes other queues, or a longer space (5.11.3, 5.14.3). */
		return 0;
	default:
		return bridge->link.features & VU_DEVICE_FEATURES;
	}
}

static int declare(struct shyper_backend *backend, struct bridge *bridge)
{
	int err = shyper_backend_set_device_id(backend, bridge->device);

	if (err)
		return refuse("device", "is no virtio device ID");
	if (shyper_backend_set_queues(backend, bridge->nr_queues))
		return refuse("queues", "are more than the cell was created with");
	shyper_backend_offer(backend, device_features(bridge));
	/* A ring that the back end has is none to look at. */
	shyper_backend_set_polling(backend, bridge->poll && !bridge->direct.is_on);
	err = set_config(backend, bridge);
	return err ? failed("configuration space", err) : 0;
}

static int open_shadows(struct shyper_backend *backend, struct bridge *bridge,
			struct vu_region *region)
{
	size_t each = shadow_length(shyper_backend_get_queue_max(backend));
	size_t length = (bridge->nr_queues * each + PAGE - 1) & ~(size_t)(PAGE - 1);
	unsigned int n;
	uint8_t *memory;

	region->fd = memfd_create("shadow rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* Whom it is given to could take the memory away under us. */
	if (region->fd < 0 || ftruncate(region->fd, length) ||
	    fcntl(region->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	for (n = 0; n < bridge->nr_queues; n++) {
		bridge->queues[n].memory = memory + n * each;
		bridge->queues[n].address = SHADOW_ADDRESS + n * each;
	}
	region->address = SHADOW_ADDRESS;
	region->length = length;
	region->offset = 0;
	return 0;
}

/* The back end maps the files; we need their descriptors no more. */
static int share_memory(struct shyper_backend *backend, struct bridge *bridge)
{
	struct vu_region table[VU_MAX_REGIONS];
	struct shyper_cell_region *region = bridge->regions;
	unsigned int n, nr = 0;
	int err = 0;

	for (; nr < VU_MAX_REGIONS - 1; nr++, region++) {
		err = shyper_backend_get_region(backend, nr, region);
		if (err)
			break;
		table[nr] = (struct vu_region){
			.address = region->ipa, .length = region->length,
			.offset = region->offset, .fd = region->fd,
		};
	}
	if (err == -ENOENT)
		err = 0;
	if (!err && !bridge->direct.is_on)
		err = open_shadows(backend, bridge, &table[nr++]);
	if (!err)
		err = vu_set_memory(&bridge->link, table, nr);
	for (n = 0; n < nr; n++)
		close(table[n].fd);
	return err;
}

static int watch(struct shyper_backend *backend, struct shyper_watch *watch, int fd,
		 uint32_t events)
{
	if (fd < 0)
		return -errno;
	watch->fd = fd;
	return shyper_backend_watch(backend, watch, events);
}

/*
 * Calls are edges and never read: whoever has the descriptor, too, could make us
 * wait for what it has read itself. Those of the direct mode are the module's.
 */
static int open_queue_events(struct shyper_backend *backend, const struct bridge *bridge,
			     struct bridge_queue *queue)
{
	queue->call.data = queue;
	queue->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	queue->call.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (queue->kick < 0 || queue->call.fd < 0)
		return -errno;
	return bridge->direct.is_on ? 0 :
	       shyper_backend_watch(backend, &queue->call, EPOLLIN | EPOLLET);
}

static int open_events(struct shyper_backend *backend, struct bridge *bridge)
{
	unsigned int n;
	int err = watch(backend, &bridge->socket, bridge->link.fd, EPOLLIN | EPOLLRDHUP);

	if (!err)
		err = watch(backend, &bridge->patience,
			    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
			    EPOLLIN);
	for (n = 0; !err && n < bridge->nr_queues; n++)
		err = open_queue_events(backend, bridge, &bridge->queues[n]);
	return err;
}

int bridge_open(struct shyper_backend *backend, const json_t *config)
{
	struct bridge *bridge = shyper_backend_get_data(backend);
	struct sockaddr_un address = { 0 };
	int err, status = read_keys(bridge, config, &address);

	if (!status)
		direct_look(backend, bridge);
	if (!status)
		status = find_back_end(backend, bridge, &address);
	if (!status)
		status = check_back_end(bridge);
	if (!status)
		status = declare(backend, bridge);
	if (status)
		return status;
	err = share_memory(backend, bridge);
	if (err == -E2BIG)
		return refuse_back_end("cannot map so many regions of memory");
	if (err)
		return failed("memory", err);
	err = open_events(backend, bridge);
	if (err)
		return failed("events", err);
	return bridge->direct.is_on ? direct_open(backend, bridge) : 0;
}
