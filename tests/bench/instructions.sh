#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In root, under -icount: a cell reads 4 KiB at a time from a disk that is memory of
# root, for as long as it takes; prints first which addresses are whose.
. ./cell.sh

# module_range: where hvisor.ko is, and its end
module_range() {
	local name size address
	while read -r name size _ _ _ address _; do
		[ "$name" != hvisor ] || printf 'module %016x %016x\n' "$address" $((address + size))
	done </proc/modules
}

modprobe brd rd_nr=1 rd_size=65536 || fail "no memory disk"
jq '.name = "reader" | .devices += [ { "type": "blk", "name": "blk1", "path": "/dev/ram0", "poll": false } ]' \
	/etc/shyper/cells/debian.json >reader.json
shyper cell create ./reader.json >/dev/null || fail "create"
shyper cell start reader >/dev/null || fail "start"
console_open cell1
cell_login cell1 200
echo "cpu $(sys cell1/cpus)"
module_range
cell_run cell1 20 'sed -n "s/^\([0-9a-f]*\) . \(vm_notify\|virtblk_done\)\t.*/\2 \1/p" /proc/kallsyms' ||
	fail "no symbols of the guest"
cell_post cell1 'dd if=/dev/vdb of=/dev/null iflag=direct bs=4k count=100; while :; do
dd if=/dev/vdb of=/dev/null iflag=direct bs=4k count=16384 2>/dev/null; done'
console_expect cell1 60 '100\+0 records out'
echo ready
sleep 1000
