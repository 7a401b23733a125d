#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 420
#
# A Debian cell runs from its virtio disk; what it writes is there after its
# reboot, and in root's file.
. ./cell.sh

shyper cell create debian || fail "create"
shyper cell start debian || fail "start"
wait_until 10 state_is cell1 running
console_open cell1
cell_login cell1 150
expect "root of the guest" "$(cell_run cell1 30 'findmnt -nro SOURCE /')" /dev/vda
expect "CPUs of the guest" "$(cell_run cell1 30 nproc)" 1

sum=$(cell_run cell1 120 'dd if=/dev/urandom of=/root/data bs=1M count=64 2>/dev/null; sync; sha256sum </root/data')
[ ${#sum} -ge 64 ] || fail "no sum: $sum"

starts=$(sys cell1/starts)
cell_post cell1 reboot
wait_until 60 eval '[ "$(sys cell1/starts)" -gt '"$starts"' ]'
: >/tmp/cell1.out
cell_login cell1 150
expect "sum after the reboot" "$(cell_run cell1 120 'sha256sum </root/data')" "$sum"

cell_post cell1 poweroff
wait_until 60 state_is cell1 stopped
expect "reason" "$(sys cell1/reason)" off
shyper cell destroy debian || fail "destroy"

modprobe loop
mkdir -p /mnt/guest
mount -o ro,loop,noload /var/lib/shyper/debian.img /mnt/guest
expect "sum in root's file" "$(sha256sum </mnt/guest/root/data)" "$sum"
umount /mnt/guest
echo "sum of 64 MiB before, after and in root: ${sum%% *}"
