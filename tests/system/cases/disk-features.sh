#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 300
#
# The guest's driver on disks that offer one feature each, all, and none; what was
# offered, taken and made use of. All of them move data that is right.
. ./cell.sh
. ./features.sh
. ./disk-features.sh

names=(event_idx indirect_desc seg_max blk_size flush config_wce topology mq discard write_zeroes)
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

disks_ready cell1
n=0
for kind in "${kinds[@]}"; do
	n=$((n + 1))
	device=cell1.blk$n
	# Root's disk is vda.
	disk_check cell1 "blk$n" "vd$(cut -c $n <<<bcdefghijklm)" "$kind" "${names[@]}"
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
