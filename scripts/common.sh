# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Paths and small helpers that every set-up script shares; sourced, not run.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${SHYPER_BUILD:-$top/build}
export top build

say() { printf 'shyper: %s\n' "$*" >&2; }
die() { printf 'shyper: %s\n' "$*" >&2; exit 1; }

# as_root CMD...: run CMD as root, by sudo where that is needed.
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# locked NAME CMD...: run CMD while no other process holds the lock NAME.
locked() {
	local name=$1
	shift
	mkdir -p "$build"
	( flock 9; "$@" ) 9>"$build/.$name.lock"
}
