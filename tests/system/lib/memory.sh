# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# How much memory root has, so exactly that a leak shows. Sourced by bash after cell.sh.

meminfo() {
	sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo
}

# kept_free: the free pages that each CPU keeps for itself, up to a MiB each, in KiB;
# MemAvailable does not count them.
kept_free() {
	awk '$1 == "count:" { n += $2 } END { print n * 4 }' /proc/zoneinfo
}

workers_gone() {
	! grep -qx '(udev-worker)' /proc/[0-9]*/comm
}

# memory: in KiB, MemAvailable and SUnreclaim, at its best in some seconds, when caches
# and empty slabs are dropped, what is freed late is freed, and udev has ended its idle
# workers. What was logged is in memory, too.
memory() {
	local cache
	journalctl -q --rotate --vacuum-time=1s || fail "journal"
	sync
	wait_until 60 workers_gone
	for _ in 1 2 3 4 5; do
		echo 3 >/proc/sys/vm/drop_caches
		for cache in /sys/kernel/slab/*/shrink; do
			echo 1 >"$cache"
		done
		sleep 1
		echo "$(($(meminfo MemAvailable) + $(kept_free))) $(meminfo SUnreclaim)"
	done | awk '$1 > free { free = $1 } !slab || $2 < slab { slab = $2 }
		END { print free, slab }'
}

# within LIMIT WHAT BEFORE AFTER: differ by less than LIMIT, all in KiB.
within() {
	local d=$(($4 - $3))
	echo "$2 before: $3 KiB, after: $4 KiB"
	[ ${d#-} -lt "$1" ] || fail "$2 changed by $d KiB"
}
