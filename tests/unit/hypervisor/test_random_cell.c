// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What root hands in to make a cell, good and damaged: hypervisor/cell-memory.c and
 * cell-check.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <asm/pgtable.h>

#include "cell-check.h"
#include "cell.h"
#include "mem.h"
#include "random.h"

#define RAM		0x40000000UL
#define NR_BLOCKS	64U
#define RESERVED	10U		/* EL2's */
#define STRANGER	11U		/* another cell's */
#define POOL_SIZE	(4UL << 20)
#define BITS_IN		40
#define LIMIT		BIT(BITS_IN)
#define GIB		(1UL << 30)
#define DEVICE_IPA	(GIB + BLOCK_SIZE + PAGE_SIZE)
#define CPUS		0xff0ffUL

static struct cell cell;
static struct hvisor_cell_page cell_page;
/* Some of the guest's blocks: physical address of each, and whether it may write. */
static u64 has[32];
static bool writable[ARRAY_SIZE(has)];

/* A table is for one GiB, so a batch may need several. */
static u64 ipa_of(u64 n)
{
	return n % 4 * GIB + n / 4 * BLOCK_SIZE;
}

static int make_pool(void **state)
{
	*state = aligned_alloc(BLOCK_SIZE, POOL_SIZE);
	mem_init((u64)*state, POOL_SIZE);
	assert_int_equal(mem_add_bank(RAM, NR_BLOCKS * BLOCK_SIZE), 0);
	mem_reserve(RAM + RESERVED * BLOCK_SIZE, 1);
	assert_int_equal(mem_lend(7, RAM + STRANGER * BLOCK_SIZE), 0);
	random_seed();
	return 0;
}

static int drop_pool(void **state)
{
	free(*state);
	return 0;
}

/* -- memory -- */

u32 s2_bits(void)
{
	return BITS_IN;
}

static void *page_alloc(void)
{
	return mem_alloc(1, 1);
}

static void page_free(void *page)
{
	mem_free(page, 1);
}

static const struct paging_ops ops = { .alloc = page_alloc, .free = page_free };

static enum mmio_result no_access(void *arg, struct mmio_access *access)
{
	(void)arg;
	(void)access;
	return MMIO_ABORT;
}

static void make_cell(void)
{
	memset(&cell, 0, sizeof(cell));
	memset(&cell_page, 0, sizeof(cell_page));
	memset(has, 0, sizeof(has));
	cell.id = 3;
	cell.page = &cell_page;
	cell.s2 = (struct paging){
		.root = mem_alloc(paging_root_pages(BITS_IN, 1), 2),
		.start = 1, .bits = BITS_IN, .ops = &ops,
	};
	assert_int_equal(mmio_region_register(&cell.mmio, DEVICE_IPA, PAGE_SIZE, no_access,
					      NULL), 0);
}

static void random_batch(struct hvisor_memory_batch *batch)
{
	u32 n;

	memset(batch, 0, sizeof(*batch));
	batch->size = sizeof(*batch);
	batch->flags = one_in(2) ? HVISOR_MEMORY_READ_ONLY : 0;
	batch->count = 1 + (u32)random_below(one_in(4) ? HVISOR_MEMORY_BATCH : 4);
	for (n = 0; n < batch->count; n++) {
		batch->blocks[n].ipa = ipa_of(random_below(ARRAY_SIZE(has)));
		batch->blocks[n].pa = RAM - BLOCK_SIZE + random_below(NR_BLOCKS + 2) * BLOCK_SIZE;
	}
	if (one_in(16))
		batch->blocks[0].ipa = (one_in(2) ? LIMIT : 0) - BLOCK_SIZE;
	if (one_in(2))
		random_damage(batch, one_in(2) ? 16 : sizeof(*batch), 3);
}

/* It is all right for itself, and all of it is to be had. */
static bool batch_is_good(const struct hvisor_memory_batch *batch)
{
	const struct hvisor_memory_block *b;
	u32 n, m;

	if (batch->size != sizeof(*batch) || batch->reserved || batch->flags > 1 ||
	    batch->count < 1 || batch->count > HVISOR_MEMORY_BATCH)
		return false;
	for (n = 0; n < batch->count; n++) {
		b = &batch->blocks[n];
		if (b->ipa % BLOCK_SIZE || b->pa % BLOCK_SIZE || b->ipa >= LIMIT ||
		    mem_owner(b->pa) || b->ipa == ALIGN_DOWN(DEVICE_IPA, BLOCK_SIZE) ||
		    paging_walk(&cell.s2, b->ipa, NULL))
			return false;
		for (m = 0; m < n; m++)
			if (b->pa == batch->blocks[m].pa || b->ipa == batch->blocks[m].ipa)
				return false;
	}
	return true;
}

/* Damage may put a block elsewhere in the guest: there it is looked for at once. */
static void note_batch(const struct hvisor_memory_batch *batch)
{
	const struct hvisor_memory_block *b;
	u32 n, i;

	for (n = 0; n < batch->count; n++) {
		b = &batch->blocks[n];
		assert_int_equal(mem_owner(b->pa), cell.id);
		assert_int_equal(paging_walk(&cell.s2, b->ipa, NULL) & PTE_ADDR_MASK, b->pa);
		for (i = 0; i < ARRAY_SIZE(has) && ipa_of(i) != b->ipa; i++)
			;
		if (i == ARRAY_SIZE(has))
			continue;
		has[i] = b->pa;
		writable[i] = !batch->flags;
	}
}

