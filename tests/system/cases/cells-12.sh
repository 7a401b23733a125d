#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 500 --cpus 16 --mem 2048 --put build/guests/idle.img
#
# Twelve bare-metal cells of 16 MiB on a machine of 16 CPUs, all there at the same
# time: each runs on a CPU of its own, has an early console and a region with a
# backend, which it uses all the time, and all of it is given back.
. ./cell.sh

# each COMMAND: with the name of each cell in place of its %, in one process
each() {
	local n commands=''
	for n in {1..12}; do
		commands+="cell ${1/\%/c$n}; "
	done
	shyper -c "$commands"
}

all_idle() {
	each 'log %' >logs && [ "$(grep -c '^ok idle' logs)" = 12 ]
}

# counts FILE: of each cell, seen by one process
counts() {
	cat /sys/class/hvisor/cell{1..12}"$1" | xargs
}

# all_exit: since `exits` each cell has loaded from its region three times more
all_exit() {
	local n was now
	read -r -a was <<<"$exits"
	read -r -a now < <(counts .echo0/exits)
	for n in {0..11}; do
		[ "${now[n]}" -ge $((was[n] + 3)) ] || return
	done
}

before=$(snapshot)
cpus=$(nproc)
for n in {1..12}; do
	printf '{ "version": 1, "name": "c%d", "cpus": 1, "memory": "16M", "boot": { "kernel": "%s" },
		"devices": [ { "type": "echo", "name": "echo0" } ] }\n' "$n" "$PWD/idle.img" >"c$n.json"
done
each 'create ./%.json' >/dev/null || fail "create"
shyper -j cell list | jq -c '[.[] | select(.id > 0)]' >cells.json
expect "cells" "$(jq -c '[length, ([.[].memory] | add), ([.[].cpus] | unique | length)]' cells.json)" \
	"[12,$((12 * 16 * 1024 * 1024)),12]"
expect "CPUs of root" "$(nproc)" $((cpus - 12))
echo "ok created"

each 'start %' >/dev/null || fail "start"
wait_until 100 all_idle
exits=$(counts .echo0/exits)
wait_until 100 all_exit
expect "states" "$(counts /state)" "$(yes running | head -n 12 | xargs)"
expect "starts" "$(counts /starts)" "$(yes 1 | head -n 12 | xargs)"
echo "loads of each: $(counts .echo0/exits)"
echo "ok running"

each 'stop %' >/dev/null || fail "stop"
expect "states" "$(counts /state)" "$(yes stopped | head -n 12 | xargs)"
each 'destroy %' >/dev/null || fail "destroy"
expect "CPUs of root" "$(nproc)" "$cpus"
unchanged "$before"
echo "ok given-back"
