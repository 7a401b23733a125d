// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory in both directions: pages of EL2 that root maps, and root's own
 * memory that a cell is lent.
 *
 * Lent memory is a sealed hugetlb memfd. Each of its 2 MiB pages is pinned for
 * the life of the cell, compared with the file, and named to EL2 by physical
 * address. The pins go when EL2 has given the blocks back, and not with the
 * module (docs/theory-cells.md); a page is then free when its last holder (file,
 * mapping, I/O under way) lets go.
 *
 * EL2's pages are no RAM of root: they have no linear mapping, and are mapped
 * Normal Write-Back like EL2 does (Arm ARM DDI 0487, B2.8: mismatched
 * attributes lose coherence). User mappings are filled by faults, so that
 * there is no moment between a look at hvisor_cell.dead and an entry in the
 * page table that hvisor_device_zap() could miss.
 */
#include "hvisor.h"

#include <linux/hugetlb.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/fcntl.h>

#define MEMORY_SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define MEMORY_MAX	(1ULL << 40)

void *hvisor_map(phys_addr_t pa, size_t size)
{
	if (!pa || !size || !PAGE_ALIGNED(pa) || pa + size < pa)
		return NULL;
	if (region_intersects(pa, size, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) != REGION_DISJOINT)
		return NULL;
	return memremap(pa, size, MEMREMAP_WB);
}

void hvisor_unmap(const void *address)
{
	if (address)
		memunmap((void *)address);
}

static int memory_check(const struct hvisor_memory *memory)
{
	const struct hvisor_memory_region *region = &memory->region;
	struct inode *inode = file_inode(memory->file);

	if (!region->length || region->length > MEMORY_MAX ||
	    region->offset > MEMORY_MAX || region->ipa > -region->length ||
	    !IS_ALIGNED(region->ipa | region->length | region->offset,
			HVISOR_BLOCK_SIZE) ||
	    region->flags & ~HVISOR_MEMORY_READ_ONLY)
		return -EINVAL;
	if (inode->i_sb->s_magic != HUGETLBFS_MAGIC ||
	    huge_page_size(hstate_inode(inode)) != HVISOR_BLOCK_SIZE ||
	    (HUGETLBFS_I(inode)->seals & MEMORY_SEALS) != MEMORY_SEALS ||
	    region->offset + region->length > (u64)i_size_read(inode))
		return -EINVAL;
	if ((memory->file->f_mode & (FMODE_READ | FMODE_WRITE)) !=
	    (FMODE_READ | FMODE_WRITE))
		return -EPERM;
	return 0;
}

bool hvisor_memory_is_block(const struct hvisor_memory *memory, u32 index,
			    struct page *page)
{
	struct inode *inode = file_inode(memory->file);
	u64 offset = memory->region.offset + (u64)index * HVISOR_BLOCK_SIZE;

	return PageHuge(page) && PageHead(page) &&
	       page->mapping == inode->i_mapping &&
	       page->index == compat_huge_index(hstate_inode(inode), offset);
}

static int memory_pin_blocks(struct hvisor_memory *memory, unsigned long address)
{
	u32 count = memory->region.length / HVISOR_BLOCK_SIZE;
	struct page **block;
	int ret;

	while (memory->nr_blocks < count) {
		if (fatal_signal_pending(current))
			return -EINTR;
		block = &memory->blocks[memory->nr_blocks];
		ret = compat_pin_huge_page(address, block);
		if (ret != 1)
			return ret < 0 ? ret : -EFAULT;
		memory->nr_blocks++;
		/* The caller's threads may have mapped another file there. */
		if (!hvisor_memory_is_block(memory, memory->nr_blocks - 1, *block))
			return -EINVAL;
		address += HVISOR_BLOCK_SIZE;
		cond_resched();
	}
	return 0;
}

static int memory_open(struct hvisor_memory *memory,
		       const struct hvisor_memory_region __user *user)
{
	if (copy_from_user(&memory->region, user, sizeof(*user)))
		return -EFAULT;
	memory->file = fget(memory->region.fd);
	if (!memory->file)
		return -EBADF;
	return memory_check(memory);
}

struct hvisor_memory *hvisor_memory_open(u64 regions, u32 count, u32 *ret_where)
{
	const struct hvisor_memory_region __user *user = u64_to_user_ptr(regions);
	struct hvisor_memory *memory;
	int err;
	u32 i;

	*ret_where = HVISOR_WHERE_CELL;
	if (!count || count > HVISOR_MAX_REGIONS)
		return ERR_PTR(-EINVAL);
	memory = kcalloc(count, sizeof(*memory), GFP_KERNEL);
	if (!memory)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++) {
		*ret_where = HVISOR_WHERE_REGION + i;
		err = memory_open(&memory[i], &user[i]);
		if (err) {
			hvisor_memory_close(memory, i + 1);
			return ERR_PTR(err);
		}
	}
	return memory;
}

void hvisor_memory_close(struct hvisor_memory *memory, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		kvfree(memory[i].blocks);
		if (memory[i].file)
			fput(memory[i].file);
	}
	kfree(memory);
}

