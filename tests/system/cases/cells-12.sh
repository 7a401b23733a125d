#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 500 --cpus 16 --mem 2048 --put build/guests/hello.img
#
# Twelve bare-metal cells of 16 MiB on a machine of 16 CPUs, all there at the same
# time: each runs on a CPU of its own, and all of it is given back.
. ./cell.sh

# each COMMAND: with the name of each cell in place of its %, in one process
each() {
	local n commands=''
	for n in {1..12}; do
		commands+="cell ${1/\%/c$n}; "
	done
	shyper -c "$commands"
}

all_stopped() {
	local n
	for n in {1..12}; do
		state_is "cell$n" stopped || return
	done
}

before=$(snapshot)
cpus=$(nproc)
# Without devices, whose backends would be two dozen processes.
for n in {1..12}; do
	printf '{ "version": 1, "name": "c%d", "cpus": 1, "memory": "16M", "boot": { "kernel": "%s" } }\n' \
		"$n" "$PWD/hello.img" >"c$n.json"
done
each 'create ./%.json' >/dev/null || fail "create"
shyper -j cell list | jq -c '[.[] | select(.id > 0)]' >cells.json
expect "cells" "$(jq -c '[length, ([.[].memory] | add), ([.[].cpus] | unique | length)]' cells.json)" \
	"[12,$((12 * 16 * 1024 * 1024)),12]"
expect "CPUs of root" "$(nproc)" $((cpus - 12))
echo "ok created"

each 'start %' >/dev/null || fail "start"
wait_until 100 all_stopped
each 'log %' >logs || fail "log"
expect "lines of a CPU 0, verdicts" \
	"$(grep -c '^hello from EL1, CPU 0,' logs) $(grep -c '^ok hello' logs)" '12 12'
expect "reasons" "$(cat /sys/class/hvisor/cell{1..12}/reason | sort | uniq -c | xargs)" '12 off'
echo "ok hello"

each 'destroy %' >/dev/null || fail "destroy"
expect "CPUs of root" "$(nproc)" "$cpus"
unchanged "$before"
echo "ok given-back"
