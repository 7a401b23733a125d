// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk as a device: its configuration space, its cache, several queues, limits,
 * and a file that is not what it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "disk.h"

#include "../../../libshyper/virtio/backend.h"

#define FLUSH	(1ULL << VIRTIO_BLK_F_FLUSH)
#define WCE	(1ULL << VIRTIO_BLK_F_CONFIG_WCE)

static struct virtio_blk_config *config_space(void)
{
	return (void *)el2.page->config;
}

static void test_configuration_space(void **state)
{
	const struct virtio_blk_config *config = config_space();
	uint64_t wanted = FLUSH | WCE | 1ULL << VIRTIO_BLK_F_DISCARD |
			  1ULL << VIRTIO_BLK_F_WRITE_ZEROES | 1ULL << VIRTIO_BLK_F_TOPOLOGY;
	struct statfs system;

	(void)state;
	assert_int_equal(statfs(path, &system), 0);
	el2_backend_start(serve);
	assert_int_equal(el2.page->config_len, 60);
	assert_int_equal(el2.page->features & wanted, wanted);
	assert_false(el2.page->features & 1ULL << VIRTIO_BLK_F_MQ);
	assert_int_equal(config->capacity, SECTORS);
	assert_int_equal(config->wce, 1);
	assert_int_equal(config->num_queues, 1);
	assert_int_equal(SECTOR_SIZE << config->physical_block_exp, system.f_bsize);
	assert_int_equal(config->min_io_size * SECTOR_SIZE, system.f_bsize);
	assert_int_equal(config->opt_io_size % config->min_io_size, 0);
	assert_int_equal(config->max_discard_seg, MAX_RANGES);
	assert_int_equal(config->max_write_zeroes_seg, MAX_RANGES);
	assert_int_equal(config->max_discard_sectors, 1 << 21);
	assert_int_equal(config->max_write_zeroes_sectors, 1 << 21);
	assert_int_equal(config->write_zeroes_may_unmap, 1);
}

static void store_wce(uint8_t value)
{
	el2_post(HVISOR_OP_CONFIG_STORE, 0, CONFIG_WCE, 1, value);
	assert_true(el2_answered(0, NULL, 10000));
}

/* The driver's choice is taken over, survives the backend, and ends with a reset. */
static void test_cache_is_switched(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_OUT, 0, 0, SECTOR_SIZE };

	(void)state;
	jailed = true;
	el2.page->driver_features |= FLUSH | WCE;
	el2_backend_start(serve);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	store_wce(2);
	assert_false(el2_changed(0));
	store_wce(0);
	assert_true(el2_changed(0));
	assert_int_equal(config_space()->wce, 0);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	el2_backend_stop(SIGKILL);
	jailed = false;
	el2_backend_start(serve);
	assert_int_equal(config_space()->wce, 0);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	store_wce(1);
	assert_int_equal(config_space()->wce, 1);
	store_wce(0);
	el2_post(HVISOR_OP_RESET, 0, 0x70, 4, 0);
	assert_true(el2_answered(0, NULL, 10000));
	assert_int_equal(config_space()->wce, 1);
	/* Nothing else of it can be written. */
	el2_post(HVISOR_OP_CONFIG_STORE, 0, 0, 4, 0x100000);
	assert_true(el2_answered(0, NULL, 10000));
	assert_int_equal(config_space()->capacity, SECTORS);
}

/* What is submitted stays in the ring. */
static bool submission_waits;

void __real_blk_ring_submit(struct blk *blk);
void __wrap_blk_ring_submit(struct blk *blk);

void __wrap_blk_ring_submit(struct blk *blk)
{
	if (!submission_waits)
		__real_blk_ring_submit(blk);
}

/* Hands over what waits in the ring, and sees it done; what follows waits again. */
static void go_on(struct shyper_backend *backend, struct blk *blk)
{
	struct io_uring_cqe *cqe;

	__real_blk_ring_submit(blk);
	assert_int_equal(io_uring_wait_cqe(&blk->ring, &cqe), 0);
	blk_completed(backend, &blk->completions, EPOLLIN);
}

