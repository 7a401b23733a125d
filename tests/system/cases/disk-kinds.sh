#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2
#
# A cell's disks as its guest sees them: a file, a file that may only be read, a
# block device of root, devices with blocks of 4096 bytes; read, write, flush and
# serial number.
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
for name in file readonly device blocks sectors; do
	head -c 4M /dev/urandom >$name.img
done
readonly_sum=$(eval "$sum" <readonly.img)
loop=$(losetup -f --show device.img) || fail "losetup"
cp sectors.img sectors.before
blocks=$(losetup -f --show --sector-size 4096 blocks.img) || fail "losetup"
sectors=$(losetup -f --show --sector-size 4096 sectors.img) || fail "losetup"
before=$(snapshot)
jq --arg loop "$loop" --arg blocks "$blocks" --arg sectors "$sectors" '.name = "disks" | .devices += [
	{ "type": "blk", "name": "blk0", "path": "/root/file.img" },
	{ "type": "blk", "name": "blk1", "path": "/root/readonly.img", "readonly": true },
	{ "type": "blk", "name": "blk2", "path": $loop },
	{ "type": "blk", "name": "blk3", "path": $blocks },
	{ "type": "blk", "name": "blk4", "path": $sectors, "features": { "blk_size": false } } ]' /etc/shyper/cells/small.json >disks.json
shyper cell create ./disks.json || fail "create"
shyper cell start disks || fail "start"
console_open cell1
cell_login cell1 120
cell_quiet cell1

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

# is_direct DEVICE FILE: its backend has it open with O_DIRECT, as arm64 has that
is_direct() {
	local pid fd flags
	pid=$(backend_pid "cell1.$1")
	for fd in $(find "/proc/$pid/fd" -lname "$2" -printf '%f '); do
		flags=$(sed -n 's/^flags:\t//p' "/proc/$pid/fdinfo/$fd")
		[ $((8#$flags & 8#200000)) = 0 ] || return 0
	done
	fail "$1: I/O goes through the page cache"
}

guest 'cd /sys/block; echo $(cat vd[acde]/queue/logical_block_size vd[ad]/queue/physical_block_size)' '512 512 4096 512 4096 4096'
is_direct blk0 /root/file.img
is_direct blk2 "$loop"
is_direct blk3 "$blocks"
is_direct blk4 "$sectors"
works blk3 vdd "$blocks"
# Whoever does not know of blocks writes any sectors, those of one block at once, and
# no other one is changed.
mine="3 4 5 90"
guest "(for n in $mine; do dd if=/x of=/dev/vde bs=512 seek=\$n skip=\$n count=1 oflag=direct 2>/dev/null & done; wait); echo \$?" 0
guest "for n in $mine; do dd if=/dev/vde bs=512 skip=\$n count=1 iflag=direct 2>/dev/null | $sum; dd if=/x bs=512 skip=\$n count=1 2>/dev/null | $sum; done | uniq -c | grep -c '^ *2 '" 4
dd if="$sectors" of=after.img bs=64k iflag=direct 2>/dev/null
for n in $mine; do
	cmp -s -i $((n * 512)) -n 512 after.img sectors.before || changed="${changed-}$n "
	dd if=after.img of=sectors.before bs=512 skip="$n" seek="$n" count=1 conv=notrunc 2>/dev/null
done
expect "sectors that were written" "${changed-}" "$mine "
cmp after.img sectors.before || fail "sectors beside those that were written have changed"
expect "errors" "$(sys cell1.blk4/errors)" 0
echo "ok blocks-of-4096"

console_close cell1
shyper cell destroy disks >/dev/null || fail "destroy"
unchanged "$before"
for device in "$loop" "$blocks" "$sectors"; do
	losetup -d "$device" || fail "the backend still holds $device"
done
