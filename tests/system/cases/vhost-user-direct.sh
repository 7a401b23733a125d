#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put build/programs/disk-back-end --timeout 400
#
# A disk by a back end that keeps an account of what it has taken: it has the guest's
# rings, and no process of ours works for a request. It is killed under fio with
# requests in flight, so is the bridge, so are both; then the driver resets the
# device while nobody is there.
. ./cell.sh
. ./fio.sh

trap '[ $? = 0 ] || { tail -n 5 back-end.out; journalctl -q -u "shyper-vhost-user@*" | tail -n 20; }' EXIT

back_end_start() {
	./disk-back-end /run/vu0.sock image >>back-end.out 2>&1 &
	back_end=$!
}

# Requests that back ends have found in the account.
found() {
	awk '/^begins with/ { n += $3 } END { print n + 0 }' back-end.out
}

# begun NR: so many times a ring has begun
begun() {
	[ "$(grep -c '^begins with' back-end.out)" -ge "$1" ]
}

# hold: fio's requests are in flight from here on. What the guest counts the back end has
# a moment later.
hold() {
	kill -USR1 "$back_end"
	cell_run cell1 60 'until read -r r w </sys/block/vdb/inflight && [ $((r + w)) -gt 0 ]; do sleep 0.2; done' \
		>/dev/null || fail "fio does not run"
	sleep 1
}

# ticks: CPU time of the bridge, user and system
ticks() {
	cut -d' ' -f14,15 "/proc/$(backend_pid cell1.vu0)/stat"
}

before=$(snapshot)
truncate -s 16M image
jq '.name = "direct" | .devices += [
	{ "type": "vhost-user", "name": "vu0", "device": "blk", "socket": "/run/vu0.sock" } ]' \
	/etc/shyper/cells/debian.json >direct.json
shyper cell create ./direct.json || fail "create"
back_end_start
shyper cell start direct || fail "start"
console_open cell1
cell_login cell1 240
begun 1 || fail "the back end has no ring"
used=$(ticks)
expect "fio" "$(cell_run cell1 120 "fio --minimal --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --size=4M \
--iodepth=32 --verify=crc32c --name=b --filename=/dev/vdb | cut -d';' -f3,5")" 'b;0'
expect "CPU time of the bridge" "$(ticks)" "$used"
expect "requests that it has seen" "$(sys cell1.vu0/others)" 0
echo "ok verified"

fio_start cell1 "--filename=/dev/vdb --size=8M --iodepth=32"
sleep 1
rings=$(grep -c '^begins with' back-end.out)
for which in back-end bridge both; do
	n=$(found)
	hold
	bridge=$(backend_pid cell1.vu0)
	[ "$which" = bridge ] || kill -KILL "$back_end"
	[ "$which" = back-end ] || kill -KILL "$bridge"
	[ "$which" = bridge ] || { wait "$back_end" 2>/dev/null; back_end_start; }
	wait_until 60 begun $((++rings))
	echo "killed: $which, with $(($(found) - n)) in flight"
	[ "$(found)" -gt "$n" ] || fail "$which: nothing was in flight"
done
fio_end cell1 1
echo "ok killed"

# The driver waits in its reset until there is somebody who answers it.
n=$(found)
cell_run cell1 30 'echo new >/tmp/new; dd if=/tmp/new of=/dev/vdb bs=4096 seek=3000 conv=sync,fsync 2>/dev/null' || fail "write"
kill -KILL "$back_end"
wait "$back_end" 2>/dev/null
cell_post cell1 'd=$(basename $(readlink -f /sys/block/vdb/device)); cd /sys/bus/virtio/drivers/virtio_blk; echo $d >unbind; echo $d >bind;
dd if=/dev/vdb bs=4096 skip=3000 count=1 iflag=direct 2>/dev/null | head -c 3'
sleep 2
back_end_start
# What the kernel says of the disk comes before it.
expect "after the reset" "$(cell_result cell1 60 | tail -n 1)" new
expect "found by the last one" "$(found)" "$n"
echo "ok reset"

console_close cell1
shyper cell destroy direct >/dev/null || fail "destroy"
kill "$back_end"
wait "$back_end" 2>/dev/null
expect "in the image" "$(dd if=image bs=4096 skip=3000 count=1 2>/dev/null | tr -d '\0')" new
unchanged "$before"
echo "ok gone"