static void switch_cache(struct shyper_backend *backend, unsigned int times)
{
	while (times--) {
		blk_config_store(backend, CONFIG_WCE, 1, 0);
		blk_config_store(backend, CONFIG_WCE, 1, 1);
	}
	blk_config_store(backend, CONFIG_WCE, 1, 0);
}

/*
 * A driver that switches its cache without end has one sync under way and one that
 * waits, before which nothing is taken that could overtake it.
 */
static void test_cache_is_switched_in_vain(void **state)
{
	static struct blk blk;
	struct wanted wanted = { VIRTIO_BLK_T_OUT, 0, 0, SECTOR_SIZE };
	struct shyper_backend *backend = el2_backend_open("cell1.blk0", &blk_ops, &blk);
	json_t *config = json_pack("{s:s}", "path", path);
	struct shyper_queue *queue;

	(void)state;
	el2.page->driver_features |= FLUSH | WCE;
	assert_int_equal(blk_open(backend, config), 0);
	json_decref(config);
	backend_adopt_all(backend);
	queue = shyper_backend_get_queue(backend, 0);
	offer(0, &wanted);
	submission_waits = true;
	switch_cache(backend, 0);
	assert_int_equal(io_uring_sq_ready(&blk.ring), 1);
	switch_cache(backend, 1000);
	assert_int_equal(io_uring_sq_ready(&blk.ring), 1);
	assert_false(blk_queue(backend, queue));
	assert_int_equal(queue->in_flight, 0);
	go_on(backend, &blk);
	assert_int_equal(io_uring_sq_ready(&blk.ring), 1);
	assert_true(backend->pending & 1);
	blk_queue(backend, queue);
	assert_int_equal(queue->in_flight, 1);
	assert_int_equal(io_uring_sq_ready(&blk.ring), 2);
	submission_waits = false;
	while (queue->in_flight)
		go_on(backend, &blk);
	assert_int_equal(*status_of(0), VIRTIO_BLK_S_OK);
	io_uring_queue_exit(&blk.ring);
	close(blk.file.fd);
	shyper_backend_close(backend);
	free(blk.requests);
}

/* However many queues are full: their completions do not overflow. */
static void test_completions_have_room(void **state)
{
	struct io_uring ring;

	(void)state;
	assert_int_equal(blk_ring_open(&ring, MAX_QUEUES * QUEUE_SIZE), 0);
	assert_true(*ring.cq.kring_entries > MAX_QUEUES * QUEUE_SIZE);
	io_uring_queue_exit(&ring);
}

static void test_no_cache_without_flush(void **state)
{
	(void)state;
	el2.page->driver_features |= WCE;
	el2_backend_start(serve);
	el2_notify(HVISOR_BELL_DRIVER_OK);
	assert_true(el2_changed(10000));
	assert_int_equal(config_space()->wce, 0);
}

static void test_withheld(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_OUT, 0, 0, SECTOR_SIZE };

	(void)state;
	el2.config = "{\"features\":{\"flush\":false,\"mq\":false,\"discard\":false}}";
	more_config = "{\"queues\":4}";
	el2_backend_start(serve);
	assert_false(el2.page->features & (FLUSH | WCE | 1ULL << VIRTIO_BLK_F_MQ |
					   1ULL << VIRTIO_BLK_F_DISCARD));
	assert_true(el2.page->features & 1ULL << VIRTIO_BLK_F_WRITE_ZEROES);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
}

#define EACH		16	/* outstanding requests of a queue */
#define NR_SLOTS	(NR_QUEUES * EACH)

/* A write by queue n % NR_QUEUES, to slot n of the disk. */
static void offer_write(unsigned int n, unsigned int round)
{
	struct wanted wanted = {
		VIRTIO_BLK_T_OUT, n * (SLOT / SECTOR_SIZE), n * SLOT, SLOT };

	memset(el2.ram + DATA + n * SLOT, n + round, SLOT);
	offer_on(&drivers[n % NR_QUEUES], 3 * (n / NR_QUEUES), n, &wanted);
}

