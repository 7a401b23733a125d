#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# alone
# root-run: --timeout 420 --mttcg --put build/programs/adopt
#
# The module goes and comes while two cells write to their disks and verify what
# they read; a guest resets meanwhile; a monitor dies meanwhile.
. ./cell.sh

backends='shyper-blk@cell1.blk0 shyper-blk@cell2.blk0 shyper-console@cell1.con0 shyper-console@cell2.con0'

# Written, read back past the cache, compared; each round is a line of /tmp/log.
loop='cd /tmp; n=0; while dd if=/dev/urandom of=x bs=4k count=16; dd if=x of=/dev/vda bs=4k; sync;'
loop="$loop echo 3 >/proc/sys/vm/drop_caches;"
loop="$loop [ \"\$(md5sum <x)\" = \"\$(head -c 65536 /dev/vda | md5sum)\" ]; do"
loop="$loop n=\$((n + 1)); echo round \$n >>log; done; echo differ >>log"

create() {
	truncate -s 1M "/root/$1.img"
	jq --arg name "$1" '.name = $name | .restart = "on-failure" |
		.devices += [ { "type": "blk", "name": "blk0", "path": "/root/\($name).img" } ]' \
		/etc/shyper/cells/small.json >"$1.json"
	shyper cell create "./$1.json" || fail "create $1"
	shyper cell start "$1" || fail "start $1"
}

prompt() {
	console_open "$1"
	console_expect "$1" 90 'cell# '
	cell_run "$1" 30 'stty -echo; PS1=' >/dev/null || fail "$1: no shell"
}

monitor() {
	systemctl show -P MainPID "shyper-cell@$1.service"
}

# writes_beyond CELL COUNT: that many requests were written to its disk.
writes_beyond() {
	[ "$(sys "$1.blk0/writes")" -gt "$2" ]
}

# What stands still tells what it knows before the case fails.
goes_on() {
	local deadline=$((SECONDS + 120)) least=$(($(sys "$1.blk0/writes") + 3))
	until writes_beyond "$1" "$least"; do
		[ $SECONDS -lt $deadline ] || { stands_still "$1"; fail "$1: stands still"; }
		pause
	done
}

stands_still() {
	cat "/sys/class/hvisor/$1/virtio/blk0" "/sys/class/hvisor/$1/virtio/pending"
	tail -c 600 "/tmp/$1.out" | tr -d '\r'
	journalctl -q -n 20 -u 'shyper-*'
}

# shellcheck disable=SC2086 # a list of units
remove() {
	systemctl stop $backends || fail "stop the backends"
	# For moments, when it gives a cell back or starts one, a monitor has it open.
	wait_until 20 rmmod hvisor
	[ ! -e /sys/class/hvisor ] || fail "the class stays"
}

is_adopted() {
	[ "$(sys "$1/orphaned")" = 0 ]
}

is_served() {
	[ "$(sys "$1.blk0/attached")" = 1 ] && [ "$(sys "$1.con0/attached")" = 1 ]
}

returns() {
	wait_until 20 is_adopted "$1"
	wait_until 20 is_served "$1"
}

# Both cells, by events.json.
have_changed() {
	jq -se '[.[] | select(.kind == "cell" and .event == "changed")] | length == 2' events.json
}

before=$(snapshot)
create one
create two
prompt cell1
prompt cell2
for cell in cell1 cell2; do
	cell_run $cell 10 "{ ($loop) >/dev/null 2>&1 & }" >/dev/null || fail "$cell: no loop"
done
goes_on cell1
goes_on cell2
console_close cell1
console_close cell2
rmmod hvisor 2>/dev/null && fail "removed under its backends"
echo "ok not-while-open"

