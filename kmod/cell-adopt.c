// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cells that were there before the module (docs/theory-cells.md, The module goes
 * and comes).
 *
 * EL2 tells all of them but what only user space knew: which files their memory
 * is, the types of their devices, the JSON texts. The module that left them also
 * left its pins on their pages, one for each block that EL2 lists; those are
 * ours from now on. A cell is found so while the module loads, and is orphaned
 * until its monitor tells the rest.
 */
#include "hvisor.h"

#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

/* -- what EL2 lists -- */

/* All blocks that EL2 has lent to a cell, in the order of IPA. */
struct listing {
	struct hvisor_cell *cell;
	u64 next;	/* where to go on; ~0: at the end */
	struct hvisor_memory_batch batch;
};

/* The next batch; it may be empty. */
static int listing_read(struct listing *listing)
{
	struct hvisor_hypercall call = {
		.nr = HVISOR_HC_CELL_LIST_MEMORY,
		.x = { 0, listing->next },
		.ret_arg = &listing->batch, .arg_size = sizeof(listing->batch),
	};
	int err;

	err = hvisor_cell_hypercall(listing->cell, &call);
	if (err)
		return err;
	if (listing->batch.count > HVISOR_MEMORY_BATCH || call.x[0] <= listing->next)
		return -EPROTO;
	listing->next = call.x[0];
	return 0;
}

static int for_each_block(struct hvisor_cell *cell, void *data,
			  int (*function)(void *data, struct page *page, u64 ipa,
					  u32 flags))
{
	const struct hvisor_memory_block *block;
	struct listing *listing;
	int err = 0;
	u32 i;

	listing = kzalloc(sizeof(*listing), GFP_KERNEL);
	if (!listing)
		return -ENOMEM;
	listing->cell = cell;
	while (!err && listing->next != ~0ULL) {
		err = listing_read(listing);
		for (i = 0; !err && i < listing->batch.count; i++) {
			block = &listing->batch.blocks[i];
			err = pfn_valid(PHYS_PFN(block->pa)) ?
			      function(data, pfn_to_page(PHYS_PFN(block->pa)),
				       block->ipa, listing->batch.flags) :
			      -EOWNERDEAD;
		}
		cond_resched();
	}
	kfree(listing);
	return err;
}

/* -- a cell is found -- */

/* As far as can be seen: another kernel's pages are no pinned hugepages here. */
static bool page_is_pinned(struct page *page)
{
	return PageHuge(page) && PageHead(page) &&
	       folio_maybe_dma_pinned(page_folio(page));
}

static int keep_page(void *data, struct page *page, u64 ipa, u32 flags)
{
	struct hvisor_cell *cell = data;

	if (!page_is_pinned(page))
		return -EOWNERDEAD;
	if (cell->nr_kept == cell->mapped->memory_blocks)
		return -EPROTO;
	cell->kept[cell->nr_kept++] = page;
	return 0;
}

static int find_memory(struct hvisor_cell *cell)
{
	u32 count = cell->mapped->memory_blocks;
	int err;

	cell->kept = kvcalloc(count ?: 1, sizeof(*cell->kept), GFP_KERNEL);
	if (!cell->kept)
		return -ENOMEM;
	err = for_each_block(cell, cell, keep_page);
	if (!err && cell->nr_kept != count)
		err = -EPROTO;
	return err;
}

static int find_device(struct hvisor_cell *cell, u32 index)
{
	const struct hvisor_device_page *page;
	struct hvisor_device_desc desc = { .size = sizeof(desc) };
	struct hvisor_device *device;

	page = hvisor_map(cell->mapped->devices[index], HVISOR_PAGE_SIZE);
	if (!page)
		return -EIO;
	desc.kind = page->kind;
	memcpy(desc.name, page->name, sizeof(desc.name));
	desc.ipa = page->ipa;
	desc.length = page->length;
	desc.irq = page->irq;
	desc.queue_size = page->queue_size;
	hvisor_unmap(page);
	device = hvisor_device_alloc(cell, index, &desc);
	if (IS_ERR(device))
		return PTR_ERR(device);
	cell->devices[index] = device;
	cell->nr_devices = index + 1;
	return dev_set_name(&device->dev, "cell%u.%s", cell->id, desc.name);
}

static int find_devices(struct hvisor_cell *cell)
{
	u32 i, count = cell->mapped->nr_devices;
	int err = 0;

	if (count > HVISOR_MAX_DEVICES)
		return -EPROTO;
	for (i = 0; !err && i < count; i++)
		err = find_device(cell, i);
	return err ?: hvisor_cell_map_devices(cell) ?: hvisor_virtio_group_init(cell);
}

