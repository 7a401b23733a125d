#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2 --timeout 500
# shellcheck disable=SC2016 # the guest's shell expands what is typed
#
# A cell with 32 devices, as many as there can be, each of which is used: 16 disks,
# 8 consoles, as many as Linux has terminals for, 3 UARTs, 4 regions, and the early
# console.
. ./cell.sh

before=$(snapshot)
jq -n --arg pwd "$PWD" '[range(8) | { type: "console", name: "con\(.)", log: "\($pwd)/con\(.).log" }] +
	[range(16) | { type: "blk", name: "blk\(.)", path: "\($pwd)/disk\(.)" }] +
	[range(3) | { type: "pl011", name: "uart\(.)", log: "\($pwd)/uart\(.).log" }] +
	[range(4) | { type: "echo", name: "echo\(.)" }]' >devices.json
jq '.name = "many" | .devices = $devices[0] |
	.boot.cmdline |= "quiet " + .' \
	--slurpfile devices devices.json /etc/shyper/cells/small.json >many.json
for n in {0..15}; do
	printf 'disk %d\n' "$n" >"disk$n"
	truncate -s 1M "disk$n"
done
shyper cell create ./many.json >/dev/null || fail "create"
expect "devices" "$(find /sys/class/hvisor/ -name 'cell1.*' | wc -l)" 32
shyper cell start many -t 120 >/dev/null || fail "start"
mapfile -t files < <(jq -r '"/sys/class/hvisor/cell1.\(.[].name)/attached"' devices.json)
expect "without backend" "$(grep -L 1 "${files[@]}")" ""
console_open cell1 con0
cell_login cell1 200
echo "ok started"

# Each disk by its serial number: what is on it goes to the next sector.
cell_run cell1 200 'for d in /sys/block/vd*; do read -r s <$d/serial; v=/dev/${d##*/}; read -r t <$v; echo "$s had $t" | dd of=$v bs=512 seek=1 conv=sync 2>/dev/null; done; sync' |
	tee copied
expect "complaints" "$(cat copied)" ""
for n in {0..15}; do
	expect "disk $n" "$(dd if="disk$n" bs=512 skip=1 count=1 2>/dev/null | head -n 1)" \
		"cell1.blk$n had disk $n"
done
echo "ok disks"

cell_run cell1 200 'for n in 0 1 2 3 4 5 6 7; do echo "written to hvc$n" >/dev/hvc$n; done' >/dev/null
cell_run cell1 200 'for n in 0 1 2; do echo "written to ttyAMA$n" >/dev/ttyAMA$n; done' >/dev/null
for n in {0..7}; do
	wait_until 20 grep -aq "written to hvc$n" "con$n.log"
done
for n in 0 1 2; do
	wait_until 20 grep -aq "written to ttyAMA$n" "uart$n.log"
done
expect "lines of others" "$(grep -ac 'written to' con[1-7].log uart?.log | grep -cv ':1$')" 0
echo "ok consoles"

# A region counts the loads of each CPU.
for n in 0 1 2 3; do
	address=$(sys "cell1.echo$n/address")
	expect "region $n" "$(cell_run cell1 60 "devmem $address; devmem $address" | tail -n 2 | tr '\n' ' ')" \
		"0x00000000 0x00000001 "
done
echo "ok regions"

# The early console has made way for nobody: what is written there is the cell's log.
cell_run cell1 60 "for c in 0x68 0x69 0x0a; do devmem $(sys cell1.earlycon/address) 8 \$c; done" >/dev/null
expect "early console" "$(shyper cell log many)" "hi"
idle() {
	local name
	for name in $(jq -r '.[].name' devices.json); do
		[ "$(sys "cell1.$name/exits")" -gt 0 ] || echo "$name"
	done
}
expect "devices that were not used" "$(idle)" ""
console_close cell1
shyper cell destroy many >/dev/null || fail "destroy"
unchanged "$before"
echo "ok given-back"