int hvisor_memory_pin(struct hvisor_memory *memory)
{
	struct hvisor_memory_region *region = &memory->region;
	unsigned long address;
	int err;

	memory->blocks = kvcalloc(region->length / HVISOR_BLOCK_SIZE,
				  sizeof(*memory->blocks), GFP_KERNEL);
	if (!memory->blocks)
		return -ENOMEM;
	address = vm_mmap(memory->file, 0, region->length, PROT_READ | PROT_WRITE,
			  MAP_SHARED, region->offset);
	if (IS_ERR_VALUE(address))
		return address;
	err = memory_pin_blocks(memory, address);
	vm_munmap(address, region->length);
	return err;
}

static u32 memory_fill_batch(struct hvisor_memory_batch *batch,
			     const struct hvisor_memory *memory, u32 first)
{
	u32 i;

	batch->count = min_t(u32, memory->nr_blocks - first, HVISOR_MEMORY_BATCH);
	for (i = 0; i < batch->count; i++) {
		batch->blocks[i].pa = page_to_phys(memory->blocks[first + i]);
		batch->blocks[i].ipa = memory->region.ipa +
				       (u64)(first + i) * HVISOR_BLOCK_SIZE;
	}
	return batch->count;
}

int hvisor_memory_lend(struct hvisor_cell *cell, const struct hvisor_memory *memory)
{
	struct hvisor_memory_batch *batch;
	u32 done = 0;
	int ret = 0;

	batch = kzalloc(sizeof(*batch), GFP_KERNEL);
	if (!batch)
		return -ENOMEM;
	batch->size = sizeof(*batch);
	batch->flags = memory->region.flags;
	while (done < memory->nr_blocks) {
		struct hvisor_hypercall call = {
			.nr = HVISOR_HC_CELL_ADD_MEMORY,
			.arg = batch, .arg_size = sizeof(*batch),
		};

		memory_fill_batch(batch, memory, done);
		ret = hvisor_cell_hypercall(cell, &call);
		if (!ret)	/* no progress and no reason */
			ret = -EPROTO;
		if (ret < 0)
			break;
		done += ret;
		cond_resched();
	}
	kfree(batch);
	return ret < 0 ? ret : 0;
}

void hvisor_memory_unpin(struct hvisor_cell *cell)
{
	u32 i;

	for (i = 0; i < cell->nr_memory; i++) {
		unpin_user_pages(cell->memory[i].blocks, cell->memory[i].nr_blocks);
		cell->memory[i].nr_blocks = 0;
	}
	unpin_user_pages(cell->kept, cell->nr_kept);
	cell->nr_kept = 0;
}

void hvisor_memory_leave(struct hvisor_cell *cell)
{
	hvisor_memory_close(cell->memory, cell->nr_memory);
	kvfree(cell->kept);
	cell->memory = NULL;
	cell->kept = NULL;
	cell->nr_memory = 0;
}

static vm_fault_t device_vma_fault(struct vm_fault *vmf)
{
	struct hvisor_device *device = vmf->vma->vm_private_data;
	u64 offset = ((u64)vmf->pgoff << PAGE_SHIFT) - device->mmap_base;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	phys_addr_t pa;
	int idx;

	pa = offset < HVISOR_MMAP_STATE ? device->page_pa + offset :
	     device->state_pa + offset - HVISOR_MMAP_STATE;
	idx = srcu_read_lock(&hvisor_srcu);
	if (!READ_ONCE(device->cell->dead))
		ret = vmf_insert_pfn(vmf->vma, vmf->address, PHYS_PFN(pa));
	srcu_read_unlock(&hvisor_srcu, idx);
	return ret;
}

static const struct vm_operations_struct device_vm_ops = {
	.fault = device_vma_fault,
};

int hvisor_device_mmap(struct hvisor_device *device, struct vm_area_struct *vma)
{
	u64 offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) - device->mmap_base;
	bool is_state = offset == HVISOR_MMAP_STATE;
	u64 size = (u64)device->state_pages * HVISOR_PAGE_SIZE;

	if (!is_state)
		size = HVISOR_PAGE_SIZE;
	if ((offset && !is_state) || vma->vm_end - vma->vm_start > size)
		return -EINVAL;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC)
		return -EINVAL;
	if (!is_state && vma->vm_flags & VM_WRITE)
		return -EPERM;
	vm_flags_mod(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP,
		     VM_MAYEXEC | (is_state ? 0 : VM_MAYWRITE));
	vma->vm_private_data = device;
	vma->vm_ops = &device_vm_ops;
	return 0;
}

/* With hvisor_cell.dead set and all SRCU readers gone no entry comes anew. */
void hvisor_device_zap(struct hvisor_device *device)
{
	mutex_lock(&device->lock);
	/* A mapping holds the file, so without a file there is no mapping. */
	if (device->file)
		unmap_mapping_range(device->file->f_mapping, device->mmap_base,
				    HVISOR_MMAP_STRIDE, 1);
	mutex_unlock(&device->lock);
}