static int find_self(struct hvisor_cell *cell)
{
	const struct hvisor_cell_page *page = cell->mapped;

	if (!hvisor_name_is_valid(page->name, sizeof(page->name)))
		return -EPROTO;
	memcpy(cell->name, page->name, sizeof(cell->name));
	cell->orphaned = true;
	hvisor_cpus_find(cell);
	return 0;
}

/*
 * Root's kernel does not keep the memory of this one, so each page of it may be
 * in use by now. What is destroyed at once does the least harm.
 */
static int cell_abandon(struct hvisor_cell *cell)
{
	dev_warn(&hvisor.pdev->dev, "cell %u '%s' was left by another kernel: destroyed\n",
		 cell->id, cell->mapped->name);
	hvisor_cpus_find(cell);
	cell->nr_kept = 0;
	return hvisor_cell_dismantle(cell, HVISOR_DEFAULT_TIMEOUT);
}

/* Half destroyed, it has not all pages any more. */
static bool is_dying(const struct hvisor_cell *cell)
{
	return cell->mapped && cell->mapped->state == HVISOR_CELL_DYING;
}

static int cell_find(u32 id)
{
	struct hvisor_cell *cell;
	int err;

	cell = hvisor_cell_alloc();
	if (!cell)
		return -ENOMEM;
	err = hvisor_cell_insert(cell, id);
	if (err) {
		/* With a number it is in the table, whose reference this is. */
		if (!cell->id)
			hvisor_cell_put(cell);
		return err;
	}
	/* From here on hvisor_cells_leave() finds what there is of it. */
	err = hvisor_cell_map(cell) ?:
	      find_self(cell) ?:
	      find_devices(cell) ?:
	      find_memory(cell);
	if (err == -EOWNERDEAD || (err && is_dying(cell)))
		return cell_abandon(cell);
	if (err)
		return err;
	hvisor_cell_read_status(cell, &cell->told);
	err = hvisor_irq_init(cell) ?:
	      hvisor_add(&cell->dev) ?:
	      hvisor_statistics_init(cell);
	if (!err)
		hvisor_tell(&cell->dev);
	return err;
}

int hvisor_cells_find(void)
{
	int err = 0;
	u32 id;

	mutex_lock(&hvisor_admin);
	for (id = 1; !err && id < HVISOR_MAX_CELLS; id++)
		if (hvisor.info->cells[id])
			err = cell_find(id);
	mutex_unlock(&hvisor_admin);
	if (err)
		dev_err(&hvisor.pdev->dev, "cell %u cannot be taken over (%d)\n", id - 1,
			err);
	return err;
}

/* -- and adopted -- */

/* What the monitor says that the cell's memory is. */
struct claim {
	struct hvisor_memory *memory;
	u32 count;
	u64 matched;	/* blocks of EL2's list that lie where they should */
};

static int match_page(void *data, struct page *page, u64 ipa, u32 flags)
{
	const struct hvisor_memory_region *region;
	struct claim *claim = data;
	u32 i, index;

	for (i = 0; i < claim->count; i++) {
		region = &claim->memory[i].region;
		if (ipa - region->ipa >= region->length)
			continue;
		index = (ipa - region->ipa) / HVISOR_BLOCK_SIZE;
		if (region->flags != flags ||
		    !hvisor_memory_is_block(&claim->memory[i], index, page) ||
		    claim->memory[i].blocks[index])
			return -EPERM;
		claim->memory[i].blocks[index] = page;
		claim->matched++;
		return 0;
	}
	return -EPERM;
}

/*
 * Each block has its place in one region, and there are as many places as
 * blocks: so no region is too long, and none overlaps another.
 */
static int match_memory(struct hvisor_cell *cell, struct claim *claim)
{
	struct hvisor_memory *memory = claim->memory;
	u64 places = 0;
	int err;
	u32 i;

	for (i = 0; i < claim->count; i++)
		places += memory[i].region.length / HVISOR_BLOCK_SIZE;
	if (places != cell->nr_kept)
		return -EPERM;
	for (i = 0; i < claim->count; i++) {
		memory[i].blocks = kvcalloc(memory[i].region.length / HVISOR_BLOCK_SIZE,
					    sizeof(*memory[i].blocks), GFP_KERNEL);
		if (!memory[i].blocks)
			return -ENOMEM;
	}
	err = for_each_block(cell, claim, match_page);
	if (err)
		return err;
	return claim->matched == places ? 0 : -EPERM;
}

static bool device_is(const struct hvisor_device *device,
		      const struct hvisor_device_desc *desc)
{
	const struct hvisor_device_desc *is = &device->setup.desc;
	u32 size = HVISOR_DEVICE_STATE_SIZE(desc->nr_queues, desc->queue_size);

	/*
	 * The page tells the size of the state area, and so the number of queues. That
	 * of a region has one since ABI 1.3, and an older EL2 may still run.
	 */
	return desc->size == sizeof(*desc) && desc->kind == is->kind &&
	       !memcmp(desc->name, is->name, sizeof(is->name)) &&
	       desc->ipa == is->ipa && desc->length == is->length &&
	       desc->irq == is->irq && desc->queue_size == is->queue_size &&
	       desc->nr_queues <= HVISOR_MAX_QUEUES &&
	       (desc->kind == HVISOR_DEVICE_VIRTIO ?
		DIV_ROUND_UP(size, HVISOR_PAGE_SIZE) == device->state_pages :
		!desc->nr_queues);
}

