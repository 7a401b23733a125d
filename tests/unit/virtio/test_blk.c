// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-blk as a process of its own, with a file behind it: what a driver
 * reads, writes and is refused; kills with requests in flight.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "disk.h"

static void test_read_write(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_OUT, 7, 0, 3 * SECTOR_SIZE };
	struct hvisor_backend_counters *counters = &el2.state->counters;
	uint8_t *data = el2.ram + DATA;
	uint32_t length;
	unsigned int n;

	(void)state;
	for (n = 0; n < wanted.length; n++)
		data[n] = n * 7;
	el2_backend_start(serve);
	assert_int_equal(request(&wanted, &length), VIRTIO_BLK_S_OK);
	assert_int_equal(length, 1);
	wanted = (struct wanted){ VIRTIO_BLK_T_IN, 8, 0x10000, 2 * SECTOR_SIZE };
	assert_int_equal(request(&wanted, &length), VIRTIO_BLK_S_OK);
	assert_int_equal(length, 2 * SECTOR_SIZE + 1);
	assert_memory_equal(data + 0x10000, data + SECTOR_SIZE, 2 * SECTOR_SIZE);
	wanted = (struct wanted){ VIRTIO_BLK_T_FLUSH, 0, 0, 0 };
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	assert_int_equal(counters->reads, 1);
	assert_int_equal(counters->read_bytes, 2 * SECTOR_SIZE);
	assert_int_equal(counters->writes, 1);
	assert_int_equal(counters->write_bytes, 3 * SECTOR_SIZE);
	assert_int_equal(counters->flushes, 1);
	assert_int_equal(counters->others, 0);
	assert_int_equal(counters->errors, 0);
	assert_int_equal(counters->in_flight, 0);
}

/* Memory that O_DIRECT cannot take, more of it than one piece. */
static void test_unaligned_memory(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_OUT, 1, 3, 150 * 1024 };
	uint8_t *data = el2.ram + DATA;
	unsigned int n;

	(void)state;
	for (n = 0; n < wanted.length; n++)
		data[3 + n] = n % 251;
	el2_backend_start(serve);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	wanted = (struct wanted){ VIRTIO_BLK_T_IN, 1, 0x40001, 150 * 1024 };
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	assert_memory_equal(data + 0x40001, data + 3, wanted.length);
	assert_int_equal(el2.state->counters.reads, 1);
	assert_int_equal(el2.state->counters.writes, 1);
}

/* All that a backend does, it can do in its jail. */
static void test_jailed(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_OUT, 1, 0, 150 * 1024 };
	uint8_t *data = el2.ram + DATA;
	unsigned int n;
	int status;

	(void)state;
	jailed = true;
	el2_backend_start(serve);
	for (n = 0; n < 100; n++) {
		memset(data, n, wanted.length);
		wanted.type = VIRTIO_BLK_T_OUT;
		wanted.offset = n % 2;
		assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
		wanted.type = VIRTIO_BLK_T_IN;
		wanted.offset = 0x40000 + n % 3;
		assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
		assert_memory_equal(data + wanted.offset, data + n % 2, wanted.length);
	}
	wanted = (struct wanted){ VIRTIO_BLK_T_FLUSH, 0, 0, 0 };
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	el2_post(HVISOR_OP_RESET, 0, 0x70, 4, 0);
	assert_true(el2_answered(0, NULL, 10000));
	status = el2_backend_stop(SIGTERM);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), SHYPER_EXIT_DONE);
}

static void test_range(void **state)
{
	static const struct wanted bad[] = {
		{ VIRTIO_BLK_T_IN, SECTORS, 0, SECTOR_SIZE },
		{ VIRTIO_BLK_T_IN, SECTORS - 1, 0, 2 * SECTOR_SIZE },
		{ VIRTIO_BLK_T_OUT, ~0ULL, 0, SECTOR_SIZE },
		{ VIRTIO_BLK_T_OUT, 1ULL << 55, 0, SECTOR_SIZE },
		{ VIRTIO_BLK_T_IN, 0, 0, SECTOR_SIZE - 1 },
		{ VIRTIO_BLK_T_OUT, 0, 0, SECTOR_SIZE + 1 },
	};
	struct wanted last = { VIRTIO_BLK_T_IN, SECTORS - 1, 0, SECTOR_SIZE };
	unsigned int n;

	(void)state;
	el2_backend_start(serve);
	for (n = 0; n < sizeof(bad) / sizeof(*bad); n++)
		assert_int_equal(request(&bad[n], NULL), VIRTIO_BLK_S_IOERR);
	assert_int_equal(el2.state->counters.errors, n);
	assert_int_equal(request(&last, NULL), VIRTIO_BLK_S_OK);
	assert_int_equal(el2.state->counters.bad_chains, 0);
}

