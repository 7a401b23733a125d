// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/hvisor: open files, their roles, and what is common to all roles.
 */
#include "hvisor.h"

#include <linux/cdev.h>
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define MAX_REQUESTS	8	/* of one read(), on the stack */
#define MAX_ANSWERS	64	/* of one write() */

static dev_t chardev_number;
static struct cdev chardev;
static struct device *chardev_device;

static u32 file_role(const struct hvisor_file *file)
{
	/* Pairs with the release in hvisor_ioctl_bind(). */
	return smp_load_acquire(&file->role);
}

/* A cell does not hold its devices: only while it is not dead they are there. */
static struct hvisor_device *device_get(struct hvisor_cell *cell, u32 index)
{
	struct hvisor_device *device = NULL;
	int idx = srcu_read_lock(&hvisor_srcu);

	if (!READ_ONCE(cell->dead) && index < cell->nr_devices) {
		device = cell->devices[index];
		get_device(&device->dev);
	}
	srcu_read_unlock(&hvisor_srcu, idx);
	return device;
}

static int bind_device(struct hvisor_call *call, struct hvisor_cell *cell)
{
	struct hvisor_device *device = device_get(cell, call->arg.bind.device);
	int err;

	if (!device)
		return -ENODEV;
	/* Takes a reference of its own when it succeeds. */
	err = hvisor_device_bind(call, device);
	put_device(&device->dev);
	return err;
}

/* Takes over the reference to the cell when it succeeds. */
static int bind_to_cell(struct hvisor_call *call)
{
	const struct hvisor_bind *bind = &call->arg.bind;
	struct hvisor_cell *cell;
	int err;

	if (bind->cell == HVISOR_ROOT_CELL)
		return -EINVAL;
	cell = hvisor_cell_get(bind->cell);
	if (!cell)
		return -ENODEV;
	if (bind->role == HVISOR_ROLE_MONITOR)
		err = bind->device ? -EINVAL : hvisor_monitor_bind(call, cell);
	else
		err = bind_device(call, cell);
	if (err)
		hvisor_cell_put(cell);
	else
		call->file->cell = cell;
	return err;
}

static const struct hvisor_role * const roles[] = {
	[HVISOR_ROLE_CONTROL] = &hvisor_control_role,
	[HVISOR_ROLE_MONITOR] = &hvisor_monitor_role,
	[HVISOR_ROLE_DEVICE] = &hvisor_device_role,
};

static int hvisor_ioctl_bind(struct hvisor_call *call)
{
	const struct hvisor_bind *bind = &call->arg.bind;
	struct hvisor_file *file = call->file;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!bind->role || bind->role >= ARRAY_SIZE(roles))
		return -EINVAL;
	mutex_lock(&file->lock);
	if (file->role)
		err = -EALREADY;
	else if (bind->role == HVISOR_ROLE_CONTROL)
		err = bind->cell || bind->device ? -EINVAL : 0;
	else
		err = bind_to_cell(call);
	if (!err) {
		file->ops = roles[bind->role];
		/* Pairs with file_role(). */
		smp_store_release(&file->role, bind->role);
	}
	mutex_unlock(&file->lock);
	return err;
}

#define ROLE(name)	BIT(HVISOR_ROLE_##name)
#define ROLE_ANY	(ROLE(CONTROL) | ROLE(MONITOR) | ROLE(DEVICE))
#define ROLE_NONE	BIT(0)

