#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 600
#
# The backend of a cell's disk is killed ten times in one fio run with
# verification, each time while requests are in flight; then once more with the
# disk on dm-delay (500 ms), where the dead process' I/O is still under way.
# udev's unit starts it again and nothing is lost.
. ./cell.sh
. ./fio.sh

pid() {
	systemctl show -p MainPID --value "shyper-blk@$1.service"
}

in_flight() {
	[ "$(sys "$1/in_flight")" -gt 0 ]
}

served_by_another() {
	[ "$(pid "$1")" != 0 ] && [ "$(pid "$1")" != "$2" ] && [ "$(sys "$1/attached")" = 1 ]
}

# kill_in_flight DEVICE: -9, but only while its gauge is above 0
kill_in_flight() {
	local device=$1 old n=0
	while [ "$n" = 0 ]; do
		wait_until 60 in_flight "$device"
		old=$(pid "$device")
		kill -STOP "$old"	# the gauge cannot fall any more
		n=$(sys "$device/in_flight")
		[ "$n" != 0 ] || kill -CONT "$old"
	done
	kill -KILL "$old"
	wait_until 60 served_by_another "$device" "$old"
	echo "$device: killed with $n in flight; issued again so far: $(sys "$device/reissued")"
}

# fio_begin FILE
fio_begin() {
	fio_start cell1 "--filename=$1 --size=6M --numjobs=2 --offset_increment=6M --iodepth=16"
}

# lost_nothing DEVICE: fio found no error, and the deaths came in between
lost_nothing() {
	local n
	fio_end cell1 2
	n=$(sys "$1/reissued")
	[ "$n" -gt 0 ] || fail "$1: nothing was issued again"
	echo "$1: fio ended with 0 errors; requests issued again: $n"
	expect "$1: told in the log" "$(journalctl -q -u "shyper-blk@$1" | grep -c 're-issued [1-9]' | sed 's/^[1-9].*/some/')" some
}

modprobe -a loop dm-delay || fail "no dm-delay"
loop=$(losetup -f --show /var/lib/shyper/debian2b.img)
sectors=$(blockdev --getsz "$loop")
dmsetup create slow --table "0 $sectors delay $loop 0 0"
jq '.name = "killed" | .devices |= map(if .name == "blk1" then .path = "/dev/mapper/slow" else . end)' \
	/etc/shyper/cells/debian2.json >/root/killed.json
shyper cell create /root/killed.json || fail "create"
shyper cell start killed || fail "start"
console_open cell1
cell_login cell1 240
cell_run cell1 60 'mkdir -p /mnt/b && mount /dev/vdb /mnt/b' || fail "second disk"

fio_begin /root/fio
for _ in 1 2 3 4 5 6 7 8 9 10; do
	kill_in_flight cell1.blk0
	sleep 0.3
done
lost_nothing cell1.blk0

dmsetup suspend slow
dmsetup reload slow --table "0 $sectors delay $loop 0 500"
dmsetup resume slow
fio_begin /mnt/b/fio
sleep 3
kill_in_flight cell1.blk1
lost_nothing cell1.blk1
