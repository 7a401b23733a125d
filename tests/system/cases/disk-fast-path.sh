#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# alone
# root-run: --timeout 300 --mttcg
#
# What a disk in root's memory costs in notifications, interrupts and exits while
# all CPUs run at the same time; what it costs without EVENT_IDX, and without polling.
. ./cell.sh

trap '[ $? = 0 ] || tail -c 2000 /tmp/cell1.out' EXIT
class=/sys/class/hvisor

modprobe brd rd_nr=3 rd_size=16384 || fail "no RAM disk"
jq '.name = "fast" | .memory = "256M" | .boot.cmdline += " quiet" | .devices += [
	{ "type": "blk", "name": "tools", "path": "/var/lib/shyper/debian.img", "readonly": true },
	{ "type": "blk", "name": "ram", "path": "/dev/ram0", "queues": 1 },
	{ "type": "blk", "name": "plain", "path": "/dev/ram1", "queues": 1, "features": { "event_idx": false } },
	{ "type": "blk", "name": "still", "path": "/dev/ram2", "queues": 1, "poll": false } ]' \
	/etc/shyper/cells/small.json >fast.json
shyper cell create ./fast.json >/dev/null || fail "create"
shyper cell start fast >/dev/null || fail "start"
console_open cell1
cell_login cell1 120
# fio is in the tree of another cell.
# shellcheck disable=SC2016 # for the cell's shell
cell_run cell1 60 'while read -r m; do insmod /modules/$m 2>/dev/null; done </modules.order
mkdir -p /mnt && mount -t ext4 -o ro /dev/vda /mnt && mount -o bind /dev /mnt/dev && mount -t proc proc /mnt/proc &&
mount -t sysfs sysfs /mnt/sys && mount -t tmpfs tmpfs /mnt/tmp' || fail "no tools"

# counters DEVICE: what run() takes the difference of. Of the cell's exits those that
# requests make: stores, and being told of an interrupt; the guest's timer makes others.
counters() {
	local name value exits=0
	for name in "$class/cell1.$1"/{reads,notifications,interrupts,polls_found,sleeps,kicks_avoided}; do
		read -r value <"$name"
		echo "$value"
	done
	for name in mmio management maintenance; do
		read -r value <"$class/cell1/statistics/vmexits_$name"
		exits=$((exits + value))
	done
	echo $exits
}

# run DEVICE DISK OPTION...: fio in the cell. What it cost, for 1000 requests, is in
# $notifications and so on.
run() {
	local device=$1 disk=$2 names=(requests notifications interrupts polls_found sleeps kicks_avoided exits) before after n
	shift 2
	readarray -t before < <(counters "$device")
	expect "fio on $device" "$(cell_run cell1 120 "chroot /mnt fio --minimal --name=r --filename=/dev/$disk --size=16M --ioengine=libaio --direct=1 $* | cut -d';' -f3,5")" 'r;0'
	readarray -t after < <(counters "$device")
	requests=$((after[0] - before[0]))
	printf '%s: %s requests, of 1000:' "$device ${*: -1}" $requests
	for ((n = 1; n < ${#names[@]}; n++)); do
		printf -v "${names[n]}" %s $((1000 * (after[n] - before[n]) / requests))
		printf ' %s %s' "${!names[n]}" "${names[n]}"
	done
	echo
}

# Handed over by half of what may be in flight, and one by one, as fio does it by default.
single="--rw=randread --bs=4k --number_ios=2000 --iodepth=32"
run ram vdb "$single --iodepth_batch_submit=16 --iodepth_batch_complete_min=16"
[ "$requests" -ge 1900 ] || fail "only $requests requests"
[ "$notifications" -le 100 ] || fail "$notifications notifications for 1000 requests"
[ "$interrupts" -le 100 ] || fail "$interrupts interrupts for 1000 requests"
echo "ok random"

run plain vdc "$single"
without=$notifications
run still vdd "$single"
run ram vdb "$single"
[ "$notifications" -lt $((without / 2)) ] || fail "EVENT_IDX is worth nothing"
echo "ok event-idx"

sequential="--rw=read --bs=1M --loops=16"
run ram vdb "$sequential --iodepth=1"
run ram vdb "$sequential --iodepth=4"
[ "$exits" -le 2000 ] || fail "$exits exits for 1000 requests of 1 MiB"
echo "ok sequential"
console_close cell1
shyper cell destroy fast >/dev/null || fail "destroy"
