#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 600
#
# Two cells at once, one with two CPUs and two disks: all disks are written and
# verified while both consoles print; the counters of each device are those of
# the guest's block layer; then fio, 4 jobs, depth 32, with verification.
. ./cell.sh

# guest_stat CELL DISK: requests and bytes as the guest counts them
guest_stat() {
	cell_run "$1" 30 "cat /sys/block/$2/stat" |
		awk '{print $1 + $5 + $16, ($3 + $7) * 512}'
}

device_stat() {
	echo "$(sys "$1/requests") $(sys "$1/bytes")"
}

# count DISK: what the guest and what sysfs counts, at a moment when nothing was
# under way: "REQUESTS BYTES REQUESTS BYTES"
count() {
	local cell name dev before after device
	IFS=: read -r cell name dev <<<"$1"
	after=$(guest_stat "$cell" "$name")	# whatever this reads is cached now
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		before=$after
		device=$(device_stat "$dev")
		after=$(guest_stat "$cell" "$name")
		[ "$before" != "$after" ] || break
	done
	[ "$before" = "$after" ] || fail "$dev: never idle"
	echo "$before $device"
}

# difference "A B" "C D" -> "C-A D-B"
difference() {
	local a=($1) b=($2)
	echo "$((b[0] - a[0])) $((b[1] - a[1]))"
}

# settle CELL FOLDER...: nothing is dirty or in flight any more. A flush of a
# file system with nothing to commit is counted twice by the guest (as a write of
# no sectors, too), so each is given something to commit and synced by itself, and
# nothing is committed in between.
settle() {
	local cell=$1 folder
	shift
	for folder in "$@"; do
		cell_run "$cell" 60 "date >$folder/stamp; sync -f $folder" >/dev/null
	done
	sleep 1
}

for name in debian debian2; do
	shyper cell create $name || fail "create $name"
	shyper cell start $name || fail "start $name"
done
for cell in cell1 cell2; do
	console_open $cell
done
for cell in cell1 cell2; do
	cell_login $cell 240
done
expect "CPUs of debian2" "$(cell_run cell2 30 nproc)" 2

cell_run cell2 60 'mkdir -p /mnt/b && { mountpoint -q /mnt/b || mount /dev/vdb /mnt/b; }' ||
	fail "second disk"
for mount in 'cell1 /' 'cell2 /' 'cell2 /mnt/b'; do
	cell_run "${mount% *}" 60 "mount -o remount,commit=3600 ${mount#* }" || fail "remount"
done
disks="cell1:vda:cell1.blk0 cell2:vda:cell2.blk0 cell2:vdb:cell2.blk1"
declare -A counted
settle cell1 /root
settle cell2 /root /mnt/b
for disk in $disks; do
	counted[$disk]=$(count "$disk") || exit 1
done

# Each prints on its console all the while; nohup'd loops write and verify.
work='f() { local a b; dd if=/dev/urandom of=$1/x bs=1M count=12 2>/dev/null; a=$(sha256sum <$1/x); sync -f $1;
echo 3 >/proc/sys/vm/drop_caches; b=$(sha256sum <$1/x); [ "$a" = "$b" ] && echo same $1 || echo differ $1; }'
cell_run cell1 30 "$work" >/dev/null
cell_run cell2 30 "$work" >/dev/null
cell_post cell1 '(while :; do echo chatter-one; sleep 0.1; done) & f /root; kill $!'
cell_post cell2 '(while :; do echo chatter-two; sleep 0.1; done) & f /root & a=$!; f /mnt/b; wait $a; kill %1'
one=$(cell_result cell1 240) || true
two=$(cell_result cell2 240) || true
printf '%s\n%s\n' "$one" "$two" | grep -av chatter || true
expect "disks that read back the same" "$(printf '%s\n%s\n' "$one" "$two" | grep -ac 'same /')" 3
[ "$(grep -ac chatter-one /tmp/cell1.out)" -gt 3 ] || fail "cell1's console was silent"
[ "$(grep -ac chatter-two /tmp/cell2.out)" -gt 3 ] || fail "cell2's console was silent"

settle cell1 /root
settle cell2 /root /mnt/b
for disk in $disks; do
	dev=${disk##*:}
	now=$(count "$disk") || exit 1
	g=$(difference "${counted[$disk]% * *}" "${now% * *}")
	d=$(difference "${counted[$disk]#* * }" "${now#* * }")
	echo "$dev: requests and bytes: guest $g, sysfs $d"
	expect "$dev: requests and bytes" "$d" "$g"
	[ "${d% *}" -gt 20 ] || fail "$dev: hardly any request was counted"
done

fio='fio --name=v --filename=FILE --size=4M --numjobs=4 --iodepth=32 --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --verify=crc32c --do_verify=1 --verify_fatal=1 --offset_increment=4M --minimal >/tmp/fio.log 2>&1; echo status $?; grep -ac "verify:" /tmp/fio.log'
cell_post cell1 "${fio//FILE//root/fio}"
cell_post cell2 "${fio//FILE//mnt/b/fio}"
for cell in cell1 cell2; do
	out=$(cell_result $cell 300) || true
	expect "$cell: fio" "$(grep -a '^status' <<<"$out")" "status 0"
	expect "$cell: verification errors" "$(tail -n 1 <<<"$out")" 0
done
most=0
for dev in cell1.blk0 cell2.blk0 cell2.blk1; do
	n=$(sys $dev/in_flight_max)
	echo "$dev: at most $n requests outstanding at once"
	[ "$n" -le $most ] || most=$n
done
[ $most -ge 32 ] || fail "never 32 requests outstanding on one device"
