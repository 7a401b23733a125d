// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-rtc: what its registers show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define RTC_TEST
#include "../../../shyper-cli/backend/rtc.c"

#include <signal.h>
#include <sys/wait.h>

#include "../../../shyper-cli/backend/jail.h"

#include "el2.h"

static int serve(void)
{
	struct shyper_backend *backend = el2_backend_open("cell1.rtc0", &rtc_ops, NULL);

	if (!backend || rtc_open(backend, NULL) || jail_enter(NULL))
		return 100;
	return shyper_backend_attach(backend) || shyper_backend_run(backend) ? 101 : 0;
}

static uint64_t load(uint32_t offset, uint32_t length)
{
	uint64_t value = 0;

	el2_post(HVISOR_OP_LOAD, 1, offset, length, 0);
	assert_true(el2_answered(1, &value, 1000));
	return value;
}

static void test_registers(void **state)
{
	static const uint32_t id[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	uint64_t before, now;
	unsigned int n;

	(void)state;
	el2_init(HVISOR_DEVICE_MMIO, NULL, 0);
	el2_backend_start(serve);
	for (n = 0; n < 8; n++)
		assert_int_equal(load(0xfe0 + 4 * n, 4), id[n]);
	before = time(NULL);
	now = load(0, 4);
	assert_in_range(now, before, time(NULL));
	assert_int_equal(load(0xc, 4), 1);
	/* A guest cannot set it, or stop it. */
	el2_post(HVISOR_OP_STORE, 1, 0x8, 4, 1000);
	assert_true(el2_answered(1, NULL, 1000));
	el2_post(HVISOR_OP_STORE, 1, 0xc, 4, 0);
	assert_true(el2_answered(1, NULL, 1000));
	assert_int_equal(load(0xc, 4), 1);
	assert_in_range(load(0, 4), before, time(NULL));
	/* No register: in between, of another size, beyond the page. */
	assert_int_equal(load(0x10, 4), 0);
	assert_int_equal(load(0xfe2, 4), 0);
	assert_int_equal(load(0xfe0, 1), 0);
	assert_int_equal(load(0xf000, 4), 0);
	assert_int_equal(WEXITSTATUS(el2_backend_stop(SIGTERM)), 0);
	el2_exit();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
	};

	return cmocka_run_group_tests_name("virtio/rtc", tests, NULL, NULL);
}
