# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the cases share that run in root: checks, waiting, and a way to type
# into a cell's console and read what comes back. Sourced by bash.

set -u

# What takes a cell's kernel long and shows nothing here: its tests of itself are two
# thirds of its boot.
sed -i '/notests/!s/"cmdline": "/&nokaslr kpti=off mitigations=off cryptomgr.notests rcupdate.rcu_expedited=1 /' \
	/etc/shyper/cells/*.json

# fail TEXT...: the case has failed; with what the cells' consoles printed last and
# what their devices wait for.
fail() {
	echo "FAIL: $*" >&2
	tail -v -n 12 /tmp/cell*.out >&2 2>/dev/null
	cat /sys/class/hvisor/cell*/virtio/pending >&2 2>/dev/null
	exit 1
}

# expect WHAT GOT WANTED
expect() {
	[ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"
}

# pause: a tenth of a second, and no process for it: under emulation that is dear.
exec {pause_fd}<> <(:)
pause() {
	read -r -t 0.1 -u "$pause_fd"
}

# wait_until SECONDS COMMAND...: polls; not found in time is a failure.
wait_until() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $deadline ] || fail "timed out: $*"
		pause
	done
}

sys() {
	cat "/sys/class/hvisor/$1"
}

state_is() {
	local state
	read -r state <"/sys/class/hvisor/$1/state" && [ "$state" = "$2" ]
}

# device_exits CELL: of all its exits those that its devices make: loads and stores of
# registers, and being told of an interrupt; its timer makes others.
device_exits() {
	local name value sum=0
	for name in mmio management maintenance; do
		read -r value <"/sys/class/hvisor/$1/statistics/vmexits_$name"
		sum=$((sum + value))
	done
	echo $sum
}

# backend_pid DEVICE: the process that serves it, 0: none
backend_pid() {
	sys "$1/backend_pid"
}

backend_is_another() {
	local pid attached
	read -r pid <"/sys/class/hvisor/$1/backend_pid"
	read -r attached <"/sys/class/hvisor/$1/attached"
	[ "$attached" = 1 ] && [ "$pid" != 0 ] && [ "$pid" != "$2" ]
}

# backend_kill DEVICE [SIGNAL]: until another one serves the device
backend_kill() {
	local old
	old=$(backend_pid "$1")
	kill "-${2:-KILL}" "$old"
	wait_until 30 backend_is_another "$1" "$old"
}

# terminal_open NAME ADDRESS: from here on what takes a CELL's console below works
# with what socat finds there. Its whole output is kept in /tmp/NAME.out.
terminal_open() {
	local fd
	rm -f "/tmp/$1.in"
	mkfifo "/tmp/$1.in"
	: >"/tmp/$1.out"
	exec {fd}<>"/tmp/$1.in"
	socat - "$2" <&"$fd" >>"/tmp/$1.out" 2>/dev/null &
	eval "socat_$1=$! input_$1=$fd seq_$1=0"
}

# console_open CELL [DEVICE]
console_open() {
	local socket=/run/shyper/$1.${2:-con0}.sock
	wait_until 20 test -S "$socket"
	terminal_open "$1" "UNIX-CONNECT:$socket"
}

console_close() {
	local pid=socat_$1 fd=input_$1
	kill "${!pid}" 2>/dev/null
	wait "${!pid}" 2>/dev/null
	eval "exec ${!fd}>&-"
}

# console_send CELL TEXT: as typed, with a newline.
console_send() {
	printf '%s\n' "$2" >"/tmp/$1.in"
}

# text_of CELL: all that its console printed, without NULs, in $text. For who counts in
# it, LC_ALL is C. No process for it, as for all that is done for each command below.
text_of() {
	local part
	text=
	# What a NUL ends is only a part of it.
	while IFS= read -r -d '' part; do
		text+=$part
	done <"/tmp/$1.out"
	text+=$part
}