static void check_cell(void)
{
	u64 entry;
	u32 n, lent = 0;

	for (n = 0; n < NR_BLOCKS; n++)
		lent += mem_owner(RAM + n * BLOCK_SIZE) == cell.id;
	assert_int_equal(lent, cell_page.memory_blocks);
	assert_int_equal(mem_owner(RAM + RESERVED * BLOCK_SIZE), MEM_OWNER_EL2);
	assert_int_equal(mem_owner(RAM + STRANGER * BLOCK_SIZE), 7);
	for (n = 0; n < ARRAY_SIZE(has); n++) {
		entry = paging_walk(&cell.s2, ipa_of(n), NULL);
		assert_int_equal(entry & PTE_ADDR_MASK, has[n]);
		assert_int_equal(!!(entry & S2_WRITE), entry && writable[n]);
	}
}

/* As destroy does it. */
static void drop_cell(void)
{
	struct hvisor_memory_batch batch;
	u64 ipa = 0;
	u32 n;

	while (ipa != ~0UL) {
		ipa = cell_list_memory(&cell, ipa, &batch);
		for (n = 0; n < batch.count; n++) {
			assert_int_equal(paging_unmap(&cell.s2, batch.blocks[n].ipa, BLOCK_SIZE), 0);
			assert_int_equal(mem_return(cell.id, batch.blocks[n].pa), 0);
		}
	}
	assert_int_equal(mem_next(cell.id, 0), ~0UL);
	paging_destroy(&cell.s2);
}

/* Nearly all of the pool, so that a batch cannot have all tables that it wants. */
static void *random_shortage(unsigned int *pages)
{
	*pages = (unsigned int)(mem_pages_free() - random_below(3));
	return one_in(8) ? mem_alloc(*pages, 1) : NULL;
}

/* Tables that were made for a batch which was refused stay; nothing else may. */
static bool add_something(void)
{
	struct hvisor_memory_batch batch;
	unsigned int pages;
	u64 left;
	void *hog;
	bool good;
	int ret;

	random_batch(&batch);
	good = batch_is_good(&batch);
	hog = random_shortage(&pages);
	left = mem_pages_free();
	ret = cell_add_memory(&cell, &batch);
	assert_true(ret < 0 ? !good || (ret == -ENOMEM && hog) : good);
	if (!good)
		assert_int_equal(mem_pages_free(), left);
	mem_free(hog, pages);
	if (ret < 0)
		return false;
	assert_int_equal(ret, batch.count);
	note_batch(&batch);
	return true;
}

static void random_batches_are_added_or_refused(void **state)
{
	u32 life, n, added = 0, blocks;
	u64 before;

	(void)state;
	before = mem_pages_free();
	for (life = 0; life < 100; life++) {
		make_cell();
		for (n = 0; n < 40; n++) {
			blocks = cell_page.memory_blocks;
			if (add_something())
				added++;
			else
				assert_int_equal(cell_page.memory_blocks, blocks);
			check_cell();
		}
		drop_cell();
		assert_int_equal(mem_pages_free(), before);
	}
	assert_true(added > 100);
}

/* -- descriptor of a cell -- */

static bool is_inside(u64 start, u64 size)
{
	return start <= LIMIT - size && start % 0x10000 == 0;
}

static bool desc_is_good(const struct hvisor_cell_desc *desc)
{
	u64 n, nr = 0, gicr;

	for (n = 0; n < 64; n++)
		nr += desc->cpus >> n & 1;
	gicr = nr * 0x20000;
	return desc->size == sizeof(*desc) && !desc->flags &&
	       name_is_good(desc->name, sizeof(desc->name)) &&
	       nr && nr <= 16 && (desc->cpus | CPUS) == CPUS &&
	       is_inside(desc->gicd_ipa, 0x10000) && is_inside(desc->gicr_ipa, gicr) &&
	       (desc->gicd_ipa + 0x10000 <= desc->gicr_ipa ||
		desc->gicr_ipa + gicr <= desc->gicd_ipa);
}

static void random_descriptors_of_cells_are_good_or_refused(void **state)
{
	struct hvisor_cell_desc desc;
	u32 n, good = 0;
	bool wanted;

	(void)state;
	for (n = 0; n < 200000; n++) {
		desc = (struct hvisor_cell_desc){
			.size = sizeof(desc), .name = "a-Z_09",
			.cpus = one_in(2) ? random_u64() & CPUS : 1UL << random_below(20),
			.gicd_ipa = random_below(32) * 0x10000,
			.gicr_ipa = random_below(32) * 0x10000,
		};
		if (one_in(8))
			desc.gicr_ipa = (one_in(2) ? LIMIT : 0) - random_below(40) * 0x10000;
		random_damage(&desc, sizeof(desc), 4);
		if (one_in(100))
			random_damage(&desc, sizeof(desc), 200);
		wanted = desc_is_good(&desc);
		assert_int_equal(cell_desc_check(&desc, CPUS, LIMIT), wanted ? 0 : -EINVAL);
		good += wanted;
	}
	assert_true(good > 1000);
}

#define TEST(test)	cmocka_unit_test_setup_teardown(test, make_pool, drop_pool)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(random_batches_are_added_or_refused),
		TEST(random_descriptors_of_cells_are_good_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
