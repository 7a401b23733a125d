#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --init busybox
#
# In a root with busybox' init, without systemd and udevd, the daemon serves cells:
# created, started, at the prompt; a killed backend comes back; nothing is left.
. ./cell.sh

served() {
	[ "$(cat "/sys/class/hvisor/$1/attached")" = 1 ]
}

served_by_another() {
	served "$1" && [ "$(sys "$1/backend_pid")" != "$2" ]
}

daemon() {
	pgrep -x -f '/usr/bin/shyper system daemon'
}

expect "init" "$(readlink /proc/1/exe)" /usr/bin/busybox
pgrep -a -x '[(]?(systemd|udev).*' && fail "systemd or udevd runs"
[ ! -e /run/udev/control ] || fail "udevd's socket is there"
wait_until 20 daemon
before=$(snapshot)
echo "ok init"

truncate -s 1M /root/disk.img
jq '.devices += [ { "type": "blk", "name": "blk0", "path": "/root/disk.img" },
	{ "type": "echo", "name": "echo0" } ]' /etc/shyper/cells/small.json >cell.json
shyper cell create ./cell.json >/dev/null || fail "create"
for device in con0 blk0 echo0; do
	wait_until 20 served cell1.$device
	expect "parent of $device's backend" "$(sed -n 's/^PPid:\t//p' "/proc/$(sys cell1.$device/backend_pid)/status")" "$(daemon)"
done
shyper cell start small >/dev/null || fail "start"
console_open cell1
cell_login cell1 60
echo "ok prompt"

# The guest's disk goes on, and its process is another one.
cell_run cell1 30 'echo one | dd of=/dev/vda bs=512 count=1 conv=sync 2>/dev/null; sync' || fail "write"
pid=$(sys cell1.blk0/backend_pid)
kill -9 "$pid"
wait_until 20 served_by_another cell1.blk0 "$pid"
expect "what was written" "$(cell_run cell1 30 'dd if=/dev/vda bs=4 count=1 2>/dev/null')" one
# So does the daemon itself, and the cell runs on.
pid=$(daemon)
kill -9 "$pid"
wait_until 20 daemon
[ "$(daemon)" != "$pid" ] || fail "the daemon is the old one"
cell_run cell1 30 true || fail "the guest is dead"
console_close cell1
echo "ok again"

shyper cell destroy small >/dev/null || fail "destroy"
unchanged "$before"
echo "ok nothing-left"
