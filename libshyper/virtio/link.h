/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A backend's link to the hypervisor: its bound file and what sysfs says of
 * its device. Requests and answers go by read() and write() on the file.
 * Each returns 0 or a negative errno; only those with a context leave a report.
 */
#ifndef VIRTIO_LINK_H
#define VIRTIO_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <hvisor/hypercall.h>
#include <hvisor/ioctl.h>

struct shyper_ctx;
struct shyper_memory;

/* The JSON text of the device, which the caller frees; its length. Leaves a report. */
int link_config_text(struct shyper_ctx *ctx, const char *name, char **ret_text);

/* Open and bind; @ret_fd does not block. */
int link_open(struct shyper_ctx *ctx, const char *name, int *ret_fd);

int link_info(int fd, struct hvisor_device_info *info);
int link_map(int fd, uint64_t offset, uint64_t length, bool write, void **page);
/* A region of the cell; -ENOENT: there are no more. */
int link_region(int fd, uint32_t cell, uint32_t index,
		struct hvisor_cell_memory *region);
int link_memory(int fd, uint32_t cell, struct shyper_memory *memory);
int link_declare(int fd, struct hvisor_device_decl *decl);
int link_config(int fd, struct hvisor_device_decl *decl);
int link_interrupt(int fd, uint32_t bits);
int link_fail(int fd);
/* A queue's doorbell -> eventfd, or no longer. */
int link_ioeventfd(int fd, int event, uint32_t queue, bool on);
/* An eventfd -> the device's interrupt. */
int link_irqfd(int fd, int event, uint32_t bits);

#endif /* VIRTIO_LINK_H */
