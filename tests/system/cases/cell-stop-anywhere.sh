#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# alone
# root-run: --timeout 600 --mttcg
# root-run: --put build/guests/spin.img --put build/guests/gic.img
# root-run: --put build/guests/echo.img --put build/guests/hostile.img
# root-run: --put build/guests/fault.img --put build/guests/wfi.img
#
# Cells are stopped and destroyed wherever their CPUs are: at work, asleep, in
# the middle of an interrupt storm, or waiting at EL2 for a backend that hangs.
. ./cell.sh
. ./payload.sh

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
payload_create waiting echo 3
payload_start waiting
wait_until 20 requests_above cell1 10
hang cell1
shyper cell stop waiting >/dev/null || fail "stop of CPUs that wait"
wait_until 10 state_is cell1 stopped
kill -CONT "$(echo_pid cell1)"
payload_start waiting
payload_verdict waiting echo 200
wait_until 10 state_is cell1 stopped
echo ok waiting

# Destroyed while they wait, and the backend cannot even be asked.
payload_start waiting
sleep 0.5
hang cell1
pid=$(echo_pid cell1)
payload_destroy waiting
kill -CONT "$pid" 2>/dev/null
unchanged "$before"
echo ok waiting-destroyed

# In the middle of whatever it does.
for payload in gic wfi hostile spin; do
	for n in 1 5; do
		payload_create busy $payload 3
		payload_start busy
		sleep 0.$n
		[ $n = 1 ] || shyper cell stop busy >/dev/null || fail "$payload: stop"
		payload_destroy busy
		unchanged "$before"
	done
	echo "ok $payload"
done

# Before its processes are there.
for n in 1 2 3; do
	payload_create unborn spin 3
	[ $n = 1 ] || sleep 0.$n
	payload_destroy unborn
	unchanged "$before"
done
echo ok unborn

# Two cells: the end of one is nothing to the other.
payload_create first spin 1
payload_create second fault 1
payload_start first
wait_until 20 payload_says first '^ok spin'
payload_start second
wait_until 10 state_is cell2 failed
expect "the other cell" "$(sys cell1/state)" running
payload_destroy second
expect "the other cell" "$(sys cell1/state)" running
payload_create second spin 2
payload_start second
wait_until 20 payload_says second '^ok spin'
shyper cell stop first >/dev/null || fail stop
expect "the other cell" "$(sys cell2/state)" running
payload_destroy second
payload_destroy first
unchanged "$before"
echo ok two-cells

# No CPU is left: nothing is left of the attempt either.
payload_create most spin 3
payload_config none spin 1
shyper cell create none.json 2>err && fail "a CPU too many"
cat err
grep -q CPU err || fail "no word of CPUs"
payload_destroy most
unchanged "$before"
echo ok no-cpu
