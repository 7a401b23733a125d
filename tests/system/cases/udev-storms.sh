#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 5 --timeout 600
#
# udev starts each backend once, whatever happens around it: what is there before
# udevd, events told again, restarts of udevd and reloads of systemd while cells
# run, and a hundred devices that come and go at once. Nothing is left of it.
. ./cell.sh
. ./backends.sh

units() {
	systemctl list-units --all --no-legend --plain 'shyper-*@*' | cut -d' ' -f1 | sort
}

# pids: each unit with its process and the time when that began
pids() {
	local unit pid
	for unit in $(units); do
		pid=$(systemctl show -P MainPID "$unit")
		echo "$unit $pid $(born "$pid")"
	done
}

nothing_left() {
	[ -z "$(units)" ] && ! pgrep -f '^/usr/libexec/shyper' >/dev/null
}

what_is_left() {
	local unit
	for unit in $(units | head -n 3); do
		systemctl show -P ActiveState -P Result -P ExecMainStatus "$unit"
		journalctl -q -n 12 -u "$unit"
	done
	fail "left: $(units) $(pgrep -a -f '^/usr/libexec/shyper')"
}

# quiet: no unit failed, and nothing of ours is there
quiet() {
	local deadline=$((SECONDS + 120))
	until nothing_left; do
		[ $SECONDS -lt $deadline ] || what_is_left
		sleep 0.2
	done
	expect "failed units" "$(systemctl --failed --no-legend --plain | cut -d' ' -f1)" ""
	unchanged "$before"
}

before=$(snapshot)
journalctl -q --rotate
systemctl stop systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udevd.service ||
	fail "stop udev"
shyper cell create debian >/dev/null || fail "create debian"
shyper cell create small >/dev/null || fail "create small"
# As at boot: devices are there, then udevd and the cold plug.
systemctl start systemd-udevd.service || fail "start udev"
systemctl restart systemd-udev-trigger.service || fail "cold plug"
wait_until 60 served 3 2
shyper cell start small >/dev/null || fail "start small"
small=cell2
expect "name of $small" "$(sys $small/name)" small
console_open "$small"
cell_login "$small" 60
first=$(pids)
echo "$first"
expect "units" "$(echo "$first" | wc -l)" 5
echo "ok cold-plug"

# same AFTER: nobody died, nobody was started again or twice, and the guest lives.
same() {
	udevadm settle --timeout=30
	expect "$1" "$(pids)" "$first"
	expect "processes ($1)" "$(pgrep -c -f '^/usr/libexec/shyper')" 5
	cell_run "$small" 20 true || fail "the guest is dead ($1)"
}

udevadm trigger --subsystem-match=hvisor --action=add
udevadm trigger --subsystem-match=hvisor
same "events told again"
systemctl restart systemd-udevd.service || fail "restart udevd"
same "restart of udevd"
systemctl daemon-reload || fail "daemon-reload"
same "daemon-reload"
{ systemctl daemon-reload; udevadm control --reload; systemctl restart systemd-udevd.service; } &
udevadm trigger --subsystem-match=hvisor --action=add
wait $!
systemctl daemon-reexec || fail "daemon-reexec"
same "all at once"
for unit in $(units); do
	expect "restarts of $unit" "$(systemctl show -P NRestarts "$unit")" 0
done
console_close "$small"
shyper cell destroy debian >/dev/null || fail "destroy debian"
shyper cell destroy small >/dev/null || fail "destroy small"
quiet
echo "ok while-cells-run"

for name in "${hundred[@]}"; do
	many "$name"
	shyper cell create "./$name.json" >/dev/null || fail "create $name"
done
# Each cell has an earlycon as well, which EL2 serves.
expect "devices" "$(find /sys/class/hvisor/ -name 'cell[1-9]*.*' | wc -l)" 104
wait_until 200 served 100 4
echo "100 backends after $SECONDS s"
for name in c a d b; do
	shyper cell destroy $name >/dev/null || fail "destroy $name"
done
quiet
echo "ok hundred-served"

# After they were started they have gone above.
storm 0
storm 2
udevadm settle --timeout=60
quiet
echo "ok storm"

# Who comes then is served as ever.
shyper cell create small >/dev/null || fail "create"
wait_until 20 served 1 1
shyper cell destroy small >/dev/null || fail "destroy"
quiet
echo "ok afterwards"
