#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 600 --mttcg
# root-run: --put build/guests/spin.img --put build/guests/gic.img
# root-run: --put build/guests/echo.img --put build/guests/hostile.img
# root-run: --put build/guests/fault.img --put build/guests/wfi.img
#
# Cells are stopped and destroyed wherever their CPUs are: at work, asleep, in
# the middle of an interrupt storm, or waiting at EL2 for a backend that hangs.
. ./cell.sh

# config NAME PAYLOAD CPUS
config() {
	cat >"$1.json" <<-END
		{ "version": 1, "name": "$1", "cpus": $3, "memory": "16M",
		  "boot": { "kernel": "$PWD/$2.img" }, "restart": "never",
		  "devices": [ { "type": "console", "name": "con0" },
			       { "type": "echo", "name": "echo0", "length": "4K" } ] }
	END
}

create() {
	config "$@"
	shyper cell create "$1.json" >/dev/null || fail "$1: create"
}

start() {
	shyper cell start "$1" >/dev/null || fail "$1: start"
}

destroy() {
	shyper cell destroy "$1" >/dev/null || fail "$1: destroy"
}

log_has() {
	shyper cell log "$1" | grep -q -- "$2"
}

echo_pid() {
	sys "$1.echo0/backend_pid"
}

requests() {
	sys "$1.echo0/blocking"
}

requests_above() {
	[ "$(requests "$1")" -gt "$2" ]
}

# hang CELL: its echo backend hangs, and its CPUs wait for it.
hang() {
	local before
	kill -STOP "$(echo_pid "$1")" || fail "no echo backend"
	sleep 0.5
	before=$(requests "$1")
	sleep 0.5
	expect "requests to a backend that hangs" "$(requests "$1")" "$before"
}

before=$(snapshot)

# Three CPUs wait; stop does not. After a new start nothing old is left.
create waiting echo 3
start waiting
wait_until 20 requests_above cell1 10
hang cell1
shyper cell stop waiting >/dev/null || fail "stop of CPUs that wait"
wait_until 10 state_is cell1 stopped
kill -CONT "$(echo_pid cell1)"
start waiting
wait_until 60 log_has waiting '^\(not \)\?ok echo'
log_has waiting '^ok echo' || fail "echo after a stop"
wait_until 10 state_is cell1 stopped
echo ok waiting

# Destroyed while they wait, and the backend cannot even be asked.
start waiting
sleep 0.5
hang cell1
pid=$(echo_pid cell1)
destroy waiting
kill -CONT "$pid" 2>/dev/null
unchanged "$before"
echo ok waiting-destroyed

# In the middle of whatever it does.
for payload in gic wfi hostile spin; do
	for n in 1 2 3 4; do
		create busy $payload 3
		start busy
		sleep "0.$((n * 2 - 1))"
		[ $n = 1 ] || shyper cell stop busy >/dev/null
		destroy busy
		unchanged "$before"
	done
	echo "ok $payload"
done

# Two cells: the end of one is nothing to the other.
create first spin 1
create second fault 1
start first
wait_until 20 log_has first '^ok spin'
start second
wait_until 10 state_is cell2 failed
expect "the other cell" "$(sys cell1/state)" running
destroy second
expect "the other cell" "$(sys cell1/state)" running
create second spin 2
start second
wait_until 20 log_has second '^ok spin'
shyper cell stop first >/dev/null || fail stop
expect "the other cell" "$(sys cell2/state)" running
destroy second
destroy first
unchanged "$before"
echo ok two-cells

# No CPU is left: nothing is left of the attempt either.
create most spin 3
create_one=$(config none spin 1; shyper cell create none.json 2>&1) && fail "a CPU too many"
echo "$create_one"
destroy most
unchanged "$before"
echo ok no-cpu
