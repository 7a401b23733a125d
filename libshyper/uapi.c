// SPDX-License-Identifier: LGPL-2.1-or-later
/* The only caller of ioctl() on /dev/hvisor. */
#include "uapi.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static_assert(sizeof(struct hvisor_bind) == 16, "ABI");
static_assert(sizeof(struct hvisor_memory_region) == 32, "ABI");
static_assert(sizeof(struct hvisor_device_desc) == 56, "ABI");
static_assert(sizeof(struct hvisor_device_setup) == 88, "ABI");
static_assert(sizeof(struct hvisor_cell_create) == 112, "ABI");
static_assert(sizeof(struct hvisor_cell_adopt) == 56, "ABI");
static_assert(sizeof(struct hvisor_cell_op) == 16, "ABI");
static_assert(sizeof(struct hvisor_cell_start) == 24, "ABI");
static_assert(sizeof(struct hvisor_cell_memory) == 48, "ABI");
static_assert(sizeof(struct hvisor_log_read) == 32, "ABI");
static_assert(sizeof(struct hvisor_request) == 40, "ABI");

/*
 * Every argument begins with its own size, which the module compares with what
 * it knows.
 */
static int call(int fd, unsigned long number, void *argument)
{
	uint32_t size = _IOC_SIZE(number);

	memcpy(argument, &size, sizeof(size));
	while (ioctl(fd, number, argument) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int explain_open(struct shyper_ctx *ctx, int code)
{
	switch (code) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		error_set(ctx, -ENODEV, "/dev/hvisor", NULL,
			  "the module hvisor is not loaded, or the hypervisor does not run below this kernel");
		error_hint(ctx, "see `modprobe hvisor` and `dmesg`");
		return -ENODEV;
	case -EACCES:
	case -EPERM:
		error_set(ctx, -EPERM, "/dev/hvisor", NULL,
			  "no permission to control cells");
		error_hint(ctx, "this needs root");
		return -EPERM;
	default:
		return error_set(ctx, code, "/dev/hvisor", NULL,
				 "cannot be opened: %s", strerror(-code));
	}
}

static int explain_bind(struct shyper_ctx *ctx, int code,
			const struct hvisor_bind *bind)
{
	char subject[48];

	if (bind->role == HVISOR_ROLE_CONTROL || code == -EPERM)
		return explain_open(ctx, code);
	snprintf(subject, sizeof(subject), "cell%u", bind->cell);
	if (bind->role == HVISOR_ROLE_DEVICE)
		snprintf(subject, sizeof(subject), "cell%u device %u",
			 bind->cell, bind->device);
	if (code == -ENODEV)
		return error_set(ctx, code, subject, NULL, "does not exist");
	if (code == -EBUSY)
		return error_set(ctx, code, subject, NULL,
				 "another process serves it already");
	return error_set(ctx, code, subject, NULL, "cannot be bound: %s",
			 strerror(-code));
}

int uapi_open(struct shyper_ctx *ctx, uint32_t role, uint32_t cell,
	      uint32_t device)
{
	struct hvisor_bind bind = {
		.role = role, .cell = cell, .device = device,
	};
	char *path = ctx_path(ctx, "/dev/hvisor");
	int fd, err;

	if (!path)
		return error_no_memory(ctx);
	fd = open(path, O_RDWR | O_CLOEXEC);
	free_keep_errno(path);
	if (fd < 0)
		return explain_open(ctx, -errno);
	err = call(fd, HVISOR_BIND, &bind);
	if (err) {
		close(fd);
		return explain_bind(ctx, err, &bind);
	}
	return fd;
}

int uapi_cell_create(int fd, struct hvisor_cell_create *create)
{
	return call(fd, HVISOR_CELL_CREATE, create);
}

int uapi_cell_adopt(int fd, struct hvisor_cell_adopt *adopt)
{
	return call(fd, HVISOR_CELL_ADOPT, adopt);
}

int uapi_cell_load(int fd, struct hvisor_cell_op *op)
{
	return call(fd, HVISOR_CELL_LOAD, op);
}

int uapi_cell_start(int fd, struct hvisor_cell_start *start)
{
	return call(fd, HVISOR_CELL_START, start);
}

int uapi_cell_stop(int fd, struct hvisor_cell_op *op)
{
	return call(fd, HVISOR_CELL_STOP, op);
}

int uapi_cell_pause(int fd, struct hvisor_cell_op *op)
{
	return call(fd, HVISOR_CELL_PAUSE, op);
}

int uapi_cell_resume(int fd, struct hvisor_cell_op *op)
{
	return call(fd, HVISOR_CELL_RESUME, op);
}

int uapi_cell_destroy(int fd, struct hvisor_cell_op *op)
{
	return call(fd, HVISOR_CELL_DESTROY, op);
}

int uapi_cell_memory(int fd, struct hvisor_cell_memory *memory)
{
	return call(fd, HVISOR_CELL_MEMORY, memory);
}

int uapi_log_read(int fd, struct hvisor_log_read *log)
{
	return call(fd, HVISOR_LOG_READ, log);
}

int uapi_device_info(int fd, struct hvisor_device_info *info)
{
	return call(fd, HVISOR_DEVICE_INFO, info);
}

int uapi_device_declare(int fd, struct hvisor_device_decl *decl)
{
	return call(fd, HVISOR_DEVICE_DECLARE, decl);
}

int uapi_device_config(int fd, struct hvisor_device_decl *decl)
{
	return call(fd, HVISOR_DEVICE_CONFIG, decl);
}

int uapi_device_interrupt(int fd, uint32_t bits)
{
	struct hvisor_device_notify notify = { .bits = bits };

	return call(fd, HVISOR_DEVICE_INTERRUPT, &notify);
}

int uapi_device_fail(int fd)
{
	struct hvisor_device_notify notify = { .bits = 0 };

	return call(fd, HVISOR_DEVICE_FAIL, &notify);
}

int uapi_ioeventfd(int fd, int event, uint32_t queue, uint32_t flags)
{
	struct hvisor_ioeventfd ioeventfd = {
		.flags = flags, .fd = event, .queue = queue,
	};

	return call(fd, HVISOR_IOEVENTFD, &ioeventfd);
}

int uapi_irqfd(int fd, int event, uint32_t bits)
{
	struct hvisor_irqfd irqfd = { .fd = event, .bits = bits };

	return call(fd, HVISOR_IRQFD, &irqfd);
}
