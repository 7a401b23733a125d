# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kinds of a device: `all` offers all features that have a name, `none` none of them,
# others are called by the one that they offer. Sourced after cell.sh, by cases that
# set, for each name, bit[NAME], and with[NAME] where it means nothing without others.

declare -A bit with=()

# offers KIND NAME
offers() {
	[ "$1" = all ] || [[ " $1 ${with[$1]-} " = *" $2 "* ]]
}

# withheld KIND NAME...: the value of its key "features", of a device with these
withheld() {
	local kind=$1 name text=
	shift
	for name; do
		offers "$kind" "$name" || text="$text,\"$name\":false"
	done
	echo "{${text#,}}"
}

# wanted KIND NAME...: its feature bits, with VERSION_1
wanted() {
	local kind=$1 name value=$((1 << 32))
	shift
	for name; do
		! offers "$kind" "$name" || value=$((value | 1 << bit[$name]))
	done
	printf '0x%x\n' $value
}

# memory_open CELL: what memory_words reads is its memory, as its monitor has it open
memory_open() {
	local inode
	IFS=,= read -r _ memory_ipa _ _ _ _ inode < <(sys "$1/memory_regions")
	for memory in "/proc/$(sys "$1/monitor_pid")/fd"/*; do
		[ "$(stat -L -c %i "$memory" 2>/dev/null)" != "$inode" ] || return 0
	done
	fail "$1: no memory"
}

# memory_words ADDRESS NUMBER [OPTION...]: of 16 bits
memory_words() {
	od -An -v -t u2 -j $(($1 - memory_ipa)) -N $((2 * $2)) "${@:3}" "$memory"
}

# has_event DEVICE QUEUE: the device has told behind the used ring of which notification it
# wants to hear (virtio 1.2, 2.7.10), which is no matter of EVENT_IDX to a driver alone
has_event() {
	[ $(($(memory_words $(($(sys "$1/queue$2/device") + 4 + 8 * $(sys "$1/queue$2/size"))) 1))) != 0 ]
}

# has_tables DEVICE QUEUE: a descriptor is that of a table (2.7.5.3)
has_tables() {
	memory_words "$(sys "$1/queue$2/desc")" $((8 * $(sys "$1/queue$2/size"))) -w16 |
		awk '$7 / 4 % 2 >= 1 { n++ } END { exit !n }'
}

# used_alike WHAT TAKEN NAME COMMAND...: COMMAND sees NAME if and only if it was taken
used_alike() {
	local has=0
	! "${@:4}" || has=1
	expect "$1: use of $3" $has $(($2 >> bit[$3] & 1))
}

# guest_file CELL FILE: puts a text into the guest's /tmp
guest_file() {
	cell_run "$1" 30 "echo $(base64 -w 0 <"$2") | base64 -d >/tmp/$(basename "$2")" >/dev/null
}
