/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside of vhost.c.
 */
#ifndef VIRTIO_VHOST_H
#define VIRTIO_VHOST_H

#include <shyper/virtio/vhost.h>

#include "../internal.h"

/* Takes a queue back that its worker has been made to leave. */
void vhost_stop(struct shyper_backend *backend, unsigned int queue);

void vhost_close_all(struct shyper_backend *backend);

#endif /* VIRTIO_VHOST_H */
