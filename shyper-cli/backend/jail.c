// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A backend's jail.
 *
 * The descriptors that are open are all that the process can reach: the bound
 * file, the cell's memory (mapped, its files closed), its disk or socket. The
 * cell's memory cannot be punched from here: neither fallocate() nor
 * madvise(MADV_REMOVE) is on the list.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <hvisor/ioctl.h>

#include "jail.h"
#include "program.h"

#define NOBODY		65534
#define MAX_FILES	160	/* a console with seven ports of 16 clients */

static int failed(const char *what)
{
	int err = errno;

	say(SAY_ERROR, "jail: %s: %s", what, strerror(err));
	return -err;
}

/*
 * An empty, read-only root of its own, no network, no other processes' IPC.
 * A kernel without namespaces is no reason not to serve: the filter forbids
 * open() and socket() all the same.
 */
static void jail_namespaces(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)) {
		say(SAY_WARNING, "jail: no namespaces: %s", strerror(errno));
		return;
	}
	/* /sys is there on each system, and is seen by nobody else from here. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/sys", "tmpfs",
		  MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k") ||
	    chdir("/sys") || chroot("."))
		say(SAY_WARNING, "jail: keeps the file system: %s", strerror(errno));
}

static int jail_limits(void)
{
	const struct rlimit no_core = { 0, 0 };
	const struct rlimit files = { MAX_FILES, MAX_FILES };

	if (setrlimit(RLIMIT_CORE, &no_core) || setrlimit(RLIMIT_NOFILE, &files))
		return failed("setrlimit");
	return 0;
}

static int jail_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capset, &header, data))
		return failed("capset");
	return 0;
}

static int jail_user(void)
{
	int cap;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return failed("ambient capabilities");
	if (geteuid() == 0) {
		/* Ends with the first number that the kernel does not know. */
		for (cap = 0; !prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); cap++)
			;
		if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
		    setresuid(NOBODY, NOBODY, NOBODY))
			return failed("cannot become nobody");
	}
	return jail_capabilities();
}

/* With these any arguments are allowed: they act on open descriptors or on us. */
static const int plain_calls[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
	SCMP_SYS(accept4), SCMP_SYS(getsockopt), SCMP_SYS(close),
	SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(futex), SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(timerfd_settime), SCMP_SYS(setitimer),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(signalfd4), SCMP_SYS(timerfd_settime),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};

static const unsigned long link_calls[] = {
	HVISOR_DEVICE_INFO, HVISOR_DEVICE_DECLARE, HVISOR_DEVICE_CONFIG,
	HVISOR_DEVICE_INTERRUPT, HVISOR_DEVICE_FAIL,
	HVISOR_IOEVENTFD, HVISOR_IRQFD, 0
};

/* What malloc() does to give memory back. */
static const int advices[] = { MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE };

static int filter_plain(scmp_filter_ctx filter)
{
	size_t n;
	int err = 0;

	for (n = 0; !err && n < sizeof(plain_calls) / sizeof(*plain_calls); n++) {
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain_calls[n], 0);
		/* Some are of one architecture only. */
		if (err == -EDOM)
			err = 0;
	}
	return err;
}

static int filter_ioctls(scmp_filter_ctx filter, const unsigned long *calls)
{
	int err = 0;

	for (; !err && calls && *calls; calls++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, *calls));
	return err;
}

static int filter_arguments(scmp_filter_ctx filter)
{
	size_t n;
	int err;

	/* Private memory only, and never code. */
	err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
			       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
			       SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE, MAP_PRIVATE));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	for (n = 0; !err && n < sizeof(advices) / sizeof(*advices); n++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1,
				       SCMP_A2(SCMP_CMP_EQ, advices[n]));
	return err;
}

static int jail_filter(const unsigned long *calls)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err = filter ? 0 : -ENOMEM;

	/* Also sets no_new_privs, without which load is refused to nobody. */
	if (!err)
		err = filter_plain(filter);
	if (!err)
		err = filter_arguments(filter);
	if (!err)
		err = filter_ioctls(filter, link_calls);
	if (!err)
		err = filter_ioctls(filter, calls);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	if (err)
		say(SAY_ERROR, "jail: seccomp: %s", strerror(-err));
	return err;
}

int jail_enter(const unsigned long *calls)
{
	int err;

	jail_namespaces();
	err = jail_limits();
	if (!err)
		err = jail_user();
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = failed("no_new_privs");
	return err ? err : jail_filter(calls);
}
