#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# root-run: --timeout 600 --put build/programs/vsock --put build/programs/packets
# shellcheck disable=SC2016 # the guest's shell expands what is typed
#
# The guest's drivers on network and socket devices that offer one feature each, all,
# and none; what was offered, taken and made use of. All of them move data that is right.
. ./cell.sh
. ./features.sh

# What a cell sends, and gets back when root has all of it.
length=262144

bit=([event_idx]=29 [indirect_desc]=28 [csum]=0 [guest_csum]=1 [mtu]=3 [mac]=5 [guest_tso4]=7
	[guest_tso6]=8 [guest_ecn]=9 [host_tso4]=11 [host_tso6]=12 [host_ecn]=13 [mrg_rxbuf]=15
	[status]=16 [ctrl_vq]=17 [ctrl_rx]=18 [guest_announce]=21 [mq]=22 [ctrl_mac_addr]=23
	[seqpacket]=1)
# Nothing is filtered whose own address the device does not know, and only large packets
# take more than one buffer, or one of more than one page.
with=([ctrl_mac_addr]="ctrl_vq ctrl_rx" [ctrl_rx]="ctrl_vq mac" [indirect_desc]="guest_csum guest_tso4"
	[mrg_rxbuf]="guest_csum guest_tso4" [guest_announce]="ctrl_vq status" [mq]=ctrl_vq
	[guest_tso4]=guest_csum [guest_tso6]=guest_csum [guest_ecn]="guest_csum guest_tso4"
	[host_tso4]=csum [host_tso6]=csum [host_ecn]="csum host_tso4")
net=(event_idx indirect_desc csum guest_csum mtu mac guest_tso4 guest_tso6 guest_ecn host_tso4
	host_tso6 host_ecn mrg_rxbuf status ctrl_vq ctrl_rx guest_announce mq ctrl_mac_addr)
vsock=(event_idx indirect_desc seqpacket)

# run CELL KIND...: a cell with a network device of each kind, of which the first $own are
# served by the backend itself, others by root's kernel, and with socket devices of the
# kinds $sockets; it has sent and got its data by each network, and said so.
run() {
	local name=$1
	kinds=("${@:2}")
	describe "$name"
	shyper cell create ./features.json >/dev/null || fail "create"
	shyper cell start "$name" -t 120 >/dev/null || fail "start"
	console_open cell1
	cell_login cell1 200
	guest_file cell1 list
	guest_file cell1 guest.sh
	./packets cell1.net >passed &
	packets=$!
	cell_run cell1 400 "head -c $length /dev/urandom >/tmp/x; sh /tmp/guest.sh $((${#kinds[@]} - 1))" >said
	kill $packets
	wait $packets || fail "packets"
	memory_open cell1
}