/* Each queue gets back what it gave, each once. */
static void finish_writes(void)
{
	struct vring_used_elem element;
	bool done[NR_SLOTS] = {};
	unsigned int n, slot;

	for (n = 0; n < NR_SLOTS; n++) {
		element = finish_on(&drivers[n % NR_QUEUES]);
		assert_int_equal(element.id % 3, 0);
		slot = element.id / 3 * NR_QUEUES + n % NR_QUEUES;
		assert_true(slot < NR_SLOTS);
		assert_false(done[slot]);
		done[slot] = true;
		assert_int_equal(*status_of(slot), VIRTIO_BLK_S_OK);
	}
}

static void check_writes(unsigned int round)
{
	uint8_t data[SLOT], wanted[SLOT];
	unsigned int n;
	int fd = open(path, O_RDONLY);

	for (n = 0; n < NR_SLOTS; n++) {
		memset(wanted, n + round, SLOT);
		assert_int_equal(pread(fd, data, SLOT, n * SLOT), SLOT);
		assert_memory_equal(data, wanted, SLOT);
	}
	close(fd);
}

/* Killed with requests of all queues in flight, again and again. */
static void test_queues(void **state)
{
	unsigned int round, n;

	(void)state;
	more_config = "{\"queues\":4}";
	el2_backend_start(serve);
	assert_int_equal(config_space()->num_queues, NR_QUEUES);
	assert_true(el2.page->features & 1ULL << VIRTIO_BLK_F_MQ);
	for (round = 1; round <= 12; round++) {
		for (n = 0; n < NR_SLOTS; n++)
			offer_write(n, round);
		el2_notify((1 << NR_QUEUES) - 1);
		usleep(round * 60);
		el2_backend_stop(SIGKILL);
		el2_backend_start(serve);
		finish_writes();
		check_writes(round);
	}
	assert_int_equal(el2.state->counters.in_flight, 0);
	print_message("%llu re-issued\n",
		      (unsigned long long)el2.state->counters.reissued);
}

/* What a predecessor had taken of each queue is done by the next one. */
static void test_queues_reissue(void **state)
{
	unsigned int n;

	(void)state;
	more_config = "{\"queues\":4}";
	for (n = 0; n < NR_SLOTS; n++) {
		struct hvisor_queue_state *account = (void *)((uint8_t *)el2.state +
			HVISOR_QUEUE_STATE_OFFSET(n % NR_QUEUES, EL2_QUEUE_SIZE));
		struct hvisor_inflight *head = &account->heads[3 * (n / NR_QUEUES)];

		offer_write(n, 7);
		account->epoch = 1;
		account->next_counter = n + 2;
		head->counter = n + 1;
		head->epoch = 1;
		head->in_flight = 1;
	}
	el2_backend_start(serve);
	finish_writes();
	check_writes(7);
	assert_int_equal(el2.state->counters.reissued, NR_SLOTS);
	assert_int_equal(el2.state->counters.writes, NR_SLOTS);
}

static unsigned int ms_of(unsigned int nr, uint32_t length)
{
	struct wanted wanted = { VIRTIO_BLK_T_IN, 0, 0, length };
	struct timespec begin, end;
	unsigned int n;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (n = 0; n < nr; n++)
		offer(3 * n, &wanted);
	el2_notify(1);
	for (n = 0; n < nr; n++)
		assert_int_equal(*status_of(finish().id), VIRTIO_BLK_S_OK);
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
}

/* A burst of a tenth of a second, and then 50 a second. */
static void test_requests_are_limited(void **state)
{
	unsigned int ms;

	(void)state;
	jailed = true;
	more_config = "{\"iops\":50}";
	el2_backend_start(serve);
	ms = ms_of(36, SECTOR_SIZE);
	print_message("%u ms\n", ms);
	assert_in_range(ms, 580, 5000);
}

static void test_bytes_are_limited(void **state)
{
	unsigned int ms;

	(void)state;
	jailed = true;
	more_config = "{\"bytes_per_second\":\"1M\",\"iops\":10000000}";
	el2_backend_start(serve);
	ms = ms_of(10, 65536);
	print_message("%u ms\n", ms);
	assert_in_range(ms, 450, 5000);
	/* One that is larger than any burst passes, too. */
	ms_of(1, 256 * 1024);
}

