// SPDX-License-Identifier: GPL-2.0-or-later
/* shyper-vhost-user between a driver and a back end, see vhost_user_bridge.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <sys/syscall.h>
#include <unistd.h>

#define VHOST_USER_TEST
#define ANSWER_SECONDS	3
/* The sanitizers' does more than a jail allows. */
#define _exit(status) syscall(SYS_exit_group, status)
#include "../../../shyper-cli/backend/vhost-user.c"
#include "../../../shyper-cli/backend/vhost-user-link.c"

#include <linux/virtio_blk.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "../../../shyper-cli/backend/jail.h"

#include "el2.h"
#include "fake_back_end.h"
#include "vhost_user_bridge.h"

struct driver drivers[2];
json_t *device;
int queues;
json_t *direct;
json_t *poll_key;
static char path[64];

int serve(void)
{
	struct shyper_backend *backend = el2_backend_open("cell1.vu0", &bridge_ops, &bridge);
	json_t *config = json_pack("{s:s,s:O,s:s}", "socket", path, "device", device,
				   "tag", "tree");
	int status;

	say_name("cell1.vu0");
	if (!backend)
		return 100;
	if (queues)
		json_object_set_new(config, "queues", json_integer(queues));
	if (direct)
		json_object_set(config, "direct", direct);
	if (poll_key)
		json_object_set(config, "poll", poll_key);
	status = bridge_open(backend, config);
	json_decref(config);
	if (status)
		return status;
	if (jail_enter(NULL))
		return 103;
	if (shyper_backend_attach(backend))
		return 101;
	status = shyper_backend_run(backend);
	shyper_backend_close(backend);
	return status == 0 ? SHYPER_EXIT_DONE : status == 1 ? SHYPER_EXIT_RESTART : 102;
}

void sleep_ms(unsigned int ms)
{
	const struct timespec pause = { .tv_nsec = ms * 1000000L };

	nanosleep(&pause, NULL);
}

int set_up(void **state)
{
	struct virtio_blk_config *config;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_vhost_user.%d", getpid());
	fake_init(path);
	fake->features = 1ULL << 32 | 1ULL << 30 | 1ULL << 29 | 1ULL << 28 | 1ULL << 26 |
			 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_MQ;
	fake->protocol = 1 << 0 | 1 << 3 | 1 << 9;
	fake->queues = 2;
	config = (void *)fake->config;
	config->capacity = 0x123456789aULL;
	config->seg_max = 1022;
	config->num_queues = 8;
	config->wce = 1;
	/* Has fields in the configuration space that the bridge does not ask for. */
	fake->features |= 1ULL << 16;
	queues = 0;
	device = json_string("blk");
	el2_init(HVISOR_DEVICE_VIRTIO, drivers, 2);
	fake_start();
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	el2_exit();
	fake_exit();
	json_decref(device);
	return 0;
}

void offer(unsigned int queue, uint16_t head)
{
	struct driver *driver = &drivers[queue];

	memset(el2.ram + OUT + head * 64, head + 1, 16);
	memset(el2.ram + IN + head * 64, 0, 32);
	driver_desc(&driver->desc[head], DRIVER_RAM + OUT + head * 64, 16,
		    VRING_DESC_F_NEXT, head + 1);
	driver_desc(&driver->desc[head + 1], DRIVER_RAM + IN + head * 64, 32,
		    VRING_DESC_F_WRITE, 0);
	driver_offer(driver, head);
}

bool answered(unsigned int queue, uint16_t *head)
{
	struct vring_used_elem element;
	unsigned int n, tries;

	for (tries = 0; !driver_take(&drivers[queue], &element); tries++) {
		if (tries == 20000)
			return false;
		sleep_ms(1);
	}
	*head = element.id;
	assert_int_equal(element.len, 32);
	for (n = 0; n < 32; n++)
		assert_int_equal(el2.ram[IN + *head * 64 + n], (uint8_t)~(*head + 1));
	return true;
}

void assert_answered(unsigned int queue, uint16_t wanted)
{
	uint16_t head = 0;

	assert_true(answered(queue, &head));
	assert_int_equal(head, wanted);
}

void wait_taken(unsigned int nr)
{
	while (fake->taken != nr)
		sleep_ms(1);
}

void wait_for(volatile unsigned int *number, unsigned int wanted)
{
	unsigned int tries;

	for (tries = 0; *number != wanted && tries < 20000; tries++)
		sleep_ms(1);
	assert_int_equal(*number, wanted);
}

int end_status(void)
{
	int status = el2_backend_wait();

	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

int refusal(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		syscall(SYS_exit_group, serve());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void hold_three(void)
{
	fake->mode = FAKE_HOLDS;
	el2_backend_start(serve);
	offer(0, 6);
	offer(0, 2);
	offer(0, 4);
	el2_notify(1);
	wait_taken(3);
}

void assert_three_answered(void)
{
	assert_answered(0, 6);
	assert_answered(0, 2);
	assert_answered(0, 4);
	assert_int_equal(el2.state->counters.in_flight, 0);
	assert_int_equal(el2.state->counters.reissued, 3);
}

void be_device(json_t *which)
{
	json_decref(device);
	device = which;
}

unsigned int count_files(void)
{
	unsigned int n, nr = 0;
	char name[64], target[64];

	for (n = 0; n < 64; n++) {
		snprintf(name, sizeof(name), "/proc/%d/fd/%u", el2.backend, n);
		nr += readlink(name, target, sizeof(target)) > 0;
	}
	return nr;
}
