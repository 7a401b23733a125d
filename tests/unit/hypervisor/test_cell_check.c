// SPDX-License-Identifier: GPL-2.0-or-later
/* What root hands in to make a cell: hypervisor/cell-check.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cell-check.h"

#define LIMIT	(1UL << 40)
#define CPUS	0xffUL
#define MIB	(1UL << 20)

static struct hvisor_cell_desc good_desc(void)
{
	return (struct hvisor_cell_desc){
		.size = sizeof(struct hvisor_cell_desc),
		.name = "a-Z_09",
		.cpus = 0x6,
		.gicd_ipa = 0x08000000,
		.gicr_ipa = 0x080a0000,
	};
}

static int check(const struct hvisor_cell_desc *desc)
{
	return cell_desc_check(desc, CPUS, LIMIT);
}

static void a_good_descriptor_passes(void **state)
{
	struct hvisor_cell_desc desc = good_desc();

	(void)state;
	assert_int_equal(check(&desc), 0);
	/* Next to each other, and up to the very end. */
	desc.gicd_ipa = LIMIT - 2 * GICR_IPA_SIZE - GICD_IPA_SIZE;
	desc.gicr_ipa = LIMIT - 2 * GICR_IPA_SIZE;
	assert_int_equal(check(&desc), 0);
	desc = good_desc();
	memset(desc.name, 'x', sizeof(desc.name) - 1);
	assert_int_equal(check(&desc), 0);
}

static void size_and_flags_are_checked(void **state)
{
	struct hvisor_cell_desc desc = good_desc();

	(void)state;
	desc.size--;
	assert_int_equal(check(&desc), -EINVAL);
	desc = good_desc();
	desc.flags = 1;
	assert_int_equal(check(&desc), -EINVAL);
}

static void bad_names_are_refused(void **state)
{
	static const char *const bad[] = { "", "a b", "a/b", "\xc3\xa4", "a.b", "a\n" };
	struct hvisor_cell_desc desc;
	u32 n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(bad); n++) {
		desc = good_desc();
		memset(desc.name, 0, sizeof(desc.name));
		memcpy(desc.name, bad[n], strlen(bad[n]));
		assert_int_equal(check(&desc), -EINVAL);
	}
	desc = good_desc();
	memset(desc.name, 'x', sizeof(desc.name));	/* no end */
	assert_int_equal(check(&desc), -EINVAL);
	desc = good_desc();
	desc.name[sizeof(desc.name) - 1] = 'x';		/* not zero behind the end */
	assert_int_equal(check(&desc), -EINVAL);
}

static void cpus_must_exist_and_be_few(void **state)
{
	struct hvisor_cell_desc desc = good_desc();

	(void)state;
	desc.cpus = 0;
	assert_int_equal(check(&desc), -EINVAL);
	desc.cpus = 0x100;
	assert_int_equal(check(&desc), -EINVAL);
	desc.cpus = 0xffff;
	assert_int_equal(cell_desc_check(&desc, ~0UL, LIMIT), 0);
	desc.cpus = 0x1ffff;
	assert_int_equal(cell_desc_check(&desc, ~0UL, LIMIT), -EINVAL);
}

static void gic_pages_must_fit(void **state)
{
	static const u64 bad[][2] = {
		{ 0x08001000, 0x080a0000 }, { 0x08000000, 0x080a1000 },	/* not aligned */
		{ 0x080b0000, 0x080a0000 }, { 0x080d0000, 0x080a0000 },	/* overlap */
		{ LIMIT, 0x080a0000 }, { 0x08000000, LIMIT },
		{ 0x08000000, LIMIT - GICR_IPA_SIZE },			/* half outside */
		{ -GICD_IPA_SIZE, 0x080a0000 }, { 0x08000000, -GICD_IPA_SIZE },
	};
	struct hvisor_cell_desc desc = good_desc();
	u32 n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(bad); n++) {
		desc.gicd_ipa = bad[n][0];
		desc.gicr_ipa = bad[n][1];
		assert_int_equal(check(&desc), -EINVAL);
	}
}

static struct hvisor_memory_batch good_batch(u32 count)
{
	struct hvisor_memory_batch batch = { .size = sizeof(batch), .count = count };
	u32 n;

	for (n = 0; n < count && n < HVISOR_MEMORY_BATCH; n++) {
		batch.blocks[n].pa = 0x50000000 + n * 2 * MIB;
		batch.blocks[n].ipa = 0x40000000 + n * 2 * MIB;
	}
	return batch;
}

