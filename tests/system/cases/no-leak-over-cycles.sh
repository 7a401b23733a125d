#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2 --timeout 1500
#
# 50 times create, start, prompt, destroy of a small cell, 3 times of Debian's
# userland: nothing of root's memory, CPUs, EL2's pool, processes or files is lost.
. ./cell.sh
. ./memory.sh

# cycle NAME PROMPT SECONDS
cycle() {
	shyper cell create "$1" >/dev/null || fail "create"
	shyper cell start cell1 >/dev/null || fail "start"
	console_open cell1
	console_expect cell1 "$3" "$2"
	console_close cell1
	shyper cell destroy cell1 >/dev/null || fail "destroy"
}

# Less memory to be zeroed and cleaned, fewer words by a serial line that costs an exit
# for each character: both would only take time, fifty times.
jq '.memory = "64M" | .boot.cmdline += " quiet"' /etc/shyper/cells/small.json >quiet.json
before=$(snapshot)
for n in $(seq 50); do
	cycle ./quiet.json 'cell# ' 60
	# To look takes as long as the cell's boot: after some of them.
	[ $((n % 10)) != 0 ] || unchanged "$before"
	[ "$n" != 10 ] || ten=($(memory))
done
fifty=($(memory))
within 1024 MemAvailable "${ten[0]}" "${fifty[0]}"
within 1024 SUnreclaim "${ten[1]}" "${fifty[1]}"
for n in 1 2 3; do
	cycle debian '[#] ' 150
	unchanged "$before"
done
echo "$before"
