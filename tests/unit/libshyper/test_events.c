// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Events, on a recorded tree. What udev's monitor receives is this test's: a list
 * of uevents, among them those that were lost.
 */
#include <errno.h>
#include <libudev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"
#include "machine.h"

#define CLASS	"/sys/class/hvisor/"

/* A uevent; without @action: one that was lost. */
struct uevent {
	const char *sysname;
	const char *action;
	const char *event;	/* HVISOR_EVENT */
	const char *reason;	/* HVISOR_REASON */
};

static struct shyper_events *events;
static const struct uevent *received;	/* up to one without sysname */
static const char *number;		/* SEQNUM of all of them */

struct udev_device *__wrap_udev_monitor_receive_device(struct udev_monitor *monitor)
{
	(void)monitor;
	if (!received || !received->sysname)
		return NULL;
	if (received->action)
		return (struct udev_device *)received++;
	received++;
	errno = ENOBUFS;
	return NULL;
}

struct udev_device *__wrap_udev_device_unref(struct udev_device *device)
{
	(void)device;
	return NULL;
}

const char *__wrap_udev_device_get_sysname(struct udev_device *device)
{
	return ((const struct uevent *)device)->sysname;
}

const char *__wrap_udev_device_get_action(struct udev_device *device)
{
	return ((const struct uevent *)device)->action;
}

const char *__wrap_udev_device_get_property_value(struct udev_device *device, const char *key)
{
	const struct uevent *uevent = (const struct uevent *)device;

	if (!strcmp(key, "HVISOR_EVENT"))
		return uevent->event;
	if (!strcmp(key, "SEQNUM"))
		return number;
	return strcmp(key, "HVISOR_REASON") ? NULL : uevent->reason;
}

static void write_cell(const struct machine *machine, const char *cell, const char *state)
{
	char path[64];

	snprintf(path, sizeof(path), CLASS "%s/name", cell);
	machine_write_text(machine, path, "small\n");
	snprintf(path, sizeof(path), CLASS "%s/reason", cell);
	machine_write_text(machine, path, "none\n");
	snprintf(path, sizeof(path), CLASS "%s/state", cell);
	machine_write_text(machine, path, state);
}

static int set_up(void **state)
{
	struct shyper_event event;
	struct machine *machine;

	machine_setup(state);
	machine = *state;
	write_cell(machine, "cell1", "running\n");
	machine_write_text(machine, CLASS "cell1.con0/type", "console\n");
	machine_write_text(machine, "/sys/kernel/uevent_seqnum", "41\n");
	received = NULL;
	number = NULL;
	assert_int_equal(shyper_events_open(machine->ctx, &events), 0);
	assert_int_equal(shyper_events_read(events, &event), 1);
	assert_string_equal(event.sysname, "cell1");
	assert_true(event.is_initial);
	assert_int_equal(event.state, SHYPER_CELL_RUNNING);
	assert_int_equal(shyper_events_read(events, &event), 1);
	assert_string_equal(event.device_type, "console");
	assert_int_equal(shyper_events_read(events, &event), 0);
	return 0;
}

static int tear_down(void **state)
{
	shyper_events_close(events);
	return machine_teardown(state);
}

static struct shyper_event next_event(void)
{
	struct shyper_event event;

	assert_int_equal(shyper_events_read(events, &event), 1);
	return event;
}

static void assert_no_more(void)
{
	struct shyper_event event;

	assert_int_equal(shyper_events_read(events, &event), 0);
}

static void test_event_tells_the_state_that_has_passed(void **state)
{
	static const struct uevent list[] = {
		{ "cell1", "change", "paused", "none" },
		{ "cell1", "change", "failed", "unmapped" }, { 0 },
	};
	struct shyper_event event;

	(void)state;
	received = list;
	assert_int_equal(next_event().state, SHYPER_CELL_PAUSED);
	event = next_event();
	assert_int_equal(event.type, SHYPER_EVENT_CELL_CHANGED);
	assert_int_equal(event.state, SHYPER_CELL_FAILED);
	assert_string_equal(event.reason, "unmapped");
	assert_no_more();
}

