#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# A case fails, by name of the fault, when EL2 panics or root's kernel log shows
# WARNING, BUG or Oops, though its script ends well.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# injected NAME COMMAND TEXT: root-run fails a case of COMMAND and tells TEXT.
injected() {
	local status=0
	echo "$2" >"$work/script"
	"$root_run" "$work/script" 2>"$work/err" || status=$?
	expect_eq "status with $1" 125 $status
	grep -qF "$3" "$work/err" || fail "$1 is not told: $(cat "$work/err")"
	rm -r "$(sed -n 's/^root-run: logs: //p' "$work/err")"
	echo "ok $1"
}

injected el2-panic 'echo "hvisor: panic: injected" >/dev/ttyAMA0' \
	'EL2 panicked: hvisor: panic: injected'
injected el2-panic-and-hang 'echo "hvisor: panic: injected" >/dev/ttyAMA0; sleep 1000' \
	'EL2 panicked: hvisor: panic: injected'
injected warning 'echo "WARNING: CPU: 1 PID: 2 at injected" >/dev/kmsg' 'WARNING: CPU: 1'
injected bug 'echo "BUG: injected" >/dev/kmsg' 'BUG: injected'
injected oops 'echo "Internal error: Oops: 96000004 injected" >/dev/kmsg' 'Oops: 96000004'
injected root-panic 'echo c >/proc/sysrq-trigger' 'QEMU ended before the case did'
