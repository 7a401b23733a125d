// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file that a device keeps from one backend to the next. What it holds is theirs
 * alone; nobody here looks at it.
 */
#include "hvisor.h"

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>

/*
 * A file that refers to another one, a socket or an epoll, could refer to the very
 * file whose release ends the backend.
 */
static bool may_be_kept(const struct file *file)
{
	const struct inode *inode = file_inode(file);

	return S_ISREG(inode->i_mode) && inode->i_sb->s_magic == TMPFS_MAGIC;
}

static int keep_put(struct hvisor_device *device, int fd)
{
	struct file *file = NULL;
	int err = 0;

	if (fd != -1) {
		file = fget(fd);
		if (!file)
			return -EBADF;
		if (!may_be_kept(file)) {
			fput(file);
			return -EINVAL;
		}
	}
	mutex_lock(&device->lock);
	if (READ_ONCE(device->cell->dead))
		err = -ENODEV;
	else
		swap(device->kept, file);
	mutex_unlock(&device->lock);
	if (file)
		fput(file);
	return err;
}

static int keep_get(struct hvisor_call *call)
{
	struct hvisor_device *device = call->file->device;
	struct file *file;
	int err;

	mutex_lock(&device->lock);
	file = device->kept ? get_file(device->kept) : NULL;
	mutex_unlock(&device->lock);
	if (!file)
		return -ENOENT;
	err = hvisor_call_give_file(call, file);
	if (!err)
		call->arg.keep.fd = call->install_fd;
	return err;
}

int hvisor_ioctl_device_keep(struct hvisor_call *call)
{
	const struct hvisor_device_keep *keep = &call->arg.keep;

	/* A descriptor that is not in it is neither 0 nor lost. */
	if (keep->size < offsetofend(struct hvisor_device_keep, fd))
		return -EINVAL;
	if (keep->flags & ~HVISOR_KEEP_GET || keep->reserved)
		return -EINVAL;
	return keep->flags ? keep_get(call) : keep_put(call->file->device, keep->fd);
}

void hvisor_keep_release(struct hvisor_device *device)
{
	if (device->kept)
		fput(device->kept);
}