/* A cell that was given back to the module has changed, its state has not. */
static void test_word_that_is_no_state_leaves_the_state(void **state)
{
	static const struct uevent list[] = {
		{ "cell1", "change", "adopted", NULL }, { "cell1", "change", NULL, NULL },
		{ "cell1", "change", "", NULL }, { 0 },
	};
	struct shyper_event event;
	int n;

	(void)state;
	received = list;
	for (n = 0; n < 3; n++) {
		event = next_event();
		assert_int_equal(event.type, SHYPER_EVENT_CELL_CHANGED);
		assert_int_equal(event.state, SHYPER_CELL_RUNNING);
		assert_string_equal(event.name, "small");
		assert_string_equal(event.reason, "none");
	}
	assert_no_more();
}

static void test_device_tells_of_its_backend(void **state)
{
	static const struct uevent list[] = {
		{ "cell1.con0", "change", "detached", NULL },
		{ "cell1.con0", "change", NULL, NULL }, { 0 },
	};

	(void)state;
	received = list;
	assert_string_equal(next_event().change, "detached");
	assert_string_equal(next_event().change, "");
	assert_no_more();
}

/* Listed at the beginning and reported too; gone without having been there. */
static void test_nothing_comes_twice(void **state)
{
	static const struct uevent list[] = {
		{ "cell1", "add", NULL, NULL }, { "cell2", "remove", NULL, NULL },
		{ "cell1", "remove", NULL, "module" }, { "cell1", "remove", NULL, NULL },
		{ "control", "add", NULL, NULL }, { 0 },
	};
	struct shyper_event event;

	(void)state;
	received = list;
	event = next_event();
	assert_int_equal(event.type, SHYPER_EVENT_CELL_REMOVED);
	assert_string_equal(event.reason, "module");
	assert_no_more();
}

/* udev's rules took their time: the listing has shown what became of it. */
static void test_what_was_before_does_not_come(void **state)
{
	static const struct uevent list[] = {
		{ "cell1", "change", "stopped", "off" }, { "cell1", "remove", NULL, NULL }, { 0 },
	};

	(void)state;
	received = list;
	number = "41";
	assert_no_more();
	received = list;
	number = "42";
	assert_int_equal(next_event().state, SHYPER_CELL_STOPPED);
	assert_int_equal(next_event().type, SHYPER_EVENT_CELL_REMOVED);
	assert_no_more();
}

/* The kernel drops what a slow reader's socket has no room for. */
static void test_what_was_lost_is_listed(void **state)
{
	static const struct uevent list[] = {
		{ "lost", NULL, NULL, NULL }, { "cell2", "add", NULL, NULL },
		{ "cell2", "change", "running", "none" }, { 0 },
	};
	struct machine *machine = *state;
	struct shyper_event event;
	char command[128];

	write_cell(machine, "cell2", "loaded\n");
	snprintf(command, sizeof(command), "rm -r '%s" CLASS "cell1.con0'", machine->root);
	assert_int_equal(system(command), 0);
	received = list;
	event = next_event();
	assert_int_equal(event.type, SHYPER_EVENT_CELL_ADDED);
	assert_string_equal(event.sysname, "cell2");
	assert_false(event.is_initial);
	assert_int_equal(event.state, SHYPER_CELL_LOADED);
	event = next_event();
	assert_int_equal(event.type, SHYPER_EVENT_DEVICE_REMOVED);
	assert_string_equal(event.sysname, "cell1.con0");
	assert_int_equal(next_event().state, SHYPER_CELL_RUNNING);
	assert_no_more();
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_event_tells_the_state_that_has_passed),
		TEST(test_word_that_is_no_state_leaves_the_state),
		TEST(test_device_tells_of_its_backend),
		TEST(test_nothing_comes_twice),
		TEST(test_what_was_lost_is_listed),
		TEST(test_what_was_before_does_not_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
