#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --net --timeout 600
#
# Two cells whose packets go through root's kernel (vhost-net): byte for byte, no
# CPU time of any backend, its death in the middle included; exits for each MiB;
# UDP at 80 % of the highest rate that loses nothing.
. ./cell.sh
. ./net.sh

# ticks PID: its CPU time, user and system
ticks() {
	cut -d' ' -f14,15 "/proc/$1/stat"
}

# backends: CPU time of both
backends() {
	ticks "$(backend_pid cell1.net0)"
	ticks "$(backend_pid cell2.net0)"
}

# workers: CPU time of both, in the kernel
workers() {
	local pid system sum=0
	for pid in $(pgrep '^vhost-'); do
		read -r _ system <<<"$(ticks "$pid")"
		sum=$((sum + system))
	done
	echo $sum
}

before=$(snapshot)
bridge_up
mapfile -t files < <(ldd /usr/bin/iperf3 | grep -o '/[^ ]*')
tar -C / -chf /tmp/iperf3.tar usr/bin/iperf3 "${files[@]#/}"
socat -U TCP-LISTEN:5003,reuseaddr OPEN:/tmp/iperf3.tar,rdonly &
cell_config one '.devices[1].vhost = true'
cell_config two '.'
cell_up one cell1 16
cell_up two cell2 17
[ "$(pgrep -c '^vhost-')" = 2 ] || fail "no worker: $(pgrep -l vhost)"
echo "ok workers"

mib=$(volume 16)
sum=$(stream_sum "$mib")
used=$(backends) worked=$(workers)
exits="$(sys cell1.net0/exits) $(sys cell2.net0/exits)"
cell_gets cell2 $((90 + 4 * mib)) 16 "$mib" "$sum"
read -r one two <<<"$exits"
echo "$mib MiB from cell to cell: exits per MiB: sender $((($(sys cell1.net0/exits) - one) / mib))," \
	"receiver $((($(sys cell2.net0/exits) - two) / mib))"
cell_to_root cell2 17 "$mib" "$sum"
http_to_cell cell1 $((mib << 20)) $((90 + 4 * mib))
expect "CPU time of the backends" "$(backends)" "$used"
worked=$(($(workers) - worked))
echo "CPU time of the backends: none; of the kernel's workers: $((worked * 1000 / $(getconf CLK_TCK))) ms"
[ $worked -gt 0 ] || fail "no CPU time of the workers"
echo "ok bulk"

# What a cell sends for 2 s at so many Mbit/s: "RATE LOST TOTAL" as root has got it.
udp() {
	cell_run cell1 30 "iperf3 -c 10.0.2.15 -u -b ${1}M -l 1400 -t 2 -f m | grep receiver" |
		sed -n 's/.* \([0-9]*\)[.0-9]* Mbits.* \([0-9]*\)\/\([0-9]*\) (.*/\1 \2 \3/p'
}

# A cell has no iperf3: it gets root's, with all that it is linked to.
cell_run cell1 60 'nc 10.0.2.15 5003 </dev/null | tar -x -C / && ln -s /usr/bin/iperf3 /bin && iperf3 -v' >said ||
	fail "no iperf3 in the cell: $(cat said)"
iperf3 -s >/dev/null 2>&1 &
server=$!
sleep 1
rate=$(cell_run cell1 60 "iperf3 -c 10.0.2.15 -n 8M -f m" | sed -n 's/.* \([0-9.]*\) Mbits.*receiver.*/\1/p')
[ -n "$rate" ] || fail "no TCP"
echo "TCP: $rate Mbit/s"
best=0
for rate in 2 4 8 16 32 64 128 256 512; do
	read -r got lost total <<<"$(udp $rate)"
	echo "UDP at $rate Mbit/s: $got Mbit/s, $lost of $total packets lost"
	[ "${lost:-1}" = 0 ] && best=$rate || break
	[ "$got" -ge $((rate * 8 / 10)) ] || break
done
[ "$best" -gt 0 ] || fail "UDP loses packets at any rate"
read -r got lost total <<<"$(udp $((best * 8 / 10)))"
echo "UDP at 80 % of $best Mbit/s: $got Mbit/s, $lost of $total packets lost"
[ $((lost * 100)) -le "$total" ] || fail "UDP: $lost of $total packets lost"
kill $server
echo "ok udp"

# The worker goes with the backend; the next one goes on where it was.
mib=$(volume 24)
sum=$(stream_sum "$mib")
cell_post cell2 "wget -q -O - 'http://10.0.2.16/cgi-bin/stream?$mib' | md5sum"
for device in cell1.net0 cell2.net0 cell1.net0; do
	goes_on cell1.net0
	backend_kill $device
done
said=$(cell_result cell2 $((120 + 4 * mib))) || fail "the transfer ended: $said"
expect "sum" "${said%% *}" "$sum"
echo "ok killed"

# From the kernel to the backend itself and back, and a link that is down.
for vhost in false true; do
	sys cell1.net0/config | jq -c --arg memory "$(sys cell1/memory_regions | sed -n '1s/^[^=]*=//p')" \
		".vhost = $vhost | .cell_memory = \$memory" >/run/shyper/cell1.net0.json
	backend_kill cell1.net0 HUP
	ping -q -c 3 -i 0.2 -W 5 10.0.2.16 >/dev/null || fail "no answer with vhost $vhost"
done
shyper device set one.net0 link=down || fail "link=down"
ping -q -c 1 -W 1 10.0.2.16 >/dev/null && fail "answers with its link down"
shyper device set one.net0 link=up || fail "link=up"
ping -q -c 3 -i 0.2 -W 5 10.0.2.16 >/dev/null || fail "no answer with its link up again"
echo "ok changed"

# A guest that resets its device finds it working again.
cell_run cell2 30 'cd /sys/bus/virtio/drivers/virtio_net && d=$(ls -d virtio*) && echo $d >unbind &&
echo $d >bind && ip addr add 10.0.2.17/24 dev eth0 && ip link set eth0 up' || fail "no new driver"
ping -q -c 3 -i 0.2 -W 5 10.0.2.17 >/dev/null || fail "no answer after a reset"
echo "ok reset"

console_close cell1
console_close cell2
shyper cell destroy one || fail "destroy"
shyper cell destroy two || fail "destroy"
unchanged "$before"
expect "workers" "$(pgrep -c '^vhost-')" 0
echo "ok gone"
