#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# Root boots Debian's 6.12, with the module built for it, and so does a cell: it
# is made, started, written to by its console, reads and writes a disk, and goes.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make -s setup-6.12 || fail "setup-6.12"
cat >"$work/script" <<-'EOF2'
	. ./cell.sh
	case $(uname -r) in 6.12.*) ;; *) fail "$(uname -r)" ;; esac
	expect state running "$(systemctl is-system-running)"
	before=$(snapshot)
	truncate -s 8M /root/disk.img
	jq '.devices += [ { "type": "blk", "name": "blk0", "path": "/root/disk.img" } ]' \
		/etc/shyper/cells/small.json >small.json
	shyper cell create ./small.json || fail "create"
	shyper cell start small || fail "start"
	console_open cell1
	console_expect cell1 90 'cell# '
	cell_run cell1 30 'stty -echo; PS1=' >/dev/null || fail "no shell"
	expect "kernel of the cell" "$(cell_run cell1 10 'uname -r')" "$(uname -r)"
	sum=$(cell_run cell1 60 'dd if=/dev/urandom of=/dev/vda bs=1M count=8 2>/dev/null; sync; md5sum </dev/vda')
	sync
	expect "sum of the disk" "$(md5sum </root/disk.img)" "$sum"
	cat /sys/class/hvisor/cell1/virtio/* >/dev/null || fail "virtio/"
	shyper cell stop small || fail "stop"
	wait_until 10 state_is cell1 stopped
	console_close cell1
	shyper cell destroy small || fail "destroy"
	unchanged "$before"
	sha256sum /boot/vmlinuz
EOF2
"$root_run" --kernel build/kernel/6.12 --put tests/system/lib/cell.sh "$work/script" >"$work/out" ||
	fail "on 6.12: $(cat "$work/out")"
expect_eq kernel "$(sha256sum <build/kernel/6.12/vmlinuz | cut -d' ' -f1)" \
	"$(tail -n 1 "$work/out" | cut -d' ' -f1)"
