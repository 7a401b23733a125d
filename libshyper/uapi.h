/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /dev/hvisor. uapi.c is the only caller of ioctl(): one function for each
 * number, which sets @size, restarts after signals, and returns 0 or a
 * negative errno without a report (the caller knows what it wanted).
 */
#ifndef LIBSHYPER_UAPI_H
#define LIBSHYPER_UAPI_H

#include <hvisor/ioctl.h>

#include "internal.h"

/*
 * Opens /dev/hvisor (O_CLOEXEC) and binds it to HVISOR_ROLE_*. Returns the
 * descriptor or a negative errno with a report. @cell and @device count where
 * the role has them.
 */
int uapi_open(struct shyper_ctx *ctx, uint32_t role, uint32_t cell,
	      uint32_t device);

int uapi_cell_create(int fd, struct hvisor_cell_create *create);
int uapi_cell_adopt(int fd, struct hvisor_cell_adopt *adopt);
int uapi_cell_load(int fd, struct hvisor_cell_op *op);
int uapi_cell_start(int fd, struct hvisor_cell_start *start);
int uapi_cell_stop(int fd, struct hvisor_cell_op *op);
int uapi_cell_pause(int fd, struct hvisor_cell_op *op);
int uapi_cell_resume(int fd, struct hvisor_cell_op *op);
int uapi_cell_destroy(int fd, struct hvisor_cell_op *op);
/* 0: @memory->fd is the caller's to close. */
int uapi_cell_memory(int fd, struct hvisor_cell_memory *memory);
int uapi_log_read(int fd, struct hvisor_log_read *log);

int uapi_device_info(int fd, struct hvisor_device_info *info);
int uapi_device_declare(int fd, struct hvisor_device_decl *decl);
int uapi_device_config(int fd, struct hvisor_device_decl *decl);
int uapi_device_interrupt(int fd, uint32_t bits);
int uapi_device_fail(int fd);
int uapi_ioeventfd(int fd, int event, uint32_t queue, uint32_t flags);
int uapi_irqfd(int fd, int event, uint32_t bits);

#endif /* LIBSHYPER_UAPI_H */
