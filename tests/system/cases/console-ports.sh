#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2 --timeout 400
# shellcheck disable=SC2016 # the guest's shell expands what is typed
#
# Consoles by Debian's own driver: the guest's terminal has the size of the one
# that is connected; data both ways through consoles that offer one feature each,
# all, and none; and through ports beside them, found by their names.
. ./cell.sh
. ./features.sh

names=(event_idx indirect_desc size multiport)
bit=([event_idx]=29 [indirect_desc]=28 [size]=0 [multiport]=1)
# The first one is for the shell: it has no ports, so it is the guest's hvc0.
with=([shell]="event_idx indirect_desc size")
kinds=(shell none "${names[@]}" all)
declare -A ports=([multiport]='"only"' [all]='"agent", "trace"')

# console_config NUMBER KIND
console_config() {
	printf '{ "type": "console", "name": "con%d", "log": "%s", "features": %s %s }' "$1" \
		"$PWD/con$1.log" "$(withheld "$2" "${names[@]}")" \
		"${ports[$2]+, \"ports\": [ ${ports[$2]} ]}"
}

# terminal_at NAME DEVICE COLUMNS ROWS: a person at a terminal, the file NAME.tty.
cat >terminal <<'END'
#!/bin/bash
stty cols "$3" rows "$4"
tty >"$1.tty"
exec shyper cell console ports "$2"
END
chmod +x terminal
terminal_at() {
	terminal_open "$1" "EXEC:./terminal $*,pty,setsid,ctty,stderr,rawer"
	wait_until 20 grep -q connected "/tmp/$1.out"
}

# terminal_close NAME: and it has left. Whoever connects sooner could only read.
terminal_close() {
	printf '\035' >"/tmp/$1.in"
	wait_until 20 grep -aq ': left' "/tmp/$1.out"
	console_close "$1"
}

# size_is LINE SIZE: of the guest's terminal hvcLINE
size_is() {
	[ "$(cell_run cell1 30 "stty size </dev/hvc$1")" = "$2" ]
}

before=$(snapshot)
for n in "${!kinds[@]}"; do
	console_config "$n" "${kinds[n]}"
done >devices.json
jq --slurpfile devices devices.json \
	'.name = "ports" | .boot.cmdline |= "quiet " + . | .devices = $devices' \
	/etc/shyper/cells/small.json >ports.json
shyper cell create ./ports.json >/dev/null || fail "create"
# Who comes before the guest does not have to come again.
wait_until 60 test -S /run/shyper/cell1.con0.sock
terminal_at cell1 con0 100 40
shyper cell start ports >/dev/null || fail "start"
cell_login cell1 120
wait_until 10 size_is 0 '40 100'
stty -F "$(cat cell1.tty)" cols 132 rows 50
wait_until 10 size_is 0 '50 132'
console_close cell1
backend_kill cell1.con0
console_open cell1
wait_until 10 size_is 0 '50 132'
echo "ok size"

# Which of them is which: one with ports becomes a terminal a moment later.
# It is as it was set as long as somebody has it open, and what comes goes back.
# None of these may end: a child's end would be the shell's, whose echo is off.
cell_run cell1 60 'for n in 1 2 3 4 5 6; do { stty raw -echo; echo "this is $n"; head -c 4096; sleep 9999; } <>/dev/hvc$n >&0 & done; :' >/dev/null
declare -A line
for n in 1 2 3 4 5 6; do
	wait_until 20 grep -q 'this is' "con$n.log"
	line[${kinds[n]}]=$(tr -dc 0-9 <"con$n.log")
done
terminal_at none con1 90 30
terminal_at size con4 90 30
terminal_at all con6 91 31
wait_until 10 size_is "${line[size]}" '30 90'
wait_until 10 size_is "${line[all]}" '31 91'
stty -F "$(cat all.tty)" cols 80 rows 24
wait_until 10 size_is "${line[all]}" '24 80'
# Busybox prints none that is 0 by 0.
expect "size where it is not offered" \
	"$(cell_run cell1 30 "stty size </dev/hvc${line[none]} 2>/dev/null")" ''
terminal_close none
terminal_close size
terminal_close all
echo "ok sizes"

head -c 4096 /dev/urandom >sent
came_back() {
	tail -c 4096 "/tmp/$1.out" | cmp -s - sent
}
memory_open cell1
printf '%-14s %-12s %-12s %s\n' CONSOLE OFFERED TAKEN 'READ, WRITTEN'
for n in 1 2 3 4 5 6; do
	kind=${kinds[n]} device=cell1.con$n
	terminal_open "con$n" "UNIX-CONNECT:/run/shyper/$device.sock"
	cat sent >"/tmp/con$n.in"
	wait_until 30 came_back "con$n"
	console_close "con$n"
	printf '%-14s %-12s %-12s %s\n' "$kind" "$(sys $device/features)" \
		"$(sys $device/driver_features)" "$(sys $device/read_bytes), $(sys $device/write_bytes)"
	bits=$(wanted "$kind" "${names[@]}")
	expect "$kind: offered" "$(sys $device/features)" "$bits"
	expect "$kind: taken" "$(sys $device/driver_features)" "$bits"
	# What is written to a terminal needs no table.
	used_alike "$kind" "$bits" event_idx has_event $device 1
done
echo "ok features"

# What udev makes /dev/virtio-ports/NAME of.
cell_run cell1 30 'port() { for p in /sys/class/virtio-ports/*/name; do read -r name <$p; [ "$name" != $1 ] || { p=${p%/name}; echo /dev/${p##*/}; }; done; }
exec 7<>$(port agent) 8<>$(port trace) 9<>$(port only); echo "nobody is here yet" >&8' >complaints ||
	fail "ports: $(cat complaints)"
expect "complaints" "$(cat complaints)" ""
terminal_open trace UNIX-CONNECT:/run/shyper/cell1.con6.trace.sock
wait_until 20 grep -q 'nobody is here yet' /tmp/trace.out
console_close trace

# exchange DEVICE.PORT FD: 64 KiB through a port, back, and its sum beside it
exchange() {
	terminal_open port "EXEC:shyper cell console ports $1"
	cell_post cell1 "head -c 65536 <&$2 >/tmp/x; sha256sum </tmp/x; cat /tmp/x >&$2"
	head -c 65536 /dev/urandom >sent
	cat sent >/tmp/port.in
	expect "$1: sum" "$(cell_result cell1 60)" "$(sha256sum <sent)"
	wait_until 60 cmp -s sent /tmp/port.out
	console_close port
}
exchange con6.agent 7
exchange con5.only 9
backend_kill cell1.con5
exchange con5.only 9
echo "ok ports"
console_close cell1
shyper cell destroy ports >/dev/null || fail "destroy"
unchanged "$before"
echo "ok given-back"