/* Zeroes count as what is written; a discard as nothing. */
static void test_zeroes_are_limited(void **state)
{
	struct virtio_blk_discard_write_zeroes range = { .num_sectors = SECTORS };
	struct wanted wanted = { VIRTIO_BLK_T_DISCARD, 0, 0, sizeof(range) };
	struct timespec begin, end;

	(void)state;
	more_config = "{\"bytes_per_second\":\"256K\"}";
	el2_backend_start(serve);
	memcpy(el2.ram + DATA, &range, sizeof(range));
	request(&wanted, NULL);
	range.num_sectors = 1024;
	memcpy(el2.ram + DATA, &range, sizeof(range));
	wanted.type = VIRTIO_BLK_T_WRITE_ZEROES;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	wanted.type = VIRTIO_BLK_T_IN;
	wanted.length = SECTOR_SIZE;
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_in_range(end.tv_sec - begin.tv_sec, 0, 1);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_in_range((end.tv_sec - begin.tv_sec) * 1000 +
			(end.tv_nsec - begin.tv_nsec) / 1000000, 1800, 8000);
}

/* What is refused moves nothing, whatever it asks for. */
static void test_refused_are_not_charged(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_IN, SECTORS, 0, 0x100000 };
	struct timespec begin, end;

	(void)state;
	more_config = "{\"bytes_per_second\":\"100K\"}";
	el2_backend_start(serve);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_IOERR);
	wanted.sector = 0;
	wanted.length = SECTOR_SIZE;
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_in_range(end.tv_sec - begin.tv_sec, 0, 6);
}

/* Each queue gets its share of a limit, however much the first one wants. */
static void test_limit_is_shared(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_IN, 0, 0, SECTOR_SIZE };
	unsigned int n, k;

	(void)state;
	more_config = "{\"queues\":4,\"iops\":100}";
	el2_backend_start(serve);
	for (n = 0; n < 40 * NR_QUEUES; n++)
		offer_on(&drivers[n % NR_QUEUES], 3 * (n / NR_QUEUES), n, &wanted);
	el2_notify((1 << NR_QUEUES) - 1);
	for (n = 0; n < 6; n++)
		for (k = 1; k < NR_QUEUES; k++)
			finish_on(&drivers[k]);
	/* A burst, and as many as the others. */
	assert_in_range(drivers[0].used->idx, 5, 30);
}

/* What waits is the guest's, and a reset does not wait for it. */
static void test_limit_holds_up_no_reset(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_IN, 0, 0, SECTOR_SIZE };
	unsigned int n;

	(void)state;
	more_config = "{\"iops\":1}";
	el2_backend_start(serve);
	for (n = 0; n < 20; n++)
		offer(3 * n, &wanted);
	el2_notify(1);
	finish();
	el2_post(HVISOR_OP_RESET, 0, 0x70, 4, 0);
	assert_true(el2_answered(0, NULL, 900));
	assert_true(drivers[0].used->idx < 20);
}

static void test_wrong_configurations(void **state)
{
	static const char *const bad[] = {
		"{\"queues\":0}", "{\"queues\":17}", "{\"queues\":\"2\"}", "{\"iops\":0}",
		"{\"iops\":-1}", "{\"iops\":10000001}", "{\"bytes_per_second\":1}",
		"{\"bytes_per_second\":\"\"}", "{\"bytes_per_second\":\"0\"}",
		"{\"bytes_per_second\":\"1025G\"}", "{\"bytes_per_second\":\"1m\"}",
	};
	unsigned int n;
	int status;

	(void)state;
	fflush(NULL);
	for (n = 0; n < sizeof(bad) / sizeof(*bad); n++) {
		more_config = bad[n];
		el2.backend = fork();
		if (!el2.backend)
			_exit(serve());
		status = el2_backend_wait();
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), SHYPER_EXIT_CONFIG);
	}
}

/* The next backend sees that the file has grown. */
static void test_file_grows(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_OUT, SECTORS + 99, 0, SECTOR_SIZE };

	(void)state;
	el2_backend_start(serve);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_IOERR);
	assert_int_equal(truncate(path, (SECTORS + 100) * SECTOR_SIZE), 0);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_IOERR);
	assert_int_equal(WEXITSTATUS(el2_backend_stop(SIGHUP)), SHYPER_EXIT_RESTART);
	el2_backend_start(serve);
	assert_int_equal(config_space()->capacity, SECTORS + 100);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
}

