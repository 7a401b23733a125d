#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2
#
# A cell's disks as its guest sees them: a file, a file that may only be read, a
# block device of root; read, write, flush and serial number.
. ./cell.sh

sum="sha256sum | cut -d' ' -f1"

# guest COMMAND WANTED: what it prints in the cell
guest() {
	expect "$1" "$(cell_run cell1 30 "$1")" "$2"
}

# in_root FILE BLOCK: sum of one of its blocks of 64 KiB, past the page cache
in_root() {
	dd if="$1" bs=64k skip="$2" count=1 iflag=direct 2>/dev/null | eval "$sum"
}

modprobe loop
for name in file readonly device; do
	head -c 4M /dev/urandom >$name.img
done
readonly_sum=$(eval "$sum" <readonly.img)
loop=$(losetup -f --show device.img) || fail "losetup"
before=$(snapshot)
jq --arg loop "$loop" '.name = "disks" | .devices += [
	{ "type": "blk", "name": "blk0", "path": "/root/file.img" },
	{ "type": "blk", "name": "blk1", "path": "/root/readonly.img", "readonly": true },
	{ "type": "blk", "name": "blk2", "path": $loop } ]' /etc/shyper/cells/small.json >disks.json
shyper cell create ./disks.json || fail "create"
shyper cell start disks || fail "start"
console_open cell1
cell_login cell1 120

guest 'echo $(cat /sys/block/vd[abc]/size)' '8192 8192 8192'
guest 'echo $(cat /sys/block/vd[abc]/ro)' '0 1 0'
guest 'echo $(for d in a b c; do cat /sys/block/vd$d/serial; echo; done)' 'cell1.blk0 cell1.blk1 cell1.blk2'
guest 'cat /sys/block/vda/queue/write_cache' 'write back'
echo "ok what-they-are"

# works DEVICE DISK FILE: the guest reads what is in root, root what it wrote
works() {
	local flushes written
	guest "dd if=/dev/$2 bs=64k skip=7 count=1 2>/dev/null | $sum" "$(in_root "$3" 7)"
	flushes=$(sys "cell1.$1/flushes")
	written=$(cell_run cell1 30 "head -c 65536 /dev/urandom >/x; cat /x | $sum")
	guest "dd if=/x of=/dev/$2 bs=64k seek=9 conv=fsync 2>/dev/null; echo \$?" 0
	expect "what root has of $2" "$(in_root "$3" 9)" "$written"
	[ "$(sys "cell1.$1/flushes")" -gt "$flushes" ] || fail "$2: fsync did not flush"
	echo "ok $1"
}

works blk0 vda file.img
works blk2 vdc device.img
guest "dd if=/dev/vdb bs=64k skip=7 count=1 2>/dev/null | $sum" "$(in_root readonly.img 7)"
guest 'dd if=/x of=/dev/vdb bs=64k conv=fsync 2>/dev/null; echo $?' 1
expect "what root has of vdb" "$(eval "$sum" <readonly.img)" "$readonly_sum"
expect "writes to vdb" "$(sys cell1.blk1/writes)" 0
echo "ok read-only"

console_close cell1
shyper cell destroy disks >/dev/null || fail "destroy"
unchanged "$before"
losetup -d "$loop" || fail "the backend still holds $loop"
