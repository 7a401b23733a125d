#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put build/guests/idle.img
#
# A backend stops while a guest loads from its region. What its deadline says then
# happens: the guest waits on; its device fails, and works again when it is reset; the
# cell fails. What is stopped while it is to be started stays stopped.
. ./cell.sh

# Longer than a backend that is there needs on a busy machine.
deadline=2000

# served_by_none POLICY: a running cell whose backend, $pid, answers nothing any more
served_by_none() {
	cat >idle.json <<-END
		{ "version": 1, "name": "idle", "cpus": 1, "memory": "16M",
		  "boot": { "kernel": "$PWD/idle.img" }, "restart": "never",
		  "devices": [ { "type": "echo", "name": "echo0",
				 "deadline_ms": $deadline, "policy": "$1" } ] }
	END
	shyper cell create ./idle.json >/dev/null || fail "create"
	shyper cell start idle >/dev/null || fail "start"
	wait_until 20 answers_more_than 3
	expect "timeouts of a backend that answers" "$(sys cell1.echo0/timeouts)" 0
	pid=$(backend_pid cell1.echo0)
	kill -STOP "$pid"
	wait_until 10 is_pending
}

answers_more_than() {
	[ "$(sys cell1.echo0/blocking)" -gt "$1" ]
}

is_pending() {
	grep -q '^CPU0=echo0,' /sys/class/hvisor/cell1/virtio/pending
}

timed_out() {
	[ "$(sys cell1.echo0/timeouts)" = 1 ]
}

exits_above() {
	[ "$(sys cell1/statistics/vmexits_total)" -gt "$1" ]
}

# goes_on: the guest, without an answer of its backend
goes_on() {
	wait_until 10 exits_above $(($(sys cell1/statistics/vmexits_total) + 20))
}

destroyed() {
	kill -CONT "$pid" 2>/dev/null
	shyper cell destroy idle >/dev/null || fail "destroy"
	unchanged "$before"
}

before=$(snapshot)
served_by_none wait
wait_until 10 timed_out
echo "timed out, and still there: $(cat /sys/class/hvisor/cell1/virtio/pending)"
is_pending || fail "nobody waits any more"
expect "failed" "$(sys cell1.echo0/failed)" 0
answered=$(sys cell1.echo0/blocking)
kill -CONT "$pid"
wait_until 10 answers_more_than $((answered + 3))
expect "timeouts" "$(sys cell1.echo0/timeouts)" 1
expect "state" "$(sys cell1/state)" running
destroyed
echo "ok waits-on"

served_by_none fail-device
wait_until 10 timed_out
! is_pending || fail "somebody waits for a device that has failed"
expect "failed" "$(sys cell1.echo0/failed)" 1
goes_on
kill -CONT "$pid"
answered=$(sys cell1.echo0/blocking)
goes_on
expect "answers after that" "$(sys cell1.echo0/blocking)" "$answered"
expect "timeouts" "$(sys cell1.echo0/timeouts)" 1
expect "state" "$(sys cell1/state)" running
shyper cell restart idle >/dev/null || fail "restart"
expect "failed after a reset" "$(sys cell1.echo0/failed)" 0
wait_until 10 answers_more_than $((answered + 3))
destroyed
echo "ok device-fails"

served_by_none stop-cell
wait_until 10 state_is cell1 failed
expect "reason" "$(sys cell1/reason)" device
expect "timeouts" "$(sys cell1.echo0/timeouts)" 1
shyper cell show idle
shyper cell show idle | grep -q '^reason  *device' || fail "the reason is not shown"
echo "ok cell-fails"

# Its backend is still away, so a start waits; who stops the cell meanwhile has the last
# word, also if it was stopped before.
is_loading() {
	[ -n "$(find "/proc/$(sys cell1/monitor_pid)/fd" -lname /dev/hvisor)" ]
}
for from in failed stopped; do
	state_is cell1 $from || fail "it is $(sys cell1/state), not $from"
	shyper cell start idle >out 2>err &
	starter=$!
	wait_until 20 is_loading
	sleep 0.5
	shyper cell stop idle >/dev/null || fail "stop"
	! wait $starter || fail "started: $(cat out)"
	cat err
	grep -q 'was stopped by somebody else' err || fail "not told why it was not started"
done
kill -CONT "$pid"
sleep 2
expect "state" "$(sys cell1/state) $(sys cell1/reason)" "stopped stop"
shyper cell start idle >/dev/null || fail "start"
goes_on
destroyed
echo "ok stays-stopped"
