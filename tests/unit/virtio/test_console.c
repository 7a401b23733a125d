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

static struct driver drivers[HVISOR_MAX_QUEUES];
static struct driver *const rx = &drivers[RECEIVE], *const tx = &drivers[TRANSMIT];

static int serve(void)
{
	static struct ports ports;

	return console_serve("cell1.con0", &console_ops, &ports, console_open);
}

static int set_up(void **state)
{
	(void)state;
	console_set_up(HVISOR_DEVICE_VIRTIO, drivers, NR_QUEUES);
	el2.page->driver_features |= FEATURE(SIZE);
	el2_backend_start(serve);
	return 0;
}

/* The console and two ports, of a driver that knows of them. */
static int set_up_ports(void **state)
{
	(void)state;
	console_set_up(HVISOR_DEVICE_VIRTIO, drivers, 8);
	el2.config = "{ \"ports\": [ \"agent\", \"trace\" ] }";
	el2.page->driver_features |= FEATURE(MULTIPORT) | FEATURE(SIZE);
	el2_backend_start(serve);
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

/* The guest sends by queue @index. */
static void send_by(unsigned int index, const void *bytes, size_t length)
{
	struct vring_used_elem element;

	memcpy(el2.ram + DATA, bytes, length);
	driver_desc(&drivers[index].desc[0], DRIVER_RAM + DATA, length, 0, 0);
	driver_offer(&drivers[index], 0);
	el2_notify(1 << index);
	wait_used(&drivers[index], &element);
}

/* The guest prints. */
static void print(const char *text, size_t length)
{
	send_by(TRANSMIT, text, length);
}

/* Where buffers @head of the queues are, in the memory. */
static uint32_t buffer_of(unsigned int index, uint16_t head)
{
	return DATA + 0x10000 + index * 0x10000 + head * 0x1000;
}

/* The guest gives queue @index a buffer. */
static void offer_to(unsigned int index, uint16_t head, uint32_t length)
{
	driver_desc(&drivers[index].desc[head], DRIVER_RAM + buffer_of(index, head), length,
		    VRING_DESC_F_WRITE, 0);
	driver_offer(&drivers[index], head);
	el2_notify(1 << index);
}

static void offer_buffer(uint16_t head, uint32_t length)
{
	offer_to(RECEIVE, head, length);
}

static void expect_from(unsigned int index, const void *bytes, size_t length)
{
	struct vring_used_elem element;

	wait_used(&drivers[index], &element);
	assert_int_equal(element.len, length);
	assert_memory_equal(el2.ram + buffer_of(index, element.id), bytes, length);
}

static void expect_input(const char *text)
{
	expect_from(RECEIVE, text, strlen(text));
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

/* Of a write that is larger than all that is kept the end is printed; the log has a limit. */
static void test_large_output(void **state)
{
	static char large[1 << 20];

	(void)state;
	print(large, sizeof(large));
	assert_int_equal(console_log_size(), SCROLLBACK_SIZE);
	print(large, sizeof(large));
	print(large, sizeof(large));
	assert_int_equal(console_log_size(), LOG_MAX);
	print("lost", 4);
	assert_int_equal(console_log_size(), LOG_MAX);
	console_empty_log();
	print("rotated\n", 8);
	console_expect_log("rotated\n");
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
	for (n = 0; n < HVISOR_MAX_QUEUES && el2.page->queues[n].ready; n++) {
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

static struct virtio_console_control control(uint32_t port, uint16_t event, uint16_t value)
{
	return (struct virtio_console_control){
		.id = htole32(port), .event = htole16(event), .value = htole16(value),
	};
}

/* The driver tells something of a port. */
static void say_of(uint32_t port, uint16_t event, uint16_t value)
{
	struct virtio_console_control message = control(port, event, value);

	send_by(CONTROL_TRANSMIT, &message, sizeof(message));
}

/* It gives a buffer, and is told this. */
static void expect_told(uint32_t port, uint16_t event, const void *more, size_t length)
{
	struct virtio_console_control header = control(port, event, 1);
	uint8_t message[64];

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), more, length);
	offer_to(CONTROL_RECEIVE, 0, sizeof(message));
	expect_from(CONTROL_RECEIVE, message, sizeof(header) + length);
}

/* It has no more to be told: a buffer stays. Not to be asked twice. */
static void expect_told_nothing(void)
{
	struct vring_used_elem element;

	offer_to(CONTROL_RECEIVE, 1, 64);
	usleep(50000);
	assert_false(driver_take(&drivers[CONTROL_RECEIVE], &element));
}

static void open_port(unsigned int port, const char *name)
{
	say_of(port, VIRTIO_CONSOLE_PORT_READY, 1);
	if (!port)
		expect_told(port, VIRTIO_CONSOLE_CONSOLE_PORT, "", 0);
	else
		expect_told(port, VIRTIO_CONSOLE_PORT_NAME, name, strlen(name));
	expect_told(port, VIRTIO_CONSOLE_PORT_OPEN, "", 0);
	say_of(port, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

/* The driver is told of the ports, one after the other, as it has buffers. */
static void test_ports_are_told(void **state)
{
	unsigned int n;

	(void)state;
	assert_true(el2.page->features & FEATURE(MULTIPORT));
	say_of(VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
	expect_told(0, VIRTIO_CONSOLE_PORT_ADD, "", 0);
	expect_told(1, VIRTIO_CONSOLE_PORT_ADD, "", 0);
	/* A successor goes on. */
	el2_backend_stop(SIGKILL);
	el2_backend_start(serve);
	expect_told(2, VIRTIO_CONSOLE_PORT_ADD, "", 0);
	open_port(0, NULL);
	open_port(1, "agent");
	open_port(2, "trace");
	/* However often a driver asks, it is told once. */
	for (n = 0; n < 1000; n++)
		say_of(1, VIRTIO_CONSOLE_PORT_READY, 1);
	expect_told(1, VIRTIO_CONSOLE_PORT_NAME, "agent", 5);
	expect_told(1, VIRTIO_CONSOLE_PORT_OPEN, "", 0);
	expect_told_nothing();
}

/* Each port has clients of its own. Its input waits until the guest has opened it. */
static void test_ports_carry_data(void **state)
{
	int agent = console_client("cell1.con0.agent.sock");
	int trace = console_client("cell1.con0.trace.sock"), late, shell = client();

	(void)state;
	offer_to(port_queue(1), 0, 64);
	offer_to(port_queue(2), 0, 64);
	offer_to(RECEIVE, 0, 64);
	assert_int_equal(write(agent, "for agent", 9), 9);
	assert_int_equal(write(trace, "for trace", 9), 9);
	assert_int_equal(write(shell, "for shell", 9), 9);
	usleep(50000);
	assert_int_equal(el2.state->counters.read_bytes, 0);
	say_of(2, VIRTIO_CONSOLE_PORT_OPEN, 1);
	expect_from(port_queue(2), "for trace", 9);
	say_of(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	expect_from(port_queue(1), "for agent", 9);
	say_of(0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	expect_from(RECEIVE, "for shell", 9);
	send_by(port_queue(1) + 1, "by agent", 8);
	send_by(port_queue(2) + 1, "by trace", 8);
	console_expect(agent, "by agent");
	console_expect(trace, "by trace");
	late = console_client("cell1.con0.agent.sock");
	console_expect(late, "\r\n[shyper: read-only, another client writes]\r\n");
	console_expect(late, "by agent");
	assert_false(console_readable(shell, 10));
	/* Closed in between: it waits again. */
	say_of(1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	offer_to(port_queue(1), 0, 64);
	assert_int_equal(write(agent, "more", 4), 4);
	usleep(50000);
	say_of(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	expect_from(port_queue(1), "more", 4);
	close(agent);
	close(trace);
	close(late);
	close(shell);
}

/* With ports the size of the console is a message. */
static void test_size_is_a_message(void **state)
{
	const struct { __le16 columns, rows; } size = { htole16(100), htole16(40) };
	int fd = client();

	(void)state;
	console_tell_size("cell1.con0@size.sock", 100, 40);
	say_of(VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
	expect_told(0, VIRTIO_CONSOLE_PORT_ADD, "", 0);
	expect_told(1, VIRTIO_CONSOLE_PORT_ADD, "", 0);
	expect_told(2, VIRTIO_CONSOLE_PORT_ADD, "", 0);
	say_of(0, VIRTIO_CONSOLE_PORT_READY, 1);
	expect_told(0, VIRTIO_CONSOLE_CONSOLE_PORT, "", 0);
	expect_told(0, VIRTIO_CONSOLE_RESIZE, &size, sizeof(size));
	expect_told(0, VIRTIO_CONSOLE_PORT_OPEN, "", 0);
	expect_told_nothing();
	assert_int_equal(size_seen(), 0);
	close(fd);
}

/* What was told goes with the driver, also where nobody hears of its reset. */
static void test_ports_are_told_anew(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < 2; n++) {
		say_of(VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
		expect_told(0, VIRTIO_CONSOLE_PORT_ADD, "", 0);
		say_of(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
		if (!n) {
			restart_driver();
		} else {
			el2_backend_stop(SIGKILL);
			el2.page->epoch++;
			el2_backend_start(serve);
		}
		expect_told_nothing();
		restart_driver();
	}
}

/* Of ports that are not there nothing is taken; what is no message breaks the queue. */
static void test_bad_control(void **state)
{
	(void)state;
	say_of(3, VIRTIO_CONSOLE_PORT_READY, 1);
	say_of(0x80000001, VIRTIO_CONSOLE_PORT_OPEN, 1);
	say_of(1, VIRTIO_CONSOLE_PORT_READY, 0);
	say_of(1, 77, 1);
	say_of(0, VIRTIO_CONSOLE_DEVICE_READY, 0);
	assert_false(el2_failed(50));
	/* Read before the queue is told to be broken. */
	driver_desc(&drivers[CONTROL_TRANSMIT].desc[0], DRIVER_RAM + DATA, 7, 0, 0);
	driver_offer(&drivers[CONTROL_TRANSMIT], 0);
	el2_notify(1 << CONTROL_TRANSMIT);
	assert_true(el2_failed(5000));
}

/* A buffer that a message does not fit in. */
static void test_small_control_buffer(void **state)
{
	(void)state;
	offer_to(CONTROL_RECEIVE, 0, 7);
	say_of(VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
	assert_true(el2_failed(5000));
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

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, console_tear_down)
#define TEST_OF_PORTS(name) \
	cmocka_unit_test_setup_teardown(test_##name, set_up_ports, console_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(scrollback), TEST(large_output), TEST(input), TEST(much_input), TEST(slow_client),
		TEST(half_closed), TEST(many_clients), TEST(size), TEST(size_of_a_reader),
		TEST(killed), TEST(broken_queue),
		TEST_OF_PORTS(ports_are_told), TEST_OF_PORTS(ports_carry_data),
		TEST_OF_PORTS(size_is_a_message), TEST_OF_PORTS(ports_are_told_anew),
		TEST_OF_PORTS(bad_control), TEST_OF_PORTS(small_control_buffer),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("virtio/console", tests, NULL, NULL);
}
