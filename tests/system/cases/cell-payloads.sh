#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# alone
# root-run: --timeout 600 --mttcg
# root-run: --put build/guests/hello.img --put build/guests/reboot.img
# root-run: --put build/guests/fault.img --put build/guests/spin.img
# root-run: --put build/guests/psci.img --put build/guests/gic.img
# root-run: --put build/guests/wfi.img --put build/guests/isv0.img
# root-run: --put build/guests/hostile.img
#
# Bare-metal payloads, each in a cell of its own: created, run to its verdict,
# destroyed, and then the machine is as it was.
. ./cell.sh
. ./payload.sh

# begin NAME CPUS
begin() {
	payload_create "$1" "$1" "$2"
	payload_start "$1"
}

end() {
	payload_destroy "$1"
	unchanged "$before"
	echo "ok $1"
}

# ended STATE REASON: cell1 is in that state and says why.
ended() {
	wait_until 10 state_is cell1 "$1"
	expect reason "$(sys cell1/reason)" "$2"
}

# verdict NAME SECONDS: it says ok and switches itself off.
verdict() {
	payload_verdict "$1" "$1" "$2"
	ended stopped off
}

before=$(snapshot)
begin hello 1
verdict hello 10
end hello

begin fault 1
ended failed unmapped
shyper cell show fault
shyper cell show fault -j >fault.txt
grep -qi 1122334455667788 fault.txt || fail "fault: x20 is not kept"
grep -qi 10000000 fault.txt || fail "fault: the address is not kept"
end fault

begin spin 3
wait_until 20 payload_says spin '^ok spin'
expect state "$(sys cell1/state)" running
uptime=$(sys cell1/uptime_ms)
sleep 0.2
[ "$uptime" -gt 0 ] && [ "$(sys cell1/uptime_ms)" -ge $((uptime + 200)) ] || fail "an uptime of $uptime ms"
shyper cell stop spin || fail "spin: stop"
ended stopped stop
shyper cell start spin || fail "spin: start again"
wait_until 10 state_is cell1 running
# Destroyed while it runs, all CPUs at once.
end spin

# It resets itself twice, which its monitor answers with a new start.
begin reboot 1
verdict reboot 30
expect starts "$(sys cell1/starts)" 3
expect restarts "$(sys cell1/restarts)" 2
end reboot

# The CPUs of a cell are not root's to start.
begin psci 3
cpu=$(sys cell1/cpus | cut -d, -f1 | cut -d- -f1)
expect "CPU $cpu" "$(cat "/sys/devices/system/cpu/cpu$cpu/online")" 0
echo 1 2>/dev/null >"/sys/devices/system/cpu/cpu$cpu/online" && fail "root started CPU $cpu"
verdict psci 120
end psci

begin gic 3
verdict gic 120
end gic
for name in wfi isv0 hostile; do
	begin $name 1
	verdict $name 120
	end $name
done
