// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-net: the tap in root. It goes with the process that made it, unless it
 * was there before; a successor makes it anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net.h"
#include "program.h"

#define TUN_PATH	"/dev/net/tun"
/* A predecessor that was killed has the tap until its files are closed. */
#define OPEN_TRIES	100
#define OPEN_PAUSE_MS	50

static void name_request(struct ifreq *request, const char *name)
{
	memset(request, 0, sizeof(*request));
	memcpy(request->ifr_name, name, strnlen(name, IFNAMSIZ - 1));
}

static int attach_once(int fd, const struct net_config *config)
{
	struct ifreq request;

	name_request(&request, config->tap);
	request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
			    (config->pairs > 1 ? IFF_MULTI_QUEUE : 0);
	return ioctl(fd, TUNSETIFF, &request) ? -errno : 0;
}

static int attach(int fd, const struct net_config *config)
{
	const struct timespec pause = { .tv_nsec = OPEN_PAUSE_MS * 1000000 };
	int tries, err = -EBUSY;

	for (tries = 0; tries < OPEN_TRIES && err == -EBUSY; tries++) {
		if (tries)
			nanosleep(&pause, NULL);
		err = attach_once(fd, config);
	}
	return err;
}

/* One queue of the tap. */
static int open_queue(struct net_pair *pair, const struct net_config *config)
{
	int header = HEADER_SIZE, err;

	pair->watch.fd = open(TUN_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (pair->watch.fd < 0) {
		say(SAY_ERROR, TUN_PATH ": %s%s", strerror(errno),
		    errno == ENOENT || errno == ENODEV ? "; `modprobe tun` may help" : "");
		return SHYPER_EXIT_RESTART;
	}
	err = attach(pair->watch.fd, config);
	if (!err && ioctl(pair->watch.fd, TUNSETVNETHDRSZ, &header))
		err = -errno;
	if (!err)
		return 0;
	/* -EINVAL: it is no tap, or one of another number of queues. */
	say(SAY_ERROR, "tap %s: %s", config->tap,
	    err == -EINVAL ? "exists, and is no tap of this kind of queues" : strerror(-err));
	return err == -EINVAL ? SHYPER_EXIT_CONFIG : SHYPER_EXIT_RESTART;
}

static int say_failed(const struct net_config *config, const char *what)
{
	say(SAY_ERROR, "tap %s: %s: %s", config->tap, what, strerror(errno));
	return SHYPER_EXIT_RESTART;
}

/* Name of the bridge that the tap is in; false: of none. */
static bool read_master(const char *tap, char master[IFNAMSIZ])
{
	char path[64], target[PATH_MAX];
	const char *name;
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/class/net/%s/master", tap);
	length = readlink(path, target, sizeof(target) - 1);
	if (length <= 0)
		return false;
	target[length] = '\0';
	name = strrchr(target, '/');
	snprintf(master, IFNAMSIZ, "%.*s", IFNAMSIZ - 1, name ? name + 1 : target);
	return true;
}

/* Whether it was there before us, and stays: somebody has put it where it is. */
static bool is_persistent(const struct net *net)
{
	struct ifreq request = {};

	return !ioctl(net->pairs[0].watch.fd, TUNGETIFF, &request) &&
	       request.ifr_flags & IFF_PERSIST;
}

/*
 * The tap is in a bridge already. If it is not the one that is wanted, a tap that is
 * ours is moved: some program of root puts each new interface into a bridge of its
 * own. 0 or SHYPER_EXIT_*.
 */
static int change_bridge(int control, const struct net *net, struct ifreq *join)
{
	const struct net_config *config = &net->config;
	char master[IFNAMSIZ] = "";
	struct ifreq leave;

	if (read_master(config->tap, master) && !strcmp(master, config->bridge))
		return 0;
	if (is_persistent(net)) {
		say(SAY_ERROR, "tap %s: is in %s, not in bridge %s; take it out by 'ip link set %s nomaster'",
		    config->tap, *master ? master : "use", config->bridge, config->tap);
		return SHYPER_EXIT_CONFIG;
	}
	name_request(&leave, master);
	leave.ifr_ifindex = join->ifr_ifindex;
	if (ioctl(control, SIOCBRDELIF, &leave) || ioctl(control, SIOCBRADDIF, join))
		return say_failed(config, "cannot be moved to its bridge");
	return 0;
}

/* 0 or SHYPER_EXIT_*. */
static int join_bridge(int control, const struct net *net)
{
	const struct net_config *config = &net->config;
	struct ifreq request;
	int index;

	name_request(&request, config->tap);
	if (ioctl(control, SIOCGIFINDEX, &request))
		return say_failed(config, "index");
	index = request.ifr_ifindex;
	name_request(&request, config->bridge);
	request.ifr_ifindex = index;
	if (!ioctl(control, SIOCBRADDIF, &request))
		return 0;
	if (errno == EBUSY)
		return change_bridge(control, net, &request);
	if (errno != ENODEV && errno != EOPNOTSUPP)
		return say_failed(config, "cannot be put into its bridge");
	say(SAY_ERROR, "bridge %s: there is no such bridge; make it by 'ip link add %s type bridge'",
	    config->bridge, config->bridge);
	return SHYPER_EXIT_CONFIG;
}

static int configure(int control, const struct net *net)
{
	const struct net_config *config = &net->config;
	struct ifreq request;

	name_request(&request, config->tap);
	if (config->mtu) {
		request.ifr_mtu = config->mtu;
		if (ioctl(control, SIOCSIFMTU, &request))
			return say_failed(config, "\"mtu\"");
	}
	if (*config->bridge) {
		int status = join_bridge(control, net);

		if (status)
			return status;
	}
	name_request(&request, config->tap);
	if (ioctl(control, SIOCGIFFLAGS, &request))
		return say_failed(config, "flags");
	request.ifr_flags |= IFF_UP;
	if (ioctl(control, SIOCSIFFLAGS, &request))
		return say_failed(config, "cannot be switched on");
	return 0;
}

int tap_open(struct net *net)
{
	const struct net_config *config = &net->config;
	unsigned int n;
	int control, status;

	for (n = 0; n < config->pairs; n++) {
		status = open_queue(&net->pairs[n], config);
		if (status)
			return status;
	}
	/* Nobody is there to take packets yet. */
	tap_carrier(net, false);
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (control < 0)
		return say_failed(config, "socket");
	status = configure(control, net);
	close(control);
	return status;
}

/* None of these can fail on a tap that is there; with one that is gone we end. */
static void tap_call(const struct net_pair *pair, unsigned long number, unsigned long argument)
{
	if (ioctl(pair->watch.fd, number, argument))
		say(SAY_WARNING, "tap: call 0x%lx: %s", number, strerror(errno));
}

void tap_offload(const struct net *net, uint64_t features)
{
	unsigned int offload = 0, n;

	if (features & FEATURE(GUEST_CSUM)) {
		offload = TUN_F_CSUM;
		if (features & FEATURE(GUEST_TSO4))
			offload |= TUN_F_TSO4;
		if (features & FEATURE(GUEST_TSO6))
			offload |= TUN_F_TSO6;
		/* For the kernel it is a property of these two. */
		if (features & FEATURE(GUEST_ECN) && offload != TUN_F_CSUM)
			offload |= TUN_F_TSO_ECN;
	}
	for (n = 0; n < net->config.pairs; n++)
		tap_call(&net->pairs[n], TUNSETOFFLOAD, offload);
}

void tap_carrier(const struct net *net, bool on)
{
	int carrier = on;

	tap_call(&net->pairs[0], TUNSETCARRIER, (unsigned long)&carrier);
}

void tap_use_pairs(struct net *net, unsigned int pairs)
{
	unsigned int n;

	for (n = 1; n < net->config.pairs; n++) {
		struct net_pair *pair = &net->pairs[n];
		struct ifreq request = {
			.ifr_flags = n < pairs ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE,
		};

		if (pair->detached == (n >= pairs))
			continue;
		tap_call(pair, TUNSETQUEUE, (unsigned long)&request);
		pair->detached = n >= pairs;
	}
}

void tap_filter(const struct net *net, const uint8_t (*addresses)[ETH_ALEN],
		unsigned int nr, bool all_multicast)
{
	struct {
		struct tun_filter head;
		uint8_t addresses[2 + FILTER_SIZE][ETH_ALEN];
	} filter = {
		.head = { .flags = all_multicast ? TUN_FLT_ALLMULTI : 0, .count = nr },
	};

	if (nr)
		memcpy(filter.addresses, addresses, nr * ETH_ALEN);
	/* Returns how many of them it compares exactly. */
	if (ioctl(net->pairs[0].watch.fd, TUNSETTXFILTER, &filter) < 0)
		say(SAY_WARNING, "tap: filter: %s", strerror(errno));
}
