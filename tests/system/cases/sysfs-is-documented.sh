#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put docs/ABI/testing/sysfs-class-hvisor
#
# Every file of /sys/class/hvisor is in docs/ABI/testing, and every one that is
# there exists.
. ./cell.sh

truncate -s 1M disk.img
jq '.name = "all" | .devices += [ { "type": "blk", "name": "blk0", "path": "/root/disk.img" },
	{ "type": "echo", "name": "echo0" } ]' /etc/shyper/cells/small.json >all.json
shyper cell create ./all.json || fail "create"

sed -n 's/^What:[ \t]*//p' sysfs-class-hvisor | sort >documented
# Besides what each device of the kernel has.
for folder in /sys/class/hvisor/*; do
	echo "$folder"
	find "$folder/" -mindepth 1 \( -name power -o -name 'cell*.*' \) -prune -o -type f -print |
		sed 's|//|/|; \|/uevent$|d; \|/dev$|d'
done | sed -E 's#/cell[0-9]+\.[a-z0-9]+#/cellN.NAME#; s#/cell[0-9]+#/cellN#
	s#/virtio/(con|blk|echo)0$#/virtio/NAME#; s#/virtio/earlycon$#/virtio/NAME#
	s#^/sys/class/hvisor/control$#/sys/class/hvisor/#' | sort -u >there
diff documented there || fail "docs/ABI/testing/sysfs-class-hvisor (<) and sysfs (>) differ"
echo "$(wc -l <there) names"