# describe CELL: a line of the list is what the guest is to try: its interface and a
# number, the address that it was given, and what is more than data.
describe() {
	local devices='' list='' n kind mac vhost more name
	for ((n = 0; n < ${#kinds[@]}; n++)); do
		kind=${kinds[n]} more=
		mac=$(printf '02:00:00:00:01:%02x' "$n")
		vhost=$([ $n -lt $own ] && echo false || echo true)
		! offers "$kind" mtu || more="$more, \"mtu\": 1400"
		! offers "$kind" mq || more="$more, \"queue_pairs\": 2"
		devices="$devices, { \"type\": \"net\", \"name\": \"net$n\", \"bridge\": \"br0\", \"vhost\": $vhost,
			\"mac\": \"$mac\", \"queue_size\": 128, \"features\": $(withheld "$kind" "${net[@]}")$more }"
		list="$list$n $mac $(for name in ctrl_mac_addr guest_ecn host_ecn; do ! offers "$kind" $name || printf '%s,' $name; done)
"
	done
	for ((n = 0; n < ${#sockets[@]}; n++)); do
		devices="$devices, { \"type\": \"vsock\", \"name\": \"vsock$n\", \"cid\": $((10 + n)),
			\"features\": $(withheld "${sockets[n]}" "${vsock[@]}") }"
	done
	printf %s "$list" >list
	jq --argjson devices "[${devices#,}]" ".name = \"$1\""' | .cpus = 2 | .memory = "384M" | .devices += $devices |
		.boot.cmdline |= "quiet " + .' /etc/shyper/cells/small.json >features.json
}

modprobe bridge || fail "no modules"
ip link add br0 type bridge && ip addr add 10.0.2.15/24 dev br0 &&
	ip addr add fd00::f/64 dev br0 nodad && ip link set br0 up || fail "no bridge"
echo 1 >/proc/sys/net/ipv4/tcp_ecn
socat -t 30 TCP6-LISTEN:7,fork,reuseaddr,ipv6only=0 \
	SYSTEM:"head -c $length | tail -c $length" &
socat -U TCP-LISTEN:5000,reuseaddr OPEN:vsock,rdonly &

cat >guest.sh <<'EOF2'
# Of two pairs of queues the second is that of the second CPU.
data() {
	taskset $1 timeout 60 nc $3 7 </tmp/x | cmp -s - /tmp/x && printf "data$2 "
}
ect() {
	grep IpExt: /proc/net/netstat | tail -n 1 | cut -d" " -f17
}
echo 1 >/proc/sys/net/ipv4/tcp_ecn
while read -r n mac more; do
	e=eth$n s=/sys/class/net/eth$n
	printf "@$n "
	read -r is <$s/address
	[ $is = $mac ] && printf "mac "
	read -r is <$s/mtu
	[ $is = 1400 ] && printf "mtu "
	echo 0 >/proc/sys/net/ipv6/conf/$e/accept_dad
	ifconfig $e 10.0.2.$((n + 20)) netmask 255.255.255.0 up
	ifconfig $e add fd00::$((n + 20))/64
	case $more in *ctrl_mac_addr*) ifconfig $e hw ether 02:00:00:00:02:$((n + 20)) ;; esac
	case $more in *ecn*) was=$(ect) ;; esac
	data 1 4 10.0.2.15
	case $more in *ecn*) [ $(ect) -gt $was ] && printf "ecn " ;; esac
	data 2 6 fd00::f
	echo
	[ $n = $1 ] || ifconfig $e down
done </tmp/list
EOF2

# attribute NAME: of $device
attribute() {
	local value
	read -r value <"/sys/class/hvisor/$device/$1"
	echo "$value"
}

# bits_are NAME...: offered and taken is what a device of this $kind shall offer
bits_are() {
	printf '%-6s %-15s %-12s %-12s%s\n' "$way" "$kind" "$(attribute features)" "$taken" "$got"
	expect "$way $kind: offered and taken" "$(attribute features) $taken" \
		"$(wanted "$kind" "$@") $(wanted "$kind" "$@")"
}

# one_buffer_each: as many were given back as packets were received
one_buffer_each() {
	local used
	used=$(attribute queue0/used_idx)
	[ ! -e "/sys/class/hvisor/$device/queue3" ] || used=$((used + $(attribute queue2/used_idx)))
	[ "$used" = "$(attribute reads)" ]
}

# passed: what packets on the tap tell, and queues of what the backend itself has served
passed() {
	local packets sums tso4 tso6 out_packets out_sums out_tso4 out_tso6
	read -r _ packets sums tso4 tso6 out_packets out_sums out_tso4 out_tso6 < <(grep "^$device " passed)
	got="$got($packets to root, $out_packets from it) "
	[ "$sums" = 0 ] || got="${got}csum "
	[ "$out_sums" = 0 ] || got="${got}guest_csum "
	[ "$tso4" = 0 ] || got="${got}host_tso4 "
	[ "$tso6" = 0 ] || got="${got}host_tso6 "
	[ "$out_tso4" = 0 ] || got="${got}guest_tso4 "
	[ "$out_tso6" = 0 ] || got="${got}guest_tso6 "
	! has_event $device 1 || got="${got}event_idx "
	! has_tables $device 0 || got="${got}indirect_desc "
	[ "$way" = net ] || return 0
	[ ! -e "/sys/class/hvisor/$device/queue3" ] || [ "$(attribute queue3/used_idx)" = 0 ] || got="${got}mq "
	case $kind in
	mrg_rxbuf | all) one_buffer_each || got="${got}mrg_rxbuf " ;;
	*) wait_until 5 one_buffer_each ;;
	esac
}

# used NAME...: what of these was taken was made use of, and nothing else
used() {
	local name has
	for name; do
		has=0
		[[ $got != *" $name "* ]] || has=1
		expect "$way $kind: $name" $has $((taken >> bit[$name] & 1))
	done
}

# compare: each of the networks of the cell
compare() {
	local n
	for ((n = 0; n < ${#kinds[@]}; n++)); do
		kind=${kinds[n]} device=cell1.net$n
		way=$([ $n -lt $own ] && echo net || echo vhost)
		got=" $(sed -n "s/^@$n //p" said) "
		taken=$(attribute driver_features)
		passed
		bits_are "${net[@]}"
		[[ $got = *" data4 "*"data6 "* ]] || fail "$way $kind: wrong data"
		used mac mtu csum guest_csum guest_tso4 guest_tso6 host_tso4 host_tso6
		[ "$way" = vhost ] || used mq mrg_rxbuf
		used event_idx
		# With MRG_RXBUF a buffer to receive into is a page.
		((taken >> bit[mrg_rxbuf] & 1)) || used indirect_desc
		! ((taken >> bit[host_ecn] & 1 | taken >> bit[guest_ecn] & 1)) || [[ $got = *" ecn "* ]] ||
			fail "$way $kind: no ECN"
		commands=$(attribute others)
		if ((taken >> bit[ctrl_rx] & 1 | taken >> bit[ctrl_mac_addr] & 1 | taken >> bit[mq] & 1)); then
			[ "$commands" -gt 0 ] || fail "$way $kind: no command"
		else
			expect "$way $kind: commands" "$commands" 0
		fi
		[ "$way" = vhost ] || expect "$way $kind: errors" "$(attribute errors)" 0
	done
}

printf '%-6s %-15s %-12s %-12s %s\n' DEVICE KIND OFFERED TAKEN 'MADE USE OF'
kinds=(all none "${net[@]}")
own=${#kinds[@]} sockets=(all none "${vsock[@]}")
run features "${kinds[@]}" all none mrg_rxbuf
compare
echo "ok net"

# announced: more commands than there were
announced() {
	[ "$(attribute others)" -gt "$commands" ]
}

carrier_is() {
	[ "$(cell_run cell1 10 "cat /sys/class/net/eth$n/carrier")" = "$1" ]
}

# strangers_come: packets for somebody else reach the guest
strangers_come() {
	local reads _
	cell_run cell1 10 "ifconfig eth$n up" >/dev/null
	reads=$(attribute reads)
	bridge fdb replace 02:00:00:00:00:99 dev $device master static
	for _ in {1..10}; do
		echo >/dev/udp/10.0.2.99/9
	done
	# What comes behind them is there.
	busybox ping -q -c 1 -W 5 10.0.2.$((n + 20)) >/dev/null || fail "$kind: no answer"
	reads=$(($(attribute reads) - reads))
	cell_run cell1 10 "ifconfig eth$n down" >/dev/null
	[ $reads -ge 10 ]
}

# A driver that does not want what is for others gets none of it; its own address the
# device has from the driver alone, if it has offered none.
ip neigh add 10.0.2.99 lladdr 02:00:00:00:00:99 dev br0
last=eth$((${#kinds[@]} - 1))
cell_run cell1 10 "ifconfig $last down" >/dev/null
for ((n = 0; n < own; n++)); do
	kind=${kinds[n]} device=cell1.net$n
	case $kind in
	all | ctrl_rx | ctrl_mac_addr) ! strangers_come || fail "$kind: packets for others" ;;
	none | mac) strangers_come || fail "$kind: no packets for others" ;;
	esac
done
cell_run cell1 10 "ifconfig $last up" >/dev/null
echo "ok net-filter"

for ((n = 0; n < own; n++)); do
	kind=${kinds[n]} device=cell1.net$n
	case $kind in
	all | guest_announce)
		cell_run cell1 10 "ifconfig eth$n up" >/dev/null
		commands=$(attribute others)
		backend_kill $device
		wait_until 10 announced
		echo "$kind: announced"
		;;
	status | none)
		cell_run cell1 10 "ifconfig eth$n up" >/dev/null
		wait_until 10 carrier_is 1
		shyper device set features.net$n link=down || fail "link=down"
		wait_until 10 carrier_is $([ $kind = status ] && echo 0 || echo 1)
		;;
	esac
done
echo "ok net-status"

cell_run cell1 60 'nc 10.0.2.15 5000 </dev/null >/bin/vsock && chmod +x /bin/vsock &&
	{ vsock echo 5000 & vsock echo-packets 5001 & }' >/dev/null || fail "no program in the guest"
# echoes CID: what the guest sends back is what it was sent
echoes() {
	socat -t 30 - "VSOCK-CONNECT:$1:5000" <vsock | cmp - vsock
}

for ((n = 0; n < ${#sockets[@]}; n++)); do
	kind=${sockets[n]} device=cell1.vsock$n way=vsock got=' '
	cell_run cell1 20 "cd /sys/bus/virtio/drivers/vmw_vsock_virtio_transport; for d in virtio*; do echo \$d >unbind; done; \
echo virtio$((1 + ${#kinds[@]} + n)) >bind" >/dev/null || fail "vsock $kind: no driver"
	taken=$(attribute driver_features)
	# Its program may not listen yet.
	[ $n != 0 ] || wait_until 10 echoes 10
	echoes $((10 + n)) && got="${got}data "
	./vsock ask $((10 + n)) 5001 2>said && got="${got}seqpacket "
	! has_event $device 1 || got="${got}event_idx "
	! has_tables $device 1 || got="${got}indirect_desc "
	bits_are "${vsock[@]}"
	[[ $got = *" data "* ]] || fail "vsock $kind: wrong data"
	used event_idx indirect_desc
	has=0
	[[ $got != *" seqpacket "* ]] || has=1
	expect "vsock $kind: seqpacket $(cat said)" $has $((taken >> bit[seqpacket] & 1))
done
echo "ok vsock"
console_close cell1
shyper cell destroy features >/dev/null || fail "destroy"

# A cell has no room for more: once more what root's kernel has to know of rings.
own=0 sockets=()
run rings event_idx indirect_desc
compare
echo "ok net-rings"
console_close cell1
shyper cell destroy rings >/dev/null || fail "destroy"
