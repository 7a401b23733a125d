# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# How much memory root has, so exactly that a leak shows. Sourced by bash after cell.sh.

meminfo() {
	sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo
}

workers_gone() {
	! grep -qx '(udev-worker)' /proc/[0-9]*/comm
}

# memory: in KiB, MemAvailable and SUnreclaim, at its best in some seconds, when caches
# are dropped, what is freed late is freed, and udev has ended its idle workers. The free
# pages that each CPU keeps for itself, up to 2 MiB, count as used, and so do empty
# slabs: a CPU that goes off gives its pages back, shrinking the slabs. What was
# logged is in memory, too.
memory() {
	local cpu cache
	journalctl -q --rotate --vacuum-time=1s || fail "journal"
	sync
	echo 3 >/proc/sys/vm/drop_caches
	for cpu in 3 2 1 0; do
		echo 0 >/sys/devices/system/cpu/cpu$cpu/online &&
			echo 1 >/sys/devices/system/cpu/cpu$cpu/online
	done || fail "CPU $cpu"
	wait_until 60 workers_gone
	for _ in 1 2 3 4 5; do
		echo 3 >/proc/sys/vm/drop_caches
		for cache in /sys/kernel/slab/*/shrink; do
			echo 1 >"$cache"
		done
		sleep 1
		echo "$(meminfo MemAvailable) $(meminfo SUnreclaim)"
	done | awk '$1 > free { free = $1 } !slab || $2 < slab { slab = $2 }
		END { print free, slab }'
}

# within LIMIT WHAT BEFORE AFTER: differ by less than LIMIT, all in KiB.
within() {
	local d=$(($4 - $3))
	echo "$2 before: $3 KiB, after: $4 KiB"
	[ ${d#-} -lt "$1" ] || fail "$2 changed by $d KiB"
}
