// SPDX-License-Identifier: GPL-2.0-or-later
/* How a tap comes into its bridge, whatever it is in already; the kernel is ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../../shyper-cli/backend/net-tap.c"

/* The tap in root: the bridge that it is in, or "". */
static char master[IFNAMSIZ];
static bool persistent;
static struct net net;

int __wrap_ioctl(int fd, unsigned long number, void *argument);
ssize_t __wrap_readlink(const char *file, char *target, size_t size);

static int refuse(int err)
{
	errno = err;
	return -1;
}

int __wrap_ioctl(int fd, unsigned long number, void *argument)
{
	struct ifreq *request = argument;

	(void)fd;
	switch (number) {
	case SIOCGIFINDEX:
		request->ifr_ifindex = 7;
		return 0;
	case TUNGETIFF:
		request->ifr_flags = IFF_TAP | (persistent ? IFF_PERSIST : 0);
		return 0;
	case SIOCBRADDIF:
		assert_int_equal(request->ifr_ifindex, 7);
		if (!strcmp(request->ifr_name, "none"))
			return refuse(ENODEV);
		if (*master)
			return refuse(EBUSY);
		strcpy(master, request->ifr_name);
		return 0;
	case SIOCBRDELIF:
		assert_int_equal(request->ifr_ifindex, 7);
		if (strcmp(master, request->ifr_name))
			return refuse(EINVAL);
		*master = '\0';
		return 0;
	default:
		return refuse(ENOTTY);
	}
}

ssize_t __wrap_readlink(const char *file, char *target, size_t size)
{
	assert_string_equal(file, "/sys/class/net/tap7/master");
	if (!*master)
		return refuse(ENOENT);
	return snprintf(target, size, "../../virtual/net/%s", master);
}

static int join(const char *bridge, const char *is_in, bool is_persistent)
{
	memset(&net, 0, sizeof(net));
	strcpy(net.config.tap, "tap7");
	strcpy(net.config.bridge, bridge);
	strcpy(master, is_in);
	persistent = is_persistent;
	return join_bridge(0, &net);
}

static void test_joins(void **state)
{
	(void)state;
	assert_int_equal(join("br0", "", false), 0);
	assert_string_equal(master, "br0");
	assert_int_equal(join("none", "", false), SHYPER_EXIT_CONFIG);
}

static void test_is_there_already(void **state)
{
	(void)state;
	assert_int_equal(join("br0", "br0", true), 0);
	assert_string_equal(master, "br0");
}

/* Our own is moved. */
static void test_is_moved(void **state)
{
	(void)state;
	assert_int_equal(join("br0", "br1", false), 0);
	assert_string_equal(master, "br0");
}

/* Somebody's stays where it is. */
static void test_is_left(void **state)
{
	(void)state;
	assert_int_equal(join("br0", "br1", true), SHYPER_EXIT_CONFIG);
	assert_string_equal(master, "br1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_joins), cmocka_unit_test(test_is_there_already),
		cmocka_unit_test(test_is_moved), cmocka_unit_test(test_is_left),
	};

	return cmocka_run_group_tests_name("virtio/net-tap", tests, NULL, NULL);
}
