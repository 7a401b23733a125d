#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# Root boots Debian's rt flavour, with the module built for it, by --kernel. A cell
# on the same kernel has a disk, and a network by vhost.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make -s setup-rt || fail "setup-rt"
cat >"$work/script" <<-'EOF'
	. ./cell.sh
	. ./net.sh
	grep -q PREEMPT_RT /proc/version || fail "$(cat /proc/version)"
	expect state "$(systemctl is-system-running)" running
	expect CPUs "$(nproc)" 4
	[ -d /sys/module/hvisor ] || fail "hvisor is not loaded"
	[ -d /sys/class/hvisor/cell0 ] || fail "no cell0"
	for cpu in 1 2 3; do
		echo 0 >/sys/devices/system/cpu/cpu$cpu/online || fail "CPU $cpu"
		echo 1 >/sys/devices/system/cpu/cpu$cpu/online || fail "CPU $cpu"
	done
	before=$(snapshot)
	# Handlers are threads here, and the locks of eventfds sleep.
	echo 0 >/sys/module/hvisor/parameters/storm_runs || fail "storm_runs"
	./eventfds kick.img || fail "eventfds"
	unchanged "$before"
	echo "ok eventfds"

	# So do those that vhost's worker holds when it signals an interrupt.
	bridge_up
	truncate -s 1M disk.img
	cell_config rt '.devices[1].vhost = true |
		.devices += [ { "type": "blk", "name": "blk0", "path": "/root/disk.img" } ]'
	cell_up rt cell1 16
	expect "the cell's kernel" "$(cell_run cell1 20 'uname -v')" "$(uname -v)"
	used=$(cut -d' ' -f14,15 "/proc/$(backend_pid cell1.net0)/stat")
	counted="$(sys cell1.net0/notifications) $(sys cell1.net0/interrupts)"
	ping -q -c 3 -i 0.2 -W 5 10.0.2.16 >/dev/null || fail "no answer"
	expect "root to cell" "$(cell_run cell1 60 'nc 10.0.2.15 5000 </dev/null | md5sum')" "$(md5sum </tmp/block)"
	cell_to_root cell1 16 1 "$(stream_sum 1)"
	expect "CPU time of the backend" "$(cut -d' ' -f14,15 "/proc/$(backend_pid cell1.net0)/stat")" "$used"
	read -r notifications interrupts <<<"$counted"
	notifications=$(($(sys cell1.net0/notifications) - notifications))
	interrupts=$(($(sys cell1.net0/interrupts) - interrupts))
	echo "2 MiB by vhost: $notifications notifications, $interrupts interrupts"
	[ $notifications -ge 5 ] && [ $interrupts -ge 5 ] || fail "nothing counted"
	sum=$(cell_run cell1 60 'dd if=/tmp/block of=/dev/vda bs=64k 2>/dev/null; sync; echo 3 >/proc/sys/vm/drop_caches; md5sum </dev/vda')
	expect "the disk, in the cell" "$sum" "$(md5sum </tmp/block)"
	expect "the disk, in root" "$(md5sum <disk.img)" "$sum"
	expect "bytes written" "$(sys cell1.blk0/write_bytes)" 1048576
	console_close cell1
	shyper cell destroy rt || fail "destroy"
	unchanged "$before"
	echo "ok vhost"

	echo 3 >/proc/sys/vm/drop_caches
	sha256sum /boot/vmlinuz
EOF
"$root_run" --kernel build/kernel/rt --net --put tests/system/lib/cell.sh --put tests/system/lib/net.sh \
	--put build/programs/eventfds --put build/guests/kick.img "$work/script" >"$work/out" ||
	fail "on the rt kernel: $(cat "$work/out")"
cat "$work/out"
expect_eq 'kernel, through the ITS' "$(sha256sum <build/kernel/rt/vmlinuz | cut -d' ' -f1)" \
	"$(tail -n 1 "$work/out" | cut -d' ' -f1)"
