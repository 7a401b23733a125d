#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --put build/guests/echo.img
#
# Two CPUs of one cell and one of another load from their echo regions 10,000
# times each, at the same time: each answer is right for its CPU, address and
# count.
. ./cell.sh
. ./payload.sh

are_served() {
	[ "$(sys cell1.echo0/attached)$(sys cell2.echo0/attached)" = 11 ]
}

all_wait() {
	[ "$(grep -c '^CPU[01]=echo0,' /sys/class/hvisor/cell1/virtio/pending)" = 2 ] &&
		grep -q '^CPU0=echo0,' /sys/class/hvisor/cell2/virtio/pending
}

# answered: of cell1 and of cell2 so far
answered() {
	echo "$(sys cell1.echo0/blocking) $(sys cell2.echo0/blocking)"
}

before=$(snapshot)
payload_create two echo 2
payload_create one echo 1
wait_until 20 are_served
# The backends sleep until all three CPUs wait: so all begin at once.
backends=("$(sys cell1.echo0/backend_pid)" "$(sys cell2.echo0/backend_pid)")
kill -STOP "${backends[@]}" || fail "no backends"
payload_start two
payload_start one
wait_until 20 all_wait
tail -n +1 /sys/class/hvisor/cell[12]/virtio/pending
kill -CONT "${backends[@]}"

# While neither has ended both go on, from one look to the next.
together=0
read -ra last < <(answered)
while state_is cell1 running && state_is cell2 running; do
	read -ra now < <(answered)
	if [ "${now[0]}" -gt "${last[0]}" ] && [ "${now[1]}" -gt "${last[1]}" ]; then
		together=$((together + now[0] - last[0] + now[1] - last[1]))
	fi
	last=("${now[@]}")
done
payload_verdict two echo 200
payload_verdict one echo 200
wait_until 10 state_is cell1 stopped
wait_until 10 state_is cell2 stopped
read -ra all < <(answered)
echo "loads answered: ${all[*]}; at least $together while both cells were at it"
[ "${all[0]}" -ge 20000 ] && [ "${all[1]}" -ge 10000 ] || fail "fewer loads than made"
[ "$together" -ge 10000 ] || fail "the two cells hardly loaded at the same time"
# Each cell has an interrupt of its own in root.
for cell in cell1 cell2; do
	line=$(grep -w "$cell" /proc/interrupts) || fail "$cell has no interrupt"
	echo "$line"
	# A number for each CPU that is online.
	count=$(awk '{ for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i; print n }' <<<"$line")
	[ "$count" -ge 1000 ] || fail "$cell: only $count interrupts"
done
payload_destroy two
payload_destroy one
unchanged "$before"
