#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put build/guests/loads.img
#
# A guest loads device registers 1,000,000 times, then the echo region 10,000
# times: the cell's exit counter grows by less than 1 % of the first, and by at
# least all of the second.
. ./cell.sh
. ./payload.sh

# gate MARK REGION: the guest has said MARK and waits; its exits so far. It goes
# on when the backend of that region does.
gate() {
	wait_until 60 grep -q "^CPU0=$2," /sys/class/hvisor/cell1/virtio/pending
	expect "the guest's last words" "$(shyper cell log loads | tail -n 1)" "$1"
	exits=$(sys cell1/statistics/vmexits_total)
	echo "$1: $exits exits so far"
	kill -CONT "$(sys "cell1.$2/backend_pid")"
}

are_served() {
	[ "$(sys cell1.echo1/attached)$(sys cell1.echo2/attached)" = 11 ]
}

before=$(snapshot)
payload_config loads loads 1
jq '.devices += [ { "type": "echo", "name": "echo1" }, { "type": "echo", "name": "echo2" } ]' \
	loads.json >gated.json
shyper cell create gated.json >/dev/null || fail "create"
wait_until 60 are_served
kill -STOP "$(sys cell1.echo1/backend_pid)" "$(sys cell1.echo2/backend_pid)" || fail "no backends"
payload_start loads
gate registers echo1
registers=$exits
gate echo echo2
echo=$exits
payload_verdict loads loads 200
wait_until 10 state_is cell1 stopped
end=$(sys cell1/statistics/vmexits_total)
echo "1,000,000 loads of registers: $((echo - registers)) exits"
[ $((echo - registers)) -lt 10000 ] || fail "loads of registers exit"
echo "10,000 loads of the echo region: $((end - echo)) exits"
[ $((end - echo)) -ge 10000 ] || fail "loads of the echo region do not all exit"
payload_destroy loads
unchanged "$before"
