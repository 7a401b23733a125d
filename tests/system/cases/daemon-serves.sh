#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where udev does not, `shyper system daemon` starts monitor and backends, starts
# them again, and ends them; mediated-cfg.json says what it serves, and how.
. ./cell.sh

devices='con0 blk0 echo0'
truncate -s 1M /root/disk.img
truncate -s 2M /root/other.img
jq '.name = "all" | .devices += [ { "type": "blk", "name": "blk0", "path": "/root/disk.img" },
	{ "type": "echo", "name": "echo0" } ]' /etc/shyper/cells/small.json >all.json

is_served() {
	local device
	for device in $devices; do
		[ "$(sys "cell1.$device/attached")" = 1 ] || return 1
	done
}

# daemon_start [FILE]
daemon_start() {
	shyper system daemon "$@" 2>daemon.log &
	daemon=$!
}

# daemon_end: by SIGTERM; what it started ends with it.
daemon_end() {
	kill "$daemon"
	wait "$daemon"
	expect "status of the daemon" $? 0
	pgrep -f '^/usr/libexec/shyper' && fail "it left that behind"
	daemon=
}

# parent PID
parent() {
	sed -n 's/^PPid:\t//p' "/proc/$1/status"
}

before=$(snapshot)
systemctl stop systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udevd.service ||
	fail "stop udev"
daemon_start
shyper cell create ./all.json >/dev/null || fail "create"
wait_until 60 is_served
for device in $devices; do
	expect "parent of $device's backend" "$(parent "$(sys "cell1.$device/backend_pid")")" $daemon
done
expect "units" "$(systemctl list-units --no-legend 'shyper-*@*' | wc -l)" 0
shyper cell start all >/dev/null || fail "start"
console_open cell1
console_expect cell1 120 'cell# '
echo "ok serves"

for device in blk0 con0; do
	pid=$(sys cell1.$device/backend_pid)
	kill -9 "$pid"
	wait_until 20 eval '[ "$(sys cell1.$device/attaches)" = 2 ] && is_served'
	[ "$(sys cell1.$device/backend_pid)" != "$pid" ] || fail "$device: the same process"
done
console_close cell1
console_open cell1
# The scroll-back was the old process'.
console_send cell1 ''
cell_login cell1 60
cell_quiet cell1
expect "size of the disk" "$(cell_run cell1 30 'cat /sys/block/vda/size')" 2048
console_close cell1
echo "ok again"

# Not one of them is left of a cell that goes, nor of the daemon.
shyper cell destroy all >/dev/null || fail "destroy"
wait_until 10 eval '! pgrep -f "^/usr/libexec/shyper"'
shyper cell create ./all.json >/dev/null || fail "create again"
wait_until 60 is_served
daemon_end
expect "attached" "$(cat /sys/class/hvisor/cell1.*0/attached | sort -u)" 0
shyper cell destroy all >/dev/null || fail "destroy again"
unchanged "$before"
echo "ok ends"

echo '{ "version": 1, "mediated": [ { "cell": "all", "devise": "blk0" } ] }' >bad.json
shyper system daemon bad.json 2>err && fail "bad.json was taken"
cat err
# The key that is none, and the one that is missing.
expect "lines" "$(wc -l <err)" 2
echo '{ "version": 1, "mediated": [ { "cell": "all", "device": "blk0", "path": "/root/other.img" } ] }' \
	>mediated-cfg.json
shyper cell create ./all.json >/dev/null || fail "create for mediated-cfg.json"
daemon_start mediated-cfg.json
wait_until 20 eval '[ "$(sys cell1.blk0/attached)" = 1 ]'
find /proc/"$(sys cell1.blk0/backend_pid)"/fd -lname /root/other.img | grep -q . ||
	fail "blk0 has no other disk"
pgrep -fa '^/usr/libexec/shyper' | cut -d' ' -f2- | sort >served
printf '%s\n' '/usr/libexec/shyper/shyper-blk cell1.blk0' '/usr/libexec/shyper/shyper-cell cell1' |
	diff - served || fail "others than these are served"
daemon_end
shyper cell destroy all >/dev/null || fail "destroy"
unchanged "$before"
echo "ok mediated"
