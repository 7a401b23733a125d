#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# udev starts monitor and backends, each by its unit, and nothing else does. Each
# backend is in its jail.
. ./cell.sh
. ./backends.sh

truncate -s 1M /root/disk.img
jq '.name = "all" | .devices += [ { "type": "blk", "name": "blk0", "path": "/root/disk.img" },
	(("net", "echo") | { "type": ., "name": "\(.)0" }) ]' \
	/etc/shyper/cells/small.json >all.json
devices=$(jq -r '.devices[].name' all.json | xargs)
units="shyper-cell@cell1 $(jq -r '.devices[] | "shyper-\(.type)@cell1.\(.name)"' all.json | xargs)"
expect "devices" "$devices" 'con0 blk0 net0 echo0'

is_served() {
	local device
	for device in $devices; do
		[ "$(sys cell1.$device/attached)" = 1 ] || return 1
	done
}

# shellcheck disable=SC2086 # a list of units
is_inactive() {
	[ "$(systemctl show -P ActiveState $units | sort -u | xargs)" = inactive ]
}

# A unit is active a moment after its device is served.
# shellcheck disable=SC2086 # a list of units
is_active() {
	[ "$(systemctl show -P ActiveState $units | sort -u | xargs)" = active ]
}

before=$(snapshot)
systemctl stop systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udevd.service ||
	fail "stop udev"
shyper cell create ./all.json >/dev/null || fail "create"
sleep 3
pgrep -f '^/usr/libexec/shyper' && fail "a backend runs, and udev does not"
is_inactive || fail "a unit is active, and udev is not"
for device in $devices; do
	expect "$device" "$(sys cell1.$device/attached)" 0
done
status=0
shyper cell start -t 2 all 2>err || status=$?
cat err
[ $status != 0 ] || fail "a cell without monitor was started"
expect "lines" "$(wc -l <err)" 1
echo "ok not-without-udev"

systemctl start systemd-udevd.service || fail "start udev"
udevadm trigger --action=add --subsystem-match=hvisor
wait_until 60 is_served
wait_until 30 is_active
for unit in $units; do
	pid=$(systemctl show -P MainPID "$unit.service")
	expect "parent of $unit" "$(sed -n 's/^PPid:\t//p' "/proc/$pid/status")" 1
	expect "command of $unit" "$(tr '\0' ' ' <"/proc/$pid/cmdline")" \
		"/usr/libexec/shyper/${unit%@*} ${unit#*@} "
done
expect "backend of blk0" "$(sys cell1.blk0/backend_pid)" \
	"$(systemctl show -P MainPID shyper-blk@cell1.blk0.service)"
echo "ok units"
for device in $devices; do
	is_jailed "cell1.$device"
done
echo "ok jail"

shyper cell start all >/dev/null || fail "start"
console_open cell1
console_expect cell1 120 'cell# '
console_close cell1
backend_kill cell1.blk0
wait_until 60 is_served
expect "unit's process" "$(systemctl show -P MainPID shyper-blk@cell1.blk0.service)" \
	"$(sys cell1.blk0/backend_pid)"
expect "restarts" "$(systemctl show -P NRestarts shyper-blk@cell1.blk0.service)" 1
echo "ok again"

shyper cell destroy all >/dev/null || fail "destroy"
wait_until 10 is_inactive
unchanged "$before"
# A cell that comes while udev runs needs no trigger.
shyper cell create ./all.json >/dev/null || fail "create again"
wait_until 60 is_served
shyper cell destroy all >/dev/null || fail "destroy again"
wait_until 10 is_inactive
unchanged "$before"
echo "ok appear-and-go"
