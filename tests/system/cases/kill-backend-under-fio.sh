#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 600
#
# The backend of a cell's disk is killed ten times in one fio run with
# verification, each time while requests are in flight, and again while its
# disk lies on dm-delay; udev's unit starts it again and nothing is lost.
. ./cell.sh

unit=shyper-blk@cell1.blk0.service

pid() {
	systemctl show -p MainPID --value $unit
}

# kill_in_flight: -9 while the gauge is above 0; the unit has a new process after it
kill_in_flight() {
	local old n
	wait_until 60 eval '[ "$(sys cell1.blk0/in_flight)" -gt 0 ]'
	old=$(pid)
	# Stopped, the gauge cannot fall any more.
	kill -STOP "$old"
	n=$(sys cell1.blk0/in_flight)
	if [ "$n" = 0 ]; then
		kill -CONT "$old"
		return 1
	fi
	kill -KILL "$old"
	wait_until 60 eval '[ "$(pid)" != 0 ] && [ "$(pid)" != '"$old"' ]'
	wait_until 60 eval '[ "$(sys cell1.blk0/attached)" = 1 ]'
	echo "killed with $n in flight; re-issued so far: $(sys cell1.blk0/reissued)"
}

kills() {
	local done=0
	while [ $done -lt "$1" ]; do
		kill -0 $fio_waits 2>/dev/null || true
		kill_in_flight && done=$((done + 1))
		sleep 0.3
	done
}

modprobe dm-delay || fail "no dm-delay"
# The second disk of the cell is put onto dm-delay by its config.
loop=$(losetup -f --show /var/lib/shyper/debian2b.img)
sectors=$(blockdev --getsz "$loop")
dmsetup create slow --table "0 $sectors delay $loop 0 ${1:-0}"

jq '.name = "killed" | .devices |= map(if .name == "blk1" then .path = "/dev/mapper/slow" else . end)' \
	/etc/shyper/cells/debian2.json >/root/killed.json
shyper cell create /root/killed.json || fail "create"
shyper cell start killed || fail "start"
console_open cell1
cell_login cell1 240
cell_run cell1 60 'mkdir -p /mnt/b && mount /dev/vdb /mnt/b' || fail "second disk"

fio_waits=$$
fio='fio --name=v --filename=/root/fio --size=6M --numjobs=2 --offset_increment=6M --iodepth=16 --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --time_based --runtime=60 --verify=crc32c --verify_backlog=64 --verify_fatal=1 --minimal >/tmp/fio.log 2>&1; echo status $?; grep -ac verify: /tmp/fio.log'
cell_post cell1 "$fio"
kills 10
out=$(cell_result cell1 240) || true
expect "fio" "$(grep -a '^status' <<<"$out")" "status 0"
expect "verification errors" "$(tail -n 1 <<<"$out")" 0
n=$(sys cell1.blk0/reissued)
echo "requests issued again: $n"
[ "$n" -gt 0 ] || fail "nothing was issued again"

# Once more on the slow disk: the dead backend's I/O is still under way.
dmsetup suspend slow
dmsetup reload slow --table "0 $sectors delay $loop 0 500"
dmsetup resume slow
unit=shyper-blk@cell1.blk1.service
kill_slow() {
	local old
	wait_until 60 eval '[ "$(sys cell1.blk1/in_flight)" -gt 0 ]'
	old=$(pid)
	kill -STOP "$old"
	[ "$(sys cell1.blk1/in_flight)" -gt 0 ] || { kill -CONT "$old"; return 1; }
	kill -KILL "$old"
	wait_until 60 eval '[ "$(pid)" != 0 ] && [ "$(pid)" != '"$old"' ]'
}
cell_post cell1 "${fio//\/root\/fio//mnt/b/fio}"
sleep 3
until kill_slow; do sleep 0.2; done
out=$(cell_result cell1 300) || true
expect "fio on the slow disk" "$(grep -a '^status' <<<"$out")" "status 0"
expect "verification errors" "$(tail -n 1 <<<"$out")" 0
n=$(sys cell1.blk1/reissued)
echo "requests issued again on the slow disk: $n"
[ "$n" -gt 0 ] || fail "nothing was issued again on the slow disk"