one=$(monitor cell1) two=$(monitor cell2)
free=$(grep HugePages_Free /proc/meminfo)
cpu=$(sys cell1/cpus)
memory=$(sys cell1/memory)
shyper events --json >events.json &
events=$!
wait_until 20 test -s events.json
remove
expect "hugepages" "$(grep HugePages_Free /proc/meminfo)" "$free"
echo 1 2>/dev/null >"/sys/devices/system/cpu/cpu$cpu/online" && fail "root took CPU $cpu"
shyper cell list 2>/dev/null && fail "cells without module"
sleep 1
expect "monitor of cell1" "$(monitor cell1)" "$one"
modprobe hvisor || fail "modprobe"
returns cell1
returns cell2
expect "monitor of cell2" "$(monitor cell2)" "$two"
expect "state" "$(sys cell1/state)" running
expect "CPU" "$(sys cell1/cpus)" "$cpu"
expect "memory" "$(sys cell1/memory)" "$memory"
# What was given back has changed, and it ran all the time.
wait_until 20 have_changed
kill $events
jq -se 'all(.kind == "device" or .event == "removed" or .state == "running")' \
	events.json >/dev/null || fail "events: $(cat events.json)"
jq -e '.name == "one"' /sys/class/hvisor/cell1/config >/dev/null || fail "cell's configuration"
jq -e '.path == "/root/one.img"' /sys/class/hvisor/cell1.blk0/config >/dev/null ||
	fail "device's configuration"
echo 1 2>/dev/null >"/sys/devices/system/cpu/cpu$cpu/online" && fail "root took CPU $cpu again"
goes_on cell1
goes_on cell2
console_open cell1
console_open cell2
for cell in cell1 cell2; do
	cell_run $cell 10 'grep differ /tmp/log' && fail "$cell: read what it had not written"
	cell_run $cell 10 'dmesg | grep -i "i/o error"' && fail "$cell: I/O errors"
	echo "$cell: $(cell_run $cell 10 'tail -n 1 /tmp/log')"
done
echo "ok runs-on"

# A guest that waits for its console does so with interrupts masked: cell1, whose
# console will be gone for good, prints nothing, and something of it wakes up.
cell_run cell1 10 'dmesg -n 1; { (while :; do sleep 1; done) >/dev/null 2>&1 & }' >/dev/null ||
	fail "no sleeper"
# What happened meanwhile is done when the module is back: cell2 resets itself.
cell_run cell2 10 '{ (sleep 3; reboot -f) >/dev/null 2>&1 & }' >/dev/null || fail "no reset"
starts=$(sys cell2/starts)
console_close cell1
console_close cell2
remove
systemctl kill -s KILL shyper-cell@cell1.service || fail "kill"
sleep 6
expect "hugepages" "$(grep HugePages_Free /proc/meminfo)" "$free"
modprobe hvisor || fail "modprobe"
returns cell2
wait_until 30 eval '[ "$(sys cell2/starts)" -gt '"$starts"' ]'
wait_until 30 state_is cell2 running
prompt cell2
echo "ok reset-meanwhile"

# cell1 has lost its monitor, and with it the file of its memory.
wait_until 20 eval 'systemctl show -P ActiveState shyper-cell@cell1.service | grep -q failed'
expect "cell1" "$(sys cell1/orphaned) $(sys cell1/state)" "1 running"
[ ! -e /sys/class/hvisor/cell1.blk0 ] || fail "an orphan has devices"
exits=$(sys cell1/statistics/vmexits_total)
wait_until 20 eval '[ "$(sys cell1/statistics/vmexits_total)" != '"$exits"' ]'
for verb in load start restart; do
	status=0
	shyper cell $verb one 2>err || status=$?
	cat err
	expect "$verb of an orphan" $status 1
	grep -q orphaned err || fail "$verb: not told why"
done
shyper cell show -j one | jq -e .orphaned >/dev/null || fail "show does not tell"
shyper cell stop one || fail "stop"
state_is cell1 stopped || fail "not stopped"
shyper cell destroy one || fail "destroy"
echo "ok orphan"

console_close cell2
shyper cell destroy two || fail "destroy"
systemctl reset-failed 2>/dev/null
unchanged "$before"
echo "ok all-back"

./adopt || fail "adopt"
unchanged "$before"
echo "ok refuses"
