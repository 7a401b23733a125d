#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 1500
#
# 50 times create, start, prompt, destroy of a small cell, 3 times of Debian's
# userland: nothing of root's memory, CPUs, EL2's pool, processes or files is lost.
. ./cell.sh

# cycle NAME PROMPT SECONDS
cycle() {
	shyper cell create "$1" >/dev/null || fail "create"
	shyper cell start cell1 >/dev/null || fail "start"
	console_open cell1
	console_expect cell1 "$3" "$2"
	console_close cell1
	shyper cell destroy cell1 >/dev/null || fail "destroy"
}

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

# within WHAT A B: differ by less than 1 MiB
within() {
	local d=$(($3 - $2))
	echo "$1 after cycle 10: $2 KiB, after cycle 50: $3 KiB"
	[ ${d#-} -lt 1024 ] || fail "$1 changed by $d KiB"
}

# What takes the kernel long and shows nothing here is left out.
jq '.boot.cmdline += " quiet nokaslr kpti=off mitigations=off cryptomgr.notests" +
	" rcupdate.rcu_expedited=1"' /etc/shyper/cells/small.json >quiet.json
before=$(snapshot)
for n in $(seq 50); do
	cycle ./quiet.json 'cell# ' 60
	unchanged "$before"
	[ "$n" != 10 ] || ten=($(memory))
done
fifty=($(memory))
within MemAvailable "${ten[0]}" "${fifty[0]}"
within SUnreclaim "${ten[1]}" "${fifty[1]}"
for n in 1 2 3; do
	cycle debian '[#] ' 150
	unchanged "$before"
done
echo "$before"
