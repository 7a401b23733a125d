// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The jail of the backends: what a process in it can do, and what kills it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hvisor/ioctl.h>

#include "../../../libshyper/virtio/inflight.h"
#include "../../../shyper-cli/backend/jail.h"

static int memfd, sockets[2];

/* Runs @act in the jail; returns the wait status. */
static int jailed(long (*act)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (jail_enter(NULL))
			_exit(99);
		syscall(SYS_exit_group, act() < 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_killed(long (*act)(void))
{
	int status = jailed(act);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void assert_allowed(long (*act)(void))
{
	int status = jailed(act);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static long do_open(void) { return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }
static long do_socket(void) { return syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }
static long do_clone(void) { return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }
static long do_execve(void) { return syscall(SYS_execve, "/bin/true", NULL, NULL); }
static long do_kill(void) { return syscall(SYS_kill, 1, 0); }
static long do_punch(void)
{
	return syscall(SYS_fallocate, memfd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4096);
}
static long do_truncate(void) { return syscall(SYS_ftruncate, memfd, 0); }
static long do_remove(void) { return syscall(SYS_madvise, 0, 4096, MADV_REMOVE); }
static long do_exec_map(void)
{
	return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static long do_shared_map(void)
{
	return syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_SHARED, memfd, 0);
}
static long do_bind(void) { return syscall(SYS_ioctl, memfd, HVISOR_BIND, NULL); }
static long do_create(void) { return syscall(SYS_ioctl, memfd, HVISOR_CELL_CREATE, NULL); }
static long do_ring(void) { return syscall(SYS_io_uring_setup, 8, NULL); }
static long do_ptrace(void) { return syscall(SYS_ptrace, 16, 1, 0, 0); }
static long do_setuid(void) { return syscall(SYS_setresuid, 0, 0, 0); }

static void test_killed(void **state)
{
	(void)state;
	assert_killed(do_open);
	assert_killed(do_socket);
	assert_killed(do_clone);
	assert_killed(do_execve);
	assert_killed(do_kill);
	assert_killed(do_punch);
	assert_killed(do_truncate);
	assert_killed(do_remove);
	assert_killed(do_exec_map);
	assert_killed(do_shared_map);
	assert_killed(do_bind);
	assert_killed(do_create);
	assert_killed(do_ring);
	assert_killed(do_ptrace);
	assert_killed(do_setuid);
}

static long do_transfer(void)
{
	char byte = 'x';

	return write(sockets[0], &byte, 1) == 1 && read(sockets[1], &byte, 1) == 1 &&
	       send(sockets[0], &byte, 1, MSG_NOSIGNAL) == 1 &&
	       recv(sockets[1], &byte, 1, 0) == 1 ? 0 : -1;
}

static long do_memory(void)
{
	void *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -1;
	memset(memory, 1, 1 << 20);
	return munmap(memory, 1 << 20);
}

/* Refused by the descriptor, not by the jail. */
static long do_link(void)
{
	return ioctl(memfd, HVISOR_DEVICE_INTERRUPT, NULL) < 0 &&
	       ioctl(memfd, HVISOR_DEVICE_FAIL, NULL) < 0 &&
	       ioctl(memfd, HVISOR_DEVICE_DECLARE, NULL) < 0 ? 0 : -1;
}

/* A successor sorts the account in the jail: as full as the largest queue. */
static long do_resume(void)
{
	static uint64_t area[HVISOR_QUEUE_STATE_STRIDE(HVISOR_MAX_QUEUE_SIZE) / 8];
	static struct hvisor_backend_counters counters;
	static struct shyper_queue queue = {
		.size = HVISOR_MAX_QUEUE_SIZE, .state_size = HVISOR_MAX_QUEUE_SIZE,
		.epoch = 1, .counters = &counters,
	};
	unsigned int n;

	queue.state = (void *)area;
	queue.state->epoch = 1;
	for (n = 0; n < queue.size; n++)
		queue.state->heads[n] = (struct hvisor_inflight){
			.counter = queue.size - n, .epoch = 1, .in_flight = 1,
		};
	if (inflight_resume(&queue) || queue.reissued != queue.size)
		return -1;
	for (n = 0; n < queue.size; n++)
		if (queue.reissue[n] != queue.size - 1 - n)
			return -1;
	return 0;
}

static void test_allowed(void **state)
{
	(void)state;
	assert_allowed(do_resume);
	assert_allowed(do_transfer);
	assert_allowed(do_memory);
	assert_allowed(do_link);
}

/* Seen from outside: whose process it is, and what it could still become. */
static void test_privileges(void **state)
{
	char path[64], text[4096], byte = 0;
	ssize_t length;
	int fd, status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		if (jail_enter(NULL))
			_exit(99);
		(void)!write(sockets[0], &byte, 1);
		(void)!read(sockets[0], &byte, 1);
		/* Not _exit(): the sanitizers' makes more calls. */
		syscall(SYS_exit_group, 0);
	}
	assert_int_equal(read(sockets[1], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY);
	length = read(fd, text, sizeof(text) - 1);
	assert_true(length > 0);
	text[length] = '\0';
	close(fd);
	if (!geteuid()) {
		assert_non_null(strstr(text, "Uid:\t65534\t65534\t65534\t65534\n"));
		assert_non_null(strstr(text, "Gid:\t65534\t65534\t65534\t65534\n"));
		assert_non_null(strstr(text, "CapBnd:\t0000000000000000\n"));
	}
	assert_non_null(strstr(text, "CapPrm:\t0000000000000000\n"));
	assert_non_null(strstr(text, "CapEff:\t0000000000000000\n"));
	assert_non_null(strstr(text, "NoNewPrivs:\t1\n"));
	assert_non_null(strstr(text, "Seccomp:\t2\n"));
	assert_int_equal(write(sockets[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_privileges),
	};

	memfd = memfd_create("cell", 0);
	if (memfd < 0 || ftruncate(memfd, 4096) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		return 1;
	return cmocka_run_group_tests_name("virtio/jail", tests, NULL, NULL);
}
