// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-net: packets go through root's kernel (vhost-net); the control queue
 * stays with the process.
 */
#include <errno.h>
#include <linux/vhost.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net.h"
#include "program.h"

#define VHOST_PATH	"/dev/vhost-net"

static void forget_workers(struct net *net)
{
	unsigned int n;

	for (n = 0; n < net->config.pairs; n++)
		net->pairs[n].vhost = NULL;
}

int net_vhost_open(struct shyper_backend *backend, struct net *net)
{
	unsigned int n;
	int err = 0;

	if (net->config.vhost == NET_VHOST_NEVER)
		return 0;
	for (n = 0; !err && n < net->config.pairs; n++)
		err = shyper_vhost_open(backend, VHOST_PATH, &net->pairs[n].vhost);
	if (!err)
		return 0;
	if (net->config.vhost == NET_VHOST_ALWAYS) {
		say(SAY_ERROR, VHOST_PATH ": %s; load it by 'modprobe vhost_net', or leave out \"vhost\"",
		    strerror(-err));
		return SHYPER_EXIT_CONFIG;
	}
	say(SAY_INFO, "serves packets itself: " VHOST_PATH ": %s", strerror(-err));
	forget_workers(net);
	return 0;
}

static int set_backend(const struct net_pair *pair, unsigned int ring, int fd)
{
	struct vhost_vring_file file = { .index = ring, .fd = fd };

	return ioctl(shyper_vhost_get_fd(pair->vhost), VHOST_NET_SET_BACKEND, &file) ?
	       -errno : 0;
}

/* A queue that the driver has not made ready has no worker. */
static int start_ring(struct net_pair *pair, unsigned int ring, unsigned int queue)
{
	int err = shyper_vhost_start(pair->vhost, ring, queue);

	return err ? err : set_backend(pair, ring, pair->watch.fd);
}

static void start_failed(unsigned int pair, int err)
{
	/* Half of a pair is no network; any moment is one to die at. */
	say(SAY_ERROR, VHOST_PATH ": pair %u: %s", pair, strerror(-err));
	_exit(SHYPER_EXIT_RESTART);
}

bool net_vhost_resume(struct net *net, unsigned int index)
{
	int err = start_ring(&net->pairs[index / 2], index % 2, index);

	if (err && err != -ENOENT)
		start_failed(index / 2, err);
	return !err;
}

void net_vhost_start(struct shyper_backend *backend, struct net *net, unsigned int pairs)
{
	unsigned int n;
	int err;

	if (!net->config.link)
		return;
	for (n = 0; n < pairs && net->pairs[n].vhost; n++) {
		struct net_pair *pair = &net->pairs[n];

		/* Only whether it is still there concerns us: packets wake nobody. */
		shyper_backend_rewatch(backend, &pair->watch, 0);
		err = start_ring(pair, 0, RECEIVE(n));
		if (!err || err == -ENOENT)
			err = start_ring(pair, 1, TRANSMIT(n));
		if (err && err != -ENOENT)
			start_failed(n, err);
	}
}

void net_vhost_stop(struct shyper_backend *backend, unsigned int index)
{
	struct net *net = shyper_backend_get_data(backend);

	set_backend(&net->pairs[index / 2], index % 2, -1);
}

void net_vhost_reset(struct shyper_backend *backend, struct net *net)
{
	unsigned int n;

	for (n = 0; n < net->config.pairs; n++)
		if (net->pairs[n].vhost)
			shyper_backend_rewatch(backend, &net->pairs[n].watch, EPOLLIN | EPOLLET);
}