/* The size in the number is that of this version; see file_ioctl(). */
static const struct {
	unsigned int number;
	u32 roles;
	int (*handler)(struct hvisor_call *call);
} ioctls[] = {
	{ HVISOR_BIND, ROLE_NONE | ROLE_ANY, hvisor_ioctl_bind },
	{ HVISOR_CELL_CREATE, ROLE(CONTROL), hvisor_ioctl_cell_create },
	{ HVISOR_CELL_ADOPT, ROLE(MONITOR), hvisor_ioctl_cell_adopt },
	{ HVISOR_CELL_LOAD, ROLE(MONITOR), hvisor_ioctl_cell_load },
	{ HVISOR_CELL_START, ROLE(MONITOR), hvisor_ioctl_cell_start },
	{ HVISOR_CELL_STOP, ROLE(CONTROL), hvisor_ioctl_cell_stop },
	{ HVISOR_CELL_PAUSE, ROLE(CONTROL), hvisor_ioctl_cell_pause },
	{ HVISOR_CELL_RESUME, ROLE(CONTROL), hvisor_ioctl_cell_resume },
	{ HVISOR_CELL_DESTROY, ROLE(CONTROL), hvisor_ioctl_cell_destroy },
	{ HVISOR_CELL_MEMORY, ROLE_ANY, hvisor_ioctl_cell_memory },
	{ HVISOR_LOG_READ, ROLE(CONTROL), hvisor_ioctl_log_read },
	{ HVISOR_DEVICE_INFO, ROLE(DEVICE), hvisor_ioctl_device_info },
	{ HVISOR_DEVICE_DECLARE, ROLE(DEVICE), hvisor_ioctl_device_declare },
	{ HVISOR_DEVICE_CONFIG, ROLE(DEVICE), hvisor_ioctl_device_config },
	{ HVISOR_DEVICE_INTERRUPT, ROLE(DEVICE), hvisor_ioctl_device_interrupt },
	{ HVISOR_DEVICE_FAIL, ROLE(DEVICE), hvisor_ioctl_device_fail },
	{ HVISOR_IOEVENTFD, ROLE(DEVICE), hvisor_ioctl_ioeventfd },
	{ HVISOR_IRQFD, ROLE(DEVICE), hvisor_ioctl_irqfd },
	{ HVISOR_DEVICE_KEEP, ROLE(DEVICE), hvisor_ioctl_device_keep },
	{ HVISOR_PANIC, ROLE(CONTROL), hvisor_ioctl_panic },
};

static int call_copy_in(struct hvisor_call *call, void __user *user, size_t known,
			u32 *ret_size)
{
	if (!known)
		return 0;
	if (get_user(*ret_size, (u32 __user *)user))
		return -EFAULT;
	if (*ret_size < sizeof(u64))
		return -EINVAL;
	if (*ret_size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(&call->arg, known, user, *ret_size);
}

int hvisor_call_give_file(struct hvisor_call *call, struct file *file)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0) {
		fput(file);
		return fd;
	}
	call->install_fd = fd;
	call->install = file;
	return 0;
}

/* A descriptor comes into being only when its number has reached the caller. */
static long call_finish(struct hvisor_call *call, void __user *user, size_t size,
			long ret)
{
	if (size && copy_to_user(user, &call->arg, size) && !ret)
		ret = -EFAULT;
	if (!call->install)
		return ret;
	if (ret) {
		put_unused_fd(call->install_fd);
		fput(call->install);
	} else {
		fd_install(call->install_fd, call->install);
	}
	return ret;
}

static bool ioctl_is(unsigned int number, unsigned int wanted)
{
	/* Other versions of a structure have another size, told in itself. */
	const unsigned int mask = ~(_IOC_SIZEMASK << _IOC_SIZESHIFT);

	return (number & mask) == (wanted & mask);
}

static long file_ioctl(struct file *filp, unsigned int number, unsigned long arg)
{
	struct hvisor_call call = { .filp = filp, .file = filp->private_data };
	void __user *user = (void __user *)arg;
	u32 size = 0;
	size_t i, known;
	long ret;

	for (i = 0; i < ARRAY_SIZE(ioctls); i++)
		if (ioctl_is(number, ioctls[i].number))
			break;
	if (i == ARRAY_SIZE(ioctls))
		return -ENOTTY;
	if (!(ioctls[i].roles & BIT(file_role(call.file))))
		return -EBADF;
	known = _IOC_SIZE(ioctls[i].number);
	ret = call_copy_in(&call, user, known, &size);
	if (ret)
		return ret;
	ret = ioctls[i].handler(&call);
	if (!(_IOC_DIR(number) & _IOC_READ))
		return ret;
	call.arg.size = size;
	return call_finish(&call, user, min_t(size_t, size, known), ret);
}

static const struct hvisor_role *file_ops(struct file *filp)
{
	struct hvisor_file *file = filp->private_data;

	return file_role(file) ? file->ops : NULL;
}

static ssize_t file_read(struct file *filp, char __user *user, size_t size,
			 loff_t *offset)
{
	const struct hvisor_role *ops = file_ops(filp);
	struct hvisor_file *file = filp->private_data;
	struct hvisor_request requests[MAX_REQUESTS];
	u32 max = min_t(size_t, size / sizeof(requests[0]), MAX_REQUESTS);
	int ret;

	if (!ops || !ops->collect)
		return -EBADF;
	if (!max)
		return -EINVAL;
	for (;;) {
		memset(requests, 0, sizeof(requests));
		mutex_lock(&file->lock);
		ret = ops->collect(file, requests, max);
		mutex_unlock(&file->lock);
		if (ret)
			break;
		if (filp->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(*file->wait, ops->is_ready(file)))
			return -ERESTARTSYS;
	}
	if (ret < 0)
		return ret;
	if (copy_to_user(user, requests, ret * sizeof(requests[0])))
		return -EFAULT;
	return ret * sizeof(requests[0]);
}

