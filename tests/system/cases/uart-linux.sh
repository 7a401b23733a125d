#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --cpus 2 --timeout 400
# shellcheck disable=SC2016 # the guest's shell expands what is typed
#
# A cell whose only console is a UART: earlycon, then Linux' amba-pl011 by
# interrupts, through `shyper cell console`. What is typed comes whole, and a
# backend that is killed costs nothing but time.
# A character by earlycon is three accesses, for each of which the guest waits: so
# the kernel is quiet as soon as earlycon has said what there was. It has only if it
# has an address; to go where the device tree says it would wait until it is quiet.
. ./cell.sh

# as_terminal: what a person sees at `shyper cell console`.
as_terminal() {
	terminal_open cell1 "EXEC:shyper cell console uart,pty,setsid,ctty,stderr,rawer"
}

# interrupts: of the UART in the guest, so far
interrupts() {
	cell_run cell1 60 "awk '/uart-pl011/ { print \$2 }' /proc/interrupts"
}

before=$(snapshot)
jq '.name = "uart" | .boot.cmdline |= "earlycon=pl011,0xb000000 quiet " + sub("hvc0"; "ttyAMA0") |
	.devices = [ { "type": "pl011", "name": "uart0", "log": "/root/uart.log" } ]' \
	/etc/shyper/cells/small.json >uart.json
shyper cell create ./uart.json >/dev/null || fail "create"
shyper cell start uart >/dev/null || fail "start"
as_terminal
cell_login cell1 200
for line in 'Booting Linux' 'earlycon: pl11 at MMIO 0x0*b000000'; do
	grep -aqE "$line" /tmp/cell1.out || fail "no '$line'"
	grep -aqE "$line" uart.log || fail "no '$line' in the log"
done
cell_run cell1 60 'dmesg | grep ttyAMA0' | tee driver
grep -qE 'ttyAMA0 at MMIO 0xb000000 \(irq = [0-9]+, base_baud = 0\) is a PL011 rev1' driver ||
	fail "no driver"
echo "ok earlycon-and-driver"

# A line of 400 is 25 times what the FIFO holds.
line=$(head -c 200 /dev/urandom | od -An -tx1 | tr -d ' \n')
first=$(interrupts)
cell_post cell1 'echo reads=$((6 * 7)); read -r typed; printf %s "$typed" | md5sum'
console_expect cell1 60 'reads=42'
console_send cell1 "$line"
expect "sum of what was typed" "$(cell_result cell1 120 | grep -o '^[0-9a-f]\{32\}')" \
	"$(printf %s "$line" | md5sum | cut -d' ' -f1)"
last=$(interrupts)
echo "interrupts: $first before, $last after 400 characters"
[ "$last" -gt "$first" ] || fail "it is polled"
[ $((last - first)) -lt 2000 ] || fail "a storm: $((last - first)) interrupts"
expect "trigger" "$(cell_run cell1 60 'grep -c "Level.*uart-pl011" /proc/interrupts')" 1
[ "$(sys cell1.uart0/interrupts)" -gt 0 ] || fail "no interrupts are counted"
echo "ok input-by-interrupts"

console_close cell1
pid=$(sys cell1.uart0/backend_pid)
kill -9 "$pid" || fail "kill"
served_anew() {
	[ "$(sys cell1.uart0/backend_pid)" != "$pid" ] && [ "$(sys cell1.uart0/attached)" = 1 ]
}
wait_until 30 served_anew
as_terminal
cell_post cell1 'echo alive=$((6 * 7))'
cell_result cell1 120 | grep -q alive=42 || fail "after the kill"
echo "ok backend-killed"

# The same cell once more: the UART is as after power-on.
console_send cell1 'reboot -f'
wait_until 120 grep -q '^2$' /sys/class/hvisor/cell1/starts
booted_again() {
	[ "$(grep -ac 'Booting Linux' uart.log)" = 2 ] && [ "$(grep -ac '^cell# ' uart.log)" -ge 2 ]
}
wait_until 200 booted_again
console_close cell1
shyper cell destroy uart >/dev/null || fail "destroy"
unchanged "$before"
echo "ok restart"
