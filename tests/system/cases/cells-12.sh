#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 500 --cpus 16 --mem 2048 --put build/guests/hello.img
#
# Twelve bare-metal cells of 16 MiB on a machine of 16 CPUs, all there at the same
# time: each runs on a CPU of its own, and all of it is given back.
. ./cell.sh
. ./payload.sh

all_say_hello() {
	local n
	for n in {1..12}; do
		payload_says "c$n" '^ok hello' || return
	done
}

before=$(snapshot)
cpus=$(nproc)
for n in {1..12}; do
	payload_create "c$n" hello 1
done
expect "cells" "$(shyper -j cell list | jq '[.[] | select(.id > 0)] | length')" 12
expect "CPUs of root" "$(nproc)" $((cpus - 12))
expect "memory of all" "$(shyper -j cell list | jq '[.[] | select(.id > 0).memory] | add')" \
	$((12 * 16 * 1024 * 1024))
expect "CPUs of their own" "$(shyper -j cell list | jq -r '.[] | select(.id > 0).cpus' | sort -u | wc -l)" 12
echo "ok created"

for n in {1..12}; do
	payload_start "c$n"
done
wait_until 100 all_say_hello
for n in {1..12}; do
	shyper cell log "c$n" | grep -q '^hello from EL1, CPU 0,' || fail "c$n: $(shyper cell log "c$n")"
	wait_until 20 state_is "cell$n" stopped
	expect "c$n: reason" "$(sys "cell$n/reason")" off
done
echo "ok hello"

for n in {1..12}; do
	payload_destroy "c$n"
done
expect "CPUs of root" "$(nproc)" "$cpus"
unchanged "$before"
echo "ok given-back"
