#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 300
#
# What becomes of a disk while its guest runs: it grows under fio, gets limits,
# holes and zeroes; its file system is full, its device has errors. The guest sees
# sizes and errors, and the backend lives on.
. ./cell.sh

# guest COMMAND WANTED: what it prints in the cell
guest() {
	expect "$1" "$(cell_run cell1 60 "$1")" "$2"
}

# pid DEVICE: of its backend
pid() {
	sys "cell1.$1/backend_pid"
}

modprobe -a loop dm-mod || fail "no dm"
mkdir -p full
mount -t tmpfs -o size=8M full full
truncate -s 32M grows.img full/disk.img
truncate -s 16M bad.img
loop=$(losetup -f --show bad.img)
sectors=$(blockdev --getsz "$loop")
# From the 9th MiB on there are errors.
dmsetup create bad <<EOF
0 16384 linear $loop 0
16384 $((sectors - 16384)) error
EOF
jq '.name = "disks" | del(.devices[2]) | .devices += [
	{ "type": "blk", "name": "grows", "path": "/root/grows.img" },
	{ "type": "blk", "name": "full", "path": "/root/full/disk.img" },
	{ "type": "blk", "name": "bad", "path": "/dev/mapper/bad" } ]' \
	/etc/shyper/cells/debian2.json >disks.json
shyper cell create ./disks.json || fail "create"
shyper cell start disks || fail "start"
console_open cell1
cell_login cell1 120
cell_run cell1 30 'dmesg -n 1' >/dev/null

# One queue for each CPU, and both are used.
guest 'echo $(ls /sys/block/vdb/mq)' '0 1'
guest 'for c in 0 1; do taskset -c $c dd if=/dev/vdb of=/dev/null bs=4k count=16 iflag=direct 2>/dev/null; done; echo $?' 0
for queue in 0 1; do
	[ "$(sys "cell1.grows/queue$queue/used_idx")" -gt 0 ] || fail "nothing came by queue $queue"
done
echo "ok queues"

# Discard, and zeroes that may be holes and that may not, beside what stays.
guest 'head -c 16M /dev/urandom >/tmp/y; dd if=/tmp/y of=/dev/vdb bs=1M oflag=direct 2>/dev/null; echo $?' 0
filled=$(stat -c %b grows.img)
guest 'blkdiscard -o 1M -l 2M /dev/vdb && fallocate -p -o 4M -l 2M /dev/vdb && fallocate -z -o 8M -l 2M /dev/vdb && blkdiscard -z -o 12M -l 1M /dev/vdb; echo $?' 0
given=$((filled - $(stat -c %b grows.img)))
if [ $given -lt 8000 ] || [ $given -gt 8400 ]; then
	fail "4 MiB were to be given back, $given blocks were"
fi
guest 'for at in "1 2" "4 2" "8 2" "12 1"; do dd if=/dev/zero of=/tmp/y bs=1M seek=${at% *} count=${at#* } conv=notrunc 2>/dev/null; done; echo 3 >/proc/sys/vm/drop_caches; cmp -n 16777216 /tmp/y /dev/vdb && echo same' same
guest 'mkfs.ext4 -q /dev/vdb && mkdir -p /mnt/b && mount /dev/vdb /mnt/b && cp /tmp/y /mnt/b/y && sync && rm /mnt/b/y; sync; echo $?' 0
filled=$(stat -c %b grows.img)
guest 'fstrim /mnt/b; echo $?' 0
[ "$(stat -c %b grows.img)" -le $((filled - 16384)) ] || fail "fstrim gave nothing back"
expect "errors" "$(sys cell1.grows/errors)" 0
echo "ok holes"

