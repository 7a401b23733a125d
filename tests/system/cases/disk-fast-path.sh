#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# alone
# root-run: --timeout 300 --mttcg
#
# What a disk in root's memory costs in notifications, interrupts and exits while
# all CPUs run at the same time; what it costs without EVENT_IDX, and without polling.
. ./cell.sh

trap '[ $? = 0 ] || tail -c 2000 /tmp/cell1.out' EXIT

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

# counters DEVICE: requests, and what run() has a line of
counters() {
	local name exits
	exits=$(device_exits cell1)
	for name in reads notifications interrupts; do
		sys "cell1.$1/$name"
	done
	echo "$exits"
	for name in polls_found sleeps kicks_avoided; do
		sys "cell1.$1/$name"
	done
}

names=(notifications interrupts exits polls_found sleeps kicks_avoided)
echo '| requests | number | notifications | interrupts | exits | polls that found work | sleeps | kicks avoided |'
echo '|---|---|---|---|---|---|---|---|'

# run WHAT DEVICE DISK OPTION...: fio in the cell. What it cost, for 1000 requests, is in
# $notifications and so on, and is a line of the table.
run() {
	local what=$1 device=$2 disk=$3 before after n
	shift 3
	readarray -t before < <(counters "$device")
	expect "fio on $device" "$(cell_run cell1 120 "chroot /mnt fio --minimal --name=r --filename=/dev/$disk --size=16M --ioengine=libaio --direct=1 $* | cut -d';' -f3,5")" 'r;0'
	readarray -t after < <(counters "$device")
	requests=$((after[0] - before[0]))
	printf '| %s | %s |' "$what" $requests
	for ((n = 0; n < ${#names[@]}; n++)); do
		printf -v "${names[n]}" %s $((1000 * (after[n + 1] - before[n + 1]) / requests))
		printf ' %s |' "${!names[n]}"
	done
	echo
}

# thrice REQUESTS WHAT DEVICE DISK OPTION...: of three runs, each with at least so many
# requests, $notifications, $interrupts and $exits are the least. What the path cannot do
# shows in all of them, while a machine that is busy meets with one or two.
thrice() {
	local wanted=$1 n notified=() interrupted=() exited=()
	shift
	for n in 1 2 3; do
		run "$@"
		[ "$requests" -ge "$wanted" ] || fail "only $requests requests"
		notified+=("$notifications")
		interrupted+=("$interrupts")
		exited+=("$exits")
	done
	notifications=$(least "${notified[@]}")
	interrupts=$(least "${interrupted[@]}")
	exits=$(least "${exited[@]}")
}

least() {
	printf '%s\n' "$@" | sort -n | head -n 1
}

# bounded: what the last three runs may have cost
bounded() {
	[ "$notifications" -le 100 ] || fail "$notifications notifications for 1000 requests"
	[ "$interrupts" -le 100 ] || fail "$interrupts interrupts for 1000 requests"
}

# Handed over and taken back one by one, as fio does it by default, and by half of what
# may be in flight.
random="--rw=randread --bs=4k --number_ios=4000 --iodepth=32"
thrice 3990 "4 KiB at random, 32 in flight" ram vdb "$random"
bounded
with_notifications=$notifications with_interrupts=$interrupts
thrice 3800 "the same, handed over and taken back by 16" ram vdb \
	"$random --iodepth_batch_submit=16 --iodepth_batch_complete_min=16"
bounded
echo "ok random"

run "32 in flight, EVENT_IDX off" plain vdc "$random"
[ "$with_notifications" -lt $((notifications / 2)) ] || fail "EVENT_IDX saves no notifications"
[ "$with_interrupts" -lt "$interrupts" ] || fail "EVENT_IDX saves no interrupts"
echo "ok event-idx"
run "32 in flight, polling off" still vdd "$random"

sequential="--rw=read --bs=1M --loops=16"
run "1 MiB in sequence, one in flight" ram vdb "$sequential --iodepth=1"
thrice 250 "1 MiB in sequence, 4 in flight" ram vdb "$sequential --iodepth=4"
[ "$exits" -le 2000 ] || fail "$exits exits for 1000 requests of 1 MiB"
echo "ok sequential"
console_close cell1
shyper cell destroy fast >/dev/null || fail "destroy"
