# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced by cases, in root (it is put beside each) and on the host.
set -u

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

# expect_eq WHAT WANTED GOT
expect_eq() {
	[ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

# expect_status STATUS COMMAND...
expect_status() {
	local wanted=$1 status=0
	shift
	"$@" || status=$?
	[ $status = "$wanted" ] || fail "status $status, not $wanted: $*"
}

# wait_until SECONDS COMMAND...: until COMMAND is true.
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || fail "still not so: $*"
		sleep 0.1
	done
}
