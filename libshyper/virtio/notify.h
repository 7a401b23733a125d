/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the service manager is told, by backends and by programs of shyper-cli. */
#ifndef VIRTIO_NOTIFY_H
#define VIRTIO_NOTIFY_H

/**
 * struct notify - the service manager, if there is one
 * @fd: connected to it; -1: nobody is to be told
 * @barrier: what notify_ready_and_wait() waits with; -1: it does not wait
 */
struct notify {
	int fd;
	int barrier[2];
};

void notify_open(struct notify *notify);
/* That the service is ready; closes. */
void notify_ready(struct notify *notify);
/*
 * The same, and returns when that was seen, or after some seconds: whoever ends at
 * once may be seen to end before, and then it has failed (BARRIER=1, sd_notify(3)).
 */
void notify_ready_and_wait(struct notify *notify);
/* If it is open. */
void notify_close(struct notify *notify);

#endif /* VIRTIO_NOTIFY_H */
