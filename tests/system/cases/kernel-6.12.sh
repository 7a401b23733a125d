#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# Root boots Debian's 6.12, with the module built for it, and so does a cell: it
# is made, started, written to by its console, reads and writes a disk, stays while
# the module is loaded anew, and goes. All files of sysfs are read. The programs
# that call the module directly have what they have on 6.1.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make -s setup-6.12 || fail "setup-6.12"
cat >"$work/script" <<-'EOF2'
	. ./cell.sh
	served() {
		[ "$(cat /sys/class/hvisor/cell1.{con0,blk0}/attached | xargs)" = '1 1' ]
	}
	disk_sum() {
		# The kernel says that, too.
		cell_run cell1 60 'echo 3 >/proc/sys/vm/drop_caches; md5sum </dev/vda' | tail -n 1
	}

	case $(uname -r) in 6.12.*) ;; *) fail "$(uname -r)" ;; esac
	expect state "$(systemctl is-system-running)" running
	before=$(snapshot)
	truncate -s 8M /root/disk.img
	jq '.devices += [ { "type": "blk", "name": "blk0", "path": "/root/disk.img" } ]' \
		/etc/shyper/cells/small.json >small.json
	shyper cell create ./small.json || fail "create"
	shyper cell start small || fail "start"
	console_open cell1
	console_expect cell1 90 'cell# '
	cell_run cell1 30 'stty -echo; PS1=; dmesg -n 1' >/dev/null || fail "no shell"
	expect "kernel of the cell" "$(cell_run cell1 10 'uname -r')" "$(uname -r)"
	sum=$(cell_run cell1 60 'dd if=/dev/urandom of=/dev/vda bs=1M count=8 2>/dev/null; sync; md5sum </dev/vda')
	sync
	expect "sum of the disk" "$(md5sum </root/disk.img)" "$sum"
	grep -r . /sys/class/hvisor/*/ >all.txt || fail "grep: status $?"
	grep -q '^/sys/class/hvisor/cell1.blk0/type:blk$' all.txt || fail "no type: $(wc -l <all.txt) lines"
	cat /sys/class/hvisor/cell1/virtio/* >/dev/null || fail "virtio/"
	echo "ok cell"

	systemctl stop shyper-blk@cell1.blk0 shyper-console@cell1.con0 || fail "stop the backends"
	console_close cell1
	wait_until 20 rmmod hvisor
	[ ! -e /sys/class/hvisor ] || fail "the class stays"
	modprobe hvisor || fail "modprobe"
	wait_until 30 served
	expect "state" "$(sys cell1/state) $(sys cell1/orphaned)" 'running 0'
	console_open cell1
	expect "sum with the module loaded anew" "$(disk_sum)" "$sum"
	shyper cell stop small || fail "stop"
	wait_until 10 state_is cell1 stopped
	console_close cell1
	shyper cell destroy small || fail "destroy"
	unchanged "$before"
	echo "ok reload"

	# No monitor of udev's: the programs are that themselves.
	systemctl mask --runtime shyper-cell@cell1.service 2>/dev/null || fail "mask"
	for program in bad-calls adopt 'device-file ask.img' 'eventfds kick.img'; do
		echo 0 >/sys/module/hvisor/parameters/storm_runs || fail "storm_runs"
		./$program || fail "$program"
		unchanged "$before"
	done
	echo "ok programs"
	sha256sum /boot/vmlinuz
EOF2
options=()
for file in tests/system/lib/cell.sh build/programs/{bad-calls,adopt,device-file,eventfds} \
	build/guests/{ask,kick}.img; do
	options+=(--put "$file")
done
"$root_run" --kernel build/kernel/6.12 "${options[@]}" "$work/script" >"$work/out" ||
	fail "on 6.12: $(cat "$work/out")"
cat "$work/out"
expect_eq kernel "$(sha256sum <build/kernel/6.12/vmlinuz | cut -d' ' -f1)" \
	"$(tail -n 1 "$work/out" | cut -d' ' -f1)"
