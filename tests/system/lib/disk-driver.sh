# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the guest's driver makes of a disk of each kind. Sourced after features.sh, whose
# arrays these are.
# shellcheck disable=SC2004,SC2034

bit=([ro]=5 [event_idx]=29 [indirect_desc]=28 [seg_max]=2 [blk_size]=6 [flush]=9
	[config_wce]=11 [topology]=10 [mq]=12 [discard]=13 [write_zeroes]=14)
# Some mean nothing without another one.
with=([config_wce]=flush)
# Those that show in the guest. Of the disks' blocks a case knows whether they do.
shown=(flush config_wce discard write_zeroes mq topology seg_max)

# disks_ready CELL: what is there of each feature is told by the driver's attributes;
# the data goes there and back past all caches.
disks_ready() {
	cat >guest.sh <<'EOF'
disk=$1 q=/sys/block/$1/queue
head -c 256K /dev/urandom >/tmp/x
dd if=/tmp/x of=/dev/$disk bs=64k oflag=direct conv=fsync 2>/dev/null &&
	dd if=/dev/$disk bs=64k count=4 iflag=direct 2>/dev/null | cmp - /tmp/x && printf "data "
echo "write back" 2>/dev/null >/sys/block/$disk/cache_type
[ "$(cat $q/write_cache)" = "write back" ] && printf "flush "
echo "write through" 2>/dev/null >/sys/block/$disk/cache_type &&
	[ "$(cat $q/write_cache)" = "write through" ] && printf "config_wce "
dd if=/tmp/x of=/dev/$disk bs=64k count=1 oflag=direct 2>/dev/null || printf "broken "
[ "$(cat $q/discard_max_bytes)" != 0 ] && blkdiscard -o 0 -l 65536 /dev/$disk && printf "discard "
[ "$(cat $q/write_zeroes_max_bytes)" != 0 ] && blkdiscard -z -o 65536 -l 65536 /dev/$disk &&
	printf "write_zeroes "
[ "$(ls /sys/block/$disk/mq | wc -l)" = 2 ] && printf "mq "
[ "$(cat $q/optimal_io_size)" != 0 ] && printf "topology "
[ "$(cat $q/max_segments)" -gt 1 ] && printf "seg_max "
# A request takes one entry of the queue, which has 256, or two and more.
[ "$(cat /sys/block/$disk/mq/0/nr_tags)" = 256 ] && printf "indirect_desc "
[ "$(cat $q/max_segment_size)" = 4096 ] && printf "size_max "
[ "$(cat $q/logical_block_size)" = 4096 ] && printf "blk_size "
[ "$(head -c 131072 /dev/$disk | tr -d "\0" | wc -c)" = 0 ] && printf "zeroes "
echo
EOF
	# The kernel would tell of a size whenever the configuration space changes.
	cell_run "$1" 30 "dmesg -n 1" >/dev/null
	guest_file "$1" guest.sh
	printf '%-14s %-12s %-12s %s\n' DISK OFFERED TAKEN 'MADE USE OF'
}

# disk_check CELL DEVICE DISK KIND NAME...: of a disk that has these features; $got is what
# was made use of
disk_check() {
	local kind=$4 offered taken name has
	offered=$(sys "$1.$2/features")
	got=" $(cell_run "$1" 60 "sh /tmp/guest.sh $3") "
	taken=$(sys "$1.$2/driver_features")
	shift 4
	printf '%-14s %-12s %-12s%s\n' "$kind" "$offered" "$taken" "$got"
	expect "$kind: offered" "$offered" "$(wanted "$kind" "$@")"
	expect "$kind: taken" "$taken" "$(wanted "$kind" "$@")"
	[[ $got = *' data '* ]] || fail "$kind: wrong data"
	[[ $got != *broken* ]] || fail "$kind: no write after the cache was switched"
	for name in "${shown[@]}"; do
		has=0
		[[ $got != *" $name "* ]] || has=1
		expect "$kind: $name" $has $((taken >> bit[$name] & 1))
	done
	if ((taken >> bit[discard] & taken >> bit[write_zeroes] & 1)); then
		[[ $got = *' zeroes '* ]] || fail "$kind: what was discarded and zeroed is not zero"
	fi
}
