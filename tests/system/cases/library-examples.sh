#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put build/examples/list-cells --put build/examples/follow-events
# root-run: --put build/examples/create-cell --put build/examples/run-cell
# root-run: --put build/examples/attach-console --put build/examples/statistics
# root-run: --put build/examples/virtio-rng
#
# The examples of libshyper do what they show: one makes a cell by calls, another
# serves its entropy device to Debian's own driver, others look on.
. ./cell.sh

# What the programs said, if the case fails.
trap '[ $? = 0 ] || tail -n 20 events end rng.err console.err /tmp/cell1.out' EXIT

# attach CELL NAME: as console_open, by the example.
attach() {
	local fd
	rm -f "/tmp/$1.in"
	mkfifo "/tmp/$1.in"
	: >"/tmp/$1.out"
	exec {fd}<>"/tmp/$1.in"
	./attach-console "$2" <&"$fd" >>"/tmp/$1.out" 2>console.err &
	eval "console=$! input_$1=$fd seq_$1=0"
}

# entropy: 32 bytes of the guest's /dev/hwrng
entropy() {
	cell_run cell1 30 "dd if=/dev/hwrng bs=32 count=1 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; echo"
}

counter() {
	./statistics example | sed -n "s/^cell1\.rng0 $1 //p"
}

before=$(snapshot)
./follow-events >events 2>&1 &
follower=$!
wait_until 10 grep -q '^cell added: cell0 running' events
expect created "$(./create-cell /boot/vmlinuz /var/lib/shyper/cell-initrd.img)" cell1
expect 'list' "$(./list-cells | sed -n '/^example/,$p')" \
	$'example: created\n\tcell1.con0: console\n\tcell1.rng0: user\n\tcell1.earlycon: earlycon'
status=0
./create-cell /boot/vmlinuz /var/lib/shyper/cell-initrd.img >again || status=$?
expect 'second creation' "$status $(cat again)" '1 a cell of this name exists'
echo "ok create"

# Nobody serves the device by himself.
sleep 1
expect attached "$(sys cell1.rng0/attached)" 0
./virtio-rng cell1.rng0 2>rng.err &
rng=$!
./run-cell example >end 2>&1 &
runner=$!
attach cell1 example
cell_login cell1 150
cell_quiet cell1
expect 'rng_current' "$(cell_run cell1 30 'cat /sys/class/misc/hw_random/rng_current')" virtio_rng.0
reads=$(counter reads) bytes=$(counter read_bytes)
first=$(entropy) second=$(entropy)
echo "$first $second"
expect 'length' "${#first} ${#second}" '64 64'
[ "$first" != "$second" ] || fail "the same bytes twice"
[ "$(counter read_bytes)" -gt "$bytes" ] || fail "not from the backend: $bytes bytes before and after"
[ "$(counter reads)" -gt "$reads" ] || fail "not from the backend: $reads requests before and after"
./statistics example | grep -q '^example vmexits_total [1-9]' || fail "no statistics of the cell"
echo "ok entropy"

status=0
./virtio-rng cell1.rng0 2>second.err || status=$?
expect 'second backend' "$status" 3
kill -9 $rng
wait "$rng" 2>/dev/null
cell_post cell1 'dd if=/dev/hwrng bs=32 count=16 2>/dev/null | wc -c'
sleep 1
./virtio-rng cell1.rng0 2>rng.err &
rng=$!
expect 'bytes over a death' "$(cell_result cell1 30)" 512
echo "ok another-backend"

console_send cell1 'poweroff -f'
status=0
wait "$runner" || status=$?
expect 'end' "$status $(cat end)" '0 stopped: off'
shyper cell destroy example >/dev/null || fail "destroy"
status=0
wait "$rng" || status=$?
expect 'backend' "$status $(cat rng.err)" '0 cell1.rng0: the device is gone'
status=0
wait "$console" || status=$?
expect 'console' "$status $(cat console.err)" '1 the console'\''s backend has ended'
# What udev tells of a cell and of its devices it tells in any order.
for line in 'cell added: cell1 created' 'device added: cell1.rng0 user' 'cell changed: cell1 running' \
	'cell changed: cell1 stopped' 'device removed: cell1.rng0 user' 'cell removed: cell1.*'; do
	wait_until 10 grep -qx "$line" events
done
kill $follower
cat events
unchanged "$before"
echo "ok end"