static void test_readonly(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_OUT, 0, 0, SECTOR_SIZE };

	(void)state;
	readonly = true;
	el2_backend_start(serve);
	assert_true(el2.page->features & (1ULL << VIRTIO_BLK_F_RO));
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_IOERR);
	wanted.type = VIRTIO_BLK_T_IN;
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
}

static void test_other_requests(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_GET_ID, 0, 0, VIRTIO_BLK_ID_BYTES };
	struct virtio_blk_config *config = (void *)el2.page->config;

	(void)state;
	el2_backend_start(serve);
	assert_int_equal(config->capacity, SECTORS);
	assert_int_equal(config->blk_size, SECTOR_SIZE);
	assert_int_equal(config->seg_max, 254);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	assert_string_equal((char *)el2.ram + DATA, "disk-of-a-test");
	wanted.type = 0x4711;
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(el2.state->counters.others, 2);
}

/* No room for header or status: the device fails, the process goes on. */
static void test_bad_request(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_IN, 0, 0, SECTOR_SIZE };

	(void)state;
	el2_backend_start(serve);
	driver_desc(&drivers[0].desc[0], DRIVER_RAM + HEADERS, 15, VRING_DESC_F_NEXT, 1);
	driver_desc(&drivers[0].desc[1], DRIVER_RAM + DATA, 1, VRING_DESC_F_WRITE, 0);
	driver_offer(&drivers[0], 0);
	el2_notify(1);
	assert_true(el2_failed(10000));
	assert_int_equal(el2.state->counters.bad_chains, 1);
	assert_int_equal(el2.state->counters.in_flight, 0);

	/* After a reset it is as good as new. */
	el2_post(HVISOR_OP_RESET, 0, 0, 4, 0);
	assert_true(el2_answered(0, NULL, 10000));
	driver_init(&drivers[0], el2.ram, 0, EL2_QUEUE_SIZE);
	el2.page->queues[0] = driver_ring(&drivers[0], 2);
	el2_notify(HVISOR_BELL_DRIVER_OK | 1);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	assert_false(el2_failed(0));
}

static uint32_t pattern(unsigned int generation, unsigned int n)
{
	return generation * 1000003 + n;
}

/* Writes a pattern to slot @n of the disk. */
static void offer_write(unsigned int n, unsigned int generation)
{
	struct wanted wanted = {
		VIRTIO_BLK_T_OUT, n * (SLOT / SECTOR_SIZE), n * SLOT, SLOT };
	uint32_t *data = (void *)(el2.ram + DATA + n * SLOT);
	unsigned int word;

	for (word = 0; word < SLOT / 4; word++)
		data[word] = pattern(generation, n * 1024 + word);
	offer(3 * n, &wanted);
}

static void check_disk(unsigned int nr, unsigned int generation)
{
	uint32_t data[SLOT / 4];
	unsigned int n, word;
	int fd = open(path, O_RDONLY);

	for (n = 0; n < nr; n++) {
		assert_int_equal(pread(fd, data, SLOT, n * SLOT), SLOT);
		for (word = 0; word < SLOT / 4; word++)
			assert_int_equal(data[word], pattern(generation, n * 1024 + word));
	}
	close(fd);
}

#define OUTSTANDING	80