/* What the file has not, any more, is an error of that request alone. */
static void test_file_shrinks(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_IN, SECTORS - 8, 0, 8 * SECTOR_SIZE };

	(void)state;
	el2_backend_start(serve);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	assert_int_equal(truncate(path, SECTORS / 2 * SECTOR_SIZE), 0);
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_IOERR);
	wanted.sector = 0;
	assert_int_equal(request(&wanted, NULL), VIRTIO_BLK_S_OK);
	assert_int_equal(el2.state->counters.errors, 1);
}

/* As a driver with EVENT_IDX does it: notifies only when it was asked to. */
static bool notify_if_wanted(struct driver *driver)
{
	if (!driver_must_notify(driver, 1))
		return false;
	el2_notify(1);
	return true;
}

/* Requests one by one; returns how many of them were not notified. */
static unsigned int read_one_by_one(unsigned int nr)
{
	struct wanted wanted = { VIRTIO_BLK_T_IN, 0, 0, SECTOR_SIZE };
	unsigned int quiet = 0;

	for (; nr; nr--) {
		offer(0, &wanted);
		quiet += !notify_if_wanted(&drivers[0]);
		finish();
		assert_int_equal(*status_of(0), VIRTIO_BLK_S_OK);
	}
	return quiet;
}

/* Nothing is lost between the last look and the sleep, however it falls. */
static void test_polling_loses_nothing(void **state)
{
	struct hvisor_backend_counters *counters = &el2.state->counters;
	unsigned int round, quiet = 0;

	(void)state;
	el2_backend_start(serve);
	for (round = 0; round < 100 && (round < 10 || !quiet); round++) {
		quiet += read_one_by_one(100);
		usleep(round % 3 * 300);
	}
	print_message("%u requests: %u not notified, %llu polls found something, %llu sleeps\n",
		      100 * round, quiet, (unsigned long long)counters->polls_found,
		      (unsigned long long)counters->sleeps);
	assert_true(quiet);
	assert_in_range(counters->kicks_avoided, 1, quiet);
	assert_in_range(counters->polls_found, 1, 100000);
	assert_in_range(counters->sleeps, 1, 100000);
}

/* Where many came at once the backend waits for as many, but not for ever. */
static void test_polling_waits_in_vain_but_once(void **state)
{
	struct wanted wanted = { VIRTIO_BLK_T_IN, 0, 0, SECTOR_SIZE };
	unsigned int round, n;

	(void)state;
	el2_backend_start(serve);
	for (round = 0; round < 20; round++) {
		for (n = 0; n < 32; n++) {
			offer(3 * n, &wanted);
			notify_if_wanted(&drivers[0]);
		}
		for (n = 0; n < 32; n++)
			finish();
		read_one_by_one(round % 4);
	}
	assert_int_equal(el2.state->counters.reads, 20 * 32 + 30);
	assert_int_equal(el2.state->counters.in_flight, 0);
}

static void test_polling_is_switched_off(void **state)
{
	struct hvisor_backend_counters *counters = &el2.state->counters;

	(void)state;
	more_config = "{\"poll\": false}";
	el2_backend_start(serve);
	read_one_by_one(200);
	assert_int_equal(counters->polls_found, 0);
	assert_int_equal(counters->kicks_avoided, 0);
	assert_in_range(counters->sleeps, 1, 100000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(configuration_space), TEST(cache_is_switched),
		TEST(cache_is_switched_in_vain),
		TEST(completions_have_room), TEST(no_cache_without_flush), TEST(withheld), TEST(queues),
		TEST(queues_reissue), TEST(requests_are_limited), TEST(bytes_are_limited),
		TEST(zeroes_are_limited), TEST(refused_are_not_charged),
		TEST(limit_holds_up_no_reset), TEST(limit_is_shared), TEST(wrong_configurations), TEST(polling_loses_nothing),
		TEST(polling_waits_in_vain_but_once),
		TEST(polling_is_switched_off), TEST(file_grows),
		TEST(file_shrinks),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("virtio/blk-device", tests, NULL, NULL);
}
