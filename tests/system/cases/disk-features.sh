#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 300
#
# The guest's driver on disks that offer one feature each, all, and none; what was
# offered, taken and made use of. All of them move data that is right.
. ./cell.sh
. ./features.sh

names=(event_idx indirect_desc seg_max blk_size flush config_wce topology mq discard write_zeroes)
bit=([event_idx]=29 [indirect_desc]=28 [seg_max]=2 [blk_size]=6 [flush]=9
	[config_wce]=11 [topology]=10 [mq]=12 [discard]=13 [write_zeroes]=14)
# Some mean nothing without another one.
with=([config_wce]=flush)
kinds=(all none "${names[@]}")

devices='[]' n=0
for kind in "${kinds[@]}"; do
	n=$((n + 1))
	truncate -s 4M "$kind.img"
	devices=$(jq -c --arg path "/root/$kind.img" --arg name "blk$n" --argjson features "$(withheld "$kind" "${names[@]}")" \
		'. + [{ type: "blk", $name, $path, $features }]' <<<"$devices")
done
jq --argjson disks "$devices" '.name = "disks" | del(.devices[2]) | .devices += $disks' \
	/etc/shyper/cells/debian2.json >disks.json
shyper cell create ./disks.json || fail "create"
shyper cell start disks || fail "start"
console_open cell1
cell_login cell1 120

# Root's disk is vda. What is there of each feature is told by the driver's
# attributes; the data goes there and back past all caches.
cat >guest.sh <<'EOF'
disk=$1 q=/sys/block/$1/queue
head -c 256K /dev/urandom >/tmp/x
dd if=/tmp/x of=/dev/$disk bs=64k oflag=direct conv=fsync 2>/dev/null &&
	dd if=/dev/$disk bs=64k count=4 iflag=direct 2>/dev/null | cmp - /tmp/x && printf "data "
[ "$(cat $q/write_cache)" = "write back" ] && printf "flush "
echo "write through" 2>/dev/null >/sys/block/$disk/cache_type &&
	[ "$(cat $q/write_cache)" = "write through" ] && printf "config_wce "
dd if=/tmp/x of=/dev/$disk bs=64k count=1 oflag=direct 2>/dev/null || printf "broken "
[ "$(cat $q/discard_max_bytes)" != 0 ] && blkdiscard -o 0 -l 65536 /dev/$disk && printf "discard "
[ "$(cat $q/write_zeroes_max_bytes)" != 0 ] && blkdiscard -z -o 65536 -l 65536 /dev/$disk &&
	printf "write_zeroes "
[ "$(ls /sys/block/$disk/mq | wc -l)" = 2 ] && printf "mq "
[ "$(cat $q/physical_block_size)" = 4096 ] && printf "topology "
[ "$(cat $q/max_segments)" -gt 1 ] && printf "seg_max "
[ "$(head -c 131072 /dev/$disk | tr -d "\0" | wc -c)" = 0 ] && printf "zeroes "
echo
EOF
# The kernel would tell of a size whenever the configuration space changes.
cell_run cell1 30 "dmesg -n 1" >/dev/null
guest_file cell1 guest.sh

printf '%-14s %-12s %-12s %s\n' DISK OFFERED TAKEN 'MADE USE OF'
n=0
for kind in "${kinds[@]}"; do
	n=$((n + 1))
	device=cell1.blk$n
	got=" $(cell_run cell1 60 "sh /tmp/guest.sh vd$(cut -c $n <<<bcdefghijklm)") "
	offered=$(sys "$device/features")
	taken=$(sys "$device/driver_features")
	printf '%-14s %-12s %-12s%s\n' "$kind" "$offered" "$taken" "$got"
	expect "$kind: offered" "$offered" "$(wanted "$kind" "${names[@]}")"
	expect "$kind: taken" "$taken" "$(wanted "$kind" "${names[@]}")"
	[[ $got = *' data '* ]] || fail "$kind: wrong data"
	[[ $got != *broken* ]] || fail "$kind: no write after the cache was switched"
	for name in flush config_wce discard write_zeroes mq topology seg_max; do
		has=0
		[[ $got != *" $name "* ]] || has=1
		expect "$kind: $name" $has $((taken >> bit[$name] & 1))
	done
	if ((taken >> bit[discard] & taken >> bit[write_zeroes] & 1)); then
		[[ $got = *' zeroes '* ]] || fail "$kind: what was discarded and zeroed is not zero"
	fi
	expect "$kind: errors" "$(sys "$device/errors")" 0
	case $kind in
	flush | all) [ "$(sys "$device/flushes")" -gt 0 ] || fail "$kind: no flush" ;;
	none) expect "$kind: flushes" "$(sys "$device/flushes")" 0 ;;
	esac
done
echo "ok each-alone"
echo "ok all-and-none"
console_close cell1
shyper cell destroy disks >/dev/null || fail "destroy"
