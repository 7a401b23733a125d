// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shyper-rtc: a real-time clock, Arm's PL031 (DDI 0224), that shows root's time of
 * day. What a guest writes changes nothing: the clock is root's, and whoever
 * wants another time keeps it in its own kernel.
 */
#include <time.h>

#include "program.h"

#define RTC_DATA	0x000
#define RTC_CONTROL	0x00c	/* bit 0: it runs, and cannot be stopped */
#define RTC_ID		0xfe0	/* eight registers, a byte each: PL031, revision 0 */

static uint64_t rtc_load(struct shyper_backend *backend, unsigned int cpu,
			 uint32_t offset, uint32_t length)
{
	static const uint8_t id[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	(void)backend;
	(void)cpu;
	/* The registers are words. */
	if (length != 4 || offset % 4)
		return 0;
	if (offset >= RTC_ID && offset < RTC_ID + 32)
		return id[(offset - RTC_ID) / 4];
	switch (offset) {
	case RTC_DATA:
		return (uint32_t)time(NULL);
	case RTC_CONTROL:
		return 1;
	default:
		return 0;
	}
}

static const struct shyper_backend_ops rtc_ops = {
	.load = rtc_load,
};

static int rtc_open(struct shyper_backend *backend, const json_t *config)
{
	(void)backend;
	(void)config;
	return 0;
}

#ifndef RTC_TEST
int main(int argc, char **argv)
{
	static const struct backend_program program = {
		.name = "shyper-rtc",
		.ops = &rtc_ops,
		.open = rtc_open,
	};

	return backend_main(argc, argv, &program);
}
#endif