# console_has CELL FROM REGEX: `^` is the beginning of a line, `$` the end of it all.
console_has() {
	local LC_ALL=C text regex=$3
	text_of "$1"
	[ "${regex#^}" = "$regex" ] || regex=$'\n'${regex#^}
	[[ $'\n'${text:$2-1} =~ $regex ]]
}

# console_expect CELL SECONDS REGEX [FROM]: waits until the console printed it.
console_expect() {
	wait_until "$2" console_has "$1" "${4:-1}" "$3"
}

# prompt_comes CELL: a line of the kernel's may follow the prompt on its line; then
# an empty line brings another one. Busybox asks where the cursor is.
prompt_comes() {
	console_has "$1" 1 $'[#$] (\e\\[6n)?$' && return
	! console_has "$1" 1 '[#$] ' || console_send "$1" ''
	sleep 1
	return 1
}

# cell_login CELL SECONDS: waits for the shell and silences its echo. A child of
# such a shell that ends while it waits for a line ends the shell, if it is busybox'.
cell_login() {
	wait_until "$2" prompt_comes "$1"
	cell_run "$1" 30 'stty -echo; PS1=' >/dev/null || fail "$1: no shell"
}

# cell_quiet CELL: what its kernel has to say does not mix with what commands print.
cell_quiet() {
	cell_run "$1" 30 'dmesg -n 1' >/dev/null || fail "$1: dmesg"
}

# cell_post CELL COMMAND: starts COMMAND in the cell's shell, does not wait.
cell_post() {
	local LC_ALL=C n=seq_$1 text
	text_of "$1"
	eval "seq_$1=$((${!n} + 1)) from_$1=$((${#text} + 1))"
	# The number is printf's argument: the echo of the line does not match.
	console_send "$1" "$2; printf '\\n@%s:%s@\\n' ${!n} \$?"
}

# cell_result CELL SECONDS: waits for the posted command; its output and status.
cell_result() {
	local LC_ALL=C n=seq_$1 from=from_$1 text line
	console_expect "$1" "$2" "^@${!n}:[0-9]+@" "${!from}"
	text_of "$1"
	while IFS= read -r line; do
		line=${line//$'\r'/}
		[[ ! $line =~ ^@${!n}:([0-9]+)@ ]] || return "${BASH_REMATCH[1]}"
		# Without "where is the cursor", which busybox asks some terminals.
		line=${line//$'\e[6n'/}
		[ -z "$line" ] || printf '%s\n' "$line"
	done <<<"${text:${!from}-1}"
}

# cell_run CELL SECONDS COMMAND
cell_run() {
	cell_post "$1" "$3"
	cell_result "$1" "$2"
}

# key KEY FILE: KEY=its first line
key() {
	local text
	read -r text <"$2" || fail "$2 cannot be read"
	echo "$1=$text"
}

# What may not change over a create and destroy. One line of KEY=value each. One
# process, since under emulation each takes a tenth of a second: for all that holds
# what is ours.
snapshot() {
	local pages=/sys/kernel/mm/hugepages/hugepages-2048kB class=/sys/class/hvisor
	local entries processes=0 files=0 sockets=0 file
	key cpus /sys/devices/system/cpu/online
	key hugepages $pages/nr_hugepages
	key hugepages_free $pages/free_hugepages
	key pool_free $class/control/pool_free
	entries=("$class"/* "$class"/*/*)
	echo "sysfs=${#entries[@]}"
	while read -r file; do
		case $file in
		*/exe) processes=$((processes + 1)) ;;
		*) files=$((files + 1)) ;;
		esac
	done < <(find /proc/[0-9]*/{exe,fd} -lname '/usr/libexec/shyper/*' -o -lname '*hvisor*' 2>/dev/null)
	echo "processes=$processes"
	echo "files=$files"
	for file in /run/shyper/*; do
		[ ! -S "$file" ] || sockets=$((sockets + 1))
	done
	echo "run=$sockets"
}

# unchanged BEFORE: the machine is as it was, at the latest in half a minute: what is
# lost stays away, and a busy machine starts and ends processes slowly.
unchanged() {
	local deadline=$((SECONDS + 30))
	until same_snapshot "$1"; do
		[ $SECONDS -lt $deadline ] || fail "changed: $(cat /tmp/snapshot.diff)"
		pause
	done
}

same_snapshot() {
	local now
	# Of two that end at the same place nothing was compared.
	now=$(snapshot) || fail "no snapshot"
	[ "$now" = "$1" ] || { diff <(echo "$1") <(echo "$now") >/tmp/snapshot.diff; false; }
}
