# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the cases share that have a network: a bridge with root's card, cells on
# it, and streams of known bytes. Sourced after cell.sh.

# volume MIB: what is to be sent in one go; `make soak` gives another figure
volume() {
	cat mib 2>/dev/null || echo "$1"
}

ping() {
	busybox ping "$@"
}

# answers ADDRESS: who has just come back may need a second attempt
answers() {
	ping -q -c 1 -W 1 "$1" >/dev/null
}

card_is_there() {
	ls -d /sys/class/net/*/device >/dev/null
}

# bridge_up: br0 with root's card in it; root is 10.0.2.15. What is for a cell whose
# tap is away may not go out to QEMU's network, which resets connections of others.
bridge_up() {
	local card
	modprobe -a virtio_net bridge || fail "no modules"
	wait_until 10 card_is_there
	# udev gives it another name.
	udevadm settle --timeout=30
	card=$(basename "$(dirname "$(ls -d /sys/class/net/*/device)")")
	ip link add br0 type bridge && ip link set "$card" master br0 up &&
		bridge link set dev "$card" flood off &&
		ip addr add 10.0.2.15/24 dev br0 && ip link set br0 up || fail "no bridge"
	head -c 1048576 /dev/urandom >/tmp/block
	socat -U TCP-LISTEN:5000,fork,reuseaddr OPEN:/tmp/block,rdonly &
}

# cell_config NAME JQ: a small cell with a network device on br0.
cell_config() {
	jq ".name = \"$1\" | .boot.cmdline |= \"quiet \" + . | $2" \
		/etc/shyper/cells/net.json >"/root/$1.json"
}

# no_network NAME CELL: what both ends say of it
no_network() {
	tail -c 1000 "/tmp/$2.out" >&2
	bridge -s link show >&2
	grep -s . "/sys/class/hvisor/$2.net0/"{attached,driver_status,driver_features,reads,writes,errors} >&2
	journalctl -q -n 20 -u "shyper-net@$2.net0" >&2
	fail "$1: no network"
}

# cell_up NAME CELL ADDRESS: created, started, with its address; it serves what
# root has given it, so many times, at /cgi-bin/stream?MIB. A number before each MiB
# makes it another one: none can be lost or come twice, or two change places, unseen.
cell_up() {
	shyper cell create "/root/$1.json" || fail "$1: create"
	shyper cell start "$1" || fail "$1: start"
	console_open "$2"
	cell_login "$2" 120
	cell_run "$2" 60 "ip addr add 10.0.2.$3/24 dev eth0 && ip link set eth0 up; \
until ping -c 1 -W 1 10.0.2.15 >/dev/null; do :; done; nc 10.0.2.15 5000 >/tmp/block </dev/null; \
mkdir -p /srv/cgi-bin; echo '#!/bin/sh' >/srv/cgi-bin/stream; chmod +x /srv/cgi-bin/stream; \
echo 'echo; seq \$QUERY_STRING | while read n; do echo \$n; cat /tmp/block; done' >>/srv/cgi-bin/stream; \
httpd -h /srv; wc -c </tmp/block" |
		grep -q '1048576$' || no_network "$1" "$2"
}

# stream_sum MIB: of what a cell serves
stream_sum() {
	local sum
	sum=$(seq "$1" | while read -r n; do echo "$n"; cat /tmp/block; done | md5sum)
	echo "${sum%% *}"
}

# cell_to_root CELL ADDRESS MIB SUM
cell_to_root() {
	local sum
	sum=$(busybox wget -q -O - "http://10.0.2.$2/cgi-bin/stream?$3" | md5sum)
	expect "$1 to root" "${sum%% *}" "$4"
}

# cell_gets CELL SECONDS ADDRESS MIB SUM: from another cell
cell_gets() {
	local said
	said=$(cell_run "$1" "$2" "wget -q -O - 'http://10.0.2.$3/cgi-bin/stream?$4' | md5sum")
	expect "10.0.2.$3 to $1" "${said%% *}" "$5"
}

# http_to_cell CELL BYTES SECONDS
http_to_cell() {
	local said
	said=$(cell_run "$1" "$3" "wget -q -O - http://10.0.2.100/$2.md5; wget -q -O - http://10.0.2.100/$2 | md5sum" | tr -d ' -' | sort -u)
	grep -qxE '[0-9a-f]{32}' <<<"$said" || fail "HTTP to $1: $said"
}

# iperf_up CELL: a server in root, $iperf, and the program in the cell, which has none: it
# gets root's, with all that it is linked to.
iperf_up() {
	local files said
	mapfile -t files < <(ldd /usr/bin/iperf3 | grep -o '/[^ ]*')
	tar -C / -chf /tmp/iperf3.tar usr/bin/iperf3 "${files[@]#/}"
	socat -U TCP-LISTEN:5003,reuseaddr OPEN:/tmp/iperf3.tar,rdonly &
	iperf3 -s >/dev/null 2>&1 &
	iperf=$!
	said=$(cell_run "$1" 60 'until nc 10.0.2.15 5003 </dev/null | tar -x -C /; do :; done
ln -s /usr/bin/iperf3 /bin && iperf3 -v') ||
		fail "no iperf3 in the cell: $said"
}

# iperf_tcp CELL OPTION...: from it to root
iperf_tcp() {
	local rate
	rate=$(cell_run "$1" 60 "iperf3 -c 10.0.2.15 -f m ${*:2}" | sed -n 's/.* \([0-9.]*\) Mbits.*receiver.*/\1/p')
	[ -n "$rate" ] && [ "$rate" != 0.00 ] || fail "no TCP"
	echo "TCP: $rate Mbit/s"
}

# sent_more TAP BYTES: by its guest, than what it had sent before; a new tap is at 0
sent_more() {
	local bytes
	read -r bytes <"/sys/class/net/$1/statistics/rx_bytes"
	[ $((bytes - $2)) -ge 262144 ]
}

# goes_on TAP: waits until its guest sends
goes_on() {
	wait_until 60 sent_more "$1" "$(cat "/sys/class/net/$1/statistics/rx_bytes")"
}
