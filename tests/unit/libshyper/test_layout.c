// SPDX-License-Identifier: LGPL-2.1-or-later
/* Addresses and interrupts of devices; places of images. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cell-config.h"
#include "image.h"
#include "machine.h"

#define HEAD "{\"version\":1,\"name\":\"a\",\"cpus\":2,\"memory\":\"64M\"," \
	     "\"boot\":{\"kernel\":\"/boot/vmlinuz\"},\"devices\":["

static struct shyper_config *parse(const struct machine *machine,
				   const char *devices)
{
	struct shyper_config *config = NULL;
	char text[4096];

	snprintf(text, sizeof(text), HEAD "%s]}", devices);
	assert_int_equal(config_parse(machine->ctx, "test", text, strlen(text),
				      false, &config), 0);
	assert_true(shyper_config_is_valid(config));
	return config;
}

static void test_addresses_follow_the_index(void **state)
{
	struct shyper_config *config = parse(*state,
		"{\"type\":\"console\",\"name\":\"c\"},"
		"{\"type\":\"echo\",\"name\":\"e0\"},"
		"{\"type\":\"blk\",\"name\":\"b\",\"path\":\"/x\"},"
		"{\"type\":\"echo\",\"name\":\"e1\",\"length\":\"64K\"}");

	assert_int_equal(config->devices[0].ipa, 0x0a000000);
	assert_int_equal(config->devices[0].irq, 48);
	assert_int_equal(config->devices[1].ipa, 0x0b000000);
	assert_int_equal(config->devices[1].irq, 0);
	assert_int_equal(config->devices[2].ipa, 0x0a002000);
	assert_int_equal(config->devices[2].irq, 50);
	assert_int_equal(config->devices[3].ipa, 0x0b010000);
	shyper_config_free(config);
}

static void test_given_address_is_kept_and_avoided(void **state)
{
	struct shyper_config *config = parse(*state,
		"{\"type\":\"console\",\"name\":\"c\"},"
		"{\"type\":\"console\",\"name\":\"d\",\"address\":\"0x0a000000\"}");

	assert_int_equal(config->devices[1].ipa, 0x0a000000);
	assert_int_equal(config->devices[0].ipa, 0x0a001000);
	shyper_config_free(config);
}

static void test_descriptors_are_what_el2_takes(void **state)
{
	struct shyper_config *config = parse(*state,
		"{\"type\":\"blk\",\"name\":\"b\",\"path\":\"/x\",\"deadline_ms\":9,"
		"\"policy\":\"stop-cell\"},{\"type\":\"echo\",\"name\":\"e\"}");
	struct hvisor_device_desc desc;

	layout_describe_device(config, 0, &desc);
	assert_int_equal(desc.size, sizeof(desc));
	assert_int_equal(desc.kind, HVISOR_DEVICE_VIRTIO);
	assert_string_equal((char *)desc.name, "b");
	assert_int_equal(desc.length, 4096);
	assert_int_equal(desc.irq, 48);
	assert_int_equal(desc.nr_queues, 2);
	assert_int_equal(desc.queue_size, 256);
	assert_int_equal(desc.deadline_ms, 9);
	assert_int_equal(desc.policy, HVISOR_POLICY_STOP_CELL);
	layout_describe_device(config, 1, &desc);
	assert_int_equal(desc.kind, HVISOR_DEVICE_MMIO);
	assert_int_equal(desc.irq | desc.nr_queues | desc.queue_size, 0);
	layout_describe_device(config, 2, &desc);
	assert_int_equal(desc.kind, HVISOR_DEVICE_EARLYCON);
	assert_int_equal(desc.ipa, 0x09000000);
	assert_int_equal(desc.length, 4096);
	shyper_config_free(config);
}

/* One for each CPU up to four, as the backend's text says, too. */
static void test_queues_of_a_disk(void **state)
{
	static const struct {
		const char *cpus, *queues;
		unsigned int wanted;
	} cases[] = {
		{ "1", "", 1 }, { "3", "", 3 }, { "5", "", 4 }, { "[2,3]", "", 2 },
		{ "1", ",\"queues\":16", 16 }, { "8", ",\"queues\":1", 1 },
	};
	const struct machine *machine = *state;
	struct shyper_config *config;
	char text[512], wanted[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(text, sizeof(text), "{\"version\":1,\"name\":\"a\",\"cpus\":%s,"
			 "\"memory\":\"64M\",\"boot\":{\"kernel\":\"/boot/vmlinuz\"},"
			 "\"devices\":[{\"type\":\"blk\",\"name\":\"b\",\"path\":\"/x\"%s}]}",
			 cases[i].cpus, cases[i].queues);
		assert_int_equal(config_parse(machine->ctx, "test", text, strlen(text),
					      false, &config), 0);
		assert_true(shyper_config_is_valid(config));
		assert_int_equal(config->devices[0].nr_queues, cases[i].wanted);
		snprintf(wanted, sizeof(wanted), "\"queues\":%u", cases[i].wanted);
		assert_non_null(strstr(config->devices[0].text, wanted));
		shyper_config_free(config);
	}
}

