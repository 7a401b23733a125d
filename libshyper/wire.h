/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sockets below /run/shyper, and the lines of JSON between a cell's monitor
 * and who asks it.
 */
#ifndef LIBSHYPER_WIRE_H
#define LIBSHYPER_WIRE_H

#include <jansson.h>
#include <sys/un.h>

#include "internal.h"

/* Fills in /run/shyper/@sysname.sock. */
int wire_address(const struct shyper_ctx *ctx, const char *sysname,
		 struct sockaddr_un *address);
/*
 * Connects to it; who is about to listen there has until @deadline (of now_ms())
 * to do so. Returns the descriptor.
 */
int wire_connect(const struct shyper_ctx *ctx, const char *sysname,
		 uint64_t deadline);
/*
 * Reads one line until @deadline (of now_ms()) and parses it; *@ret_message is
 * an object that the caller releases. -EPROTO: it is none.
 */
int wire_read(int fd, uint64_t deadline, json_t **ret_message);
/* Sends @message as a line and releases it; NULL gives -ENOMEM. */
int wire_write(int fd, json_t *message);

#endif /* LIBSHYPER_WIRE_H */
