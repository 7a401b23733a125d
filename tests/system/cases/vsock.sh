#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put build/programs/vsock
#
# Programs of root and of a guest talk to each other with no network: both begin,
# byte for byte; a killed backend takes connections with it, and new ones work; a
# number is given once.
. ./cell.sh

# echoes CID FILE: what the guest sends back is what it was sent
echoes() {
	socat -t 30 - "VSOCK-CONNECT:$1:5000" <"$2" | cmp - "$2"
}

says_why() {
	journalctl -q -u "shyper-vsock@$1" | grep -q 'cid 3: is that of another device'
}

before=$(snapshot)
head -c 4194304 /dev/urandom >/tmp/data
truncate -s 4M vsock
jq '.name = "talks" | .boot.cmdline |= "quiet " + . | .devices += [{type: "vsock", name: "vsock0"},
	{type: "blk", name: "blk0", path: "/root/vsock", readonly: true}]' \
	/etc/shyper/cells/small.json >/root/talks.json
shyper cell create /root/talks.json || fail "create"
shyper cell start talks || fail "start"
console_open cell1
cell_login cell1 120
expect "no network" "$(cell_run cell1 10 'ls /sys/class/net')" lo
cell_run cell1 30 'cat /dev/vda >/bin/vsock && chmod +x /bin/vsock && { vsock echo 5000 & }' >/dev/null ||
	fail "no program in the guest"
wait_until 10 echoes 3 /root/talks.json
echoes 3 /tmp/data || fail "root to guest: not the same"
echo "ok root-to-guest"

socat -d -d -u VSOCK-LISTEN:5001 - >/tmp/received 2>/tmp/said &
server=$!
wait_until 10 grep -q listening /tmp/said
cell_run cell1 60 'head -c 4000000 /dev/vda | vsock send 2 5001' || fail "guest to root: status $?"
wait $server
head -c 4000000 vsock | cmp - /tmp/received || fail "guest to root: not the same"
echo "ok guest-to-root"

used=$(cut -d' ' -f14,15 "/proc/$(backend_pid cell1.vsock0)/stat")
echoes 3 /tmp/data || fail "once more: not the same"
expect "CPU time of the backend" "$(cut -d' ' -f14,15 "/proc/$(backend_pid cell1.vsock0)/stat")" "$used"
echo "ok no-time"

# The guest hears of it: its program, which serves one peer at a time, takes the next.
sleep 100 | socat - VSOCK-CONNECT:3:5000 &
sleep 1
backend_kill cell1.vsock0
wait_until 20 echoes 3 /tmp/data
echo "ok killed"

# Another device with the same number has no backend, and its log says why.
jq '.name = "other" | .devices = [{type: "vsock", name: "vsock0", cid: 3}]' /root/talks.json >/root/other.json
shyper cell create /root/other.json || fail "create other"
wait_until 20 says_why cell2.vsock0
shyper cell destroy other || fail "destroy other"
echo "ok number"

console_close cell1
shyper cell destroy talks || fail "destroy"
unchanged "$before"
echo "ok gone"
