#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 420
#
# A Debian cell runs from its virtio disk, on root's own kernel and by a file
# without any address; what it writes is there after its reboot, and in root's
# file.
. ./cell.sh

guest() {
	expect "$1" "$(cell_run cell1 30 "$1")" "$2"
}

hugepages_free() {
	sed -n 's/^HugePages_Free: *//p' /proc/meminfo
}

keys='[paths(type != "object" and type != "array") | map(strings // "-") | join(".")] | unique[]'
expect "what the user wrote" "$(jq -r "$keys" /etc/shyper/cells/debian.json | xargs)" \
	"boot.cmdline boot.initrd boot.kaslr boot.kernel cpus devices.-.name devices.-.path \
devices.-.type memory name restart version"
free=$(hugepages_free)
shyper cell create debian || fail "create"
shyper cell start debian || fail "start"
wait_until 10 state_is cell1 running
console_open cell1
cell_login cell1 150
cell_quiet cell1
guest 'findmnt -nro SOURCE /' /dev/vda
guest nproc 1
guest tty /dev/hvc0
guest 'uname -rv' "$(uname -rv)"
guest 'sed -n s/^ID=//p /etc/os-release' debian
guest '[ $(blockdev --getsize64 /dev/vda) -ge $((1 << 30)) ] && fio --version | grep -o "^fio"' fio
expect "memory" "$(sys cell1/memory)" $((256 << 20))
expect "hugepages that it took" $((free - $(hugepages_free))) 128
backend=$(sys cell1.blk0/backend_pid)
grep -q 'memfd:shyper:debian' "/proc/$backend/maps" || fail "its backend does not map its memfd"
shyper cell log debian >log
grep -m 1 'Linux version' log || fail "no first words of the guest's kernel in its log"
grep -m 1 'earlycon' log || fail "no word of earlycon in its log"
echo "ok debian"

sum=$(cell_run cell1 120 'dd if=/dev/urandom of=/root/data bs=1M count=64 2>/dev/null; sync; sha256sum </root/data')
[ ${#sum} -ge 64 ] || fail "no sum: $sum"

starts=$(sys cell1/starts)
cell_post cell1 reboot
wait_until 60 eval '[ "$(sys cell1/starts)" -gt '"$starts"' ]'
: >/tmp/cell1.out
cell_login cell1 150
cell_quiet cell1
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
echo "ok same-data"
echo "sum of 64 MiB before, after and in root: ${sum%% *}"
