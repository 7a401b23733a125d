#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put build/guests/reboot.img --put build/guests/fault.img --put build/guests/idle.img
#
# Each change of state of a cell and of a device's backend is a uevent with the
# variables of docs/ABI, in the order in which it happened, as short as it was.
. ./cell.sh

# config NAME
config() {
	jq --arg name "$1" --arg image "$PWD/$1.img" '.name = $name | .boot = { "kernel": $image } |
		.devices += [ { "type": "echo", "name": "echo0" } ]' \
		/etc/shyper/cells/small.json >"$1.json"
}

# events DEVICE: its events so far, a line each: ACTION and what tells more.
events() {
	awk -v path="/devices/virtual/hvisor/$1" '
		function flush() { if (action != "" && devpath == path) print action event reason }
		/^KERNEL\[/ { flush(); action = event = reason = "" }
		/^ACTION=/ { action = substr($0, 8) }
		/^DEVPATH=/ { devpath = substr($0, 9) }
		/^HVISOR_EVENT=/ { event = " " substr($0, 14) }
		/^HVISOR_REASON=/ { reason = " " substr($0, 15) }
		END { flush() }' events.txt
}

# happened DEVICE LAST: the last event of the device is that.
happened() {
	[ "$(events "$1" | tail -n 1)" = "$2" ]
}

has_event() {
	[ "$(events "$1" | grep -cx "$2")" -ge "$3" ]
}

udevadm monitor --kernel --property --subsystem-match=hvisor >events.txt &
monitor=$!
wait_until 10 grep -q 'kernel uevent' events.txt
before=$(snapshot)

# It resets itself twice and then goes.
config reboot
shyper cell create ./reboot.json >/dev/null || fail "create"
shyper cell start reboot >/dev/null || fail "start"
wait_until 60 happened cell1 "change stopped off"
run='change loaded none
change running none
change stopped'
wanted="add
$run reset
$run reset
$run off"
diff <(echo "$wanted") <(events cell1) || fail "events of three runs"
echo "ok states"

# One backend dies, another comes; the device goes with its cell.
pid=$(sys cell1.echo0/backend_pid)
kill -9 "$pid"
wait_until 20 has_event cell1.echo0 "change attached" 2
grep -qx "HVISOR_BACKEND_PID=$pid" events.txt || fail "the first backend's pid"
grep -qx "HVISOR_BACKEND_PID=$(sys cell1.echo0/backend_pid)" events.txt || fail "the second's"
shyper cell destroy reboot >/dev/null || fail "destroy"
wait_until 10 happened cell1 remove
diff - <(events cell1.echo0 | head -n 4) <<-END || fail "events of a device"
	add
	change attached
	change detached
	change attached
END
expect "the device's last event" "$(events cell1.echo0 | tail -n 1)" remove
expect "the cell's last events" "$(events cell1 | tail -n 2 | xargs)" "change dying off remove"
echo "ok backends"

config fault
shyper cell create ./fault.json >/dev/null || fail "create fault"
shyper cell start fault >/dev/null || fail "start fault"
wait_until 20 happened cell1 "change failed unmapped"
shyper cell destroy fault >/dev/null || fail "destroy fault"
wait_until 10 happened cell1 remove
expect "a failed run" "$(events cell1 | tail -n 6 | head -n 4 | xargs)" \
	"add change loaded none change running none change failed unmapped"
echo "ok failure"

config idle
shyper cell create ./idle.json >/dev/null || fail "create idle"
for verb in start pause resume destroy; do
	shyper cell $verb idle >/dev/null || fail "$verb idle"
done
wait_until 10 happened cell1 remove
diff - <(events cell1 | tail -n 7) <<-END || fail "events of a pause"
	add
	change loaded none
	change running none
	change paused none
	change running none
	change dying none
	remove
END
echo "ok pause"

# The variables that docs/ABI promises, in an event of each kind.
kill $monitor
for variable in DEVTYPE=cell DEVTYPE=device HVISOR_CELL_ID=1 HVISOR_CELL_NAME=reboot \
	HVISOR_DEVICE_TYPE=echo HVISOR_DEVICE_NAME=echo0 HVISOR_DEVICE_INDEX=1; do
	grep -qx $variable events.txt || fail "no $variable"
done
unchanged "$before"
echo "ok variables"
