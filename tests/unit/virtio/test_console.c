// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-console as a process of its own: guest on one side, clients of its
 * socket on the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define CONSOLE_TEST
#include "../../../shyper-cli/backend/console.c"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "console_client.h"
#include "el2.h"

#define DATA	0x200000	/* within the memory */

static struct driver drivers[NR_QUEUES];
static struct driver *const rx = &drivers[RECEIVE], *const tx = &drivers[TRANSMIT];

static int serve(void)
{
	static struct terminal terminal;

	return console_serve("cell1.con0", &console_ops, &terminal, console_open);
}

static int set_up(void **state)
{
	(void)state;
	console_folder_make();
	el2_init(HVISOR_DEVICE_VIRTIO, drivers, NR_QUEUES);
	el2_backend_start(serve);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	el2_exit();
	console_folder_remove();
	return 0;
}

static int client(void)
{
	return console_client("cell1.con0.sock");
}

static void wait_used(struct driver *driver, struct vring_used_elem *element)
{
	while (!driver_take(driver, element)) {
		*driver_used_event(driver) = driver->used_idx;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (driver_take(driver, element))
			return;
		assert_true(el2_interrupted(5000));
	}
}

/* The guest prints. */
static void print(const char *text, size_t length)
{
	struct vring_used_elem element;

	memcpy(el2.ram + DATA, text, length);
	driver_desc(&tx->desc[0], DRIVER_RAM + DATA, length, 0, 0);
	driver_offer(tx, 0);
	el2_notify(1 << TRANSMIT);
	wait_used(tx, &element);
}

/* The guest gives a buffer for input. */
static void offer_buffer(uint16_t head, uint32_t length)
{
	driver_desc(&rx->desc[head], DRIVER_RAM + DATA + 0x10000 + head * 0x1000, length,
		    VRING_DESC_F_WRITE, 0);
	driver_offer(rx, head);
	el2_notify(1 << RECEIVE);
}

static void expect_input(const char *text)
{
	struct vring_used_elem element;

	wait_used(rx, &element);
	assert_int_equal(element.len, strlen(text));
	assert_memory_equal(el2.ram + DATA + 0x10000 + element.id * 0x1000, text,
			    strlen(text));
}

static void test_scrollback(void **state)
{
	int early = client(), late;

	(void)state;
	print("hello ", 6);
	console_expect(early, "hello ");
	print("world\n", 6);
	console_expect(early, "world\n");
	late = client();
	console_expect(late, "\r\n[shyper: read-only, another client writes]\r\n");
	console_expect(late, "hello world\n");
	console_expect_log("hello world\n");
	close(early);
	close(late);
}

static void test_input(void **state)
{
	int writer = client(), reader, n;

	(void)state;
	offer_buffer(0, 64);
	assert_int_equal(write(writer, "root\n", 5), 5);
	expect_input("root\n");
	/* No buffer yet: it is kept. */
	assert_int_equal(write(writer, "secret", 6), 6);
	usleep(20000);
	offer_buffer(1, 4);
	offer_buffer(2, 64);
	expect_input("secr");
	expect_input("et");
	/* Only the first one writes; the next one, when it has gone. */
	reader = client();
	console_expect(reader, "\r\n[shyper: read-only, another client writes]\r\n");
	assert_int_equal(write(reader, "x", 1), 1);
	offer_buffer(3, 64);
	assert_int_equal(write(writer, "y", 1), 1);
	expect_input("y");
	close(writer);
	console_expect(reader, "\r\n[shyper: you can write now]\r\n");
	offer_buffer(4, 64);
	assert_int_equal(write(reader, "z", 1), 1);
	expect_input("z");
	for (n = 0; n < 3; n++)
		assert_false(console_readable(reader, 10));
	close(reader);
}

/* More than is kept for the guest waits in the socket, and none is lost. */
static void test_much_input(void **state)
{
	int writer = client();
	unsigned int sent = 0, got = 0, n;
	uint8_t *buffer = el2.ram + DATA + 0x10000;
	struct vring_used_elem element;
	char text[1000];

	(void)state;
	for (; sent < 20000; sent += sizeof(text)) {
		for (n = 0; n < sizeof(text); n++)
			text[n] = (sent + n) % 127;
		assert_int_equal(write(writer, text, sizeof(text)), sizeof(text));
	}
	close(writer);
	while (got < sent) {
		offer_buffer(0, 700);
		wait_used(rx, &element);
		for (n = 0; n < element.len; n++, got++)
			assert_int_equal(buffer[n], got % 127);
	}
}

/* Who does not read loses the oldest part, is told so, and holds up nobody. */
static void test_slow_client(void **state)
{
	int slow = client(), quick = client();
	static char block[4096], all[4 << 20];
	size_t got = 0;
	ssize_t part;
	unsigned int n;

	(void)state;
	console_expect(quick, "\r\n[shyper: read-only, another client writes]\r\n");
	memset(block, 'a', sizeof(block));
	for (n = 0; n < 512; n++) {
		size_t done = 0;

		print(block, sizeof(block));
		while (done < sizeof(block)) {
			assert_true(console_readable(quick, 5000));
			part = read(quick, all, sizeof(block) - done);
			assert_true(part > 0);
			done += part;
		}
	}
	while (console_readable(slow, 300)) {
		part = read(slow, all + got, sizeof(all) - 1 - got);
		assert_true(part > 0);
		got += part;
	}
	all[got] = '\0';
	assert_true(got >= SCROLLBACK_SIZE);
	assert_true(got < 512 * sizeof(block));
	assert_non_null(strstr(all, "bytes lost, too slow]"));
	close(slow);
	close(quick);
}

