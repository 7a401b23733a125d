#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2 --timeout 500 --put build/programs/vsock
#
# A cell with 32 devices, as many as there can be, all in use at the same time: 12
# disks, 8 consoles, as many as Linux has terminals for, 3 UARTs, 4 regions, a network,
# sockets, random numbers, a clock, and the early console.
. ./cell.sh

# exits: how often each device was asked for something, in the order of `names`
exits() {
	cat "${names[@]/%//exits}" | xargs
}

# all_used: since $were
all_used() {
	local n was now
	read -r -a was <<<"$were"
	read -r -a now < <(exits)
	for n in "${!names[@]}"; do
		[ "${now[n]}" -gt "${was[n]}" ] || { unused=${names[n]##*/}; return 1; }
	done
}

before=$(snapshot)
jq -n --arg pwd "$PWD" '[range(8) | { type: "console", name: "con\(.)", log: "\($pwd)/con\(.).log" }] +
	[range(12) | { type: "blk", name: "blk\(.)", path: "\($pwd)/disk\(.)" }] +
	[range(3) | { type: "pl011", name: "uart\(.)", log: "\($pwd)/uart\(.).log" }] +
	[range(4) | { type: "echo", name: "echo\(.)" }] +
	[("vsock", "rng", "rtc") | { type: ., name: "\(.)0" }] +
	[{ type: "net", name: "net0", bridge: "br0" }]' >devices.json
jq '.name = "many" | .memory = "256M" | .devices = $devices[0] |
	.boot.cmdline |= "quiet " + .' \
	--slurpfile devices devices.json /etc/shyper/cells/small.json >many.json

# Carried out in the guest: for each device a loop that uses it, until a line comes by
# hvc7. The disks are found by their serial numbers; this and vsock are on the last one.
cat >jobs.sh <<'END'
again() { until [ -e stop ]; do "$@" || echo "$*: status $?"; done; }
disk() { for i in 4 8 12; do dd if=$1 of=$2 bs=64k seek=$i conv=fsync 2>/dev/null || return; done; }
last() { echo 1 >/proc/sys/vm/drop_caches; tar -xOf $1 vsock | cmp - vsock; }
terminal() { sleep 0.3; echo "written to $1" >/dev/$1; }
region() { devmem $1 >>$1; }
early() { devmem $1 8 0x69; }
net() { nc 10.0.2.15 5000 </dev/null | cmp - vsock; }
# Linux waits 2 s for a connection, which may not be enough here.
send() { until ./vsock send 2 5001 <vsock 2>/dev/null; do [ ! -e stop ] || return 0; done; }
rng() { dd if=/dev/hwrng bs=64 count=1 2>/dev/null >>rng; }
clock() { cat /sys/class/rtc/rtc0/since_epoch >>clock; }
ip addr add 10.0.2.16/24 dev eth0 && ip link set eth0 up
early=$1
shift
for d in /sys/block/vd*; do
	read -r s <$d/serial
	s=${s#*.} v=/dev/${d##*/}
	if [ $s = blk11 ]; then
		again last $v &
	else
		dd if=/dev/urandom of=$s bs=64k count=4 2>/dev/null
		again disk $s $v &
	fi
done
for t in hvc0 hvc1 hvc2 hvc3 hvc4 hvc5 hvc6 hvc7 ttyAMA0 ttyAMA1 ttyAMA2; do
	again terminal $t &
done
for r; do
	again region $r &
done
again early $early & again net & again send & again rng & again clock &
read -r line </dev/hvc7
: >stop
wait
md5sum blk*
for r; do
	echo "$r $(head -n 2 $r | xargs) $(($(wc -l <$r) - $(sort -u $r | wc -l)))"
done
echo "rng $(($(wc -c <rng) > 64))" "$(($(sort -u rng | wc -l) > 1))"
echo "clock $(sort -n clock | sed -n '1p;$p' | xargs)"
END
for n in {0..10}; do
	truncate -s 1M "disk$n"
done
tar -cf disk11 vsock jobs.sh
modprobe bridge && ip link add br0 type bridge && ip addr add 10.0.2.15/24 dev br0 &&
	ip link set br0 up || fail "no bridge"
shyper cell create ./many.json >/dev/null || fail "create"
names=(/sys/class/hvisor/cell1.*)
expect "devices" ${#names[@]} 32
shyper cell start many -t 120 >/dev/null || fail "start"
mapfile -t files < <(jq -r '"/sys/class/hvisor/cell1.\(.[].name)/attached"' devices.json)
expect "without backend" "$(grep -L 1 "${files[@]}")" ""
console_open cell1 con0
cell_login cell1 200
socat -U TCP-LISTEN:5000,fork,reuseaddr OPEN:vsock,rdonly &
socat -u VSOCK-LISTEN:5001,fork,reuseaddr SYSTEM:md5sum >sent &
echo "ok started"

# Each loop goes on until it is told to stop: once all have begun, all are there at once.
early=$(date +%s)
were=$(exits) unused=
cell_post cell1 "cd /tmp; for d in /sys/block/vd*; do grep -q blk11 \$d/serial && tar -xf /dev/\${d##*/}; done; \
sh jobs.sh $(sys cell1.earlycon/address) $(cat /sys/class/hvisor/cell1.echo?/address | xargs)"
for what in begun 'worked at once'; do
	since=$SECONDS
	until all_used; do
		[ $((SECONDS - since)) -lt 150 ] || fail "$unused has not $what"
		pause
	done
	echo "all 32 have $what: $((SECONDS - since)) s"
	were=$(exits)
done
echo stop | socat -u - UNIX-CONNECT:/run/shyper/cell1.con7.sock || fail "no hvc7"
said=$(cell_result cell1 200 | grep -v '^written to hvc0$')
late=$(date +%s)
echo "ok at-once"

for n in {0..10}; do
	sum=$(grep -x "[0-9a-f]*  blk$n" <<<"$said") || fail "disk $n: $said"
	for place in 4 8 12; do
		expect "disk $n" "$(dd if="disk$n" bs=64k skip=$place count=4 2>/dev/null | md5sum)" "${sum%% *}  -"
	done
done
expect "lines of disks" "$(grep -c '  blk' <<<"$said")" 11
echo "ok disks"

for n in {0..7}; do
	expect "console $n" "$(grep -ao 'written to [a-zA-Z]*[0-9]' "con$n.log" | sort -u)" "written to hvc$n"
done
for n in 0 1 2; do
	expect "UART $n" "$(grep -ao 'written to [a-zA-Z]*[0-9]' "uart$n.log" | sort -u)" "written to ttyAMA$n"
done
# The early console has made way for nobody: what is written there is the cell's log.
expect "early console" "$(shyper cell log many | grep -o . | sort -u)" "i"
echo "ok consoles"

for n in 0 1 2 3; do
	address=$(sys "cell1.echo$n/address")
	expect "region $n" "$(grep "^$address " <<<"$said")" "$address 0x00000000 0x00000001 0"
done
echo "ok regions"

expect "random numbers" "$(grep '^rng' <<<"$said")" "rng 1 1"
for seconds in $(sed -n 's/^clock //p' <<<"$said"); do
	[ "$seconds" -ge $((early - 5)) ] && [ "$seconds" -le $((late + 5)) ] ||
		fail "the cell's time is $seconds, root's $early to $late"
done
# Of a connection that the guest gave up before it was accepted nothing came.
expect "sums by sockets" "$(grep -vF "$(md5sum </dev/null)" sent | sort -u)" "$(md5sum <vsock)"
expect "other words of the guest" "$(grep -vE '^([0-9a-f]{32}  blk|0x|rng|clock)' <<<"$said")" ""
echo "ok others"

console_close cell1
shyper cell destroy many >/dev/null || fail "destroy"
unchanged "$before"
echo "ok given-back"