static int describe_device(struct hvisor_device *device,
			   const struct hvisor_device_setup __user *user)
{
	struct hvisor_device_setup setup;

	/* An earlier try that failed behind it has got so far. */
	if (device_is_registered(&device->dev))
		return 0;
	if (copy_from_user(&setup, user, sizeof(setup)))
		return -EFAULT;
	return device_is(device, &setup.desc) ? hvisor_device_describe(device, &setup) :
						-EPERM;
}

/* Only what an earlier try has left to be done. */
static int add_device(struct hvisor_device *device)
{
	int err = device_is_registered(&device->dev) ? 0 : hvisor_add(&device->dev);

	return err ?: hvisor_queues_init(device);
}

static int adopt_devices(struct hvisor_cell *cell, struct hvisor_cell_adopt *adopt)
{
	struct hvisor_device_setup __user *user = u64_to_user_ptr(adopt->devices);
	int err;
	u32 i;

	adopt->where = HVISOR_WHERE_CELL;
	if (adopt->nr_devices != cell->nr_devices)
		return -EPERM;
	for (i = 0; i < cell->nr_devices; i++) {
		adopt->where = HVISOR_WHERE_DEVICE + i;
		err = describe_device(cell->devices[i], &user[i]);
		if (err)
			return err;
	}
	for (i = 0; i < cell->nr_devices; i++) {
		adopt->where = HVISOR_WHERE_DEVICE + i;
		err = add_device(cell->devices[i]);
		if (err)
			return err;
	}
	adopt->where = HVISOR_WHERE_CELL;
	return 0;
}

/*
 * Nothing of it can fail; from here on backends come. The pins that kept the pages
 * are the regions' now.
 */
static void adopt_commit(struct hvisor_cell *cell, const struct claim *claim,
			 void *config, u32 config_len)
{
	char *env[] = { "HVISOR_EVENT=adopted", NULL };
	u32 i;

	for (i = 0; i < claim->count; i++)
		claim->memory[i].nr_blocks =
			claim->memory[i].region.length / HVISOR_BLOCK_SIZE;
	cell->nr_kept = 0;
	cell->memory = claim->memory;
	/* Pairs with memory_find() and config_read(). */
	smp_store_release(&cell->nr_memory, claim->count);
	cell->config = config;
	smp_store_release(&cell->config_len, config_len);
	WRITE_ONCE(cell->orphaned, false);
	kobject_uevent_env(&cell->dev.kobj, KOBJ_CHANGE, env);
	for (i = 0; i < cell->nr_devices; i++)
		hvisor_tell(&cell->devices[i]->dev);
}

static int adopt_with(struct hvisor_cell *cell, struct hvisor_cell_adopt *adopt,
		      struct claim *claim)
{
	void *config;
	int err;

	adopt->where = HVISOR_WHERE_REGION;
	err = match_memory(cell, claim);
	if (err)
		return err;
	adopt->where = HVISOR_WHERE_CELL;
	err = hvisor_text_copy(adopt->config, adopt->config_len, &config);
	if (err)
		return err;
	err = adopt_devices(cell, adopt);
	if (err)
		kvfree(config);
	else
		adopt_commit(cell, claim, config, adopt->config_len);
	return err;
}

static int cell_adopt(struct hvisor_cell *cell, struct hvisor_cell_adopt *adopt)
{
	struct claim claim = { .count = adopt->nr_regions };
	int err;

	if (READ_ONCE(cell->dead))
		return -ENODEV;
	if (!cell->orphaned)
		return -EBUSY;
	claim.memory = hvisor_memory_open(adopt->regions, adopt->nr_regions,
					  &adopt->where);
	if (IS_ERR(claim.memory))
		return PTR_ERR(claim.memory);
	err = adopt_with(cell, adopt, &claim);
	if (err)
		hvisor_memory_close(claim.memory, claim.count);
	return err;
}

int hvisor_ioctl_cell_adopt(struct hvisor_call *call)
{
	struct hvisor_cell_adopt *adopt = &call->arg.adopt;
	int err;

	if (adopt->id != call->file->cell->id || adopt->flags || adopt->reserved)
		return -EINVAL;
	if (mutex_lock_killable(&hvisor_admin))
		return -EINTR;
	err = cell_adopt(call->file->cell, adopt);
	mutex_unlock(&hvisor_admin);
	return err;
}