/* Many at once; killed in the middle, again and again; none lost, none twice. */
static void test_kill(void **state)
{
	unsigned int round, n, left, kills = 0;
	bool pending[OUTSTANDING];
	struct vring_used_elem element;

	(void)state;
	el2_backend_start(serve);
	for (round = 1; round <= 25; round++) {
		for (n = 0; n < OUTSTANDING; n++) {
			offer_write(n, round);
			pending[n] = true;
		}
		el2_notify(1);
		usleep(round * 40);
		el2_backend_stop(SIGKILL);
		kills += el2.state->counters.in_flight > 0;
		el2_backend_start(serve);
		for (left = OUTSTANDING; left; left--) {
			element = finish();
			assert_int_equal(element.id % 3, 0);
			assert_true(pending[element.id / 3]);
			pending[element.id / 3] = false;
			assert_int_equal(*status_of(element.id), VIRTIO_BLK_S_OK);
		}
		check_disk(OUTSTANDING, round);
	}
	assert_int_equal(el2.state->counters.attaches, 26);
	assert_true(el2.state->counters.in_flight_max >= 32);
	print_message("%u of 25 kills with requests in flight, %llu re-issued\n", kills,
		      (unsigned long long)el2.state->counters.reissued);
}

/* A process that was stopped half-way leaves all its requests to the next one. */
static void test_reissue(void **state)
{
	struct hvisor_queue_state *account;
	unsigned int n;

	(void)state;
	/* As if a predecessor had taken all, and died. */
	account = (void *)((uint8_t *)el2.state +
			   HVISOR_QUEUE_STATE_OFFSET(0, EL2_QUEUE_SIZE));
	account->epoch = 1;
	account->next_counter = 1;
	for (n = 0; n < OUTSTANDING; n++) {
		offer_write(n, 5);
		account->heads[3 * n].counter = account->next_counter++;
		account->heads[3 * n].epoch = 1;
		account->heads[3 * n].in_flight = 1;
	}
	el2_backend_start(serve);
	for (n = 0; n < OUTSTANDING; n++)
		finish();
	assert_int_equal(el2.state->counters.reissued, OUTSTANDING);
	assert_int_equal(el2.state->counters.writes, OUTSTANDING);
	assert_int_equal(el2.state->counters.in_flight, 0);
	check_disk(OUTSTANDING, 5);
}

static void drains_at(int signal, int wanted, uint64_t before)
{
	unsigned int n;
	int status;

	el2_backend_start(serve);
	for (n = 0; n < OUTSTANDING; n++)
		offer_write(n, 3);
	el2_notify(1);
	status = el2_backend_stop(signal);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), wanted);
	assert_int_equal(el2.state->counters.in_flight, 0);
	/* What it had not taken is still there for the next one. */
	el2_backend_start(serve);
	for (n = 0; n < OUTSTANDING; n++)
		finish();
	assert_int_equal(el2.state->counters.reissued, 0);
	assert_int_equal(el2.state->counters.writes, before + OUTSTANDING);
	check_disk(OUTSTANDING, 3);
}

static void test_signals_drain(void **state)
{
	(void)state;
	drains_at(SIGTERM, SHYPER_EXIT_DONE, 0);
	el2_backend_stop(SIGKILL);
	/* A successor is wanted. */
	drains_at(SIGHUP, SHYPER_EXIT_RESTART, OUTSTANDING);
}

/* Quiesce and queue stop are answered when nothing is in flight any more. */
static void test_quiesce(void **state)
{
	static const uint32_t ops[] = {
		HVISOR_OP_QUIESCE, HVISOR_OP_QUEUE_STOP, HVISOR_OP_RESET };
	struct hvisor_queue_state *account =
		(void *)((uint8_t *)el2.state + HVISOR_QUEUE_STATE_OFFSET(0, EL2_QUEUE_SIZE));
	unsigned int n, round;

	(void)state;
	el2_backend_start(serve);
	for (round = 0; round < 30; round++) {
		int cpu = ops[round % 3] == HVISOR_OP_QUIESCE ? -1 : 1;

		for (n = 0; n < OUTSTANDING; n++)
			offer_write(n, round);
		el2_notify(1);
		if (round % 2)
			usleep(300);
		el2_post(ops[round % 3], cpu, 0, 4, 0);
		assert_true(el2_answered(cpu, NULL, 10000));
		assert_int_equal(el2.state->counters.in_flight, 0);
		for (n = 0; n < EL2_QUEUE_SIZE; n++)
			assert_int_equal(account->heads[n].in_flight, 0);
		/* The memory is the guest's: nobody writes there any more. */
		driver_init(&drivers[0], el2.ram, 0, EL2_QUEUE_SIZE);
		usleep(500);
		assert_int_equal(drivers[0].used->idx, 0);
		el2.page->queues[0] = driver_ring(&drivers[0], round + 2);
		el2_notify(HVISOR_BELL_DRIVER_OK | 1);
	}
	assert_false(el2_failed(0));
}

