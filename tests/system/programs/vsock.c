// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: vsock echo PORT: listens, and gives back to each peer what it has sent once
 *        that has ended: a peer need not read while it writes
 *        vsock send CID PORT: sends its input
 *        vsock echo-packets PORT, vsock ask CID PORT: listens, and gives back each
 *        packet as one; sends some of several lengths, and wants them back as they are
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

static char buffer[65536];
static char message[8 << 20];

static int open_socket(int type)
{
	int fd = socket(AF_VSOCK, type, 0);

	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	return fd;
}

/* All of it, also where the peer is slow. */
static int write_all(int to, const char *data, size_t length)
{
	ssize_t part;

	for (; length; data += part, length -= part) {
		part = write(to, data, length);
		if (part < 0)
			return -1;
	}
	return 0;
}

/* 0: it has come to its end. */
static int copy(int from, int to)
{
	ssize_t length;

	while ((length = read(from, buffer, sizeof(buffer))) > 0)
		if (write_all(to, buffer, length))
			return -1;
	return length;
}

static int give_back(int peer)
{
	size_t length = 0;
	ssize_t part;

	while ((part = read(peer, message + length, sizeof(message) - length)) > 0)
		length += part;
	return part < 0 ? -1 : write_all(peer, message, length);
}

static int echo(unsigned int port, int type)
{
	struct sockaddr_vm address = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port,
	};
	int fd = open_socket(type), peer;

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4)) {
		perror("listen");
		return 1;
	}
	for (;;) {
		peer = accept(fd, NULL, NULL);
		if (peer < 0) {
			perror("accept");
			return 1;
		}
		if (type == SOCK_STREAM ? give_back(peer) : copy(peer, peer))
			perror("peer");
		close(peer);
	}
}

static int open_peer(unsigned int cid, unsigned int port, int type)
{
	struct sockaddr_vm address = {
		.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port,
	};
	int fd = open_socket(type);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror("connect");
		exit(1);
	}
	return fd;
}

static int send_input(unsigned int cid, unsigned int port)
{
	int fd = open_peer(cid, port, SOCK_STREAM);

	if (copy(STDIN_FILENO, fd)) {
		perror("send");
		return 1;
	}
	return close(fd) ? 1 : 0;
}

static int ask(unsigned int cid, unsigned int port)
{
	static const size_t lengths[] = { 1, 1000, 40000 };
	int fd = open_peer(cid, port, SOCK_SEQPACKET);
	size_t n;

	for (n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
		memset(message, 'a' + n, lengths[n]);
		if (write(fd, message, lengths[n]) != (ssize_t)lengths[n]) {
			perror("send");
			return 1;
		}
	}
	for (n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
		memset(message, 'a' + n, lengths[n]);
		if (read(fd, buffer, sizeof(buffer)) != (ssize_t)lengths[n] ||
		    memcmp(buffer, message, lengths[n])) {
			fprintf(stderr, "packet %zu is another one\n", n);
			return 1;
		}
	}
	return close(fd) ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "echo"))
		return echo(atoi(argv[2]), SOCK_STREAM);
	if (argc == 3 && !strcmp(argv[1], "echo-packets"))
		return echo(atoi(argv[2]), SOCK_SEQPACKET);
	if (argc == 4 && !strcmp(argv[1], "ask"))
		return ask(atoi(argv[2]), atoi(argv[3]));
	if (argc == 4 && !strcmp(argv[1], "send"))
		return send_input(atoi(argv[2]), atoi(argv[3]));
	return 2;
}
