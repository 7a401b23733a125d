#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host
# A case fails, by name of the fault, when EL2 panics or root's kernel log shows
# WARNING, BUG or Oops, though its script ends well.
. tests/system/lib/check.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# injected NAME COMMAND TEXT [OPTION...]: root-run fails a case of COMMAND and tells TEXT.
injected() {
	local name=$1 text=$3 status=0
	echo "$2" >"$work/script"
	shift 3
	"$root_run" "$@" "$work/script" 2>"$work/err" || status=$?
	expect_eq "status with $name" 125 $status
	grep -qF "$text" "$work/err" || fail "$name is not told: $(cat "$work/err")"
	logs=$(sed -n 's/^root-run: logs: //p' "$work/err")
	said=$(tr -d '\r' <"$logs/serial.log")
	rm -r "$logs"
	echo "ok $name"
}

# EL2's own last words, after which the machine is off. A root that boots quickly.
injected el2-panic './panic' 'EL2 panicked: hvisor: panic: asked for by root' \
	--bootargs selftest --init busybox --cpus 1 --mem 512 --put build/programs/panic
grep -qE '^hvisor: panic on CPU 0, called from 0x[0-9a-f]+$' <<<"$said" || fail "where from: $said"
injected el2-panic-and-hang 'echo "hvisor: panic: injected" >/dev/ttyAMA0; sleep 1000' \
	'EL2 panicked: hvisor: panic: injected'
injected warning 'echo "WARNING: CPU: 1 PID: 2 at injected" >/dev/kmsg' 'WARNING: CPU: 1'
injected bug 'echo "BUG: injected" >/dev/kmsg' 'BUG: injected'
injected oops 'echo "Internal error: Oops: 96000004 injected" >/dev/kmsg' 'Oops: 96000004'
injected root-panic 'echo c >/proc/sysrq-trigger' 'QEMU ended before the case did'
