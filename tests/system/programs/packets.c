// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: packets PREFIX
 *
 * Until SIGTERM, counts packets on interfaces whose name begins with PREFIX; then prints
 * "NAME PACKETS SUMS TSO4 TSO6 PACKETS SUMS TSO4 TSO6" for each: first what came in by it,
 * of that packets whose checksum was still to be made, and those of TCP over IPv4 and
 * over IPv6 that were still to be cut; then what went out.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define MAX_INDEX	1024	/* of an interface */
#define BUFFER_SIZE	(64 << 20)

static struct interface {
	char name[IF_NAMESIZE];
	struct counts {
		unsigned long packets, sums, tso4, tso6;
	} in, out;
} interfaces[MAX_INDEX];

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static int open_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), on = 1, size = BUFFER_SIZE;
	/* A signal may come just before it waits. */
	const struct timeval limit = { .tv_sec = 1 };

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		return -1;
	return fd;
}

static void count(const struct sockaddr_ll *from, const struct virtio_net_hdr *header)
{
	unsigned int type = header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	struct interface *interface;
	struct counts *counts;

	if (from->sll_ifindex < 0 || from->sll_ifindex >= MAX_INDEX)
		return;
	interface = &interfaces[from->sll_ifindex];
	if (!*interface->name)
		if_indextoname(from->sll_ifindex, interface->name);
	counts = from->sll_pkttype == PACKET_OUTGOING ? &interface->out : &interface->in;
	counts->packets++;
	counts->sums += header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	counts->tso4 += type == VIRTIO_NET_HDR_GSO_TCPV4;
	counts->tso6 += type == VIRTIO_NET_HDR_GSO_TCPV6;
}

static void print(const struct counts *counts)
{
	printf(" %lu %lu %lu %lu", counts->packets, counts->sums, counts->tso4, counts->tso6);
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = end };
	int fd = open_socket();
	unsigned int n;

	if (argc != 2 || fd < 0) {
		perror("packets");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	while (!ended) {
		struct sockaddr_ll from;
		socklen_t length = sizeof(from);
		char packet[sizeof(struct virtio_net_hdr) + ETH_HLEN];

		/* The rest of it is of no interest. */
		if (recvfrom(fd, packet, sizeof(packet), MSG_TRUNC,
			     (struct sockaddr *)&from, &length) >= (ssize_t)sizeof(packet))
			count(&from, (struct virtio_net_hdr *)packet);
	}
	for (n = 0; n < MAX_INDEX; n++) {
		if (!*interfaces[n].name ||
		    strncmp(interfaces[n].name, argv[1], strlen(argv[1])))
			continue;
		fputs(interfaces[n].name, stdout);
		print(&interfaces[n].in);
		print(&interfaces[n].out);
		putchar('\n');
	}
	return 0;
}
