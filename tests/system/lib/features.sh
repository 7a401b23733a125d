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

# guest_file CELL FILE: puts a text into the guest's /tmp
guest_file() {
	cell_run "$1" 30 "echo $(base64 -w 0 <"$2") | base64 -d >/tmp/$(basename "$2")" >/dev/null
}
