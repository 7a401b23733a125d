#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 600
#
# The guest's drivers on disks and folders of back ends of vhost-user that offer one
# feature each, all, and none; what was offered, taken and made use of. All of them move
# data that is right.
. ./cell.sh
. ./features.sh
. ./disk-driver.sh

trap '[ $? = 0 ] || { tail -n 5 *.err; journalctl -q -u "shyper-vhost-user@*" | tail -n 20; }' EXIT

bit+=([size_max]=1)
shown+=(blk_size size_max)
names=(event_idx indirect_desc size_max seg_max blk_size flush config_wce topology mq discard write_zeroes)
kinds=(all none "${names[@]}")
folder=(event_idx indirect_desc)

devices='[]' exports=() n=0
# add NAME KEYS KIND FEATURE...
add() {
	local name=$1 keys=$2 features
	features=$(withheld "${@:3}")
	devices=$(jq -c --arg name "$name" --argjson features "$features" --arg socket "/run/$name.sock" \
		". + [{ type: \"vhost-user\", \$name, \$socket, \$features, $keys }]" <<<"$devices")
}

for kind in "${kinds[@]}"; do
	n=$((n + 1))
	truncate -s 4M "$kind.img"
	exports+=(--blockdev "driver=file,node-name=f$n,filename=/root/$kind.img,discard=unmap"
		--export "type=vhost-user-blk,id=e$n,node-name=f$n,addr.type=unix,addr.path=/run/vu$n.sock,writable=on,num-queues=2,logical-block-size=4096")
	add "vu$n" 'device: "blk", queues: 2' "$kind" "${names[@]}"
done
qemu-storage-daemon "${exports[@]}" 2>disks.err &
daemon=$!
for kind in all none "${folder[@]}"; do
	mkdir "$kind"
	head -c 300000 /dev/urandom >"$kind/there"
	/usr/lib/qemu/virtiofsd --socket-path="/run/fs-${kind%_*}.sock" -o "source=/root/$kind" 2>"$kind.err" &
	add "fs-${kind%_*}" "device: \"fs\", tag: \"$kind\"" "$kind" "${folder[@]}"
done
jq --argjson devices "$devices" '.name = "features" | del(.devices[2]) | .devices += $devices' \
	/etc/shyper/cells/debian2.json >features.json
shyper cell create ./features.json || fail "create"
shyper cell start features -t 120 || fail "start"
console_open cell1
cell_login cell1 240

# used_rings KIND DEVICE QUEUE...: what their rings tell
used_rings() {
	local taken
	taken=$(sys "$2/driver_features")
	used_alike "$1" "$taken" event_idx any_queue has_event "${@:2}"
	used_alike "$1" "$taken" indirect_desc any_queue has_tables "${@:2}"
}

# any_queue COMMAND DEVICE QUEUE...
any_queue() {
	local queue
	for queue in "${@:3}"; do
		[ "$(sys "$2/queue$queue/ready")" = 0 ] || ! "$1" "$2" "$queue" || return 0
	done
	return 1
}

disks_ready cell1
memory_open cell1
n=0
for kind in "${kinds[@]}"; do
	n=$((n + 1))
	# Root's disk is vda.
	disk_check cell1 "vu$n" "vd$(cut -c $n <<<bcdefghijklmn)" "$kind" "${names[@]}"
	[ "$(sys "cell1.vu$n/others")" -gt 0 ] || fail "$kind: not by the bridge"
	used_rings "$kind" "cell1.vu$n" 0 1
done
echo "ok disks"

for kind in all none "${folder[@]}"; do
	got=$(cell_run cell1 60 "mkdir -p /tmp/$kind && mount -t virtiofs $kind /tmp/$kind && cd /tmp/$kind && \
md5sum <there && cp there back && sync && cd / && umount /tmp/$kind") || fail "$kind: folder: $got"
	device=cell1.fs-${kind%_*}
	offered=$(sys "$device/features")
	taken=$(sys "$device/driver_features")
	printf 'fs %-13s %-12s %s\n' "$kind" "$offered" "$taken"
	expect "$kind: offered and taken" "$offered $taken" "$(wanted "$kind" "${folder[@]}") $(wanted "$kind" "${folder[@]}")"
	used_rings "folder $kind" "$device" 1
	expect "$kind: read" "$got" "$(md5sum <"$kind/there")"
	cmp "$kind/there" "$kind/back" || fail "$kind: wrong data"
done
echo "ok folders"

console_close cell1
shyper cell destroy features >/dev/null || fail "destroy"
kill "$daemon"
wait
