#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --init busybox --cpus 5 --timeout 400
#
# In a root with busybox' init, without systemd and udevd, the daemon serves cells:
# created, started, at the prompt; a killed backend comes back, and those that live
# stay; a hundred devices have a process each, in their jails, and come and go at once;
# nothing is left.
. ./cell.sh
. ./backends.sh

is_attached() {
	[ "$(sys "$1/attached")" = 1 ]
}

# processes: all of the cell's, and when each began
processes() {
	local pid
	for pid in $(pgrep -f '^/usr/libexec/shyper' | sort); do
		echo "$pid $(born "$pid") $(tr '\0' ' ' <"/proc/$pid/cmdline")"
	done
}

same_processes() {
	[ "$(processes)" = "$running" ]
}

nothing_runs() {
	! pgrep -f '^/usr/libexec/shyper' >/dev/null
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
	wait_until 20 is_attached cell1.$device
	is_jailed cell1.$device
	expect "parent of $device's backend" "$(sed -n 's/^PPid:\t//p' "/proc/$(sys cell1.$device/backend_pid)/status")" "$(daemon)"
done
shyper cell start small >/dev/null || fail "start"
console_open cell1
cell_login cell1 60
echo "ok prompt"

# The guest's disk goes on, and its process is another one.
cell_run cell1 30 'echo one | dd of=/dev/vda bs=512 count=1 conv=sync 2>/dev/null; sync' || fail "write"
backend_kill cell1.blk0
expect "what was written" "$(cell_run cell1 30 'dd if=/dev/vda bs=4 count=1 2>/dev/null')" one
# So does the daemon itself, and the cell runs on: nobody died, nobody is there twice.
running=$(processes)
expect "processes" "$(wc -l <<<"$running")" 4
pid=$(daemon)
kill -9 "$pid"
wait_until 20 daemon
[ "$(daemon)" != "$pid" ] || fail "the daemon is the old one"
cell_run cell1 30 true || fail "the guest is dead"
# It has seen what is there when it starts what is new.
shyper cell create debian >/dev/null || fail "create debian"
wait_until 20 served 5 2
shyper cell destroy debian >/dev/null || fail "destroy debian"
wait_until 20 same_processes
console_close cell1
echo "ok again"

shyper cell destroy small >/dev/null || fail "destroy"
unchanged "$before"
echo "ok nothing-left"

for name in "${hundred[@]}"; do
	many "$name"
	shyper cell create "./$name.json" >/dev/null || fail "create $name"
done
wait_until 100 served 100 4
echo "100 backends after $SECONDS s"
expect "a process for each device" "$(pgrep -a -f '^/usr/libexec/shyper/shyper-console ' | cut -d' ' -f3 | sort)" \
	"$(printf '%s\n' cell{1..4}.c{0..24} | sort)"
for name in c a d b; do
	shyper cell destroy $name >/dev/null || fail "destroy $name"
done
wait_until 60 nothing_runs
unchanged "$before"
echo "ok hundred-served"

storm 0
wait_until 60 nothing_runs
unchanged "$before"
shyper cell create small >/dev/null || fail "create"
wait_until 20 served 1 1
shyper cell destroy small >/dev/null || fail "destroy"
wait_until 60 nothing_runs
unchanged "$before"
echo "ok storm"