static void test_device_gone(void **state)
{
	int status;

	(void)state;
	el2_backend_start(serve);
	shutdown(el2.link[0], SHUT_RDWR);
	status = el2_backend_wait();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 50);
}

/* Somebody else's disk is refused, with a word on whose it is. */
static void test_lock(void **state)
{
	int fd = open(path, O_RDWR), status;
	struct timespec begin, end;
	pid_t pid;

	(void)state;
	assert_int_equal(flock(fd, LOCK_EX), 0);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	pid = fork();
	if (!pid)
		_exit(serve());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(WEXITSTATUS(status), SHYPER_EXIT_CONFIG);
	assert_true(end.tv_sec - begin.tv_sec >= 1);
	close(fd);
}

/* A dead process' lock, kept by what it left behind, is waited for. */
static void test_lock_of_the_dead(void **state)
{
	int fd, status, keep[2];
	pid_t holder, keeper, backend;

	(void)state;
	assert_int_equal(pipe(keep), 0);
	fd = open(path, O_RDWR);
	holder = fork();
	if (!holder)
		_exit(flock(fd, LOCK_EX) ? 1 : 0);
	assert_int_equal(waitpid(holder, &status, 0), holder);
	/* The description lives on in another process, as it does in a request. */
	keeper = fork();
	if (!keeper) {
		char byte;

		close(keep[1]);
		_exit(read(keep[0], &byte, 1));
	}
	close(fd);
	backend = fork();
	if (!backend) {
		close(keep[1]);
		_exit(serve());
	}
	/* Longer than the patience with the living. */
	sleep(3);
	assert_int_equal(waitpid(backend, &status, WNOHANG), 0);
	assert_false(el2.page->device_id);
	close(keep[1]);
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
	el2.backend = backend;
	sleep(1);
	assert_int_equal(el2.page->device_id, VIRTIO_ID_BLOCK);
	close(keep[0]);
}

/* What a driver accepts decides, and what it sets where it may. */
static int through_or_back(void)
{
	static const struct {
		uint64_t features;
		bool write_back, through;
	} cases[] = {
		{ 0, true, true },
		{ 1ULL << VIRTIO_BLK_F_FLUSH, true, false },
		{ 1ULL << VIRTIO_BLK_F_FLUSH, false, false },
		{ 1ULL << VIRTIO_BLK_F_CONFIG_WCE, true, true },
		{ 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_CONFIG_WCE, true, false },
		{ 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_CONFIG_WCE, false, true },
	};
	struct blk blk;
	struct shyper_backend *backend = el2_backend_open("cell1.blk0", &blk_ops, &blk);
	unsigned int n;

	if (!backend)
		return 100;
	for (n = 0; n < sizeof(cases) / sizeof(*cases); n++) {
		el2.page->driver_features = 1ULL << VIRTIO_F_VERSION_1 | cases[n].features;
		blk.write_back = cases[n].write_back;
		if (blk_writes_through(backend) != cases[n].through)
			return n + 1;
	}
	return 0;
}

/* Who cannot flush has each write stable when it ends. */
static void test_write_through(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(through_or_back());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(read_write), TEST(unaligned_memory), TEST(jailed), TEST(range), TEST(readonly),
		TEST(other_requests), TEST(bad_request), TEST(kill), TEST(reissue),
		TEST(write_through),
		TEST(signals_drain), TEST(quiesce), TEST(device_gone), TEST(lock),
		TEST(lock_of_the_dead),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("virtio/blk", tests, NULL, NULL);
}