/* A client that ends its input gets all that there is, then the end. */
static void test_half_closed(void **state)
{
	int fd;
	char byte;

	(void)state;
	print("last words", 10);
	fd = client();
	shutdown(fd, SHUT_WR);
	console_expect(fd, "last words");
	assert_true(console_readable(fd, 5000));
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
}

static void test_many_clients(void **state)
{
	int fds[MAX_CLIENTS + 2], n;
	char byte;

	(void)state;
	for (n = 0; n < MAX_CLIENTS + 2; n++)
		fds[n] = client();
	assert_true(console_readable(fds[MAX_CLIENTS + 1], 5000));
	assert_int_equal(read(fds[MAX_CLIENTS + 1], &byte, 1), 0);
	for (n = 0; n < MAX_CLIENTS + 2; n++)
		close(fds[n]);
	usleep(50000);
	fds[0] = client();
	print("still there", 11);
	console_expect(fds[0], "still there");
	close(fds[0]);
}

/* The guest resets the device, and another driver begins. */
static void restart_driver(void)
{
	unsigned int n;

	el2_post(HVISOR_OP_QUIESCE, -1, 0, 0, 0);
	assert_true(el2_answered(-1, NULL, 5000));
	el2.page->epoch++;
	for (n = 0; n < NR_QUEUES; n++) {
		driver_init(&drivers[n], el2.ram, n * DRIVER_RINGS_SIZE, EL2_QUEUE_SIZE);
		el2.page->queues[n] = driver_ring(&drivers[n], el2.page->queues[n].epoch + 1);
	}
	el2_notify(HVISOR_BELL_DRIVER_OK);
}

static uint32_t size_seen(void)
{
	struct virtio_console_config space;

	memcpy(&space, el2.page->config, sizeof(space));
	return (uint32_t)space.cols << 16 | space.rows;
}

#define SIZE(columns, rows)	((uint32_t)(columns) << 16 | (rows))

/* The guest's terminal is as large as that of its writer, who tells it. */
static void test_size(void **state)
{
	int fd;

	(void)state;
	assert_true(el2.page->features & FEATURE(SIZE));
	assert_int_equal(el2.page->config_len, 8);
	assert_int_equal(size_seen(), 0);
	/* Of nobody who is connected. */
	console_tell_size("cell1.con0@size.sock", 80, 24);
	assert_false(el2_changed(50));
	/* It may come before the connection was looked at. */
	kill(el2.backend, SIGSTOP);
	fd = client();
	console_tell_size("cell1.con0@size.sock", 100, 40);
	kill(el2.backend, SIGCONT);
	/* Linux would overlook it as long as it has no terminal. */
	assert_false(el2_changed(50));
	print("x", 1);
	assert_true(el2_changed(5000));
	assert_int_equal(size_seen(), SIZE(100, 40));
	console_tell_size("cell1.con0@size.sock", 100, 40);
	console_tell_size("cell1.con0@size.sock", 0, 0);
	assert_false(el2_changed(50));
	/* A successor leaves it. */
	el2_backend_stop(SIGKILL);
	close(fd);
	el2_backend_start(serve);
	assert_int_equal(size_seen(), SIZE(100, 40));
	/* After a reset its next driver is told. */
	restart_driver();
	assert_int_equal(size_seen(), 0);
	print("x", 1);
	while (size_seen() != SIZE(100, 40))
		assert_true(el2_changed(5000));
}

/* In a process of its own: connects, tells a size, and waits for its end. */
static pid_t other_client(int ours, unsigned short columns, unsigned short rows)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	close(ours);
	client();
	console_tell_size("cell1.con0@size.sock", columns, rows);
	pause();
	_exit(0);
}

/* A reader's counts once it writes. */
static void test_size_of_a_reader(void **state)
{
	int fd = client();
	pid_t reader;

	(void)state;
	print("x", 1);
	console_tell_size("cell1.con0@size.sock", 100, 40);
	assert_true(el2_changed(5000));
	reader = other_client(fd, 132, 50);
	assert_false(el2_changed(200));
	close(fd);
	assert_true(el2_changed(5000));
	assert_int_equal(size_seen(), SIZE(132, 50));
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
}

static void test_killed(void **state)
{
	int fd;

	(void)state;
	print("before", 6);
	el2_backend_stop(SIGKILL);
	el2_backend_start(serve);
	fd = client();
	print("after", 5);
	console_expect(fd, "after");
	offer_buffer(0, 64);
	assert_int_equal(write(fd, "in", 2), 2);
	expect_input("in");
	close(fd);
}

static void test_broken_queue(void **state)
{
	(void)state;
	driver_offer(tx, 0xffff);
	el2_notify(1 << TRANSMIT);
	assert_true(el2_failed(5000));
	el2_post(HVISOR_OP_QUIESCE, -1, 0, 0, 0);
	assert_true(el2_answered(-1, NULL, 5000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(scrollback), TEST(input), TEST(much_input), TEST(slow_client),
		TEST(half_closed), TEST(many_clients), TEST(size), TEST(size_of_a_reader),
		TEST(killed), TEST(broken_queue),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("virtio/console", tests, NULL, NULL);
}
