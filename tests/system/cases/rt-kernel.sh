#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# Root boots Debian's rt flavour, with the module built for it, by --kernel.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make -s setup-rt || fail "setup-rt"
cat >"$work/script" <<-'EOF'
	. ./check.sh
	grep -q PREEMPT_RT /proc/version || fail "$(cat /proc/version)"
	expect_eq state running "$(systemctl is-system-running)"
	expect_eq CPUs 4 "$(nproc)"
	[ -d /sys/module/hvisor ] || fail "hvisor is not loaded"
	[ -d /sys/class/hvisor/cell0 ] || fail "no cell0"
	for cpu in 1 2 3; do
		echo 0 >/sys/devices/system/cpu/cpu$cpu/online || fail "CPU $cpu"
		echo 1 >/sys/devices/system/cpu/cpu$cpu/online || fail "CPU $cpu"
	done
	# Handlers are threads here, and the locks of eventfds sleep.
	./eventfds kick.img >&2 || fail "eventfds"
	echo 3 >/proc/sys/vm/drop_caches
	sha256sum /boot/vmlinuz
EOF
"$root_run" --kernel build/kernel/rt --put tests/system/lib/check.sh \
	--put build/programs/eventfds --put build/guests/kick.img "$work/script" >"$work/out" ||
	fail "on the rt kernel"
expect_eq 'kernel, through the ITS' "$(sha256sum <build/kernel/rt/vmlinuz | cut -d' ' -f1)" \
	"$(cut -d' ' -f1 "$work/out")"
