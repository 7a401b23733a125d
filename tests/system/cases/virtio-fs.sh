#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2
#
# A folder of root in a cell, by Debian's virtiofsd behind the bridge: the same
# tree on both sides, what one side writes the other reads.
. ./cell.sh

trap '[ $? = 0 ] || { tail -n 20 virtiofsd.err; journalctl -q -u "shyper-vhost-user@*" | tail -n 20; }' EXIT

sums='find . -type f | sort | xargs sha256sum | sha256sum'

before=$(snapshot)
mkdir -p tree/a/b
for n in 0 1 2 3 4 5 6 7; do
	head -c $((n * 70001)) /dev/urandom >"tree/a/$n"
	echo "$n" >"tree/a/b/small-$n"
done
/usr/lib/qemu/virtiofsd --socket-path=/run/tree.sock -o source=/root/tree 2>virtiofsd.err &
virtiofsd=$!
jq '.name = "folder" | .devices += [
	{ "type": "vhost-user", "name": "fs0", "device": "fs", "tag": "tree", "socket": "/run/tree.sock" } ]' \
	/etc/shyper/cells/small.json >folder.json
shyper cell create ./folder.json || fail "create"
shyper cell start folder || fail "start"
console_open cell1
cell_login cell1 120
expect 'mount' "$(cell_run cell1 30 'mkdir -p /mnt && mount -t virtiofs tree /mnt; echo $?')" 0
expect 'sums' "$(cell_run cell1 60 "cd /mnt && $sums")" "$(cd tree && eval "$sums")"
echo "ok read"

expect 'write' "$(cell_run cell1 60 'cp /mnt/a/7 /mnt/copy && mkdir /mnt/new && echo written >/mnt/new/file && sync; echo $?')" 0
cmp tree/a/7 tree/copy || fail "the copy differs"
expect 'written' "$(cat tree/new/file)" written
echo changed >tree/new/file
rm tree/a/b/small-3
expect 'read back' "$(cell_run cell1 30 'cd / && umount /mnt && mount -t virtiofs tree /mnt && cat /mnt/new/file; ls /mnt/a/b | wc -l')" $'changed\n7'
expect 'sums' "$(cell_run cell1 60 "cd /mnt && $sums; cd /")" "$(cd tree && eval "$sums")"
echo "ok write"

console_close cell1
shyper cell destroy folder >/dev/null || fail "destroy"
# It ends with its connection.
wait "$virtiofsd"
unchanged "$before"
echo "ok end"
