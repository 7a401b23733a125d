# SPDX-License-Identifier: GPL-2.0-or-later
#
# What cases share that look at the processes of backends. Sourced after cell.sh.

# A cell has 31 devices at most: so many cells have a hundred, and each takes a CPU.
hundred=(a b c d)

# many NAME: the file of one of them
many() {
	jq ".name = \"$1\" | .memory = \"64M\" |
		.devices = [ range(25) | { type: \"console\", name: \"c\\(.)\" } ]" \
		/etc/shyper/cells/small.json >"$1.json"
}

# storm SECONDS: a hundred devices come, and go after a moment, before and while their
# backends start
storm() {
	local name
	for name in "${hundred[@]}"; do
		shyper cell create "./$name.json" >/dev/null || fail "create $name"
	done
	sleep "$1"
	for name in b d c a; do
		shyper cell destroy $name >/dev/null || fail "destroy $name"
	done
}

# served DEVICES CELLS: so many devices have a backend, so many cells a monitor
served() {
	[ "$(cat /sys/class/hvisor/cell*.*/attached | grep -cx 1)" = "$1" ] &&
		[ "$(pgrep -c -f '^/usr/libexec/shyper/shyper-cell ')" = "$2" ]
}

# born PID: when, in ticks since the boot
born() {
	cut -d' ' -f22 "/proc/$1/stat" 2>/dev/null
}

# key_of PID KEY: what its status says
key_of() {
	sed -nE "s/^($2):[[:space:]]*//p" "/proc/$1/status"
}

has_filter() {
	[ "$(key_of "$(backend_pid "$1")" Seccomp)" = 2 ]
}

# is_jailed DEVICE: its backend is nobody, may nothing, has an empty root and a filter
is_jailed() {
	local pid kind nobody=$'65534\t65534\t65534\t65534'
	# The last that it does before it serves.
	wait_until 20 has_filter "$1"
	pid=$(backend_pid "$1")
	expect "users of $1's backend" "$(key_of "$pid" '[UG]id')" "$nobody"$'\n'"$nobody"
	expect "groups of $1's backend" "$(key_of "$pid" Groups)" ""
	expect "capabilities of $1's backend" "$(key_of "$pid" 'Cap[A-Z][a-z]*' | sort -u)" 0000000000000000
	expect "no_new_privs of $1's backend" "$(key_of "$pid" NoNewPrivs)" 1
	[ -d "/proc/$pid/root/" ] || fail "no root of $1's backend"
	expect "files of $1's backend" "$(ls -A "/proc/$pid/root/")" ""
	for kind in mnt net ipc uts; do
		[ "$(readlink "/proc/$pid/ns/$kind")" != "$(readlink "/proc/1/ns/$kind")" ] ||
			fail "$1's backend has root's $kind"
	done
}