static void a_good_batch_passes(void **state)
{
	struct hvisor_memory_batch batch = good_batch(HVISOR_MEMORY_BATCH);

	(void)state;
	assert_int_equal(cell_batch_check(&batch, LIMIT), 0);
	batch.flags = HVISOR_MEMORY_READ_ONLY;
	batch.blocks[5].ipa = LIMIT - 2 * MIB;
	assert_int_equal(cell_batch_check(&batch, LIMIT), 0);
}

static void bad_batches_are_refused(void **state)
{
	struct hvisor_memory_batch batch = good_batch(0);

	(void)state;
	assert_int_equal(cell_batch_check(&batch, LIMIT), -EINVAL);
	batch = good_batch(HVISOR_MEMORY_BATCH + 1);
	assert_int_equal(cell_batch_check(&batch, LIMIT), -EINVAL);
	batch = good_batch(2);
	batch.size = 8;
	assert_int_equal(cell_batch_check(&batch, LIMIT), -EINVAL);
	batch = good_batch(2);
	batch.reserved = 1;
	assert_int_equal(cell_batch_check(&batch, LIMIT), -EINVAL);
	batch = good_batch(2);
	batch.flags = 2;
	assert_int_equal(cell_batch_check(&batch, LIMIT), -EINVAL);
	batch = good_batch(2);
	batch.blocks[1].pa += 4096;
	assert_int_equal(cell_batch_check(&batch, LIMIT), -EINVAL);
	batch = good_batch(2);
	batch.blocks[1].ipa += MIB;
	assert_int_equal(cell_batch_check(&batch, LIMIT), -EINVAL);
	batch = good_batch(2);
	batch.blocks[1].ipa = LIMIT;
	assert_int_equal(cell_batch_check(&batch, LIMIT), -EINVAL);
	batch.blocks[1].ipa = -2 * MIB;
	assert_int_equal(cell_batch_check(&batch, LIMIT), -EINVAL);
}

static void twins_in_a_batch_are_found(void **state)
{
	struct hvisor_memory_batch batch = good_batch(8);

	(void)state;
	batch.blocks[7].pa = batch.blocks[2].pa;
	assert_int_equal(cell_batch_check(&batch, LIMIT), -EBUSY);
	batch = good_batch(8);
	batch.blocks[7].ipa = batch.blocks[0].ipa;
	assert_int_equal(cell_batch_check(&batch, LIMIT), -EEXIST);
	/* What is beyond count does not count. */
	batch.count = 7;
	assert_int_equal(cell_batch_check(&batch, LIMIT), 0);
}

/* cell.h's picture, state by state. */
static void each_state_allows_its_calls(void **state)
{
	static const struct {
		u32 state;
		bool add, load, start, stop, pause;
	} rows[] = {
		{ HVISOR_CELL_NONE, false, false, false, false, false },
		{ HVISOR_CELL_CREATED, true, true, false, false, false },
		{ HVISOR_CELL_LOADED, false, true, true, true, false },
		{ HVISOR_CELL_RUNNING, false, false, false, true, true },
		{ HVISOR_CELL_PAUSED, false, false, false, true, true },
		{ HVISOR_CELL_STOPPED, false, true, false, true, false },
		{ HVISOR_CELL_FAILED, false, true, false, true, false },
		{ HVISOR_CELL_DYING, false, false, false, false, false },
		{ 32 + HVISOR_CELL_CREATED, false, false, false, false, false },
	};
	u32 n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(rows); n++) {
		assert_int_equal(cell_call_allowed(rows[n].state, CELL_CALL_ADD), rows[n].add);
		assert_int_equal(cell_call_allowed(rows[n].state, CELL_CALL_LOAD), rows[n].load);
		assert_int_equal(cell_call_allowed(rows[n].state, CELL_CALL_START),
				 rows[n].start);
		assert_int_equal(cell_call_allowed(rows[n].state, CELL_CALL_STOP), rows[n].stop);
		assert_int_equal(cell_call_allowed(rows[n].state, CELL_CALL_PAUSE),
				 rows[n].pause);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_descriptor_passes),
		cmocka_unit_test(size_and_flags_are_checked),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(cpus_must_exist_and_be_few),
		cmocka_unit_test(gic_pages_must_fit),
		cmocka_unit_test(a_good_batch_passes),
		cmocka_unit_test(bad_batches_are_refused),
		cmocka_unit_test(twins_in_a_batch_are_found),
		cmocka_unit_test(each_state_allows_its_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
