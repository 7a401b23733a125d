#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2 --timeout 400
#
# Debian's U-Boot for QEMU's arm64 machine in a cell, unchanged: flash at 0, its
# environment's flash and the UART where it expects them. It reads a virtio disk,
# and what it does to its flash stays without effect.
. ./cell.sh

disk=/var/lib/shyper/debian.img

# crc32: of stdin, as U-Boot prints it. gzip keeps it, little-endian.
crc32() {
	gzip -1 | tail -c 8 | od -An -tx1 -N4 | awk '{ print $4 $3 $2 $1 }'
}

# prompts: how often the prompt has come
prompts() {
	grep -ac '^=> ' /tmp/cell1.out
}

prompts_are() {
	[ "$(prompts)" -ge "$1" ]
}

# type_line SECONDS LINE: what U-Boot answers, up to its next prompt.
type_line() {
	local from count
	count=$(prompts)
	from=$(($(stat -c %s /tmp/cell1.out) + 1))
	printf '%s\r' "$2" >/tmp/cell1.in
	wait_until "$1" prompts_are $((count + 1))
	tail -c "+$from" /tmp/cell1.out | tr -d '\r'
}

before=$(snapshot)
shyper cell create u-boot >/dev/null || fail "create"
shyper cell start u-boot >/dev/null || fail "start"
console_open cell1 uart0
# A key ends the count-down.
wait_until 60 grep -aq 'Hit any key' /tmp/cell1.out
printf '\r' >/tmp/cell1.in
wait_until 60 prompts_are 1
grep -a 'U-Boot\|DRAM\|Model' /tmp/cell1.out
grep -aq '^U-Boot 20[0-9.]*+dfsg' /tmp/cell1.out || fail "no banner"
grep -aq 'DRAM: *128 MiB' /tmp/cell1.out || fail "other memory than the device tree says"
echo "ok banner"

type_line 60 'virtio scan; virtio info' >info
# Its last line is the prompt, without an end.
cat info && echo
size=$(($(stat -c %s $disk) / 1024 / 1024))
grep -aq "Capacity: $size\.0 MB" info || fail "no disk of $size MiB"
type_line 120 'virtio read 41000000 0 800; crc32 41000000 100000' >sum
grep -aq "==> $(head -c 1M $disk | crc32)" sum || fail "the first MiB: $(cat sum)"
type_line 60 'ls virtio 0 /etc' | grep -aq ' hostname$' || fail "no /etc/hostname on the disk"
type_line 120 "load virtio 0 41000000 /usr/bin/bash; crc32 41000000 \$filesize" >sum
debugfs -R 'cat /usr/bin/bash' $disk 2>/dev/null >bash.copy
[ -s bash.copy ] || fail "no file on the disk to compare with"
grep -aq "==> $(crc32 <bash.copy)" sum || fail "a file: $(cat sum)"
echo "ok disk"

# Its flash is read-only: it aborts, and resets the cell, which begins anew.
from=$(($(stat -c %s /tmp/cell1.out) + 1))
printf 'mw.l 100 12345678\r' >/tmp/cell1.in
console_expect cell1 60 'Synchronous Abort' "$from"
console_expect cell1 120 'U-Boot 20.*Hit any key' "$from"
printf '\r' >/tmp/cell1.in
console_expect cell1 60 '=> $' "$from"
expect "starts" "$(sys cell1/starts)" 2
type_line 60 'md.l 100 1' >flash
! grep -aq 12345678 flash || fail "the flash was written: $(cat flash)"
console_close cell1
shyper cell destroy u-boot >/dev/null || fail "destroy"
unchanged "$before"
echo "ok flash"
