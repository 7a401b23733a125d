#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 400
# shellcheck disable=SC2016 # the guest's shell expands what is typed
#
# Consoles by Debian's own driver: the guest's terminal has the size of the one
# that is connected; and data both ways through consoles that offer one feature
# each, all, and none.
. ./cell.sh

declare -A bit=([event_idx]=29 [indirect_desc]=28 [size]=0)
# The first one is for the shell.
kinds=(all all none event_idx indirect_desc size)

# offers KIND FEATURE
offers() {
	[ "$1" = all ] || [ "$1" = "$2" ]
}

# console_config NUMBER KIND: the rest of the features is withheld.
console_config() {
	local name
	for name in "${!bit[@]}"; do
		offers "$2" "$name" || echo "$name"
	done | jq -Rnc --arg name "con$1" \
		'{ type: "console", $name, features: ([inputs | { (.): false }] | add // {}) }'
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

# size_is LINE SIZE: of the guest's terminal hvcLINE
size_is() {
	[ "$(cell_run cell1 30 "stty size </dev/hvc$1")" = "$2" ]
}

before=$(snapshot)
devices=$(for n in "${!kinds[@]}"; do console_config "$n" "${kinds[n]}"; done)
jq --argjson devices "[${devices//$'\n'/,}]" \
	'.name = "ports" | .boot.cmdline |= "quiet " + . | .devices = $devices' \
	/etc/shyper/cells/small.json >ports.json
shyper cell create ./ports.json >/dev/null || fail "create"
# Who comes before the guest does not have to come again.
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

# A terminal is there as long as it is open, and for us as soon as it has printed.
cell_run cell1 60 'exec 3<>/dev/hvc1 4<>/dev/hvc2 5<>/dev/hvc3 6<>/dev/hvc4 7<>/dev/hvc5
for n in 3 4 5 6 7; do stty raw -echo <&$n; echo >&$n; done' >/dev/null
terminal_at none con2 90 30
terminal_at size con5 90 30
wait_until 10 size_is 5 '30 90'
expect "size where it is not offered" "$(cell_run cell1 30 'stty size </dev/hvc2')" '0 0'
console_close none
console_close size

head -c 4096 /dev/urandom >sent
came_back() {
	tail -c 4096 "/tmp/$1.out" | cmp -s - sent
}
cell_run cell1 60 'for n in 3 4 5 6 7; do head -c 4096 <&$n >&$n & done; :' >/dev/null
printf '%-14s %-12s %-12s %s\n' CONSOLE OFFERED TAKEN 'READ, WRITTEN'
for n in 1 2 3 4 5; do
	kind=${kinds[n]} device=cell1.con$n wanted=$((1 << 32))
	terminal_open "con$n" "UNIX-CONNECT:/run/shyper/$device.sock"
	cat sent >"/tmp/con$n.in"
	wait_until 30 came_back "con$n"
	console_close "con$n"
	printf '%-14s %-12s %-12s %s\n' "$kind" "$(sys $device/features)" \
		"$(sys $device/driver_features)" "$(sys $device/read_bytes), $(sys $device/write_bytes)"
	for name in "${!bit[@]}"; do
		! offers "$kind" "$name" || wanted=$((wanted | 1 << bit[$name]))
	done
	expect "$kind: offered" "$(sys $device/features)" "$(printf '0x%x' $wanted)"
	expect "$kind: taken" "$(sys $device/driver_features)" "$(printf '0x%x' $wanted)"
done
echo "ok features"
console_close cell1
shyper cell destroy ports >/dev/null || fail "destroy"
unchanged "$before"
echo "ok given-back"