# It grows while fio verifies what it writes.
cell_run cell1 30 "fio --name=v --filename=/mnt/b/f --size=6M --iodepth=16 --ioengine=libaio --direct=1 \
--rw=randwrite --bs=4k --time_based --runtime=500 --verify=crc32c --verify_backlog=64 --verify_fatal=1 \
--minimal >/tmp/fio.log 2>&1 & :" >/dev/null
generation=$(sys cell1.grows/config_generation)
shyper device set disks.grows size=48M >/dev/null || fail "size=48M"
guest 'n=0; while [ $(cat /sys/block/vdb/size) != 98304 ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done; cat /sys/block/vdb/size' 98304
expect "generation" "$(sys cell1.grows/config_generation)" $((generation + 1))
! shyper device set disks.grows size=40M 2>/tmp/err || fail "it was made smaller"
grep -q 'can only grow' /tmp/err || fail "the reason: $(cat /tmp/err)"
truncate -s 64M grows.img
shyper device set disks.grows size= >/dev/null || fail "size="
guest 'n=0; while [ $(cat /sys/block/vdb/size) != 131072 ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done; cat /sys/block/vdb/size' 131072
# The shell tells of the job's end.
expect "fio" "$(cell_run cell1 120 'kill -INT $!; wait $!
echo $(grep -ac verify: /tmp/fio.log; grep -a "^3;" /tmp/fio.log | cut -d";" -f5)' | tail -n 1)" '0 0'
guest 'resize2fs /dev/vdb >/dev/null 2>&1; [ $(df -m --output=size /mnt/b | tail -n 1) -gt 40 ] && umount /mnt/b && echo grown' grown
guest 'head -c 1M /dev/urandom >/tmp/z; dd if=/tmp/z of=/dev/vdb bs=1M seek=63 oflag=direct 2>/dev/null; dd if=/dev/vdb bs=1M skip=63 iflag=direct 2>/dev/null | cmp - /tmp/z && echo same' same
echo "ok grows"

# rate SETTING COMMAND: milliseconds that it takes in the guest
rate() {
	shyper device set disks.grows "$1" >/dev/null || fail "$1"
	cell_run cell1 60 "a=\$(date +%s%3N); $2; echo \$((\$(date +%s%3N) - a))"
}

free=$(rate iops= 'dd if=/dev/vdb of=/dev/null bs=4k count=64 iflag=direct 2>/dev/null')
few=$(rate iops=20 'dd if=/dev/vdb of=/dev/null bs=4k count=64 iflag=direct 2>/dev/null')
echo "64 reads: $free ms, at 20 a second $few ms"
[ "$few" -ge 2900 ] || fail "64 reads at 20 a second took $few ms"
expect "device show" "$(shyper device show disks.grows -j | jq .config.iops)" 20
slow=$(rate bytes_per_second=1M 'dd if=/dev/vdb of=/dev/null bs=256k count=8 iflag=direct 2>/dev/null')
shyper device set disks.grows iops= bytes_per_second= >/dev/null || fail "no limits"
echo "2 MiB at 1 MiB a second, and 20 requests: $slow ms"
[ "$slow" -ge 1500 ] || fail "2 MiB at 1 MiB a second took $slow ms"
echo "ok limits"

# 32 MiB on a file system that has 8.
full=$(pid full) bad=$(pid bad)
guest 'dd if=/dev/zero of=/dev/vdc bs=1M count=32 oflag=direct 2>&1 | grep -o "Input/output error\|No space left on device"' 'Input/output error'
[ "$(sys cell1.full/errors)" -gt 0 ] || fail "no error was counted"
guest 'blkdiscard -o 0 -l 4M /dev/vdc && dd if=/tmp/z of=/dev/vdc bs=1M oflag=direct 2>/dev/null && dd if=/dev/vdc bs=1M count=1 iflag=direct 2>/dev/null | cmp - /tmp/z && echo same' same
expect "backend" "$(pid full)" "$full"
echo "ok no-space"

guest 'dd if=/dev/vdd of=/dev/null bs=64k skip=192 count=1 iflag=direct 2>&1 | grep -o "Input/output error"' 'Input/output error'
guest 'dd if=/tmp/z of=/dev/vdd bs=64k seek=192 count=1 oflag=direct 2>&1 | grep -o "Input/output error"' 'Input/output error'
guest 'dd if=/tmp/z of=/dev/vdd bs=1M count=1 oflag=direct 2>/dev/null; dd if=/dev/vdd bs=1M count=1 iflag=direct 2>/dev/null | cmp - /tmp/z && echo same' same
expect "backend" "$(pid bad)" "$bad"
[ "$(sys cell1.bad/errors)" -ge 2 ] || fail "errors were not counted"
echo "ok errors"

console_close cell1
shyper cell destroy disks >/dev/null || fail "destroy"
# No backend holds its disk any more.
for command in "dmsetup remove bad" "losetup -d $loop" "umount full"; do
	wait_until 20 $command
done