static void test_interrupts_keep_out_of_each_others_way(void **state)
{
	struct shyper_config *config = parse(*state,
		"{\"type\":\"console\",\"name\":\"c\"},"
		"{\"type\":\"pl011\",\"name\":\"u\"},"
		"{\"type\":\"user\",\"name\":\"r\",\"length\":\"4K\",\"interrupt\":255},"
		"{\"type\":\"user\",\"name\":\"s\",\"length\":\"4K\"},"
		"{\"type\":\"console\",\"name\":\"d\",\"interrupt\":48}");
	struct hvisor_device_desc desc;

	assert_int_equal(config->devices[0].irq, 49);
	assert_int_equal(config->devices[1].irq, 50);
	assert_int_equal(config->devices[2].irq, 255);
	assert_int_equal(config->devices[3].irq, 0);
	assert_int_equal(config->devices[4].irq, 48);
	layout_describe_device(config, 1, &desc);
	assert_int_equal(desc.kind, HVISOR_DEVICE_MMIO);
	assert_int_equal(desc.irq, 50);
	assert_int_equal(desc.ipa, 0x0b000000);
	shyper_config_free(config);
}

static void test_early_console_makes_way(void **state)
{
	struct shyper_config *config = parse(*state,
		"{\"type\":\"echo\",\"name\":\"e\",\"address\":\"0x09001000\"},"
		"{\"type\":\"pl011\",\"name\":\"u\",\"address\":\"0x09000000\"}");
	struct hvisor_device_desc desc;

	layout_describe_device(config, 2, &desc);
	assert_int_equal(desc.kind, HVISOR_DEVICE_EARLYCON);
	assert_int_equal(desc.ipa, 0x09002000);
	shyper_config_free(config);
}

static void put_header(uint8_t *header, uint64_t offset, uint64_t size,
		       uint64_t flags)
{
	memset(header, 0, IMAGE_HEADER_SIZE);
	memcpy(header + 8, &offset, 8);
	memcpy(header + 16, &size, 8);
	memcpy(header + 24, &flags, 8);
	memcpy(header + 56, "ARM\x64", 4);
}

static void test_image_header_is_checked(void **state)
{
	uint8_t header[IMAGE_HEADER_SIZE];
	struct image_info info;

	(void)state;
	put_header(header, 0, 0x2100000, 0xa);
	assert_int_equal(image_parse_header(header, 0x2000000, &info), 0);
	assert_int_equal(info.size, 0x2100000);
	put_header(header, 0, 0x1000, 0xa);
	assert_int_equal(image_parse_header(header, 0x2000, &info), 0);
	assert_int_equal(info.size, 0x2000);
	put_header(header, 0, 0, 0);
	assert_int_equal(image_parse_header(header, 0x2000, &info), 0);
	assert_int_equal(info.text_offset, 0x80000);
	put_header(header, 0, 0x1000, 1);
	assert_int_equal(image_parse_header(header, 0x2000, &info), -EINVAL);
	put_header(header, 0x200000, 0x1000, 0);
	assert_int_equal(image_parse_header(header, 0x2000, &info), -EINVAL);
	put_header(header, 0, ~0ULL, 0);
	assert_int_equal(image_parse_header(header, 0x2000, &info), -EINVAL);
	put_header(header, 0, 0x1000, 0);
	assert_int_equal(image_parse_header(header, 63, &info), -ENOEXEC);
	header[56] = 0;
	assert_int_equal(image_parse_header(header, 0x2000, &info), -ENOEXEC);
}

static void test_images_do_not_overlap(void **state)
{
	const struct image_info info = { .text_offset = 0x80000, .size = 0x300000 };
	struct image_layout layout;

	(void)state;
	image_place(&info, 12345, &layout);
	assert_int_equal(layout.kernel, 0x80000);
	assert_int_equal(layout.dtb, 0x400000);
	assert_int_equal(layout.initrd, 0x410000);
	assert_int_equal(layout.end, 0x410000 + 12345);
	/* The tree elsewhere: before, between and behind them, but not in one. */
	assert_true(image_move_dtb(&layout, 0x70000));
	assert_true(image_move_dtb(&layout, 0x400000));
	assert_false(image_move_dtb(&layout, 0x70008));
	assert_false(image_move_dtb(&layout, 0x37fff8));
	assert_false(image_move_dtb(&layout, 0x410000));
	assert_true(image_move_dtb(&layout, 0x414000));
	assert_int_equal(layout.end, 0x424000);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_addresses_follow_the_index),
		TEST(test_given_address_is_kept_and_avoided),
		TEST(test_descriptors_are_what_el2_takes),
		TEST(test_queues_of_a_disk),
		TEST(test_interrupts_keep_out_of_each_others_way),
		TEST(test_early_console_makes_way),
		cmocka_unit_test(test_image_header_is_checked),
		cmocka_unit_test(test_images_do_not_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
