#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2 --timeout 600
#
# Disks of a cell that Debian's qemu-storage-daemon serves: a raw file, a qcow2
# image, and one that another process has and gives by NBD. fio verifies them all
# at once; then the daemon is killed under it, with requests in flight, and started
# again, and so is the bridge.
. ./cell.sh
. ./fio.sh

# What the daemons and bridges said, if the case fails.
trap '[ $? = 0 ] || { tail -n 5 *.err; journalctl -q -u "shyper-vhost-user@*" | tail -n 20; }' EXIT

# daemon NAME OPTION...: in the background; its process is in $NAME
daemon() {
	local name=$1
	shift
	qemu-storage-daemon "$@" 2>>"$name.err" &
	eval "$name=$!"
}

# file NODE FILE
file() {
	echo --blockdev "driver=file,node-name=$1,filename=/root/$2,cache.direct=on,aio=threads"
}

# disk NODE SOCKET
disk() {
	echo --export "type=vhost-user-blk,id=$2,node-name=$1,addr.type=unix,addr.path=/run/$2.sock,writable=on"
}

# shellcheck disable=SC2046 # words of options
start_local() {
	daemon near $(file f0 raw.img) $(disk f0 vu0) \
		$(file f1 image.qcow2) --blockdev driver=qcow2,node-name=q1,file=f1 $(disk q1 vu1)
}

served() {
	[ "$(cat /sys/class/hvisor/cell1.vu[012]/attached | tr -d '\n')" = 111 ]
}

in_flight() {
	[ "$(sys "$1/in_flight")" -gt 0 ]
}

# kill_under_fio PROCESS: while disk vu0 has requests in flight
kill_under_fio() {
	local n=0
	while [ "$n" = 0 ]; do
		wait_until 60 in_flight cell1.vu0
		kill -STOP "$1"
		n=$(sys cell1.vu0/in_flight)
		[ "$n" != 0 ] || kill -CONT "$1"
	done
	kill -KILL "$1"
	echo "killed with $n in flight"
}

reissued_more() {
	served && [ "$(sys cell1.vu0/reissued)" -gt "$1" ]
}

modprobe loop
truncate -s 16M raw.img remote.img
qemu-img create -q -f qcow2 image.qcow2 16M || fail "qemu-img"
# shellcheck disable=SC2046 # words of options
daemon far $(file f2 remote.img) --nbd-server addr.type=unix,addr.path=/run/nbd.sock \
	--export type=nbd,id=n2,node-name=f2,name=disk,writable=on
wait_until 20 test -S /run/nbd.sock
jq '.name = "bridged" | .devices += [ range(3) |
	{ "type": "vhost-user", "name": "vu\(.)", "device": "blk", "socket": "/run/vu\(.).sock" } ]' \
	/etc/shyper/cells/debian.json >bridged.json
shyper cell create ./bridged.json || fail "create"
# Before they are there: they are waited for.
start_local
# shellcheck disable=SC2046 # words of options
daemon nbd --blockdev driver=nbd,node-name=c2,server.type=unix,server.path=/run/nbd.sock,export=disk $(disk c2 vu2)
shyper cell start bridged || fail "start"
console_open cell1
cell_login cell1 240
expect "sizes" "$(cell_run cell1 30 'echo $(cat /sys/block/vd[bcd]/size)')" '32768 32768 32768'
expect "holders of the bridges" "$(sys cell1.vu0/type) $(sys cell1.vu0/backend_pid)" \
	"vhost-user $(systemctl show -P MainPID shyper-vhost-user@cell1.vu0.service)"
echo "ok found"

fio="fio --minimal --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --size=2M --iodepth=16 --verify=crc32c \
--name=b --filename=/dev/vdb --name=c --filename=/dev/vdc --name=d --filename=/dev/vdd"
expect "fio" "$(cell_run cell1 180 "$fio | cut -d';' -f3,5")" $'b;0\nc;0\nd;0'
echo "ok verified"

fio_start cell1 "--filename=/dev/vdb --size=8M --iodepth=32"
for _ in 1 2 3; do
	before=$(sys cell1.vu0/reissued)
	# shellcheck disable=SC2154 # set by daemon
	kill_under_fio "$near"
	sleep 0.5
	start_local
	wait_until 60 reissued_more "$before"
done
before=$(sys cell1.vu0/reissued)
kill_under_fio "$(sys cell1.vu0/backend_pid)"
wait_until 60 reissued_more "$before"
fio_end cell1 1
echo "requests issued again: $(sys cell1.vu0/reissued)"
echo "ok killed"

# Of one byte that the guest has written into each image, past all caches.
expect "writes" "$(cell_run cell1 30 'for d in b c d; do echo disk-$d | dd of=/dev/vd$d bs=4096 seek=3000 conv=sync,fsync 2>/dev/null; echo $?; done')" $'0\n0\n0'
console_close cell1
shyper cell destroy bridged >/dev/null || fail "destroy"
# shellcheck disable=SC2154 # set by daemon
kill "$near" "$nbd" "$far"
wait "$near" "$nbd" "$far"
qemu-img convert -O raw image.qcow2 image.img
for pair in raw.img:b image.img:c remote.img:d; do
	expect "${pair%:*}" "$(dd if="${pair%:*}" bs=4096 skip=3000 count=1 2>/dev/null | tr -d '\0')" "disk-${pair#*:}"
done
echo "ok in-the-images"
