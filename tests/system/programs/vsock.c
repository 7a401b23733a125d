// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: vsock echo PORT: listens, and gives back to each peer what it sends
 *        vsock send CID PORT: sends its input
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

static char buffer[65536];

static int open_socket(void)
{
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	return fd;
}

/* All of it, also where the peer is slow. 0: it has come to its end. */
static int copy(int from, int to)
{
	ssize_t length, part, done;

	while ((length = read(from, buffer, sizeof(buffer))) > 0)
		for (done = 0; done < length; done += part) {
			part = write(to, buffer + done, length - done);
			if (part < 0)
				return -1;
		}
	return length;
}

static int echo(unsigned int port)
{
	struct sockaddr_vm address = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port,
	};
	int fd = open_socket(), peer;

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
		if (copy(peer, peer))
			perror("peer");
		close(peer);
	}
}

static int send_input(unsigned int cid, unsigned int port)
{
	struct sockaddr_vm address = {
		.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port,
	};
	int fd = open_socket();

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    copy(STDIN_FILENO, fd)) {
		perror("send");
		return 1;
	}
	return close(fd) ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "echo"))
		return echo(atoi(argv[2]));
	if (argc == 4 && !strcmp(argv[1], "send"))
		return send_input(atoi(argv[2]), atoi(argv[3]));
	return 2;
}
