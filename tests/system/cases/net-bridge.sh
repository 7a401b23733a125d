#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --net --cpus 5 --timeout 600
#
# Two cells on a bridge with root's card, their packets moved by the backends: to
# root, to each other and beyond, byte for byte; also while a backend is killed
# again and again. One is told to, on a tap that root keeps, and has two pairs of
# queues; the other makes its tap, and finds no vhost-net. Links go down and up,
# addresses are filtered.
. ./cell.sh
. ./net.sh

carrier_is() {
	[ "$(cell_run "$1" 10 'cat /sys/class/net/eth0/carrier')" = "$2" ]
}

reads_grew() {
	[ $(($(sys cell2.net0/reads) - reads)) -ge "$1" ]
}

# kept: what the tap is that root keeps
kept() {
	cat /sys/class/net/kept0/{ifindex,address,master/ifindex}
}

before=$(snapshot)
# Neither udev's rule nor whoever opens the node may load it.
[ ! -e /sys/module/vhost_net ] || fail "vhost-net is there"
rm "$(modinfo -n vhost_net)" && rm -f /dev/vhost-net || fail "vhost-net cannot be taken away"
cell_config one '.cpus = 2 | .devices[1].vhost = false | .devices[1].tap = "kept0" | .devices[1].queue_pairs = 2'
cell_config two '.devices[1].mac = "02:00:00:00:00:02" | .devices[1].mtu = 1400'
shyper cell create /root/one.json 2>said && fail "created without a bridge"
grep -q '/devices/1/bridge: there is no bridge "br0" in the root cell' said || fail "$(cat said)"
echo "ok no-bridge"

bridge_up
modprobe tun && ip tuntap add kept0 mode tap multi_queue && ip link set kept0 master br0 || fail "no tap"
kept=$(kept)
cell_up one cell1 16
cell_up two cell2 17
journalctl -q -u shyper-net@cell2.net0 | grep -q 'serves packets itself: /dev/vhost-net' || fail "vhost-net is there"
mac=$(cell_run cell1 10 'cat /sys/class/net/eth0/address')
grep -qxE '.[26ae](:..){5}' <<<"$mac" || fail "derived address $mac"
expect "own address" "$(cell_run cell2 10 'cat /sys/class/net/eth0/address')" 02:00:00:00:00:02
expect "mtu" "$(cell_run cell2 10 'cat /sys/class/net/eth0/mtu') $(cat /sys/class/net/cell2.net0/mtu)" "1400 1400"
echo "ok addresses"

# What was offered, all of it taken by the driver but MTU by the first.
expect "features" "$(sys cell2.net0/features)" "$(sys cell2.net0/driver_features)"
echo "features: $(sys cell1.net0/features), taken by the driver: $(sys cell1.net0/driver_features)"
expect "queues of the tap" "$(find /sys/class/net/kept0/queues -name 'rx-*' | wc -l)" 2
expect "queues of the guest" "$(cell_run cell1 10 'ls -d /sys/class/net/eth0/queues/rx-* | wc -l')" 2
echo "ok features"

ping -q -c 3 -i 0.2 10.0.2.16 >/dev/null || fail "root to one"
cell_run cell1 20 'ping -q -c 3 -i 0.2 10.0.2.17' >/dev/null || fail "one to two"
echo "ok ping"

mib=$(volume 4)
sum=$(stream_sum "$mib")
cell_to_root cell1 16 "$mib" "$sum"
cell_gets cell2 $((60 + 4 * mib)) 16 "$mib" "$sum"
http_to_cell cell2 $((mib << 20)) $((60 + 4 * mib))
echo "ok bulk"

iperf_up cell2
iperf_tcp cell2 -t 2
kill "$iperf"
echo "ok iperf"

# Frames for somebody else flood the bridge; a driver that does not want them gets none.
ip neigh add 10.0.2.99 lladdr 02:00:00:00:00:99 dev br0
reads=$(sys cell2.net0/reads)
ping -q -c 20 -i 0.02 -W 1 10.0.2.99 >/dev/null
reads_grew 20 && fail "frames for somebody else came through the filter"
cell_run cell2 10 'ifconfig eth0 promisc'
reads=$(sys cell2.net0/reads)
ping -q -c 20 -i 0.02 -W 1 10.0.2.99 >/dev/null
wait_until 5 reads_grew 20
cell_run cell2 10 'ifconfig eth0 -promisc'
echo "ok filter"

shyper device set two.net0 link=down || fail "link=down"
wait_until 10 carrier_is cell2 0
ping -q -c 1 -W 1 10.0.2.17 >/dev/null && fail "answers with its link down"
shyper device set two.net0 link=up || fail "link=up"
wait_until 10 carrier_is cell2 1
wait_until 20 answers 10.0.2.17
echo "ok link"

# Both ends lose their backends in the middle of the transfer.
mib=$(volume 32)
sum=$(stream_sum "$mib")
cell_post cell2 "wget -q -O - 'http://10.0.2.16/cgi-bin/stream?$mib' | md5sum"
for _ in 1 2; do
	goes_on kept0
	backend_kill cell1.net0
	backend_kill cell2.net0
done
said=$(cell_result cell2 $((120 + 4 * mib))) || fail "the transfer ended: $said"
expect "sum" "${said%% *}" "$sum"
expect "bad chains" "$(sys cell1.net0/bad_chains) $(sys cell2.net0/bad_chains)" "0 0"
expect "the tap of root" "$(kept)" "$kept"
echo "ok killed"

console_close cell1
console_close cell2
shyper cell destroy one || fail "destroy"
shyper cell destroy two || fail "destroy"
[ ! -e /sys/class/net/cell2.net0 ] || wait_until 20 test ! -e /sys/class/net/cell2.net0
expect "the tap of root" "$(kept)" "$kept"
echo "ok kept-tap"
cell_config one '.devices[1].vhost = false'
cell_up one cell1 16
expect "the same address again" "$(cell_run cell1 10 'cat /sys/class/net/eth0/address')" "$mac"
console_close cell1
shyper cell destroy one || fail "destroy"
unchanged "$before"
echo "ok the-same-again"