static ssize_t file_write(struct file *filp, const char __user *user, size_t size,
			  loff_t *offset)
{
	const struct hvisor_role *ops = file_ops(filp);
	struct hvisor_file *file = filp->private_data;
	struct hvisor_answer answer;
	size_t i, count = size / sizeof(answer);
	int err = 0;

	if (!ops || !ops->answer)
		return -EBADF;
	if (!count || size % sizeof(answer))
		return -EINVAL;
	count = min_t(size_t, count, MAX_ANSWERS);
	for (i = 0; i < count; i++) {
		if (copy_from_user(&answer, user + i * sizeof(answer), sizeof(answer)))
			err = -EFAULT;
		else
			err = ops->answer(file, &answer);
		if (err)
			break;
	}
	return i ? i * sizeof(answer) : err;
}

static __poll_t file_poll(struct file *filp, poll_table *table)
{
	const struct hvisor_role *ops = file_ops(filp);
	struct hvisor_file *file = filp->private_data;
	__poll_t events = ops && ops->answer ? EPOLLOUT | EPOLLWRNORM : 0;

	if (!ops || !ops->is_ready)
		return EPOLLERR;
	poll_wait(filp, file->wait, table);
	if (ops->is_ready(file))
		events |= EPOLLIN | EPOLLRDNORM;
	/* Last: that it has died makes it ready, too. */
	return READ_ONCE(file->cell->dead) ? EPOLLHUP | EPOLLERR : events;
}

static int file_mmap(struct file *filp, struct vm_area_struct *vma)
{
	const struct hvisor_role *ops = file_ops(filp);

	if (!ops || !ops->mmap)
		return -EBADF;
	return ops->mmap(filp->private_data, vma);
}

static int file_open(struct inode *inode, struct file *filp)
{
	struct hvisor_file *file;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	filp->private_data = file;
	return stream_open(inode, filp);
}

static int file_release(struct inode *inode, struct file *filp)
{
	struct hvisor_file *file = filp->private_data;

	if (file->ops && file->ops->release)
		file->ops->release(file);
	hvisor_cell_put(file->cell);
	kfree(file);
	return 0;
}

static const struct file_operations chardev_fops = {
	.owner = THIS_MODULE,
	.open = file_open,
	.release = file_release,
	.read = file_read,
	.write = file_write,
	.poll = file_poll,
	.mmap = file_mmap,
	.unlocked_ioctl = file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static char *control_devnode(COMPAT_CONST struct device *dev, umode_t *mode,
			     kuid_t *uid, kgid_t *gid)
{
	if (mode)	/* NULL when the node goes */
		*mode = 0600;
	return kstrdup("hvisor", GFP_KERNEL);
}

static void control_release(struct device *dev)
{
	kfree(dev);
}

static const struct device_type control_type = {
	.name = "control",
	.groups = hvisor_control_groups,
	.devnode = control_devnode,
	.release = control_release,
};

int hvisor_chardev_init(void)
{
	struct device *dev;
	int err;

	err = alloc_chrdev_region(&chardev_number, 0, 1, "hvisor");
	if (err)
		return err;
	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev) {
		unregister_chrdev_region(chardev_number, 1);
		return -ENOMEM;
	}
	device_initialize(dev);
	device_set_pm_not_required(dev);	/* as in hvisor_add() */
	dev->class = &hvisor_class;
	dev->type = &control_type;
	dev->devt = chardev_number;
	cdev_init(&chardev, &chardev_fops);
	chardev.owner = THIS_MODULE;
	err = dev_set_name(dev, "control") ?: cdev_device_add(&chardev, dev);
	if (err) {
		put_device(dev);
		unregister_chrdev_region(chardev_number, 1);
		return err;
	}
	chardev_device = dev;
	return 0;
}

void hvisor_chardev_exit(void)
{
	cdev_device_del(&chardev, chardev_device);
	put_device(chardev_device);
	unregister_chrdev_region(chardev_number, 1);
}
