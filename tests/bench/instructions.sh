#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In root, under -icount: a cell reads 4 KiB at a time from a disk that is memory of
# root, for as long as it takes; prints first which addresses are whose, and the
# functions of root's kernel.
. ./cell.sh

modprobe brd rd_nr=1 rd_size=65536 || fail "no memory disk"
jq '.name = "reader" | .devices += [ { "type": "blk", "name": "blk1", "path": "/dev/ram0" } ]' \
	/etc/shyper/cells/debian.json >reader.json
shyper cell create ./reader.json >/dev/null || fail "create"
shyper cell start reader >/dev/null || fail "start"
console_open cell1
cell_login cell1 200
echo "cpu $(sys cell1/cpus)"
cell_run cell1 20 'sed -n "s/^\([0-9a-f]*\) . \(vm_notify\|virtblk_done\)\t.*/\2 \1/p" /proc/kallsyms' ||
	fail "no symbols of the guest"
echo symbols
sed -n 's/^\([0-9a-f]*\) [tTwW] /\1 /p' /proc/kallsyms | sort | gzip | base64
echo end
cell_post cell1 'dd if=/dev/vdb of=/dev/null iflag=direct bs=4k count=100; while :; do
dd if=/dev/vdb of=/dev/null iflag=direct bs=4k count=16384 2>/dev/null; done'
console_expect cell1 60 '100\+0 records out'
echo ready
# No other program, whose beginning would be in the trace.
read -r -t 1000 -u "$pause_fd"
