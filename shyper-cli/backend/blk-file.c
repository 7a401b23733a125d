// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file behind a disk.
 *
 * The lock is on the open file description that does the I/O (flock(2)). A
 * request that the kernel still carries out for a process that was killed holds
 * that description, so whoever gets the lock knows that no such request is left:
 * none can overwrite what is written from now on, and none can write to the
 * guest's memory. That is why it is exclusive for a read-only disk, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "blk.h"
#include "program.h"

#define LOCK_PAUSE_MS	50
/* A page of arm64 at most: larger ones would be rounded to by each small write. */
#define MAX_PHYSICAL	65536
/* Blocks of disks have no more. */
#define MAX_UNIT	4096
/* For whom the lock has to wait that may be about to end. */
#define LOCK_PATIENCE	(2000 / LOCK_PAUSE_MS)

static int refuse(const char *path, const char *what, int err)
{
	say(SAY_ERROR, "%s: %s: %s", path, what, strerror(err));
	return SHYPER_EXIT_CONFIG;
}

/* Process that took the lock on a file, or 0; /proc/locks keeps it after its death. */
static int lock_holder(int fd)
{
	unsigned int device_major, device_minor;
	unsigned long inode;
	struct stat status;
	char line[256];
	int pid, holder = 0;
	FILE *locks = fopen("/proc/locks", "re");

	if (!locks)
		return 0;
	if (fstat(fd, &status))
		status.st_ino = 0;
	while (!holder && fgets(line, sizeof(line), locks))
		if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%lu", &pid,
			   &device_major, &device_minor, &inode) == 4 &&
		    inode == status.st_ino &&
		    device_major == major(status.st_dev) &&
		    device_minor == minor(status.st_dev))
			holder = pid;
	fclose(locks);
	return holder;
}

/*
 * The last argument of a process: the device, if it is a backend. False: it is
 * dead, or dying, which has no arguments any more.
 */
static bool process_argument(int pid, char *argument, size_t size)
{
	char path[64], text[4096], *last;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 1)
		return false;
	text[length] = '\0';
	if (!text[length - 1])
		length--;
	last = memrchr(text, '\0', length);
	snprintf(argument, size, "%.*s", (int)size - 1, last ? last + 1 : text);
	return true;
}

/*
 * Takes the lock. What is dead, dying, or serves the same device is waited for,
 * as long as it takes: the guest waits, too. Somebody else who lives is not.
 */
static int file_lock(int fd, const char *path, const char *device)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	bool said = false;
	char other[64];
	int pid, tries;

	for (tries = 0; flock(fd, LOCK_EX | LOCK_NB); tries++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return refuse(path, "cannot lock", errno);
		pid = lock_holder(fd);
		if (pid && tries >= LOCK_PATIENCE &&
		    process_argument(pid, other, sizeof(other)) &&
		    strcmp(other, device)) {
			say(SAY_ERROR, "%s: in use by \"%s\" (process %d): give each cell a disk of its own",
			    path, other, pid);
			return SHYPER_EXIT_CONFIG;
		}
		if (pid && !said) {
			say(SAY_INFO, "waits for the lock on %s of process %d: if that is dead, for its last I/O",
			    path, pid);
			said = true;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* A device that is mounted, or claimed by md or device mapper, is nobody's disk. */
static int file_claim(struct blk_file *file, const char *path)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	int tries;

	for (tries = 0; tries < LOCK_PATIENCE; tries++) {
		file->claim = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
		if (file->claim >= 0)
			return 0;
		if (errno != EBUSY)
			break;
		nanosleep(&pause, NULL);
	}
	return refuse(path, errno == EBUSY ? "mounted or claimed in root" :
		      "cannot claim", errno);
}

/*
 * Whether O_DIRECT works in units of so many bytes: a read at an odd unit into
 * memory that is aligned no better than one.
 */
static bool direct_works(const struct blk_file *file, uint32_t unit)
{
	uint64_t bytes = file->sectors * SECTOR_SIZE;
	uint8_t *buffer;
	ssize_t length;

	if (bytes < 2 * unit || bytes % unit)
		return false;
	buffer = aligned_alloc(2 * unit, 2 * unit);
	if (!buffer)
		return false;
	length = pread(file->fd, buffer + unit, unit, unit);
	free(buffer);
	return length == unit;
}

static void choose_direct(struct blk_file *file)
{
	int flags = fcntl(file->fd, F_GETFL);
	uint32_t unit = file->block_size;

	file->unit = unit;
	/* Some file systems refuse the flag, others the transfer. */
	if (!fcntl(file->fd, F_SETFL, flags | O_DIRECT)) {
		while (unit <= MAX_UNIT && !direct_works(file, unit))
			unit *= 2;
		file->direct = unit <= MAX_UNIT;
	}
	if (file->direct)
		file->unit = unit;
	else
		fcntl(file->fd, F_SETFL, flags & ~O_DIRECT);
}

/* Of a block device; -1 with errno. */
static int device_sizes(struct blk_file *file, uint64_t *bytes)
{
	unsigned int physical, optimal;
	int block;

	if (ioctl(file->fd, BLKGETSIZE64, bytes) || ioctl(file->fd, BLKSSZGET, &block) ||
	    ioctl(file->fd, BLKPBSZGET, &physical) || ioctl(file->fd, BLKIOOPT, &optimal))
		return -1;
	file->block_size = block;
	file->physical_size = physical;
	file->optimal_size = optimal;
	return 0;
}

/* Of a file: what its file system has blocks of, and likes best. */
static int file_sizes(struct blk_file *file, const struct stat *status, uint64_t *bytes)
{
	struct statfs system;

	if (fstatfs(file->fd, &system))
		return -1;
	file->block_size = SECTOR_SIZE;
	file->physical_size = system.f_bsize;
	file->optimal_size = status->st_blksize;
	*bytes = status->st_size;
	return 0;
}

static int file_size(struct blk_file *file, const struct stat *status,
		     const char *path)
{
	uint64_t bytes = 0;

	if (S_ISBLK(status->st_mode) ? device_sizes(file, &bytes) :
				       file_sizes(file, status, &bytes))
		return refuse(path, "cannot get its size", errno);
	/* What is no power of two, or more than a driver makes use of, is nothing. */
	if (file->physical_size & (file->physical_size - 1) ||
	    file->physical_size < file->block_size || file->physical_size > MAX_PHYSICAL)
		file->physical_size = file->block_size;
	file->sectors = bytes / SECTOR_SIZE;
	if (file->sectors)
		return 0;
	say(SAY_ERROR, "%s: is empty", path);
	return SHYPER_EXIT_CONFIG;
}

int blk_file_open(struct blk_file *file, const char *path, bool readonly,
		  const char *device)
{
	struct stat status;
	int err;

	file->claim = -1;
	file->readonly = readonly;
	/* Not to be held up by a FIFO that somebody put there. */
	file->fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0)
		return refuse(path, "cannot open", errno);
	if (fstat(file->fd, &status))
		return refuse(path, "cannot look at it", errno);
	if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
		say(SAY_ERROR, "%s: is neither a file nor a block device", path);
		return SHYPER_EXIT_CONFIG;
	}
	fcntl(file->fd, F_SETFL, fcntl(file->fd, F_GETFL) & ~O_NONBLOCK);
	err = file_lock(file->fd, path, device);
	if (!err && S_ISBLK(status.st_mode) && !readonly)
		err = file_claim(file, path);
	if (!err)
		err = file_size(file, &status, path);
	if (!err)
		choose_direct(file);
	return err;
}
