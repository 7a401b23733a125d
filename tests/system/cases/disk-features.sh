#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 300
#
# The guest's driver on disks that offer one feature each, all, and none; what was
# offered, taken and made use of. All of them move data that is right.
. ./cell.sh
. ./features.sh
. ./disk-driver.sh

names=(event_idx indirect_desc seg_max blk_size flush config_wce topology mq discard write_zeroes)
# By the size of a queue, which other backends have another one of.
shown+=(indirect_desc)
kinds=(all none "${names[@]}")

modprobe loop || fail "no loop devices"
devices='[]' n=0
for kind in "${kinds[@]}" ro; do
	n=$((n + 1)) path=/root/$kind.img readonly=false
	truncate -s 4M "$kind.img"
	case $kind in
	# Of blocks of 512 bytes a guest need not be told.
	blk_size | none) path=$(losetup -f --show --sector-size 4096 "$kind.img") || fail "losetup" ;;
	ro) head -c 4M /dev/urandom >ro.img && readonly=true ;;
	esac
	devices=$(jq -c --arg path "$path" --arg name "blk$n" --argjson readonly $readonly \
		--argjson features "$(withheld "$kind" "${names[@]}")" \
		'. + [{ type: "blk", $name, $path, $readonly, $features }]' <<<"$devices")
done
jq --argjson disks "$devices" '.name = "disks" | del(.devices[2]) | .devices += $disks' \
	/etc/shyper/cells/debian2.json >disks.json
shyper cell create ./disks.json || fail "create"
shyper cell start disks || fail "start"
console_open cell1
cell_login cell1 120

# burst DEVICE DISK: 128 reads, 32 of them in flight; $notified of 100 notify, and that is
# at most half of them where the device says of which it wants to hear. That there is
# polling besides changes nothing: one CPU is emulated at a time.
burst() {
	local before
	before=$(sys "$1/notifications")
	expect "fio on $1" "$(cell_run cell1 60 "fio --minimal --name=b --filename=/dev/$2 --size=4M \
--ioengine=libaio --direct=1 --rw=randread --bs=4k --number_ios=128 --iodepth=32 | cut -d';' -f3,5")" 'b;0'
	notified=$((($(sys "$1/notifications") - before) * 100 / 128))
}

# seldom_notifies DEVICE DISK: one burst of three may meet with CPUs that never run at
# the same time.
seldom_notifies() {
	local try
	for try in 1 2 3; do
		burst "$1" "$2"
		echo "$1, burst $try: of 100 reads $notified notify"
		((notified > 50)) || return 0
	done
	return 1
}

disks_ready cell1
n=0
for kind in "${kinds[@]}"; do
	n=$((n + 1))
	device=cell1.blk$n
	# Root's disk is vda.
	disk=vd$(cut -c $n <<<bcdefghijklm)
	disk_check cell1 "blk$n" "$disk" "$kind" "${names[@]}"
	case $kind in
	blk_size) [[ $got = *' blk_size '* ]] || fail "$kind: blocks of another size" ;;
	none) [[ $got != *' blk_size '* ]] || fail "$kind: its blocks are known" ;;
	esac
	expect "$kind: errors" "$(sys "$device/errors")" 0
	case $kind in
	all | event_idx) seldom_notifies "$device" "$disk" || fail "$kind: $notified of 100 reads notify" ;;
	none)
		burst "$device" "$disk"
		echo "$kind: of 100 reads $notified notify"
		;;
	esac
	case $kind in
	flush | all) [ "$(sys "$device/flushes")" -gt 0 ] || fail "$kind: no flush" ;;
	none) expect "$kind: flushes" "$(sys "$device/flushes")" 0 ;;
	esac
done
echo "ok each-alone"
echo "ok all-and-none"

device=cell1.blk$((n + 1)) wanted=$(wanted ro "${names[@]}" ro)
expect "ro: offered, taken" "$(sys "$device/features") $(sys "$device/driver_features")" "$wanted $wanted"
expect "ro: what it is" "$(cell_run cell1 30 'cat /sys/block/vdn/ro; dd if=/dev/vdn bs=64k iflag=direct 2>/dev/null | sha256sum')" \
	"1
$(sha256sum <ro.img)"
expect "ro: a write" "$(cell_run cell1 30 'dd if=/tmp/x of=/dev/vdn bs=64k oflag=direct 2>/dev/null; echo $?')" 1
expect "ro: writes" "$(sys "$device/writes")" 0
printf '%-14s %-12s %-12s %s\n' ro "$wanted" "$wanted" ro
echo "ok read-only"
console_close cell1
shyper cell destroy disks >/dev/null || fail "destroy"
