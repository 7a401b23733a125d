#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 600 --put build/guests/idle.img --put build/guests/gic.img
#
# A paused cell makes no exit and loses nothing: it goes on where it was, also out
# of a wait for a backend; and it can be stopped and destroyed.
. ./cell.sh

# config NAME CPUS
config() {
	cat >"$1.json" <<-END
		{ "version": 1, "name": "$1", "cpus": $2, "memory": "16M",
		  "boot": { "kernel": "$PWD/$1.img" }, "restart": "never",
		  "devices": [ { "type": "echo", "name": "echo0" } ] }
	END
}

# does VERB CELL [STATE]: and then it is in that state.
does() {
	shyper cell "$1" "$2" >/dev/null || fail "$1 $2"
	[ $# -lt 3 ] || state_is cell1 "$3" || fail "after $1 it is $(sys cell1/state)"
}

# refuses VERB CELL: one line that names the cell's state.
refuses() {
	local status=0
	shyper cell "$1" "$2" >out 2>err || status=$?
	expect "status of $1" $status 1
	expect "lines of $1" "$(wc -l <err)" 1
	grep -q "$2" err || fail "$1: $(cat err)"
}

exits() {
	sys cell1/statistics/vmexits_total
}

# stands_still: no exit in a second.
stands_still() {
	local before
	before=$(exits)
	sleep 1
	expect "exits of a paused cell" "$(exits)" "$before"
}

exits_above() {
	[ "$(exits)" -gt "$1" ]
}

goes_on() {
	wait_until 10 exits_above "$(exits)"
}

is_pending() {
	grep -q '^CPU0=echo0,' /sys/class/hvisor/cell1/virtio/pending
}

before=$(snapshot)
config idle 1
shyper cell create ./idle.json >/dev/null || fail "create"
refuses pause idle
refuses resume idle
does start idle running
refuses resume idle
goes_on
does pause idle paused
stands_still
expect "uptime of a paused cell" "$(sys cell1/uptime_ms)" 0
does pause idle paused
for verb in start load; do
	refuses $verb idle
done
does resume idle running
goes_on
expect starts "$(sys cell1/starts)" 1
expect "reason" "$(sys cell1/reason)" none
echo ok goes-on

# Paused while it waits for a backend, which answers meanwhile; and not.
pid=$(sys cell1.echo0/backend_pid)
for _ in 1 2; do
	kill -STOP "$pid"
	wait_until 10 is_pending
	does pause idle paused
	is_pending || fail "the request is gone"
	kill -CONT "$pid"
	wait_until 10 eval '! is_pending'
	stands_still
	does resume idle running
	goes_on
done
kill -STOP "$pid"
wait_until 10 is_pending
does pause idle paused
does resume idle running
is_pending || fail "the request is gone"
kill -CONT "$pid"
goes_on
echo ok in-a-wait

does pause idle paused
does stop idle stopped
expect "reason" "$(sys cell1/reason)" stop
does start idle running
goes_on
does pause idle paused
does restart idle running
goes_on
does pause idle paused
does destroy idle
unchanged "$before"
echo ok stopped-and-destroyed

# Three CPUs that interrupt each other all the time.
config gic 3
log_has() {
	shyper cell log gic | grep -q -- "$1"
}
shyper cell create ./gic.json >/dev/null || fail "gic"
{ echo cell start gic; for _ in $(seq 100); do echo 'cell pause gic; cell resume gic'; done; } >script
# Up to the end of the cell, which is when a pause is refused.
shyper -b script >out 2>err
pauses=$(grep -c '^cell1 gic: paused' out)
wait_until 60 log_has '^\(not \)\?ok gic'
shyper cell log gic
log_has '^ok gic' || fail "gic does not get over $pauses pauses"
[ $pauses -gt 2 ] || fail "only $pauses pauses"
echo "$pauses pauses"
does destroy gic
echo ok three-cpus
